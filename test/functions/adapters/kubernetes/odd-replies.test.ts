/** Replies that no API server gives by itself: of proxies, webhooks, and servers that leave out or repeat what they should not. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createKubernetesClient, type KubernetesClient } from '#functions/adapters/kubernetes/client.ts';
import { createDrainCluster } from '#functions/adapters/kubernetes/drain-cluster.ts';
import type { Cluster, Node, Pod } from '#functions/spot-drain/ports.ts';
import { type Answer, type Asked, type ScriptedServer, startScriptedServer } from './scripted-server.ts';

const INSTANCE = 'i-0123456789abcdef0';

let server: ScriptedServer;
let client: KubernetesClient;
let cluster: Cluster;

beforeEach(async () => {
  server = await startScriptedServer(() => ({ status: 500 }));
  client = createKubernetesClient({
    cluster: 'develop',
    region: 'ap-northeast-1',
    describeCluster: async () => ({ endpoint: server.url, ca: server.ca }),
    token: async () => 'token',
  });
  cluster = createDrainCluster(client);
});

afterEach(async () => {
  client.close();
  await server.close();
});

const answer = (how: (asked: Asked) => Answer) => {
  server.answer = how;
};

const podObject = (name: string, more: { metadata?: object; spec?: object } = {}) => ({
  metadata: { name, namespace: 'apps', uid: `uid-${name}`, ...more.metadata },
  spec: { nodeName: 'node', ...more.spec },
});

const podList = (items: unknown, metadata: object = {}) => ({
  body: { kind: 'PodList', apiVersion: 'v1', metadata, items },
});

const aPod: Pod = {
  namespace: 'apps',
  name: 'web',
  uid: 'uid-web',
  phase: 'Running',
  terminating: false,
  graceSeconds: 30,
  priority: 0,
  priorityClass: '',
  mirror: false,
};

const aNode: Node = {
  name: 'node',
  uid: 'uid',
  instanceId: INSTANCE,
  labels: {},
  annotations: {},
  unschedulable: false,
  taints: [],
  version: '7',
};

test('a list that ignores its selector shows no pod of another node', async () => {
  answer(() => podList([podObject('here'), podObject('elsewhere', { spec: { nodeName: 'other' } })]));
  expect((await cluster.podsOn('node')).map(({ name }) => name)).toEqual(['here']);
});

test.each([
  ['without a kind', { items: [] }],
  ['of another kind', { kind: 'Status', status: 'Success' }],
  ['whose items are no list', { kind: 'PodList', items: {} }],
  ['with an item that is nothing', { kind: 'PodList', items: [null] }],
  ['that is a list itself', []],
  ['that is nothing', null],
])('a list %s shows nothing, and is asked for again', async (_what, body) => {
  answer(() => ({ body }));
  await expect(cluster.podsOn('node')).rejects.toThrow(
    expect.objectContaining({ name: 'ClusterUnavailableError' }),
  );
});

test('pages that go round in a circle end', async () => {
  const next: Record<string, string> = { '': 'a', a: 'b', b: 'a' };
  answer(({ query }) => podList([podObject('web')], { continue: next[query.get('continue') ?? ''] }));
  await expect(cluster.podsOn('node')).rejects.toThrow('the same page token again');
  expect(server.asked).toHaveLength(3);
});

test('a page that has expired restarts the list, and no pod is there twice', async () => {
  const pages = [
    podList([podObject('one')], { continue: 'a' }),
    { status: 410, body: { kind: 'Status', reason: 'Expired', message: 'too old' } },
    podList([podObject('one')], { continue: 'b' }),
    podList([podObject('two')]),
  ];
  answer(() => pages.shift() ?? { status: 500 });
  expect((await cluster.podsOn('node')).map(({ name }) => name)).toEqual(['one', 'two']);
});

test('a pod whose deletion time is null does not terminate', async () => {
  answer(() => podList([podObject('web', { metadata: { deletionTimestamp: null } })]));
  expect(await cluster.podsOn('node')).toMatchObject([{ terminating: false }]);
});

test('an eviction that is answered with 200 and a failure is not accepted', async () => {
  const body = { kind: 'Status', status: 'Failure', reason: 'TooManyRequests', code: 429 };
  answer(() => ({ body }));
  expect(await cluster.evict(aPod)).toMatchObject({ status: 0 });
});

test.each([
  ['a page of a proxy', '<html>ok</html>'],
  ['nothing', ''],
  ['an object of another kind', { kind: 'Table' }],
])('an eviction that is answered with 201 and %s is not accepted', async (_what, body) => {
  answer(() => ({ status: 201, body }));
  expect(await cluster.evict(aPod)).toMatchObject({ status: 0 });
});

test.each([
  ['an HTTP date', 'Thu, 27 Aug 2099 03:00:00 GMT', undefined],
  ['a negative number', '-7', undefined],
  ['a number of words', 'soon', undefined],
  ['a day', '86400', 86_400],
])('a Retry-After of %s', async (_what, value, seconds) => {
  answer(() => ({ status: 429, headers: { 'retry-after': value }, body: { kind: 'Status' } }));
  expect((await cluster.evict(aPod)).retryAfterSeconds).toBe(seconds);
});

test.each([
  [404, 'NotFound', 'admission webhook "guard.example.com" denied the request: owner not found'],
  [422, 'Invalid', 'admission webhook "guard.example.com" denied the request: no ticket'],
  [404, '', 'page not found'],
])('a cordon that is answered with %i %s is asked for again', async (status, reason, message) => {
  answer(() => ({ status, body: { kind: 'Status', reason, message } }));
  const marks = { task: 'drain', cause: 'spot-terminate', since: new Date() } as const;
  await expect(cluster.mark(aNode, marks)).rejects.toThrow(
    expect.objectContaining({ name: 'ClusterUnavailableError' }),
  );
});

test('a cordon that is answered with another object was not seen to take effect', async () => {
  answer(() => ({ body: { kind: 'Status', status: 'Success' } }));
  const marks = { task: 'drain', cause: 'spot-terminate', since: new Date() } as const;
  await expect(cluster.mark(aNode, marks)).rejects.toThrow('no Node');
});

test.each([
  ['a 404 of its API server', { status: 404, body: { kind: 'Status', reason: 'NotFound' } }, false],
  [
    'a DaemonSet of that name with another UID',
    { body: { kind: 'DaemonSet', metadata: { uid: 'new' } } },
    false,
  ],
  ['the DaemonSet', { body: { kind: 'DaemonSet', metadata: { uid: 'ours' } } }, true],
])('a DaemonSet by %s', async (_what, reply, exists) => {
  answer(() => reply);
  expect(await cluster.daemonSetExists('apps', 'agent', 'ours')).toBe(exists);
});

test('a 403 whose text holds the words of RBAC is none of RBAC', async () => {
  const message = 'pods "web" is forbidden: exceeded quota "User x cannot create resource pods/eviction"';
  answer(() => ({ status: 403, body: { kind: 'Status', reason: 'Forbidden', message } }));
  expect(await cluster.evict(aPod)).toMatchObject({ status: 403, isRefusedByRbac: false });
});
