import { describe, expect, test } from 'vitest';
import { deploymentPath, must } from '../../kubernetes/objects.ts';
import type { KarpenterBed } from '../bed.ts';
import { conditionOf, NODE_CLAIMS, NODE_POOLS } from '../node-pool.ts';
import { aPool, deleteClaim, eventsOf } from '../pools.ts';

export function describeLimits(bed: () => KarpenterBed): void {
  describe('limits', () => {
    test('of 0 remove no node, and a new pod stays Pending', async () => {
      const pool = await aPool(bed());
      await pool.patch({ limits: { cpu: '0' } });
      const path = deploymentPath(pool.namespace, pool.name);
      await must(bed(), 'PATCH', path, { spec: { replicas: 2 } });
      const refused = await bed().until('Karpenter refuses the new pod', async () => {
        const pending = (await pool.pods()).find(({ spec }) => spec.nodeName === undefined);
        if (!pending) return false;
        const events = await eventsOf(bed(), pending.metadata.name);
        return events.find(
          ({ source, reason }) => source.component === 'karpenter' && reason === 'FailedScheduling',
        );
      });
      expect(refused.message).toContain('all available instance types exceed limits for nodepool');
      await bed().pass(10);
      const [claim, ...others] = await pool.claims();
      expect(others).toEqual([]);
      expect(claim.metadata).not.toHaveProperty('deletionTimestamp');
    });

    test('restored bring claims for the pods that are Pending', async () => {
      const pool = await aPool(bed(), { pods: 2, spec: { limits: { cpu: '100' } } });
      await pool.patch({ limits: { cpu: '0' } });
      for (const claim of await pool.claims()) await deleteClaim(bed(), claim);
      await pool.untilClaims(0);
      await bed().pass(5);
      expect(await pool.claims()).toEqual([]);
      await pool.patch({ limits: { cpu: '100' } });
      await pool.untilReadyPods(2);
      expect(await pool.claims()).toHaveLength(2);
    });

    test('are removed by null in a merge patch, and must be quantities', async () => {
      const pool = await aPool(bed(), { spec: { limits: { cpu: '100' } } });
      await pool.patch({ limits: {} });
      expect((await pool.spec()).limits).toEqual({ cpu: '100' });
      const path = `${NODE_POOLS}/${pool.name}`;
      const contentType = 'application/merge-patch+json';
      const body = { spec: { limits: { cpu: 'abc' } } };
      expect(await bed().ask('admin', { method: 'PATCH', path, contentType, body })).toMatchObject({
        status: 422,
        body: { reason: 'Invalid' },
      });
      await pool.patch({ limits: null });
      expect(await pool.spec()).not.toHaveProperty('limits');
    });
  });

  describe('a claim that cannot launch', () => {
    test('stops the new claims of every pool that is not static until it is gone', async () => {
      const pool = await aPool(bed());
      const fixed = await aPool(bed(), { spec: { replicas: 1 } });
      const [running] = await pool.claims();
      const name = `${pool.name}-unknown-type`;
      const requirements = [
        { key: 'node.kubernetes.io/instance-type', operator: 'In', values: ['x0.unknown'] },
      ];
      await must(bed(), 'POST', NODE_CLAIMS, {
        apiVersion: 'karpenter.sh/v1',
        kind: 'NodeClaim',
        metadata: { name },
        spec: { nodeClassRef: bed().nodeClassRef, requirements, resources: { requests: { cpu: '1' } } },
      });
      const stuck = await bed().until('its launch has failed', async () => {
        const claim = await must(bed(), 'GET', `${NODE_CLAIMS}/${name}`);
        return conditionOf(claim, 'Launched') && claim;
      });
      expect(conditionOf(stuck, 'Launched')).toMatchObject({ status: 'Unknown', reason: 'LaunchFailed' });
      expect(stuck.status).not.toHaveProperty('providerID');

      await must(bed(), 'PATCH', deploymentPath(pool.namespace, pool.name), { spec: { replicas: 2 } });
      await fixed.patch({ replicas: 2 });
      await fixed.untilClaims(2);
      await bed().pass(15);
      expect((await pool.claims()).map(({ metadata }) => metadata.name)).toEqual([running.metadata.name]);
      await deleteClaim(bed(), stuck);
      await pool.untilReadyPods(2);
    });
  });
}
