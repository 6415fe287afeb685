import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseWindows } from '#model/parse-windows.ts';
import type { Weekday, WeeklyWindow } from '#model/schedule.ts';
import { formatWindows, lengthOf } from '#model/window.ts';
import { windows } from './builders.ts';

const at = (day: Weekday, minute: number) => ({ day, minute });

describe('a window of the week', () => {
  test('is one window for each day of a range', () => {
    expect(windows('Mon-Fri 08:00-22:00')).toEqual(
      ([1, 2, 3, 4, 5] as const).map((day) => ({ start: at(day, 480), end: at(day, 1320) })),
    );
  });

  test('takes single days, wrapped ranges and every day', () => {
    expect(windows('Mon,Wed 09:00-17:00').map(({ start }) => start.day)).toEqual([1, 3]);
    expect(windows('Sat-Mon 09:00-17:00').map(({ start }) => start.day)).toEqual([6, 7, 1]);
    expect(windows('daily 07:00-19:00').map(({ start }) => start.day)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(windows('Mon-Wed,Sat 09:00-17:00').map(({ start }) => start.day)).toEqual([1, 2, 3, 6]);
  });

  test('ends on the next day where it ends earlier than it begins', () => {
    expect(windows('Fri,Sun 20:00-02:00')).toEqual([
      { start: at(5, 1200), end: at(6, 120) },
      { start: at(7, 1200), end: at(1, 120) },
    ]);
  });

  test('runs over the weekend as one window', () => {
    const [weekend] = windows('Fri 20:00 - Mon 06:00');
    expect(weekend).toEqual({ start: at(5, 1200), end: at(1, 360) });
    expect(lengthOf(weekend as WeeklyWindow)).toBe(58 * 60);
  });

  test('may last to the end of the day, or the whole week', () => {
    expect(windows('Mon 09:00-24:00')).toEqual([{ start: at(1, 540), end: at(1, 1440) }]);
    expect(lengthOf(windows('Mon 00:00 - Mon 00:00')[0] as WeeklyWindow)).toBe(7 * 1440);
  });

  test.each([
    ['mon-fri 8:00-22:00', 'Mon-Fri 08:00-22:00'],
    [' MON - FRI  08:00 - 22:00 ', 'Mon-Fri 08:00-22:00'],
    ['Monday-Friday 08:00–22:00', 'Mon-Fri 08:00-22:00'],
    ['Fri  20:00  -  Mon  06:00', 'Fri 20:00 - Mon 06:00'],
    ['Fri 20:00-Mon 06:00', 'Fri 20:00 - Mon 06:00'],
    ['friday 20:00 – monday 06:00', 'Fri 20:00 - Mon 06:00'],
    ['Mon , Wed 09:00-17:00', 'Mon,Wed 09:00-17:00'],
    ['every day 07:00-19:00', 'daily 07:00-19:00'],
    ['Mon-Sun 07:00-19:00', 'daily 07:00-19:00'],
  ])('is read whatever the case, the blanks and the kind of dash: %j as %j', (text, plain) => {
    expect(windows(text)).toEqual(windows(plain));
  });

  test.each([
    ['Mon-Fri 08:00-22:00', 'Mon-Fri 08:00-22:00'],
    ['Mon,Wed 09:00-17:00', 'Mon,Wed 09:00-17:00'],
    ['Mon-Fri 20:00-02:00', 'Mon-Fri 20:00-02:00'],
    ['Fri 20:00 - Mon 06:00', 'Fri 20:00 - Mon 06:00'],
    ['daily 07:00-19:00', 'daily 07:00-19:00'],
    ['Mon 00:00-24:00', 'Mon 00:00-24:00'],
    ['Sat-Mon 09:00-17:00', 'Mon,Sat,Sun 09:00-17:00'],
    ['Mon,Tue 09:00-17:00', 'Mon,Tue 09:00-17:00'],
    ['Mon-Wed,Fri 09:00-17:00', 'Mon-Wed,Fri 09:00-17:00'],
    ['Mon 08:00 - Mon 08:00', 'Mon 08:00 - Mon 08:00'],
    ['Mon 08:00 - Tue 08:00', 'Mon 08:00 - Tue 08:00'],
    ['Mon 08:00 - Tue 07:59', 'Mon 08:00-07:59'],
    ['Tue 08:00 - Mon 09:00', 'Tue 08:00 - Mon 09:00'],
  ])('%s is written as %s', (text, written) => {
    expect(formatWindows(windows(text))).toBe(written);
  });

  test('is written beside others of the same schedule', () => {
    expect(formatWindows(windows('Mon-Fri 08:00-22:00', 'Sat 10:00-14:00'))).toBe(
      'Mon-Fri 08:00-22:00, Sat 10:00-14:00',
    );
  });

  test('is read as the window that was written', () => {
    const day = fc.integer({ min: 1, max: 7 }) as fc.Arbitrary<Weekday>;
    const point = (max: number) => fc.record({ day, minute: fc.integer({ min: 0, max }) });
    const window = fc.record({ start: point(1439), end: point(1440) });
    fc.assert(
      fc.property(window, (written) => {
        const [read, ...more] = windows(formatWindows([written]));
        expect(more).toEqual([]);
        expect(read?.start).toEqual(written.start);
        expect(lengthOf(read as WeeklyWindow)).toBe(lengthOf(written));
      }),
    );
  });
});

describe('a window that cannot be read', () => {
  const format =
    'write days and times like "Mon-Fri 08:00-22:00", "Mon,Wed 09:00-17:00", "Mon-Fri 20:00-02:00", "Fri 20:00 - Mon 06:00" or "daily 07:00-19:00"';
  const day = (text: string) =>
    `invalid day "${text}": write Mon, Tue, Wed, Thu, Fri, Sat, Sun, a range like Mon-Fri, or daily`;
  const time = (text: string, latest: string) => `invalid time of day "${text}": write 00:00 to ${latest}`;

  test.each([
    ['', format],
    ['08:00-22:00', format],
    ['Mon-Fri 8-22', format],
    ['x Fri 20:00 - Mon 06:00', format],
    ['Fri 20:00 - Mon 06:00x', format],
    ['Mon 08:00-22:00x', format],
    ['Fry 20:00 - Mon 06:00', day('Fry')],
    ['Fri 20:00 - Moon 06:00', day('Moon')],
    ['Fry-Mon 08:00-22:00', day('Fry')],
    ['Mon-Fry 08:00-22:00', day('Fry')],
    ['Mon-Wed-Fri 08:00-22:00', day('Mon-Wed-Fri')],
    ['Sat, Mon-Wed-Fri 08:00-22:00', day('Mon-Wed-Fri')],
    ['xdaily 08:00-22:00', day('xdaily')],
    ['dailyx 08:00-22:00', day('dailyx')],
    ['Mon 25:00-26:00', time('25:00', '23:59')],
    ['Mon 24:00-02:00', time('24:00', '23:59')],
    ['Mon 08:00-24:01', time('24:01', '24:00')],
    ['Mon 08:00-24:30', time('24:30', '24:00')],
    ['Mon 08:60-10:00', time('08:60', '23:59')],
    ['Fri 24:00 - Mon 06:00', time('24:00', '23:59')],
    ['Fri 20:00 - Mon 06:99', time('06:99', '24:00')],
    ['Mon 08:00-08:00', 'it ends when it begins: for a whole day write 00:00-24:00'],
  ])('%j is refused: %s', (text, problem) => {
    expect(parseWindows(text)).toEqual({ problem });
  });
});
