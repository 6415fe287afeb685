import { describe, expect, test } from 'vitest';
import type { KubeObject } from '#lab/world/kubernetes/objects.ts';
import { parseQuantity } from '#lab/world/kubernetes/quantity.ts';
import { aCluster, anInstance, aRunningCluster } from './cluster.ts';

const aConfigMap = (metadata: Record<string, unknown> = {}) => ({
  metadata: { name: 'one', ...metadata },
  data: { a: '1' },
});

describe('an object', () => {
  test('is born with uid, version, creation time and, if it has a spec to observe, a generation', () => {
    const { api } = aCluster().kubernetes;
    const map = api.create(
      'configmaps',
      'default',
      aConfigMap({ uid: 'mine', creationTimestamp: '1999-01-01T00:00:00Z' }),
    );
    expect(map.metadata).toMatchObject({ namespace: 'default', creationTimestamp: '2026-11-24T00:00:00Z' });
    expect(map.metadata.uid).not.toBe('mine');
    expect(map.metadata.generation).toBeUndefined();
    const budget = api.create('poddisruptionbudgets.policy', 'default', {
      metadata: { name: 'b' },
      spec: {},
    });
    expect(budget.metadata.generation).toBe(1);
    expect(budget.spec).toEqual({});
  });

  test('counts its generation by changes of the spec alone', () => {
    const { api } = aCluster().kubernetes;
    api.create('nodepools.karpenter.sh', undefined, { metadata: { name: 'p' }, spec: { weight: 1 } });
    const patch = (body: unknown, status = false) =>
      api.patch('nodepools.karpenter.sh', undefined, 'p', body, { type: 'merge', status }).metadata
        .generation;
    expect(patch({ metadata: { labels: { a: 'b' } } })).toBe(1);
    expect(patch({ status: { nodes: 1 } }, true)).toBe(1);
    expect(patch({ spec: { weight: 2 } })).toBe(2);
  });

  test('keeps status and spec apart', () => {
    const { api } = aCluster().kubernetes;
    api.create('nodepools.karpenter.sh', undefined, {
      metadata: { name: 'p' },
      spec: { weight: 1 },
      status: { nodes: 9 },
    });
    const read = () => api.get('nodepools.karpenter.sh', undefined, 'p') as KubeObject;
    expect(read()['status']).toBeUndefined();
    api.patch('nodepools.karpenter.sh', undefined, 'p', { status: { nodes: 9 } }, { type: 'merge' });
    expect(read()['status']).toBeUndefined();
    api.patch(
      'nodepools.karpenter.sh',
      undefined,
      'p',
      { status: { nodes: 3 }, spec: { weight: 7 } },
      { type: 'merge', status: true },
    );
    expect(read()).toMatchObject({ status: { nodes: 3 }, spec: { weight: 1 } });
  });

  test('stays with its finalizers until they are gone', () => {
    const { api } = aCluster().kubernetes;
    api.create('configmaps', 'default', aConfigMap({ finalizers: ['wait.example.com/for-me'] }));
    api.delete('configmaps', 'default', 'one');
    expect(api.get('configmaps', 'default', 'one').metadata.deletionTimestamp).toBeDefined();
    api.patch('configmaps', 'default', 'one', { metadata: { finalizers: null } }, { type: 'merge' });
    expect(api.find('configmaps', 'default', 'one')).toBeUndefined();
  });

  test('of an old version, of another uid or of another name is not written', () => {
    const { api } = aCluster().kubernetes;
    const map = api.create('configmaps', 'default', aConfigMap());
    api.patch('configmaps', 'default', 'one', { data: { a: '2' } }, { type: 'merge' });
    const code = (code: number) => expect.objectContaining({ code });
    const update = (metadata: Record<string, unknown>) => () =>
      api.update('configmaps', 'default', 'one', { ...aConfigMap(metadata) });
    expect(update({ resourceVersion: map.metadata.resourceVersion })).toThrow(code(409));
    expect(update({ uid: 'another' })).toThrow(code(409));
    expect(update({ name: 'two' })).toThrow(code(400));
    expect(update({ namespace: 'other' })).toThrow(code(400));
    expect(() => api.update('configmaps', 'default', 'none', aConfigMap())).toThrow(code(404));
  });
});

describe('a pod', () => {
  const aPod = (spec: Record<string, unknown> = {}) => ({
    metadata: { name: 'pod' },
    spec: { containers: [{ name: 'x', image: 'x:1' }], ...spec },
  });

  test('gets the defaults that the drain of a node depends on', () => {
    const { api } = aCluster().kubernetes;
    const pod = api.create('pods', 'default', aPod({ priorityClassName: 'system-cluster-critical' }));
    expect(pod.spec).toMatchObject({ terminationGracePeriodSeconds: 30, priority: 2_000_000_000 });
    expect(pod.spec?.tolerations).toContainEqual({
      key: 'node.kubernetes.io/unreachable',
      operator: 'Exists',
      effect: 'NoExecute',
      tolerationSeconds: 300,
    });
    expect(() => api.create('pods', 'default', aPod({ priorityClassName: 'none' }))).toThrow(
      'pods "pod" is forbidden: no PriorityClass with name none was found',
    );
  });

  test('cannot be moved or rewritten', async () => {
    const cluster = await aRunningCluster(1);
    const { api } = cluster.kubernetes;
    api.create('pods', 'default', aPod());
    await cluster.run(20);
    for (const spec of [{ nodeName: 'elsewhere' }, { terminationGracePeriodSeconds: 1, hostNetwork: true }]) {
      expect(() => api.patch('pods', 'default', 'pod', { spec }, { type: 'strategic' })).toThrow(
        expect.objectContaining({ code: 422 }),
      );
    }
  });

  test('that no kubelet runs is deleted at once', () => {
    const { api } = aCluster().kubernetes;
    api.create('pods', 'default', aPod());
    api.delete('pods', 'default', 'pod');
    expect(api.find('pods', 'default', 'pod')).toBeUndefined();
  });
});

test('a stopped instance keeps its node, and its pods restart with it', async () => {
  let stopped = false;
  const cluster = await aRunningCluster(1, { isStopped: () => stopped });
  cluster.kubernetes.addDeployment({ name: 'api', replicas: 1, tolerations: [{ operator: 'Exists' }] });
  await cluster.run(30);
  stopped = true;
  cluster.lose(anInstance(1));
  await cluster.run(10 * 60);
  const [node] = cluster.kubernetes.api.store.all('nodes');
  expect(node?.spec?.taints?.map((taint) => taint.key)).toContain(
    'node.cloudprovider.kubernetes.io/shutdown',
  );
  expect(cluster.readyPods()).toHaveLength(0);
  stopped = false;
  cluster.start(anInstance(1));
  await cluster.run(120);
  expect(cluster.readyPods()).toHaveLength(1);
  expect(cluster.kubernetes.api.store.all('nodes')[0]?.spec?.taints).toBeUndefined();
});

test.each([
  ['250m', 0.25],
  ['1.5', 1.5],
  ['512Mi', 512 * 1024 ** 2],
  ['2G', 2e9],
  ['1e3', 1000],
  [3, 3],
])('reads the quantity %s', (text, value) => {
  expect(parseQuantity(text)).toBeCloseTo(value);
});

test('names an invalid quantity', () => {
  expect(() => parseQuantity('lots')).toThrow('invalid quantity: "lots"');
});
