/** Turns a stretch of observed sleep into ledger entries, one for each date of the schedule's zone. Pure. */
import { DAY_MINUTES, MINUTE_MS } from '#model/duration.ts';
import { firstInstantOf, wallAt } from '#model/zone.ts';
import type { Gap, LedgerEntry, Notes } from './records.ts';

/** The groups are observed every minute; the time of it is saved at this distance. */
export const SEEN_EVERY_MS = 5 * MINUTE_MS;
/** Two times further apart than this have a gap between them: nothing was observed. */
const GAP_MS = 15 * MINUTE_MS;

export function ledgerEntries(
  sleep: { readonly group: string; readonly nodes: number; readonly from: string; readonly to: Date },
  gaps: readonly Gap[],
  timeZone: string,
): LedgerEntry[] {
  const entries: LedgerEntry[] = [];
  const end = sleep.to.getTime();
  let from = Date.parse(sleep.from);
  while (from < end) {
    const day = Math.floor(wallAt(timeZone, from) / DAY_MINUTES);
    const to = Math.min(end, firstInstantOf(timeZone, (day + 1) * DAY_MINUTES));
    const asleepMinutes = minutes(to - from);
    const gapMinutes = minutes(
      gaps.reduce((sum, gap) => sum + overlap(from, to, Date.parse(gap.from), Date.parse(gap.to)), 0),
    );
    entries.push({
      date: new Date(day * DAY_MINUTES * MINUTE_MS).toISOString().slice(0, 10),
      group: sleep.group,
      from: new Date(from).toISOString(),
      to: new Date(to).toISOString(),
      nodes: sleep.nodes,
      asleepMinutes,
      gapMinutes,
      nodeMinutesSaved: Math.max(0, asleepMinutes - gapMinutes) * sleep.nodes,
    });
    from = to;
  }
  return entries;
}

/** The note after the groups were observed now; the same object where nothing needs to be written. */
export function seen(before: Notes['seen'] | undefined, now: Date, groups: number): Notes['seen'] {
  const at = now.toISOString();
  if (!before) return { at, gaps: [], groups };
  const sinceMs = now.getTime() - Date.parse(before.at);
  if (sinceMs < SEEN_EVERY_MS) return before;
  const note = { ...before, at, groups };
  if (sinceMs <= GAP_MS) return note;
  return { ...note, gaps: [...before.gaps, { from: before.at, to: at }].slice(-50) };
}

function overlap(a: number, b: number, c: number, d: number): number {
  return Math.max(0, Math.min(b, d) - Math.max(a, c));
}

function minutes(ms: number): number {
  return Math.round(ms / MINUTE_MS);
}
