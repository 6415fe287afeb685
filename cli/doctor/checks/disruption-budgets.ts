/** PodDisruptionBudgets that never allow a disruption. */
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js';
import { type Check, needing, type Verdict } from '../finding.ts';

export const disruptionBudgets: Check = {
  name: 'disruption-budgets',
  why: 'such a budget holds its pods until they are killed: a stop waits 15 minutes for each node, and a spot drain has to force them in the last seconds',
  judge: (site) =>
    needing([site.kubernetes.budgets], (budgets) => {
      const stuck = budgets.filter(neverAllows);
      if (stuck.length === 0) {
        return [{ severity: 'ok', found: `each of the ${budgets.length} budgets can allow a disruption` }];
      }
      return stuck.map(
        (budget): Verdict => ({
          severity: 'warning',
          target: `${budget.metadata?.namespace}/${budget.metadata?.name}`,
          found: `${ruleOf(budget)} for ${budget.status?.expectedPods ?? 0} pods never allows a disruption`,
          advice: 'write maxUnavailable: 1, or run one replica more than minAvailable',
        }),
      );
    }),
};

/** By its rule and the pods it counts, not by this minute's health. */
function neverAllows({ spec, status }: PodDisruptionBudget): boolean {
  const pods = status?.expectedPods ?? 0;
  if (pods === 0) return false;
  const { maxUnavailable, minAvailable } = spec ?? {};
  if (maxUnavailable !== undefined) return countOf(maxUnavailable, pods) === 0;
  if (minAvailable !== undefined) return countOf(minAvailable, pods) >= pods;
  return false;
}

/** Kubernetes rounds percentages up. */
function countOf(value: number | string, pods: number): number {
  return typeof value === 'number' ? value : Math.ceil((Number.parseFloat(value) * pods) / 100);
}

function ruleOf({ spec }: PodDisruptionBudget): string {
  return spec?.maxUnavailable !== undefined
    ? `maxUnavailable ${spec.maxUnavailable}`
    : `minAvailable ${spec?.minAvailable}`;
}
