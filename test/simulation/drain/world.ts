/** The lab's AWS and Kubernetes in simulated time, spot-drain's ports in front of them, and eyes on what they do. */

import type { Instance } from '@nightshift/lab/world/aws/index.ts';
import { budgetsOf } from '@nightshift/lab/world/kubernetes/eviction.ts';
import { createKubernetes } from '@nightshift/lab/world/kubernetes/index.ts';
import { controllerOf, isPodFinished, type PodObject } from '@nightshift/lab/world/kubernetes/objects.ts';
import { createInstanceGroups, createLifecycle } from '#functions/adapters/aws/lifecycle.ts';
import { createClaims, createCordons, createNodeNames } from '#functions/adapters/dynamodb/drain-claims.ts';
import { createNightReader } from '#functions/adapters/dynamodb/night-reader.ts';
import { DRAIN, instanceKey, NIGHT, STATE_KEY } from '#functions/adapters/dynamodb/table-keys.ts';
import { createDrainCluster, MARKS_ANNOTATION } from '#functions/adapters/kubernetes/drain-cluster.ts';
import { createCordonGate } from '#functions/spot-drain/cordon.ts';
import type { Ports, WatchdogCheck } from '#functions/spot-drain/ports.ts';
import type { Claim } from '#functions/spot-drain/records.ts';
import type { ClusterState } from '#model/cluster-state.ts';
import type { Decision } from '#model/decision.ts';
import type { Pass } from '../faults.ts';
import { createGround, type Ground } from '../ground.ts';
import { createPortCalls } from '../port-calls.ts';
import type { WorldOptions } from '../story.ts';
import { type AutoScalingApi, createAutoScalingApi } from './auto-scaling-api.ts';
import { type Ask, createKubernetesApi } from './kubernetes-api.ts';
import type { Scenario } from './scenario.ts';

export type DrainWorld = ReturnType<typeof createDrainWorld>;

/** What spot-drain may ask of Auto Scaling. */
const ITS_CALLS = new Set([
  'DescribeAutoScalingGroups',
  'DescribeAutoScalingInstances',
  'DescribeLifecycleHooks',
  'CompleteLifecycleAction',
  'RecordLifecycleActionHeartbeat',
  'DetachInstances',
]);
/** Of a spot notice: five seconds are kept, and two for a deletion to reach the kubelet. Events tell whole seconds. */
const NOTICE_MS = 120_000;
const KEPT_MS = 5_000;
const FORCE_MARGIN_MS = 2_000;
const ROUNDING_MS = 1_000;

/** What one attempt of the function did, for the checks at its end. */
export interface Deeds {
  readonly marked: Set<string>;
  readonly unmarked: Set<string>;
  /** Instances. */
  readonly completed: Set<string>;
  /** Tokens of the actions whose completion was confirmed to this attempt. */
  readonly confirmed: Set<string>;
  readonly began: number;
  readonly decisions: Decision[];
  /** Errors that must be heard of: nothing in the function may swallow them. */
  loud: number;
}

export interface Process {
  readonly ports: Ports;
  readonly autoScaling: AutoScalingApi;
}

export function createDrainWorld(options: WorldOptions<Scenario> & { readonly ground?: Ground }) {
  const { scenario, chance, violate, exercise } = options;
  const { settings } = scenario;
  const start = new Date(scenario.start);
  const { clock, context, aws, table } =
    options.ground ?? createGround({ start, seed: scenario.seed, settle: options.settle });
  const scope = { account: settings.account, region: settings.region };
  const cluster = aws.addCluster({ ...scope, name: settings.cluster });
  const kubernetes = createKubernetes(context, {
    ...scope,
    cluster: settings.cluster,
    ...(scenario.backAfter === undefined
      ? {}
      : {
          // Until it was terminated it may come back, and its node is kept.
          isStopped: (id: string) =>
            ['stopping', 'stopped', 'pending', 'running'].includes(
              aws.ec2.describe(scope, [id])[0]?.state ?? '',
            ),
        }),
  });
  aws.attachNodes(cluster, kubernetes);

  /** Every instance that was ever seen to run, also after it is gone. */
  const seen = new Map<
    string,
    { readonly node: string; readonly runsSince: number; goneAt?: number; cordoned?: boolean }
  >();
  context.signals.on('instance-running', (view) => {
    if (view.cluster === settings.cluster)
      seen.set(view.id, { node: view.privateDnsName, runsSince: clock.now() });
  });
  /** The newest lifecycle action of each instance, by its token. */
  const actionOf = new Map<string, string>();
  const tokenOf = (input: Readonly<Record<string, unknown>>) =>
    String(input['LifecycleActionToken'] ?? actionOf.get(String(input['InstanceId'])));
  /** When the group of an instance began to terminate it, also where the event of that is lost. */
  const terminatingSince = new Map<string, number>();
  context.signals.on('event', (event) => {
    if (event['detail-type'] === 'EC2 Instance-terminate Lifecycle Action')
      terminatingSince.set(String(event.detail['EC2InstanceId']), clock.now());
    if (event['detail-type'] === 'EC2 Instance-terminate Lifecycle Action')
      actionOf.set(String(event.detail['EC2InstanceId']), String(event.detail['LifecycleActionToken']));
  });
  context.signals.on('instance-gone', (view) => {
    const one = seen.get(view.id);
    if (!one) return;
    const node = kubernetes.api.find('nodes', undefined, one.node);
    one.goneAt = clock.now();
    if (node) one.cordoned = node.spec?.unschedulable === true;
  });

  populate();

  const instanceAt = (node: string): Instance | undefined =>
    aws.instances(cluster).find((one) => one.view.privateDnsName === node);
  const nodes = () => kubernetes.api.store.all('nodes');
  const isOurs = (node: string) =>
    kubernetes.api.find('nodes', undefined, node)?.metadata.annotations?.[MARKS_ANNOTATION] !== undefined;

  /** Pods that a drain moves, by node: those that are there, and how many have gone. */
  const gone = new Map<string, number>();
  kubernetes.api.subscribe(({ resource, type, object }) => {
    if (resource.key !== 'pods' || type !== 'DELETED') return;
    const pod = object as PodObject;
    const node = pod.spec?.nodeName;
    if (node && isMovable(pod)) gone.set(node, (gone.get(node) ?? 0) + 1);
  });
  const movableOn = (node: string) => kubernetes.podsOn(node).filter(isMovable);

  /** Where the messages of the watchdog go. */
  const watchdogs = { deliver: (_check: WatchdogCheck): void => undefined };
  const decisions: Decision[] = [];
  /** When Auto Scaling was seen to end an action with our CONTINUE, by its token. */
  const completions = new Map<string, number>();
  let nightSince: number | undefined;
  const when = () => clock.date().toISOString();

  const checkDeletion = (pod: PodObject) => {
    const budgets = budgetsOf(kubernetes.api, pod);
    if (budgets.length === 0) return;
    exercise(5);
    const node = pod.spec?.nodeName ?? '';
    const instance = instanceAt(node);
    if (instance?.state !== 'running') return;
    const name = `${pod.metadata.namespace}/${pod.metadata.name}`;
    if (!instance.interruption || !settings.force) {
      violate(5, `${when()} ${name} was deleted past its budget, and nothing takes ${node}`);
      return;
    }
    const deadline = instance.interruption.at - KEPT_MS;
    const grace = (pod.spec?.terminationGracePeriodSeconds ?? 30) * 1_000;
    const threshold = deadline - Math.min(grace, (NOTICE_MS - KEPT_MS) / 2) - FORCE_MARGIN_MS;
    if (clock.now() < threshold - ROUNDING_MS)
      violate(
        5,
        `${when()} ${name} was deleted past its budget ${Math.round((threshold - clock.now()) / 1000)} s too early`,
      );
  };

  /** An instance is let go of only where the config says so, it is about to be terminated, and nothing else replaces it. */
  const checkReplacement = (input: Readonly<Record<string, unknown>>) => {
    const [id = ''] = input['InstanceIds'] as readonly string[];
    const [instance] = aws.ec2.describe(scope, [id]);
    const isWanted =
      scenario.settings.replaceEarly &&
      input['AutoScalingGroupName'] === 'workers' &&
      !scenario.capacityRebalance &&
      instance?.interruption?.action === 'terminate';
    if (!isWanted) violate(2, `${when()} ${id} was let go of, and nobody wanted that`);
  };

  /** What its group terminates gets no new pods. An attempt that began before that cannot know. */
  const checkUncordon = (deeds: Deeds, node: string) => {
    const instance = instanceAt(node);
    if (instance?.state !== 'running' || !instance.lifecycleState.startsWith('Terminating')) return;
    exercise(3);
    if ((terminatingSince.get(instance.id) ?? clock.now()) < deeds.began)
      violate(3, `${when()} ${node} was uncordoned while its group terminates ${instance.id}`);
  };

  const onKubernetes = (deeds: Deeds, ask: Ask) => {
    exercise(2);
    switch (ask.does) {
      case 'stranger':
        violate(2, `${when()} ${ask.request} is no request of spot-drain`);
        return;
      case 'patch-node': {
        const { spec } = ask.body as { readonly spec?: { readonly unschedulable?: boolean | null } };
        (spec?.unschedulable ? deeds.marked : deeds.unmarked).add(ask.node);
        if (!spec?.unschedulable) checkUncordon(deeds, ask.node);
        return;
      }
      case 'evict': {
        const pod = kubernetes.api.find('pods', ask.namespace, ask.pod);
        if (pod && budgetsOf(kubernetes.api, pod).length > 0) exercise(5);
        return;
      }
      case 'delete': {
        const pod = kubernetes.api.find('pods', ask.namespace, ask.pod);
        if (pod) checkDeletion(pod);
      }
    }
  };

  /** One process of the function: warm from the second invocation on, and it runs one at a time. */
  const newProcess = () => {
    const calls = createPortCalls<Deeds>(clock, chance);
    const { through } = calls;
    const client = createKubernetesApi({
      context,
      kubernetes,
      onAsk: (ask) => onKubernetes(calls.deeds(), ask),
      around: (call, act, errorOf) => through(call, act, false, errorOf) as Promise<never>,
    });
    const autoScaling = createAutoScalingApi({
      aws,
      scope,
      around: (call, act) => through(call, act, call.includes('Lifecycle')) as Promise<never>,
      onReply: ({ operation, input }) => {
        if (operation === 'CompleteLifecycleAction') calls.deeds().confirmed.add(tokenOf(input));
      },
      onAsk: ({ operation, input }) => {
        exercise(2);
        if (!ITS_CALLS.has(operation))
          violate(2, `${when()} ${operation} ${JSON.stringify(input)} is no call of spot-drain`);
        if (operation === 'DetachInstances') checkReplacement(input);
        if (operation !== 'CompleteLifecycleAction') return;
        const token = tokenOf(input);
        exercise(6);
        if (input['LifecycleActionResult'] !== 'CONTINUE')
          violate(6, `${when()} ${token} was completed with ${String(input['LifecycleActionResult'])}`);
        const group = aws.autoScaling.groups(scope, [String(input['AutoScalingGroupName'])])[0];
        if (group?.nodegroup) violate(6, `${when()} EKS's own hook of ${group.name} was completed`);
        const written = table
          .read<Claim>(DRAIN, instanceKey(String(input['InstanceId'])))
          ?.hooks.some((hook) => hook.token === token && hook.completed);
        // Who could not read or write the claim cannot know.
        if ((written && calls.deeds().loud === 0) || calls.deeds().confirmed.has(token))
          violate(6, `${when()} ${token} was completed again, and that was known`);
      },
      onDone: ({ operation, input }) => {
        if (operation !== 'CompleteLifecycleAction') return;
        const token = tokenOf(input);
        completions.set(token, clock.now());
        calls.deeds().completed.add(String(input['InstanceId']));
      },
    });
    const store = table.through((call, act) => through(call, act, true) as Promise<never>);
    const ports: Ports = {
      settings,
      cluster: createDrainCluster(client),
      groups: createInstanceGroups(autoScaling, () => clock.date()),
      lifecycle: createLifecycle(autoScaling),
      claims: createClaims(store),
      cordons: createCordons(store),
      names: createNodeNames(store),
      gate: createCordonGate({ alarm: (ms) => ports.clock.alarm(ms) }),
      night: createNightReader(store),
      watchdog: {
        send: (check, delaySeconds) =>
          through(
            'sqs:SendMessage',
            () => void clock.after(delaySeconds * 1_000, () => watchdogs.deliver(check)),
            true,
          ),
      },
      trail: {
        record: (made) =>
          through(
            'trail.record',
            () => {
              decisions.push(...made);
              calls.deeds().decisions.push(...made);
              for (const decision of made) hold(decision);
            },
            true,
          ),
      },
      clock: {
        now: () => clock.date(),
        random: () => chance.next(),
        sleep: (ms) => ports.clock.alarm(ms).rang,
        alarm(ms) {
          const current = calls.pass();
          const { promise, resolve } = Promise.withResolvers<void>();
          // Who was killed wakes up no more.
          const wake = () => {
            if (!current.crashed()) resolve();
          };
          const timer = clock.after(ms, wake);
          return {
            rang: promise,
            ring() {
              timer.cancel();
              wake();
            },
          };
        },
      },
    };
    const process: Process = { ports, autoScaling };
    return {
      ...process,
      enter: (pass: Pass) =>
        calls.enter(pass, {
          marked: new Set(),
          unmarked: new Set(),
          completed: new Set(),
          confirmed: new Set(),
          began: clock.now(),
          decisions: [],
          loud: 0,
        }),
    };
  };

  /** Holds what is said against what the world shows at this moment. */
  const hold = (decision: Decision) => {
    exercise(7);
    if (!decision.reason.trim() || !decision.trigger.trim())
      violate(7, `${when()} ${decision.action} ${decision.target} has no reason or no trigger`);
    const node = kubernetes.api.find('nodes', undefined, decision.target);
    const count = (fact: string) => Number(decision[fact] ?? 0);
    switch (decision.action) {
      case 'cordon':
        exercise(4);
        if (node && node.spec?.unschedulable !== true)
          violate(4, `${when()} ${decision.target} is said to be cordoned and is not`);
        return;
      case 'uncordon':
        exercise(4);
        if (isOurs(decision.target))
          violate(4, `${when()} ${decision.target} is said to work again and bears our marks`);
        return;
      case 'drain': {
        exercise(4);
        const moved = count('evicted') + count('finished') + count('alreadyTerminating');
        const left = gone.get(decision.target) ?? 0;
        if (moved > left)
          violate(4, `${when()} ${moved} pods are said to have left ${decision.target}, and ${left} have`);
        checkOthers(decision);
      }
    }
  };

  /** A pod that its budget holds, or that cannot be evicted, keeps no other pod on the node. */
  const checkOthers = (decision: Decision) => {
    if (Number(decision['failed'] ?? 0) > 0 || Number(decision['skipped'] ?? 0) > 10) return;
    const here = movableOn(decision.target);
    const held = here.filter((pod) => budgetsOf(kubernetes.api, pod).length > 0);
    if (held.length === 0) return;
    exercise(8);
    for (const pod of here) {
      if (pod.metadata.deletionTimestamp || held.includes(pod) || isPodFinished(pod)) continue;
      if (Date.parse(pod.metadata.creationTimestamp ?? '') > clock.now() - 20_000) continue;
      violate(8, `${when()} ${pod.metadata.name} was never asked to leave ${decision.target}`);
    }
  };

  function populate(): void {
    const { hook } = scenario;
    const size = (count: number) => ({ min: 0, desired: count, max: count + 3 });
    aws.addAutoScalingGroup(cluster, {
      name: 'workers',
      ...size(scenario.workers),
      instanceTypes: ['m5.large'],
      spotPercent: 100,
      capacityRebalance: scenario.capacityRebalance,
      ...(hook
        ? {
            lifecycleHooks: [
              {
                name: 'drain',
                heartbeatTimeoutSeconds: hook.heartbeatSeconds,
                defaultResult: hook.defaultResult,
              },
            ],
          }
        : {}),
    });
    // Else the group ends what was stopped, and it cannot come back.
    if (scenario.backAfter !== undefined)
      aws.autoScaling.suspend(scope, 'workers', ['HealthCheck', 'ReplaceUnhealthy']);
    if (scenario.managed > 0)
      aws.addNodegroup(cluster, {
        name: 'managed',
        ...size(scenario.managed),
        instanceTypes: ['m5.large'],
        capacityType: 'SPOT',
      });
    if (scenario.foreign > 0)
      aws.addAutoScalingGroup(aws.addCluster({ ...scope, name: 'neighbour' }), {
        name: 'neighbours',
        ...size(scenario.foreign),
        instanceTypes: ['m5.large'],
        spotPercent: 100,
        lifecycleHooks: [{ name: 'theirs', heartbeatTimeoutSeconds: 60, defaultResult: 'CONTINUE' }],
      });
    if (scenario.daemonSet) kubernetes.addDaemonSet({ name: 'agent', namespace: 'kube-system' });
    for (const app of scenario.apps) {
      kubernetes.addDeployment({
        name: app.name,
        namespace: 'apps',
        replicas: app.replicas,
        cpu: '100m',
        terminationGracePeriodSeconds: app.graceSeconds,
        podAnnotations: {
          'lab.nightshift/exit-seconds': String(app.exitSeconds),
          'lab.nightshift/ready-seconds': String(app.readySeconds),
        },
        ...(app.critical ? { priorityClassName: 'system-cluster-critical' } : {}),
      });
      for (const [index, budget] of app.budgets.entries())
        kubernetes.addPdb({
          name: `${app.name}-${index}`,
          namespace: 'apps',
          matchLabels: { app: app.name },
          ...budget,
        });
    }
  }

  return {
    aws,
    kubernetes,
    cluster,
    context,
    clock,
    table,
    seen,
    decisions,
    completions,
    watchdogs,
    newProcess,
    instanceAt,
    nodes,
    isOurs,
    movableOn,
    scope,
    nightSince: () => nightSince,
    /** What night-schedule does, as far as a drain can see it. */
    stopForTheNight() {
      nightSince = clock.now();
      const state: ClusterState = {
        phase: 'stopping',
        desired: 'asleep',
        reason: 'simulated',
        since: when(),
        groups: ['workers'],
      };
      void table.through().save(NIGHT, STATE_KEY, state);
      aws.autoScaling.updateGroup(scope, 'workers', { min: 0, desired: 0 });
    },
    claims: () => table.all<Claim>('drain', 'instance#').filter((one) => 'hooks' in one),
    when,
  };
}

function isMovable(pod: PodObject): boolean {
  return controllerOf(pod)?.kind !== 'DaemonSet';
}
