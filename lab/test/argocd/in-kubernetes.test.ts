import { beforeEach, describe, expect, test } from 'vitest';
import { type ArgocdWorld, createArgocd, podsCanRun, serveApplications } from '#lab/world/argocd/index.ts';
import { createGit, type GitWorld } from '#lab/world/codebuild/index.ts';
import { createContext } from '#lab/world/context.ts';
import type { InstanceView, WorldContext } from '#lab/world/interfaces.ts';
import { createKubernetes } from '#lab/world/kubernetes/index.ts';
import type { Kubernetes } from '#lab/world/kubernetes/types.ts';
import { anApplication, FIRST, REPOSITORY, SECOND } from './builders.ts';

const APPLICATIONS = 'applications.argoproj.io';

const instance: InstanceView = {
  id: 'i-0123456789abcdef0',
  account: '111111111111',
  region: 'ap-northeast-1',
  zone: 'ap-northeast-1a',
  type: 'm7g.large',
  privateDnsName: 'ip-10-0-1-10.ap-northeast-1.compute.internal',
  privateIp: '10.0.1.10',
  capacityType: 'SPOT',
  cluster: 'develop',
  autoScalingGroup: 'eks-apps',
  nodegroup: 'apps',
  labels: { 'eks.amazonaws.com/nodegroup': 'apps' },
};

let context: WorldContext;
let git: GitWorld;
let kubernetes: Kubernetes;
let argocd: ArgocdWorld;
const pass = (seconds: number) => context.clock.runUntil(context.clock.now() + seconds * 1000);
// biome-ignore lint/suspicious/noExplicitAny: an Application as JSON
const read = (name = 'api'): any => kubernetes.api.find(APPLICATIONS, 'argocd', name);
const patch = (body: object) => kubernetes.api.patch(APPLICATIONS, 'argocd', 'api', body, { type: 'merge' });

beforeEach(async () => {
  context = createContext({ start: new Date('2026-11-24T01:00:00Z'), seed: 3 });
  git = createGit(context);
  git.addRepository(REPOSITORY);
  git.push({ repository: REPOSITORY, ref: 'refs/heads/develop', sha: FIRST });
  kubernetes = createKubernetes(context, {
    cluster: 'develop',
    account: instance.account,
    region: instance.region,
  });
  kubernetes.addNamespace('api');
  context.signals.emit('instance-running', instance);
  argocd = createArgocd(context, {
    workloads: kubernetes,
    revisionOf: git.revisionOf,
    onPush: git.onPush,
    runsPods: () => podsCanRun(kubernetes.api),
  });
  argocd.addProject({ name: 'develop' });
  argocd.addApplication(anApplication());
  serveApplications(context, argocd, kubernetes.api);
  await pass(300);
});

describe('an Application in the cluster`s API', () => {
  test('has the content of Argo CD`s object and a uid of the API', () => {
    expect(read()).toMatchObject({
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Application',
      metadata: { name: 'api', namespace: 'argocd', uid: expect.any(String) },
      spec: { project: 'develop', source: { targetRevision: 'develop' } },
      status: { sync: { status: 'Synced', revision: FIRST }, health: { status: 'Healthy' } },
    });
    expect(argocd.application('api')?.metadata.uid).toBe(read().metadata.uid);
  });

  test('names the images of live pods until the last old pod has ended, and no longer', async () => {
    kubernetes.api.modify('deployments.apps', 'api', 'api', (draft) => {
      if (draft.spec)
        draft.spec.template.metadata = {
          ...draft.spec.template.metadata,
          annotations: { 'lab.nightshift/exit-seconds': '25' },
        };
    });
    await pass(120);
    git.push({ repository: REPOSITORY, ref: 'refs/heads/develop', sha: SECOND });
    patch({
      operation: { sync: {}, initiatedBy: { username: 'nightshift' } },
      status: { operationState: null },
    });
    await pass(10);
    expect(read().status.summary.images).toHaveLength(2);
    await pass(110);
    expect(read().status.summary.images).toEqual([`example/api:${SECOND}`]);
  });

  test('an operation written to it is run; the writer clears the old state', async () => {
    git.push({ repository: REPOSITORY, ref: 'refs/heads/develop', sha: SECOND });
    patch({
      operation: {
        sync: {},
        info: [{ name: 'deploy', value: 'd-1' }],
        initiatedBy: { username: 'nightshift' },
      },
      status: { operationState: null },
    });
    await pass(1);
    expect(read()).toMatchObject({
      operation: { info: [{ value: 'd-1' }] },
      status: { operationState: { phase: 'Running' } },
    });
    await pass(60);
    expect(read().operation).toBeUndefined();
    expect(read().status).toMatchObject({
      sync: { status: 'Synced', revision: SECOND },
      health: { status: 'Healthy' },
      operationState: {
        phase: 'Succeeded',
        operation: { info: [{ name: 'deploy', value: 'd-1' }] },
        syncResult: { revision: SECOND },
      },
    });
    expect(
      kubernetes.api.find('deployments.apps', 'api', 'api')?.spec?.template.spec?.containers[0]?.image,
    ).toBe(`example/api:${SECOND}`);
  });

  test('until the controller has seen an operation, the state of the one before still stands', async () => {
    argocd.startForeignSync('api');
    await pass(60);
    patch({ operation: { sync: {} } });
    expect(read().status.operationState.phase).toBe('Succeeded');
    await pass(1);
    expect(read().status.operationState.phase).toBe('Running');
  });

  test('an operation that is written over one in progress is lost', async () => {
    argocd.changeApplication('api', { syncSeconds: 30 });
    patch({ operation: { sync: {}, info: [{ name: 'deploy', value: 'first' }] } });
    await pass(5);
    patch({ operation: { sync: {}, info: [{ name: 'deploy', value: 'second' }] } });
    await pass(120);
    expect(read().operation).toBeUndefined();
    expect(read().status.operationState.operation.info).toEqual([{ name: 'deploy', value: 'first' }]);
  });

  test('the refresh annotation is answered with a comparison, and removed', async () => {
    git.push({ repository: REPOSITORY, ref: 'refs/heads/develop', sha: SECOND });
    patch({ metadata: { annotations: { 'argocd.argoproj.io/refresh': 'normal' } } });
    expect(read().metadata.annotations).toEqual({ 'argocd.argoproj.io/refresh': 'normal' });
    await pass(1);
    expect(read().metadata.annotations ?? {}).toEqual({});
    expect(read().status).toMatchObject({ sync: { status: 'OutOfSync', revision: SECOND } });
  });

  test('an operation can be terminated there', async () => {
    argocd.changeApplication('api', { syncSeconds: 300 });
    patch({ operation: { sync: {} } });
    await pass(5);
    patch({ status: { operationState: { phase: 'Terminating' } } });
    await pass(5);
    expect(read().status.operationState).toMatchObject({ phase: 'Failed', message: 'Operation terminated' });
  });

  test('what is pruned is deleted from the cluster, with its pods', async () => {
    const pods = () =>
      kubernetes.api.list('pods', { namespace: 'api' }).items.map(({ metadata }) => metadata.name);
    const [api] = anApplication().deployments;
    if (!api) throw new Error('the application has no Deployment');
    argocd.changeApplication('api', { deployments: [api, { ...api, name: 'extra' }] });
    argocd.startForeignSync('api');
    await pass(60);
    expect(pods().some((name) => name.startsWith('extra-'))).toBe(true);
    argocd.changeApplication('api', { deployments: [api] });
    patch({ operation: { sync: { prune: true } }, status: { operationState: null } });
    await pass(60);
    expect(kubernetes.api.find('deployments.apps', 'api', 'extra')).toBeUndefined();
    expect(pods().filter((name) => name.startsWith('extra-'))).toEqual([]);
    expect(pods().length).toBeGreaterThan(0);
    expect(read().status.sync.status).toBe('Synced');
  });

  test('its health follows the pods when the nodes go and come back', async () => {
    context.signals.emit('instance-gone', instance);
    await pass(1200);
    expect(read().status.health.status).not.toBe('Healthy');
    context.signals.emit('instance-running', {
      ...instance,
      id: 'i-0fedcba9876543210',
      privateDnsName: 'ip-10-0-1-11.ap-northeast-1.compute.internal',
      privateIp: '10.0.1.11',
    });
    await pass(600);
    expect(read().status.health.status).toBe('Healthy');
  });

  test('a deletion on either side is seen on the other', async () => {
    argocd.deleteApplication('api', { seconds: 5 });
    expect(read().metadata.deletionTimestamp).toBeDefined();
    await pass(6);
    expect(read()).toBeUndefined();

    argocd.addApplication(anApplication({ name: 'web' }));
    kubernetes.api.delete(APPLICATIONS, 'argocd', 'web');
    await pass(30);
    expect(argocd.application('web')).toBeUndefined();
  });
});
