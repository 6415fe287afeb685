/** The command on the lab, at night, with an operator's credentials and the functions running. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createCloud } from '#cli/cloud.ts';
import { type RetireOptions, retire } from '#cli/retire.ts';
import type { NightshiftConfig } from '#model/config.ts';
import { aRunningLab, type RunningLab } from '#test/a-running-lab.ts';

/** 21:55 on Tuesday in Tokyo. */
const START = new Date('2026-11-24T12:55:00Z');
const MINUTE = 60_000;
const place = { account: '111111111111', region: 'ap-northeast-1' };
const config: NightshiftConfig = {
  schedules: { office: { timeZone: 'Asia/Tokyo', up: ['Mon-Fri 23:30-22:00'] } },
  environments: {
    develop: { ...place, cluster: 'develop', schedule: 'office' },
    production: { ...place, cluster: 'production', production: true },
  },
};

let running: RunningLab;

beforeAll(async () => {
  running = await aRunningLab({ config, start: START });
  running.actAsOperator();
});

afterAll(() => running?.close());

async function ask(name: string, options: RetireOptions) {
  const lines: string[] = [];
  const isComplete = await retire({ config, path: 'nightshift.config.ts' } as never, name, options, {
    out: (line) => lines.push(line),
    now: running.now,
    pause: (ms) => running.pass(ms / MINUTE),
    cloud: (environment, its) => createCloud(environment, its, running.now),
  });
  return { isComplete, text: lines.join('\n') };
}

test('refuses a request that is invalid before it retires anything', async () => {
  await expect(ask('develop', { restore: true, timeout: 'soon' })).rejects.toThrow(
    /--timeout soon: invalid duration/,
  );
  await expect(ask('develop', { restore: false, cancel: true })).rejects.toThrow(
    '--cancel keeps the environment, and --no-restore is for one that goes: use one of them',
  );
  expect((await ask('develop', { restore: true, cancel: true })).text).toBe('develop: it was not retired');
});

test('retires a sleeping environment: its sizes are back, and no tick stops it again until that is cancelled', async () => {
  const before = running.sizes();
  await running.pass(20);
  expect(running.sizes()).not.toEqual(before);

  const { isComplete, text } = await ask('develop', { restore: true });
  expect(text).toMatch(/^develop: retired: night-schedule stops and starts nothing from now on/);
  expect(text).toMatch(/next: cdk destroy Nightshift-develop/);
  expect(isComplete).toBe(true);
  await running.pass(20);
  expect(running.sizes()).toEqual(before);

  expect((await ask('develop', { restore: true, cancel: true })).text).toContain('not retired any more');
  expect((await ask('develop', { restore: true, cancel: true })).text).toBe('develop: it was not retired');
  await running.pass(20);
  expect(running.sizes()).not.toEqual(before);
});

test('with --no-restore leaves what sleeps as it is, in the morning too', async () => {
  const asleep = running.sizes();
  const { text } = await ask('develop', { restore: false });
  expect(text).toContain('the removal restores nothing either');
  await running.pass(60);
  expect(running.sizes()).toEqual(asleep);
});

test('refuses production, of which nothing sleeps', async () => {
  await expect(ask('production', { restore: true })).rejects.toThrow(
    /production has no schedule, so nothing of it sleeps/,
  );
});
