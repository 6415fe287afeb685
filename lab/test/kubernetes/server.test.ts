import https from 'node:https';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { anInstance, aRunningCluster, type Served, served } from './cluster.ts';

let cluster: Served;
const node = anInstance(1).privateDnsName;
const NODE = `/api/v1/nodes/${node}`;
const PODS = '/api/v1/namespaces/default/pods';

beforeAll(async () => {
  cluster = await served(await aRunningCluster(2));
  cluster.kubernetes.addDeployment({ name: 'api', replicas: 5 });
  cluster.kubernetes.applyObjects([
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'nightshift-spot-drain' },
      rules: [
        { apiGroups: [''], resources: ['nodes'], verbs: ['get', 'list', 'patch'] },
        { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'delete'] },
        { apiGroups: [''], resources: ['pods/eviction'], verbs: ['create'] },
      ],
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: 'nightshift-spot-drain' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'nightshift-spot-drain' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'nightshift:spot-drain' }],
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: 'scaler', namespace: 'kube-system' },
      rules: [
        {
          apiGroups: ['apps'],
          resources: ['deployments', 'deployments/scale'],
          resourceNames: ['cluster-autoscaler'],
          verbs: ['get', 'patch'],
        },
      ],
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name: 'scaler', namespace: 'kube-system' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'scaler' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'nightshift:night-schedule' }],
    },
  ]);
  cluster.kubernetes.addDeployment({ name: 'cluster-autoscaler', namespace: 'kube-system', replicas: 1 });
  await cluster.run(60);
});
afterAll(() => cluster.endpoint.close());

describe('the caller', () => {
  test('needs a token that the authenticator knows', async () => {
    const reply = await cluster.request('GET', NODE, { token: 'forged' });
    expect(reply.status).toBe(401);
    expect(reply.body).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'Unauthorized',
      reason: 'Unauthorized',
      code: 401,
    });
  });

  test('is system:anonymous without one, who may read the version and nothing else', async () => {
    expect((await cluster.request('GET', '/version', { token: null })).status).toBe(200);
    const reply = await cluster.request('GET', NODE, { token: null });
    expect(reply.status).toBe(403);
    expect(reply.body.message).toBe(
      `nodes "${node}" is forbidden: User "system:anonymous" cannot get resource "nodes" in API group "" at the cluster scope`,
    );
  });

  test('may do what the roles of its group allow', async () => {
    expect((await cluster.request('GET', NODE, { token: 'drain' })).status).toBe(200);
    expect((await cluster.request('GET', '/api/v1/pods', { token: 'drain' })).status).toBe(200);
  });

  test.each([
    [
      'GET',
      '/api/v1/namespaces/default/secrets',
      'secrets is forbidden',
      'list resource "secrets" in API group "" in the namespace "default"',
    ],
    [
      'DELETE',
      NODE,
      `nodes "${node}" is forbidden`,
      'delete resource "nodes" in API group "" at the cluster scope',
    ],
    [
      'GET',
      '/apis/apps/v1/deployments',
      'deployments.apps is forbidden',
      'list resource "deployments" in API group "apps" at the cluster scope',
    ],
    [
      'GET',
      '/api/v1/pods?watch=true',
      'pods is forbidden',
      'watch resource "pods" in API group "" at the cluster scope',
    ],
  ])('is refused %s %s in the words of the API server', async (method, path, start, end) => {
    const reply = await cluster.request(method, path, { token: 'drain' });
    expect(reply.status).toBe(403);
    expect(reply.body.message).toBe(`${start}: User "arn:aws:sts::1:assumed-role/drain/x" cannot ${end}`);
    expect(reply.body.reason).toBe('Forbidden');
  });

  test('may only touch the objects that a role names', async () => {
    const scale = (name: string, namespace = 'kube-system') =>
      cluster.request('PATCH', `/apis/apps/v1/namespaces/${namespace}/deployments/${name}/scale`, {
        token: 'night',
        contentType: 'application/merge-patch+json',
        body: { spec: { replicas: 0 } },
      });
    const { body } = await scale('cluster-autoscaler');
    expect({ kind: body.kind, spec: body.spec }).toEqual({ kind: 'Scale', spec: {} });
    expect((await scale('coredns')).status).toBe(403);
    expect((await scale('api', 'default')).status).toBe(403);
    const list = await cluster.request('GET', '/apis/apps/v1/namespaces/kube-system/deployments', {
      token: 'night',
    });
    expect(list.status).toBe(403);
  });

  test('can ask what it may do', async () => {
    const canI = async (resourceAttributes: Record<string, string>) =>
      (
        await cluster.request('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
          token: 'drain',
          body: {
            kind: 'SelfSubjectAccessReview',
            apiVersion: 'authorization.k8s.io/v1',
            spec: { resourceAttributes },
          },
        })
      ).body.status.allowed;
    expect(
      await canI({ verb: 'create', resource: 'pods', subresource: 'eviction', namespace: 'default' }),
    ).toBe(true);
    expect(await canI({ verb: 'create', resource: 'pods', namespace: 'default' })).toBe(false);
  });

  test('shows in the record of calls', async () => {
    await cluster.request('GET', `${NODE}?x=1`, { token: 'drain' });
    expect(cluster.endpoint.calls.at(-1)).toMatchObject({
      user: 'arn:aws:sts::1:assumed-role/drain/x',
      method: 'GET',
      verb: 'get',
      resource: 'nodes',
      name: node,
      path: `${NODE}?x=1`,
      status: 200,
    });
  });
});

describe('a list', () => {
  test('is filtered by fields and labels', async () => {
    const onNode = await cluster.request('GET', `/api/v1/pods?fieldSelector=spec.nodeName%3D${node}`);
    const names = onNode.body.items.map((pod: { spec: { nodeName: string } }) => pod.spec.nodeName);
    expect(new Set(names)).toEqual(new Set([node]));
    expect(onNode.body).toMatchObject({ kind: 'PodList', apiVersion: 'v1' });
    expect(onNode.body.items[0].kind).toBeUndefined();
    const labelled = await cluster.request(
      'GET',
      `${PODS}?labelSelector=app in (api,web),!missing`.replaceAll(' ', '%20'),
    );
    expect(labelled.body.items).toHaveLength(5);
    const none = await cluster.request('GET', `${PODS}?labelSelector=app!%3Dapi`);
    expect(none.body.items).toHaveLength(0);
  });

  test('refuses a field that has no index', async () => {
    const reply = await cluster.request('GET', `${PODS}?fieldSelector=spec.color%3Dred`);
    expect(reply.body).toMatchObject({ code: 400, message: 'field label not supported: spec.color' });
  });

  test('is read in pages that agree with each other', async () => {
    const names: string[] = [];
    let next = '';
    do {
      const reply = await cluster.request('GET', `${PODS}?limit=2${next && `&continue=${next}`}`);
      names.push(...reply.body.items.map((pod: { metadata: { name: string } }) => pod.metadata.name));
      next = reply.body.metadata.continue ?? '';
      if (names.length === 2) {
        expect(reply.body.metadata.remainingItemCount).toBe(3);
        cluster.kubernetes.api.create('pods', 'default', {
          metadata: { name: 'api-later' },
          spec: { containers: [{ name: 'x', image: 'x:1' }] },
        });
      }
    } while (next);
    cluster.kubernetes.api.delete('pods', 'default', 'api-later', { gracePeriodSeconds: 0 });
    expect(names).toHaveLength(5);
    expect([...names].sort()).toEqual(names);
  });

  test('whose token is too old ends in 410 with a token for the inconsistent rest', async () => {
    const reply = await cluster.request('GET', `${PODS}?limit=2`);
    await cluster.run(6 * 60);
    const late = await cluster.request('GET', `${PODS}?limit=2&continue=${reply.body.metadata.continue}`);
    expect(late.status).toBe(410);
    expect(late.body.reason).toBe('Expired');
    const rest = await cluster.request('GET', `${PODS}?limit=50&continue=${late.body.metadata.continue}`);
    expect(rest.body.items).toHaveLength(3);
  });

  test('is a table for kubectl', async () => {
    const reply = await cluster.request('GET', '/api/v1/nodes', {
      accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json',
    });
    expect(reply.body.kind).toBe('Table');
    expect(reply.body.columnDefinitions.map((column: { name: string }) => column.name).slice(0, 5)).toEqual([
      'Name',
      'Status',
      'Roles',
      'Age',
      'Version',
    ]);
    expect(reply.body.rows[0].cells.slice(0, 3)).toEqual([node, 'Ready', '<none>']);
    expect(reply.body.rows[0].object.kind).toBe('PartialObjectMetadata');
  });
});

describe('a write', () => {
  const patch = (body: unknown, contentType = 'application/strategic-merge-patch+json', query = '') =>
    cluster.request('PATCH', `${NODE}${query}`, { body, contentType });

  test('replaces the taints of a node and is seen at once', async () => {
    const reply = await patch({
      metadata: { annotations: { 'nightshift/drain': 'spot' } },
      spec: { unschedulable: true, taints: [{ key: 'nightshift', effect: 'NoSchedule' }] },
    });
    expect(reply.status).toBe(200);
    await cluster.run(1);
    const { body } = await cluster.request('GET', NODE);
    expect(body.spec.taints.map((taint: { key: string }) => taint.key).sort()).toEqual([
      'nightshift',
      'node.kubernetes.io/unschedulable',
    ]);
    await patch({ spec: { unschedulable: null, taints: null } });
    await cluster.run(1);
    expect((await cluster.request('GET', NODE)).body.spec.taints).toBeUndefined();
  });

  test('of an unknown content type is 415, and so is a strategic merge of a custom resource', async () => {
    expect((await patch({}, 'application/json')).status).toBe(415);
    cluster.kubernetes.applyObjects([
      {
        apiVersion: 'karpenter.sh/v1',
        kind: 'NodePool',
        metadata: { name: 'spot' },
        spec: { limits: { cpu: '10' } },
      },
    ]);
    const pool = (contentType: string) =>
      cluster.request('PATCH', '/apis/karpenter.sh/v1/nodepools/spot', {
        body: { spec: { limits: { cpu: '0' } } },
        contentType,
      });
    expect((await pool('application/strategic-merge-patch+json')).status).toBe(415);
    expect((await pool('application/merge-patch+json')).body.spec.limits.cpu).toBe('0');
  });

  test('of an old version is a conflict', async () => {
    const reply = await patch({ metadata: { resourceVersion: '1', labels: { a: 'b' } } });
    expect(reply.status).toBe(409);
    expect(reply.body.message).toBe(
      `Operation cannot be fulfilled on nodes "${node}": the object has been modified; please apply your changes to the latest version and try again`,
    );
  });

  test('that is dry changes nothing', async () => {
    const reply = await patch({ metadata: { labels: { dry: 'run' } } }, undefined, '?dryRun=All');
    expect(reply.body.metadata.labels.dry).toBe('run');
    expect((await cluster.request('GET', NODE)).body.metadata.labels.dry).toBeUndefined();
  });

  test('that breaks a rule is 422 and names the field', async () => {
    const reply = await patch({ spec: { taints: [{ key: 'x', effect: 'Sometimes' }] } });
    expect(reply.status).toBe(422);
    expect(reply.body).toMatchObject({
      reason: 'Invalid',
      details: { causes: [{ field: 'metadata.taints[0].effect' }] },
    });
    const empty = await cluster.request('POST', PODS, { body: { metadata: { name: 'Bad_Name' }, spec: {} } });
    expect(empty.body.details.causes.map((cause: { field: string }) => cause.field)).toEqual([
      'metadata.name',
      'spec.containers',
    ]);
  });

  test('without a change keeps the version', async () => {
    const before = (await cluster.request('GET', NODE)).body.metadata.resourceVersion;
    expect((await patch({ spec: {} })).body.metadata.resourceVersion).toBe(before);
  });

  test('of a body that is no JSON is 400, of a name that is taken 409, in no namespace 404', async () => {
    const named = { metadata: { name: 'one' }, data: { a: 'b' } };
    const post = (namespace: string) =>
      cluster.request('POST', `/api/v1/namespaces/${namespace}/configmaps`, { body: named });
    expect((await post('default')).status).toBe(201);
    expect((await post('default')).body).toMatchObject({
      reason: 'AlreadyExists',
      message: 'configmaps "one" already exists',
    });
    expect((await post('nowhere')).body.message).toBe('namespaces "nowhere" not found');
    const broken = await cluster.request('POST', '/api/v1/namespaces/default/configmaps', { body: 'text' });
    expect(broken.status).toBe(400);
  });

  test('deletes only the version that was meant', async () => {
    const [pod] = (await cluster.request('GET', PODS)).body.items;
    const reply = await cluster.request('DELETE', `${PODS}/${pod.metadata.name}`, {
      body: { kind: 'DeleteOptions', apiVersion: 'v1', preconditions: { uid: 'another' } },
    });
    expect(reply.status).toBe(409);
    const done = await cluster.request('DELETE', `${PODS}/${pod.metadata.name}?gracePeriodSeconds=1`);
    expect(done.body.metadata.deletionGracePeriodSeconds).toBe(1);
  });

  test('can send an Event about a node, as the functions do', async () => {
    const reply = await cluster.request('POST', '/api/v1/namespaces/default/events', {
      body: {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { generateName: `${node}.` },
        involvedObject: { kind: 'Node', name: node, uid: node },
        reason: 'SpotInterruption',
        message: 'draining',
        type: 'Warning',
      },
    });
    expect(reply.status).toBe(201);
    const found = await cluster.request(
      'GET',
      `/api/v1/events?fieldSelector=involvedObject.name%3D${node},reason%3DSpotInterruption`,
    );
    expect(found.body.items).toHaveLength(1);
  });
});

describe('a watch', () => {
  const watch = (path: string) =>
    new Promise<{ lines: { type: string; object: Record<string, never> }[]; stop: () => void }>((resolve) => {
      const lines: { type: string; object: Record<string, never> }[] = [];
      const outgoing = https.get(
        {
          host: '127.0.0.1',
          port: cluster.endpoint.port,
          ca: cluster.ca.pem,
          agent: false,
          path,
          headers: { authorization: 'Bearer operator' },
        },
        (incoming) => {
          let rest = '';
          incoming.on('data', (part: Buffer) => {
            rest += part;
            const parts = rest.split('\n');
            rest = parts.pop() ?? '';
            for (const line of parts) lines.push(JSON.parse(line));
          });
          incoming.on('error', () => undefined);
          resolve({ lines, stop: () => outgoing.destroy() });
        },
      );
      outgoing.on('error', () => undefined);
    });
  const settle = () => new Promise((resolve) => setTimeout(resolve, 50));

  test('starts at the version of the list and sends every selected change', async () => {
    const base = '/api/v1/namespaces/default/configmaps';
    const { resourceVersion } = (await cluster.request('GET', base)).body.metadata;
    await cluster.request('POST', base, { body: { metadata: { name: 'seen', labels: { watch: 'me' } } } });
    const { lines, stop } = await watch(
      `${base}?watch=1&resourceVersion=${resourceVersion}&labelSelector=watch%3Dme`,
    );
    await cluster.request('PATCH', `${base}/seen`, {
      body: { data: { a: '1' } },
      contentType: 'application/merge-patch+json',
    });
    await cluster.request('PATCH', `${base}/seen`, {
      body: { metadata: { labels: { watch: null } } },
      contentType: 'application/merge-patch+json',
    });
    await cluster.request('DELETE', `${base}/seen`);
    await settle();
    stop();
    expect(lines.map((line) => line.type)).toEqual(['ADDED', 'MODIFIED', 'DELETED']);
  });

  test('from a version that was compacted ends in 410', async () => {
    cluster.kubernetes.api.store.compact();
    const { lines, stop } = await watch('/api/v1/pods?watch=1&resourceVersion=5');
    await settle();
    stop();
    expect(lines).toMatchObject([{ type: 'ERROR', object: { code: 410, reason: 'Expired' } }]);
  });
});

describe('discovery', () => {
  test.each([
    '/api',
    '/apis',
    '/api/v1',
    '/apis/apps/v1',
    '/apis/policy',
    '/openapi/v3',
    '/openapi/v3/apis/apps/v1',
  ])('answers %s', async (path) => {
    expect((await cluster.request('GET', path)).status).toBe(200);
  });

  test('is aggregated for a client that accepts it', async () => {
    const reply = await cluster.request('GET', '/apis', {
      accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json',
    });
    expect(reply.headers['content-type']).toContain('as=APIGroupDiscoveryList');
    expect(reply.body.items.map((item: { metadata: { name: string } }) => item.metadata.name)).toContain(
      'karpenter.sh',
    );
  });

  test.each(['/api/v1/namespaces/default/pods/x/shoes', '/apis/apps/v9/deployments', '/apis/apps/v9'])(
    'does not know %s',
    async (path) => {
      const reply = await cluster.request('GET', path);
      expect(reply.body).toMatchObject({
        code: 404,
        message: 'the server could not find the requested resource',
      });
    },
  );

  test.each(['/apis/nothing/v1/things', '/apis/nothing', '/nowhere'])(
    'knows so little of %s that it says so without a Status',
    async (path) => {
      const reply = await cluster.request('GET', path);
      expect({ status: reply.status, body: reply.body }).toEqual({
        status: 404,
        body: '404 page not found\n',
      });
    },
  );
});

describe('faults', () => {
  test('answer the next requests of a kind, and then no more', async () => {
    const { faults } = cluster.endpoint;
    faults.add({ method: 'GET', path: /\/nodes\//, times: 2, reply: 503 });
    faults.add({ method: 'GET', path: /\/nodes\//, reply: 429 });
    faults.add({ method: 'GET', path: /\/nodes\//, reply: 'reset' });
    expect((await cluster.request('GET', NODE)).body).toMatchObject({ reason: 'ServiceUnavailable' });
    expect((await cluster.request('GET', NODE)).status).toBe(503);
    const busy = await cluster.request('GET', NODE);
    expect([busy.status, busy.headers['retry-after'], busy.body]).toEqual([
      429,
      '1',
      'Too many requests, please try again later.\n',
    ]);
    await expect(cluster.request('GET', NODE)).rejects.toThrow(/ECONNRESET|socket hang up/);
    expect((await cluster.request('GET', NODE)).status).toBe(200);
  });

  test('can lose the answer of a request that took effect', async () => {
    cluster.endpoint.faults.add({ method: 'POST', path: /configmaps/, reply: 'reset', afterwards: true });
    const base = '/api/v1/namespaces/default/configmaps';
    await expect(cluster.request('POST', base, { body: { metadata: { name: 'lost' } } })).rejects.toThrow();
    expect((await cluster.request('GET', `${base}/lost`)).status).toBe(200);
  });
});

test('a cluster without Karpenter does not know its resources', async () => {
  const bare = await served(await aRunningCluster(0, { customGroups: ['argoproj.io'] }));
  const reply = await bare.request('GET', '/apis/karpenter.sh/v1/nodepools');
  expect({ status: reply.status, body: reply.body }).toEqual({ status: 404, body: '404 page not found\n' });
  expect((await bare.request('GET', '/apis/karpenter.sh/v1')).status).toBe(404);
  expect((await bare.request('GET', '/apis/argoproj.io/v1alpha1/applications')).status).toBe(200);
  await bare.endpoint.close();
});
