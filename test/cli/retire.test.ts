/** The command on the lab, at night, with an operator's credentials and the functions running. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createCloud } from '#cli/cloud.ts';
import { type RetireOptions, retire } from '#cli/retire.ts';
import { type Lab, startLab } from '#demo/lab.ts';
import { NightshiftApp } from '#lib/nightshift-app.ts';
import type { NightshiftConfig } from '#model/config.ts';

/** 21:55 on Tuesday in Tokyo. */
const START = new Date('2026-11-24T12:55:00Z');
const MINUTE = 60_000;
const place = { account: '111111111111', region: 'ap-northeast-1' };
const config: NightshiftConfig = {
  schedules: { office: { timeZone: 'Asia/Tokyo', up: ['Mon-Fri 00:30-22:00'] } },
  environments: {
    develop: { ...place, cluster: 'develop', schedule: 'office' },
    production: { ...place, cluster: 'production', production: true },
  },
};

const directory = mkdtempSync(join(tmpdir(), 'nightshift-retire-'));
let lab: Lab;

beforeAll(async () => {
  process.env['CDK_VALIDATION'] = 'false';
  const assemblyDir = join(directory, 'out');
  new NightshiftApp({ config, now: START, outdir: assemblyDir }).synth();
  lab = await startLab({ config, assemblyDir, start: START });
  const { accessKeyId, secretAccessKey } = lab.environments[0]!.operator;
  vi.stubEnv('AWS_ENDPOINT_URL', lab.front.url);
  vi.stubEnv('AWS_ACCESS_KEY_ID', accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', secretAccessKey);
  vi.stubEnv('AWS_SESSION_TOKEN', undefined);
}, 120_000);

afterAll(async () => {
  vi.unstubAllEnvs();
  await lab?.close();
  rmSync(directory, { recursive: true });
});

const now = () => new Date(lab.context.clock.now());
const pass = (ms: number) => lab.context.clock.runUntil(lab.context.clock.now() + ms);
const sizes = () =>
  Object.fromEntries(
    lab.aws
      .groups(lab.environments[0]!.cluster)
      .map((group) => [group.name, `${group.min}/${group.desired}/${group.max}`]),
  );

async function ask(name: string, options: RetireOptions) {
  const lines: string[] = [];
  const isComplete = await retire({ config, path: 'nightshift.config.ts' } as never, name, options, {
    out: (line) => lines.push(line),
    now,
    pause: pass,
    cloud: (environment, its) => createCloud(environment, its, now),
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
  const before = sizes();
  await pass(20 * MINUTE);
  expect(sizes()).not.toEqual(before);

  const { isComplete, text } = await ask('develop', { restore: true });
  expect(text).toMatch(/^develop: retired: night-schedule stops and starts nothing from now on/);
  expect(text).toMatch(/next: cdk destroy Nightshift-develop/);
  expect(isComplete).toBe(true);
  await pass(20 * MINUTE);
  expect(sizes()).toEqual(before);

  expect((await ask('develop', { restore: true, cancel: true })).text).toContain('not retired any more');
  expect((await ask('develop', { restore: true, cancel: true })).text).toBe('develop: it was not retired');
  await pass(20 * MINUTE);
  expect(sizes()).not.toEqual(before);
}, 120_000);

test('with --no-restore leaves what sleeps as it is, in the morning too', async () => {
  const asleep = sizes();
  const { text } = await ask('develop', { restore: false });
  expect(text).toContain('the removal restores nothing either');
  await pass(2 * 60 * MINUTE);
  expect(sizes()).toEqual(asleep);
}, 120_000);

test('refuses production, of which nothing sleeps', async () => {
  await expect(ask('production', { restore: true })).rejects.toThrow(
    /production has no schedule, so nothing of it sleeps/,
  );
});
