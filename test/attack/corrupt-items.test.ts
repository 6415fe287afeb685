import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createCloud } from '#cli/cloud.ts';
import { EnvironmentPoller } from '#cli/console/environment-poller.ts';
import { createDesiredDeploys } from '#functions/adapters/dynamodb/desired-deploys.ts';
import { createNightReader } from '#functions/adapters/dynamodb/night.ts';
import { createNightStore } from '#functions/adapters/dynamodb/night-store.ts';
import type { Table } from '#functions/adapters/dynamodb/table.ts';
import { emptyRecord } from '#functions/branch-deploy/record.ts';
import { loadConfig } from '#lib/config-file.ts';
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

const FAR = '9999-12-31T23:59:59.999Z';
const EARLY = '0000-01-01T00:00:00Z';
const aDecision = (given: object) => ({
  time: '2026-11-24T11:00:00.000Z',
  environment: 'develop',
  capability: 'night-schedule',
  target: 'web',
  action: 'stop',
  reason: 'because',
  trigger: 'tick',
  ...given,
});

/** What may stand under each key: nothing of it, another thing, or the right form with values that nobody expects. */
const VALUES: readonly unknown[] = [
  null,
  'text',
  42,
  [],
  {},
  { constructor: 1 },
  '['.repeat(50_000),
  { phase: 'asleep', desired: 'asleep', reason: 'x', since: FAR, groups: [] },
  {
    phase: 'asleep',
    desired: 'asleep',
    reason: '\u001b[2J',
    since: EARLY,
    until: EARLY,
    groups: ['__proto__'],
  },
  { date: 'never', group: 'constructor', stretches: [{ from: FAR, to: EARLY, nodes: 1e308 }] },
  anOverride({ id: 'x', from: FAR, until: FAR }),
  anOverride({ id: 'x', from: EARLY, until: EARLY }),
  aDecision({ time: FAR, environment: 'constructor', target: '__proto__' }),
  aDecision({ time: EARLY, capability: 'branch-deploy', action: 'deployed', build: {} }),
  aDecision({ time: '2026-02-30T00:00:00Z' }),
  { ...emptyRecord({ project: '__proto__', name: 'constructor' } as never), newest: { constructor: {} } },
];
const KEYS: readonly (readonly [string, string])[] = [
  ['night', 'state'],
  ['night', 'saved#develop/web'],
  ['night', 'saved#develop/__proto__'],
  ['night', 'autoscaler#nodepool#constructor'],
  ['night', 'note#seen'],
  ['night', 'note#warned'],
  ['night', 'note#constructor'],
  ['override', 'x'],
  ['deploy', 'app#develop/api'],
  ['deploy', 'app#night'],
  ['deploy', 'app#__proto__/constructor'],
  ['decision', '2026-11-24T11:00:00.000Z#night-schedule#1'],
  ['ledger', '2026-11-23#web'],
];

describe('a corrupt item of any partition', () => {
  test.for(VALUES.map((value, index) => [index, value] as const))(
    'stops no command: value %i',
    async ([, value]) => {
      for (const [partition, key] of KEYS) await table.save(partition, key, value);
      await table.save('override', 'good', anOverride({ id: 'good' }));
      for (const command of [
        ['status', 'develop'],
        ['status', 'develop', '--json'],
        ['explain', 'web', '--environment', 'develop', '--since', '7d'],
        ['savings', '--environment', 'develop'],
      ]) {
        const { code, out, err } = await nightshift(['--config', CONFIG, ...command], { now });
        expect({ command, code, err }).toEqual({ command, code: 0, err: '' });
        expect(out).not.toMatch(/\n\s+at /);
      }
      const status = await nightshift(['--config', CONFIG, 'status', 'develop'], { now });
      expect(status.out).toContain('awake until Tue 2026-11-24 23:00 (Asia/Tokyo), by ana: release');
    },
  );

  test('blanks nothing of the console', async () => {
    const loaded = await loadConfig(CONFIG);
    const io = { now: () => now, cloud: createCloudOf() };
    const poller = new EnvironmentPoller(loaded, io as never, 60_000);
    try {
      for (const value of VALUES) {
        for (const [partition, key] of KEYS) await table.save(partition, key, value);
        await table.save('override', 'good', anOverride({ id: 'good' }));
        const view = await poller.refresh('develop').then(() => latestOf(poller));
        expect(view).toMatchObject({ name: 'develop', override: { id: 'good' } });
        expect(view).not.toHaveProperty('error');
      }
    } finally {
      poller.close();
    }
  });

  test('stops no function that reads the others', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...KEYS), fc.jsonValue(), async ([partition, key], value) => {
        await table.save(partition, key, value);
        await createNightStore(table, 'develop').load();
        await createNightReader(table).read();
        await createDesiredDeploys(table).all();
      }),
      { numRuns: 60 },
    );
  });

  test('stands in for no other: what is under the key of one application is never taken for another', async () => {
    await table.save('deploy', 'app#develop/web', emptyRecord({ project: 'develop', name: 'api' } as never));
    const { records, corrupt } = await createDesiredDeploys(table).all();
    expect({ records, corrupt }).toEqual({ records: [], corrupt: ['deploy | app#develop/web'] });
  });
});

function latestOf(poller: EnvironmentPoller): unknown {
  let latest: unknown;
  const stop = poller.subscribe((view) => {
    if (view.name === 'develop') latest = view;
  });
  stop();
  return latest;
}

const createCloudOf = () => (name: string, environment: never) => createCloud(name, environment, () => now);
