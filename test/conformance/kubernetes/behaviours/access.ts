import { beforeAll, describe, expect, test } from 'vitest';
import { createDrainCluster } from '#functions/adapters/kubernetes/drain-cluster.ts';
import { interpretReply } from '#functions/spot-drain/pod-reply.ts';
import { AccessRefusedError } from '#functions/spot-drain/ports.ts';
import type { Bed, BedNode, Who } from '../bed.ts';
import { addReadyPod, podPath } from '../objects.ts';

export function describeAccess(bed: () => Bed): void {
  describe('an API server', () => {
    let node: BedNode;
    let namespace: string;
    beforeAll(async () => {
      node = await bed().addNode();
      namespace = await bed().addNamespace();
    });
    const get = (who: Who, path: string, token?: string | null) =>
      bed().ask(who, { method: 'GET', path, ...(token === undefined ? {} : { token }) });

    test('refuses a token that it does not know: 401', async () => {
      const { status, body } = await get('nobody', '/api/v1/nodes', 'not-a-token');
      expect({ status, body }).toEqual({
        status: 401,
        body: {
          kind: 'Status',
          apiVersion: 'v1',
          metadata: {},
          status: 'Failure',
          message: 'Unauthorized',
          reason: 'Unauthorized',
          code: 401,
        },
      });
      const client = bed().clientFor('nobody', { token: async () => 'not-a-token' });
      const refused = createDrainCluster(client).findNode(node.instanceId);
      await expect(refused).rejects.toBeInstanceOf(AccessRefusedError);
    });

    test('lets the client in again with a token that is minted anew after a 401', async () => {
      const client = bed().clientFor('spot-drain', {
        token: async ({ fresh } = {}) => (fresh ? bed().tokenOf('spot-drain') : 'expired'),
      });
      expect(await createDrainCluster(client).findNode(node.instanceId)).toMatchObject({ name: node.name });
    });

    test('takes who brings no token for anonymous: 403', async () => {
      const { status, body } = await get('nobody', '/api/v1/nodes', null);
      expect(status).toBe(403);
      expect(body).toMatchObject({
        reason: 'Forbidden',
        message:
          'nodes is forbidden: User "system:anonymous" cannot list resource "nodes" in API group "" at the cluster scope',
      });
    });

    test('tells its version to anybody', async () => {
      const { status, body } = await get('nobody', '/version', null);
      expect({ status, body }).toMatchObject({ status: 200, body: { gitVersion: expect.any(String) } });
    });

    test('names in a 403 who may not do what, and where', async () => {
      const { status, body } = await get('nobody', `/api/v1/nodes/${node.name}`);
      expect({ status, body }).toEqual({
        status: 403,
        body: {
          kind: 'Status',
          apiVersion: 'v1',
          metadata: {},
          status: 'Failure',
          message: `nodes "${node.name}" is forbidden: User "nobody" cannot get resource "nodes" in API group "" at the cluster scope`,
          reason: 'Forbidden',
          details: { name: node.name, kind: 'nodes' },
          code: 403,
        },
      });
      const scale = await get('nobody', '/apis/apps/v1/namespaces/kube-system/deployments/a/scale');
      expect(scale.body.message).toBe(
        'deployments.apps "a" is forbidden: User "nobody" cannot get resource "deployments/scale" in API group "apps" in the namespace "kube-system"',
      );
    });

    test('refuses an eviction without RBAC with a 403 that is no namespace on its way out', async () => {
      const pod = await addReadyPod(bed(), { namespace, name: 'web', node: node.name });
      const reply = await createDrainCluster(bed().clientFor('nobody')).evict(pod);
      expect(reply).toMatchObject({ status: 403, reason: 'Forbidden', causes: [] });
      expect(interpretReply(reply)).toMatchObject({
        kind: 'refused',
        reason: `pods "web" is forbidden: User "nobody" cannot create resource "pods/eviction" in API group "" in the namespace "${namespace}"`,
      });
    });

    test('answers 404 for what is not there, and for a path that it does not know', async () => {
      const absent = await get('admin', podPath(namespace, 'nobody'));
      expect(absent).toMatchObject({
        status: 404,
        body: {
          reason: 'NotFound',
          message: 'pods "nobody" not found',
          details: { name: 'nobody', kind: 'pods' },
        },
      });
      expect(await get('admin', '/apis/example.com/v1/things')).toMatchObject({ status: 404 });
    });

    test('that is crowded refuses with a 429 that has a time to wait and no cause', async () => {
      const cluster = createDrainCluster(bed().clientFor('nobody'));
      const pod = await addReadyPod(bed(), { namespace, name: 'crowd', node: node.name });
      const refused = await bed().crowded(() =>
        bed().until('one of many is refused', async () => {
          const replies = await Promise.all(Array.from({ length: 40 }, () => cluster.evict(pod)));
          const some = replies.filter(({ status }) => status === 429);
          return some.length > 0 && some;
        }),
      );
      for (const reply of refused) {
        expect(reply).toEqual({
          status: 429,
          reason: '',
          causes: [],
          detail: 'Too many requests, please try again later.',
          retryAfterSeconds: expect.any(Number),
        });
        expect(interpretReply(reply)).toMatchObject({ kind: 'retry-after' });
      }
    });

    test('answers 415 for a kind of patch that it does not know', async () => {
      const { status, body } = await bed().ask('admin', {
        method: 'PATCH',
        path: `/api/v1/nodes/${node.name}`,
        contentType: 'application/json',
        body: {},
      });
      expect({ status, reason: body.reason }).toEqual({ status: 415, reason: 'UnsupportedMediaType' });
    });
  });
}
