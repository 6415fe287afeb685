import { describe, expect, test } from 'vitest';
import { aBench, anApplication, type Bench, FIRST, REPOSITORY, SECOND, THIRD } from './builders.ts';

const statusOf = ({ argocd }: Bench, name = 'api') => {
  const object = argocd.application(name);
  return {
    sync: object?.status.sync.status,
    revision: object?.status.sync.revision,
    health: object?.status.health.status,
    phase: object?.status.operationState?.phase,
    message: object?.status.operationState?.message,
    busy: object?.operation !== undefined,
  };
};

describe('comparison', () => {
  test('an application that runs is Synced at the branch and becomes Healthy', async () => {
    const bench = aBench();
    bench.argocd.addApplication(anApplication());
    expect(statusOf(bench)).toMatchObject({ sync: 'Synced', revision: FIRST, health: 'Progressing' });
    await bench.pass(30);
    expect(statusOf(bench)).toMatchObject({ sync: 'Synced', health: 'Healthy' });
  });

  test('a push is seen at the next poll, within three minutes, or at once by a refresh', async () => {
    const bench = aBench();
    bench.argocd.addApplication(anApplication());
    await bench.pass(30);
    bench.push(SECOND);
    expect(statusOf(bench).revision).toBe(FIRST);
    await bench.pass(180);
    expect(statusOf(bench)).toMatchObject({ sync: 'OutOfSync', revision: SECOND, health: 'Healthy' });
  });

  test('a push that changes no manifest leaves it Synced at the new revision', async () => {
    const bench = aBench();
    bench.argocd.addApplication(
      anApplication({
        deployments: [{ namespace: 'api', name: 'api', image: 'example/api:1', replicas: 1 }],
      }),
    );
    bench.push(SECOND);
    await bench.pass(180);
    expect(statusOf(bench)).toMatchObject({ sync: 'Synced', revision: SECOND });
  });

  test('a branch that does not exist is an error of the comparison, and the status Unknown', async () => {
    const bench = aBench();
    bench.argocd.addApplication(anApplication({ targetRevision: 'nowhere' }));
    const { status } = bench.argocd.application('api') ?? {};
    expect(status?.sync.status).toBe('Unknown');
    expect(status?.conditions).toMatchObject([
      { type: 'ComparisonError', message: expect.stringContaining("'nowhere'") },
    ]);
  });

  test('one missing Deployment makes it OutOfSync, all missing make it Missing', async () => {
    const bench = aBench();
    const deployments = ['api', 'worker'].map((name) => ({
      namespace: 'api',
      name,
      image: 'example/api:{revision}',
      replicas: 1,
    }));
    bench.argocd.addApplication(anApplication({ deployments }));
    await bench.pass(30);
    bench.workloads.remove('api', 'worker');
    expect(statusOf(bench)).toMatchObject({ sync: 'OutOfSync', health: 'Healthy' });
    bench.workloads.remove('api', 'api');
    expect(statusOf(bench)).toMatchObject({ sync: 'OutOfSync', health: 'Missing' });
  });

  test('quiet hours set no timers', async () => {
    const bench = aBench();
    bench.argocd.addApplication(anApplication({ autoSync: {} }));
    await bench.pass(60);
    let fired = 0;
    const { at } = bench.context.clock;
    Object.assign(bench.context.clock, {
      at: (...given: Parameters<typeof at>) => {
        fired += 1;
        return at(...given);
      },
    });
    await bench.pass(10 * 3600);
    expect(fired).toBe(0);
    const before =
      bench.context.clock.now() - Date.parse(bench.argocd.application('api')?.status.reconciledAt ?? '');
    expect(before).toBeLessThan(181_000);
  });
});

describe('a sync without hooks', () => {
  test('ends when everything is applied, before it is healthy, and is compared once more', async () => {
    const bench = aBench();
    bench.argocd.addApplication(anApplication());
    await bench.pass(30);
    bench.push(SECOND);
    bench.argocd.startForeignSync('api');
    expect(statusOf(bench)).toMatchObject({ busy: true, phase: undefined });
    await bench.pass(1);
    expect(statusOf(bench)).toMatchObject({ busy: true, phase: 'Running' });
    await bench.pass(4);
    expect(statusOf(bench)).toMatchObject({
      busy: false,
      phase: 'Succeeded',
      message: 'successfully synced (all tasks run)',
      sync: 'Synced',
      revision: SECOND,
      health: 'Progressing',
    });
    const state = bench.argocd.application('api')?.status;
    expect(Date.parse(state?.reconciledAt ?? '')).toBeGreaterThanOrEqual(
      Date.parse(state?.operationState?.finishedAt ?? ''),
    );
    expect(state?.operationState?.syncResult).toMatchObject({
      revision: SECOND,
      source: { repoURL: REPOSITORY },
    });
    expect(state?.history).toMatchObject([{ id: 0, revision: SECOND, initiatedBy: { username: 'admin' } }]);
    await bench.pass(30);
    expect(statusOf(bench).health).toBe('Healthy');
    expect(bench.workloads.applied.at(-1)).toEqual({ name: 'api', image: `example/api:${SECOND}` });
  });

  test('a rollout that does not progress turns Degraded after its deadline, though the sync succeeded', async () => {
    const bench = aBench();
    bench.argocd.addApplication(anApplication());
    await bench.pass(30);
    bench.push(SECOND);
    bench.workloads.broken.add('api');
    bench.argocd.startForeignSync('api');
    await bench.pass(10);
    expect(statusOf(bench)).toMatchObject({ phase: 'Succeeded', health: 'Progressing' });
    await bench.pass(600);
    expect(statusOf(bench)).toMatchObject({ phase: 'Succeeded', health: 'Degraded' });
  });

  test('a failure is retried by the retry strategy; Running with a finish means that a retry is pending', async () => {
    const bench = aBench();
    bench.argocd.addApplication(anApplication({ autoSync: {}, retry: { limit: 1 } }));
    await bench.pass(30);
    const failure = { phase: 'Failed', message: 'one or more objects failed to apply' } as const;
    bench.argocd.failNextSync('api', failure);
    bench.argocd.failNextSync('api', failure);
    bench.push(SECOND);
    await bench.pass(180);
    let object = bench.argocd.application('api');
    for (let second = 0; second < 10 && object?.status.operationState?.retryCount === undefined; second++)
      await bench.pass(1);
    object = bench.argocd.application('api');
    await bench.pass(20);
    expect(statusOf(bench)).toMatchObject({
      busy: false,
      phase: 'Failed',
      message: 'one or more objects failed to apply (retried 1 times).',
      sync: 'OutOfSync',
    });
  });

  test('between two attempts the phase is Running and finishedAt is set', async () => {
    const bench = aBench();
    bench.argocd.addApplication(
      anApplication({ retry: { limit: 2, backoff: { duration: '30s', factor: 1 } } }),
    );
    const token = bench.argocd.addToken({ project: 'develop', role: 'deployer' });
    await bench.pass(30);
    bench.argocd.failNextSync('api', { phase: 'Error', message: 'no route to repository' });
    bench.argocd.sync(bench.argocd.authenticate(token), { name: 'api' });
    await bench.pass(5);
    const state = bench.argocd.application('api')?.status.operationState;
    expect(state).toMatchObject({ phase: 'Running', retryCount: 1, finishedAt: expect.any(String) });
    expect(state?.message).toMatch(
      /^no route to repository\. Retrying attempt #1 at 2026-11-24T01:01:00Z\.$/,
    );
    await bench.pass(40);
    expect(statusOf(bench)).toMatchObject({ phase: 'Succeeded', busy: false });
  });

  test('a terminated operation fails', async () => {
    const bench = aBench();
    bench.argocd.addApplication(anApplication({ syncSeconds: 60 }));
    const caller = bench.argocd.authenticate(bench.argocd.addToken({ project: 'develop', role: 'deployer' }));
    bench.argocd.sync(caller, { name: 'api' });
    await bench.pass(5);
    bench.argocd.terminate(caller, { name: 'api', project: 'develop' });
    expect(statusOf(bench).phase).toBe('Terminating');
    await bench.pass(5);
    expect(statusOf(bench)).toMatchObject({ phase: 'Failed', message: 'Operation terminated', busy: false });
    expect(() => bench.argocd.terminate(caller, { name: 'api' })).toThrow('No operation is in progress');
  });

  test('a dry run changes nothing', async () => {
    const bench = aBench();
    bench.argocd.addApplication(anApplication());
    bench.push(SECOND);
    const caller = bench.argocd.authenticate(bench.argocd.addToken({ project: 'develop', role: 'deployer' }));
    bench.argocd.sync(caller, { name: 'api', dryRun: true });
    await bench.pass(10);
    expect(statusOf(bench).phase).toBe('Succeeded');
    expect(bench.workloads.applied.at(-1)?.image).toBe(`example/api:${FIRST}`);
  });
});

describe('hooks', () => {
  const hooks = [
    { phase: 'PreSync', name: 'migrate', namespace: 'api', seconds: 40 },
    { phase: 'PostSync', name: 'smoke', namespace: 'api', seconds: 10 },
  ] as const;

  test('the operation waits for the Job before, for the health between, and for the Job after', async () => {
    const bench = aBench();
    bench.argocd.addApplication(anApplication({ hooks }));
    await bench.pass(30);
    bench.push(SECOND);
    bench.argocd.startForeignSync('api');
    await bench.pass(20);
    expect(statusOf(bench).message).toBe('waiting for completion of hook batch/Job/migrate');
    await bench.pass(35);
    expect(statusOf(bench).message).toBe('waiting for healthy state of apps/Deployment/api');
    await bench.pass(15);
    expect(statusOf(bench).message).toBe('waiting for completion of hook batch/Job/smoke');
    await bench.pass(15);
    expect(statusOf(bench)).toMatchObject({
      phase: 'Succeeded',
      message: 'successfully synced (no more tasks)',
      health: 'Healthy',
      sync: 'Synced',
    });
  });

  test('a hook that fails fails the operation before anything is applied', async () => {
    const bench = aBench();
    bench.argocd.addApplication(anApplication({ hooks: [{ ...hooks[0], outcome: 'fails' }] }));
    bench.push(SECOND);
    bench.argocd.startForeignSync('api');
    await bench.pass(60);
    expect(statusOf(bench)).toMatchObject({
      phase: 'Failed',
      message: 'one or more synchronization tasks completed unsuccessfully',
    });
    expect(bench.workloads.applied.at(-1)?.image).toBe(`example/api:${FIRST}`);
  });

  test('while the nodes sleep a hook never ends and the operation stays Running until they are back', async () => {
    const bench = aBench();
    bench.argocd.addApplication(anApplication({ hooks: [hooks[0]] }));
    bench.push(SECOND);
    bench.workloads.awake = false;
    bench.argocd.startForeignSync('api');
    await bench.pass(8 * 3600);
    expect(statusOf(bench)).toMatchObject({ phase: 'Running', busy: true });
    expect(() => bench.argocd.startForeignSync('api')).toThrow('another operation is already in progress');
    bench.workloads.awake = true;
    await bench.pass(100);
    expect(statusOf(bench)).toMatchObject({ phase: 'Succeeded', busy: false });
  });
});

describe('automated sync', () => {
  test('a push is deployed after the next poll, and the operation has no initiator', async () => {
    const bench = aBench();
    bench.argocd.addApplication(anApplication({ autoSync: { prune: true } }));
    await bench.pass(30);
    bench.push(SECOND);
    await bench.pass(220);
    expect(statusOf(bench)).toMatchObject({
      sync: 'Synced',
      revision: SECOND,
      health: 'Healthy',
      phase: 'Succeeded',
    });
    expect(bench.argocd.application('api')?.status.operationState?.operation).toMatchObject({
      initiatedBy: { automated: true },
      sync: { revision: SECOND, prune: true },
    });
  });

  test('a revision that failed is not tried again; the next one is', async () => {
    const bench = aBench();
    const admission = { namespace: 'kyverno', deployment: 'kyverno' };
    bench.workloads.apply({ ...admission, name: 'kyverno', image: 'kyverno:1', replicas: 1 });
    bench.argocd.addApplication(anApplication({ autoSync: {}, admission }));
    await bench.pass(30);
    bench.workloads.awake = false;
    bench.push(SECOND);
    await bench.pass(3600);
    expect(statusOf(bench)).toMatchObject({
      phase: 'Failed',
      sync: 'OutOfSync',
      revision: SECOND,
      busy: false,
    });
    expect(statusOf(bench).message).toContain('no endpoints available for service "kyverno"');
    expect(statusOf(bench).message).toContain('(retried 5 times).');
    bench.workloads.awake = true;
    await bench.pass(3600);
    expect(statusOf(bench)).toMatchObject({ phase: 'Failed', sync: 'OutOfSync' });
    expect(bench.argocd.application('api')?.status.conditions).toMatchObject([
      { type: 'SyncError', message: expect.stringContaining(`Failed last sync attempt to [${SECOND}]`) },
    ]);
    bench.push(THIRD);
    await bench.pass(300);
    expect(statusOf(bench)).toMatchObject({ phase: 'Succeeded', sync: 'Synced', revision: THIRD });
  });

  test('self heal puts back what was deleted', async () => {
    const bench = aBench();
    bench.argocd.addApplication(anApplication({ autoSync: { selfHeal: true } }));
    await bench.pass(30);
    bench.workloads.remove('api', 'api');
    expect(statusOf(bench).sync).toBe('OutOfSync');
    await bench.pass(200);
    expect(statusOf(bench).sync).toBe('OutOfSync');
    await bench.pass(30);
    expect(statusOf(bench)).toMatchObject({ sync: 'Synced', health: 'Healthy' });
  });

  test('an Argo CD in the cluster does nothing while its own pods sleep, and catches up', async () => {
    const inCluster = { namespace: 'argocd', deployment: 'argocd-server' };
    const bench = aBench({ inCluster });
    bench.workloads.apply({ ...inCluster, name: 'argocd-server', image: 'argocd:3.6', replicas: 1 });
    await bench.pass(30);
    bench.argocd.addApplication(anApplication({ autoSync: {} }));
    await bench.pass(30);
    expect(statusOf(bench).health).toBe('Healthy');
    bench.workloads.awake = false;
    expect(bench.argocd.available()).toBe(false);
    bench.push(SECOND);
    await bench.pass(3600);
    expect(statusOf(bench)).toMatchObject({ revision: FIRST, health: 'Healthy' });
    bench.workloads.awake = true;
    await bench.pass(120);
    expect(statusOf(bench)).toMatchObject({ revision: SECOND, sync: 'Synced', phase: 'Succeeded' });
  });
});

describe('sync windows', () => {
  const freeze = { kind: 'deny', schedule: '0 0 * * *', duration: '24h', applications: ['*'] } as const;

  test('a window that opens while an operation runs holds it up', async () => {
    const bench = aBench();
    bench.argocd.addApplication(anApplication({ syncSeconds: 5 }));
    bench.argocd.startForeignSync('api');
    const lift = bench.argocd.addSyncWindow('develop', freeze);
    await bench.pass(60);
    expect(statusOf(bench)).toMatchObject({
      phase: 'Running',
      message: 'Sync operation blocked by sync window',
    });
    lift();
    await bench.pass(60);
    expect(statusOf(bench).phase).toBe('Succeeded');
  });

  test('an automated sync waits for the window to end', async () => {
    const bench = aBench();
    bench.argocd.addApplication(anApplication({ autoSync: {} }));
    bench.argocd.addSyncWindow('develop', {
      kind: 'deny',
      schedule: '0 1 * * *',
      duration: '1h',
      applications: ['api'],
      manualSync: true,
    });
    await bench.pass(30);
    bench.push(SECOND);
    await bench.pass(1800);
    expect(statusOf(bench)).toMatchObject({ sync: 'OutOfSync', busy: false });
    await bench.pass(2100);
    statusOf(bench);
    await bench.pass(30);
    expect(statusOf(bench).sync).toBe('Synced');
  });
});

test('several sources have a revision each', async () => {
  const bench = aBench();
  bench.git.addRepository('https://github.com/example/values');
  bench.git.push({ repository: 'https://github.com/example/values', ref: 'refs/heads/main', sha: THIRD });
  bench.argocd.addApplication(
    anApplication({
      sources: [
        { repoURL: REPOSITORY, targetRevision: 'develop', path: 'deploy' },
        { repoURL: 'https://github.com/example/values', targetRevision: 'main', ref: 'values' },
      ],
    }),
  );
  bench.push(SECOND);
  bench.argocd.startForeignSync('api');
  await bench.pass(10);
  const object = bench.argocd.application('api');
  expect(object?.spec).not.toHaveProperty('source');
  expect(object?.status.sync).toMatchObject({ status: 'Synced', revisions: [SECOND, THIRD] });
  expect(object?.status.operationState?.syncResult).toMatchObject({
    revision: '',
    revisions: [SECOND, THIRD],
  });
});

test('a suspended workload makes the application Suspended', async () => {
  const bench = aBench();
  bench.argocd.addApplication(anApplication());
  await bench.pass(30);
  bench.argocd.changeApplication('api', { suspended: true });
  expect(statusOf(bench).health).toBe('Suspended');
});

test('a deleted application stays until its finalizer has run', async () => {
  const bench = aBench();
  bench.argocd.addApplication(anApplication());
  bench.argocd.deleteApplication('api', { seconds: 20 });
  expect(bench.argocd.application('api')?.metadata.deletionTimestamp).toBe('2026-11-24T01:00:00Z');
  await bench.pass(21);
  expect(bench.argocd.application('api')).toBeUndefined();
});

test('reading an application again and again changes nothing', async () => {
  const bench = aBench();
  bench.argocd.addApplication(anApplication());
  await bench.pass(3599.5);
  const first = bench.argocd.application('api');
  expect(bench.argocd.application('api')).toEqual(first);
  await bench.pass(1);
  expect(bench.argocd.application('api')?.metadata.resourceVersion).toBe(first?.metadata.resourceVersion);
});

test('a retry waits twice as long as its message states, as in 3.6', async () => {
  const bench = aBench();
  bench.argocd.addApplication(anApplication({ retry: { limit: 1 } }));
  const caller = bench.argocd.authenticate(bench.argocd.addToken({ project: 'develop', role: 'deployer' }));
  bench.argocd.failNextSync('api', { phase: 'Failed', message: 'no' });
  bench.argocd.sync(caller, { name: 'api' });
  await bench.pass(1);
  expect(statusOf(bench).message).toBe('no. Retrying attempt #1 at 2026-11-24T01:00:05Z.');
  await bench.pass(8);
  expect(bench.argocd.application('api')?.status.operationState?.finishedAt).toBeDefined();
  await bench.pass(2);
  expect(statusOf(bench)).toMatchObject({ phase: 'Running' });
  expect(bench.argocd.application('api')?.status.operationState?.finishedAt).toBeUndefined();
});

test('an operator can terminate a running operation and sync again', async () => {
  const bench = aBench();
  bench.argocd.addApplication(anApplication({ syncSeconds: 120 }));
  const caller = bench.argocd.authenticate(bench.argocd.addToken({ project: 'develop', role: 'deployer' }));
  bench.argocd.sync(caller, { name: 'api', infos: [{ name: 'deploy', value: 'ours' }] });
  await bench.pass(5);
  bench.argocd.terminateForeign('api');
  await bench.pass(5);
  expect(statusOf(bench)).toMatchObject({ phase: 'Failed', busy: false });
  bench.argocd.startForeignSync('api', { username: 'alice' });
  await bench.pass(5);
  expect(bench.argocd.application('api')?.status.operationState?.operation).toMatchObject({
    initiatedBy: { username: 'alice' },
  });
  expect(bench.argocd.application('api')?.status.operationState?.operation).not.toHaveProperty('info');
});

test('a project that is added again keeps its tokens; after its removal its applications fail', async () => {
  const bench = aBench();
  bench.argocd.addApplication(anApplication());
  const token = bench.argocd.addToken({ project: 'develop', role: 'deployer' });
  bench.argocd.addProject({ name: 'develop' });
  const caller = bench.argocd.authenticate(token);
  bench.argocd.sync(caller, { name: 'api' });
  bench.argocd.removeProject('develop');
  await bench.pass(5);
  expect(statusOf(bench)).toMatchObject({
    phase: 'Error',
    message: 'Failed to load application project: appproject.argoproj.io "develop" not found',
  });
  expect(() => bench.argocd.authenticate(token)).toThrow(
    'invalid session: appproject.argoproj.io "develop" not found',
  );
});
