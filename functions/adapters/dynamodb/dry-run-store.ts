/** The store of a dry run, and of a pause. Loaded only there. */
import type { Store } from '#functions/night-schedule/ports.ts';
import { NightshiftError } from '#functions/shared/errors.ts';

/** A dry run writes its notes only: a size that it would have saved must never be taken for one that was saved. */
export function createDryRunStore({ load, writeNote }: Store): Store {
  const refuse = (): Promise<never> =>
    Promise.reject(new NightshiftError('a dry run may write its notes only: nothing was written'));
  return {
    load,
    writeNote,
    writeState: refuse,
    writeSaved: refuse,
    clearSaved: refuse,
    writeAutoscaler: refuse,
    clearAutoscaler: refuse,
    writeCronJob: refuse,
    clearCronJob: refuse,
    addOverride: refuse,
    writeLedger: refuse,
  };
}
