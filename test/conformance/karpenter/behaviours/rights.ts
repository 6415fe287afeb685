import { beforeAll, describe, expect, test } from 'vitest';
import { GROUPS } from '../../kubernetes/bed.ts';
import { type Json, must } from '../../kubernetes/objects.ts';
import type { KarpenterBed } from '../bed.ts';
import { NODE_CLAIMS, NODE_POOLS } from '../node-pool.ts';
import { aPool, atSecond, claimPath, TERMINATION_TIME } from '../pools.ts';

const RBAC = '/apis/rbac.authorization.k8s.io/v1';
/** What it takes to put Karpenter to sleep, its own bounded drain included. */
const RULES = [
  { apiGroups: ['karpenter.sh'], resources: ['nodepools'], verbs: ['patch'] },
  { apiGroups: ['karpenter.sh'], resources: ['nodeclaims'], verbs: ['list', 'patch', 'delete'] },
];

export function describeRights(bed: () => KarpenterBed): void {
  describe('the rights to put it to sleep', () => {
    const ask = (method: 'GET' | 'PATCH' | 'DELETE', path: string, body?: Json) =>
      bed().ask('nobody', {
        method,
        path,
        contentType: method === 'PATCH' ? 'application/merge-patch+json' : 'application/json',
        ...(body === undefined ? {} : { body }),
      });

    beforeAll(async () => {
      const metadata = { name: 'conformance-sleep' };
      await must(bed(), 'POST', `${RBAC}/clusterroles`, { metadata, rules: RULES });
      await must(bed(), 'POST', `${RBAC}/clusterrolebindings`, {
        metadata,
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: metadata.name },
        subjects: GROUPS.nobody.map((name) => ({
          apiGroup: 'rbac.authorization.k8s.io',
          kind: 'Group',
          name,
        })),
      });
    });

    test('are patch of NodePools, and list, patch and delete of NodeClaims', async () => {
      const pool = await aPool(bed(), { budget: { maxUnavailable: 0 } });
      const [claim] = await pool.claims();
      const at = atSecond(bed().now().getTime() + 3_600_000);
      const annotations = { [TERMINATION_TIME]: at };
      const path = `${NODE_POOLS}/${pool.name}`;
      const replies = [
        await bed().until('the role is in force', async () => {
          const reply = await ask('PATCH', path, { spec: { limits: { cpu: '0' } } });
          return reply.status !== 403 && reply;
        }),
        await ask('GET', NODE_CLAIMS),
        await ask('PATCH', claimPath(claim), { metadata: { annotations } }),
        await ask('DELETE', claimPath(claim)),
        // Again, while it is held.
        await ask('DELETE', claimPath(claim)),
      ];
      expect(replies.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
      const others = [
        await ask('GET', path),
        await ask('GET', NODE_POOLS),
        await ask('GET', claimPath(claim)),
        await ask('DELETE', NODE_CLAIMS),
        await ask('PATCH', `${path}/status`, {}),
      ];
      expect(others.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403]);
    });

    test('a claim of another uid is not deleted: 409; one that is gone: 404', async () => {
      const pool = await aPool(bed());
      const [claim] = await pool.claims();
      const body = { preconditions: { uid: '00000000-0000-4000-8000-000000000000' } };
      expect(await ask('DELETE', claimPath(claim), body)).toMatchObject({ status: 409 });
      expect(await ask('DELETE', `${NODE_CLAIMS}/gone`)).toMatchObject({ status: 404 });
    });
  });
}
