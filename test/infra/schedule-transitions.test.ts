import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { transitionsOf } from '#lib/schedule-transitions.ts';
import { parseWindows } from '#model/parse-windows.ts';
import type { Weekday, WeeklyWindow } from '#model/schedule.ts';

const DAYS = ['MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT', 'SUN'];

describe('the transitions of a schedule', () => {
  test.for([
    ['Mon-Fri 08:00-22:00', ['cron(0 8 ? * MON-FRI *)', 'cron(0 22 ? * MON-FRI *)']],
    ['Mon,Wed 09:30-17:05', ['cron(30 9 ? * MON,WED *)', 'cron(5 17 ? * MON,WED *)']],
    ['Mon-Fri 20:00-02:00', ['cron(0 2 ? * TUE-SAT *)', 'cron(0 20 ? * MON-FRI *)']],
    ['Fri 20:00 - Mon 06:00', ['cron(0 6 ? * MON *)', 'cron(0 20 ? * FRI *)']],
    ['daily 07:00-19:00', ['cron(0 7 ? * * *)', 'cron(0 19 ? * * *)']],
    ['Sun 18:00-24:00', ['cron(0 0 ? * MON *)', 'cron(0 18 ? * SUN *)']],
    ['Mon-Tue,Thu-Sun 08:00-09:00', ['cron(0 8 ? * MON,TUE,THU-SUN *)', 'cron(0 9 ? * MON,TUE,THU-SUN *)']],
  ] as const)('of %s', ([text, expressions]) => {
    expect(transitionsOf(windowsOf(text)).map(({ expression }) => expression)).toEqual(expressions);
  });

  test('are none where one window ends as the next begins', () => {
    expect(transitionsOf(windowsOf('daily 00:00-24:00'))).toEqual([]);
    expect(transitionsOf([...windowsOf('Mon 00:00-24:00'), ...windowsOf('Tue 00:00-12:00')])).toEqual([
      { time: '0000', expression: 'cron(0 0 ? * MON *)' },
      { time: '1200', expression: 'cron(0 12 ? * TUE *)' },
    ]);
  });

  test('are called for at every start and every end, each time of day by one schedule', () => {
    const point = fc.record({
      day: fc.integer({ min: 1, max: 7 }) as fc.Arbitrary<Weekday>,
      minute: fc.integer({ min: 0, max: 1439 }),
    });
    fc.assert(
      fc.property(fc.array(fc.record({ start: point, end: point }), { maxLength: 10 }), (windows) => {
        const scheduled = transitionsOf(windows);
        const called = scheduled.flatMap(({ expression }) => instantsOf(expression)).sort();
        const starts = new Set(windows.map(({ start }) => `${start.day} ${start.minute}`));
        const ends = new Set(windows.map(({ end }) => `${end.day} ${end.minute}`));
        const expected = [...new Set([...starts, ...ends])].filter((at) => !(starts.has(at) && ends.has(at)));
        expect(called).toEqual(expected.sort());
        expect(new Set(scheduled.map(({ time }) => time)).size).toBe(scheduled.length);
      }),
    );
  });
});

function windowsOf(text: string): readonly WeeklyWindow[] {
  const parsed = parseWindows(text);
  if ('problem' in parsed) throw new Error(parsed.problem);
  return parsed.windows;
}

/** `<weekday> <minute of the day>` of every firing in a week. */
function instantsOf(expression: string): string[] {
  const [, minute, hour, days] = /^cron\((\d+) (\d+) \? \* (\S+) \*\)$/.exec(expression) ?? [];
  const all = days === '*' ? 'MON-SUN' : (days ?? '');
  return all.split(',').flatMap((part) => {
    const [first = '', last = first] = part.split('-');
    return DAYS.slice(DAYS.indexOf(first), DAYS.indexOf(last) + 1).map(
      (day) => `${DAYS.indexOf(day) + 1} ${Number(hour) * 60 + Number(minute)}`,
    );
  });
}
