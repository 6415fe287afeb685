/** How time, calls and money grow, as a picture: an SVG with one small chart for each series of figures. */
import type { BenchResult, Figure } from './bench.ts';

interface Point {
  readonly x: number;
  readonly y: number;
}

interface Chart {
  readonly title: string;
  readonly x: string;
  readonly unit: string;
  readonly points: readonly Point[];
}

/** Which figures are drawn: those whose name is a number, then `rest`. */
const SERIES: readonly { readonly bench: string; readonly rest: string; readonly title: string }[] = [
  { bench: 'pass', rest: 'groups, quiet: AWS calls', title: 'Calls of a quiet pass, by groups' },
  { bench: 'pass', rest: 'groups, quiet: time', title: 'Time of a quiet pass, by groups' },
  {
    bench: 'pass',
    rest: 'groups, quiet: duration of a month’s ticks',
    title: 'Lambda duration of a month’s ticks, by groups',
  },
  { bench: 'scale', rest: 'environments: synth', title: 'Synth of one app, by environments' },
  { bench: 'scale', rest: 'environments: status', title: 'nightshift status, by environments' },
  {
    bench: 'scale',
    rest: 'applications, quiet tick: time',
    title: 'Quiet tick of branch-deploy, by applications',
  },
];
const COLUMNS = 3;
const [WIDTH, HEIGHT] = [300, 200];
const PLOT = { left: 56, right: 284, top: 36, bottom: 160 } as const;

/** Throws where a series has fewer than two figures. */
export function growthPicture(results: readonly BenchResult[]): string {
  const charts = SERIES.map(({ bench, rest, title }) => {
    const figures = results.find((result) => result.bench === bench)?.figures ?? [];
    return chartOf(title, rest, figures);
  });
  const rows = Math.ceil(charts.length / COLUMNS);
  const body = charts.map((chart, index) => {
    const [x, y] = [(index % COLUMNS) * WIDTH, Math.floor(index / COLUMNS) * HEIGHT];
    return `<g transform="translate(${x} ${y})">${draw(chart)}</g>`;
  });
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${COLUMNS * WIDTH} ${rows * HEIGHT}" font-family="system-ui, sans-serif" font-size="11">`,
    `<title>How time, calls and money grow</title>`,
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    ...body,
    '</svg>',
  ].join('\n')}\n`;
}

function chartOf(title: string, rest: string, figures: readonly Figure[]): Chart {
  const matching = figures.filter(({ what }) => /^\d+ /.test(what) && what.endsWith(` ${rest}`));
  const points = matching.map(({ what, value }) => ({ x: Number.parseInt(what, 10), y: value }));
  if (points.length < 2) throw new Error(`the picture needs two figures or more of "${rest}"`);
  return { title, x: rest.split(/[:,]/)[0] ?? '', unit: matching[0]?.unit ?? '', points };
}

function draw({ title, x, unit, points }: Chart): string {
  const mostX = Math.max(...points.map((point) => point.x));
  const mostY = Math.max(...points.map((point) => point.y));
  const at = (point: Point) => ({
    left: PLOT.left + ((PLOT.right - PLOT.left) * point.x) / mostX,
    top: PLOT.bottom - ((PLOT.bottom - PLOT.top) * point.y) / mostY,
  });
  const places = points.map(at);
  const line = places.map(({ left, top }) => `${left.toFixed(1)},${top.toFixed(1)}`).join(' ');
  const dots = places
    .map(({ left, top }) => `<circle cx="${left.toFixed(1)}" cy="${top.toFixed(1)}" r="3" fill="#0b5cad"/>`)
    .join('');
  return [
    `<text x="8" y="12" font-weight="600" fill="#111827">${title}</text>`,
    `<path d="M${PLOT.left} ${PLOT.top}V${PLOT.bottom}H${PLOT.right}" fill="none" stroke="#9ca3af"/>`,
    `<polyline points="${line}" fill="none" stroke="#0b5cad" stroke-width="2"/>${dots}`,
    label(PLOT.left - 6, PLOT.top + 4, 'end', short(mostY)),
    label(PLOT.left - 6, PLOT.bottom, 'end', '0'),
    label(PLOT.left, PLOT.top - 8, 'start', unit),
    label(PLOT.left, PLOT.bottom + 16, 'middle', '0'),
    label(PLOT.right, PLOT.bottom + 16, 'end', `${mostX.toLocaleString('en-US')} ${x}`),
  ].join('');
}

function label(x: number, y: number, anchor: 'start' | 'middle' | 'end', text: string): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}" fill="#4b5563">${text}</text>`;
}

function short(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toPrecision(2);
}
