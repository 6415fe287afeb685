/** The week as a picture in the terminal: one row for equal days, one cell for half an hour. */
import { cut } from '../table.ts';
import type { Paint } from '../text.ts';
import { type EqualDays, hoursOf, type Span } from './days.ts';

const UP = '█';
const DOWN = '·';
/** That of a date: `Tue 2026-12-29`. */
const LABEL_WIDTH = 14;
/** Below this width a cell is an hour. */
const HALF_HOURS_FROM = 78;

export function pictureLines(groups: readonly EqualDays[], width: number, paint: Paint): string[] {
  const cells = width >= HALF_HOURS_FROM ? 48 : 24;
  const labelWidth = Math.max(LABEL_WIDTH, ...groups.map(({ label }) => label.length));
  const indent = ' '.repeat(labelWidth + 4);
  const rows = groups.flatMap(({ label, up, notes }) => {
    const bar = Array.from({ length: cells }, (_, index) => cellOf(up, index, cells)).join('');
    const painted = bar.replace(/█+/g, (text) => paint.green(text)).replace(/·+/g, (text) => paint.dim(text));
    const room = width - indent.length - cells - 2;
    const hours = hoursOf(up);
    const lines =
      hours.length <= room
        ? [`  ${label.padEnd(labelWidth)}  ${painted}  ${hours}`]
        : [`  ${label.padEnd(labelWidth)}  ${painted}`, `${indent}${hours}`];
    return [...lines, ...notes.map((note) => `${indent}${paint.yellow(cut(note, width - indent.length))}`)];
  });
  return [paint.dim(`${indent}${axis(cells)}`), ...rows];
}

/** The middle of the cell decides. */
function cellOf(up: readonly Span[], index: number, cells: number): string {
  const minute = ((index + 0.5) * 1440) / cells;
  return up.some(({ from, to }) => from <= minute && minute < to) ? UP : DOWN;
}

/** `0     3     6` …, each over the cell in which its hour begins. */
function axis(cells: number): string {
  const step = cells / 8;
  return `${Array.from({ length: 8 }, (_, index) => String(index * 3).padEnd(step)).join('')}24`;
}
