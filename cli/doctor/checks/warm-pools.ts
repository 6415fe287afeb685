/** Warm pools that cost instances, or that grow while their group sleeps. */
import { type GroupFacts, scheduledGroups } from '../facts.ts';
import { type Check, type CheckResult, whenObserved } from '../finding.ts';

export const warmPools: Check = {
  name: 'warm-pools',
  why: 'a warm pool holds what may be prepared less the desired size of its group: without a cap a group at zero fills it up to its max',
  evaluate(facts) {
    const { environment } = facts;
    if (environment.production || facts.schedule === undefined) return [];
    const isKept = environment.warmPools === 'keep';
    return whenObserved([facts.groups], (groups) => {
      const problems = scheduledGroups(facts, groups).flatMap((group) => problemsOf(group, isKept));
      if (problems.length > 0) return problems;
      const isAny = groups.some(({ warmPool }) => warmPool !== undefined);
      return [
        {
          severity: 'ok',
          found: isAny ? 'each warm pool has a cap and holds stopped instances' : 'no group has a warm pool',
        },
      ];
    });
  },
};

function problemsOf({ name, size, warmPool }: GroupFacts, isKept: boolean): readonly CheckResult[] {
  if (warmPool === undefined) return [];
  const problems: CheckResult[] = [];
  if (warmPool.state === 'Running')
    problems.push({
      severity: 'warning',
      target: name,
      found: `its warm pool is Running: each of its instances (${warmPool.instances} now) costs as much as a node${isKept ? ', at night too' : ', while the cluster is awake'}`,
      advice: 'set its state to Stopped, or Hibernated',
    });
  if (warmPool.maxPrepared === undefined && warmPool.min < size.max)
    problems.push({
      severity: isKept ? 'failure' : 'warning',
      target: name,
      found: isKept
        ? `its warm pool has no cap and is kept: with the group at zero it grows to ${size.max} instances every night`
        : `its warm pool has no cap: whenever the group is scaled in, it grows up to ${size.max} instances; a stop switches it off`,
      advice: `set maxGroupPreparedCapacity to what a morning needs${isKept ? ", or leave warmPools: 'keep' out" : ''}`,
    });
  return problems;
}
