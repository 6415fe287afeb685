import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Weekday, WeeklyWindow } from '#model/schedule.ts';
import { describeWindows, lengthOf, parseWindows } from '#model/window.ts';
import { windows } from './builders.ts';

const at = (day: Weekday, minute: number) => ({ day, minute });

describe('a window of the week', () => {
  it('is one window for each day of a range', () => {
    expect(windows('Mon-Fri 08:00-22:00')).toEqual(
      ([1, 2, 3, 4, 5] as const).map((day) => ({ start: at(day, 480), end: at(day, 1320) })),
    );
  });

  it('takes single days, wrapped ranges and every day', () => {
    expect(windows('Mon,Wed 09:00-17:00').map(({ start }) => start.day)).toEqual([1, 3]);
    expect(windows('Sat-Mon 09:00-17:00').map(({ start }) => start.day)).toEqual([6, 7, 1]);
    expect(windows('daily 07:00-19:00').map(({ start }) => start.day)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(windows('Mon-Wed,Sat 09:00-17:00').map(({ start }) => start.day)).toEqual([1, 2, 3, 6]);
  });

  it('ends on the next day where it ends earlier than it begins', () => {
    expect(windows('Fri,Sun 20:00-02:00')).toEqual([
      { start: at(5, 1200), end: at(6, 120) },
      { start: at(7, 1200), end: at(1, 120) },
    ]);
  });

  it('runs over the weekend as one window', () => {
    const [weekend] = windows('Fri 20:00 - Mon 06:00');
    expect(weekend).toEqual({ start: at(5, 1200), end: at(1, 360) });
    expect(lengthOf(weekend as WeeklyWindow)).toBe(58 * 60);
  });

  it('may last to the end of the day, or the whole week', () => {
    expect(windows('Mon 09:00-24:00')).toEqual([{ start: at(1, 540), end: at(1, 1440) }]);
    expect(lengthOf(windows('Mon 00:00 - Mon 00:00')[0] as WeeklyWindow)).toBe(7 * 1440);
  });

  it('is read whatever the case, the blanks and the kind of dash', () => {
    const plain = windows('Mon-Fri 08:00-22:00');
    for (const text of ['mon-fri 8:00-22:00', ' MON - FRI  08:00 - 22:00 ', 'Monday-Friday 08:00–22:00']) {
      expect(windows(text), text).toEqual(plain);
    }
  });

  it.each([
    ['Mon-Fry 08:00-22:00', '"Fry" is no day'],
    ['Mon-Wed-Fri 08:00-22:00', '"Mon-Wed-Fri" is no day'],
    ['Mon 25:00-26:00', '"25:00" is no time of day'],
    ['Mon 24:00-02:00', '"24:00" is no time of day'],
    ['Mon 08:00-24:30', '"24:30" is no time of day'],
    ['Mon 08:60-10:00', '"08:60" is no time of day'],
    ['Mon 08:00-08:00', 'it ends when it begins'],
    ['Fri 20:00 - Moon 06:00', '"Moon" is no day'],
    ['08:00-22:00', 'write days and times like'],
    ['Mon-Fri 8-22', 'write days and times like'],
    ['', 'write days and times like'],
  ])('is refused as %j: %s', (text, problem) => {
    expect(parseWindows(text)).toEqual({ problem: expect.stringContaining(problem) });
  });

  it('is described in the words that it is written in', () => {
    for (const text of [
      'Mon-Fri 08:00-22:00',
      'Mon,Wed 09:00-17:00',
      'Mon-Fri 20:00-02:00',
      'Fri 20:00 - Mon 06:00',
      'daily 07:00-19:00',
      'Mon 00:00-24:00',
    ]) {
      expect(describeWindows(windows(text))).toBe(text);
    }
    expect(describeWindows(windows('Mon-Fri 08:00-22:00', 'Sat 10:00-14:00'))).toBe(
      'Mon-Fri 08:00-22:00, Sat 10:00-14:00',
    );
  });

  it('is what its description says', () => {
    const day = fc.integer({ min: 1, max: 7 }) as fc.Arbitrary<Weekday>;
    const point = (max: number) => fc.record({ day, minute: fc.integer({ min: 0, max }) });
    const window = fc.record({ start: point(1439), end: point(1440) });
    fc.assert(
      fc.property(window, (written) => {
        const [read, ...more] = windows(describeWindows([written]));
        expect(more).toEqual([]);
        expect(read?.start).toEqual(written.start);
        expect(lengthOf(read as WeeklyWindow)).toBe(lengthOf(written));
      }),
    );
  });
});
