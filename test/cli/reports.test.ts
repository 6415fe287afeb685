import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { saveDecisions } from '#functions/adapters/dynamodb/decision-log.ts';
import { createClaims } from '#functions/adapters/dynamodb/drain-claims.ts';
import { createOverrides } from '#functions/adapters/dynamodb/night.ts';
import { createNightStore } from '#functions/adapters/dynamodb/night-store.ts';
import type { Table } from '#functions/adapters/dynamodb/table.ts';
import { NIGHT, savedKey } from '#functions/adapters/dynamodb/table-keys.ts';
import type { LedgerEntry } from '#functions/night-schedule/records.ts';
import type { Decision } from '#model/decision.ts';
import { aClaim } from '#test/contracts/drain-stores.ts';
import { LISTENER } from '../infra/environments.ts';
import { anOverride } from '../model/builders.ts';
import { enterFakeAws, type FakeAws, leaveFakeAws } from './fake-aws.ts';
import { nightshift } from './run-nightshift.ts';

const CONFIG = fileURLToPath(new URL('./fixtures/three.config.ts', import.meta.url));
/** 03:00 on Wednesday in Tokyo. */
const now = new Date('2026-11-24T18:00:00Z');

let aws: FakeAws;
let table: Table;

beforeEach(async () => {
  aws = await enterFakeAws({ now: () => now });
  table = await aws.tableOf('develop');
});

afterEach(() => leaveFakeAws(aws));

const ask = (...args: string[]) => nightshift(['--config', CONFIG, ...args], { now });

describe('nightshift status', () => {
  const asleep = async () => {
    const store = createNightStore(table, 'develop');
    await store.writeState(
      {
        phase: 'asleep',
        desired: 'asleep',
        reason: 'office hours end',
        since: '2026-11-24T13:04:00.000Z',
        groups: ['web'],
      },
      'absent',
    );
    await store.writeSaved(
      {
        group: 'web',
        autoScalingGroup: 'eks-web-1',
        size: { min: 2, desired: 4, max: 10 },
        phase: 'asleep',
        since: '2026-11-24T13:04:00.000Z',
      },
      'absent',
    );
  };

  test('shows the state of the cluster, its next transition and the saved sizes', async () => {
    await asleep();
    const { code, out } = await ask('status', 'develop');
    expect(code).toBe(0);
    expect(out.split('\n')).toEqual([
      'develop (cluster develop, account 111111111111, ap-northeast-1)',
      '  now       asleep since Tue 2026-11-24 22:04 (4 h 56 min): office hours end',
      '  desired   asleep: outside office hours Mon-Fri 08:00-22:00 (Asia/Tokyo)',
      '  next      start Wed 2026-11-25 08:00 (in 5 h): office hours Mon-Fri 08:00-22:00 (Asia/Tokyo) begin',
      '  override  none',
      '  saved     web: min 2, desired 4, max 10, asleep',
    ]);
    expect(new Set(aws.calls.filter((call) => call !== 'dynamodb:PutItem'))).toEqual(
      new Set(['dynamodb:Query']),
    );
  });

  test('lists the active override, and what follows it', async () => {
    await createOverrides(table).add(anOverride({ until: '2026-11-24T20:00:00.000Z' }));
    const { out } = await ask('status', 'develop');
    expect(out).toContain('now       not observed yet');
    expect(out).toContain('override  awake until Wed 2026-11-25 05:00 (Asia/Tokyo), by ana: release');
    expect(out).toContain('next      stop Wed 2026-11-25 05:00 (in 2 h): the override by ana ends');
  });

  test('does not list an expired override', async () => {
    await createOverrides(table).add(anOverride({ until: '2026-11-24T17:00:00.000Z' }));
    expect((await ask('status', 'develop')).out).toContain('override  none');
  });

  test('marks a saved record that is unreadable', async () => {
    await table.save(NIGHT, savedKey('develop', 'web'), { group: 'web', size: 'big', phase: 'asleep' });
    expect((await ask('status', 'develop')).out).toContain(
      'unreadable  night | saved#develop/web: not changed',
    );
  });

  test('without a name shows the reachable environments beside those that are not, with exit code 2', async () => {
    await asleep();
    const { code, out } = await ask('status');
    expect(code).toBe(2);
    expect(out).toMatch(/^develop +111111111111 +asleep/m);
    expect(out).toMatch(/^production +111111111111 +unreachable/m);
    expect(out).toMatch(/^overseas .*unreachable\n {2}! the table nightshift-overseas does not exist/m);
  });

  test('lists what AWS announced for instances of the cluster', async () => {
    await asleep();
    await createClaims(table).saveIf(
      aClaim('i-00000001', { cause: 'health', state: 'paused', notBefore: '2026-12-08T02:30:00.000Z' }),
      'absent',
      now,
    );
    const { out } = await ask('status', 'develop');
    expect(out).toContain(
      'changes   AWS changes i-00000001 (node) Tue 2026-12-08 12:00: its node is drained from Tue 2026-12-08 11:30 on',
    );
    const json = JSON.parse((await ask('status', 'develop', '--json')).out);
    expect(json[0].announcedChanges).toMatchObject([{ startsAt: '2026-12-08T03:00:00.000Z' }]);
  });

  test.each([
    [
      'placed',
      'doorbell  requests get the waiting page (shop.develop.example.com; since Tue 2026-11-24 22:06)',
    ],
    ['removed', 'doorbell  no rule is in place: requests go to the application'],
    ['refused', 'doorbell  its rules cannot be put in place'],
  ] as const)('shows whether the rules of the doorbell are in place: %s', async (phase, row) => {
    await asleep();
    await createNightStore(table, 'develop').writeNote(
      'doorbell',
      {
        phase,
        since: '2026-11-24T13:06:00.000Z',
        listener: LISTENER,
        from: 1,
        to: 5,
        hosts: ['shop.develop.example.com'],
      },
      'absent',
    );
    expect((await ask('status', 'develop')).out).toContain(row);
    const json = JSON.parse((await ask('status', 'develop', '--json')).out);
    expect(json[0].doorbell).toMatchObject({ phase, listener: LISTENER });
  });

  test('gives JSON', async () => {
    await asleep();
    const { out } = await ask('status', 'develop', '--json');
    expect(JSON.parse(out)).toMatchObject([
      {
        environment: 'develop',
        state: { phase: 'asleep' },
        override: null,
        saved: [{ group: 'web', size: { min: 2, desired: 4, max: 10 } }],
        next: { at: '2026-11-24T23:00:00.000Z', to: 'awake' },
      },
    ]);
  });
});

describe('nightshift explain', () => {
  const aDecision = (given: Partial<Decision> = {}): Decision => ({
    time: '2026-11-24T13:00:03.000Z',
    environment: 'develop',
    capability: 'night-schedule',
    target: 'web',
    action: 'stop',
    reason: 'office hours end',
    trigger: 'edge 1',
    ...given,
  });

  beforeEach(async () => {
    await saveDecisions(table)([
      aDecision(),
      aDecision({ time: '2026-11-24T13:04:00.000Z', action: 'confirm-stop', reason: 'no instance is left' }),
      aDecision({ time: '2026-11-24T13:05:00.000Z', target: 'web-spot', action: 'fail', reason: 'stuck' }),
      aDecision({ time: '2026-11-10T13:00:03.000Z', reason: 'two weeks ago' }),
    ]);
  });

  test('lists the decisions about a target, oldest first', async () => {
    const { code, out } = await ask('explain', 'web', '--environment', 'develop');
    expect(code).toBe(0);
    expect(out.split('\n')).toEqual([
      '2026-11-24T22:00+09:00  develop  night-schedule  stop          web  office hours end [edge 1]',
      '2026-11-24T22:04+09:00  develop  night-schedule  confirm-stop  web  no instance is left [edge 1]',
    ]);
  });

  test('looks further back with --since', async () => {
    const { out } = await ask('explain', 'web', '--environment', 'develop', '--since', '30d');
    expect(out.split('\n')[0]).toContain('two weeks ago');
  });

  test('finds a target by a part of its name, and an environment as a whole', async () => {
    await saveDecisions(table)([
      aDecision({ time: '2026-11-24T13:06:00.000Z', target: 'develop', action: 'warn' }),
    ]);
    expect((await ask('explain', 'spot', '-e', 'develop')).out).toContain('stuck');
    expect((await ask('explain', 'develop', '-e', 'develop')).out.split('\n')).toHaveLength(4);
  });

  test('names other targets when there is no decision about this one', async () => {
    expect((await ask('explain', 'batch', '-e', 'develop')).out).toBe(
      'no decisions about "batch" in the last 7d: there are decisions about web, web-spot',
    );
  });

  test('gives the records as they are, as JSON', async () => {
    const { out } = await ask('explain', 'web-spot', '-e', 'develop', '--json');
    expect(JSON.parse(out)).toEqual([
      aDecision({ time: '2026-11-24T13:05:00.000Z', target: 'web-spot', action: 'fail', reason: 'stuck' }),
    ]);
  });

  test.each(['91d', 'yesterday'])('refuses --since %s', async (since) => {
    expect(await ask('explain', 'web', '-e', 'develop', '--since', since)).toMatchObject({
      code: 1,
      out: '',
    });
  });
});

describe('nightshift savings', () => {
  const anEntry = (given: Partial<LedgerEntry> = {}): LedgerEntry => ({
    date: '2026-11-23',
    group: 'web',
    from: '2026-11-23T13:00:00.000Z',
    to: '2026-11-23T15:00:00.000Z',
    nodes: 4,
    asleepMinutes: 120,
    gapMinutes: 30,
    nodeMinutesSaved: 360,
    ...given,
  });

  beforeEach(async () => {
    await createNightStore(table, 'develop').writeLedger([
      anEntry({ date: '2026-09-01', from: '2026-09-01T13:00:00.000Z' }),
      anEntry(),
      anEntry({
        date: '2026-11-24',
        from: '2026-11-23T15:00:00.000Z',
        asleepMinutes: 480,
        gapMinutes: 0,
        nodeMinutesSaved: 1920,
      }),
      anEntry({ group: 'batch', nodes: 1, gapMinutes: 0, nodeMinutesSaved: 120 }),
    ]);
  });

  test('sums up the node-hours of each group, with their price, and shows gaps as gaps', async () => {
    const { code, out } = await ask('savings', '--environment', 'develop');
    expect(code).toBe(0);
    expect(out.split('\n')).toEqual([
      'environment  group  date          asleep h  gap h  node-hours     saved',
      'develop      batch  last 30 days       2.0    0.0         2.0  0.10 USD',
      'develop      web    last 30 days      10.0    0.5        38.0  3.80 USD',
      'total 40.0 node-hours, 3.90 USD',
      '0.5 h asleep were not observed and are not counted',
    ]);
  });

  test('shows one row for each date with --daily', async () => {
    const { out } = await ask('savings', '--environment', 'develop', '--daily', '--json');
    expect(JSON.parse(out)).toMatchObject([
      { group: 'batch', date: '2026-11-23', nodeHoursSaved: 2 },
      { group: 'web', date: '2026-11-23', nodeHoursSaved: 6, gapHours: 0.5 },
      { group: 'web', date: '2026-11-24', nodeHoursSaved: 32 },
    ]);
  });

  test('counts the night that runs until now, marked, and once it is written down only that', async () => {
    const store = createNightStore(table, 'develop');
    const asleepSince = '2026-11-24T13:00:00.000Z';
    await store.writeSaved(
      {
        group: 'web',
        autoScalingGroup: 'eks-web-1',
        size: { min: 2, desired: 4, max: 10 },
        phase: 'asleep',
        since: asleepSince,
        asleepSince,
      },
      'absent',
    );
    await store.writeNote('seen', { at: '2026-11-24T17:58:00.000Z', gaps: [] }, 'absent');
    const running = await ask('savings', '--environment', 'develop');
    expect(running.out.split('\n')).toEqual([
      'environment  group  date          asleep h  gap h  node-hours     saved',
      'develop      batch  last 30 days       2.0    0.0         2.0  0.10 USD',
      'develop      web    last 30 days      15.0    0.5       58.0*  5.80 USD',
      'total 60.0 node-hours, 5.90 USD',
      '* sleeps still: counted until now',
      '0.5 h asleep were not observed and are not counted',
    ]);
    await store.writeLedger([
      anEntry({
        date: '2026-11-24',
        from: asleepSince,
        to: now.toISOString(),
        asleepMinutes: 300,
        gapMinutes: 0,
        nodeMinutesSaved: 1200,
      }),
    ]);
    const written = await ask('savings', '--environment', 'develop', '--json');
    expect(JSON.parse(written.out)).toMatchObject([
      { group: 'batch' },
      { group: 'web', nodeHoursSaved: 54 + 4 },
    ]);
    expect(written.out).not.toContain('running');
  });

  test('does not count time of the night that runs in which nothing was observed', async () => {
    const store = createNightStore(table, 'develop');
    const asleepSince = '2026-11-24T13:00:00.000Z';
    await store.writeSaved(
      {
        group: 'late',
        autoScalingGroup: 'eks-late-1',
        size: { min: 1, desired: 1, max: 1 },
        phase: 'asleep',
        since: asleepSince,
        asleepSince,
      },
      'absent',
    );
    await store.writeNote('seen', { at: '2026-11-24T16:00:00.000Z', gaps: [] }, 'absent');
    const { out } = await ask('savings', '--environment', 'develop', '--json');
    expect(JSON.parse(out)).toContainEqual(
      expect.objectContaining({
        group: 'late',
        asleepHours: 5,
        gapHours: 2,
        nodeHoursSaved: 3,
        running: true,
      }),
    );
  });

  test('says so when nothing was saved', async () => {
    await aws.tableOf('overseas');
    expect((await ask('savings', '--environment', 'overseas')).out).toBe(
      'no savings recorded in the last 30 days',
    );
  });

  test('refuses an environment that is never stopped', async () => {
    const { code, err } = await ask('savings', '--environment', 'production');
    expect(code).toBe(1);
    expect(err).toContain('"production" has no schedule');
  });
});
