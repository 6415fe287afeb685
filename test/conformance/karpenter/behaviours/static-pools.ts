import { describe, expect, test } from 'vitest';
import type { KarpenterBed } from '../bed.ts';
import { NODE_POOLS } from '../node-pool.ts';
import { aPool, deleteClaim } from '../pools.ts';

export function describeStaticPools(bed: () => KarpenterBed): void {
  describe('a static NodePool', () => {
    test('of 0 replicas deletes its claims, of which a budget holds the last, and has all of them when they are restored', async () => {
      const pool = await aPool(bed(), { pods: 3, spec: { replicas: 3 }, budget: { minAvailable: 1 } });
      await pool.patch({ replicas: 0 });
      const [held] = await pool.untilClaims(1);
      await bed().pass(8);
      expect(await pool.claims()).toMatchObject([{ metadata: { name: held.metadata.name } }]);
      await pool.patch({ replicas: 3 });
      await pool.untilReadyPods(3);
      const claims = await bed().until('the held claim is gone and three others are there', async () => {
        const found = await pool.claims();
        return found.length === 3 && found;
      });
      expect(claims.map(({ metadata }) => metadata.name)).not.toContain(held.metadata.name);
    });

    test('replaces a claim that is deleted, unless limits.nodes is 0', async () => {
      const pool = await aPool(bed(), { pods: 1, spec: { replicas: 1 } });
      const [first] = await pool.claims();
      await deleteClaim(bed(), first);
      const second = await bed().until('it is replaced', async () => {
        const found = await pool.claims();
        return found.length === 1 && found[0].metadata.name !== first.metadata.name && found[0];
      });
      await pool.untilReadyPods(1);
      await pool.patch({ limits: { nodes: '0' } });
      await deleteClaim(bed(), second);
      await pool.untilClaims(0);
      await bed().pass(5);
      expect(await pool.claims()).toEqual([]);
    });

    test('stays static: its replicas cannot be removed, nor added to another pool', async () => {
      const fixed = await aPool(bed(), { spec: { replicas: 1 } });
      const dynamic = await aPool(bed());
      const contentType = 'application/merge-patch+json';
      for (const [pool, replicas] of [
        [fixed, null],
        [dynamic, 1],
      ] as const) {
        const path = `${NODE_POOLS}/${pool.name}`;
        const reply = await bed().ask('admin', {
          method: 'PATCH',
          path,
          contentType,
          body: { spec: { replicas } },
        });
        expect(reply).toMatchObject({ status: 422, body: { reason: 'Invalid' } });
      }
    });
  });
}
