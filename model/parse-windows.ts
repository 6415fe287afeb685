/**
 * Weekly windows as people write them: `Mon-Fri 08:00-22:00`, `Mon,Wed 09:00-17:00`, `Mon-Fri 20:00-02:00` (overnight),
 * `Fri 20:00 - Mon 06:00` (one window over the weekend), `daily 07:00-19:00`. `24:00` is the end of a day.
 */
import { DAY_MINUTES } from './duration.ts';
import type { Weekday, WeeklyWindow } from './schedule.ts';
import { onTheDayClock, plainTyping } from './typed-text.ts';
import { clock, DAYS, dayAfter, parseDay } from './window.ts';

export const WINDOW_EXAMPLES =
  '"Mon-Fri 08:00-22:00", "Mon,Wed 09:00-17:00", "Mon-Fri 20:00-02:00", "Fri 20:00 - Mon 06:00" or "daily 07:00-19:00"';

const LATEST_START = DAY_MINUTES - 1;
const LATEST_END = DAY_MINUTES;

/** Windows, or a problem: words that complete `"…": <text>`. */
export type ParsedWindows = { readonly windows: readonly WeeklyWindow[] } | { readonly problem: string };

export function parseWindows(text: string): ParsedWindows {
  const normal = text.trim().replace(/\s+/g, ' ').replace(/[–—]/g, '-');
  const across = /^([a-z]+) (\d{1,2}:\d{2}) ?- ?([a-z]+) (\d{1,2}:\d{2})$/i.exec(normal);
  if (across) return acrossDays(across[1] ?? '', across[2] ?? '', across[3] ?? '', across[4] ?? '');

  const repeated = /^(.+?) (\d{1,2}:\d{2}) ?- ?(\d{1,2}:\d{2})$/.exec(normal);
  if (!repeated) return { problem: notAWindow(normal) };
  const days = parseDays(repeated[1] ?? '');
  if ('problem' in days) return days;
  const start = parseTime(repeated[2] ?? '', LATEST_START);
  if ('problem' in start) return start;
  const end = parseTime(repeated[3] ?? '', LATEST_END);
  if ('problem' in end) return end;
  if (start.minute === end.minute) {
    return { problem: 'it ends when it begins: for a whole day write 00:00-24:00' };
  }
  const overnight = end.minute < start.minute;
  return {
    windows: days.days.map((day) => ({
      start: { day, minute: start.minute },
      end: { day: overnight ? dayAfter(day) : day, minute: end.minute },
    })),
  };
}

/** The same with a 24-hour clock, where that makes it one. */
function notAWindow(text: string): string {
  const onClock = onTheDayClock(plainTyping(text)).replace(/ to (?=\d)/i, '-');
  if (onClock !== text && !('problem' in parseWindows(onClock))) return `write "${onClock}"`;
  return `write days and times like ${WINDOW_EXAMPLES}`;
}

function acrossDays(startDay: string, startTime: string, endDay: string, endTime: string): ParsedWindows {
  const from = parseDay(startDay);
  if (!from) return unknownDay(startDay);
  const to = parseDay(endDay);
  if (!to) return unknownDay(endDay);
  const start = parseTime(startTime, LATEST_START);
  if ('problem' in start) return start;
  const end = parseTime(endTime, LATEST_END);
  if ('problem' in end) return end;
  return { windows: [{ start: { day: from, minute: start.minute }, end: { day: to, minute: end.minute } }] };
}

function parseDays(text: string): { readonly days: readonly Weekday[] } | { readonly problem: string } {
  if (/^(daily|every day)$/i.test(text)) return { days: [1, 2, 3, 4, 5, 6, 7] };
  const days = new Set<Weekday>();
  for (const part of text.split(',').map((piece) => piece.trim())) {
    const [first = '', last = first, ...more] = part.split('-').map((piece) => piece.trim());
    const from = parseDay(first);
    if (!from) return unknownDay(first);
    const to = parseDay(last);
    if (!to || more.length > 0) return unknownDay(more.length > 0 ? part : last);
    for (let day = from; ; day = dayAfter(day)) {
      days.add(day);
      if (day === to) break;
    }
  }
  return { days: [...days] };
}

function parseTime(text: string, latest: number): { readonly minute: number } | { readonly problem: string } {
  const [hours = Number.NaN, minutes = Number.NaN] = text.split(':').map(Number);
  const minute = hours * 60 + minutes;
  if (minutes < 60 && minute <= latest) return { minute };
  return { problem: `invalid time of day "${text}": write 00:00 to ${clock(latest)}` };
}

function unknownDay(text: string): { readonly problem: string } {
  return { problem: `invalid day "${text}": write ${DAYS.join(', ')}, a range like Mon-Fri, or daily` };
}
