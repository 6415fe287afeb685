import { describe, expect, test } from 'vitest';
import { createAutoscaler } from '#functions/adapters/kubernetes/autoscaler.ts';
import { deploymentPath, must } from '../../kubernetes/objects.ts';
import type { KarpenterBed } from '../bed.ts';
import { NODE_CLAIMS, POOL_LABEL } from '../node-pool.ts';
import { aPool, type Pool } from '../pools.ts';

/** Karpenter waits for it no longer than a second; a busy machine is slower. */
const QUIET_SECONDS = 12;

export function describeUnlaunchedClaims(bed: () => KarpenterBed): void {
  /** Nothing launches it: it asks for an instance type that does not exist. */
  async function addUnlaunchable(pool: Pool): Promise<string> {
    const name = `${pool.name}-stuck`;
    await must(bed(), 'POST', NODE_CLAIMS, {
      apiVersion: 'karpenter.sh/v1',
      kind: 'NodeClaim',
      metadata: { name, labels: { [POOL_LABEL]: pool.name } },
      spec: {
        nodeClassRef: bed().nodeClassRef,
        requirements: [
          { key: 'node.kubernetes.io/instance-type', operator: 'In', values: ['no-such-type'] },
          { key: 'karpenter.sh/capacity-type', operator: 'In', values: ['on-demand'] },
        ],
      },
    });
    return name;
  }

  const adapterOf = (pools: readonly Pool[]) =>
    createAutoscaler(bed().clientFor('night-schedule'), {
      kind: 'karpenter',
      namespace: 'kube-system',
      deployment: 'karpenter',
      nodePools: pools.map(({ name }) => name),
    });

  describe('a NodeClaim that cannot launch', () => {
    test('stops the new ones of every NodePool, until our adapter has deleted it', async () => {
      const broken = await aPool(bed());
      const other = await aPool(bed());
      const name = await addUnlaunchable(broken);
      const autoscaler = adapterOf([broken]);
      const unlaunched = await bed().until('our adapter sees it, and what it waits for', async () => {
        const view = await autoscaler.observe();
        const found = view.kind === 'karpenter' ? (view.unlaunched ?? []) : [];
        return found.some(({ waitsFor }) => waitsFor !== undefined) && found;
      });
      expect(unlaunched).toEqual([
        expect.objectContaining({
          name,
          nodePool: broken.name,
          isDeleting: false,
          isOurs: true,
          waitsFor: expect.stringMatching(/^Launched is (Unknown|False)/),
        }),
      ]);

      const path = deploymentPath(other.namespace, other.name);
      await must(bed(), 'PATCH', path, { spec: { replicas: 2 } });
      await bed().pass(QUIET_SECONDS);
      expect(await other.claims()).toHaveLength(1);

      expect(await autoscaler.deleteClaims(unlaunched)).toEqual([]);
      await other.untilClaims(2);
      await other.untilReadyPods(2);
      expect(await autoscaler.observe()).not.toHaveProperty('unlaunched');
    });

    test('of a NodePool that the config does not name is seen, and is not ours', async () => {
      const broken = await aPool(bed());
      const ours = await aPool(bed());
      const name = await addUnlaunchable(broken);
      const autoscaler = adapterOf([ours]);
      const view = await bed().until('our adapter sees it', async () => {
        const now = await autoscaler.observe();
        return now.kind === 'karpenter' && now.unlaunched && now;
      });
      expect(view).toMatchObject({ unlaunched: [{ name, isOurs: false }] });
      // It counts as none of those that a stop waits for.
      expect(view).toMatchObject({ claims: [{ nodePool: ours.name }] });
    });
  });
}
