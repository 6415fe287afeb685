/** The fallback group of an environment that declares one: loaded only there. */
import { applyStage } from './apply.ts';
import type { ApplyContext } from './apply-context.ts';
import type { Plan } from './decide-cluster.ts';
import { decideFallback, isCapacityShort, lacking } from './decide-fallback.ts';
import type { Pass } from './pass.ts';
import type { Group, Groups } from './ports.ts';

export async function applyFallback(
  context: ApplyContext,
  pass: Pass,
  { state }: Plan,
  { fallback, groups }: { readonly fallback: Group; readonly groups: readonly Group[] },
): Promise<void> {
  const short = state.phase === 'starting' ? await shortages(context.ports.groups, pass, groups) : [];
  await applyStage(context, [decideFallback(fallback, state.phase, short)], [fallback]);
}

/** Groups whose nodes do not come because AWS has none to give. */
async function shortages(groups: Groups, { memory, now, recorder }: Pass, ours: readonly Group[]) {
  const startedAt = (name: string) => {
    const record = memory.saved.get(name)?.value;
    return record?.phase === 'restored' || record?.phase === 'restoring' ? record.since : undefined;
  };
  const short: { group: string; missing: number }[] = [];
  for (const group of lacking(ours, startedAt, now)) {
    await recorder.guard(group.name, async () => {
      if (isCapacityShort(await groups.lastScalingFailure(group, startedAt(group.name))))
        short.push({ group: group.name, missing: group.size.desired - group.instances.length });
    });
  }
  return short;
}
