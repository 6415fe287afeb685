/** Thirty environments in ten accounts: what a person sees at 80 and at 120 columns. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { saveDecisions } from '#functions/adapters/dynamodb/decision-log.ts';
import { createOverrides } from '#functions/adapters/dynamodb/night.ts';
import { createNightStore } from '#functions/adapters/dynamodb/night-store.ts';
import type { Table } from '#functions/adapters/dynamodb/table.ts';
import type { ClusterState } from '#model/cluster-state.ts';
import type { Decision } from '#model/decision.ts';
import { anOverride } from '../model/builders.ts';
import { enterFakeAws, type FakeAws, leaveFakeAws } from './fake-aws.ts';
import { nightshift } from './run-nightshift.ts';

const CONFIG = fileURLToPath(new URL('./fixtures/fleet.config.ts', import.meta.url));
/** 20:00 on Tuesday in Tokyo. */
const now = new Date('2026-11-24T11:00:00Z');
const TEAMS = [
  'web',
  'data',
  'video',
  'search',
  'billing',
  'identity',
  'mobile',
  'growth',
  'media',
  'platform',
];

let aws: FakeAws;
const run = (args: readonly string[], columns?: number) =>
  nightshift(['--config', CONFIG, ...args], { now, ...(columns ? { columns } : {}) });

beforeEach(async () => {
  aws = await enterFakeAws({ now: () => now });
});
afterEach(() => leaveFakeAws(aws));

async function observed(environment: string, state: Partial<ClusterState> = {}): Promise<Table> {
  const table = await aws.tableOf(environment);
  await createNightStore(table, environment).writeState(
    {
      phase: 'awake',
      desired: 'awake',
      reason: 'office hours',
      since: '2026-11-23T23:04:00.000Z',
      groups: [],
      ...state,
    },
    'absent',
  );
  return table;
}

const aDecision = (given: Partial<Decision>): Decision => ({
  time: '2026-11-23T23:04:00.000Z',
  environment: 'web-develop',
  capability: 'night-schedule',
  target: 'web',
  action: 'confirm-start',
  reason: 'every node is Ready',
  trigger: 'tick',
  ...given,
});

/** All are awake but one whose start failed, one that is kept up, and one that is not deployed. */
async function aFleet(): Promise<void> {
  for (const team of TEAMS) {
    await aws.tableOf(`${team}-production`);
    for (const stage of ['develop', 'staging']) {
      const name = `${team}-${stage}`;
      if (name === 'platform-staging') continue;
      const table = await observed(name, name === 'media-develop' ? { phase: 'starting' } : {});
      if (name === 'web-develop') {
        await saveDecisions(table)([aDecision({})]);
        await createOverrides(table).add(
          anOverride({
            from: '2026-11-24T10:00:00.000Z',
            until: '2026-11-24T14:30:00.000Z',
            author: 'ana',
            reason: 'release',
          }),
        );
      }
    }
  }
}

describe('the table of the fleet', () => {
  test.for([80, 120])('fits %d columns, failures first', async (columns) => {
    await aFleet();
    const { code, out, err } = await run(['status'], columns);
    expect({ code, err }).toEqual({ code: 2, err: '' });
    const lines = out.split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
    expect(lines[0]).toMatch(
      columns === 80 ? /^ENVIRONMENT +STATE +NEXT CHANGE/ : /^ENVIRONMENT +ACCOUNT +STATE/,
    );
    expect(lines[1]).toMatch(/^media-develop .*starting +stop {2}Tue 22:00/);
    expect(lines[2]).toBe('  ! the start was not confirmed in time');
    expect(lines[3]).toMatch(/^platform-staging .*unreachable/);
    expect(lines[4]).toContain('! the table nightshift-platform-staging does not exist');
    expect(lines[5]).toMatch(
      columns === 80
        ? /^web-develop +awake +stop +Tue 23:30 +23:30 ana +08:04 \+4m/
        : /^web-develop .*awake +stop +Tue 23:30 +up until Tue 23:30, ana +08:04 \+4m/,
    );
    // A heading, thirty rows, two reasons, an empty line and the summary.
    expect(lines).toHaveLength(1 + 30 + 2 + 2);
    expect(lines.at(-1)).toContain('30 environments: 1 starting, 1 unreachable, 18 awake, 10 always up');
  });

  test('is filtered by tag, account and state', async () => {
    await aFleet();
    const names = async (...args: string[]) => {
      const { out } = await run(['status', '--json', ...args]);
      return (JSON.parse(out) as { environment: string }[]).map(({ environment }) => environment);
    };
    expect(await names('--tag', 'team=web')).toEqual(['web-develop', 'web-staging', 'web-production']);
    expect(await names('--tag', 'team=web', '--tag', 'stage=staging')).toEqual(['web-staging']);
    expect(await names('--account', '100000000002')).toEqual([
      'data-develop',
      'data-staging',
      'data-production',
    ]);
    expect(await names('--state', 'problem')).toEqual(['media-develop', 'platform-staging']);
    expect(await names('--state', 'unreachable')).toEqual(['platform-staging']);
  });

  test('answers with exit code 0 where every environment that was asked for is reachable', async () => {
    await aFleet();
    expect((await run(['status', '--tag', 'team=web'])).code).toBe(0);
  });

  test.for([
    [['--tag', 'team=wbe'], '--tag team=wbe: no environment has this tag: did you mean "team=web"?'],
    [['--account', '100000000091'], 'no environment is in this account: did you mean "100000000001"?'],
    [['--state', 'up'], '--state up: write one of awake, starting'],
    [['--watch', '1'], '--watch 1: write seconds from 5 to 3600'],
  ] as const)('refuses %j', async ([args, message]) => {
    const { code, err } = await run(['status', ...args]);
    expect(code).toBe(1);
    expect(err).toContain(message);
  });

  test('reports a failed decision until its target succeeds', async () => {
    const table = await observed('web-develop');
    for (const name of ['web-staging', 'web-production']) await aws.tableOf(name);
    await saveDecisions(table)([
      aDecision({ time: '2026-11-23T23:21:00.000Z', action: 'fail', reason: 'no capacity' }),
    ]);
    expect((await run(['status', '--tag', 'team=web'])).out).toContain('! web: no capacity');
    await saveDecisions(table)([aDecision({ time: '2026-11-23T23:40:00.000Z' })]);
    const { out } = await run(['status', '--tag', 'team=web']);
    expect(out).not.toContain('no capacity');
    expect(out).toContain('08:40 +40m');
  });
});

describe('an override of several environments', () => {
  test('reaches each that has a schedule, and says which it did not', async () => {
    await aFleet();
    const { code, out, err } = await run(['keep-up', '--tag', 'team=platform', '--until', '11pm']);
    expect(code).toBe(2);
    expect(out).toContain('platform-develop: ');
    expect(out).toContain('until 23:00 (Asia/Tokyo)');
    expect(out).not.toContain('platform-production');
    expect(err).toContain(
      'nightshift: platform-staging: the table nightshift-platform-staging does not exist',
    );
    expect(err).toContain('1 of 2 environments were not changed');
    expect(aws.invocations.map((one) => one.function)).toEqual([
      'nightshift-platform-develop-night-schedule',
    ]);
  });

  test('is one JSON document', async () => {
    await aFleet();
    const { out } = await run(['keep-up', '--tag', 'team=web', '--for', '2 hours', '--json']);
    const list = JSON.parse(out) as { environment: string }[];
    expect(list.map(({ environment }) => environment)).toEqual(['web-develop', 'web-staging']);
  });

  test('is cancelled for several', async () => {
    await aFleet();
    const { code, out } = await run(['cancel', '--tag', 'team=web']);
    expect(code).toBe(0);
    expect(out).toContain(
      'web-develop: cancelled: awake until Tue 2026-11-24 23:30 (Asia/Tokyo), by ana: release',
    );
    expect(out).toContain('web-staging: no active override to cancel');
  });

  test.for([
    [['keep-up', '--for', '2h'], 'name an environment, or several by --tag or --account'],
    [['keep-up', '--tag', 'stage=production', '--for', '2h'], 'production or without a schedule'],
  ] as const)('%j is refused', async ([args, message]) => {
    const { code, err } = await run(args);
    expect(code).toBe(1);
    expect(err).toContain(message);
  });
});

describe('the plan of the fleet', () => {
  test.for([80, 120])('is one picture for equal schedules at %d columns', async (columns) => {
    const { code, out } = await run(['plan', '--from', '2026-11-23'], columns);
    expect(code).toBe(0);
    const lines = out.split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
    expect(lines.length).toBeLessThanOrEqual(20);
    expect(out.replace(/\s+/g, ' ')).toContain(
      'platform-staging: office, up Mon-Fri 08:00-22:00 (Asia/Tokyo',
    );
    expect(out).toContain(
      `  Mon-Fri         ${'·'.repeat(16)}${'█'.repeat(28)}${'·'.repeat(4)}  08:00-22:00`,
    );
    expect(out).toContain(`  Sat-Sun         ${'·'.repeat(48)}  down`);
    expect(out).toContain('7 days: up 70 h, down 98 h');
  });

  test('shows closed days that follow each other once', async () => {
    const three = fileURLToPath(new URL('./fixtures/three.config.ts', import.meta.url));
    const { out } = await nightshift(
      ['-c', three, 'plan', '--from', '2026-12-28', '-d', '14', '-e', 'develop'],
      { now, columns: 80 },
    );
    expect(out).toContain(`  12-29 to 12-31  ${'·'.repeat(48)}  down`);
    expect(out).toContain('closed: closed day of calendar japan, the start is skipped');
    expect(out).toContain('Fri 2027-01-01');
  });

  /** The file that the last option names. */
  async function written(...options: string[]): Promise<string> {
    const folder = mkdtempSync(join(tmpdir(), 'nightshift-plan-'));
    const file = join(folder, 'plan');
    const { code, err } = await run(['plan', ...options, file]);
    expect({ code, err }).toEqual({ code: 0, err: `nightshift: written: ${file}` });
    const text = readFileSync(file, 'utf8');
    rmSync(folder, { recursive: true });
    return text;
  }

  test('that cannot be written to its file is one line', async () => {
    const { code, err } = await run(['plan', '--svg', '/nowhere/plan.svg']);
    expect({ code, err }).toEqual({
      code: 1,
      err: 'nightshift: /nowhere/plan.svg cannot be written: the folder does not exist: create it',
    });
  });

  test('is an SVG picture', async () => {
    const out = await written('--from', '2026-11-23', '--svg');
    expect(out).toMatch(/^<svg [^>]*viewBox="0 0 970 \d+"/);
    expect(out.match(/fill="#2f9e6e"/g)).toHaveLength(5);
    expect(out).toContain('<title>Mon 2026-11-23; 08:00-22:00</title>');
    expect(out.match(/<g[ >]/g)?.length).toBe(out.match(/<\/g>/g)?.length);
  });

  test('is a calendar file of stops and starts', async () => {
    const day = ['--from', '2026-11-24', '--days', '1', '--tag', 'team=web', '--ics'];
    const out = await written(...day);
    const lines = out.split('\r\n');
    expect(lines[0]).toBe('BEGIN:VCALENDAR');
    expect(lines.filter((line) => line.startsWith('DTSTART'))).toEqual([
      'DTSTART:20261123T230000Z',
      'DTSTART:20261124T130000Z',
    ]);
    expect(lines).toContain('SUMMARY:web-develop\\, web-staging stop');
    for (const line of lines) expect(Buffer.byteLength(line)).toBeLessThanOrEqual(75);
    const uids = lines.filter((line) => line.startsWith('UID'));
    expect(new Set(uids).size).toBe(2);
    expect(out.endsWith('END:VCALENDAR\r\n')).toBe(true);
    expect(await written(...day)).toBe(out);
  });
});

describe('completion', () => {
  test.for(['bash', 'zsh', 'fish'])('for %s has every command and its options', async (shell) => {
    const { code, out } = await run(['completion', shell]);
    expect(code).toBe(0);
    for (const word of ['keep-up', 'status', 'plan', 'rollout']) expect(out).toContain(word);
    expect(out).toContain(shell === 'fish' ? '-l until' : '--until');
  });

  test('knows the environments', async () => {
    expect((await run(['__environments'])).out.split('\n')).toHaveLength(30);
  });

  test('for another shell is refused', async () => {
    expect((await run(['completion', 'powershell'])).err).toContain('write one of bash, zsh, fish');
  });
});
