/** Stops and starts as an iCalendar file (RFC 5545), to subscribe or import. */
import { createHash } from 'node:crypto';
import type { PlanEntry } from '#model/plan.ts';

export interface CalendarPlan {
  readonly names: readonly string[];
  readonly entries: readonly PlanEntry[];
}

/** An event is so long that a calendar shows it as a line. */
const SHOWN_MINUTES = 15;
/** Lines are at most so many octets, without their end. */
const LINE_OCTETS = 75;

export function icsOf(plans: readonly CalendarPlan[], now: Date): string {
  const events = plans.flatMap(({ names, entries }) =>
    entries.filter(({ kind }) => kind !== 'clock').flatMap((entry) => eventOf(names, entry, now)),
  );
  const lines = [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//eks-nightshift//plan//EN',
    'CALSCALE:GREGORIAN',
    'X-WR-CALNAME:eks-nightshift',
    ...events,
    'END:VCALENDAR',
  ];
  return `${lines.map(folded).join('\r\n')}\r\n`;
}

function eventOf(names: readonly string[], { at, kind, reason }: PlanEntry, now: Date): string[] {
  const id = createHash('sha256')
    .update(`${kind} ${at.toISOString()} ${names.join(' ')}`)
    .digest('hex');
  const verbs = {
    start: ['starts', 'start'],
    stop: ['stops', 'stop'],
    skip: ['stays down', 'stay down'],
    clock: [],
  };
  const what = verbs[kind][names.length > 1 ? 1 : 0];
  const [first = ''] = names;
  const who = names.length > 3 ? `${first} and ${names.length - 1} more` : names.join(', ');
  return [
    'BEGIN:VEVENT',
    `UID:${id.slice(0, 32)}@eks-nightshift`,
    `DTSTAMP:${utc(now)}`,
    `DTSTART:${utc(at)}`,
    `DURATION:PT${SHOWN_MINUTES}M`,
    `SUMMARY:${escaped(`${who} ${what}`)}`,
    `DESCRIPTION:${escaped(`${reason}\n${names.join(', ')}`)}`,
    'TRANSP:TRANSPARENT',
    'END:VEVENT',
  ];
}

function utc(at: Date): string {
  return at
    .toISOString()
    .replace(/\.\d{3}/, '')
    .replace(/[-:]/g, '');
}

function escaped(text: string): string {
  return text.replace(/[\\;,]/g, (sign) => `\\${sign}`).replaceAll('\n', '\\n');
}

/** A long line goes on in the next one after a space; a letter of several octets is not split. */
function folded(line: string): string {
  const parts: string[] = [''];
  let octets = 0;
  for (const letter of line) {
    const size = Buffer.byteLength(letter);
    if (octets + size > LINE_OCTETS) {
      parts.push('');
      octets = 1;
    }
    parts[parts.length - 1] += letter;
    octets += size;
  }
  return parts.join('\r\n ');
}
