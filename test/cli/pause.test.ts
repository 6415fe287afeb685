import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createOverrides } from '#functions/adapters/dynamodb/night.ts';
import type { Table } from '#functions/adapters/dynamodb/table.ts';
import { enterFakeAws, type FakeAws, leaveFakeAws, startFakeAws } from './fake-aws.ts';
import { nightshift } from './run-nightshift.ts';

const CONFIG = fileURLToPath(new URL('./fixtures/three.config.ts', import.meta.url));
/** 21:00 in Tokyo. */
const NOW = new Date('2026-11-24T12:00:00Z');

let aws: FakeAws;
let awsNow: Date;
const tables = new Map<string, Table>();

beforeEach(async () => {
  awsNow = NOW;
  aws = await enterFakeAws({ now: () => awsNow });
  for (const name of ['develop', 'overseas', 'tools', 'production'])
    tables.set(name, await aws.tableOf(name));
});

afterEach(() => leaveFakeAws(aws));

const ask = (...args: string[]) => nightshift(['--config', CONFIG, ...args], { now: awsNow });
const stored = (name = 'develop') => createOverrides(tables.get(name) as Table);

describe('nightshift pause', () => {
  test('stores the pause, and night-schedule is invoked at once', async () => {
    const { code, out, err } = await ask('pause', 'develop', '--until', '23:00', '--reason', 'incident 7');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(
      /^develop: paused until Tue 2026-11-24 23:00 \(Asia\/Tokyo\), by ana \(assumed-role\/Developer\/ana\.smith\): incident 7$/m,
    );
    expect(await stored().pause()).toEqual({
      from: NOW.toISOString(),
      until: '2026-11-24T14:00:00.000Z',
      author: 'assumed-role/Developer/ana.smith',
      label: 'ana',
      reason: 'incident 7',
    });
    expect(aws.invocations).toHaveLength(1);
  });

  test('reaches production and an environment without a schedule: times are in UTC there', async () => {
    for (const name of ['production', 'tools']) {
      const { code, out } = await ask('pause', name, '--until', '14:00');
      expect(code).toBe(0);
      expect(out).toContain('14:00 (UTC)');
      expect(await stored(name).pause()).toMatchObject({ until: '2026-11-24T14:00:00.000Z' });
    }
    expect(aws.invocations).toEqual([]);
  });

  test('is no override: cancel leaves it, and an override waits for its end', async () => {
    await ask('pause', 'develop', '--for', '2h');
    const kept = await ask('keep-up', 'develop', '--for', '3h');
    expect(kept.out).toContain('takes effect after the pause: paused until Tue 2026-11-24 23:00');
    await ask('cancel', 'develop');
    expect(await stored().all()).toEqual([]);
    expect(await stored().pause()).toBeDefined();
  });

  test('ends with --cancel, and then status does not show it any more', async () => {
    await ask('pause', 'develop', '--for', '2h', '--reason', 'incident 7');
    await ask('pause', 'production', '--for', '2h', '--reason', 'incident 8');
    const paused = await ask('status', 'develop');
    expect(paused.out).toMatch(/paused {4}nothing is changed: paused until .*: incident 7/);
    expect((await ask('status')).out).toMatch(/develop .* paused until Tue 23:00/);
    expect((await ask('status', 'production')).out).toMatch(
      /never stopped \(production\)\n {2}paused {4}nothing is changed: .* incident 8/,
    );
    expect(JSON.parse((await ask('status', 'develop', '--json')).out)).toMatchObject([
      { pause: { reason: 'incident 7' } },
    ]);
    awsNow = new Date('2026-11-24T12:30:00Z');
    const { out } = await ask('pause', 'develop', '--cancel');
    expect(out).toMatch(/^develop: cancelled: paused until/);
    expect((await ask('status', 'develop')).out).not.toContain('paused');
    expect(await stored().pause()).toMatchObject({ until: '2026-11-24T12:30:00.000Z' });
    expect((await ask('pause', 'develop', '--cancel')).out).toBe('develop: no active pause to cancel');
  });

  test.each([
    [['--until', '11:00', '--for', '2h'], /contradict each other/],
    [[], /a pause must have an end: add --until or --for/],
    [
      ['--for', '8d'],
      /^nightshift: Wed 2026-12-02 21:00 \(Asia\/Tokyo\) is more than 7 days ahead: .*or pause it again when the pause ends/,
    ],
    [['--until', '2026-11-24T11:00:00Z'], /is in the past/],
    [['--for', '1h', '--reason', ' '], /the reason is empty/],
    [['--cancel', '--for', '1h'], /--cancel ends the pause now/],
  ])('%j is refused, and nothing is stored', async (args, message) => {
    const { code, err } = await ask('pause', 'develop', ...args);
    expect(code).toBe(1);
    expect(err).toMatch(message);
    expect(await stored().pause()).toBeUndefined();
  });

  test.each([[['--for', '8d']], [['--for', '1h', '--reason', ' ']], [['--until', '2026-11-24T11:00:00Z']]])(
    '%j is refused before AWS is asked',
    async (args) => {
      await aws.close();
      const { code, err } = await ask('pause', 'develop', ...args);
      expect({ code, err }).toEqual({ code: 1, err: expect.not.stringContaining('AWS') });
      aws = await startFakeAws({ now: () => awsNow });
    },
  );

  test('of an unknown environment is refused', async () => {
    expect((await ask('pause', 'nowhere', '--for', '1h')).code).toBe(1);
  });
});
