import { serveKubernetes } from '@nightshift/lab/http/kubernetes/server.ts';
import { createCertificateAuthority } from '@nightshift/lab/http/tls.ts';
import { aCluster, anInstance } from '@nightshift/lab/test/kubernetes/cluster.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createAutoscaler } from '#functions/adapters/kubernetes/autoscaler.ts';
import { createKubernetesClient } from '#functions/adapters/kubernetes/client.ts';
import { KubernetesError } from '#functions/adapters/kubernetes/errors.ts';
import { createNodes } from '#functions/adapters/kubernetes/nodes.ts';
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
    expect(view).toEqual({ kind: 'cluster-autoscaler', deployment, replicas: 2, readyReplicas: 0 });
    await autoscaler.pause(view);
    expect(await autoscaler.observe()).toEqual({ kind: 'cluster-autoscaler', deployment, replicas: 0 });
    await autoscaler.resume({ kind: 'cluster-autoscaler', deployment, replicas: 2, since });
    expect(await autoscaler.observe()).toMatchObject({ deployment, replicas: 2 });
  });

  test('that does not exist is a loud error with its path', async () => {
    await expect(createAutoscaler(server.client, config).observe()).rejects.toThrow(/cluster-autoscaler/);
  });

  test.each([
    ['no body', undefined],
    ['no spec', { kind: 'Status' }],
    ['replicas that are no number', { spec: { replicas: '2' } }],
  ])('with %s is not taken for one that is paused', async (_what, body) => {
    const request = async () => ({ status: 200, body: body as never });
    const autoscaler = createAutoscaler({ request, list: async () => [] }, config);
    await expect(autoscaler.observe()).rejects.toThrow(/something that is no Scale/);
  });

  test('N12: is resumed from its record although the config names nothing any more', async () => {
    const deployment = 'kube-system/cluster-autoscaler';
    server.kubernetes.apply({
      namespace: 'kube-system',
      name: 'cluster-autoscaler',
      image: 'ca:1',
      replicas: 0,
    });
    const unconfigured = createAutoscaler(server.client, undefined);
    expect(await unconfigured.resume({ kind: 'cluster-autoscaler', deployment, replicas: 2, since })).toBe(
      'resumed',
    );
    expect(await createAutoscaler(server.client, config).observe()).toMatchObject({ replicas: 2 });
  });

  test('N2: what was taken from an object that is gone is no error', async () => {
    const setting = { limits: null, replicas: null };
    expect(
      await createAutoscaler(server.client, config).resume({
        kind: 'karpenter',
        nodePool: 'spot',
        setting,
        since,
      }),
    ).toBe('gone');
  });

  test('N7: is observed with its Ready pods, and without them where the manifests are of an earlier release', async () => {
    const asked: string[] = [];
    const scripted = (path: string) => {
      asked.push(path);
      if (path.endsWith('/scale')) return { spec: { replicas: 1 } };
      throw new KubernetesError({
        request: path,
        status: 403,
        reason: 'Forbidden',
        detail:
          'deployments.apps "cluster-autoscaler" is forbidden: User "night-schedule" cannot get resource',
      });
    };
    const view = await createAutoscaler(
      {
        request: async ({ path }) => ({ status: 200, body: scripted(path) as never }),
        list: async () => [],
      },
      config,
    ).observe();
    expect(view).toEqual({
      kind: 'cluster-autoscaler',
      deployment: 'kube-system/cluster-autoscaler',
      replicas: 1,
    });
    expect(asked).toHaveLength(2);
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
    expect(view).toMatchObject({
      kind: 'karpenter',
      claims: [{ name: 'general-1', nodePool: 'general', isDeleting: false }],
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

  test('that was created again under its name since it was observed is neither closed nor restored', async () => {
    server.kubernetes.applyObjects([pool('general', { limits: { cpu: '100' } }), pool('other', {})]);
    const autoscaler = createAutoscaler(server.client, config);
    const view = await autoscaler.observe();
    if (view.kind !== 'karpenter') throw new Error('not karpenter');
    const { general: setting } = view.pools;
    if (!setting?.uid) throw new Error('without uid');
    server.kubernetes.api.delete('nodepools.karpenter.sh', undefined, 'general');
    server.kubernetes.applyObjects([pool('general', { limits: { cpu: '7' } })]);
    expect(await autoscaler.pause(view)).toEqual([]);
    expect(limits()).toMatchObject({ general: { limits: { cpu: '7' } }, other: { limits: { cpu: '0' } } });
    const resume = { kind: 'karpenter', nodePool: 'general', setting, since } as const;
    expect(await autoscaler.resume(resume)).toBe('gone');
    expect(limits()).toMatchObject({ general: { limits: { cpu: '7' } } });
    // What an earlier release saved.
    const { uid: _uid, ...old } = setting;
    expect(await autoscaler.resume({ ...resume, setting: old })).toBe('resumed');
    expect(limits()).toMatchObject({ general: { limits: { cpu: '100' } } });
  });

  test('N1: deletes its NodeClaims with a time for the end of their drains, and corrects one that is wrong', async () => {
    const annotation = 'karpenter.sh/nodeclaim-termination-timestamp';
    const held = (name: string, at?: string) => ({
      ...claim(name, 'general'),
      metadata: {
        ...claim(name, 'general').metadata,
        finalizers: ['karpenter.sh/termination'],
        ...(at === undefined ? {} : { annotations: { [annotation]: at } }),
      },
    });
    server.kubernetes.applyObjects([
      pool('general', {}),
      held('new'),
      held('wrong', 'soon'),
      held('tomorrow', '2026-11-25T13:00:00Z'),
      held('sooner', '2026-11-24T13:01:00Z'),
    ]);
    const autoscaler = createAutoscaler(server.client, config);
    const at = '2026-11-24T13:10:00Z';
    expect(await autoscaler.pause(await autoscaler.observe(), at)).toEqual([]);
    const claims = server.kubernetes.api.store.all('nodeclaims.karpenter.sh');
    const times = claims.map(({ metadata }) => [metadata.name, metadata.annotations?.[annotation]]);
    expect(Object.fromEntries(times)).toEqual({
      new: at,
      wrong: at,
      tomorrow: at,
      sooner: '2026-11-24T13:01:00Z',
    });
    expect(claims.every(({ metadata }) => metadata.deletionTimestamp !== undefined)).toBe(true);
  });

  test('N2: a NodePool that cannot be changed or read stops only itself', async () => {
    const pools = [pool('bad', {}), pool('good', {}), { ...pool('odd', {}), spec: { replicas: 'many' } }];
    const patched: string[] = [];
    const autoscaler = createAutoscaler(
      {
        list: async (path) => (path.endsWith('/nodepools') ? pools : [claim('good-1', 'good')]) as never,
        request: async ({ path, method }) => {
          if (path.endsWith('/bad')) throw new KubernetesError({ request: path, status: 500 });
          patched.push(`${method} ${path.split('/').at(-1)}`);
          return { status: 200, body: undefined as never };
        },
      },
      config,
    );
    const view = await autoscaler.observe();
    expect(view).toMatchObject({ malformed: ['odd'], pools: { bad: {}, good: {} } });
    expect(await autoscaler.pause(view)).toMatchObject([{ target: 'bad' }]);
    expect(patched).toEqual(['PATCH good', 'DELETE good-1']);
  });

  test('shows the NodeClaims of every NodePool that have no instance, and deletes those that it is given', async () => {
    const names = ['launched', 'stuck'].map((name) => claim(name, 'general'));
    server.kubernetes.applyObjects([pool('general', {}), pool('gpu', {}), ...names, claim('theirs', 'gpu')]);
    server.kubernetes.api.modify('nodeclaims.karpenter.sh', undefined, 'launched', (draft) => {
      draft['status'] = { providerID: 'aws:///a/i-1' };
    });
    const autoscaler = createAutoscaler(server.client, { ...config, nodePools: ['general'] });
    const view = await autoscaler.observe();
    if (view.kind !== 'karpenter') throw new Error('not karpenter');
    const unlaunched = view.unlaunched ?? [];
    expect(unlaunched.map(({ name, isOurs }) => [name, isOurs])).toEqual([
      ['stuck', true],
      ['theirs', false],
    ]);
    expect(Date.parse(unlaunched[0]?.since ?? '')).not.toBeNaN();
    expect(await autoscaler.deleteClaims(unlaunched.slice(0, 1))).toEqual([]);
    const left = server.kubernetes.api.store.all('nodeclaims.karpenter.sh');
    expect(left.map(({ metadata }) => metadata.name).sort()).toEqual(['launched', 'theirs']);
  });

  test('N2: a NodeClaim or NodePool that is malformed hides none of the others', async () => {
    const labels = { 'karpenter.sh/nodepool': 'good' };
    const claims = [
      { metadata: { name: 'conditions', labels }, status: { conditions: { type: 'Launched' } } },
      { metadata: { name: 'empty', labels }, status: { conditions: [null, 'x', { type: 'Launched' }] } },
      { metadata: { name: 'nulls', labels, annotations: null, deletionTimestamp: null }, status: null },
      { metadata: { labels } },
      { metadata: null },
      { metadata: { name: 'labels', labels: null } },
      { metadata: { name: 'of-odd', labels: { 'karpenter.sh/nodepool': 'odd' } } },
    ];
    const pools = [{ ...pool('odd', {}), spec: null }, { metadata: null }, { ...pool('good', {}), spec: {} }];
    const sent: string[] = [];
    const autoscaler = createAutoscaler(
      {
        list: async (path) => (path.endsWith('/nodepools') ? pools : claims) as never,
        request: async ({ path, method }) => {
          sent.push(`${method} ${path.split('/').at(-1)}`);
          return { status: 200, body: undefined as never };
        },
      },
      config,
    );
    const view = await autoscaler.observe();
    const claim = { nodePool: 'good', isDeleting: false };
    expect(view).toMatchObject({
      kind: 'karpenter',
      pools: { good: { limits: null, replicas: null } },
      malformed: ['odd'],
      claims: [
        { ...claim, name: 'conditions' },
        { ...claim, name: 'empty', waitsFor: 'Launched is unknown' },
        { ...claim, name: 'nulls' },
        { ...claim, name: '' },
        { ...claim, name: 'of-odd', nodePool: 'odd' },
      ],
    });
    expect(await autoscaler.pause(view)).toMatchObject([
      { target: 'good', error: { message: 'a NodeClaim of good has no name: it cannot be deleted' } },
    ]);
    expect(sent).toEqual(['PATCH good', 'DELETE conditions', 'DELETE empty', 'DELETE nulls']);
  });

  test('of EKS Auto Mode is paused without its built-in NodePools', async () => {
    server.kubernetes.applyObjects([
      pool('system', {}),
      pool('general-purpose', {}),
      pool('gpu', {}),
      claim('system-1', 'system'),
      claim('gpu-1', 'gpu'),
    ]);
    const view = await createAutoscaler(server.client, { kind: 'auto-mode' }).observe();
    expect(view).toMatchObject({ claims: [{ name: 'gpu-1' }], pools: { gpu: {} } });
    expect(Object.keys(view.kind === 'karpenter' ? view.pools : {})).toEqual(['gpu']);
  });

  test('keeps the NodePools that the config does not name', async () => {
    server.kubernetes.applyObjects([pool('general', {}), pool('gpu', {}), claim('gpu-1', 'gpu')]);
    const autoscaler = createAutoscaler(server.client, { ...config, nodePools: ['general'] });
    const view = await autoscaler.observe();
    expect(view).toMatchObject({ claims: [], pools: { general: {} } });
    await autoscaler.pause(view);
    expect(limits()['gpu']).toEqual({ limits: undefined, replicas: undefined });
  });
});

describe('the nodes', () => {
  test('that are malformed hide none of the others', async () => {
    const ready = { conditions: [null, { type: 'Ready', status: 'True' }] };
    const listed = [
      { metadata: null, spec: null, status: null },
      { metadata: { name: 'a', labels: null }, spec: { providerID: 7 }, status: { conditions: {} } },
      { metadata: { name: 'b' }, spec: { providerID: 'aws:///a/i-1' }, status: ready },
    ];
    const nodes = createNodes({ list: async () => listed as never });
    expect([...(await nodes.ready())]).toEqual(['i-1']);
    expect((await nodes.all()).map(({ name }) => name)).toEqual(['', 'a', 'b']);
  });

  test('are the instance ids whose node is Ready', async () => {
    const instance = anInstance(1);
    server.start(instance);
    const nodes = createNodes(server.client);
    expect((await nodes.ready()).has(instance.id)).toBe(false);
    await server.run(180);
    expect((await nodes.ready()).has(instance.id)).toBe(true);
  });
});
