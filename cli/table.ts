/** A table that fits the width of the terminal. */

export interface Column<T> {
  readonly title: string;
  cell(row: T): string;
  /** Columns with a lower number are cut first; those without one are never cut. */
  readonly cutFirst?: number;
  /** Below this width of the terminal the column is left out. */
  readonly from?: number;
  /** From this width on the column is left out. */
  readonly below?: number;
}

const GAP = 2;
const NARROWEST = 6;

/** The heading and one line for each row. Cells that do not fit end with `…`. Trailing spaces are removed. */
export function tableLines<T>(all: readonly Column<T>[], rows: readonly T[], width: number): string[] {
  const columns = all.filter(
    ({ from = 0, below = Number.POSITIVE_INFINITY }) => width >= from && width < below,
  );
  const cells = [
    columns.map(({ title }) => title),
    ...rows.map((row) => columns.map((one) => one.cell(row))),
  ];
  const widths = columns.map((_, index) => Math.max(...cells.map((line) => widthOf(line[index] ?? ''))));
  const order = columns
    .map(({ cutFirst }, index) => ({ cutFirst, index }))
    .filter((one) => one.cutFirst !== undefined)
    .sort((a, b) => (a.cutFirst ?? 0) - (b.cutFirst ?? 0));
  for (const { index } of order) {
    const excess = widths.reduce((sum, one) => sum + one + GAP, -GAP) - width;
    if (excess > 0) widths[index] = Math.max(NARROWEST, (widths[index] ?? 0) - excess);
  }
  return cells.map((line) =>
    line
      .map((cell, index) => padded(cut(cell, widths[index] ?? 0), widths[index] ?? 0))
      .join(' '.repeat(GAP))
      .trimEnd(),
  );
}

/** Cut to so many columns, the last of which is then `…`. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let short = '';
  for (const letter of text) {
    if (widthOf(short) + widthOf(letter) > width - 1) break;
    short += letter;
  }
  return `${short}…`;
}

function padded(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)));
}

/** Chinese, Japanese and Korean letters take two columns of a terminal. */
const WIDE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3000-\u303f\uff01-\uff60]/u;

function widthOf(text: string): number {
  return [...text].reduce((sum, letter) => sum + (WIDE.test(letter) ? 2 : 1), 0);
}
