/** So many ticks of the pass on a world in memory. */
import { NIGHT as PARTITION, STATE_KEY } from '#functions/adapters/dynamodb/table-keys.ts';
import { run } from '#functions/night-schedule/run.ts';
import type { ClusterState } from '#model/cluster-state.ts';
import type { Decision } from '#model/decision.ts';
import type { NightScheduleSettings } from '#model/settings.ts';
import { aGroup, instances, someSettings } from './builders.ts';
import type { World } from './memory-ports.ts';

export const clusterAutoscaler = {
  kind: 'cluster-autoscaler',
  namespace: 'kube-system',
  deployment: 'cluster-autoscaler',
  hostGroup: 'system',
} as const;
export const deployment = 'kube-system/cluster-autoscaler';
export const karpenter = {
  kind: 'karpenter',
  namespace: 'kube-system',
  deployment: 'karpenter',
  hostGroup: 'system',
} as const;
export const open = { limits: null, replicas: null };
export const system = () =>
  aGroup({ name: 'system', autoScalingGroup: 'eks-system-1', instances: instances(1) });

export const minutes = (from: Date, n: number) => new Date(from.getTime() + n * 60_000);

/** The decisions of so many ticks; `errors` are the passes that failed. */
export async function ticks(
  world: World,
  from: Date,
  count: number,
  overrides: Partial<NightScheduleSettings> = {},
) {
  const begin = world.decisions.length;
  let errors = 0;
  for (let minute = 0; minute < count; minute++) {
    const at = minutes(from, minute);
    const deps = {
      ...world.ports,
      settings: someSettings(overrides),
      now: () => at,
      remaining: () => 60_000,
    };
    await run(deps, { trigger: 'tick', byPerson: false }).catch(() => {
      errors += 1;
    });
    world.settle();
  }
  return { decisions: world.decisions.slice(begin), errors };
}

export const state = (world: World) => world.table.read<ClusterState>(PARTITION, STATE_KEY);
export const phase = (world: World) => state(world)?.phase;
export const failures = (decisions: readonly Decision[]) =>
  decisions.filter(({ action }) => action === 'fail');
