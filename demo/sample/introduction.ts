/** What the sample day plays, and why on these days. */
import type { DayPlan } from './day-plan.ts';
import { wrap } from './wrap.ts';

/** Wrapped at `columns`, if given. */
export function introductionText(
  plan: DayPlan,
  notPlayed: readonly string[],
  columns: number | undefined,
): string {
  const lines = notPlayed.map((line) => wrap(`  ${line}`, columns));
  const list = lines.length === 0 ? [] : ['', 'Of the platform the lab does not play:', ...lines];
  return ['', wrap(introduction(plan), columns, 0), ...list].join('\n');
}

function introduction({ start, end, timeZone, skipped }: DayPlan): string {
  const day = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    weekday: 'short',
    day: 'numeric',
    month: 'short',
  });
  const year = new Intl.DateTimeFormat('en-GB', { timeZone, year: 'numeric' }).format(end);
  const why = skipped
    ? `the next working day of your config between a stop and a holiday (${skipped.reason}), on which the start is skipped`
    : 'the next working day of your config, with the stops before and after it';
  return `Plays ${day.format(start)} to ${day.format(end)} ${year} in virtual time: ${why}.`;
}
