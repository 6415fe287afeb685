/** Times and durations as people type them, rewritten in the form that the parsers of `when.ts` and `parse-windows.ts` read. */

/** `Mon`, `monday`, `tues`. */
const DAY = /^(?!months?$)(mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6}$/i;
const DAY_WORDS = ['today', 'tonight', 'tomorrow'];

/** Full-width digits and signs, typographic dashes and repeated spaces as plain ones. */
export function plainTyping(text: string): string {
  return text.normalize('NFKC').replace(/[–—−]/g, '-').trim().replace(/\s+/g, ' ');
}

/** Every time of day on a 24-hour clock: `11pm` and `11:00 p.m.` as `23:00`, `noon` as `12:00`, `midnight` as `24:00`. */
export function onTheDayClock(text: string): string {
  return text
    .replace(/\bnoon\b/gi, '12:00')
    .replace(/\bmidnight\b/gi, '24:00')
    .replace(
      /\b(\d{1,2})(?:[:.h](\d{2}))? ?([ap])\.?m\b\.?/gi,
      (all: string, hour: string, minute = '00', half = '') => {
        const hours = Number(hour);
        if (hours < 1 || hours > 12) return all;
        return `${two((hours % 12) + (half.toLowerCase() === 'p' ? 12 : 0))}:${minute}`;
      },
    );
}

/** `until 11pm tomorrow` as `tomorrow 23:00`. What it does not know it leaves as it is. */
export function typedTime(text: string): string {
  const given = onTheDayClock(plainTyping(text).replace(/^(?:until|till|til|by|at|on) /i, ''))
    .replace(/\b(\d{1,2})h(\d{2})\b/gi, '$1:$2')
    .replace(/^(\d{1,2}) ?h$/i, (all, hours: string) => (Number(hours) > 12 ? `${hours}:00` : all))
    .replace(/^(\d{2})\.(\d{2})$/, '$1:$2')
    .replace(/^([01]\d|2[0-3])([0-5]\d)$/, '$1:$2')
    .replace(/ at (?=\d)/i, ' ')
    .replace(/^tonight /i, 'today ')
    .replace(/^(\S+) tonight$/i, 'today $1');
  const [first = '', second = '', ...more] = given.split(' ');
  const isReversed = more.length === 0 && /^\d{1,2}:\d{2}$/.test(first) && isDay(second);
  return isReversed ? `${second} ${first}` : given;
}

/** What a text means that is no time, in words that say what to write; undefined where nobody can know. */
export function missingInTime(text: string): string | undefined {
  const given = plainTyping(text).replace(/^(?:until|till|til|by|at|on|in|for) /i, '');
  const named = given.toLowerCase();
  if (typedDuration(given) !== undefined) return `this is a duration: write --for ${typedDuration(given)}`;
  if (named === 'tonight') return 'add the time of day: write "today 23:00"';
  if (DAY_WORDS.includes(named)) return `add the time of day: write "${named} 09:00"`;
  if (DAY.test(given)) return `add the time of day: write "${given} 08:00"`;
  if (/^\d{4}-\d{2}-\d{2}$/.test(given)) return `add the time of day: write "${given} 23:00"`;
  const next = /^(next|this) ([a-z]+)\b/i.exec(given);
  if (next && DAY.test(next[2] ?? ''))
    return `"${next[1]}" can mean two weeks: write "${next[2]} 08:00" for the one that comes, or a date`;
  const hour = /^(\d{1,2})(?: ?o'?clock)?$/i.exec(given)?.[1];
  if (hour !== undefined && Number(hour) <= 12)
    return `morning or evening: write ${two(Number(hour) % 12)}:00 or ${two((Number(hour) % 12) + 12)}:00`;
  if (hour !== undefined && Number(hour) <= 24) return `write ${hour}:00`;
  const zone = /^(.*\d{1,2}:\d{2}) ?([A-Z]{2,5})$/.exec(onTheDayClock(given));
  if (zone?.[1] && zone[2])
    return `${zone[2]} is not the same everywhere: write ${quoted(zone[1])} on the schedule's clock, or an instant like 2026-12-01T23:00+09:00`;
  return undefined;
}

const UNITS: readonly (readonly [pattern: string, unit: string])[] = [
  ['w|wk|wks|weeks?', 'w'],
  ['d|days?', 'd'],
  ['h|hrs?|hours?', 'h'],
  ['m|mins?|minutes?', 'm'],
];
const NUMBERS = [
  'zero',
  'one',
  'two',
  'three',
  'four',
  'five',
  'six',
  'seven',
  'eight',
  'nine',
  'ten',
  'eleven',
  'twelve',
];
const MINUTES: Readonly<Record<string, number>> = { w: 10_080, d: 1_440, h: 60, m: 1 };

/** `2 hours`, `1.5h`, `an hour and a half` as `2h`, `1h30m`; undefined for everything else. */
export function typedDuration(text: string): string | undefined {
  const given = plainTyping(text)
    .toLowerCase()
    .replace(/^(?:for|in) /, '')
    .replace(/\bhalf an? hour\b/g, '30m')
    .replace(/\b(an?|one) (hour|day|week) and a half\b/g, '1.5 $2')
    .replace(/\ban? (?=hour|day|week|minute)/g, '1 ')
    .replace(/\b(?:and|a)\b|,(?= )/g, ' ')
    .replace(/\b[a-z]+\b/g, (word) => (NUMBERS.includes(word) ? String(NUMBERS.indexOf(word)) : word));
  let rest = given.trim();
  let minutes = 0;
  for (const [pattern, unit] of UNITS) {
    const match = new RegExp(`^(\\d{1,6}(?:[.,]\\d{1,2})?) ?(?:${pattern})(?![a-z])\\.? *`).exec(rest);
    if (!match) continue;
    minutes += Number((match[1] ?? '').replace(',', '.')) * (MINUTES[unit] ?? 0);
    rest = rest.slice(match[0].length);
  }
  if (rest !== '' || minutes <= 0) return undefined;
  return shortDuration(Math.round(minutes));
}

/** What a text means that is no duration, in words that say what to write. */
export function missingInDuration(text: string): string | undefined {
  const given = plainTyping(text);
  const number = /^\d{1,6}$/.exec(given)?.[0];
  if (number !== undefined && Number(number) > 0) return `add the unit: write ${number}h or ${number}m`;
  const span = /^(\d{1,2}):([0-5]\d)(?::\d{2})?$/.exec(given);
  const clock = /\b(\d{1,2}:[0-5]\d)$/.exec(onTheDayClock(given))?.[1];
  if (span)
    return `write ${shortDuration(Number(span[1]) * 60 + Number(span[2])) || '1m'} for a duration, or --until ${given} for a time of day`;
  if (clock !== undefined) return `this is a time: write --until ${quoted(typedTime(given))}`;
  if (/^\d+ ?(s|secs?|seconds?)$/i.test(given)) return 'write whole minutes, like 5m';
  return undefined;
}

function shortDuration(minutes: number): string {
  const [days, hours] = [Math.floor(minutes / 1440), Math.floor((minutes % 1440) / 60)];
  return [
    days > 0 ? `${days}d` : '',
    hours > 0 ? `${hours}h` : '',
    minutes % 60 > 0 ? `${minutes % 60}m` : '',
  ].join('');
}

function isDay(word: string): boolean {
  return DAY.test(word) || DAY_WORDS.includes(word.toLowerCase());
}

function quoted(text: string): string {
  return text.includes(' ') ? `"${text}"` : text;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
