/** The week as an SVG picture, for a page or a mail. */
import { DAY_MINUTES } from '#model/duration.ts';
import { formatDay } from '#model/when.ts';
import { hoursOf, type PlannedDay } from './days.ts';

export interface PicturedPlan {
  /** `develop, staging: office, up Mon-Fri 08:00-22:00 (Asia/Tokyo)` */
  readonly title: string;
  /** Empty where the cluster is never stopped. */
  readonly days: readonly PlannedDay[];
}

const [LEFT, DAY_WIDTH, ROW, HEAD, RIGHT] = [120, 720, 22, 48, 130];
const WIDTH = LEFT + DAY_WIDTH + RIGHT;
const HOURS = [0, 3, 6, 9, 12, 15, 18, 21, 24];

export function svgOf(plans: readonly PicturedPlan[]): string {
  let top = 8;
  const parts: string[] = [];
  for (const plan of plans) {
    parts.push(`<g transform="translate(0 ${top})">`, ...planParts(plan), '</g>');
    top += HEAD + plan.days.length * ROW + 16;
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${top}" width="${WIDTH}" height="${top}" role="img" aria-label="when the clusters are up" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${top}" fill="#fff"/>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

function planParts({ title, days }: PicturedPlan): string[] {
  const height = days.length * ROW;
  const axis = HOURS.flatMap((hour) => {
    const x = LEFT + (hour / 24) * DAY_WIDTH;
    return [
      `<text x="${x}" y="38" text-anchor="middle" fill="#555">${hour}</text>`,
      `<line x1="${x}" y1="42" x2="${x}" y2="${HEAD + height}" stroke="#ddd"/>`,
    ];
  });
  const rows = days.flatMap((day, index) => dayParts(day, HEAD + index * ROW));
  return [
    `<text x="8" y="16" font-weight="bold">${escaped(title)}</text>`,
    ...(days.length > 0 ? axis : []),
    ...rows,
  ];
}

function dayParts({ date, up, notes }: PlannedDay, y: number): string[] {
  const baseline = y + ROW - 7;
  return [
    `<g><title>${escaped([formatDay(date), hoursOf(up), ...notes].join('; '))}</title>`,
    `<text x="8" y="${baseline}">${formatDay(date)}</text>`,
    `<rect x="${LEFT}" y="${y + 3}" width="${DAY_WIDTH}" height="${ROW - 6}" fill="#e8ebf0"/>`,
    ...up.map(
      ({ from, to }) =>
        `<rect x="${LEFT + (from / DAY_MINUTES) * DAY_WIDTH}" y="${y + 3}" width="${((to - from) / DAY_MINUTES) * DAY_WIDTH}" height="${ROW - 6}" fill="#2f9e6e"/>`,
    ),
    `<text x="${LEFT + DAY_WIDTH + 10}" y="${baseline}">${escaped(hoursOf(up))}${notes.length > 0 ? ' *' : ''}</text>`,
    '</g>',
  ];
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
