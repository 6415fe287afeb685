/** What runs while the cluster sleeps: on purpose, or although it should not. Loaded only when that is observed. */
import type { DecisionRecorder } from '#functions/shared/decision-recorder.ts';
import { isStoppedPool } from '#model/node-pools.ts';
import type { NightScheduleSettings } from '#model/settings.ts';
import { count } from './decide-group.ts';
import type { Group, Memory, Nodes, NodeView } from './ports.ts';

export interface Running {
  /** The names of the nodes on instances that no group and no NodePool accounts for. */
  readonly strays: readonly string[];
  /** What the config keeps, or a person has started, in words. */
  readonly kept: readonly string[];
}

export interface RunningContext {
  readonly nodes: Nodes;
  readonly recorder: DecisionRecorder;
  readonly settings: NightScheduleSettings;
  readonly memory: Memory;
}

/** `all`: the groups of the cluster; `stopped`: those of them that the config stops. `unknown` where the request failed. */
export async function observeRunning(
  { nodes, recorder, settings, memory }: RunningContext,
  all: readonly Group[],
  stopped: readonly Group[],
): Promise<Running | 'unknown'> {
  const found = await recorder.guard(settings.cluster, () => nodes.all());
  if (!found) return 'unknown';
  const known = new Set(all.flatMap(({ instances }) => instances.map(({ id }) => id)));
  const others = found.filter(({ kind, instanceId }) => kind !== 'instance' || !known.has(instanceId));
  const strays = others.filter((node) => isStray(node, settings));
  const keptNodes = others.filter((node) => !strays.includes(node));
  return {
    strays: strays.map(({ name }) => name),
    kept: [...all.flatMap((group) => keptOf(group, stopped, settings, memory)), ...summaryOf(keptNodes)],
  };
}

/** Where the config names its groups, all others are kept. The group of a node may be missing from the list of the groups. */
function isStray(node: NodeView, settings: NightScheduleSettings): boolean {
  const { kind, nodePool, nodegroup } = node;
  const { nodegroups, autoscaler, keep, fallbackGroup } = settings;
  if (kind !== 'instance') return false;
  if (nodePool !== undefined) return !isKeptPool(nodePool, nodegroups, autoscaler);
  if (nodegroup === undefined) return nodegroups === 'all';
  if (keep.includes(nodegroup) || nodegroup === fallbackGroup) return false;
  return nodegroups === 'all' || nodegroups.includes(nodegroup);
}

function isKeptPool(
  nodePool: string,
  nodegroups: NightScheduleSettings['nodegroups'],
  autoscaler: NightScheduleSettings['autoscaler'],
): boolean {
  if (autoscaler === undefined || autoscaler.kind === 'cluster-autoscaler') return nodegroups !== 'all';
  return !isStoppedPool(autoscaler, nodePool);
}

function keptOf(
  group: Group,
  stopped: readonly Group[],
  { warmPools }: NightScheduleSettings,
  { saved }: Memory,
): readonly string[] {
  const { name, instances, warmInstances = 0 } = group;
  const isStopped = stopped.some((one) => one.name === name);
  const isByHand = isStopped && (saved.get(name)?.value.phase === 'manual' || group.size.desired > 0);
  const kept: string[] = [];
  if (instances.length > 0 && (!isStopped || isByHand))
    kept.push(`${count(instances.length, 'node')} of ${name}${isByHand ? ' (scaled up by somebody)' : ''}`);
  if (warmInstances > 0 && (!isStopped || isByHand || warmPools === 'keep'))
    kept.push(`${count(warmInstances, 'instance')} of the warm pool of ${name}`);
  return kept;
}

function summaryOf(nodes: readonly NodeView[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const node of nodes) counts.set(ownerOf(node), (counts.get(ownerOf(node)) ?? 0) + 1);
  return [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([owner, number]) =>
      owner === 'Fargate' || owner === 'hybrid'
        ? count(number, `${owner} node`)
        : `${count(number, 'node')} of ${owner}`,
    );
}

function ownerOf({ kind, nodePool, nodegroup }: NodeView): string {
  if (kind !== 'instance') return kind === 'fargate' ? 'Fargate' : 'hybrid';
  return nodePool === undefined ? (nodegroup ?? 'no group') : `the NodePool ${nodePool}`;
}
