/**
 * Cluster Autoscaler, while a pod of a Deployment called `cluster-autoscaler` is Ready: gives Pending pods nodes by
 * increasing a group's desired size, also from zero, and backs off from a group whose nodes do not join.
 */
import { AwsError } from '../../aws/error.ts';
import { allocatable, nodeLabels, nodeShape } from '../node-shapes.ts';
import {
  condition,
  isNodeReady,
  isPodReady,
  type KubeObject,
  type NodeObject,
  type PodObject,
} from '../objects.ts';
import { type Bin, binOf, matchesNode, put, requestsOf, take, untolerated } from '../placement.ts';
import type { ScalableGroup, ScaleOut } from '../types.ts';
import { type ControllerContext, createQueue } from './controller.ts';
import type { Machines } from './machines.ts';

/** `--scan-interval`. */
const SCAN_MS = 10_000;
/** `--max-node-provision-time`. */
const PROVISION_MS = 15 * 60_000;
/** `--initial-node-group-backoff-duration`, `--max-node-group-backoff-duration`. */
const BACKOFF_MS = { first: 5 * 60_000, most: 30 * 60_000 };

interface GroupState {
  /** Since when requested nodes are missing, ms. */
  waitingSince?: number;
  backoffUntil: number;
  backoff: number;
}

export function createClusterAutoscaler(
  context: ControllerContext,
  machines: Machines,
  scaleOut: ScaleOut,
): void {
  const { registry, recordEvent, clock } = context;
  const states = new Map<string, GroupState>();
  const stateOf = (group: string): GroupState => {
    const state = states.get(group) ?? { backoffUntil: 0, backoff: BACKOFF_MS.first };
    states.set(group, state);
    return state;
  };

  const scan = createQueue(context, SCAN_MS, () => {
    const waiting = unschedulable();
    const [leader] = runningPods();
    // No pod waits, or the autoscaler does not run: the next change queues a pass.
    if (waiting.length === 0 || !leader) return;
    const groups = scaleOut.groups();
    for (const group of groups) checkProvisioning(group);
    const left = leftOver(waiting, groups);
    if (left.length > 0) scaleUp(left, groups);
    scan.add('', SCAN_MS);
  });

  const unschedulable = (): PodObject[] =>
    registry.store
      .all('pods')
      .filter(
        (pod) =>
          !pod.spec?.nodeName &&
          !pod.metadata.deletionTimestamp &&
          condition(pod, 'PodScheduled')?.reason === 'Unschedulable',
      );

  const runningPods = (): PodObject[] =>
    registry.store
      .all('pods')
      .filter((pod) => isAutoscaler(pod) && isPodReady(pod) && machines.isAlive(pod.spec?.nodeName ?? ''));

  const readyNodesOf = (group: string): NodeObject[] =>
    registry.store
      .all('nodes')
      .filter(
        (node) =>
          machines.instanceOf(node.metadata.name)?.autoScalingGroup === group &&
          condition(node, 'Ready')?.status === 'True',
      );

  const checkProvisioning = (group: ScalableGroup) => {
    const state = stateOf(group.name);
    const now = clock.now();
    if (readyNodesOf(group.name).length >= group.desired) {
      delete state.waitingSince;
      state.backoff = BACKOFF_MS.first;
      return;
    }
    state.waitingSince ??= now;
    if (now - state.waitingSince < PROVISION_MS || now < state.backoffUntil) return;
    backOff(state);
    note('Warning', 'ScaleUpTimedOut', `Nodes added to group ${group.name} failed to register within 15m0s`);
    const ready = readyNodesOf(group.name).length;
    scaleOut.setDesired(group.name, Math.max(group.min, ready));
  };

  const backOff = (state: GroupState) => {
    state.backoffUntil = clock.now() + state.backoff;
    state.backoff = Math.min(BACKOFF_MS.most, state.backoff * 2);
    delete state.waitingSince;
  };

  /** The pods that fit neither on existing nodes nor on requested ones. */
  const leftOver = (waiting: readonly PodObject[], groups: readonly ScalableGroup[]): PodObject[] => {
    const present = registry.store
      .all('nodes')
      .filter(isNodeReady)
      .map((node) => binOf(node, registry.store.podsOn(node.metadata.name)));
    const coming = groups
      .filter((group) => clock.now() >= stateOf(group.name).backoffUntil)
      .flatMap((group) => {
        const missing = Math.max(0, group.desired - readyNodesOf(group.name).length);
        return Array.from({ length: missing }, () => templateOf(group));
      });
    return waiting.filter((pod) => ![...present, ...coming].some((bin) => put(pod, bin)));
  };

  const scaleUp = (left: readonly PodObject[], groups: readonly ScalableGroup[]) => {
    const options = groups
      .filter((group) => group.desired < group.max && clock.now() >= stateOf(group.name).backoffUntil)
      .map((group) => ({ group, ...estimate(left, group) }))
      .filter(({ helped }) => helped.length > 0);
    // Most pods first, then the fewest nodes, then the name: `most-pods` made repeatable.
    const [best] = options.sort(
      (a, b) =>
        b.helped.length - a.helped.length || a.nodes - b.nodes || a.group.name.localeCompare(b.group.name),
    );
    if (!best) {
      for (const pod of left) {
        recordEvent(
          'cluster-autoscaler',
          pod as KubeObject,
          'Normal',
          'NotTriggerScaleUp',
          "pod didn't trigger scale-up: no node group could take it",
        );
      }
      return;
    }
    const { group } = best;
    const desired = Math.min(group.max, group.desired + best.nodes);
    const state = stateOf(group.name);
    state.waitingSince = clock.now();
    try {
      scaleOut.setDesired(group.name, desired);
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      backOff(state);
      note('Warning', 'FailedToScaleUpGroup', `Scale-up failed for group ${group.name}: ${error.message}`);
      return;
    }
    for (const pod of best.helped) {
      recordEvent(
        'cluster-autoscaler',
        pod as KubeObject,
        'Normal',
        'TriggeredScaleUp',
        `pod triggered scale-up: [{${group.name} ${group.desired}->${desired} (max: ${group.max})}]`,
      );
    }
  };

  const estimate = (pods: readonly PodObject[], group: ScalableGroup) => {
    const bins: Bin[] = [];
    const helped: PodObject[] = [];
    for (const pod of pods) {
      if (bins.some((bin) => put(pod, bin))) {
        helped.push(pod);
        continue;
      }
      if (group.desired + bins.length >= group.max) continue;
      const bin = templateOf(group);
      if (!put(pod, bin)) continue;
      bins.push(bin);
      helped.push(pod);
    }
    return { helped, nodes: bins.length };
  };

  const note = (type: 'Normal' | 'Warning', reason: string, message: string) => {
    const [leader] = runningPods();
    if (leader) recordEvent('cluster-autoscaler', leader as KubeObject, type, reason, message);
  };

  /** What a new node of the group would look like, without what its DaemonSets would take. */
  const templateOf = (group: ScalableGroup): Bin => {
    const [zone = ''] = group.zones;
    const node = {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: {
        name: `template-of-${group.name}`,
        uid: '',
        resourceVersion: '',
        creationTimestamp: '',
        labels: {
          ...nodeLabels(
            {
              id: '',
              account: '',
              region: zone.slice(0, -1),
              zone,
              type: group.instanceType,
              privateDnsName: '',
              privateIp: '',
              capacityType: 'ON_DEMAND',
              cluster: '',
              autoScalingGroup: group.name,
              labels: group.labels,
            },
            `template-of-${group.name}`,
          ),
        },
      },
      spec: { taints: (group.taints ?? []).map((taint) => ({ ...taint })) },
      status: { allocatable: allocatable(nodeShape(group.instanceType)) },
    } satisfies NodeObject;
    const { free } = binOf(node, []);
    for (const daemonSet of registry.store.all('daemonsets.apps')) {
      const spec = daemonSet.spec?.template.spec;
      if (matchesNode(spec, node) && !untolerated(spec, node, ['NoSchedule', 'NoExecute']))
        take(free, requestsOf(spec));
    }
    return { node, free };
  };

  registry.subscribe(
    ({ object }) => {
      const pod = object as PodObject;
      if (condition(pod, 'PodScheduled')?.reason === 'Unschedulable' || isAutoscaler(pod)) scan.add('');
    },
    ['pods'],
  );
}

function isAutoscaler(pod: PodObject): boolean {
  return Object.values(pod.metadata.labels ?? {}).includes('cluster-autoscaler');
}
