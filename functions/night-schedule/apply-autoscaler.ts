/** Applies the steps of the autoscaler. Loaded only where there is one. */
import { type ApplyContext, OTHER_PASS_FIRST, record } from './apply.ts';
import type { AutoscalerStep } from './decide-autoscaler.ts';
import type { Autoscaler, Store } from './ports.ts';
import { objectOf } from './records.ts';

export async function applyAutoscaler(context: ApplyContext, step: AutoscalerStep): Promise<void> {
  const { ports, recorder } = context;
  await recorder.guard(step.target, async () => {
    const { settings, autoscaler } = ports;
    if (!settings.dryRun && autoscaler) {
      if (!(await writeAutoscaler(ports.store, step))) return record(context, step, 'none', OTHER_PASS_FIRST);
      const failures = step.pause ? await autoscaler.pause(step.pause, step.terminateAt) : [];
      for (const { target, error } of failures) recorder.failed(target, error);
      if (!(await resume(context, autoscaler, step))) return;
    }
    if (step.once === undefined || recorder.isNews(step.once))
      record(context, step, step.action, step.reason);
  });
}

/** False where an object could not be resumed; the others are. */
async function resume(context: ApplyContext, autoscaler: Autoscaler, step: AutoscalerStep): Promise<boolean> {
  const { ports, recorder } = context;
  const before = recorder.failures.length;
  for (const { value, version } of step.resume ?? []) {
    const target = value.kind === 'karpenter' ? value.nodePool : step.target;
    await recorder.guard(target, async () => {
      const outcome = await autoscaler.resume(value);
      if (outcome === 'gone')
        record(context, { target }, 'ignore', 'it does not exist any more: its saved setting is dropped');
      if (outcome === 'busy')
        record(
          context,
          { target },
          'none',
          'another update of the cluster is in progress: the next pass tries again',
        );
      else if (outcome === 'gone' || step.clearResumed)
        await ports.store.clearAutoscaler(objectOf(value), version);
    });
  }
  return recorder.failures.length === before;
}

async function writeAutoscaler(store: Store, { save = [], clear = [] }: AutoscalerStep): Promise<boolean> {
  for (const next of save) if (!(await store.writeAutoscaler(next, 'absent'))) return false;
  for (const { value, version } of clear)
    if (!(await store.clearAutoscaler(objectOf(value), version))) return false;
  return true;
}
