/** One contract, two stores: the table over DynamoDB's protocol, and the one that the tests of the runs stand on. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createClaims,
  createCordons,
  createNight,
  createNodeNames,
} from '#functions/adapters/drain-claims.ts';
import { DRAIN, instanceKey, NIGHT, STATE_KEY } from '#functions/adapters/table-keys.ts';
import type { Claim, Claims, Cordons, NodeNames } from '#functions/spot-drain/ports.ts';
import { memoryClaims, memoryCordons, memoryNames } from '#test/functions/spot-drain/a-world.ts';
import { aTable } from './a-table.ts';

const NOW = new Date('2026-08-27T03:00:00Z');
const atOnce = { now: () => NOW, sleep: async () => undefined, random: () => 0 };

let table: Awaited<ReturnType<typeof aTable>>;
let stores: Record<string, { claims: Claims; cordons: Cordons; names: NodeNames }>;

beforeAll(async () => {
  table = await aTable();
  const kept = new Map<string, string>();
  stores = {
    table: {
      claims: createClaims(table.table),
      cordons: createCordons(table.table),
      names: createNodeNames(table.table),
    },
    memory: {
      claims: memoryClaims(atOnce, kept),
      cordons: memoryCordons(atOnce),
      names: memoryNames(atOnce, kept),
    },
  };
});

afterAll(() => table.close());

describe.each(['table', 'memory'])('claims in the %s', (name) => {
  const claims = () => stores[name]?.claims as Claims;

  it('are read as they were written', async () => {
    const claim = aClaim('i-00000001', {
      hooks: [aHook()],
      tally: { evicted: 1, finished: 2, waited: 3, forced: 4 },
    });
    const written = await claims().create(claim, NOW);
    expect(written).toEqual({ value: claim, version: 1 });
    expect(await claims().read('i-00000001')).toEqual(written);
    expect(await claims().read('i-0000000f')).toBeUndefined();
  });

  it('are created by one of two', async () => {
    const both = await Promise.all([
      claims().create(aClaim('i-00000002', { owner: 'a' }), NOW),
      claims().create(aClaim('i-00000002', { owner: 'b' }), NOW),
    ]);
    expect(both.filter((one) => one !== undefined)).toHaveLength(1);
  });

  it('are written over what was read, and over nothing else', async () => {
    const first = await claims().create(aClaim('i-00000003'), NOW);
    const second = await claims().replace(aClaim('i-00000003', { state: 'paused' }), first?.version ?? 0);
    expect(second).toMatchObject({ version: 2, value: { state: 'paused' } });
    expect(
      await claims().replace(aClaim('i-00000003', { state: 'done' }), first?.version ?? 0),
    ).toBeUndefined();
    expect((await claims().read('i-00000003'))?.value.state).toBe('paused');
  });

  it('are removed only in the version that was read', async () => {
    const first = await claims().create(aClaim('i-00000004'), NOW);
    expect(await claims().remove('i-00000004', 7)).toBe(false);
    expect(await claims().remove('i-00000004', first?.version ?? 0)).toBe(true);
    expect(await claims().read('i-00000004')).toBeUndefined();
  });

  it('are listed without the cordons', async () => {
    await stores[name]?.cordons.put(aCordon('i-00000005'));
    await claims().create(aClaim('i-00000005'), NOW);
    const all = await claims().all();
    expect(all.find((held) => held.value.instanceId === 'i-00000005')).toMatchObject({ version: 1 });
    expect(all.every((held) => 'state' in held.value)).toBe(true);
  });
});

describe.each(['table', 'memory'])('names of nodes in the %s', (name) => {
  it('are read with the claim, and without one', async () => {
    const { claims, names } = stores[name] as NonNullable<(typeof stores)[string]>;
    expect(await claims.look('i-00000010')).toEqual({});
    await names.put('i-00000010', 'node-10', NOW);
    expect(await claims.look('i-00000010')).toEqual({ nodeName: 'node-10' });
    const claim = await claims.create(aClaim('i-00000010'), NOW);
    expect(await claims.look('i-00000010')).toEqual({ nodeName: 'node-10', claim });
    await names.remove('i-00000010');
    expect(await claims.look('i-00000010')).toEqual({ claim });
  });

  it('are told from those of an instance whose longer id begins alike', async () => {
    const { claims, names } = stores[name] as NonNullable<(typeof stores)[string]>;
    await names.put('i-000000110123456789', 'longer', NOW);
    await claims.create(aClaim('i-000000110123456789'), NOW);
    expect(await claims.look('i-00000011')).toEqual({});
  });

  it('are listed without the claims, and the claims without them', async () => {
    const { claims, names } = stores[name] as NonNullable<(typeof stores)[string]>;
    await claims.create(aClaim('i-00000012'), NOW);
    await names.put('i-00000012', 'node-12', NOW);
    await names.put('i-00000013', 'node-13', NOW);
    await names.put('i-00000013', 'node-13b', NOW);
    const all = await names.all();
    expect([all.get('i-00000012'), all.get('i-00000013')]).toEqual(['node-12', 'node-13b']);
    const ids = (await claims.all()).map((held) => held.value.instanceId);
    expect(ids.filter((id) => id === 'i-00000012' || id === 'i-00000013')).toEqual(['i-00000012']);
  });
});

describe.each(['table', 'memory'])('cordons in the %s', (name) => {
  it('are kept until they are removed, the newest per instance', async () => {
    const cordons = stores[name]?.cordons as Cordons;
    await cordons.put(aCordon('i-00000006'));
    await cordons.put({ ...aCordon('i-00000006'), trigger: 'event-2' });
    const mine = async () => (await cordons.all()).filter((cordon) => cordon.instanceId === 'i-00000006');
    expect(await mine()).toEqual([{ ...aCordon('i-00000006'), trigger: 'event-2' }]);
    await cordons.remove('i-00000006');
    await cordons.remove('i-00000006');
    expect(await mine()).toEqual([]);
  });
});

describe('the table', () => {
  it('forgets a claim after a day, and that of an announced change after a month', async () => {
    const expiry = async (id: string) => {
      const { GetItemCommand } = await import('@aws-sdk/client-dynamodb');
      const { Item } = await table.client.send(
        new GetItemCommand({
          TableName: 'nightshift',
          Key: { pk: { S: DRAIN }, sk: { S: instanceKey(id) } },
        }),
      );
      return (Number(Item?.['expires']?.N) - NOW.getTime() / 1_000) / 86_400;
    };
    await stores['table']?.claims.create(aClaim('i-00000007'), NOW);
    await stores['table']?.claims.create(aClaim('i-00000008', { cause: 'health' }), NOW);
    expect(await expiry('i-00000007')).toBe(1);
    expect(await expiry('i-00000008')).toBe(30);
  });

  it('tells what the night is doing, where there is one', async () => {
    const night = createNight(table.table);
    expect(await night.state()).toBeUndefined();
    const state = {
      phase: 'stopping',
      desired: 'asleep',
      reason: 'r',
      since: 's',
      groups: ['workers'],
    } as const;
    await table.table.put(NIGHT, STATE_KEY, state);
    expect(await night.state()).toEqual(state);
  });
});

function aClaim(instanceId: string, overrides: Partial<Claim> = {}): Claim {
  return {
    instanceId,
    node: 'node',
    cause: 'spot-terminate',
    depth: 'drain',
    force: true,
    night: false,
    deadline: '2026-08-27T03:01:55Z',
    until: '2026-08-27T03:01:55Z',
    trigger: 'event-1',
    noticedAt: NOW.toISOString(),
    owner: 'me',
    leaseUntil: '2026-08-27T03:03:00Z',
    state: 'working',
    attempts: 1,
    since: NOW.toISOString(),
    hooks: [],
    ...overrides,
  };
}

function aHook() {
  return {
    group: 'workers',
    name: 'drain',
    token: 'token',
    since: NOW.toISOString(),
    heartbeatSeconds: 300,
    completed: false,
  };
}

function aCordon(instanceId: string) {
  return { instanceId, node: 'node', undo: 'time', due: '2026-08-27T03:30:00Z', trigger: 'event-1' } as const;
}
