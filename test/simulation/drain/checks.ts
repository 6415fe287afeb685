/** Checks of each request and each decision of spot-drain, against the world at that moment. */
import { budgetsOf } from '@nightshift/lab/world/kubernetes/eviction.ts';
import { isPodFinished, type PodObject } from '@nightshift/lab/world/kubernetes/objects.ts';
import { DRAIN, instanceKey } from '#functions/adapters/dynamodb/table-keys.ts';
import { MARKS_ANNOTATION } from '#functions/adapters/kubernetes/drain-cluster.ts';
import { CHANGE_LEAD_MS } from '#functions/spot-drain/announced-changes.ts';
import type { Claim } from '#functions/spot-drain/records.ts';
import type { Decision } from '#model/decision.ts';
import type { AutoScalingRequest } from './auto-scaling-api.ts';
import type { ClusterRequest } from './kubernetes-api.ts';
import type { Scene } from './scene.ts';

/** The operations of Auto Scaling that spot-drain uses. */
const ALLOWED_OPERATIONS = new Set([
  'DescribeAutoScalingGroups',
  'DescribeAutoScalingInstances',
  'DescribeLifecycleHooks',
  'CompleteLifecycleAction',
  'RecordLifecycleActionHeartbeat',
  'DetachInstances',
]);
/** A drain ends five seconds before the end of the notice; a deletion takes two to reach the kubelet. Events have whole seconds. */
const NOTICE_MS = 120_000;
const RESERVE_MS = 5_000;
const FORCE_MARGIN_MS = 2_000;
const ROUNDING_MS = 1_000;
/** The longest delay between two evictions of a pod that was denied, and a slow call. */
const ASKED_AGAIN_MS = 10_000;
/** A kubelet that is back reports Ready within seconds; a slow call may have read the node before. */
const BACK_MS = 60_000;

interface NodePatch {
  readonly spec?: { readonly unschedulable?: boolean | null };
  readonly metadata?: { readonly annotations?: Readonly<Record<string, string | null>> };
}

/** What one attempt of the function did, for the checks at its end. */
export interface Effects {
  readonly marked: Set<string>;
  readonly unmarked: Set<string>;
  /** Instances. */
  readonly completed: Set<string>;
  /** Tokens of the actions whose completion was confirmed to this attempt. */
  readonly confirmed: Set<string>;
  readonly began: number;
  readonly decisions: Decision[];
  /** Errors that the invocation must report. */
  mustReport: number;
}

/** Checks of the requests, before they take effect. */
export function createRequestChecks(scene: Scene) {
  const { scenario, violate, exercise, clock, aws, table, scope, kubernetes } = scene;
  const { instanceAt, terminatingSince, seen, movableOn, when } = scene;
  const { settings } = scenario;

  const checkDeletion = (pod: PodObject) => {
    const budgets = budgetsOf(kubernetes.api, pod);
    // A pod that terminates was let go by its budgets before; a second DELETE only shortens its grace.
    if (budgets.length === 0 || pod.metadata.deletionTimestamp) return;
    exercise(5);
    const node = pod.spec?.nodeName ?? '';
    const instance = instanceAt(node);
    if (instance?.state !== 'running') return;
    const name = `${pod.metadata.namespace}/${pod.metadata.name}`;
    if (!instance.interruption || !settings.force) {
      violate(5, `${when()} ${name} was deleted past its budget, and AWS does not take ${node}`);
      return;
    }
    const deadline = instance.interruption.at - RESERVE_MS;
    const grace = (pod.spec?.terminationGracePeriodSeconds ?? 30) * 1_000;
    const threshold = deadline - Math.min(grace, (NOTICE_MS - RESERVE_MS) / 2) - FORCE_MARGIN_MS;
    if (clock.now() < threshold - ROUNDING_MS)
      violate(
        5,
        `${when()} ${name} was deleted past its budget ${Math.round((threshold - clock.now()) / 1000)} s too early`,
      );
  };

  /** An instance is detached only where the config says so, it is about to be terminated, and nothing else replaces it. */
  const checkReplacement = (input: Readonly<Record<string, unknown>>) => {
    const [id = ''] = input['InstanceIds'] as readonly string[];
    const [instance] = aws.ec2.describe(scope, [id]);
    const isInterrupted =
      scenario.settings.replaceEarly &&
      !scenario.capacityRebalance &&
      instance?.interruption?.action === 'terminate';
    const isAnnounced = settings.onScheduledChange === 'replace' && scene.changes.has(id);
    const isAllowed = input['AutoScalingGroupName'] === 'workers' && (isInterrupted || isAnnounced);
    if (!isAllowed) violate(2, `${when()} ${id} was detached, and the config does not ask for it`);
  };

  /** A node that its group terminates stays cordoned. An attempt that began before that cannot know. */
  const checkUncordon = (effects: Effects, node: string) => {
    const instance = instanceAt(node);
    if (instance?.state !== 'running' || !instance.lifecycleState.startsWith('Terminating')) return;
    exercise(3);
    if ((terminatingSince.get(instance.id) ?? clock.now()) < effects.began)
      violate(3, `${when()} ${node} was uncordoned while its group terminates ${instance.id}`);
  };

  const onKubernetes = (effects: Effects, request: ClusterRequest) => {
    exercise(2);
    switch (request.kind) {
      case 'unexpected':
        violate(2, `${when()} ${request.request} is no request of spot-drain`);
        return;
      case 'patch-node': {
        const patch = request.body as NodePatch;
        const { spec } = patch;
        if (spec?.unschedulable) checkChange(request.node, patch);
        (spec?.unschedulable ? effects.marked : effects.unmarked).add(request.node);
        scene.patchedAt.set(request.node, clock.now());
        if (!spec?.unschedulable) checkUncordon(effects, request.node);
        return;
      }
      case 'evict': {
        const pod = kubernetes.api.find('pods', request.namespace, request.pod);
        if (pod && budgetsOf(kubernetes.api, pod).length > 0) exercise(5);
        return;
      }
      case 'delete': {
        const pod = kubernetes.api.find('pods', request.namespace, request.pod);
        if (pod) checkDeletion(pod);
      }
    }
  };

  /** CONTINUE cannot be taken back: not before the node is empty, or the time is over. */
  const checkOpenAction = (id: string) => {
    const claim = table.read<Claim>(DRAIN, instanceKey(id));
    const node = seen.get(id)?.node ?? '';
    const end = Math.min(
      Date.parse(claim?.deadline ?? claim?.drainUntil ?? ''),
      Date.parse(claim?.drainUntil ?? ''),
    );
    const isOver = !claim || claim.nightlyStop || scene.nightSince.at !== undefined;
    if (isOver || !kubernetes.api.find('nodes', undefined, node) || !(clock.now() < end - ROUNDING_MS))
      return;
    exercise(6);
    const until = `until ${new Date(end).toISOString()}`;
    const pods = movableOn(node).filter((pod) => !isPodFinished(pod) && wasThere(pod, claim));
    if (pods.length > 0 && !scene.deadSince.has(node) && !isStopped(id, node))
      violate(
        6,
        `${when()} ${id} was completed with ${pods.length} pods on it, while there was time ${until}`,
      );
    const attached = kubernetes.api.store
      .all('volumeattachments.storage.k8s.io')
      .filter(({ spec }) => (spec as { nodeName?: string }).nodeName === node);
    if (attached.length > 0 && movableOn(node).length === 0)
      violate(6, `${when()} ${id} was completed with volumes attached, while there was time ${until}`);
  };

  /** Its instance is stopped, or runs again since a moment: to whoever read the node before, it is dead. */
  const isStopped = (id: string, node: string) => {
    if (instanceAt(node)?.state !== 'running') return true;
    const { runsSince = 0, runsAgain = false } = seen.get(id) ?? {};
    return runsAgain && clock.now() - runsSince < BACK_MS;
  };

  const wasThere = (pod: PodObject, { cordonedAt, claimedAt }: Claim) =>
    Date.parse(pod.metadata.creationTimestamp ?? '') < Date.parse(cordonedAt ?? claimedAt) - ROUNDING_MS;

  /** With `wait` a node keeps its pods until shortly before the change. */
  const checkChange = (node: string, { metadata }: NodePatch) => {
    const cause = JSON.parse(metadata?.annotations?.[MARKS_ANNOTATION] ?? '{}').cause;
    const id = instanceAt(node)?.id;
    const startsAt = id === undefined ? undefined : scene.changes.get(id);
    // From its record on the node goes anyway.
    const isStopped = scene.nightStop.isOn() || scene.nightStop.isRecorded();
    const isWaiting = settings.onScheduledChange === 'wait' && !isStopped;
    if (cause !== 'health' || !isWaiting || startsAt === undefined) return;
    exercise(3);
    if (clock.now() < startsAt - CHANGE_LEAD_MS - ROUNDING_MS)
      violate(3, `${when()} ${node} was cordoned for a change at ${new Date(startsAt).toISOString()}`);
  };

  const onCompletion = (effects: Effects, input: AutoScalingRequest['input']) => {
    const token = scene.tokenOf(input);
    exercise(6);
    if (input['LifecycleActionResult'] !== 'CONTINUE')
      violate(6, `${when()} ${token} was completed with ${String(input['LifecycleActionResult'])}`);
    const group = aws.autoScaling.groups(scope, [String(input['AutoScalingGroupName'])])[0];
    if (group?.nodegroup) violate(6, `${when()} EKS's own hook of ${group.name} was completed`);
    const isRecorded = table
      .read<Claim>(DRAIN, instanceKey(String(input['InstanceId'])))
      ?.hooks.some((hook) => hook.token === token && hook.completed);
    // An attempt that could not read or write the claim cannot know.
    checkOpenAction(String(input['InstanceId']));
    if ((isRecorded && effects.mustReport === 0) || effects.confirmed.has(token))
      violate(6, `${when()} ${token} was completed again although its completion was known`);
  };

  const onAutoScaling = (effects: Effects, { operation, input }: AutoScalingRequest) => {
    exercise(2);
    if (!ALLOWED_OPERATIONS.has(operation))
      violate(2, `${when()} ${operation} ${JSON.stringify(input)} is no call of spot-drain`);
    if (operation === 'DetachInstances') checkReplacement(input);
    if (operation === 'CompleteLifecycleAction') onCompletion(effects, input);
  };

  return { onKubernetes, onAutoScaling };
}

/** Checks of the decisions, when they are recorded. */
export function createDecisionCheck(scene: Scene): (decision: Decision) => void {
  const { violate, exercise, clock, kubernetes, isOurs, gone, movableOn, when } = scene;

  const isPatchedSince = ({ target, time }: Decision) =>
    (scene.patchedAt.get(target) ?? 0) > Date.parse(time);

  /** Compares a decision with the state of the world at this moment. */
  const checkDecision = (decision: Decision) => {
    exercise(7);
    if (!decision.reason.trim() || !decision.trigger.trim())
      violate(7, `${when()} ${decision.action} ${decision.target} has no reason or no trigger`);
    const node = kubernetes.api.find('nodes', undefined, decision.target);
    const count = (fact: string) => Number(decision[fact] ?? 0);
    switch (decision.action) {
      case 'cordon':
        exercise(4);
        if (node && node.spec?.unschedulable !== true)
          violate(4, `${when()} a decision says that ${decision.target} is cordoned, and it is not`);
        return;
      case 'uncordon':
        exercise(4);
        // Where the record was slow, the next drain may have marked the node since.
        if (isOurs(decision.target) && !isPatchedSince(decision))
          violate(4, `${when()} a decision says that ${decision.target} is uncordoned, and it has our marks`);
        return;
      case 'drain': {
        exercise(4);
        const moved = count('evicted') + count('finished') + count('alreadyTerminating');
        const left = gone.get(decision.target) ?? 0;
        if (moved > left)
          violate(4, `${when()} a decision says that ${moved} pods left ${decision.target}, and ${left} did`);
        checkOthers(decision);
      }
    }
  };

  /** A pod that its budget protects, or that cannot be evicted, does not keep the drain from the others. */
  const checkOthers = (decision: Decision) => {
    if (Number(decision['failed'] ?? 0) > 0 || Number(decision['skipped'] ?? 0) > 10) return;
    // What a webhook denies is asked again a few seconds later.
    if (clock.now() < scene.webhook.until + ASKED_AGAIN_MS) return;
    const here = movableOn(decision.target);
    const held = here.filter((pod) => budgetsOf(kubernetes.api, pod).length > 0);
    if (held.length === 0) return;
    exercise(8);
    for (const pod of here) {
      if (pod.metadata.deletionTimestamp || held.includes(pod) || isPodFinished(pod)) continue;
      if (Date.parse(pod.metadata.creationTimestamp ?? '') > clock.now() - 20_000) continue;
      violate(8, `${when()} ${pod.metadata.name} was never evicted from ${decision.target}`);
    }
  };

  return checkDecision;
}
