/** A dry run on the lab, as a newcomer sees it: every command says so first, and tells what would have happened. */
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { NightshiftConfig } from '#model/config.ts';
import { aRunningLab, type RunningLab } from '#test/a-running-lab.ts';
import { nightshift } from './run-nightshift.ts';

/** 21:50 on Tuesday in Tokyo: the stop is near. */
const START = new Date('2026-11-24T12:50:00Z');
const DRY_RUN = 'DRY RUN, nothing is changed: develop';

const config: NightshiftConfig = {
  schedules: { office: { timeZone: 'Asia/Tokyo', up: ['Mon-Fri 08:00-22:00'] } },
  environments: {
    develop: {
      account: '111111111111',
      region: 'ap-northeast-1',
      cluster: 'develop',
      schedule: 'office',
      dryRun: true,
      notify: { failure: ['oncall@example.com'] },
    },
  },
};

let running: RunningLab;

beforeAll(async () => {
  running = await aRunningLab({ config, start: START });
  await running.pass(45);
});

afterAll(() => running?.close());
afterEach(() => void vi.unstubAllEnvs());

function run(...args: string[]) {
  running.actAsOperator();
  return nightshift(['--config', running.configPath, ...args], { now: running.now() });
}

describe('a dry run', () => {
  test('leaves every group as it was', () => {
    const groups = running.lab.aws.groups(running.lab.environments[0]!.cluster);
    expect(groups.length).toBeGreaterThan(0);
    expect(groups.every(({ desired }) => desired > 0)).toBe(true);
  });

  test('is shown by status, with the sizes that it would have saved', async () => {
    const { out, code } = await run('status', 'develop');
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`^${DRY_RUN}`));
    expect(out).toMatch(/now +awake since .*as observed/);
    expect(out).toMatch(/desired +asleep/);
    expect(out).toMatch(/would +save \S+: min \d+, desired \d+, max \d+, and stop it/);
    expect(out).not.toContain('not observed yet');
  });

  test('is no failure for the doctor, which says it first', async () => {
    const { out, code } = await run('doctor', 'develop');
    expect(out).toMatch(new RegExp(`^${DRY_RUN}`));
    expect(out).toContain('0 failures');
    expect(out).toMatch(/ok +tick/);
    expect(code).toBe(0);
  });

  test('is said first by plan and keep-up', async () => {
    for (const args of [
      ['plan', '--environment', 'develop'],
      ['keep-up', 'develop', '--for', '1h'],
      ['cancel', 'develop'],
    ])
      expect((await run(...args)).out, args[0]).toMatch(new RegExp(`^${DRY_RUN}`));
  });
});
