import { describe, expect, test } from 'vitest';
import { deploymentPath, type Json, must, podPath, STUBBORN } from '../../kubernetes/objects.ts';
import type { KarpenterBed } from '../bed.ts';
import { conditionOf, POOL_LABEL } from '../node-pool.ts';
import { aPool, claimPath, deleteClaim, eventsOf, type Pool } from '../pools.ts';

const CLOSED = { limits: { cpu: '0' } };
const HELD = { maxUnavailable: 0 };

export function describeDeletedClaims(bed: () => KarpenterBed): void {
  const theClaim = async (pool: Pool): Promise<Json> => {
    const [claim] = await pool.claims();
    if (!claim) throw new Error(`${pool.name} has no claim`);
    return claim;
  };

  describe('a NodeClaim', () => {
    test('has a spec that cannot be changed', async () => {
      const pool = await aPool(bed());
      const reply = await bed().ask('admin', {
        method: 'PATCH',
        path: claimPath(await theClaim(pool)),
        contentType: 'application/merge-patch+json',
        body: { spec: { terminationGracePeriod: '60s' } },
      });
      expect(reply).toMatchObject({ status: 422, body: { reason: 'Invalid' } });
      expect(reply.body.message).toContain('spec is immutable');
    });
  });

  describe('a deleted NodeClaim', () => {
    test('has its node tainted and its pods evicted, and goes with its node', async () => {
      const pool = await aPool(bed());
      await pool.patch(CLOSED);
      const claim = await theClaim(pool);
      const [pod] = await pool.pods();
      expect((await pool.nodeOf(claim))?.spec).not.toHaveProperty('taints');
      await deleteClaim(bed(), claim);
      const node = await bed().until('the node is tainted', async () => {
        const found = await pool.nodeOf(claim);
        return found?.spec.taints && found;
      });
      expect(node.spec.taints).toContainEqual({ key: 'karpenter.sh/disrupted', effect: 'NoSchedule' });
      // Karpenter deletes it at once: its finalizer keeps it.
      expect(node.metadata.deletionTimestamp).toBeDefined();
      await pool.untilClaims(0);
      expect(await pool.nodeOf(claim)).toBeUndefined();
      const left = await pool.pods();
      expect(left.map(({ metadata }) => metadata.name)).not.toContain(pod.metadata.name);
      expect(left.map(({ status }) => status.phase)).toEqual(['Pending']);
    });

    test('of three whose budget wants one pod available: two go, the last one is held', async () => {
      const pool = await aPool(bed(), { pods: 3, budget: { minAvailable: 1 } });
      await pool.patch(CLOSED);
      for (const claim of await pool.claims()) await deleteClaim(bed(), claim);
      const [held] = await pool.untilClaims(1);
      await bed().pass(15);
      expect(await pool.claims()).toHaveLength(1);
      expect(conditionOf(await theClaim(pool), 'Drained')).toMatchObject({
        status: 'Unknown',
        reason: 'Draining',
      });
      const events = await eventsOf(bed(), held.status.nodeName);
      expect(events).toContainEqual(
        expect.objectContaining({
          type: 'Warning',
          reason: 'FailedDraining',
          message: 'Failed to drain node, 1 pods are waiting to be evicted',
        }),
      );
      // Its peers run again: the budget has room.
      await pool.patch({ limits: null });
      await pool.untilReadyPods(3);
      await bed().until('the held claim is gone', async () => {
        const names = (await pool.claims()).map(({ metadata }) => metadata.name);
        return !names.includes(held.metadata.name);
      });
    });

    test('is released when the pod that holds it is deleted', async () => {
      const pool = await aPool(bed(), { budget: HELD });
      await pool.patch(CLOSED);
      const [pod] = await pool.pods();
      await deleteClaim(bed(), await theClaim(pool));
      await bed().pass(8);
      expect((await pool.pods()).map(({ metadata }) => metadata.name)).toEqual([pod.metadata.name]);
      await bed().ask('admin', { method: 'DELETE', path: podPath(pool.namespace, pod.metadata.name) });
      await pool.untilClaims(0);
    });

    test('is held by a pod with do-not-disrupt, which is not evicted', async () => {
      const pool = await aPool(bed(), { pod: { annotations: { 'karpenter.sh/do-not-disrupt': 'true' } } });
      await pool.patch(CLOSED);
      const [pod] = await pool.pods();
      await deleteClaim(bed(), await theClaim(pool));
      await bed().pass(10);
      const [still] = await pool.pods();
      expect(still.metadata.uid).toBe(pod.metadata.uid);
      expect(still.metadata).not.toHaveProperty('deletionTimestamp');
      expect(await pool.claims()).toHaveLength(1);
    });

    test('without pods on its node goes within 10 s', async () => {
      const pool = await aPool(bed());
      await pool.patch(CLOSED);
      await must(bed(), 'PATCH', deploymentPath(pool.namespace, pool.name), { spec: { replicas: 0 } });
      await bed().until('its pod is gone', async () => (await pool.pods()).length === 0);
      const start = bed().now().getTime();
      await deleteClaim(bed(), await theClaim(pool));
      await pool.untilClaims(0);
      expect(bed().now().getTime() - start).toBeLessThan(10_000);
    });

    test('does not wait for the pods of a DaemonSet that tolerates everything', async () => {
      const pool = await aPool(bed());
      const labels = { app: 'agent' };
      await must(bed(), 'POST', `/apis/apps/v1/namespaces/${pool.namespace}/daemonsets`, {
        apiVersion: 'apps/v1',
        kind: 'DaemonSet',
        metadata: { name: 'agent' },
        spec: {
          selector: { matchLabels: labels },
          template: {
            metadata: { labels, annotations: STUBBORN },
            spec: {
              nodeSelector: { [POOL_LABEL]: pool.name },
              tolerations: [{ operator: 'Exists' }],
              terminationGracePeriodSeconds: 3_600,
              containers: [{ name: 'main', image: 'registry.example.com/agent:1.0.0' }],
            },
          },
        },
      });
      await pool.untilReadyPods(2);
      await pool.patch(CLOSED);
      await deleteClaim(bed(), await theClaim(pool));
      await pool.untilClaims(0);
    });

    test('goes when its node is deleted', async () => {
      const pool = await aPool(bed());
      await pool.patch(CLOSED);
      const { status } = await theClaim(pool);
      await bed().ask('admin', { method: 'DELETE', path: `/api/v1/nodes/${status.nodeName}` });
      await pool.untilClaims(0);
    });

    test('stays while Karpenter does not run', async () => {
      const pool = await aPool(bed());
      await pool.patch(CLOSED);
      const claim = await theClaim(pool);
      await bed().withoutKarpenter(async () => {
        await deleteClaim(bed(), claim);
        await bed().pass(5);
        expect(await pool.claims()).toHaveLength(1);
        expect((await pool.nodeOf(claim))?.spec).not.toHaveProperty('taints');
      });
      await pool.untilClaims(0);
    });
  });
}
