import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createNightReader, createOverrides } from '#functions/adapters/dynamodb/night.ts';
import { createNightStore } from '#functions/adapters/dynamodb/night-store.ts';
import type { Table } from '#functions/adapters/dynamodb/table.ts';
import { OVERRIDE } from '#functions/adapters/dynamodb/table-keys.ts';
import { isPaused } from '#model/pause.ts';
import { enterFakeAws, type FakeAws, leaveFakeAws } from '#test/cli/fake-aws.ts';
import { nightshift } from '#test/cli/run-nightshift.ts';
import { anOverride } from '#test/model/builders.ts';

const CONFIG = fileURLToPath(new URL('../cli/fixtures/three.config.ts', import.meta.url));
const now = new Date('2026-11-24T12:00:00Z');

let aws: FakeAws;
let table: Table;

beforeEach(async () => {
  aws = await enterFakeAws({ now: () => now });
  table = await aws.tableOf('develop');
});

afterEach(() => leaveFakeAws(aws));

const ask = (...args: string[]) => nightshift(['--config', CONFIG, ...args], { now });

/** Written past the command line, by whoever may write to the partition. */
const written: [string, string, unknown][] = [
  ['lasts ten years', 'a', anOverride({ id: 'a', until: '2036-11-24T12:00:00.000Z' })],
  ['has a reason of 380 KB', 'b', anOverride({ id: 'b', reason: 'x'.repeat(380_000) })],
  ['clears the terminal', 'c', anOverride({ id: 'c', reason: '\u001b[2Jall is well' })],
  ['is shown backwards', 'd', anOverride({ id: 'd', label: '\u202eana' })],
  ['has a key under which no command would cancel it', 'e', anOverride({ id: 'another' })],
  ['is no override', 'f', { id: 'f' }],
];

describe('an override that somebody wrote into the table by hand', () => {
  test.for(written)('and that %s does not count, for no function, and is named', async ([, key, value]) => {
    await table.save(OVERRIDE, key, value);
    const memory = await createNightStore(table, 'develop').load();
    expect(memory.overrides).toEqual([]);
    expect(memory.corrupt).toEqual([{ item: `override | ${key}`, kind: 'override', name: key }]);
    expect(await createNightReader(table).read()).toEqual({ overrides: [], corrupt: [`override | ${key}`] });
  });

  test('is removed by a cancel, however it looks', async () => {
    for (const [, key, value] of written) await table.save(OVERRIDE, key, value);
    expect((await ask('cancel', 'develop')).code).toBe(0);
    expect(await table.list(OVERRIDE)).toEqual([]);
  });
});

const aPause = (given: object = {}) => ({
  from: now.toISOString(),
  until: '2026-11-24T14:00:00.000Z',
  author: 'assumed-role/Developer/eve',
  reason: 'incident 7',
  ...given,
});

describe('a pause that somebody wrote into the table by hand', () => {
  test.for([
    ['has a reason of 380 KB', { reason: 'x'.repeat(380_000) }],
    ['clears the terminal', { reason: '\u001b[2Jall is well' }],
    ['is shown backwards', { label: '\u202eana' }],
    ['has an author that no name of AWS is as long as', { author: 'a'.repeat(601) }],
    ['has no author', { author: undefined }],
    ['has no end', { until: 'never' }],
  ] as const)('and that %s pauses no function, and is named', async ([, given]) => {
    await table.save(OVERRIDE, 'pause', aPause(given));
    const memory = await createNightStore(table, 'develop').load();
    expect(memory.pause).toBeUndefined();
    expect(memory.corrupt).toEqual([{ item: 'override | pause', kind: 'override', name: 'pause' }]);
    await expect(createNightReader(table).pause()).rejects.toThrow('override | pause');
    expect(await createNightReader(table).read()).toEqual({ overrides: [], corrupt: ['override | pause'] });
  });

  test('ends after a week, however far its end is', async () => {
    await table.save(OVERRIDE, 'pause', aPause({ until: '2036-11-24T12:00:00.000Z' }));
    const { pause } = await createNightStore(table, 'develop').load();
    expect(isPaused(pause, new Date('2026-12-01T11:59:59Z'))).toBe(true);
    expect(isPaused(pause, new Date('2026-12-01T12:00:00Z'))).toBe(false);
  });

  test('and that cannot be read is removed by a cancel; one that can be read stays', async () => {
    await table.save(OVERRIDE, 'pause', aPause({ reason: '' }));
    expect((await ask('cancel', 'develop')).code).toBe(0);
    expect(await table.list(OVERRIDE)).toEqual([]);
    await table.save(OVERRIDE, 'pause', aPause());
    expect((await ask('cancel', 'develop')).code).toBe(0);
    expect(await createOverrides(table).pause()).toEqual(aPause());
  });

  test('pauses nothing under another key', async () => {
    await table.save(OVERRIDE, 'PAUSE', aPause());
    const memory = await createNightStore(table, 'develop').load();
    expect(memory).toMatchObject({ pause: undefined, overrides: [], corrupt: [{ name: 'PAUSE' }] });
  });

  test('names who AWS says it was, whatever name was typed', async () => {
    aws.caller = 'arn:aws:sts::111111111111:assumed-role/Developer/eve';
    const { out } = await ask('pause', 'develop', '--for', '1h', '--author', 'ana');
    expect(out).toContain('by ana (assumed-role/Developer/eve): ');
    expect(await createOverrides(table).pause()).toMatchObject({
      author: 'assumed-role/Developer/eve',
      label: 'ana',
    });
  });

  test('may be no longer than the command line allows, and of plain text', async () => {
    for (const given of [
      ['--for', '8d'],
      ['--for', '1h', '--reason', 'x'.repeat(201)],
      ['--for', '1h', '--reason', '\u202eall is well'],
      ['--for', '1h', '--author', '\u001b[2J'],
    ])
      expect((await ask('pause', 'develop', ...given)).code).toBe(1);
    expect(await table.list(OVERRIDE)).toEqual([]);
  });
});

describe('the author of an override', () => {
  test('is who AWS says it is, whatever name was typed', async () => {
    aws.caller = 'arn:aws:sts::111111111111:assumed-role/Developer/eve';
    const { out } = await ask('wake', 'develop', '--for', '1h', '--author', 'ana');
    const [override] = await createOverrides(table).all();
    expect(override).toMatchObject({ author: 'assumed-role/Developer/eve', label: 'ana' });
    expect(out).toContain('by ana (assumed-role/Developer/eve) until');
  });

  test('cannot be borrowed to put a cluster to sleep that another keeps up', async () => {
    await ask('keep-up', 'develop', '--for', '2h', '--reason', 'release');
    aws.caller = 'arn:aws:sts::111111111111:assumed-role/Developer/eve';
    const { code, err } = await ask('sleep', 'develop', '--for', '2h', '--author', 'ana');
    expect(code).toBe(1);
    expect(err).toContain('somebody else needs the cluster');
  });
});
