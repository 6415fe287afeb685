import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createOverrides } from '#functions/adapters/dynamodb/night.ts';
import { createNightStore } from '#functions/adapters/dynamodb/night-store.ts';
import type { Table } from '#functions/adapters/dynamodb/table.ts';
import { enterFakeAws, type FakeAws, leaveFakeAws } from './fake-aws.ts';
import { nightshift } from './run-nightshift.ts';

const CONFIG = fileURLToPath(new URL('./fixtures/three.config.ts', import.meta.url));
/** 21:00 in Tokyo. */
const now = new Date('2026-11-24T12:00:00Z');

let aws: FakeAws;
let table: Table;
let awsNow: Date;

beforeEach(async () => {
  awsNow = now;
  aws = await enterFakeAws({ now: () => awsNow });
  table = await aws.tableOf('develop');
});

afterEach(() => leaveFakeAws(aws));

const ask = (...args: string[]) => nightshift(['--config', CONFIG, ...args], { now });
/** Where no more than one is expected. */
const stored = async () => {
  const [override, ...others] = await createOverrides(table).all();
  expect(others).toEqual([]);
  return override;
};

describe('an override from the command line', () => {
  test('is stored with author and reason, and night-schedule is invoked at once', async () => {
    const { code, out, err } = await ask('keep-up', 'develop', '--until', '23:00', '--reason', 'release');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(await stored()).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      state: 'awake',
      from: '2026-11-24T12:00:00.000Z',
      until: '2026-11-24T14:00:00.000Z',
      author: 'assumed-role/Developer/ana.smith',
      label: 'ana',
      reason: 'release',
    });
    expect(aws.invocations).toEqual([
      {
        function: 'nightshift-develop-night-schedule',
        type: 'Event',
        payload: {
          source: 'nightshift',
          trigger: 'override',
          schedule: 'override',
          id: (await stored())?.id,
          time: '2026-11-24T12:00:00.000Z',
        },
      },
    ]);
    expect(out.split('\n')).toEqual([
      'develop: kept up by ana (assumed-role/Developer/ana.smith) until 23:00 (Asia/Tokyo): release',
      '  after that: asleep, outside office hours Mon-Fri 08:00-22:00 (Asia/Tokyo)',
      '  progress: nightshift status develop; undo: nightshift cancel develop',
    ]);
  });

  test('needs no other permissions than these', async () => {
    await ask('wake', 'develop', '--for', '2h');
    expect(new Set(aws.calls)).toEqual(
      new Set(['dynamodb:Query', 'dynamodb:PutItem', 'lambda:InvokeFunction', 'sts:GetCallerIdentity']),
    );
  });

  test('replaces the active one, and says so', async () => {
    await ask('keep-up', 'develop', '--for', '2h', '--reason', 'release');
    aws.caller = 'arn:aws:sts::111111111111:assumed-role/Developer/bo';
    const { out } = await ask('sleep', 'develop', '--until', 'tomorrow 08:00', '--author', 'bo', '--replace');
    expect(out).toContain(
      'develop: put to sleep by bo (assumed-role/Developer/bo) until 2026-11-25 08:00 (Asia/Tokyo): no reason given',
    );
    expect(out).toContain(
      'replaces: awake until Tue 2026-11-24 23:00 (Asia/Tokyo), by ana (assumed-role/Developer/ana.smith): release',
    );
    expect((await stored())?.state).toBe('asleep');
  });

  test('does not put a cluster to sleep that somebody else keeps up, without --replace', async () => {
    await ask('keep-up', 'develop', '--for', '2h', '--reason', 'release');
    aws.caller = 'arn:aws:sts::111111111111:assumed-role/Developer/bo';
    const { code, err } = await ask('sleep', 'develop', '--until', 'tomorrow 08:00', '--author', 'bo');
    expect(code).not.toBe(0);
    expect(err).toContain(
      'somebody else needs the cluster: awake until Tue 2026-11-24 23:00 (Asia/Tokyo), by ana (assumed-role/Developer/ana.smith): release; add --replace to end that',
    );
    expect((await stored())?.state).toBe('awake');
  });

  test('is stored beside others that keep the cluster awake: the later end counts', async () => {
    await ask('keep-up', 'develop', '--for', '3h', '--reason', 'release');
    aws.caller = 'arn:aws:sts::111111111111:assumed-role/Developer/bo';
    const { out } = await ask('keep-up', 'develop', '--for', '1h', '--author', 'bo');
    expect(out).toContain(
      'still in force: awake until Wed 2026-11-25 00:00 (Asia/Tokyo), by ana (assumed-role/Developer/ana.smith): release',
    );
    expect(out).not.toContain('replaces');
    expect(await createOverrides(table).all()).toHaveLength(2);
  });

  test('that wakes a sleeping cluster says when its nodes are expected, by what the last starts took', async () => {
    const store = createNightStore(table, 'develop');
    const state = { desired: 'asleep', reason: 'night', since: now.toISOString(), groups: [] } as const;
    await store.writeState({ ...state, phase: 'asleep' }, 'absent');
    expect((await ask('wake', 'develop', '--for', '2h')).out.split('\n')[1]).toBe(
      '  it is asleep now: expect its nodes in about 6 min, at Tue 2026-11-24 21:06 (no start was observed until all nodes were Ready: 5 min are assumed)',
    );
    await store.writeNote(
      'mornings',
      [400, 610].map((nodes) => ({ asked: now.toISOString(), seconds: { nodes } })),
      'absent',
    );
    expect((await ask('wake', 'develop', '--for', '2h')).out.split('\n')[1]).toBe(
      '  it is asleep now: expect its nodes in about 12 min, at Tue 2026-11-24 21:11 (slowest of the last 2 starts until all nodes were Ready: 10 min)',
    );
    const { out } = await ask('wake', 'develop', '--for', '2h', '--json');
    expect(JSON.parse(out)).toMatchObject({ awakeAt: '2026-11-24T12:11:10.000Z' });
    await store.writeState({ ...state, phase: 'awake' }, 1);
    expect((await ask('wake', 'develop', '--for', '2h')).out).not.toContain('expect its nodes');
  });

  test('to a time of day that has passed says that it ends tomorrow', async () => {
    const { out } = await ask('keep-up', 'develop', '--until', '20:30');
    expect(out.split('\n')[1]).toBe('  20:30 has passed today: it ends tomorrow, Wed 2026-11-25 20:30');
    expect((await ask('keep-up', 'develop', '--until', '21:30')).out).not.toContain('tomorrow');
  });

  test('is dated by the clock of AWS, not of this machine', async () => {
    awsNow = new Date('2026-12-01T12:00:00Z');
    await ask('wake', 'develop', '--for', '2h');
    expect(await stored()).toMatchObject({
      from: '2026-12-01T12:00:00.000Z',
      until: '2026-12-01T14:00:00.000Z',
    });
  });

  test('for a duration ends on the minute, at the time of a tick', async () => {
    awsNow = new Date('2026-11-24T12:00:41Z');
    await ask('wake', 'develop', '--for', '1m');
    expect((await stored())?.until).toBe('2026-11-24T12:02:00.000Z');
  });

  test('takes effect at the next tick when the function may not be invoked', async () => {
    aws.denied.add('lambda:InvokeFunction');
    const { code, err } = await ask('wake', 'develop', '--for', '2h');
    expect(code).toBe(0);
    expect(err).toBe(
      'nightshift: warning: develop: AWS denied lambda:InvokeFunction on arn:aws:lambda:ap-northeast-1:111111111111:function:nightshift-develop-night-schedule: allow it for arn:aws:iam::111111111111:user/ana; the override takes effect at the next tick, within a minute',
    );
    expect(await stored()).toBeDefined();
  });

  test('names the permission that is missing, with exit code 2', async () => {
    aws.denied.add('dynamodb:PutItem');
    const { code, out, err } = await ask('wake', 'develop', '--for', '2h');
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toBe(
      'nightshift: develop: AWS denied dynamodb:PutItem on arn:aws:dynamodb:ap-northeast-1:111111111111:table/nightshift-develop: allow it for arn:aws:iam::111111111111:user/ana',
    );
    expect(aws.invocations).toEqual([]);
  });

  test('says that the stack is missing when there is no table', async () => {
    const { code, err } = await ask('wake', 'overseas', '--for', '2h');
    expect(code).toBe(2);
    expect(err).toBe(
      'nightshift: overseas: the table nightshift-overseas does not exist: deploy the stack, or use credentials of account 111111111111, ap-northeast-1',
    );
  });

  test.each([
    [['keep-up', 'production', '--for', '2h'], '"production" is a production environment'],
    [['wake', 'tools', '--for', '2h'], '"tools" has no schedule, it is never stopped'],
    [['wake', 'develp', '--for', '2h'], 'there is no environment "develp": did you mean "develop"?'],
    [
      ['sleep', 'develop'],
      'an override must have an end: add --until or --for, for example: nightshift sleep develop --for 2h, or --until 23:00',
    ],
    [['sleep', 'develop', '--for', '2h', '--until', '23:00'], 'contradict each other'],
    [['wake', 'develop', '--until', 'later'], '--until later: invalid time: write 23:00'],
    [['wake', 'develop', '--for', '2'], '--for 2: invalid duration: add the unit: write 2h'],
    [['wake', 'develop', '--until', '2026-11-24T20:00+09:00'], 'is in the past: write for example --for 2h'],
    [['wake', 'develop', '--for', '8d'], 'is more than 7 days ahead'],
    [['wake', 'develop', '--for', '2h', '--reason', ''], 'the reason is empty'],
    [['wake'], 'name an environment, or several by --tag or --account'],
  ])('%j is refused, and nothing is written', async (args, message) => {
    const { code, out, err } = await ask(...args);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain(message);
    expect(await stored()).toBeUndefined();
    expect(aws.invocations).toEqual([]);
  });

  test('is printed as JSON with --json', async () => {
    await ask('wake', 'develop', '--for', '1h');
    const { out } = await ask('keep-up', 'develop', '--for', '2h', '--json');
    expect(JSON.parse(out)).toMatchObject({
      environment: 'develop',
      override: { state: 'awake', until: '2026-11-24T14:00:00.000Z' },
      replaced: { until: '2026-11-24T13:00:00.000Z' },
    });
  });
});

describe('cancel', () => {
  test('cancels the override and invokes night-schedule at once', async () => {
    await ask('sleep', 'develop', '--for', '2h', '--reason', 'test');
    const { code, out } = await ask('cancel', 'develop');
    expect(code).toBe(0);
    expect(out.split('\n')).toEqual([
      'develop: cancelled: asleep until Tue 2026-11-24 23:00 (Asia/Tokyo), by ana (assumed-role/Developer/ana.smith): test',
      '  desired now: awake, office hours Mon-Fri 08:00-22:00 (Asia/Tokyo)',
    ]);
    expect(await stored()).toBeUndefined();
    expect(aws.invocations).toHaveLength(2);
  });

  test('succeeds when there is nothing to cancel', async () => {
    const { code, out } = await ask('cancel', 'develop');
    expect(code).toBe(0);
    expect(out).toContain('develop: no active override to cancel');
    expect(aws.invocations).toEqual([]);
  });

  test('never reaches production', async () => {
    expect((await ask('cancel', 'production')).code).toBe(1);
  });
});
