import { describe, expect, test } from 'vitest';
import { condition, isNodeReady, type NodeObject, type PodObject } from '#lab/world/kubernetes/objects.ts';
import { aCluster, anInstance, aRunningCluster } from './cluster.ts';

const nodes = ({ kubernetes }: ReturnType<typeof aCluster>) => kubernetes.api.store.all('nodes');
const runningOn = (pod: PodObject) => pod.spec?.nodeName;

describe('an instance', () => {
  test('becomes a node after it booted, and is Ready a little later', async () => {
    const cluster = aCluster();
    cluster.start(anInstance(1, { labels: { 'eks.amazonaws.com/nodegroup': 'spot' } }));
    await cluster.run(19);
    expect(nodes(cluster)).toHaveLength(0);
    await cluster.run(21);
    const [node] = nodes(cluster) as [NodeObject];
    expect(node.spec?.providerID).toBe('aws:///ap-northeast-1a/i-00000000000000001');
    expect(node.metadata.labels).toMatchObject({
      'eks.amazonaws.com/nodegroup': 'spot',
      'topology.kubernetes.io/zone': 'ap-northeast-1a',
      'node.kubernetes.io/instance-type': 'm5.large',
    });
    expect(node.status?.allocatable).toMatchObject({ pods: '29', cpu: '1930m' });
    await cluster.run(11);
    expect(nodes(cluster).every(isNodeReady)).toBe(true);
    expect(nodes(cluster)[0]?.spec?.taints).toBeUndefined();
  });

  test('of another cluster is none of ours', async () => {
    const cluster = aCluster();
    cluster.start(anInstance(1, { cluster: 'staging' }));
    await cluster.run(120);
    expect(nodes(cluster)).toHaveLength(0);
  });

  test('that is lost before it booted never becomes a node', async () => {
    const cluster = aCluster();
    cluster.start(anInstance(1));
    await cluster.run(5);
    cluster.lose(anInstance(1));
    await cluster.run(120);
    expect(nodes(cluster)).toHaveLength(0);
  });

  test('that is lost leaves a NotReady node, which is then removed, and its pods come back elsewhere', async () => {
    const cluster = await aRunningCluster(2);
    cluster.kubernetes.addDeployment({ name: 'api', replicas: 4 });
    await cluster.run(30);
    cluster.lose(anInstance(1));
    const lost = cluster.kubernetes.lostPods.length;
    expect(lost).toBe(2);
    await cluster.run(52);
    const silent = nodes(cluster).find((node) => !isNodeReady(node));
    expect(condition(silent as NodeObject, 'Ready')).toMatchObject({
      status: 'Unknown',
      reason: 'NodeStatusUnknown',
    });
    expect(silent?.spec?.taints?.map((taint) => `${taint.key}:${taint.effect}`)).toEqual([
      'node.kubernetes.io/unreachable:NoSchedule',
      'node.kubernetes.io/unreachable:NoExecute',
    ]);
    expect(cluster.readyPods()).toHaveLength(2);
    await cluster.run(5);
    expect(nodes(cluster)).toHaveLength(1);
    expect(cluster.pods()).toHaveLength(4);
    await cluster.run(90);
    expect(cluster.readyPods()).toHaveLength(4);
    expect(cluster.readyPods().every((pod) => runningOn(pod) === anInstance(2).privateDnsName)).toBe(true);
  });

  test('whose kubelet dies keeps a NotReady node, and what is deleted there stays', async () => {
    const cluster = await aRunningCluster(1);
    cluster.kubernetes.addDeployment({ name: 'api', replicas: 1 });
    await cluster.run(30);
    cluster.kubernetes.killKubelet(anInstance(1).privateDnsName);
    await cluster.run(60);
    const [node] = nodes(cluster) as [NodeObject];
    expect(condition(node, 'Ready')?.status).toBe('Unknown');
    const [pod] = cluster.pods() as [PodObject];
    cluster.kubernetes.evictPod('default', pod.metadata.name);
    await cluster.run(300);
    expect(nodes(cluster)).toHaveLength(1);
    expect(cluster.pods().some(({ metadata }) => metadata.uid === pod.metadata.uid)).toBe(true);
    cluster.lose(anInstance(1));
    await cluster.run(60);
    expect(nodes(cluster)).toHaveLength(0);
  });

  test('that was drained first loses nothing but the pods of DaemonSets', async () => {
    const cluster = await aRunningCluster(2);
    cluster.kubernetes.addDaemonSet({ name: 'agent' });
    cluster.kubernetes.addDeployment({ name: 'api', replicas: 4 });
    await cluster.run(30);
    const { id } = anInstance(1);
    cluster.kubernetes.cordon(id);
    for (let second = 0; second < 30 && !cluster.kubernetes.evict(id); second++) await cluster.run(1);
    cluster.lose(anInstance(1));
    expect(cluster.kubernetes.lostPods.map((pod) => pod.daemonSet)).toEqual([true]);
  });
});

describe('a node', () => {
  test('that is cordoned gets the taint of it, and loses it when it is uncordoned', async () => {
    const cluster = await aRunningCluster(1);
    cluster.kubernetes.cordon(anInstance(1).id);
    await cluster.run(1);
    expect(nodes(cluster)[0]?.spec?.taints).toMatchObject([
      { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' },
    ]);
    const name = anInstance(1).privateDnsName;
    cluster.kubernetes.api.patch(
      'nodes',
      undefined,
      name,
      { spec: { unschedulable: null } },
      { type: 'merge' },
    );
    await cluster.run(1);
    expect(nodes(cluster)[0]?.spec?.taints).toBeUndefined();
  });

  test('runs no more pods than it has addresses for', async () => {
    const cluster = await aRunningCluster(1);
    cluster.kubernetes.addDeployment({ name: 'many', replicas: 40 });
    await cluster.run(60);
    expect(cluster.readyPods()).toHaveLength(29);
    const waiting = cluster.pods().find((pod) => !pod.spec?.nodeName) as PodObject;
    expect(condition(waiting, 'PodScheduled')).toMatchObject({ reason: 'Unschedulable' });
    expect(condition(waiting, 'PodScheduled')?.message).toContain('0/1 nodes are available: 1 Too many pods');
  });

  test('runs no more pods than its CPU allows', async () => {
    const cluster = await aRunningCluster(1);
    cluster.kubernetes.addDeployment({ name: 'big', replicas: 3, cpu: '900m' });
    await cluster.run(60);
    expect(cluster.readyPods()).toHaveLength(2);
  });

  test('with a NoExecute taint is left by the pods that do not tolerate it', async () => {
    const cluster = await aRunningCluster(2);
    cluster.kubernetes.addDeployment({ name: 'api', replicas: 4 });
    await cluster.run(30);
    const name = anInstance(1).privateDnsName;
    cluster.kubernetes.api.patch(
      'nodes',
      undefined,
      name,
      { spec: { taints: [{ key: 'out', effect: 'NoExecute' }] } },
      { type: 'strategic' },
    );
    await cluster.run(30);
    expect(cluster.readyPods().map(runningOn)).not.toContain(name);
    expect(cluster.readyPods()).toHaveLength(4);
  });
});

describe('a pod', () => {
  test('ends when its process ends, or when its grace period does', async () => {
    const cluster = await aRunningCluster(1);
    const seed = (name: string, exit: string) =>
      cluster.kubernetes.addDeployment({
        name,
        replicas: 1,
        terminationGracePeriodSeconds: 20,
        podAnnotations: { 'lab.nightshift/exit-seconds': exit },
      });
    seed('quick', '3');
    seed('stubborn', '600');
    await cluster.run(30);
    const [quick] = cluster.pods({ app: 'quick' });
    const [stubborn] = cluster.pods({ app: 'stubborn' });
    const gone = (pod: PodObject | undefined) =>
      cluster.kubernetes.api.find('pods', 'default', pod?.metadata.name ?? '') === undefined;
    for (const pod of [quick, stubborn])
      cluster.kubernetes.api.delete('pods', 'default', pod?.metadata.name ?? '');
    await cluster.run(4);
    expect([gone(quick), gone(stubborn)]).toEqual([true, false]);
    await cluster.run(17);
    expect(gone(stubborn)).toBe(true);
  });

  test('ends earlier when a second deletion shortens the wait, never later', async () => {
    const cluster = await aRunningCluster(1);
    cluster.kubernetes.addDeployment({
      name: 'slow',
      replicas: 1,
      terminationGracePeriodSeconds: 300,
      podAnnotations: { 'lab.nightshift/exit-seconds': '600' },
    });
    await cluster.run(30);
    const [slow] = cluster.pods() as [PodObject];
    const { name } = slow.metadata;
    const remove = (gracePeriodSeconds?: number) =>
      cluster.kubernetes.api.delete(
        'pods',
        'default',
        name,
        gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds },
      );
    remove();
    await cluster.run(10);
    remove(5);
    remove(250);
    await cluster.run(6);
    expect(cluster.kubernetes.api.find('pods', 'default', name)).toBeUndefined();
  });

  test('that finishes by itself is Succeeded and stays to be read', async () => {
    const cluster = await aRunningCluster(1);
    cluster.kubernetes.api.create('pods', 'default', {
      metadata: { name: 'job', annotations: { 'lab.nightshift/run-seconds': '10' } },
      spec: { restartPolicy: 'Never', containers: [{ name: 'job', image: 'job:1' }] },
    });
    await cluster.run(30);
    expect(cluster.kubernetes.api.get('pods', 'default', 'job').status?.phase).toBe('Succeeded');
  });
});

describe('a Deployment', () => {
  test('rolls a new image out within its surge and unavailability', async () => {
    const cluster = await aRunningCluster(2);
    const workload = { namespace: 'shop', name: 'api', replicas: 4 };
    cluster.kubernetes.apply({ ...workload, image: 'api:1' });
    await cluster.run(30);
    expect(cluster.kubernetes.health('shop', 'api')).toBe('Healthy');
    cluster.kubernetes.apply({ ...workload, image: 'api:2' });
    expect(cluster.kubernetes.health('shop', 'api')).toBe('Progressing');
    let least = 4;
    let most = 4;
    for (let second = 0; second < 60; second++) {
      await cluster.run(1);
      least = Math.min(least, cluster.readyPods().length);
      most = Math.max(most, cluster.pods().filter((pod) => !pod.metadata.deletionTimestamp).length);
    }
    expect(least).toBe(3);
    expect(most).toBe(5);
    expect(cluster.kubernetes.health('shop', 'api')).toBe('Healthy');
    expect(cluster.pods().map((pod) => pod.spec?.containers[0]?.image)).toEqual(Array(4).fill('api:2'));
  });

  test('whose new pods never get ready is Degraded after its deadline', async () => {
    const cluster = aCluster();
    cluster.kubernetes.apply({ namespace: 'shop', name: 'api', image: 'api:1', replicas: 1 });
    await cluster.run(60);
    expect(cluster.kubernetes.health('shop', 'api')).toBe('Progressing');
    await cluster.run(600);
    expect(cluster.kubernetes.health('shop', 'api')).toBe('Degraded');
    cluster.start(anInstance(1));
    await cluster.run(120);
    expect(cluster.kubernetes.health('shop', 'api')).toBe('Healthy');
  });

  test('that does not exist is Missing', () => {
    expect(aCluster().kubernetes.health('shop', 'api')).toBe('Missing');
  });

  test('can be made again while the old one is still being cleared away', async () => {
    const cluster = await aRunningCluster(1);
    const { kubernetes } = cluster;
    kubernetes.addDeployment({ name: 'api', replicas: 2 });
    await cluster.run(30);
    kubernetes.api.delete('deployments.apps', 'default', 'api');
    kubernetes.addDeployment({ name: 'api', replicas: 2 });
    await cluster.run(30);
    expect(kubernetes.health('default', 'api')).toBe('Healthy');
    expect(cluster.pods()).toHaveLength(2);
  });

  test('whose pods are refused reports it in an event and retries', async () => {
    const cluster = await aRunningCluster(1);
    const { api } = cluster.kubernetes;
    cluster.kubernetes.addDeployment({ name: 'api', replicas: 1, priorityClassName: 'later' });
    cluster.kubernetes.addDaemonSet({ name: 'agent', priorityClassName: 'later' });
    await cluster.run(30);
    const refusals = api.store.all('events').filter((event) => event.reason === 'FailedCreate');
    expect(refusals.map((event) => event.involvedObject.kind).sort()).toEqual(['DaemonSet', 'ReplicaSet']);
    api.create('priorityclasses.scheduling.k8s.io', undefined, { metadata: { name: 'later' }, value: 1 });
    await cluster.run(90);
    expect(cluster.readyPods()).toHaveLength(2);
  });

  test('keeps no more old ReplicaSets than its history allows', async () => {
    const cluster = await aRunningCluster(1);
    for (let version = 1; version <= 14; version++) {
      cluster.kubernetes.apply({ namespace: 'shop', name: 'api', image: `api:${version}`, replicas: 1 });
      await cluster.run(30);
    }
    expect(cluster.kubernetes.api.store.all('replicasets.apps')).toHaveLength(11);
  });

  test('is deleted with its ReplicaSets and pods', async () => {
    const cluster = await aRunningCluster(1);
    cluster.kubernetes.addDeployment({ name: 'api', replicas: 2 });
    await cluster.run(30);
    cluster.kubernetes.api.delete('deployments.apps', 'default', 'api', { propagationPolicy: 'Foreground' });
    expect(cluster.kubernetes.api.find('deployments.apps', 'default', 'api')).toBeDefined();
    await cluster.run(30);
    expect(cluster.pods()).toHaveLength(0);
    expect(cluster.kubernetes.api.find('deployments.apps', 'default', 'api')).toBeUndefined();
  });
});

test('a deleted namespace is emptied and removed', async () => {
  const cluster = await aRunningCluster(1);
  cluster.kubernetes.addDeployment({ name: 'api', namespace: 'shop', replicas: 2 });
  await cluster.run(30);
  cluster.kubernetes.api.delete('namespaces', undefined, 'shop');
  expect(cluster.kubernetes.api.get('namespaces', undefined, 'shop').status?.phase).toBe('Terminating');
  await cluster.run(30);
  expect(cluster.pods()).toHaveLength(0);
  expect(cluster.kubernetes.api.find('namespaces', undefined, 'shop')).toBeUndefined();
});

test('a quiet cluster sets no timers', async () => {
  const cluster = await aRunningCluster(2);
  cluster.kubernetes.addDaemonSet({ name: 'agent' });
  cluster.kubernetes.addDeployment({ name: 'api', replicas: 6 });
  cluster.kubernetes.addPdb({ name: 'api', matchLabels: { app: 'api' }, maxUnavailable: 1 });
  await cluster.run(15 * 60);
  const before = cluster.kubernetes.api.store.version();
  let timers = 0;
  const { at } = cluster.context.clock;
  (cluster.context.clock as { at: typeof at }).at = (...args) => {
    timers += 1;
    return at(...args);
  };
  await cluster.run(10 * 3600);
  expect(cluster.kubernetes.api.store.version()).toBe(before);
  expect(timers).toBe(0);
});

test('the same seed gives the same cluster', async () => {
  const story = async () => {
    const cluster = await aRunningCluster(2);
    cluster.kubernetes.addDeployment({ name: 'api', replicas: 3 });
    await cluster.run(60);
    cluster.lose(anInstance(1));
    await cluster.run(300);
    return JSON.stringify(cluster.pods());
  };
  expect(await story()).toBe(await story());
});
