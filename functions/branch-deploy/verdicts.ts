/**
 * Verdicts are written down with the state that they end, and said afterwards: one that was reached by a process which
 * then died is said by a later tick.
 */

import { changeRecord } from './change.ts';
import type { DesiredDeploys } from './ports.ts';
import type { ApplicationRecord, Outcome, Verdict } from './record.ts';
import type { BuildReporter } from './report.ts';
import { TIMES } from './times.ts';

const ACTION_OF = {
  deployed: 'deployed',
  superseded: 'superseded',
  failed: 'fail',
  suspended: 'wait',
} as const satisfies Record<Outcome, string>;

export async function sayVerdict(
  record: ApplicationRecord,
  { deploys, reporter }: { readonly deploys: DesiredDeploys; readonly reporter: BuildReporter },
): Promise<void> {
  const verdict = record.unreported?.at(-1);
  if (!verdict) return;
  // Where it could not be written a later tick reports it.
  if (!(await say(record, verdict, reporter))) return;
  await changeRecord(deploys, record, (current) => without(current, [verdict]));
}

/** What somebody else has reached and not said for so long that they never will. */
export async function sayForgotten(
  record: ApplicationRecord,
  now: Date,
  { deploys, reporter }: { readonly deploys: DesiredDeploys; readonly reporter: BuildReporter },
): Promise<void> {
  const old = (record.unreported ?? []).filter(
    (verdict) => now.getTime() - Date.parse(verdict.at) > TIMES.forgottenMs,
  );
  if (old.length === 0) return;
  const changed = await changeRecord(deploys, record, (current) => without(current, old));
  if (changed) for (const verdict of old) await say(record, verdict, reporter);
}

function say(record: ApplicationRecord, verdict: Verdict, reporter: BuildReporter): Promise<boolean> {
  return reporter.about(record.name, verdict.builds, ACTION_OF[verdict.outcome], verdict.reason, {
    outcome: verdict.outcome,
    ...(verdict.deployId ? { deployId: verdict.deployId } : {}),
    ...(verdict.syncs ? { syncs: verdict.syncs } : {}),
  });
}

/** Undefined where somebody else has taken them out. */
function without(record: ApplicationRecord, said: readonly Verdict[]): ApplicationRecord | undefined {
  const isSaid = (verdict: Verdict) =>
    said.some((one) => one.at === verdict.at && one.builds[0]?.build === verdict.builds[0]?.build);
  const left = (record.unreported ?? []).filter((verdict) => !isSaid(verdict));
  if (left.length === (record.unreported ?? []).length) return undefined;
  const { unreported: _, ...rest } = record;
  return left.length > 0 ? { ...rest, unreported: left } : rest;
}
