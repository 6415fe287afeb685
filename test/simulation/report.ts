import { PROMISE_IDS, PROMISES } from './outcome.ts';
import type { Tally } from './simulate-many.ts';
import { listOfStories } from './stories.ts';

/** The table that is printed. */
export function reportOf(
  tally: Tally,
  options: { readonly seed: number; readonly severity: string },
): string {
  const rows = PROMISE_IDS.map((id) => [
    `${id}. ${PROMISES[id]}`,
    number(tally.exercised[id]),
    tally.exercised[id] === 0 ? 'not exercised' : number(tally.broken[id]),
  ]);
  const table = columns([['promise', 'times exercised', 'times broken'], ...rows]);
  return [
    `${number(tally.nights)} nights from seed ${options.seed}, faults: ${options.severity}; each is a story of ${listOfStories()}`,
    '',
    ...table,
    '',
    `faults injected: ${listOf(tally.faults)}`,
    `events: ${listOf(tally.events)}`,
    ...(tally.failures.length > 0 ? [`broken nights: ${brokenNights(tally)}`] : []),
  ].join('\n');
}

/** Each once, with its story: `drain 288404530, deploy 288406617`. */
function brokenNights({ failures }: Tally): string {
  return [...new Set(failures.map(({ story, seed }) => `${story} ${seed}`))].join(', ');
}

function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  '),
  );
}

function listOf(counts: Readonly<Record<string, number>>): string {
  const entries = Object.entries(counts).sort(([a], [b]) => a.localeCompare(b));
  return entries.length === 0
    ? 'none'
    : entries.map(([name, count]) => `${name} ${number(count)}`).join(', ');
}

function number(value: number): string {
  return value.toLocaleString('en-US');
}
