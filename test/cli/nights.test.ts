import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { nightsOf } from '#cli/nights.ts';
import { saveDecisions } from '#functions/adapters/dynamodb/decision-log.ts';
import type { Action, Decision } from '#model/decision.ts';
import { enterFakeAws, type FakeAws, leaveFakeAws } from './fake-aws.ts';
import { nightshift } from './run-nightshift.ts';

const CONFIG = fileURLToPath(new URL('./fixtures/ready.config.ts', import.meta.url));
/** 08:00 on Wednesday in Tokyo. */
const now = new Date('2026-11-24T23:00:00Z');

function aDecision(time: string, action: Action, target: string, given: Partial<Decision> = {}): Decision {
  return {
    time: `2026-11-24T${time}:00.000Z`,
    environment: 'develop',
    capability: 'night-schedule',
    target,
    action,
    reason: 'because',
    trigger: 'tick',
    ...given,
  };
}

const NIGHT = [
  aDecision('13:00', 'stop', 'web'),
  aDecision('13:00', 'stop', 'batch'),
  aDecision('13:04', 'confirm-stop', 'web'),
  aDecision('13:20', 'fail', 'develop', { reason: 'batch has 1 instance left' }),
  aDecision('13:31', 'confirm-stop', 'batch'),
];

describe('a night', () => {
  test('takes until its last group sleeps, and names it and what failed meanwhile', () => {
    expect(nightsOf(NIGHT)).toEqual([
      {
        stoppedAt: '2026-11-24T13:00:00.000Z',
        asleepAt: '2026-11-24T13:31:00.000Z',
        minutes: 31,
        last: ['batch'],
        held: 'batch has 1 instance left',
      },
    ]);
  });

  test('that is not over has no time, and the groups that it waits for', () => {
    expect(nightsOf(NIGHT.slice(0, 3))).toEqual([{ stoppedAt: '2026-11-24T13:00:00.000Z', last: ['batch'] }]);
  });

  test('does not count what failed after it, a dry run, or another function', () => {
    const [night] = nightsOf([
      aDecision('12:00', 'stop', 'web', { dryRun: true }),
      aDecision('13:00', 'stop', 'web'),
      aDecision('13:01', 'fail', 'node-1', { capability: 'spot-drain' }),
      aDecision('13:04', 'confirm-stop', 'web'),
      aDecision('15:00', 'fail', 'develop', { reason: 'throttled' }),
    ]);
    expect(night).toEqual({
      stoppedAt: '2026-11-24T13:00:00.000Z',
      asleepAt: '2026-11-24T13:04:00.000Z',
      minutes: 4,
      last: ['web'],
    });
  });

  test('and a group that is stopped again hours later are two', () => {
    const later = [aDecision('17:00', 'stop', 'web'), aDecision('17:05', 'confirm-stop', 'web')];
    expect(nightsOf([...NIGHT, ...later]).map(({ minutes }) => minutes)).toEqual([31, 5]);
  });
});

describe('nightshift nights', () => {
  let aws: FakeAws;
  beforeEach(async () => {
    aws = await enterFakeAws({ now: () => now });
  });
  afterEach(() => leaveFakeAws(aws));
  const ask = (...args: string[]) => nightshift(['--config', CONFIG, 'nights', ...args], { now });

  test('shows when each night began, when everything slept, and what was last', async () => {
    await saveDecisions(await aws.tableOf('develop'))(NIGHT);
    const { code, out } = await ask('--environment', 'develop');
    expect(code).toBe(0);
    expect(out.split('\n').at(-1)).toMatch(/24 22:00 +22:31 +31\.0 +batch +batch has 1 instance left$/);
    const [report] = JSON.parse((await ask('--environment', 'develop', '--json')).out);
    expect(report).toMatchObject({ environment: 'develop', nights: [{ minutes: 31, last: ['batch'] }] });
  });

  test('says so where nothing was stopped, and refuses what is never stopped', async () => {
    await aws.tableOf('develop');
    expect((await ask('--environment', 'develop')).out).toContain('no stop in the last 14 days');
    expect((await ask('--environment', 'production')).err).toContain('"production" has no schedule');
    expect((await ask('--days', '0')).err).toContain('--days 0: use a whole number from 1 to 90');
  });
});
