import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createDrainCluster } from '#functions/adapters/kubernetes/drain-cluster.ts';
import { interpretReply } from '#functions/spot-drain/pod-reply.ts';
import type { Cluster, Pod } from '#functions/spot-drain/ports.ts';
import type { Bed, BedNode } from '../bed.ts';
import {
  addBudget,
  addDeployment,
  addMirrorPod,
  addPod,
  addReadyPod,
  addUnseenBudget,
  asPod,
  budgetPath,
  evictionOf,
  type Json,
  must,
  NEVER_READY,
  NEVER_STARTED,
  on,
  podPath,
  readyPods,
  SOON_FINISHED,
  STUBBORN,
} from '../objects.ts';

const OTHER_UID = '00000000-0000-4000-8000-000000000000';

export function describeEvictions(bed: () => Bed): void {
  let node: BedNode;
  let cluster: Cluster;
  let namespace: string;
  beforeAll(async () => {
    node = await bed().addNode();
    cluster = createDrainCluster(bed().clientFor('spot-drain'));
  });
  beforeEach(async () => {
    namespace = await bed().addNamespace();
  });

  const aReadyPod = (name = 'web', more: { graceSeconds?: number; annotations?: Json; labels?: Json } = {}) =>
    addReadyPod(bed(), { namespace, name, node: node.name, ...more });
  const evictRaw = (name: string, body: Json = evictionOf(name)) =>
    bed().ask('spot-drain', { method: 'POST', path: `${podPath(namespace, name)}/eviction`, body });
  const stored = (name: string): Promise<Json> => must(bed(), 'GET', podPath(namespace, name));
  const podWhere = (name: string, holds: (pod: Json) => boolean) =>
    bed().until(`the pod ${name} is so`, async () => {
      const pod = await stored(name);
      return holds(pod) && asPod(pod);
    });
  const isGone = (name: string) =>
    bed().until(`the pod ${name} is gone`, async () => {
      const { status } = await bed().ask('admin', { method: 'GET', path: podPath(namespace, name) });
      return status === 404;
    });
  const spentBudget = (selector?: Json) =>
    addBudget(bed(), { namespace, name: 'web', minAvailable: 1, ...(selector ? { selector } : {}) });

  describe('an eviction', () => {
    test('is a Status of success, and the pod goes in its own grace with a reason', async () => {
      await aReadyPod('web', { graceSeconds: 7, annotations: STUBBORN });
      const { status, body } = await evictRaw('web');
      expect(status).toBe(201);
      expect(body).toMatchObject({ kind: 'Status', apiVersion: 'v1', status: 'Success', code: 201 });
      const pod = await stored('web');
      expect(pod.metadata).toMatchObject({
        deletionGracePeriodSeconds: 7,
        deletionTimestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      });
      expect(pod.status.conditions).toContainEqual(
        expect.objectContaining({
          type: 'DisruptionTarget',
          status: 'True',
          reason: 'EvictionByEvictionAPI',
          message: 'Eviction API: evicting',
        }),
      );
      await isGone('web');
    });

    test('can shorten the grace of the pod', async () => {
      const pod = await aReadyPod('web', { graceSeconds: 30, annotations: STUBBORN });
      expect((await cluster.evict(pod, 2)).status).toBe(201);
      expect((await stored('web')).metadata.deletionGracePeriodSeconds).toBe(2);
      await isGone('web');
    });

    test('of a pod that is gone is 404', async () => {
      const pod = await aReadyPod();
      await cluster.evict(pod);
      await isGone('web');
      const reply = await cluster.evict(pod);
      expect(reply).toMatchObject({ status: 404, reason: 'NotFound', detail: 'pods "web" not found' });
      expect(interpretReply(reply).kind).toBe('reported-gone');
    });

    test('of another pod of that name is 409 and says so', async () => {
      const pod = await aReadyPod();
      const reply = await cluster.evict({ ...pod, uid: OTHER_UID });
      expect(reply).toMatchObject({
        status: 409,
        reason: 'Conflict',
        detail: `Operation cannot be fulfilled on Pod "web": the UID in the precondition (${OTHER_UID}) does not match the UID in record (${pod.uid}). The object might have been deleted and then recreated`,
      });
      expect(interpretReply(reply).kind).toBe('reported-gone');
    });

    test('of a pod that terminates already is accepted and changes nothing', async () => {
      const pod = await aReadyPod('web', { graceSeconds: 3, annotations: STUBBORN });
      await cluster.evict(pod);
      const before = (await stored('web')).metadata.deletionTimestamp;
      expect((await cluster.evict(pod)).status).toBe(201);
      expect((await stored('web')).metadata.deletionTimestamp).toBe(before);
    });

    test('whose object names another pod is 400', async () => {
      await aReadyPod();
      const { status, body } = await evictRaw('web', evictionOf('another'));
      expect(status).toBe(400);
      expect(body).toMatchObject({
        reason: 'BadRequest',
        message: 'name in URL does not match name in Eviction object',
      });
    });

    test('as a dry run takes nothing away, neither the pod nor its budget', async () => {
      await aReadyPod();
      await addBudget(bed(), { namespace, name: 'web', minAvailable: 0 });
      const { status } = await evictRaw('web', evictionOf('web', { dryRun: ['All'] }));
      expect(status).toBe(201);
      const pod = await stored('web');
      expect(pod.metadata.deletionTimestamp).toBeUndefined();
      expect(pod.status.conditions).not.toContainEqual(expect.objectContaining({ type: 'DisruptionTarget' }));
      const budget = await must(bed(), 'GET', budgetPath(namespace, 'web'));
      expect(budget.status.disruptionsAllowed).toBe(1);
    });

    test('knows nothing of DaemonSets and static pods: a drain has to leave them itself', async () => {
      const { metadata } = await must(bed(), 'GET', `/api/v1/nodes/${node.name}`);
      const mirror = await addMirrorPod(bed(), { ...node, uid: metadata.uid }, namespace);
      const pods = await cluster.podsOn(node.name);
      expect(pods.find(({ uid }) => uid === mirror.uid)).toMatchObject({ mirror: true });
      expect((await cluster.evict(mirror)).status).toBe(201);
    });
  });

  describe('a budget', () => {
    test('lets as many pods go as it can spare, and no more: 429 without a time to wait', async () => {
      const [one, two] = [
        await aReadyPod('web-1', { labels: { app: 'web' } }),
        await aReadyPod('web-2', { labels: { app: 'web' } }),
      ];
      await spentBudget();
      expect((await cluster.evict(one)).status).toBe(201);
      await isGone('web-1');
      await bed().until('the budget knows it', async () => {
        const { status } = await must(bed(), 'GET', budgetPath(namespace, 'web'));
        return status.currentHealthy === 1;
      });
      const { status, headers, body } = await evictRaw('web-2');
      expect(status).toBe(429);
      expect(headers['retry-after']).toBeUndefined();
      expect(body).toEqual({
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Failure',
        message: "Cannot evict pod as it would violate the pod's disruption budget.",
        reason: 'TooManyRequests',
        details: {
          causes: [
            {
              reason: 'DisruptionBudget',
              message: 'The disruption budget web needs 1 healthy pods and has 1 currently',
            },
          ],
        },
        code: 429,
      });
      const reply = await cluster.evict(two);
      expect(reply).not.toHaveProperty('retryAfterSeconds');
      expect(interpretReply(reply)).toEqual({ kind: 'blocked', budget: 'web' });
    });

    test('gives back what it spared when the next pod is ready elsewhere', async () => {
      await addDeployment(bed(), { namespace, name: 'web', replicas: 2, nodeSelector: on(node.name) });
      const [one, two] = await readyPods(bed(), namespace, 'app=web', 2);
      await addBudget(bed(), { namespace, name: 'web', maxUnavailable: 1 });
      if (!one || !two) throw new Error('the pods are not there');
      expect((await cluster.evict(one)).status).toBe(201);
      await bed().until('the second may go', async () => (await cluster.evict(two)).status === 201);
    });

    test('that its controller has not seen yet is 429 with a time to wait', async () => {
      await aReadyPod();
      const { status, headers, body } = await bed().withoutControllers(async () => {
        await addUnseenBudget(bed(), { namespace, name: 'web', minAvailable: 0 });
        return bed().until('the API server knows the budget', async () => {
          const reply = await evictRaw('web', evictionOf('web', { dryRun: ['All'] }));
          return reply.status === 429 && reply;
        });
      });
      expect({ status, wait: headers['retry-after'] }).toEqual({ status: 429, wait: '10' });
      expect(body.details).toEqual({
        causes: [
          {
            reason: 'DisruptionBudget',
            message: 'The disruption budget web is still being processed by the server.',
          },
        ],
        retryAfterSeconds: 10,
      });
    });

    test('that can be reckoned up no more is 429 and says why', async () => {
      await addDeployment(bed(), { namespace, name: 'web', replicas: 1, nodeSelector: on(node.name) });
      const [pod] = await readyPods(bed(), namespace, 'app=web', 1);
      await addBudget(bed(), { namespace, name: 'web', maxUnavailable: 0 });
      const fleet = { apiVersion: 'example.com/v1', kind: 'Fleet', name: 'web', uid: OTHER_UID };
      await addReadyPod(bed(), {
        namespace,
        name: 'theirs',
        node: node.name,
        labels: { app: 'web' },
        ownerReferences: [{ ...fleet, controller: true }],
      });
      const { body } = await bed().until('the budget has failed', async () => {
        const reply = await evictRaw(pod?.name ?? '');
        return /failed sync/.test(reply.body.details.causes[0].message) && reply;
      });
      expect(body).toMatchObject({
        code: 429,
        details: {
          causes: [
            {
              reason: 'DisruptionBudget',
              message:
                'The disruption budget web does not allow evicting pods currently because it failed sync: no matches for kind "Fleet" in version "example.com/v1"',
            },
          ],
        },
      });
      expect(body.details).not.toHaveProperty('retryAfterSeconds');
    });

    test('of the pods that no controller counts lets none go', async () => {
      await aReadyPod();
      await addBudget(bed(), { namespace, name: 'web', maxUnavailable: 1 });
      const { status, body } = await evictRaw('web');
      expect(status).toBe(429);
      expect(body.details.causes).toMatchObject([
        { message: 'The disruption budget web does not allow evicting pods currently' },
      ]);
    });

    test('with an empty selector holds every pod of its namespace, and with none holds no pod', async () => {
      const pod = await aReadyPod();
      await spentBudget({});
      expect(interpretReply(await cluster.evict(pod)).kind).toBe('blocked');
      await must(bed(), 'PATCH', budgetPath(namespace, 'web'), { spec: { selector: null } });
      await bed().until('the API server knows it', async () => (await cluster.evict(pod)).status === 201);
    });

    test('that names no number lets none go', async () => {
      await aReadyPod();
      await addBudget(bed(), { namespace, name: 'web' });
      const { status, body } = await evictRaw('web');
      expect({ status, reason: body.reason }).toEqual({ status: 429, reason: 'TooManyRequests' });
    });

    test('beside another on the same pod is 500, without a reason to go by', async () => {
      const pod = await aReadyPod('web', { labels: { app: 'web', tier: 'front' } });
      await addBudget(bed(), { namespace, name: 'web', minAvailable: 0 });
      await addBudget(bed(), {
        namespace,
        name: 'front',
        minAvailable: 0,
        selector: { matchLabels: { tier: 'front' } },
      });
      const { status, body } = await evictRaw('web');
      expect(status).toBe(500);
      expect(body).toEqual({
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Failure',
        message:
          'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
        code: 500,
      });
      expect(interpretReply(await cluster.evict(pod)).kind).toBe('unevictable');
    });

    test('spares exactly as many as it can when all are evicted at once', async () => {
      const pods: Pod[] = [];
      for (let number = 0; number < 10; number++)
        pods.push(
          await aReadyPod(`web-${number}`, {
            labels: { app: 'web' },
            graceSeconds: 60,
            annotations: STUBBORN,
          }),
        );
      await addBudget(bed(), { namespace, name: 'web', minAvailable: 7 });
      const replies = await bed().live(() => Promise.all(pods.map((pod) => cluster.evict(pod))));
      const verdicts = replies.map((reply) => interpretReply(reply).kind).toSorted();
      expect(verdicts).toEqual([...Array(3).fill('accepted'), ...Array(7).fill('blocked')]);
    });
  });

  describe('a budget that is spent', () => {
    beforeEach(async () => {
      await aReadyPod('other', { labels: { app: 'web' } });
    });

    test.each([
      ['pending', NEVER_STARTED, ({ status }: Json) => status.phase === 'Pending'],
      ['finished', SOON_FINISHED, ({ status }: Json) => status.phase === 'Succeeded'],
    ])('lets a %s pod pass', async (_phase, annotations, holds) => {
      await addPod(bed(), { namespace, name: 'web', node: node.name, annotations });
      const pod = await podWhere('web', holds);
      await spentBudget();
      expect((await cluster.evict(pod)).status).toBe(201);
      await isGone('web');
    });

    test('lets a pod pass that is not ready, as long as the others are enough', async () => {
      await addPod(bed(), { namespace, name: 'web', node: node.name, annotations: NEVER_READY });
      const pod = await podWhere('web', ({ status }) => status.phase === 'Running');
      await spentBudget();
      expect((await cluster.evict(pod)).status).toBe(201);
    });

    test('holds a pod that is not ready when the others are not enough', async () => {
      await addPod(bed(), { namespace, name: 'web', node: node.name, annotations: NEVER_READY });
      const pod = await podWhere('web', ({ status }) => status.phase === 'Running');
      await addBudget(bed(), {
        namespace,
        name: 'web',
        minAvailable: 2,
        unhealthyPodEvictionPolicy: 'IfHealthyBudget',
      });
      const reply = await cluster.evict(pod);
      expect(reply.causes.map(({ message }) => message)).toEqual([
        'The disruption budget web needs 2 healthy pods and has 1 currently',
      ]);
    });

    test('lets a pod pass that is not ready whatever the others are, with AlwaysAllow', async () => {
      await addPod(bed(), { namespace, name: 'web', node: node.name, annotations: NEVER_READY });
      const pod = await podWhere('web', ({ status }) => status.phase === 'Running');
      await addBudget(bed(), {
        namespace,
        name: 'web',
        minAvailable: 2,
        unhealthyPodEvictionPolicy: 'AlwaysAllow',
      });
      expect((await cluster.evict(pod)).status).toBe(201);
    });
  });

  describe('a namespace that is being deleted', () => {
    test('refuses an eviction with the cause NamespaceTerminating, and its pods go with it', async () => {
      const pod = await aReadyPod('web', { graceSeconds: 4, annotations: STUBBORN });
      await bed().ask('admin', { method: 'DELETE', path: `/api/v1/namespaces/${namespace}` });
      const reply = await cluster.evict(pod);
      expect(reply).toMatchObject({
        status: 403,
        reason: 'Forbidden',
        detail: `pods "web" is forbidden: unable to create new content in namespace ${namespace} because it is being terminated`,
        causes: [
          {
            reason: 'NamespaceTerminating',
            message: `namespace ${namespace} is being terminated`,
            field: 'metadata.namespace',
          },
        ],
      });
      expect(interpretReply(reply).kind).toBe('namespace-terminating');
      await isGone('web');
    });
  });
}
