/** Applies the steps of a plan: save, then change. What changes something is loaded only then: a quiet pass changes nothing. */
import { type ApplyContext, report } from './apply-context.ts';
import type { AutoscalerStep } from './decide-autoscaler.ts';
import type { GroupStep } from './decide-group.ts';
import type { Group } from './ports.ts';

/** Applies them at once. Undefined where nothing is requested or changed: then all is recorded. */
export function applyStage(
  context: ApplyContext,
  steps: readonly GroupStep[],
  groups: readonly Group[],
): Promise<unknown> | undefined {
  const work: (readonly [GroupStep, Group])[] = [];
  for (const step of steps) {
    const group = isWork(context, step) ? groups.findLast(({ name }) => name === step.target) : undefined;
    if (group) work.push([step, group]);
    else report(context, step);
  }
  if (work.length === 0) return undefined;
  return import('./apply-group.ts').then(({ applyGroups }) => applyGroups(context, work));
}

function isWork({ ports }: ApplyContext, step: GroupStep): boolean {
  if (step.action === 'fail') return step.explainFailuresSince !== undefined;
  return !ports.settings.dryRun && (step.record ?? step.resize ?? step.warmPool ?? step.slept) !== undefined;
}

/** One after the other. */
export async function applyAutoscaler(
  context: ApplyContext,
  steps: readonly AutoscalerStep[],
): Promise<void> {
  if (steps.length === 0) return;
  const { applyAutoscalerStep } = await import('./apply-autoscaler.ts');
  for (const step of steps) await applyAutoscalerStep(context, step);
}
