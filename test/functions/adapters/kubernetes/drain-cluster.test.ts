import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { kubeconfig } from '@nightshift/lab/http/kubernetes/server.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createClock } from '#functions/adapters/clock.ts';
import { createKubernetesClient } from '#functions/adapters/kubernetes/client.ts';
import {
  createDrainCluster,
  MARKS_ANNOTATION,
  NO_BALANCER_LABEL,
  TAINT_KEY,
} from '#functions/adapters/kubernetes/drain-cluster.ts';
import { drainPods } from '#functions/spot-drain/drain.ts';
import type { Cluster, Marks, Node, Pod } from '#functions/spot-drain/ports.ts';
import { AccessRefusedError, ClusterUnavailableError } from '#functions/spot-drain/ports.ts';
import { aLabCluster, INSTANCE, NODE_NAME } from './a-lab-cluster.ts';
import { startScriptedServer } from './scripted-server.ts';

const MARKS: Marks = {
  task: 'drain',
  cause: 'spot-terminate',
  since: new Date('2026-11-24T01:02:00Z'),
};

let lab: Awaited<ReturnType<typeof aLabCluster>>;
let cluster: Cluster;

beforeEach(async () => {
  lab = await aLabCluster();
  cluster = createDrainCluster(lab.client);
});

afterEach(() => lab.close());

describe('the node of an instance', () => {
  test('is found by the instance id at the end of its provider id', async () => {
    expect(await cluster.findNode(INSTANCE.id)).toMatchObject({
      name: NODE_NAME,
      uid: lab.node().metadata.uid,
      instanceId: INSTANCE.id,
      unschedulable: false,
      labels: expect.objectContaining({ team: 'video' }),
      readySince: expect.any(Date),
    });
    expect(await cluster.findNode('i-0fffffffffffffff0')).toBeUndefined();
  });

  test('is asked for by its name once it is known', async () => {
    await cluster.findNode(INSTANCE.id);
    await cluster.findNode(INSTANCE.id);
    expect(lab.endpoint.calls.map((call) => `${call.verb} ${call.resource}`)).toEqual([
      'list nodes',
      'get nodes',
    ]);
  });

  test('is looked for among the nodes of its place first, and then among all', async () => {
    const place = { zone: INSTANCE.zone, instanceType: INSTANCE.type };
    expect(await cluster.findNode(INSTANCE.id, place)).toMatchObject({ name: NODE_NAME });
    expect(lab.endpoint.calls.map((call) => decodeURIComponent(call.path))).toEqual([
      '/api/v1/nodes?limit=500&labelSelector=topology.kubernetes.io/zone=ap-northeast-1a,node.kubernetes.io/instance-type=m7g.large',
    ]);
    const moved = createDrainCluster(lab.client);
    expect(await moved.findNode(INSTANCE.id, { ...place, zone: 'ap-northeast-1c' })).toMatchObject({
      name: NODE_NAME,
    });
    expect(lab.endpoint.calls).toHaveLength(3);
  });

  test('is looked for anew where the one of that name is another by now', async () => {
    await cluster.findNode(INSTANCE.id);
    lab.kubernetes.api.delete('nodes', undefined, NODE_NAME, {});
    expect(await cluster.findNode(INSTANCE.id)).toBeUndefined();
  });
});

describe('a node whose name is known', () => {
  test('is read alone, and only if it runs on that instance', async () => {
    expect(await cluster.nodeNamed(NODE_NAME, INSTANCE.id)).toMatchObject({ instanceId: INSTANCE.id });
    expect(await cluster.nodeNamed(NODE_NAME, 'i-0fffffffffffffff0')).toBeUndefined();
    expect(await cluster.nodeNamed('gone', INSTANCE.id)).toBeUndefined();
    expect(lab.endpoint.calls.map(({ verb }) => verb)).toEqual(['get', 'get', 'get']);
  });

  test('comes with the names of all others', async () => {
    expect([...(await cluster.nodeNames())]).toEqual([[INSTANCE.id, NODE_NAME]]);
    lab.kubernetes.api.delete('nodes', undefined, NODE_NAME, {});
    expect([...(await cluster.nodeNames())]).toEqual([]);
  });
});

describe('the marks of a node', () => {
  test('are a cordon, a taint, a label and a note of what was ours, in one patch', async () => {
    await cluster.mark(await found(), MARKS);
    expect(lab.endpoint.calls.filter((call) => call.verb === 'patch')).toHaveLength(1);
    const { metadata, spec } = lab.node();
    expect(spec?.unschedulable).toBe(true);
    expect(spec?.taints).toContainEqual(
      expect.objectContaining({ key: TAINT_KEY, value: 'spot-terminate', effect: 'NoSchedule' }),
    );
    expect(metadata.labels).toMatchObject({ [NO_BALANCER_LABEL]: 'true', team: 'video' });
    expect(JSON.parse(metadata.annotations?.[MARKS_ANNOTATION] ?? '')).toEqual({
      cause: 'spot-terminate',
      since: '2026-11-24T01:02:00.000Z',
      cordoned: true,
      labelled: true,
    });
  });

  test('of a cordon alone leave the node behind its load balancers', async () => {
    await cluster.mark(await found(), { ...MARKS, task: 'cordon', cause: 'rebalance' });
    expect(lab.node().metadata.labels).not.toHaveProperty(NO_BALANCER_LABEL);
    expect(lab.node().spec?.unschedulable).toBe(true);
  });

  test('leave the taints of others where they are, when they come and when they go', async () => {
    edit((node) => {
      node.spec = { ...node.spec, taints: [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' }] };
    });
    await cluster.mark(await found(), MARKS);
    expect(taints()).toEqual(expect.arrayContaining(['gpu', TAINT_KEY]));
    expect(await cluster.unmark(await found())).toBe('unmarked');
    expect(taints()).toContain('gpu');
    expect(taints()).not.toContain(TAINT_KEY);
  });

  test('are set over what somebody else wrote to the node at the same time', async () => {
    const theirs = [
      { key: 'out-of-service', effect: 'NoExecute' },
      { key: 'being-deleted', value: 'soon', effect: 'NoSchedule' },
    ];
    const written: string[] = [];
    const hurried = createDrainCluster({
      ...lab.client,
      request: (request) => {
        const taint = request.method === 'PATCH' ? theirs.shift() : undefined;
        if (taint) {
          written.push(taint.key);
          edit((node) => {
            node.spec = { ...node.spec, taints: [...(node.spec?.taints ?? []), taint] };
          });
        }
        return lab.client.request(request);
      },
    });
    expect(await hurried.mark(await found(), MARKS)).toBe('marked');
    expect(written).toEqual(['out-of-service', 'being-deleted']);
    expect(taints()).toEqual(expect.arrayContaining([...written, TAINT_KEY]));
  });

  test('are given up for now where somebody else writes to the node again and again', async () => {
    let patches = 0;
    const hopeless = createDrainCluster({
      ...lab.client,
      request: (request) => {
        if (request.method === 'PATCH')
          edit((node) => {
            node.metadata.annotations = { ...node.metadata.annotations, counted: String(++patches) };
          });
        return lab.client.request(request);
      },
    });
    await expect(hopeless.mark(await found(), MARKS)).rejects.toBeInstanceOf(ClusterUnavailableError);
    expect(patches).toBe(6);
    expect(taints()).toEqual([]);
  });

  test('are all taken away again', async () => {
    await cluster.mark(await found(), MARKS);
    expect(await cluster.unmark(await found())).toBe('unmarked');
    const { metadata, spec } = lab.node();
    expect(spec?.unschedulable ?? false).toBe(false);
    expect(metadata.labels).not.toHaveProperty(NO_BALANCER_LABEL);
    expect(metadata.annotations ?? {}).not.toHaveProperty(MARKS_ANNOTATION);
  });

  test('do not take away a cordon and a label that were there before', async () => {
    edit((node) => {
      node.spec = { ...node.spec, unschedulable: true };
      node.metadata.labels = { ...node.metadata.labels, [NO_BALANCER_LABEL]: 'true' };
    });
    await cluster.mark(await found(), MARKS);
    await cluster.unmark(await found());
    expect(lab.node().spec?.unschedulable).toBe(true);
    expect(lab.node().metadata.labels).toHaveProperty(NO_BALANCER_LABEL, 'true');
  });

  test('remember over a second notice what was ours at the first', async () => {
    await cluster.mark(await found(), { ...MARKS, task: 'cordon', cause: 'rebalance' });
    await cluster.mark(await found(), MARKS);
    expect(lab.node().metadata.labels).toHaveProperty(NO_BALANCER_LABEL);
    await cluster.unmark(await found());
    expect(lab.node().spec?.unschedulable ?? false).toBe(false);
    expect(lab.node().metadata.labels).not.toHaveProperty(NO_BALANCER_LABEL);
  });

  test('stay where somebody wrote to the node since it was read', async () => {
    await cluster.mark(await found(), MARKS);
    const before = await found();
    await cluster.mark(before, { ...MARKS, cause: 'lifecycle' });
    expect(await cluster.unmark(before)).toBe('changed');
    expect(lab.node().spec?.unschedulable).toBe(true);
  });

  test('stay where they are not ours, or nobody knows any more whose they are', async () => {
    expect(await cluster.unmark(await found())).toBe('not-ours');
    edit((node) => {
      node.metadata.annotations = { ...node.metadata.annotations, [MARKS_ANNOTATION]: 'by hand' };
    });
    expect(await cluster.unmark(await found())).toBe('not-ours');
  });

  test('are not set on a node that is gone', async () => {
    const node = await found();
    lab.kubernetes.api.delete('nodes', undefined, NODE_NAME, {});
    expect(await cluster.mark(node, MARKS)).toBe('gone');
  });

  test('keep new pods away', async () => {
    await cluster.mark(await found(), MARKS);
    lab.kubernetes.addDeployment({ name: 'web', replicas: 1 });
    await lab.pass(60);
    expect(await cluster.podsOn(NODE_NAME)).toEqual([]);
  });
});

describe('the volumes of a node', () => {
  test('are attached while a pod uses them, and a few seconds longer', async () => {
    lab.kubernetes.applyObjects([
      {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name: 'data' },
        spec: { volumeName: 'pv-1' },
      },
      {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'db-0' },
        spec: {
          nodeName: NODE_NAME,
          containers: [{ name: 'db', image: 'db' }],
          volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }],
        },
      },
    ]);
    await lab.pass(30);
    expect(await cluster.volumesOn(NODE_NAME)).toEqual(['pv-1']);
    expect(await cluster.volumesOn('another')).toEqual([]);
    const pod = (await cluster.podsOn(NODE_NAME)).find(({ name }) => name === 'db-0');
    expect(pod?.volumeClaims).toBe(1);
    if (pod) await cluster.remove(pod, 1);
    await lab.pass(3);
    expect((await cluster.podsOn(NODE_NAME)).map(({ name }) => name)).not.toContain('db-0');
    expect(await cluster.volumesOn(NODE_NAME)).toEqual(['pv-1']);
    await lab.pass(10);
    expect(await cluster.volumesOn(NODE_NAME)).toEqual([]);
  });
});

describe('the pods of a node', () => {
  test('are listed with what a drain must know', async () => {
    lab.kubernetes.addDeployment({ name: 'web', replicas: 1, terminationGracePeriodSeconds: 12 });
    lab.kubernetes.addDaemonSet({ name: 'agent', namespace: 'kube-system' });
    await lab.pass(60);
    const pods = await cluster.podsOn(NODE_NAME);
    expect(pods.find((pod) => pod.name.startsWith('web-'))).toMatchObject({
      namespace: 'default',
      phase: 'Running',
      terminating: false,
      graceSeconds: 12,
      mirror: false,
      controller: { kind: 'ReplicaSet', group: 'apps' },
    });
    const agent = pods.find((pod) => pod.namespace === 'kube-system');
    expect(agent?.controller).toMatchObject({ kind: 'DaemonSet', group: 'apps', name: 'agent' });
    expect(await cluster.daemonSetExists('kube-system', 'agent', agent?.controller?.uid ?? '')).toBe(true);
    expect(await cluster.daemonSetExists('kube-system', 'agent', 'an older one')).toBe(false);
    expect(await cluster.daemonSetExists('kube-system', 'other', 'uid')).toBe(false);
  });
});

describe('an eviction', () => {
  test('is accepted, and the pod ends', async () => {
    const pod = await aRunningPod();
    expect(await cluster.evict(pod)).toMatchObject({ status: 201 });
    expect((await cluster.podsOn(NODE_NAME)).find((other) => other.uid === pod.uid)?.terminating).toBe(true);
    await lab.pass(60);
    expect((await cluster.podsOn(NODE_NAME)).some((other) => other.uid === pod.uid)).toBe(false);
  });

  test('of a pod that a budget holds names the budget', async () => {
    const pod = await aRunningPod();
    lab.kubernetes.addPdb({ name: 'web', matchLabels: { app: 'web' }, minAvailable: 1 });
    await lab.pass(5);
    const reply = await cluster.evict(pod);
    expect(reply).toMatchObject({ status: 429, causes: [{ reason: 'DisruptionBudget' }] });
    expect(reply.causes[0]?.message).toContain('disruption budget web ');
  });

  test('of a pod that several budgets match is refused for good', async () => {
    const pod = await aRunningPod();
    for (const name of ['a', 'b'])
      lab.kubernetes.addPdb({ name, matchLabels: { app: 'web' }, minAvailable: 0 });
    await lab.pass(5);
    const reply = await cluster.evict(pod);
    expect(reply.status).toBe(500);
    expect(reply.detail).toMatch(/more than one PodDisruptionBudget/);
  });

  test('of another pod of that name is refused', async () => {
    const pod = await aRunningPod();
    const reply = await cluster.evict({ ...pod, uid: '00000000-0000-4000-8000-000000000000' });
    expect(reply.status).toBe(409);
    expect(reply.detail).toMatch(/UID/);
    expect((await cluster.evict({ ...pod, name: 'nobody' })).status).toBe(404);
  });

  test('that gets no answer, or a busy one, is no exception', async () => {
    const server = await startScriptedServer(() => ({ cut: true }));
    const client = createKubernetesClient({
      cluster: 'develop',
      region: 'ap-northeast-1',
      describeCluster: async () => ({ endpoint: server.url, ca: server.ca }),
      token: async () => 'token',
    });
    expect(await createDrainCluster(client).evict(aPodNamed('web'))).toMatchObject({ status: 0, causes: [] });
    client.close();
    await server.close();
    lab.endpoint.faults.add({ path: /eviction/, reply: 429, retryAfter: 9 });
    expect(await cluster.evict(aPodNamed('web'))).toMatchObject({ status: 429, retryAfterSeconds: 9 });
  });

  test('can be overruled by a deletion with its own grace', async () => {
    const pod = await aRunningPod();
    lab.kubernetes.addPdb({ name: 'web', matchLabels: { app: 'web' }, minAvailable: 1 });
    await lab.pass(5);
    expect((await cluster.remove({ ...pod, uid: '00000000-0000-4000-8000-000000000000' }, 5)).status).toBe(
      409,
    );
    expect((await cluster.remove(pod, 5)).status).toBe(200);
    const stored = lab.kubernetes.api.get('pods', pod.namespace, pod.name);
    expect(stored.metadata.deletionGracePeriodSeconds).toBe(5);
  });
});

describe('what is said on the node', () => {
  test('is an event that kubectl describe finds', async () => {
    const node = await found();
    await cluster.recordEvent(node, {
      type: 'Normal',
      reason: 'NightshiftCordon',
      message: 'cordoned',
      at: new Date('2026-11-24T01:02:03.456Z'),
    });
    const events = await lab.clientFor('operator').list('/api/v1/events', {
      fieldSelector: `involvedObject.kind=Node,involvedObject.name=${NODE_NAME},involvedObject.uid=${node.uid}`,
    });
    expect(events).toContainEqual(
      expect.objectContaining({
        reason: 'NightshiftCordon',
        message: 'cordoned',
        lastTimestamp: '2026-11-24T01:02:03Z',
        source: expect.objectContaining({ component: 'eks-nightshift' }),
      }),
    );
  });
});

describe('kubectl', () => {
  const has = spawnSync('kubectl', ['version', '--client']).status === 0;

  test.skipIf(!has)('sees the cordon, the taint, the label and the event', async () => {
    const node = await found();
    await cluster.mark(node, MARKS);
    await cluster.recordEvent(node, {
      type: 'Normal',
      reason: 'NightshiftCordon',
      message: 'cordoned',
      at: MARKS.since,
    });
    const directory = await mkdtemp(join(tmpdir(), 'nightshift-'));
    const file = join(directory, 'kubeconfig');
    const { url } = lab.endpoint;
    await writeFile(file, kubeconfig({ name: 'lab', url, caPem: lab.ca.pem, token: 'operator' }));
    const { stdout } = await promisify(execFile)('kubectl', [
      '--kubeconfig',
      file,
      'describe',
      'node',
      NODE_NAME,
    ]);
    await rm(directory, { recursive: true });
    for (const line of [
      /^Unschedulable: +true$/m,
      /nightshift\/draining=spot-terminate:NoSchedule/,
      /node\.kubernetes\.io\/exclude-from-external-load-balancers=true/,
      /Normal +NightshiftCordon .* cordoned/,
    ]) {
      expect(stdout).toMatch(line);
    }
  });
});

describe('an API server that does not help', () => {
  test('without the RBAC of the manifests is not mistaken for one that is unavailable', async () => {
    const bare = await aLabCluster({ rbac: false });
    const refused = createDrainCluster(bare.client);
    await expect(refused.findNode(INSTANCE.id)).rejects.toBeInstanceOf(AccessRefusedError);
    await expect(refused.podsOn(NODE_NAME)).rejects.toThrow('apply manifests/');
    expect((await refused.evict(aPodNamed('web'))).status).toBe(403);
    await bare.close();
  });

  test('is unavailable when it knows no such token: its authenticator may not be able to check it for now', async () => {
    const stranger = createDrainCluster(lab.clientFor('stranger'));
    await expect(stranger.findNode(INSTANCE.id)).rejects.toBeInstanceOf(ClusterUnavailableError);
  });

  test('is unavailable when it answers 503, cuts new connections or is busy', async () => {
    for (const reply of [503, 'reset', 429] as const) {
      const faults = lab.endpoint.faults;
      // A kept connection may have been idle for too long: a new one is tried.
      for (let times = reply === 'reset' ? 2 : 1; times > 0; times--) faults.add({ path: /nodes/, reply });
      await expect(cluster.findNode(INSTANCE.id)).rejects.toBeInstanceOf(ClusterUnavailableError);
    }
  });

  test('is asked over a new connection where the kept one was reset', async () => {
    await cluster.findNode(INSTANCE.id);
    lab.endpoint.faults.add({ path: /nodes/, reply: 'reset' });
    expect(await cluster.findNode(INSTANCE.id)).toMatchObject({ instanceId: INSTANCE.id });
  });
});

describe('a drain over the wire', () => {
  test('empties the node and leaves what belongs to it', async () => {
    const podAnnotations = { 'lab.nightshift/exit-seconds': '0' };
    lab.kubernetes.addDeployment({ name: 'web', replicas: 8, podAnnotations });
    lab.kubernetes.addDaemonSet({ name: 'agent', namespace: 'kube-system' });
    await lab.pass(60);
    const node = await found();
    const { clock } = lab.context;
    const leave = clock.enter('drain');
    const running = clock.runUntil(clock.now() + 100_000);
    await cluster.mark(node, MARKS);
    const report = await drainPods(
      {
        node: node.name,
        instanceId: node.instanceId,
        noticeTime: clock.date(),
        until: new Date(clock.now() + 60_000),
        force: false,
      },
      {
        cluster,
        clock: { ...createClock(), now: () => clock.date(), random: () => 0 },
        isStillOurs: async () => true,
      },
    );
    leave();
    await running;
    expect(report.end).toBe('empty');
    expect(report.pods.filter((one) => one.outcome === 'evicted')).toHaveLength(8);
    expect(report.pods.filter((one) => one.outcome === 'skipped')).toHaveLength(1);
  });
});

async function found(): Promise<Node> {
  const node = await cluster.findNode(INSTANCE.id);
  if (!node) throw new Error('the lab has no node');
  return node;
}

function taints(): string[] {
  return (lab.node().spec?.taints ?? []).map((taint) => taint.key);
}

function edit(change: (node: ReturnType<typeof lab.node>) => void): void {
  lab.kubernetes.api.modify('nodes', undefined, NODE_NAME, change);
}

async function aRunningPod(): Promise<Pod> {
  lab.kubernetes.addDeployment({ name: 'web', replicas: 1 });
  await lab.pass(60);
  const pod = (await cluster.podsOn(NODE_NAME)).find((one) => one.name.startsWith('web-'));
  if (!pod) throw new Error('the pod did not start');
  return pod;
}

function aPodNamed(name: string): Pod {
  return {
    namespace: 'default',
    name,
    uid: 'uid',
    phase: 'Running',
    terminating: false,
    graceSeconds: 30,
    priority: 0,
    priorityClass: '',
    mirror: false,
  };
}
