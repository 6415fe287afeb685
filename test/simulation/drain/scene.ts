/** The cluster of a drain in simulated time, and what is observed of it for the checks. */
import type { Instance } from '@nightshift/lab/world/aws/index.ts';
import { createKubernetes } from '@nightshift/lab/world/kubernetes/index.ts';
import { controllerOf, isPodFinished, type PodObject } from '@nightshift/lab/world/kubernetes/objects.ts';
import { MARKS_ANNOTATION } from '#functions/adapters/kubernetes/drain-cluster.ts';
import type { WatchdogCheck } from '#functions/spot-drain/ports.ts';
import type { Decision } from '#model/decision.ts';
import { createSharedWorld, type SharedWorld } from '../shared-world.ts';
import type { WorldOptions } from '../story.ts';
import { populate } from './populate.ts';
import type { Scenario } from './scenario.ts';

export interface DrainWorldOptions extends WorldOptions<Scenario> {
  readonly shared?: SharedWorld;
}

export type Scene = ReturnType<typeof createScene>;

export function createScene(options: DrainWorldOptions) {
  const { scenario, random, violate, exercise } = options;
  const { settings } = scenario;
  const start = new Date(scenario.start);
  const { clock, context, aws, table } =
    options.shared ?? createSharedWorld({ start, seed: scenario.seed, settle: options.settle });
  const scope = { account: settings.account, region: settings.region };
  const cluster = aws.addCluster({ ...scope, name: settings.cluster });
  const kubernetes = createKubernetes(context, {
    ...scope,
    cluster: settings.cluster,
    ...(options.shared?.images ? { images: options.shared.images } : {}),
    ...(scenario.backAfter === undefined
      ? {}
      : {
          // Until it is terminated it may run again, and its node stays.
          isStopped: (id: string) =>
            ['stopping', 'stopped', 'pending', 'running'].includes(
              aws.ec2.describe(scope, [id])[0]?.state ?? '',
            ),
        }),
  });
  aws.attachNodes(cluster, kubernetes);

  /** Every instance that ever ran, also after it is gone. */
  const seen = new Map<
    string,
    {
      readonly node: string;
      readonly runsSince: number;
      /** It was stopped, and runs again since then. */
      readonly runsAgain: boolean;
      goneAt?: number;
      cordoned?: boolean;
      /** Pods that were running on it when it went, and that nobody had asked to go. */
      unasked?: readonly string[];
      /** AWS took it two minutes after its notice. */
      isTaken?: boolean;
    }
  >();
  context.signals.on('instance-running', (view) => {
    if (view.cluster === settings.cluster)
      seen.set(view.id, {
        node: view.privateDnsName,
        runsSince: clock.now(),
        runsAgain: seen.has(view.id),
      });
  });
  /** When the group of an instance began to terminate it, also where that event is lost. */
  const terminatingSince = new Map<string, number>();
  /** When AWS announced that it takes an instance. */
  const interruptedAt = new Map<string, number>();
  /** The newest lifecycle action of each instance, by its token. */
  const actions = new Map<string, string>();
  context.signals.on('event', (event) => {
    if (event.detail['instance-action'] === 'terminate')
      interruptedAt.set(String(event.detail['instance-id']), clock.now());
    if (event['detail-type'] === 'EC2 Instance-terminate Lifecycle Action')
      terminatingSince.set(String(event.detail['EC2InstanceId']), clock.now());
    if (event['detail-type'] === 'EC2 Instance-terminate Lifecycle Action')
      actions.set(String(event.detail['EC2InstanceId']), String(event.detail['LifecycleActionToken']));
  });
  context.signals.on('instance-gone', (view) => {
    const one = seen.get(view.id);
    if (!one) return;
    const node = kubernetes.api.find('nodes', undefined, one.node);
    one.goneAt = clock.now();
    if (node) one.cordoned = node.spec?.unschedulable === true;
    one.isTaken = clock.now() - (interruptedAt.get(view.id) ?? clock.now()) >= FULL_NOTICE_MS;
    one.unasked = movableOn(one.node)
      .filter((pod) => !pod.metadata.deletionTimestamp && !isPodFinished(pod) && isOld(pod))
      .map((pod) => pod.metadata.name);
  });

  const movableOn = (node: string) => kubernetes.podsOn(node).filter(isMovable);
  const isOld = (pod: PodObject) =>
    Date.parse(pod.metadata.creationTimestamp ?? '') < clock.now() - NOTICE_MS;

  populate({ scenario, aws, cluster, kubernetes });

  const instanceAt = (node: string): Instance | undefined =>
    aws.instances(cluster).find((one) => one.view.privateDnsName === node);
  const nodes = () => kubernetes.api.store.all('nodes');
  const isOurs = (node: string) =>
    kubernetes.api.find('nodes', undefined, node)?.metadata.annotations?.[MARKS_ANNOTATION] !== undefined;

  const nightSince = { at: undefined as number | undefined };
  /** How many pods that a drain evicts have left each node. */
  const gone = new Map<string, number>();
  kubernetes.api.subscribe(({ resource, type, object }) => {
    if (resource.key !== 'pods' || type !== 'DELETED') return;
    const pod = object as PodObject;
    const node = pod.spec?.nodeName;
    if (node && isMovable(pod)) gone.set(node, (gone.get(node) ?? 0) + 1);
  });

  return {
    scenario,
    random,
    violate,
    exercise,
    clock,
    context,
    aws,
    table,
    scope,
    cluster,
    kubernetes,
    seen,
    terminatingSince,
    /** An action may be completed by its instance instead of its token. */
    tokenOf: (input: Readonly<Record<string, unknown>>) =>
      String(input['LifecycleActionToken'] ?? actions.get(String(input['InstanceId']))),
    /** Where the messages of the watchdog go. */
    watchdogs: { deliver: (_check: WatchdogCheck): void => undefined },
    /** When night-schedule began to stop the workers. */
    nightSince,
    /** Whether night-schedule stops the workers just now. */
    nightStop: {
      isOn: () => nightSince.at !== undefined,
      /** night-schedule has written it down: the first group may still be at its size. */
      isRecorded: () => nightSince.at !== undefined,
    },
    /** While an admission webhook denies evictions. */
    webhook: { status: undefined as 400 | 403 | 500 | undefined, until: 0 },
    /** Nodes whose kubelet died, and when. */
    deadSince: new Map<string, number>(),
    /** Instances with an announced change, and the earliest day that it was announced for. */
    changes: new Map<string, number>(),
    /** What an invocation has learnt of the change of an instance: the time of the newest event, and its date. */
    known: new Map<string, { readonly at: number; readonly startsAt: number | undefined }>(),
    gone,
    /** When the program last wrote a node, by its name. */
    patchedAt: new Map<string, number>(),
    instanceAt,
    nodes,
    isOurs,
    movableOn,
    /** Recorded by spot-drain. */
    decisions: [] as Decision[],
    /** When Auto Scaling accepted our CONTINUE, by the token of the action. */
    completions: new Map<string, number>(),
    when: () => clock.date().toISOString(),
  };
}

/** Whoever else ends the instance does so earlier. */
const FULL_NOTICE_MS = 118_000;
/** A pod that was placed after the notice came was not on the node when it was cordoned. */
const NOTICE_MS = 125_000;

function isMovable(pod: PodObject): boolean {
  return controllerOf(pod)?.kind !== 'DaemonSet';
}
