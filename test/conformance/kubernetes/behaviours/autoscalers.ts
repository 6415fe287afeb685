import { beforeAll, describe, expect, test } from 'vitest';
import { createAutoscaler } from '#functions/adapters/kubernetes/autoscaler.ts';
import type { AutoscalerView } from '#functions/night-schedule/ports.ts';
import type { Bed, BedNode } from '../bed.ts';
import { addDeployment, deploymentPath, type Json, must, on, readyPods } from '../objects.ts';

const SINCE = '2026-11-23T11:00:00Z';
const NAME = 'cluster-autoscaler';
const NAMESPACE = 'kube-system';

export function describeAutoscalers(bed: () => Bed): void {
  describe('Cluster Autoscaler', () => {
    let node: BedNode;
    beforeAll(async () => {
      node = await bed().addNode();
      for (const name of [NAME, 'coredns'])
        await addDeployment(bed(), { namespace: NAMESPACE, name, replicas: 2, nodeSelector: on(node.name) });
      await readyPods(bed(), NAMESPACE, `app=${NAME}`, 2);
    });
    const autoscaler = (deployment = NAME) =>
      createAutoscaler(bed().clientFor('night-schedule'), {
        kind: 'cluster-autoscaler',
        namespace: NAMESPACE,
        deployment,
        hostGroup: 'system',
      });
    const stored = (): Promise<Json> => must(bed(), 'GET', deploymentPath(NAMESPACE, NAME));

    test('is paused and resumed by the scale of its Deployment, and by nothing else of it', async () => {
      const before = await stored();
      const view = await autoscaler().observe();
      expect(view).toEqual({
        kind: 'cluster-autoscaler',
        deployment: `${NAMESPACE}/${NAME}`,
        replicas: 2,
        readyReplicas: before.status.readyReplicas ?? 0,
      });
      await autoscaler().pause(view);
      await bed().until('its pods are gone', async () => {
        const { status } = await stored();
        return (status.replicas ?? 0) === 0 && status.observedGeneration > before.metadata.generation;
      });
      expect(await autoscaler().observe()).toMatchObject({ replicas: 0 });
      const { body } = await bed().ask('night-schedule', {
        method: 'GET',
        path: `${deploymentPath(NAMESPACE, NAME)}/scale`,
      });
      // Nothing is left out: Go writes no zeros.
      expect(body.spec).toEqual({});
      const { kind, deployment } = view as Extract<AutoscalerView, { kind: 'cluster-autoscaler' }>;
      await autoscaler().resume({ kind, deployment, replicas: 2, since: SINCE });
      await bed().until('its pods are ready', async () => (await stored()).status.readyReplicas === 2);
      const { spec, metadata } = await stored();
      expect(spec).toEqual(before.spec);
      expect(metadata.generation).toBe(before.metadata.generation + 2);
    });

    test('answers with a Scale', async () => {
      const path = `${deploymentPath(NAMESPACE, NAME)}/scale`;
      const { status, body } = await bed().ask('night-schedule', {
        method: 'PATCH',
        path,
        contentType: 'application/merge-patch+json',
        body: { spec: { replicas: 2 } },
      });
      expect(status).toBe(200);
      expect(body).toMatchObject({
        kind: 'Scale',
        apiVersion: 'autoscaling/v1',
        metadata: { name: NAME, namespace: NAMESPACE },
        spec: { replicas: 2 },
        status: { selector: `app=${NAME}` },
      });
    });

    test('is the only Deployment that night-schedule may scale: 403 for another, 404 where it is not there', async () => {
      await expect(autoscaler('coredns').observe()).rejects.toMatchObject({ status: 403 });
      const path = `${deploymentPath('default', NAME)}/scale`;
      expect(await bed().ask('admin', { method: 'GET', path })).toMatchObject({
        status: 404,
        body: { reason: 'NotFound', message: `deployments.apps "${NAME}" not found` },
      });
    });
  });

  describe('Karpenter', () => {
    const pool = (name: string, spec: Json) => ({
      apiVersion: 'karpenter.sh/v1',
      kind: 'NodePool',
      metadata: { name },
      spec: {
        template: { spec: { nodeClassRef: { group: 'karpenter.k8s.aws', kind: 'EC2NodeClass', name: 'a' } } },
        ...spec,
      },
    });
    const autoscaler = () =>
      createAutoscaler(bed().clientFor('night-schedule'), {
        kind: 'karpenter',
        namespace: 'kube-system',
        deployment: 'karpenter',
        hostGroup: 'system',
        nodePools: ['limited', 'unlimited', 'static'],
      });
    const specOf = async (name: string) =>
      (await must(bed(), 'GET', `/apis/karpenter.sh/v1/nodepools/${name}`)).spec;

    beforeAll(async () => {
      for (const one of [
        pool('limited', { limits: { cpu: '100', memory: '200Gi' } }),
        pool('unlimited', {}),
        pool('static', { replicas: 3 }),
        pool('theirs', { limits: { cpu: '5' } }),
      ])
        await must(bed(), 'POST', '/apis/karpenter.sh/v1/nodepools', one);
      for (const name of ['limited', 'theirs'])
        await must(bed(), 'POST', '/apis/karpenter.sh/v1/nodeclaims', {
          apiVersion: 'karpenter.sh/v1',
          kind: 'NodeClaim',
          metadata: { name: `${name}-1`, labels: { 'karpenter.sh/nodepool': name } },
          spec: {},
        });
    });

    test('has its limits and replicas taken away and given back by merge patches, and its NodeClaims deleted', async () => {
      const before = await specOf('limited');
      const view = await autoscaler().observe();
      const uid = expect.stringMatching(/^[0-9a-f-]{36}$/);
      expect(view).toEqual({
        kind: 'karpenter',
        pools: {
          limited: { limits: { cpu: '100', memory: '200Gi' }, replicas: null, uid },
          unlimited: { limits: null, replicas: null, uid },
          static: { limits: null, replicas: 3, uid },
        },
        claims: [{ name: 'limited-1', nodePool: 'limited', isDeleting: false }],
        unlaunched: expect.objectContaining({ length: 2 }),
      });
      expect(await autoscaler().pause(view, '2026-11-24T13:10:00Z')).toEqual([]);
      expect(await specOf('limited')).toMatchObject({ limits: { cpu: '0', memory: '200Gi' } });
      expect(await specOf('unlimited')).toMatchObject({ limits: { cpu: '0' } });
      expect(await specOf('static')).toMatchObject({ replicas: 0 });
      expect(await specOf('theirs')).toMatchObject({ limits: { cpu: '5' } });
      expect(await autoscaler().observe()).toMatchObject({ claims: [] });
      const { items } = await must(bed(), 'GET', '/apis/karpenter.sh/v1/nodeclaims');
      expect(items.map(({ metadata }: Json) => metadata.name)).toEqual(['theirs-1']);

      if (view.kind !== 'karpenter') throw new Error(`${view.kind} was seen instead of Karpenter`);
      for (const [nodePool, setting] of Object.entries(view.pools))
        await autoscaler().resume({ kind: view.kind, nodePool, setting, since: SINCE });
      expect(await specOf('limited')).toEqual(before);
      expect(await specOf('unlimited')).not.toHaveProperty('limits');
      expect(await specOf('static')).toMatchObject({ replicas: 3 });
    });

    test('knows no strategic merge patch for its objects: 415', async () => {
      const { status, body } = await bed().ask('night-schedule', {
        method: 'PATCH',
        path: '/apis/karpenter.sh/v1/nodepools/limited',
        contentType: 'application/strategic-merge-patch+json',
        body: {},
      });
      expect({ status, reason: body.reason }).toEqual({ status: 415, reason: 'UnsupportedMediaType' });
    });
  });
}
