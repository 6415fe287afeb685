import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { createDrainCluster, TAINT_KEY } from '#functions/adapters/kubernetes/drain-cluster.ts';
import { createCordonGate } from '#functions/spot-drain/cordon.ts';
import { run } from '#functions/spot-drain/run.ts';
import type { Decision } from '#model/decision.ts';
import {
  anInterruption,
  aWorld,
  GROUP,
  memoryClaims,
  memoryCordons,
  memoryNames,
} from '#test/functions/spot-drain/a-world.ts';
import type { Bed, BedNode } from '../bed.ts';
import {
  AT_ONCE,
  addBudget,
  addDeployment,
  addMirrorPod,
  addPod,
  addReadyPod,
  type Json,
  must,
  NEVER_READY,
  podPath,
  readyPods,
  SOON_FINISHED,
  STUBBORN,
} from '../objects.ts';

const POOL = 'pool';
/** As many pods as most nodes take. */
const FULL = 110;

export function describeDrains(bed: () => Bed): void {
  describe('a drain', () => {
    let ours: Scene;
    beforeAll(async () => {
      ours = await aScene(bed(), 'ours');
    });

    test('knows a DaemonSet that lives from one that does not', async () => {
      const cluster = createDrainCluster(bed().clientFor('spot-drain'));
      const { metadata } = await must(bed(), 'GET', daemonSetPath(ours.namespace, 'agent'));
      expect(await cluster.daemonSetExists(ours.namespace, 'agent', metadata.uid)).toBe(true);
      expect(await cluster.daemonSetExists(ours.namespace, 'agent', 'another')).toBe(false);
      expect(await cluster.daemonSetExists(ours.namespace, 'none', metadata.uid)).toBe(false);
    });

    test('after a spot notice empties the node within its budget and leaves what belongs to the node', async () => {
      const decisions = await bed().live(() => notice(bed(), ours.node));
      expect(decisions.find(({ action }) => action === 'drain')).toMatchObject({
        target: ours.node.name,
        evicted: 7,
        finished: 1,
        forced: 0,
        blocked: 0,
      });
      expect(await endOf(bed(), ours)).toEqual(END);
      const { spec } = await must(bed(), 'GET', `/api/v1/nodes/${ours.node.name}`);
      expect(spec.taints).toContainEqual(expect.objectContaining({ key: TAINT_KEY }));
    });

    test('by kubectl ends in the same state', async (context) => {
      const kubectl = await bed().kubectl();
      if (kubectl === undefined) return context.skip('there is no kubectl here');
      const theirs = await aScene(bed(), 'theirs');
      await promisify(execFile)(kubectl, [
        `--kubeconfig=${await bed().kubeconfigFor('admin')}`,
        'drain',
        theirs.node.name,
        '--ignore-daemonsets',
        '--delete-emptydir-data',
        '--force',
        '--timeout=120s',
      ]);
      expect(await endOf(bed(), theirs)).toEqual(END);
    });

    test('of a full node evicts each of its pods once', async () => {
      const node = await bed().addNode();
      const namespace = await bed().addNamespace();
      for (let from = 0; from < FULL; from += 10)
        await Promise.all(
          Array.from({ length: 10 }, (_, index) =>
            addPod(bed(), {
              namespace,
              name: `web-${from + index}`,
              node: node.name,
              labels: { app: 'web' },
              graceSeconds: 5,
            }),
          ),
        );
      await readyPods(bed(), namespace, 'app=web', FULL);
      const before = await evictionsIn(bed(), namespace);
      const decisions = await bed().live(() => notice(bed(), node));
      expect(decisions.find(({ action }) => action === 'drain')).toMatchObject({ evicted: FULL, forced: 0 });
      const after = await evictionsIn(bed(), namespace);
      expect({ before: before.length, after: after.length }).toEqual({ before: 0, after: FULL });
      expect(new Set(after).size).toBe(FULL);
    });

    test('deletes past a budget when the notice leaves no time, in the grace that is left', async () => {
      const node = await bed().addNode();
      const namespace = await bed().addNamespace();
      const pod = await addReadyPod(bed(), {
        namespace,
        name: 'web',
        node: node.name,
        graceSeconds: 60,
        annotations: STUBBORN,
      });
      await addBudget(bed(), { namespace, name: 'web', minAvailable: 1 });
      const decisions = await bed().live(() => notice(bed(), node, 112));
      expect(decisions.find(({ action }) => action === 'drain')).toMatchObject({ forced: 1 });
      const { status, body } = await bed().ask('admin', { method: 'GET', path: podPath(namespace, 'web') });
      // What is left of it: gone, or on its way with a few seconds instead of sixty.
      if (status === 200) {
        expect(body.metadata.uid).toBe(pod.uid);
        expect(body.metadata.deletionGracePeriodSeconds).toBeLessThanOrEqual(5);
      } else expect(status).toBe(404);
    });
  });
}

/** The names of the pods whose eviction was asked for. */
async function evictionsIn(bed: Bed, namespace: string): Promise<readonly (string | undefined)[]> {
  const asked = await bed.asked();
  return asked
    .filter((one) => one.subresource === 'eviction' && one.namespace === namespace)
    .map(({ name }) => name);
}

interface Scene {
  readonly namespace: string;
  readonly node: BedNode;
}

/** Of every kind of pod one or more on a node, and a second node where they may go. */
async function aScene(bed: Bed, label: string): Promise<Scene> {
  const namespace = await bed.addNamespace();
  const node = await bed.addNode({ [POOL]: label });
  const { metadata } = await must(bed, 'GET', `/api/v1/nodes/${node.name}`);
  const pods = { namespace, nodeSelector: { [POOL]: label } };
  await addDeployment(bed, { ...pods, name: 'web', replicas: 4, graceSeconds: 5 });
  await addDeployment(bed, {
    ...pods,
    name: 'critical',
    replicas: 1,
    priorityClassName: 'system-cluster-critical',
  });
  await must(bed, 'POST', daemonSetPath(namespace), {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'agent' },
    spec: {
      selector: { matchLabels: { app: 'agent' } },
      template: {
        metadata: { labels: { app: 'agent' }, annotations: AT_ONCE },
        spec: {
          nodeSelector: { [POOL]: label },
          containers: [{ name: 'main', image: 'registry.example.com/agent:1.0.0' }],
        },
      },
    },
  });
  await addReadyPod(bed, { namespace, name: 'lonely', node: node.name });
  await addPod(bed, { namespace, name: 'unready', node: node.name, annotations: NEVER_READY });
  await addPod(bed, { namespace, name: 'finished', node: node.name, annotations: SOON_FINISHED });
  await addMirrorPod(bed, { ...node, uid: metadata.uid }, namespace);
  await readyPods(bed, namespace, 'app=web', 4);
  await readyPods(bed, namespace, 'app=critical', 1);
  await readyPods(bed, namespace, 'app=agent', 1);
  await bed.until('one has finished', async () => {
    const { status } = await must(bed, 'GET', podPath(namespace, 'finished'));
    return status.phase === 'Succeeded';
  });
  await addBudget(bed, { namespace, name: 'web', maxUnavailable: 1 });
  await bed.addNode({ [POOL]: label });
  return { namespace, node };
}

/** What is left on the node, and whether everything that has a controller runs again. */
const END = { unschedulable: true, left: ['agent', 'kube-proxy'], web: 4, critical: 1 };

async function endOf(bed: Bed, { namespace, node }: Scene) {
  const isWhole = (name: string, count: number) => readyPods(bed, namespace, `app=${name}`, count);
  const web = await isWhole('web', 4);
  const critical = await isWhole('critical', 1);
  const path = `/api/v1/pods?fieldSelector=${encodeURIComponent(`spec.nodeName=${node.name}`)}`;
  const { items } = await must(bed, 'GET', path);
  const { spec } = await must(bed, 'GET', `/api/v1/nodes/${node.name}`);
  return {
    unschedulable: spec.unschedulable,
    left: items.map(({ metadata }: Json) => /^(kube-proxy|[a-z]+)/.exec(metadata.name)?.[0]).toSorted(),
    web: web.length,
    critical: critical.length,
  };
}

/** spot-drain as it runs in its function, with claims in memory and an Auto Scaling group that says yes. */
export async function notice(bed: Bed, node: BedNode, ageSeconds = 0): Promise<readonly Decision[]> {
  const { clock } = bed;
  const world = aWorld();
  const { zone, instanceType } = node;
  const ports = {
    ...world.ports,
    clock,
    cluster: createDrainCluster(bed.clientFor('spot-drain')),
    claims: memoryClaims(clock),
    cordons: memoryCordons(clock),
    names: memoryNames(clock, new Map()),
    gate: createCordonGate(clock),
    watchdog: { send: async () => undefined },
    groups: {
      ...world.ports.groups,
      ofInstance: async () => ({ group: GROUP, place: { zone, instanceType }, isTerminating: false }),
      named: async () => GROUP,
    },
  };
  const time = new Date(clock.now().getTime() - ageSeconds * 1_000).toISOString().replace(/\.\d+Z$/, 'Z');
  const detail = { 'instance-id': node.instanceId, 'instance-action': 'terminate' };
  const endsAt = new Date(clock.now().getTime() + 180_000);
  await run(ports, { id: 'conformance', endsAt }, anInterruption('terminate', { time, detail }));
  return world.decisions;
}

const daemonSetPath = (namespace: string, name = '') =>
  `/apis/apps/v1/namespaces/${namespace}/daemonsets${name ? `/${name}` : ''}`;
