import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createInstanceGroups } from '#functions/adapters/aws/lifecycle.ts';
import { createDesiredDeploys } from '#functions/adapters/dynamodb/desired-deploys.ts';
import { createClaims, createCordons, createNodeNames } from '#functions/adapters/dynamodb/drain-claims.ts';
import { createNightStore } from '#functions/adapters/dynamodb/night-store.ts';
import {
  applicationKey,
  cordonKey,
  DEPLOY,
  DRAIN,
  instanceKey,
  NIGHT,
  nodeNameKey,
  noteKey,
  OVERRIDE,
  STATE_KEY,
  savedKey,
} from '#functions/adapters/dynamodb/table-keys.ts';
import { isPending } from '#functions/branch-deploy/record.ts';
import { NightshiftError } from '#functions/shared/errors.ts';
import { decideClaim, resumeClaim } from '#functions/spot-drain/claim.ts';
import { createMemoryTable } from '#test/simulation/table.ts';
import { mutated } from './mutations.ts';

const NOW = new Date('2026-08-27T03:00:00Z');
const SAVED = {
  group: 'workers',
  autoScalingGroup: 'eks-workers',
  size: { min: 1, desired: 3, max: 5 },
  phase: 'asleep',
  since: '2026-08-26T13:00:00Z',
} as const;
const CLAIM = {
  instanceId: 'i-0123456789abcdef0',
  node: 'ip-10-0-0-1',
  cause: 'rebalance',
  task: 'drain',
  force: false,
  nightlyStop: false,
  drainUntil: '2026-08-27T04:00:00Z',
  trigger: 'event-1',
  noticeTime: '2026-08-27T02:59:00Z',
  owner: 'invocation-1',
  leaseUntil: '2026-08-27T02:59:30Z',
  state: 'working',
  attempts: 1,
  claimedAt: '2026-08-27T02:59:00Z',
  hooks: [
    {
      group: 'workers',
      name: 'drain',
      token: 't',
      startedAt: '2026-08-27T02:59:00Z',
      heartbeatSeconds: 300,
      completed: false,
    },
  ],
} as const;
const RECORD = {
  name: 'api',
  project: 'default',
  requested: [
    {
      project: 'api-develop',
      build: 'api-develop:1',
      number: 1,
      repository: 'https://github.com/example/api',
      branch: 'develop',
      recordedAt: '2026-08-27T02:59:00Z',
      trigger: 'event-1',
    },
  ],
  newest: {},
} as const;

describe('a record that was edited by hand', () => {
  test('never becomes the size of a group, unless it is a valid one', async () => {
    await fc.assert(
      fc.asyncProperty(mutated(SAVED), mutated(SAVED), async (one, other) => {
        const table = createMemoryTable().through();
        await table.save(NIGHT, savedKey('develop', 'workers'), one ?? null);
        await table.save(NIGHT, STATE_KEY, other ?? null);
        await table.save(OVERRIDE, 'o-1', other ?? null);
        await table.save(NIGHT, noteKey('seen'), one ?? null);
        const memory = await createNightStore(table, 'develop').load();
        for (const { value } of memory.saved.values()) {
          const { min, desired, max } = value.size;
          expect(desired).toBeGreaterThan(0);
          expect(0 <= min && min <= desired && desired <= max).toBe(true);
        }
        const broken = memory.corrupt.filter(({ kind }) => kind === 'saved');
        expect(memory.saved.size + broken.length).toBe(1);
      }),
      { numRuns: 600 },
    );
  });

  test('of a node name is ignored when it is invalid', async () => {
    const { instanceId } = CLAIM;
    await fc.assert(
      fc.asyncProperty(mutated({ instanceId, node: 'ip-10-0-0-1' }), async (name) => {
        const table = createMemoryTable().through();
        await table.save(DRAIN, nodeNameKey(instanceId), name ?? null);
        await table.save(DRAIN, instanceKey(instanceId), CLAIM);
        const { claim, nodeName } = await createClaims(table).find(instanceId);
        expect(claim?.value).toEqual(CLAIM);
        expect(typeof (nodeName ?? '')).toBe('string');
        for (const entry of await createNodeNames(table).all())
          expect(entry.map((one) => typeof one)).toEqual(['string', 'string']);
        expect((await createClaims(table).all()).claims).toHaveLength(1);
      }),
      { numRuns: 300 },
    );
  });

  test('of a drain is refused by name, and skipped in the list', async () => {
    await fc.assert(
      fc.asyncProperty(mutated(CLAIM), async (claim) => {
        const table = createMemoryTable().through();
        await table.save(DRAIN, instanceKey(CLAIM.instanceId), claim ?? null);
        await table.save(DRAIN, instanceKey('i-0000000000000000f'), {
          ...CLAIM,
          instanceId: 'i-0000000000000000f',
        });
        const claims = createClaims(table);
        const worker = { owner: 'invocation-2', leaseUntil: NOW };
        const { claims: all } = await claims.all();
        expect(all.some(({ value }) => value.instanceId === 'i-0000000000000000f')).toBe(true);
        for (const claim of all) resumeClaim(claim.value, worker, NOW);
        try {
          const claim = await claims.read(CLAIM.instanceId);
          const {
            owner: _,
            leaseUntil: __,
            state: ___,
            attempts: ____,
            claimedAt: _____,
            ...request
          } = CLAIM;
          decideClaim(claim?.value, request, worker, NOW);
        } catch (error) {
          expect(error).toBeInstanceOf(NightshiftError);
        }
      }),
      { numRuns: 600 },
    );
  });

  test('of a cordon is left out where all are looked at', async () => {
    const cordon = {
      instanceId: 'i-0',
      node: 'n',
      undoWhen: 'due',
      dueAt: '2026-08-27T03:00:00Z',
      trigger: 't',
    };
    await fc.assert(
      fc.asyncProperty(mutated(cordon), async (damaged) => {
        const table = createMemoryTable().through();
        await table.save(DRAIN, cordonKey('i-0'), damaged ?? null);
        for (const one of (await createCordons(table).all()).cordons) {
          expect(Number.isNaN(Date.parse(one.dueAt))).toBe(false);
          expect(typeof one.instanceId).toBe('string');
        }
      }),
      { numRuns: 300 },
    );
  });

  test('of a deploy is refused by name, and skipped in the list', async () => {
    await fc.assert(
      fc.asyncProperty(mutated(RECORD), async (record) => {
        const table = createMemoryTable().through();
        await table.save(DEPLOY, applicationKey('default', 'api'), record ?? null);
        await table.save(DEPLOY, applicationKey('default', 'web'), { ...RECORD, name: 'web' });
        const deploys = createDesiredDeploys(table);
        const { records } = await deploys.all();
        expect(records.some(({ value }) => value.name === 'web')).toBe(true);
        for (const { value } of records) isPending(value);
        try {
          const kept = await deploys.get({ project: 'default', name: 'api' });
          if (kept) isPending(kept.value);
        } catch (error) {
          expect(error).toBeInstanceOf(NightshiftError);
        }
      }),
      { numRuns: 600 },
    );
  });
});

describe('tags of any form', () => {
  test('give the clusters of a group, or none', async () => {
    const tag = fc.record({
      Key: fc.oneof(
        fc.constantFrom(
          'eks:cluster-name',
          'eks:nodegroup-name',
          'kubernetes.io/cluster/',
          'kubernetes.io/cluster/a',
        ),
        fc.string({ unit: 'binary' }),
      ),
      Value: fc.option(fc.string({ unit: 'binary' }), { nil: undefined }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(tag), async (Tags) => {
        const send = async () => ({ AutoScalingGroups: [{ AutoScalingGroupName: 'workers', Tags }] });
        const groups = createInstanceGroups({ send } as never, () => NOW);
        const group = await groups.named('workers');
        expect(group?.clusters.every((cluster) => typeof cluster === 'string')).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
