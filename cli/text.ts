/** Text for terminals. */
import pc from 'picocolors';
import { DAY_MINUTES, MINUTE_MS } from '#model/duration.ts';
import { printable } from '#model/plain-text.ts';
import { formatDay } from '#model/when.ts';
import { wallAt } from '#model/zone.ts';
import type { NamedEnvironment } from './select-environments.ts';

export interface Paint {
  bold(text: string): string;
  dim(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  red(text: string): string;
  blue(text: string): string;
}

export function paintOf(color: boolean): Paint {
  return pc.createColors(color);
}

/** Text from other systems, on one line: what a terminal would interpret is shown instead. */
export function plain(text: string): string {
  return printable(text);
}

/** The sequences of `paintOf`, and no other. */
const ESCAPE = String.fromCharCode(27);
const COLOUR = new RegExp(`(${ESCAPE}\\[(?:1|2|22|3[1-4]|39)m)`);

/** The last step before a terminal: whatever reached a message, only lines and our own colours remain of what it would interpret. */
export function forTerminal(text: string, color: boolean): string {
  return text
    .split('\n')
    .map((line) => (color ? withColours(line) : printable(line)))
    .join('\n');
}

function withColours(line: string): string {
  // Every second part is what the expression found.
  return line
    .split(COLOUR)
    .map((part, index) => (index % 2 === 1 ? part : printable(part)))
    .join('');
}

/** Stands before everything about a cluster that the functions only watch. */
export const DRY_RUN = 'DRY RUN, nothing is changed:';

/** `develop (cluster develop, account 111111111111, ap-northeast-1)` */
export function environmentTitle({ name, environment }: NamedEnvironment, paint: Paint): string {
  const { cluster, account, region } = environment;
  return `${dryRunMark(environment, paint)}${paint.bold(name)} (cluster ${cluster}, account ${account}, ${region})`;
}

/** Empty where the functions do change something. */
export function dryRunMark({ dryRun }: NamedEnvironment['environment'], paint: Paint): string {
  return dryRun ? `${paint.yellow(DRY_RUN)} ` : '';
}

/** `Thu 2026-12-24 08:00` in that time zone. */
export function localTime(timeZone: string, at: Date): string {
  const wall = wallAt(timeZone, at.getTime());
  const date = Math.floor(wall / DAY_MINUTES);
  return `${formatDay(date)} ${new Date(wall * MINUTE_MS).toISOString().slice(11, 16)}`;
}

/** `50 min`, `9 h 10 min`, `3 d 2 h` */
export function duration(ms: number): string {
  const minutes = Math.max(0, Math.round(ms / MINUTE_MS));
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 48 * 60) return joinUnits(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
  return joinUnits(Math.floor(minutes / DAY_MINUTES), 'd', Math.floor((minutes % DAY_MINUTES) / 60), 'h');
}

function joinUnits(big: number, bigUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${big} ${bigUnit}` : `${big} ${bigUnit} ${small} ${smallUnit}`;
}

/** Rows with aligned columns. `right` lists the indexes of right-aligned columns. */
export function columns(rows: readonly (readonly string[])[], right: readonly number[] = []): string[] {
  const widths = rows.reduce<number[]>(
    (all, row) => row.map((cell, index) => Math.max(all[index] ?? 0, cell.length)),
    [],
  );
  return rows.map((row) =>
    row
      .map((cell, index) => {
        if (right.includes(index)) return cell.padStart(widths[index] ?? 0);
        return index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0);
      })
      .join('  ')
      .trimEnd(),
  );
}
