/** What the groups that sleep now have saved so far: the ledger has a sleep only when it is over. Pure. */
import { ledgerEntries, seen } from './ledger.ts';
import type { LedgerEntry, Notes, SavedSize } from './records.ts';

export interface CountedEntry extends LedgerEntry {
  /** The group sleeps still: the figures grow. */
  readonly isRunning?: true;
}

/**
 * Every figure about savings is made from this, so that all of them agree at every moment. `first`: the first date of the
 * ledger that was read.
 */
export function withRunningNight(
  ledger: readonly LedgerEntry[],
  night: { readonly saved: readonly SavedSize[]; readonly seen?: Notes['seen'] | undefined },
  { now, timeZone, first = '' }: { readonly now: Date; readonly timeZone: string; readonly first?: string },
): readonly CountedEntry[] {
  // Time without an observation up to now is a gap, as it will be when the sleep is over.
  const gaps = night.seen ? seen(night.seen, now, 0).gaps : [];
  const running = night.saved.flatMap(({ group, size, asleepSince }) => {
    if (asleepSince === undefined || Date.parse(asleepSince) >= now.getTime()) return [];
    // The group has just started: the ledger has its sleep, and the record of the sizes is not cleared yet.
    if (ledger.some((one) => one.group === group && one.from === asleepSince)) return [];
    return ledgerEntries({ group, nodes: size.desired, from: asleepSince, to: now }, gaps, timeZone);
  });
  return [
    ...ledger,
    ...running.filter(({ date }) => date >= first).map((one) => ({ ...one, isRunning: true as const })),
  ];
}
