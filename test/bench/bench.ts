/** The result of a bench: figures with their baselines and targets. */
export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** Measured in the same run. */
  readonly baseline?: { readonly what: string; readonly value: number };
  readonly target?: { readonly what: string; readonly met: boolean };
  /** Others that did the same, in the unit of the figure: a column for each. */
  readonly beside?: readonly Beside[];
}

export interface Beside {
  readonly who: string;
  /** Words where it is no single number: `never`, or two runs. */
  readonly value: number | string;
  /** Not measured in this run. */
  readonly isRecorded?: boolean;
}

export interface BenchResult {
  readonly bench: string;
  /** How it was measured, in a sentence. */
  readonly method: string;
  readonly figures: readonly Figure[];
  /** Whose the figures are, where others stand beside them. */
  readonly own?: string;
  /** Further lines for a person: what a bundle consists of, and the like. */
  readonly notes?: readonly string[];
  /** Nothing was measured: what is not installed here, and how to get it. */
  readonly missing?: string;
}

export type Bench = (options: {
  readonly runs: number;
  readonly log: (line: string) => void;
}) => Promise<BenchResult>;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

/** The figure that `share` of the values are at or below: 0.99 for p99. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

export function table(result: BenchResult): string {
  if (result.missing !== undefined) return `${result.bench}: not measured: ${result.missing}`;
  const isBeside = result.figures.some(({ beside }) => beside);
  const rows = isBeside ? rowsBeside(result) : rowsOf(result);
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return [`${result.bench}: ${result.method}`, ...lines, ...(result.notes ?? [])].join('\n');
}

function rowsOf({ figures }: BenchResult): string[][] {
  return [
    ['what', 'figure', 'baseline', 'ratio', 'target', ''],
    ...figures.map((figure) => [
      figure.what,
      `${text(figure.value)} ${figure.unit}`,
      figure.baseline ? `${text(figure.baseline.value)} ${figure.unit} (${figure.baseline.what})` : '',
      figure.baseline ? (figure.value / figure.baseline.value).toFixed(2) : '',
      ...targetOf(figure),
    ]),
  ];
}

function rowsBeside({ figures, own = 'figure' }: BenchResult): string[][] {
  const columns = [...new Set(figures.flatMap(({ beside = [] }) => beside.map(({ who }) => who)))];
  return [
    ['what', own, ...columns, 'target', ''],
    ...figures.map((figure) => [
      figure.what,
      cellOf(figure.value, figure.unit),
      ...columns.map((column) => {
        const one = figure.beside?.find(({ who }) => who === column);
        return one ? `${cellOf(one.value, figure.unit)}${one.isRecorded ? ' (recorded)' : ''}` : '';
      }),
      ...targetOf(figure),
    ]),
  ];
}

function targetOf({ target }: Figure): string[] {
  return [target?.what ?? '', target ? (target.met ? 'met' : 'NOT MET') : ''];
}

/** Not a number: it never came to that. */
function cellOf(value: number | string, unit: string): string {
  if (typeof value === 'string') return /\d/.test(value) ? `${value} ${unit}` : value;
  return Number.isNaN(value) ? 'never' : `${text(value)} ${unit}`;
}

function text(value: number): string {
  return value >= 100
    ? Math.round(value).toLocaleString('en-US')
    : value.toFixed(value >= 10 ? 2 : 3).replace(/\.?0+$/, '');
}
