/** Whether the controller starts an automated sync: `autoSync` of `controller/appcontroller.go`. */
import { copyOf } from '../copy.ts';
import { instant, isCompleted } from './application.ts';
import { hasMultipleSources } from './compare.ts';
import { syncsByItself } from './sync-request.ts';
import type { ApplicationObject, Operation, OperationState } from './types.ts';

/** Default self-heal backoff: 2 s, times 3, at most 5 minutes. */
const SELF_HEAL = { firstMs: 2_000, factor: 3, maxMs: 300_000 };

export type AutoSync =
  | { readonly do: 'nothing' }
  | { readonly do: 'start'; readonly operation: Operation }
  /** Self-heal waits until then (virtual ms). */
  | { readonly do: 'wait'; readonly until: number }
  /** The revision failed and is not retried; reported as a condition. */
  | { readonly do: 'give-up'; readonly message: string };

export function autoSync(object: ApplicationObject, revisions: string[], at: number): AutoSync {
  const { spec, status } = object;
  const automated = spec.syncPolicy?.automated;
  if (!automated || !syncsByItself(spec)) return { do: 'nothing' };
  if (object.operation || object.metadata.deletionTimestamp || status.sync.status !== 'OutOfSync')
    return { do: 'nothing' };
  const outOfSync = (status.resources ?? []).filter(({ hook, status }) => !hook && status !== 'Synced');
  if (!automated.prune && outOfSync.every((resource) => resource.requiresPruning)) return { do: 'nothing' };

  const multi = hasMultipleSources(spec);
  const sync: NonNullable<Operation['sync']> = {
    ...(multi
      ? { revisions, sources: copyOf(spec.sources ?? []) }
      : { revision: revisions[0] ?? '', ...(spec.source ? { source: copyOf(spec.source) } : {}) }),
    ...(automated.prune ? { prune: true } : {}),
    ...(spec.syncPolicy?.syncOptions ? { syncOptions: spec.syncPolicy.syncOptions } : {}),
  };
  const last = status.operationState;
  if (last && attempted(last, spec, revisions)) {
    const tried = last.syncResult?.revisions ?? (last.syncResult ? [last.syncResult.revision] : []);
    if (last.phase !== 'Succeeded') {
      return { do: 'give-up', message: `Failed last sync attempt to [${tried.join(' ')}]: ${last.message}` };
    }
    if (!automated.selfHeal) return { do: 'nothing' };
    const attempts = last.operation.sync?.autoHealAttemptsCount ?? 0;
    const backoff =
      attempts === 0 ? 0 : Math.min(SELF_HEAL.maxMs, SELF_HEAL.firstMs * SELF_HEAL.factor ** (attempts - 1));
    const ready = Date.parse(last.finishedAt ?? instant(at)) + backoff;
    if (ready > at) return { do: 'wait', until: ready };
    sync.autoHealAttemptsCount = attempts + 1;
    sync.resources = outOfSync.map(({ group, kind, name }) => ({ group, kind, name }));
  }
  return {
    do: 'start',
    operation: { sync, initiatedBy: { automated: true }, retry: spec.syncPolicy?.retry ?? { limit: 5 } },
  };
}

/** The last sync was to these revisions of these sources. */
function attempted(
  last: OperationState,
  spec: ApplicationObject['spec'],
  revisions: readonly string[],
): boolean {
  if (!last.syncResult) return isCompleted(last.phase);
  const { syncResult } = last;
  if (hasMultipleSources(spec)) {
    return equal(syncResult.revisions, revisions) && equal(syncResult.sources, spec.sources);
  }
  return syncResult.revision === revisions[0] && equal(syncResult.source, spec.source);
}

function equal(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
