/** PodDisruptionBudgets that never allow an eviction. */
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js';
import { type Check, type CheckResult, whenObserved } from '../finding.ts';

export const disruptionBudgets: Check = {
  name: 'disruption-budgets',
  why: 'such a budget blocks eviction until the pods are killed: a stop waits 15 minutes for each node, and a spot drain has to delete the pods in the last seconds',
  evaluate: (facts) =>
    whenObserved([facts.kubernetes.budgets], (budgets) => {
      const blocking = budgets.filter(neverAllows);
      if (blocking.length === 0) {
        return [{ severity: 'ok', found: `each of the ${budgets.length} budgets can allow an eviction` }];
      }
      return blocking.map(
        (budget): CheckResult => ({
          severity: 'warning',
          target: `${budget.metadata?.namespace}/${budget.metadata?.name}`,
          found: `${ruleOf(budget)} for ${budget.status?.expectedPods ?? 0} pods never allows an eviction`,
          advice: 'set maxUnavailable: 1, or run one replica more than minAvailable',
        }),
      );
    }),
};

/** Decided from its rule and pod count, not from the current health of the pods. */
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
