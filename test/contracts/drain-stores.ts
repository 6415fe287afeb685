/** What spot-drain relies on of its table, whatever implements it. */
import { beforeAll, describe, expect, test } from 'vitest';
import type { Claims, Cordons, NodeNames } from '#functions/spot-drain/ports.ts';
import type { Claim } from '#functions/spot-drain/records.ts';

export interface DrainStores {
  readonly claims: Claims;
  readonly cordons: Cordons;
  readonly names: NodeNames;
}

export const NOW = new Date('2026-08-27T03:00:00Z');

export function drainStoresContract(create: () => Promise<DrainStores>): void {
  let stores: DrainStores;
  beforeAll(async () => {
    stores = await create();
  });

  describe('claims', () => {
    const claims = () => stores.claims;

    test('are read as they were written', async () => {
      const claim = aClaim('i-00000001', {
        hooks: [aHook()],
        podCounts: { evicted: 1, finished: 2, alreadyTerminating: 3, forced: 4 },
      });
      const written = await claims().saveIf(claim, 'absent', NOW);
      expect(written).toEqual({ value: claim, version: 1 });
      expect(await claims().read('i-00000001')).toEqual(written);
      expect(await claims().read('i-0000000f')).toBeUndefined();
    });

    test('are created by one of two', async () => {
      const both = await Promise.all([
        claims().saveIf(aClaim('i-00000002', { owner: 'a' }), 'absent', NOW),
        claims().saveIf(aClaim('i-00000002', { owner: 'b' }), 'absent', NOW),
      ]);
      expect(both.filter((one) => one !== undefined)).toHaveLength(1);
    });

    test('are written over what was read, and over nothing else', async () => {
      const first = await claims().saveIf(aClaim('i-00000003'), 'absent', NOW);
      const second = await claims().saveIf(
        aClaim('i-00000003', { state: 'paused' }),
        first?.version ?? 0,
        NOW,
      );
      expect(second).toMatchObject({ version: 2, value: { state: 'paused' } });
      expect(
        await claims().saveIf(aClaim('i-00000003', { state: 'done' }), first?.version ?? 0, NOW),
      ).toBeUndefined();
      expect((await claims().read('i-00000003'))?.value.state).toBe('paused');
    });

    test('are removed only in the version that was read', async () => {
      const first = await claims().saveIf(aClaim('i-00000004'), 'absent', NOW);
      expect(await claims().remove('i-00000004', 7)).toBe(false);
      expect(await claims().remove('i-00000004', first?.version ?? 0)).toBe(true);
      expect(await claims().read('i-00000004')).toBeUndefined();
    });

    test('are listed without the cordons', async () => {
      await stores.cordons.put(aCordon('i-00000005'));
      await claims().saveIf(aClaim('i-00000005'), 'absent', NOW);
      const { claims: all, corrupt } = await claims().all();
      expect(corrupt).toEqual([]);
      expect(all.find((claim) => claim.value.instanceId === 'i-00000005')).toMatchObject({ version: 1 });
      expect(all.every((claim) => 'state' in claim.value)).toBe(true);
    });
  });

  describe('a cordon is pending', () => {
    test('while a claim is in work and its node is not cordoned', async () => {
      const { claims } = stores;
      for (const { value, version } of (await claims.all()).claims)
        await claims.remove(value.instanceId, version);
      const id = 'i-00000020';
      const claim = await claims.saveIf(aClaim(id), 'absent', NOW);
      expect(await claims.areCordonsPending()).toBe(true);
      const cordonedAt = NOW.toISOString();
      const cordoned = await claims.saveIf(aClaim(id, { cordonedAt }), claim?.version ?? 0, NOW);
      expect(await claims.areCordonsPending()).toBe(false);
      await claims.saveIf(aClaim(id, { state: 'done' }), cordoned?.version ?? 0, NOW);
      expect(await claims.areCordonsPending()).toBe(false);
    });
  });

  describe('names of nodes', () => {
    test('are read with the claim, and without one', async () => {
      const { claims, names } = stores;
      expect(await claims.find('i-00000010')).toEqual({});
      await names.put('i-00000010', 'node-10', NOW);
      expect(await claims.find('i-00000010')).toEqual({ nodeName: 'node-10' });
      const claim = await claims.saveIf(aClaim('i-00000010'), 'absent', NOW);
      expect(await claims.find('i-00000010')).toEqual({ nodeName: 'node-10', claim });
      await names.remove('i-00000010');
      expect(await claims.find('i-00000010')).toEqual({ claim });
    });

    test('are kept apart from those of an instance whose longer id begins alike', async () => {
      const { claims, names } = stores;
      await names.put('i-000000110123456789', 'longer', NOW);
      await claims.saveIf(aClaim('i-000000110123456789'), 'absent', NOW);
      expect(await claims.find('i-00000011')).toEqual({});
    });

    test('are listed without the claims, and the claims without them', async () => {
      const { claims, names } = stores;
      await claims.saveIf(aClaim('i-00000012'), 'absent', NOW);
      await names.put('i-00000012', 'node-12', NOW);
      await names.put('i-00000013', 'node-13', NOW);
      await names.put('i-00000013', 'node-13b', NOW);
      const all = await names.all();
      expect([all.get('i-00000012'), all.get('i-00000013')]).toEqual(['node-12', 'node-13b']);
      const ids = (await claims.all()).claims.map((claim) => claim.value.instanceId);
      expect(ids.filter((id) => id === 'i-00000012' || id === 'i-00000013')).toEqual(['i-00000012']);
    });
  });

  describe('cordons', () => {
    test('are kept until they are removed, the newest per instance', async () => {
      const { cordons } = stores;
      await cordons.put(aCordon('i-00000006'));
      await cordons.put({ ...aCordon('i-00000006'), trigger: 'event-2' });
      const mine = async () =>
        (await cordons.all()).cordons.filter((cordon) => cordon.instanceId === 'i-00000006');
      expect(await mine()).toEqual([{ ...aCordon('i-00000006'), trigger: 'event-2' }]);
      await cordons.remove('i-00000006');
      await cordons.remove('i-00000006');
      expect(await mine()).toEqual([]);
    });
  });
}

export function aClaim(instanceId: string, overrides: Partial<Claim> = {}): Claim {
  return {
    instanceId,
    node: 'node',
    cause: 'spot-terminate',
    task: 'drain',
    force: true,
    nightlyStop: false,
    deadline: '2026-08-27T03:01:55Z',
    drainUntil: '2026-08-27T03:01:55Z',
    trigger: 'event-1',
    noticeTime: NOW.toISOString(),
    owner: 'me',
    leaseUntil: '2026-08-27T03:03:00Z',
    state: 'working',
    attempts: 1,
    claimedAt: NOW.toISOString(),
    hooks: [],
    ...overrides,
  };
}

function aHook() {
  return {
    group: 'workers',
    name: 'drain',
    token: 'token',
    startedAt: NOW.toISOString(),
    heartbeatSeconds: 300,
    completed: false,
  };
}

function aCordon(instanceId: string) {
  return {
    instanceId,
    node: 'node',
    undoWhen: 'due',
    dueAt: '2026-08-27T03:30:00Z',
    trigger: 'event-1',
  } as const;
}
