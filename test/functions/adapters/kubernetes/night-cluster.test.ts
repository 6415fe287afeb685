import { serveKubernetes } from '@nightshift/lab/http/kubernetes/server.ts';
import { createCertificateAuthority } from '@nightshift/lab/http/tls.ts';
import { aCluster, anInstance } from '@nightshift/lab/test/kubernetes/cluster.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createKubernetesClient } from '#functions/adapters/kubernetes/client.ts';
import { createAutoscaler, createNodes } from '#functions/adapters/kubernetes/night-cluster.ts';
import { manifestsOf } from './a-lab-cluster.ts';

/** The lab's API server with the RBAC of manifests/: what is not granted there fails here. */
async function aServer() {
  const cluster = aCluster();
  cluster.kubernetes.applyObjects(await manifestsOf('night-schedule'));
  const ca = await createCertificateAuthority();
  const endpoint = await serveKubernetes({
    kubernetes: cluster.kubernetes,
    context: cluster.context,
    ca,
    authenticate: (token) =>
      token === 'night' ? { username: 'night-schedule', groups: ['nightshift:night-schedule'] } : undefined,
  });
  const client = createKubernetesClient({
    cluster: 'develop',
    region: 'ap-northeast-1',
    describeCluster: async () => ({ endpoint: endpoint.url, ca: ca.pem }),
    token: async () => 'night',
  });
  return {
    ...cluster,
    client,
    async close() {
      client.close();
      await endpoint.close();
    },
  };
}

let server: Awaited<ReturnType<typeof aServer>>;
beforeEach(async () => {
  server = await aServer();
});
afterEach(() => server.close());

const since = '2026-11-24T00:00:00Z';

describe('Cluster Autoscaler', () => {
  const config = {
    kind: 'cluster-autoscaler',
    namespace: 'kube-system',
    deployment: 'cluster-autoscaler',
    hostGroup: 'system',
  } as const;

  test('is paused by its scale and resumed to the replicas that it had', async () => {
    server.kubernetes.apply({
      namespace: 'kube-system',
      name: 'cluster-autoscaler',
      image: 'ca:1',
      replicas: 2,
    });
    const autoscaler = createAutoscaler(server.client, config);
    const view = await autoscaler.observe();
    const deployment = 'kube-system/cluster-autoscaler';
    expect(view).toEqual({ kind: 'cluster-autoscaler', deployment, replicas: 2 });
    await autoscaler.pause(view);
    expect(await autoscaler.observe()).toEqual({ kind: 'cluster-autoscaler', deployment, replicas: 0 });
    await autoscaler.resume({ kind: 'cluster-autoscaler', deployment, replicas: 2, since });
    expect(await autoscaler.observe()).toEqual({ kind: 'cluster-autoscaler', deployment, replicas: 2 });
  });

  test('that does not exist is a loud error with its path', async () => {
    await expect(createAutoscaler(server.client, config).observe()).rejects.toThrow(/cluster-autoscaler/);
  });

  test('is not resumed from what was taken from another autoscaler', async () => {
    await expect(
      createAutoscaler(server.client, config).resume({
        kind: 'karpenter',
        nodePool: 'spot',
        setting: { limits: null, replicas: null },
        since,
      }),
    ).rejects.toThrow(
      'nodepool#spot was paused, but the config now names kube-system/cluster-autoscaler: resume nodepool#spot by hand, then delete the item night | autoscaler#nodepool#spot',
    );
  });
});

describe('Karpenter', () => {
  const config = {
    kind: 'karpenter',
    namespace: 'karpenter',
    deployment: 'karpenter',
    hostGroup: 'system',
  } as const;
  const pool = (name: string, spec: object) => ({
    apiVersion: 'karpenter.sh/v1',
    kind: 'NodePool',
    metadata: { name },
    spec: { template: { spec: {} }, ...spec },
  });
  const claim = (name: string, nodepool: string) => ({
    apiVersion: 'karpenter.sh/v1',
    kind: 'NodeClaim',
    metadata: { name, labels: { 'karpenter.sh/nodepool': nodepool } },
    spec: {},
  });
  const limits = () =>
    Object.fromEntries(
      server.kubernetes.api.store.all('nodepools.karpenter.sh').map((one) => [
        one.metadata.name,
        {
          limits: (one.spec as { limits?: object }).limits,
          replicas: (one.spec as { replicas?: number }).replicas,
        },
      ]),
    );

  test('loses limits, replicas and NodeClaims, and gets back exactly what it had', async () => {
    server.kubernetes.applyObjects([
      pool('general', { limits: { cpu: '100', memory: '400Gi' } }),
      pool('open', {}),
      pool('fixed', { replicas: 3 }),
      claim('general-1', 'general'),
    ]);
    const before = limits();
    const autoscaler = createAutoscaler(server.client, config);
    const view = await autoscaler.observe();
    expect(view).toEqual({
      kind: 'karpenter',
      claims: 1,
      pools: {
        general: { limits: { cpu: '100', memory: '400Gi' }, replicas: null },
        open: { limits: null, replicas: null },
        fixed: { limits: null, replicas: 3 },
      },
    });
    await autoscaler.pause(view);
    expect(limits()).toMatchObject({
      general: { limits: { cpu: '0' } },
      open: { limits: { cpu: '0' } },
      fixed: { replicas: 0 },
    });
    if (view.kind !== 'karpenter') throw new Error('not karpenter');
    for (const [nodePool, setting] of Object.entries(view.pools))
      await autoscaler.resume({ kind: 'karpenter', nodePool, setting, since });
    expect(limits()).toEqual(before);
  });

  test('keeps the NodePools that the config does not name', async () => {
    server.kubernetes.applyObjects([pool('general', {}), pool('gpu', {}), claim('gpu-1', 'gpu')]);
    const autoscaler = createAutoscaler(server.client, { ...config, nodePools: ['general'] });
    const view = await autoscaler.observe();
    expect(view).toMatchObject({ claims: 0, pools: { general: {} } });
    await autoscaler.pause(view);
    expect(limits()['gpu']).toEqual({ limits: undefined, replicas: undefined });
  });
});

describe('the nodes', () => {
  test('are the instance ids whose node is Ready', async () => {
    const instance = anInstance(1);
    server.start(instance);
    const nodes = createNodes(server.client);
    expect((await nodes.ready()).has(instance.id)).toBe(false);
    await server.run(180);
    expect((await nodes.ready()).has(instance.id)).toBe(true);
  });
});
