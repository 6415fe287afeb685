import { describe, expect, test } from 'vitest';
import { compileExpression } from '#lab/assembly/expressions.ts';

/** The next times, in UTC, as EventBridge would fire. */
function times(expression: string, from: string, count: number, timeZone = 'UTC'): string[] {
  const next = compileExpression(expression, { timeZone, from: Date.parse(from) });
  const found: string[] = [];
  let at: number | undefined = Date.parse(from);
  while (found.length < count) {
    at = next(at);
    if (at === undefined) break;
    found.push(new Date(at).toISOString().replace(':00.000Z', 'Z'));
  }
  return found;
}

describe('a cron expression', () => {
  test('means the wall clock of its zone', () => {
    expect(times('cron(0 8 ? * MON-FRI *)', '2026-11-20T00:00:00Z', 2, 'Asia/Tokyo')).toEqual([
      '2026-11-22T23:00Z',
      '2026-11-23T23:00Z',
    ]);
  });

  test('counts days of the week from Sunday as 1', () => {
    expect(times('cron(30 6 ? * 1 *)', '2026-11-23T00:00:00Z', 1)).toEqual(['2026-11-29T06:30Z']);
    expect(times('cron(30 6 ? * SUN *)', '2026-11-23T00:00:00Z', 1)).toEqual(['2026-11-29T06:30Z']);
  });

  test('knows lists, ranges that wrap around, steps and months by name', () => {
    expect(times('cron(0,30 9 ? * FRI-MON *)', '2026-11-27T09:15:00Z', 3)).toEqual([
      '2026-11-27T09:30Z',
      '2026-11-28T09:00Z',
      '2026-11-28T09:30Z',
    ]);
    expect(times('cron(0/20 0 1 DEC ? *)', '2026-11-27T00:00:00Z', 4)).toEqual([
      '2026-12-01T00:00Z',
      '2026-12-01T00:20Z',
      '2026-12-01T00:40Z',
      '2027-12-01T00:00Z',
    ]);
  });

  test('knows the last day of the month and a year', () => {
    expect(times('cron(0 0 L * ? *)', '2027-02-01T00:00:00Z', 2)).toEqual([
      '2027-02-28T00:00Z',
      '2027-03-31T00:00Z',
    ]);
    expect(times('cron(0 0 1 1 ? 2028)', '2026-11-22T00:00:00Z', 2)).toEqual(['2028-01-01T00:00Z']);
  });

  test('waits for a leap day', () => {
    expect(times('cron(0 0 29 2 ? *)', '2026-11-22T00:00:00Z', 1)).toEqual(['2028-02-29T00:00Z']);
  });

  test('skips a local time that does not exist', () => {
    // New York goes from 02:00 to 03:00 on 8 March 2026.
    expect(times('cron(30 2 * * ? *)', '2026-03-07T00:00:00Z', 2, 'America/New_York')).toEqual([
      '2026-03-07T07:30Z',
      '2026-03-09T06:30Z',
    ]);
  });

  test('fires once for a local time that repeats', () => {
    // New York goes from 02:00 back to 01:00 on 1 November 2026.
    expect(times('cron(30 1 * * ? *)', '2026-10-31T06:00:00Z', 2, 'America/New_York')).toEqual([
      '2026-11-01T05:30Z',
      '2026-11-02T06:30Z',
    ]);
  });

  test.each([
    ['cron(0 8 * * MON-FRI)', '5 fields'],
    ['cron(0 8 * * MON *)', 'must have ?'],
    ['cron(0 8 ? * ? *)', 'must have ?'],
    ['cron(0 8 ? * 2#1 *)', "'2#1'"],
    ['cron(0 8 15W * ? *)', "'15W'"],
    ['cron(0 8 ? * 6L *)', "'6L'"],
    ['cron(60 8 * * ? *)', "'60'"],
    ['cron(0 24 * * ? *)', "'24'"],
    ['cron(0 8 ? * 0 *)', "'0'"],
    ['cron(0/0 8 * * ? *)', "'0/0'"],
    ['0 8 * * *', 'not a schedule expression'],
  ])('%s is refused', (expression, message) => {
    expect(() => compileExpression(expression, { timeZone: 'UTC', from: 0 })).toThrow(message);
  });
});

describe('a rate', () => {
  test('counts from its start', () => {
    expect(times('rate(5 minutes)', '2026-11-22T10:02:00Z', 2)).toEqual([
      '2026-11-22T10:07Z',
      '2026-11-22T10:12Z',
    ]);
    expect(times('rate(1 day)', '2026-11-22T10:02:00Z', 1)).toEqual(['2026-11-23T10:02Z']);
  });

  test.each([
    'rate(1 minutes)',
    'rate(5 minute)',
    'rate(0 minutes)',
    'rate(5 seconds)',
    'rate(five minutes)',
  ])('%s is refused', (expression) => {
    expect(() => compileExpression(expression, { timeZone: 'UTC', from: 0 })).toThrow('not a rate');
  });
});

describe('a single time', () => {
  test('fires once, on the wall clock of its zone', () => {
    expect(times('at(2026-11-23T08:00:00)', '2026-11-22T00:00:00Z', 2, 'Asia/Tokyo')).toEqual([
      '2026-11-22T23:00Z',
    ]);
  });

  test('that cannot be read is refused', () => {
    expect(() => compileExpression('at(tomorrow)', { timeZone: 'UTC', from: 0 })).toThrow('not a time');
  });
});
