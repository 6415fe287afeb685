/** What spot-drain relies on of its table, whatever that is kept in. */
import { beforeAll, describe, expect, it } from 'vitest';
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
      await stores.cordons.put(aCordon('i-00000005'));
      await claims().create(aClaim('i-00000005'), NOW);
      const { claims: all, corrupt } = await claims().all();
      expect(corrupt).toEqual([]);
      expect(all.find((held) => held.value.instanceId === 'i-00000005')).toMatchObject({ version: 1 });
      expect(all.every((held) => 'state' in held.value)).toBe(true);
    });
  });

  describe('names of nodes', () => {
    it('are read with the claim, and without one', async () => {
      const { claims, names } = stores;
      expect(await claims.look('i-00000010')).toEqual({});
      await names.put('i-00000010', 'node-10', NOW);
      expect(await claims.look('i-00000010')).toEqual({ nodeName: 'node-10' });
      const claim = await claims.create(aClaim('i-00000010'), NOW);
      expect(await claims.look('i-00000010')).toEqual({ nodeName: 'node-10', claim });
      await names.remove('i-00000010');
      expect(await claims.look('i-00000010')).toEqual({ claim });
    });

    it('are told from those of an instance whose longer id begins alike', async () => {
      const { claims, names } = stores;
      await names.put('i-000000110123456789', 'longer', NOW);
      await claims.create(aClaim('i-000000110123456789'), NOW);
      expect(await claims.look('i-00000011')).toEqual({});
    });

    it('are listed without the claims, and the claims without them', async () => {
      const { claims, names } = stores;
      await claims.create(aClaim('i-00000012'), NOW);
      await names.put('i-00000012', 'node-12', NOW);
      await names.put('i-00000013', 'node-13', NOW);
      await names.put('i-00000013', 'node-13b', NOW);
      const all = await names.all();
      expect([all.get('i-00000012'), all.get('i-00000013')]).toEqual(['node-12', 'node-13b']);
      const ids = (await claims.all()).claims.map((held) => held.value.instanceId);
      expect(ids.filter((id) => id === 'i-00000012' || id === 'i-00000013')).toEqual(['i-00000012']);
    });
  });

  describe('cordons', () => {
    it('are kept until they are removed, the newest per instance', async () => {
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
