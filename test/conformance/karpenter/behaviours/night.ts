import { describe, expect, test } from 'vitest';
import { createAutoscaler } from '#functions/adapters/kubernetes/autoscaler.ts';
import { terminationTime } from '#functions/night-schedule/decide-claims.ts';
import { must } from '../../kubernetes/objects.ts';
import type { KarpenterBed } from '../bed.ts';
import { NODE_POOLS, nodePool } from '../node-pool.ts';
import { aPool } from '../pools.ts';

/** The functions' adapter, with the rights of manifests/. */
export function describeNight(bed: () => KarpenterBed): void {
  describe('a night of our adapter', () => {
    test('takes every claim of its pools, leaves other pools alone, and restores all of it in the morning', async () => {
      const limited = await aPool(bed(), { pods: 2, spec: { limits: { cpu: '100', memory: '200Gi' } } });
      const unlimited = await aPool(bed());
      const fixed = await aPool(bed(), { spec: { replicas: 1 } });
      const theirs = await aPool(bed());
      const ours = [limited, unlimited, fixed];
      const specs = await Promise.all(ours.map((pool) => pool.spec()));
      const autoscaler = createAutoscaler(bed().clientFor('night-schedule'), {
        kind: 'karpenter',
        namespace: 'kube-system',
        deployment: 'karpenter',
        hostGroup: 'system',
        nodePools: ours.map(({ name }) => name),
      });

      const view = await autoscaler.observe();
      const uid = expect.stringMatching(/^[0-9a-f-]{36}$/);
      expect(view).toEqual({
        kind: 'karpenter',
        pools: {
          [limited.name]: { limits: { cpu: '100', memory: '200Gi' }, replicas: null, uid },
          [unlimited.name]: { limits: null, replicas: null, uid },
          [fixed.name]: { limits: null, replicas: 1, uid },
        },
        claims: expect.objectContaining({ length: 4 }),
      });
      expect(await autoscaler.pause(view, terminationTime(bed().now(), 10 * 60_000, bed().now()))).toEqual(
        [],
      );
      await bed().until('no claim of ours is left', async () => {
        const now = await autoscaler.observe();
        return now.kind === 'karpenter' && now.claims.length === 0;
      });
      await bed().pass(10);
      expect(await autoscaler.observe()).toMatchObject({ claims: [] });
      expect(await theirs.claims()).toHaveLength(1);

      const since = bed().now().toISOString();
      if (view.kind !== 'karpenter') throw new Error(`an autoscaler of kind ${view.kind}`);
      for (const [nodePool, setting] of Object.entries(view.pools))
        await autoscaler.resume({ kind: 'karpenter', nodePool, setting, since });
      expect(await Promise.all(ours.map((pool) => pool.spec()))).toEqual(specs);
      await limited.untilReadyPods(2);
      await unlimited.untilReadyPods(1);
      await fixed.untilReadyPods(1);
      expect(await autoscaler.observe()).toMatchObject({ pools: view.pools, claims: { length: 4 } });
    });

    test('neither closes nor restores a NodePool that was created again under its name', async () => {
      const { name } = await aPool(bed());
      const path = `${NODE_POOLS}/${name}`;
      const autoscaler = createAutoscaler(bed().clientFor('night-schedule'), {
        kind: 'karpenter',
        namespace: 'kube-system',
        deployment: 'karpenter',
        nodePools: [name],
      });
      const view = await autoscaler.observe();
      const setting = view.kind === 'karpenter' ? view.pools[name] : undefined;
      if (!setting) throw new Error(`${name} is not observed`);
      await bed().ask('admin', { method: 'DELETE', path });
      await bed().until('it is gone', async () => {
        const { status } = await bed().ask('admin', { method: 'GET', path });
        return status === 404;
      });
      await must(bed(), 'POST', NODE_POOLS, nodePool(bed(), name, { spec: { limits: { cpu: '7' } } }));
      expect(await autoscaler.pause(view)).toEqual([]);
      const since = bed().now().toISOString();
      expect(await autoscaler.resume({ kind: 'karpenter', nodePool: name, setting, since })).toBe('gone');
      expect((await must(bed(), 'GET', path)).spec.limits).toEqual({ cpu: '7' });
    });

    test('used only what manifests/ grants', async () => {
      const asked = (await bed().asked()).filter(
        ({ user, group }) => user === 'night-schedule' && group === 'karpenter.sh',
      );
      // 422: a change that is meant for another object of the name.
      expect(asked.filter(({ status }) => status >= 300 && status !== 422)).toEqual([]);
      const used = [...new Set(asked.map(({ verb, resource }) => `${verb} ${resource}`))];
      expect(used.sort()).toEqual([
        'delete nodeclaims',
        'list nodeclaims',
        'list nodepools',
        'patch nodeclaims',
        'patch nodepools',
      ]);
    });
  });
}
