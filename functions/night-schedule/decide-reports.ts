/** What people must correct themselves. Pure. Loaded only where there may be something. */
import { DAY_MS } from '#model/duration.ts';
import { karpenterIn } from './decide-autoscaler.ts';
import { isNothingFound } from './decide-cluster.ts';
import type { GroupStep } from './decide-group.ts';
import type { CorruptItem } from './ports.ts';
import type { Policy, Snapshot } from './snapshot.ts';

export function reportsOf(snapshot: Snapshot, policy: Policy): readonly GroupStep[] {
  const { autoscaler: view, missing, memory } = snapshot;
  const reports: GroupStep[] = memory.corrupt.map(({ item, kind, name }) => ({
    target: name,
    action: 'fail',
    reason: `${UNREADABLE[kind](name)}; check the item ${item}`,
    once: `corrupt#${item}`,
  }));
  for (const name of missing)
    reports.push({
      target: name,
      action: 'fail',
      reason: `no group ${name} carries the cluster's tag: correct "nodegroups" in the config, or tag the Auto Scaling group`,
      once: `missing#${name}`,
    });
  const karpenter = karpenterIn(view);
  const malformed = karpenter?.malformed ?? [];
  for (const name of malformed)
    reports.push({
      target: name,
      action: 'fail',
      reason: `the NodePool ${name} has limits or replicas that cannot be read: it and its NodeClaims are left alone`,
      once: `malformed#${name}`,
    });
  const isNight = snapshot.desired.state === 'asleep';
  for (const name of policy.nodePools ?? [])
    if (isNight && karpenter && !Object.hasOwn(karpenter.pools, name) && !malformed.includes(name))
      reports.push({
        target: name,
        action: 'fail',
        reason: `there is no NodePool ${name}: correct "nodePools" in the config`,
        once: `no-pool#${name}`,
        onceWithinMs: DAY_MS,
      });
  const neededBy = karpenter?.builtIn?.neededBy ?? [];
  if (neededBy.length > 0 && isNight)
    reports.push({
      target: policy.cluster ?? 'cluster',
      action: 'fail',
      reason: `the built-in NodePools stay on: EKS would remove the NodeClass default with them, which ${neededBy.join(', ')} use: give them a NodeClass of their own`,
      once: 'node-class',
      onceWithinMs: DAY_MS,
    });
  if (isNothingFound(snapshot))
    reports.push({
      target: policy.cluster ?? 'cluster',
      action: 'fail',
      reason: `nothing was found to stop: no group that the config stops carries the tag kubernetes.io/cluster/${policy.cluster ?? '<cluster>'}, and ${policy.autoscalerKind === 'karpenter' || policy.autoscalerKind === 'auto-mode' ? 'there is no NodePool' : 'the config names no Karpenter and no Auto Mode'}: the cluster does not sleep`,
      once: 'nothing-found',
      onceWithinMs: DAY_MS,
    });
  return reports;
}

const UNREADABLE: { readonly [K in CorruptItem['kind']]: (name: string) => string } = {
  saved: (name) => `the saved sizes of ${name} cannot be read: the group is left alone`,
  autoscaler: (name) => `the saved setting of ${name} cannot be read: it is left alone`,
  cronjob: (name) => `the record of the suspended CronJob ${name} cannot be read: it is left alone`,
  override: (name) => `the override ${name} is not valid: it does not count`,
  state: () => 'the state of the night cannot be read: it is written again',
  note: (name) => `the note ${name} cannot be read: it is written again`,
};
