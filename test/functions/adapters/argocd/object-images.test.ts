/** Live pods, restarts and image overrides through the Kubernetes API, on the lab's cluster with its kubelet. */

import { serveKubernetes } from '@nightshift/lab/http/kubernetes/server.ts';
import { createCertificateAuthority } from '@nightshift/lab/http/tls.ts';
import { createContext } from '@nightshift/lab/world/context.ts';
import { createKubernetes } from '@nightshift/lab/world/kubernetes/index.ts';
import { createImageRegistry } from '@nightshift/lab/world/registry/registry.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createArgocdObjects } from '#functions/adapters/argocd/kubernetes.ts';
import { createKubernetesClient } from '#functions/adapters/kubernetes/client.ts';
import { INSTANCE, manifestsOf } from '../kubernetes/a-lab-cluster.ts';

const { account, region, cluster } = INSTANCE;
const IMAGE = `${account}.dkr.ecr.${region}.amazonaws.com/api`;
const application = { name: 'api', project: 'develop', prune: false, syncOptions: [] };

async function aCluster() {
  const context = createContext({ start: new Date('2026-11-24T01:00:00Z'), seed: 7 });
  const images = createImageRegistry(context);
  images.addRepository({ account, region }, 'api');
  const kubernetes = createKubernetes(context, { cluster, account, region, images });
  kubernetes.addNamespace('argocd');
  kubernetes.addNamespace('app');
  const inApp = (await manifestsOf('applications/live-pods')).map((object) => ({
    ...object,
    metadata: { ...object.metadata, namespace: 'app' },
  }));
  kubernetes.applyObjects([...(await manifestsOf('argocd/branch-deploy')), ...inApp]);
  const ca = await createCertificateAuthority();
  const endpoint = await serveKubernetes({
    kubernetes,
    context,
    ca,
    authenticate: () => ({ username: 'deploy', groups: ['nightshift:branch-deploy'] }),
    operatorToken: 'operator',
  });
  const client = createKubernetesClient({
    cluster,
    region,
    describeCluster: async () => ({ endpoint: endpoint.url, ca: ca.pem }),
    token: async () => 'deploy',
  });
  const pass = (seconds: number) => context.clock.runUntil(context.clock.now() + seconds * 1_000);
  context.signals.emit('instance-running', INSTANCE);
  await pass(120);
  const anObject = (server: string) => ({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name: 'api', namespace: 'argocd' },
    spec: {
      project: 'develop',
      source: { repoURL: 'https://github.com/example/api', kustomize: { images: ['envoy:1'] } },
      destination: { server, namespace: 'app' },
    },
    status: {
      resources: [{ group: 'apps', version: 'v1', kind: 'Deployment', namespace: 'app', name: 'api' }],
    },
  });
  return {
    images,
    kubernetes,
    pass,
    argocd: createArgocdObjects(client),
    addApplication: (server = 'https://kubernetes.default.svc') =>
      kubernetes.api.create('applications.argoproj.io', 'argocd', anObject(server) as never),
    async close() {
      client.close();
      await endpoint.close();
    },
  };
}

let lab: Awaited<ReturnType<typeof aCluster>>;
beforeEach(async () => {
  lab = await aCluster();
});
afterEach(() => lab.close());

const digestsOf = async () => {
  const pods = await lab.argocd.pods(application);
  if (!pods.ok) throw new Error(pods.error.detail);
  return pods.value.map(({ containers, workload }) => [workload?.name, ...(containers[0]?.digests ?? [])]);
};

test('the pods of its workloads show the digest that they pulled, and a restart pulls the tag again', async () => {
  const place = { account, region };
  const first = lab.images.push(place, { name: 'api', tag: 'latest' });
  lab.kubernetes.addDeployment({ name: 'api', namespace: 'app', image: `${IMAGE}:latest`, replicas: 2 });
  lab.addApplication();
  await lab.pass(30);
  expect(await digestsOf()).toEqual([
    ['api', first.digest],
    ['api', first.digest],
  ]);

  const second = lab.images.push(place, { name: 'api', tag: 'latest' });
  const workload = { group: 'apps', version: 'v1', kind: 'Deployment', namespace: 'app', name: 'api' };
  expect(await lab.argocd.restart(application, workload, new Date('2026-11-24T02:00:00Z'))).toEqual({
    ok: true,
  });
  await lab.pass(60);
  expect(await digestsOf()).toEqual([
    ['api', second.digest],
    ['api', second.digest],
  ]);
});

test('a node that has pulled a tag does not pull it again, unless the policy is Always', async () => {
  const place = { account, region };
  const first = lab.images.push(place, { name: 'api', tag: 'develop' });
  lab.kubernetes.addDeployment({ name: 'api', namespace: 'app', image: `${IMAGE}:develop`, replicas: 1 });
  lab.addApplication();
  await lab.pass(30);
  lab.images.push(place, { name: 'api', tag: 'develop' });
  lab.kubernetes.restart?.('app', 'api');
  await lab.pass(60);
  expect(await digestsOf()).toEqual([['api', first.digest]]);
});

test('a pod whose image is not in the registry is not started', async () => {
  lab.kubernetes.addDeployment({ name: 'api', namespace: 'app', image: `${IMAGE}:missing`, replicas: 1 });
  lab.addApplication();
  await lab.pass(60);
  const pods = await lab.argocd.pods(application);
  expect(pods.ok && pods.value[0]?.containers).toEqual([
    { image: `${IMAGE}:missing`, started: false, digests: [] },
  ]);
});

test('images are set beside those that are set already', async () => {
  lab.addApplication();
  const image = { repository: IMAGE, version: 'abc1234' };
  expect(await lab.argocd.setImages(application, [image], 0)).toEqual({ ok: true });
  const read = await lab.argocd.read(application);
  expect(read.ok && read.value.overrides).toEqual([
    { images: ['envoy:1', `${IMAGE}:abc1234`], parameters: {} },
  ]);
});

test('pods of another cluster are not looked for in this one', async () => {
  lab.addApplication('https://another.example.com');
  expect(await lab.argocd.pods(application)).toMatchObject({ ok: false, error: { kind: 'forbidden' } });
});

test('an application of another project is left alone', async () => {
  lab.addApplication();
  expect(await lab.argocd.pods({ ...application, project: 'production' })).toMatchObject({
    ok: false,
    error: { kind: 'missing' },
  });
});
