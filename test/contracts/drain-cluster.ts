/** What every cluster that a drain is given must do alike: the simulation's, the lab's, a real one. */
import { afterEach, expect, test } from 'vitest';
import type { Cluster, Node, Pod } from '#functions/spot-drain/ports.ts';

export interface Subject {
  readonly cluster: Cluster;
  /** Of its one node, which bears the label `team=video`. */
  readonly instanceId: string;
  /** Two pods that are Ready on the node, with five seconds of grace, and their budget, reckoned up. */
  addPods(budget: { readonly maxUnavailable: number } | undefined): Promise<void>;
  /** Where they are, and whatever else is made. */
  readonly namespace: string;
  /** Its uid. */
  addDaemonSet(name: string): Promise<string>;
  /** Looks again while time passes. */
  until(what: string, look: () => Promise<boolean>): Promise<void>;
  close(): Promise<void>;
}

const NO_NODE = 'i-0fffffffffffffff0';

export function drainClusterContract(create: () => Promise<Subject>): void {
  let subject: Subject | undefined;
  afterEach(() => subject?.close());

  async function withPods(budget: { readonly maxUnavailable: number } | undefined) {
    const made = await create();
    subject = made;
    const { cluster, instanceId, namespace } = made;
    await made.addPods(budget);
    const node = (await cluster.findNode(instanceId)) as Node;
    const pods = (await cluster.podsOn(node.name)).filter((pod) => pod.namespace === namespace);
    const [first, second] = pods;
    if (!first || !second) throw new Error('the pods did not start');
    return { ...made, node, pods: [first, second] as [Pod, Pod] };
  }

  test('finds the node of an instance, and none for another', async () => {
    const { cluster, instanceId, node } = await withPods(undefined);
    expect(node).toMatchObject({ instanceId, unschedulable: false, labels: { team: 'video' } });
    expect(node.readySince).toBeInstanceOf(Date);
    expect(await cluster.findNode(NO_NODE)).toBeUndefined();
    expect(await cluster.nodeNamed(node.name, instanceId)).toMatchObject({ uid: node.uid });
    expect(await cluster.nodeNamed(node.name, NO_NODE)).toBeUndefined();
    expect((await cluster.nodeNames()).get(instanceId)).toBe(node.name);
  });

  test('marks a node once for all, and takes only our own marks away', async () => {
    const { cluster, instanceId, node, until } = await withPods(undefined);
    const marks = { task: 'drain', cause: 'rebalance', since: new Date('2026-11-24T01:03:00Z') } as const;
    expect(await cluster.mark(node, marks)).toBe('marked');
    const seen = async () => (await cluster.findNode(instanceId)) as Node;
    // The controller that taints a cordoned node writes to it as well.
    await until('the node is at rest', async () => (await seen()).taints.length === 2);
    const marked = await seen();
    expect(marked.unschedulable).toBe(true);
    expect(await cluster.unmark(node)).toBe('not-ours');
    expect(await cluster.unmark({ ...marked, version: node.version })).toBe('changed');
    expect(await cluster.unmark(marked)).toBe('unmarked');
    expect(await seen()).toMatchObject({
      unschedulable: false,
      labels: node.labels,
      annotations: node.annotations,
    });
    await until('no taint is left', async () => (await seen()).taints.length === 0);
  });

  test('evicts within a budget, and says which budget holds the next one', async () => {
    const { cluster, pods } = await withPods({ maxUnavailable: 1 });
    const [first, second] = pods;
    expect((await cluster.evict(first)).status).toBe(201);
    const held = await cluster.evict(second);
    expect(held.status).toBe(429);
    expect(held.causes.map((cause) => cause.reason)).toEqual(['DisruptionBudget']);
    expect(held.causes[0]?.message).toContain('web');
  });

  test('deletes past a budget, and only the pod that was meant', async () => {
    const { cluster, pods, node, until } = await withPods({ maxUnavailable: 0 });
    const [first] = pods;
    const found = async () => (await cluster.podsOn(node.name)).find((pod) => pod.uid === first.uid);
    expect((await cluster.remove({ ...first, uid: 'another' }, 1)).status).toBe(409);
    expect((await cluster.remove(first, 1)).status).toBe(200);
    expect((await found())?.terminating).toBe(true);
    await until('the pod is gone', async () => (await found()) === undefined);
    expect((await cluster.evict(first)).status).toBe(404);
  });

  test('knows whether a DaemonSet lives', async () => {
    const { cluster, namespace, addDaemonSet } = await withPods(undefined);
    const uid = await addDaemonSet('agent');
    expect(await cluster.daemonSetExists(namespace, 'agent', uid)).toBe(true);
    expect(await cluster.daemonSetExists(namespace, 'agent', 'another')).toBe(false);
    expect(await cluster.daemonSetExists(namespace, 'none', uid)).toBe(false);
  });
}
