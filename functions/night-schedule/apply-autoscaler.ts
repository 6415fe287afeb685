/** One step of the autoscaler: save, then pause or resume. */
import type { Versioned } from '#functions/shared/versioned.ts';
import { type ApplyContext, OTHER_PASS_FIRST, record, report } from './apply-context.ts';
import type { AutoscalerStep } from './decide-autoscaler.ts';
import type { Autoscaler, Store } from './ports.ts';
import { objectOf, type SavedAutoscaler } from './records.ts';

export async function applyAutoscalerStep(context: ApplyContext, step: AutoscalerStep): Promise<void> {
  const { ports, recorder } = context;
  await recorder.guard(step.target, async () => {
    const { settings, autoscaler } = ports;
    if (!settings.dryRun && autoscaler) {
      if (!(await writeAutoscaler(ports.store, step))) return record(context, step, 'none', OTHER_PASS_FIRST);
      const failures = step.pause ? await autoscaler.pause(step.pause, step.terminateAt) : [];
      for (const { target, error } of failures) recorder.failed(target, error);
      if (failures.length > 0 && step.isReportedWhenDone) return;
      if (step.resume && !(await resume(context, autoscaler, step, step.resume))) return;
    }
    report(context, step);
  });
}

/** False where an object could not be resumed, or none was; the others are resumed. */
async function resume(
  context: ApplyContext,
  autoscaler: Autoscaler,
  step: AutoscalerStep,
  saved: readonly Versioned<SavedAutoscaler>[],
): Promise<boolean> {
  const { ports, recorder } = context;
  const before = recorder.failures.length;
  let isAnyResumed = false;
  for (const { value, version } of saved) {
    const target = value.kind === 'karpenter' ? value.nodePool : step.target;
    await recorder.guard(target, async () => {
      const outcome = await autoscaler.resume(value);
      if (outcome === 'busy') return report(context, { ...BUSY, target });
      if (outcome === 'resumed') isAnyResumed = true;
      if (outcome === 'gone')
        record(context, { target }, 'ignore', 'it does not exist any more: its saved setting is dropped');
      if (outcome === 'gone' || step.clearResumed)
        await ports.store.clearAutoscaler(objectOf(value), version);
    });
  }
  return isAnyResumed && recorder.failures.length === before;
}

const BUSY = {
  action: 'none',
  reason: 'another update of the cluster is in progress: the next pass tries again',
  once: 'cluster-is-busy',
} as const;

async function writeAutoscaler(
  store: Store,
  { save = [], replace = [], clear = [] }: AutoscalerStep,
): Promise<boolean> {
  for (const next of save) if (!(await store.writeAutoscaler(next, 'absent'))) return false;
  for (const { value, version } of replace) if (!(await store.writeAutoscaler(value, version))) return false;
  for (const { value, version } of clear)
    if (!(await store.clearAutoscaler(objectOf(value), version))) return false;
  return true;
}
