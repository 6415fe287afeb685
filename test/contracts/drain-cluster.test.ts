/** One cluster, twice: as the simulation shows it to spot-drain, and behind HTTPS with RBAC, tokens and all. */
import { afterEach, describe, expect, it } from 'vitest';
import { createDrainCluster } from '#functions/adapters/kubernetes/drain-cluster.ts';
import type { Cluster, Node } from '#functions/spot-drain/ports.ts';
import { createSimulatedClock } from '#lab/simulation/clock.ts';
import { createKubernetesApi } from '#lab/simulation/drain/kubernetes-api.ts';
import { createContext } from '#lab/world/context.ts';
import { createKubernetes, type Kubernetes } from '#lab/world/kubernetes/index.ts';
import { aLabCluster, INSTANCE } from '#test/functions/adapters/kubernetes/a-lab-cluster.ts';

interface Subject {
  readonly cluster: Cluster;
  readonly kubernetes: Kubernetes;
  pass(seconds: number): Promise<void>;
  close(): Promise<void>;
}

async function simulated(): Promise<Subject> {
  const start = new Date('2026-11-24T01:00:00Z');
  const clock = createSimulatedClock(start);
  const context = { ...createContext({ start, seed: 7 }), clock };
  const { cluster, account, region } = INSTANCE;
  const kubernetes = createKubernetes(context, { cluster, account, region });
  context.signals.emit('instance-running', INSTANCE);
  await clock.runUntil(clock.now() + 120_000);
  const client = createKubernetesApi({
    context,
    kubernetes,
    onAsk: () => undefined,
    around: async (_call, act) => act(),
  });
  return {
    cluster: createDrainCluster(client),
    kubernetes,
    pass: (seconds) => clock.runUntil(clock.now() + seconds * 1_000),
    close: async () => undefined,
  };
}

async function overHttps(): Promise<Subject> {
  const lab = await aLabCluster();
  return {
    cluster: createDrainCluster(lab.client),
    kubernetes: lab.kubernetes,
    pass: lab.pass,
    close: lab.close,
  };
}

describe.each([
  ['of the simulation', simulated],
  ['behind HTTPS', overHttps],
])('the cluster %s', (_name, create) => {
  let subject: Subject | undefined;
  afterEach(() => subject?.close());

  async function withPods(budget: { minAvailable?: number; maxUnavailable?: number } | undefined) {
    subject = await create();
    const { kubernetes, pass, cluster } = subject;
    kubernetes.addDeployment({ name: 'web', replicas: 2, terminationGracePeriodSeconds: 5 });
    if (budget) kubernetes.addPdb({ name: 'web', matchLabels: { app: 'web' }, ...budget });
    await pass(60);
    const node = (await cluster.findNode(INSTANCE.id)) as Node;
    return { ...subject, node, pods: await cluster.podsOn(node.name) };
  }

  it('finds the node of an instance, and none for another', async () => {
    const { cluster, node } = await withPods(undefined);
    expect(node).toMatchObject({ instanceId: INSTANCE.id, unschedulable: false, labels: { team: 'video' } });
    expect(node.readySince).toBeInstanceOf(Date);
    expect(await cluster.findNode('i-00000000000000000')).toBeUndefined();
  });

  it('marks a node once for all, and takes only our own marks away', async () => {
    const { cluster, node } = await withPods(undefined);
    const marks = { depth: 'drain', cause: 'rebalance', since: new Date('2026-11-24T01:03:00Z') } as const;
    expect(await cluster.mark(node, marks)).toBe('marked');
    const marked = (await cluster.findNode(INSTANCE.id)) as Node;
    expect(marked.unschedulable).toBe(true);
    expect(await cluster.unmark(node)).toBe('not-ours');
    expect(await cluster.unmark({ ...marked, version: node.version })).toBe('changed');
    expect(await cluster.unmark(marked)).toBe('unmarked');
    const after = await cluster.findNode(INSTANCE.id);
    expect(after).toMatchObject({ unschedulable: false, labels: node.labels, annotations: node.annotations });
  });

  it('evicts within a budget, and says which budget holds the next one', async () => {
    const { cluster, pods } = await withPods({ maxUnavailable: 1 });
    const [first, second] = pods;
    if (!first || !second) throw new Error('the pods did not start');
    expect((await cluster.evict(first)).status).toBe(201);
    const held = await cluster.evict(second);
    expect(held.status).toBe(429);
    expect(held.causes.map((cause) => cause.reason)).toEqual(['DisruptionBudget']);
    expect(held.causes[0]?.message).toContain('web');
  });

  it('deletes past a budget, and only the pod that was meant', async () => {
    const { cluster, pods, node, pass } = await withPods({ maxUnavailable: 0 });
    const [first, second] = pods;
    if (!first || !second) throw new Error('the pods did not start');
    expect((await cluster.remove({ ...first, uid: 'another' }, 1)).status).toBe(409);
    expect((await cluster.remove(first, 1)).status).toBe(200);
    expect((await cluster.podsOn(node.name)).find((pod) => pod.uid === first.uid)?.terminating).toBe(true);
    await pass(10);
    expect((await cluster.podsOn(node.name)).some((pod) => pod.uid === first.uid)).toBe(false);
    expect((await cluster.evict(first)).status).toBe(404);
  });

  it('knows whether a DaemonSet lives', async () => {
    const { cluster, kubernetes } = await withPods(undefined);
    kubernetes.addDaemonSet({ name: 'agent', namespace: 'kube-system' });
    const uid = kubernetes.api.get('daemonsets.apps', 'kube-system', 'agent').metadata.uid;
    expect(await cluster.daemonSetLives('kube-system', 'agent', uid)).toBe(true);
    expect(await cluster.daemonSetLives('kube-system', 'agent', 'another')).toBe(false);
    expect(await cluster.daemonSetLives('kube-system', 'none', uid)).toBe(false);
  });
});
