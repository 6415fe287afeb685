import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { condition, type PodObject } from '#lab/world/kubernetes/objects.ts';
import { aRunningCluster, type Reply, type Served, served } from './cluster.ts';

let cluster: Served;

beforeEach(async () => {
  cluster = await served(await aRunningCluster(2));
  cluster.kubernetes.addDeployment({
    name: 'api',
    replicas: 3,
    podAnnotations: { 'lab.nightshift/exit-seconds': '5' },
  });
  await cluster.run(30);
});
afterEach(() => cluster.endpoint.close());

const [BUDGET, PODS] = ['poddisruptionbudgets.policy', '/api/v1/namespaces/default/pods'] as const;

function evict(pod: PodObject, deleteOptions: Record<string, unknown> = {}, query = ''): Promise<Reply> {
  return cluster.request('POST', `${PODS}/${pod.metadata.name}/eviction${query}`, {
    body: {
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { name: pod.metadata.name, namespace: 'default' },
      deleteOptions,
    },
  });
}

async function addBudget(seed: Partial<Parameters<Served['kubernetes']['addPdb']>[0]> = {}) {
  cluster.kubernetes.addPdb({ name: 'api', matchLabels: { app: 'api' }, ...seed });
  await cluster.run(1);
}

const status = () => cluster.kubernetes.api.get(BUDGET, 'default', 'api').status;
const api = () => cluster.pods({ app: 'api' });
const first = () => api()[0] as PodObject;
const find = (pod: PodObject) => cluster.kubernetes.api.find('pods', 'default', pod.metadata.name);

describe('a pod without a budget', () => {
  test('is marked as disrupted and terminates with its own grace period', async () => {
    const pod = first();
    const reply = await evict(pod);
    expect(reply.status).toBe(201);
    expect(reply.body).toMatchObject({ kind: 'Status', status: 'Success', code: 201 });
    expect(find(pod)?.metadata).toMatchObject({ deletionGracePeriodSeconds: 30 });
    expect(condition(find(pod) as PodObject, 'DisruptionTarget')).toMatchObject({
      status: 'True',
      reason: 'EvictionByEvictionAPI',
    });
    await cluster.run(4);
    expect(find(pod)).toBeDefined();
    await cluster.run(2);
    expect(find(pod)).toBeUndefined();
  });

  test('is left alone by a dry run, in the query and in the body', async () => {
    for (const reply of [await evict(first(), {}, '?dryRun=All'), await evict(first(), { dryRun: ['All'] })])
      expect(reply.status).toBe(201);
    expect(first().metadata.deletionTimestamp).toBeUndefined();
  });

  test('of another uid is a conflict', async () => {
    const reply = await evict(first(), { preconditions: { uid: 'another' } });
    expect(reply.status).toBe(409);
    expect(reply.body).toMatchObject({
      reason: 'Conflict',
      details: { kind: 'Pod', name: first().metadata.name },
    });
    expect(reply.body.message).toContain('the UID in the precondition (another) does not match');
    expect(first().metadata.deletionTimestamp).toBeUndefined();
  });

  test('that is gone is 404', async () => {
    const reply = await evict({ ...first(), metadata: { ...first().metadata, name: 'gone' } });
    expect(reply.body).toMatchObject({
      code: 404,
      reason: 'NotFound',
      message: 'pods "gone" not found',
      details: { name: 'gone', kind: 'pods' },
    });
  });

  test('must be named in the body as in the path', async () => {
    const body = { metadata: { name: 'other' } };
    const reply = await cluster.request('POST', `${PODS}/${first().metadata.name}/eviction`, { body });
    expect(reply.body).toMatchObject({
      code: 400,
      message: 'name in URL does not match name in Eviction object',
    });
  });
});

describe('a budget', () => {
  test('counts as the disruption controller does', async () => {
    await addBudget({ maxUnavailable: 1 });
    expect(status()).toMatchObject({
      currentHealthy: 3,
      desiredHealthy: 2,
      expectedPods: 3,
      disruptionsAllowed: 1,
    });
  });

  test('rounds percentages up', async () => {
    await addBudget({ minAvailable: '50%' });
    expect(status()).toMatchObject({ desiredHealthy: 2, disruptionsAllowed: 1 });
  });

  test('that has no room refuses with 429, its cause and no Retry-After', async () => {
    await addBudget({ minAvailable: 3 });
    const reply = await evict(first());
    expect(reply.status).toBe(429);
    expect(reply.headers['retry-after']).toBeUndefined();
    expect(reply.body).toMatchObject({
      reason: 'TooManyRequests',
      message: "Cannot evict pod as it would violate the pod's disruption budget.",
      details: {
        causes: [
          {
            reason: 'DisruptionBudget',
            message: 'The disruption budget api needs 3 healthy pods and has 3 currently',
          },
        ],
      },
    });
  });

  test('that the controller has not seen yet refuses with Retry-After 10', async () => {
    cluster.kubernetes.addPdb({ name: 'api', matchLabels: { app: 'api' }, maxUnavailable: 1 });
    const reply = await evict(first());
    expect(reply.status).toBe(429);
    expect(reply.headers['retry-after']).toBe('10');
    expect(reply.body.details.causes[0].message).toBe(
      'The disruption budget api is still being processed by the server.',
    );
  });

  test('is decremented at once, before the controller recounts', async () => {
    await addBudget({ maxUnavailable: 1 });
    const [one, two] = api() as [PodObject, PodObject];
    expect((await evict(one)).status).toBe(201);
    expect(status()?.disruptedPods).toHaveProperty(one.metadata.name);
    expect((await evict(two)).status).toBe(429);
    await cluster.run(30);
    expect((await evict(two)).status).toBe(201);
  });

  test('grants one of two evictions that meet, after the server retried the conflict by itself', async () => {
    await addBudget({ maxUnavailable: 1 });
    const leave = cluster.context.clock.enter('clients');
    const passing = cluster.run(5);
    const replies = await Promise.all(api().map((pod) => evict(pod)));
    leave();
    await passing;
    expect(replies.map((reply) => reply.status).sort()).toEqual([201, 429, 429]);
  });

  test('beside another one on the same pod is a 500', async () => {
    await addBudget({ maxUnavailable: 1 });
    await addBudget({ name: 'second', maxUnavailable: 1 });
    const reply = await evict(first());
    expect(reply.status).toBe(500);
    expect(reply.body).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message:
        'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
      code: 500,
    });
  });

  test('is not changed by a dry run, which is still refused when there is no room', async () => {
    await addBudget({ maxUnavailable: 1 });
    expect((await evict(first(), {}, '?dryRun=All')).status).toBe(201);
    expect(status()?.disruptionsAllowed).toBe(1);
    cluster.kubernetes.api.patch(
      BUDGET,
      'default',
      'api',
      { spec: { maxUnavailable: 0 } },
      { type: 'merge' },
    );
    await cluster.run(1);
    expect((await evict(first(), {}, '?dryRun=All')).status).toBe(429);
  });

  test('gets a grant back two minutes after an eviction that never deleted its pod', async () => {
    await addBudget({ maxUnavailable: 1 });
    expect((await evict(first(), { preconditions: { uid: 'another' } })).status).toBe(409);
    await cluster.run(60);
    expect(status()?.disruptionsAllowed).toBe(0);
    await cluster.run(65);
    expect(status()?.disruptionsAllowed).toBe(1);
  });

  test('without a controller behind its pods fails safe', async () => {
    cluster.kubernetes.addDaemonSet({ name: 'agent' });
    cluster.kubernetes.addPdb({ name: 'agent', matchLabels: { app: 'agent' }, maxUnavailable: 1 });
    await cluster.run(30);
    const [agent] = cluster.pods({ app: 'agent' });
    const reply = await evict(agent as PodObject);
    expect(reply.status).toBe(429);
    expect(reply.body.details.causes[0].message).toContain(
      'because it failed sync: daemonsets.apps does not implement the scale subresource',
    );
  });
});

describe('pods that pass a budget', () => {
  test('are those that are Pending, finished or terminating', async () => {
    await addBudget({ maxUnavailable: 0 });
    const pod = first();
    for (const phase of ['Pending', 'Failed', 'Succeeded']) {
      cluster.kubernetes.api.modify('pods', 'default', pod.metadata.name, (draft) => {
        draft.status = { ...draft.status, phase };
      });
      expect((await evict(pod, {}, '?dryRun=All')).status).toBe(201);
    }
    const [, other] = api() as [PodObject, PodObject];
    cluster.kubernetes.api.delete('pods', 'default', other.metadata.name);
    expect((await evict(other)).status).toBe(201);
  });

  test('are unready ones while enough others are healthy', async () => {
    cluster.kubernetes.addDeployment({
      name: 'sick',
      replicas: 1,
      labels: { app: 'sick', team: 'a' },
      podAnnotations: { 'lab.nightshift/ready-seconds': 'never' },
    });
    cluster.kubernetes.addDeployment({ name: 'well', replicas: 2, labels: { app: 'well', team: 'a' } });
    await cluster.run(30);
    cluster.kubernetes.addPdb({ name: 'team', matchLabels: { team: 'a' }, minAvailable: 2 });
    await cluster.run(1);
    const [sick] = cluster.pods({ app: 'sick' });
    const [well] = cluster.pods({ app: 'well' });
    expect((await evict(well as PodObject)).status).toBe(429);
    expect((await evict(sick as PodObject)).status).toBe(201);
  });

  test('are not unready ones of an exhausted budget, unless it has AlwaysAllow', async () => {
    cluster.kubernetes.addDeployment({
      name: 'sick',
      replicas: 2,
      podAnnotations: { 'lab.nightshift/ready-seconds': 'never' },
    });
    cluster.kubernetes.addPdb({ name: 'sick', matchLabels: { app: 'sick' }, minAvailable: 1 });
    await cluster.run(30);
    const [sick] = cluster.pods({ app: 'sick' });
    expect((await evict(sick as PodObject)).status).toBe(429);
    cluster.kubernetes.api.patch(
      BUDGET,
      'default',
      'sick',
      { spec: { unhealthyPodEvictionPolicy: 'AlwaysAllow' } },
      { type: 'merge' },
    );
    await cluster.run(1);
    expect((await evict(sick as PodObject)).status).toBe(201);
  });
});

test('a terminating namespace accepts no evictions', async () => {
  const pod = first();
  cluster.kubernetes.api.delete('namespaces', undefined, 'default');
  const reply = await evict(pod);
  expect(reply.status).toBe(403);
  expect(reply.body.details.causes).toEqual([
    {
      reason: 'NamespaceTerminating',
      message: 'namespace default is being terminated',
      field: 'metadata.namespace',
    },
  ]);
});
