/** What both ways in to Argo CD must do alike. Each runs on the lab's Argo CD, in virtual time. */

import { type ArgocdWorld, createArgocd } from '@nightshift/lab/world/argocd/index.ts';
import { createGit } from '@nightshift/lab/world/codebuild/git.ts';
import { createContext } from '@nightshift/lab/world/context.ts';
import type { Workloads, WorldContext } from '@nightshift/lab/world/interfaces.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Argocd } from '#functions/branch-deploy/ports.ts';
import type { ApplicationSettings } from '#model/settings.ts';

export const REPOSITORY = 'https://github.com/example/api';

export interface ArgocdLab {
  readonly context: WorldContext;
  readonly argocd: ArgocdWorld;
  readonly sha: string;
  push(branch?: string): string;
  pass(seconds: number): Promise<void>;
}

export interface Subject {
  readonly argocd: Argocd;
  /** From now on it may read and not sync. */
  readOnly(): void;
  /** Requests that reached the other side. */
  requests(): number;
  close(): Promise<void>;
}

export function anArgocdLab(): ArgocdLab {
  const context = createContext({ start: new Date('2026-11-25T05:00:00Z'), seed: 7 });
  const git = createGit(context);
  git.addRepository(REPOSITORY);
  const push = (branch = 'develop') => git.push({ repository: REPOSITORY, ref: `refs/heads/${branch}` }).sha;
  const sha = push();
  push('main');
  const applied = new Map<string, number>();
  const workloads: Workloads = {
    apply: ({ namespace, name, image }) => {
      const key = `${namespace}/${name}/${image}`;
      if (!applied.has(key)) applied.set(key, context.clock.now());
      applied.set(`${namespace}/${name}`, applied.get(key) ?? 0);
    },
    health(namespace, name) {
      const at = applied.get(`${namespace}/${name}`);
      if (at === undefined) return 'Missing';
      return context.clock.now() - at < 5_000 ? 'Progressing' : 'Healthy';
    },
    available: () => true,
  };
  const argocd = createArgocd(context, {
    workloads,
    revisionOf: (repository, revision, at) => git.revisionOf(repository, revision, at),
    applicationNamespaces: ['teams'],
  });
  argocd.addProject({ name: 'other' });
  const deployments = (name: string) => [
    { namespace: 'app', name, image: `${name}:{revision}`, replicas: 1 },
  ];
  argocd.addApplication({
    name: 'api',
    repoURL: REPOSITORY,
    targetRevision: 'develop',
    deployments: deployments('api'),
  });
  argocd.addApplication({
    name: 'theirs',
    project: 'other',
    repoURL: REPOSITORY,
    deployments: deployments('theirs'),
  });
  argocd.addApplication({
    name: 'team',
    namespace: 'teams',
    repoURL: REPOSITORY,
    targetRevision: 'develop',
    deployments: deployments('team'),
  });
  argocd.addApplication({
    name: 'multi',
    repoURL: REPOSITORY,
    sources: [
      { repoURL: REPOSITORY, targetRevision: 'main' },
      { repoURL: REPOSITORY, targetRevision: 'develop' },
    ],
    deployments: deployments('multi'),
  });
  return {
    context,
    argocd,
    sha,
    push,
    pass: (seconds) => context.clock.runUntil(context.clock.now() + seconds * 1000),
  };
}

export function anApplication(overrides: Partial<ApplicationSettings> = {}): ApplicationSettings {
  return { name: 'api', project: 'default', prune: false, syncOptions: [], ...overrides };
}

export function argocdContract(name: string, connect: (lab: ArgocdLab) => Promise<Subject>): void {
  describe(`${name}: the contract of a way in to Argo CD`, () => {
    let lab: ArgocdLab;
    let subject: Subject;
    beforeEach(async () => {
      lab = anArgocdLab();
      subject = await connect(lab);
      await lab.pass(10);
    });
    afterEach(() => subject.close());

    const read = async (overrides?: Partial<ApplicationSettings>, options?: { refresh: boolean }) => {
      const reply = await subject.argocd.read(anApplication(overrides), options);
      if (!reply.ok) throw new Error(reply.error.detail);
      return reply.value;
    };
    const failureOf = async (asking: ReturnType<Argocd['read']>) => {
      const reply = await asking;
      return reply.ok ? 'none' : reply.error.kind;
    };

    test('shows where an application is, what it tracks and when it was compared', async () => {
      expect(await read(undefined, { refresh: true })).toMatchObject({
        sources: [{ repository: REPOSITORY, targetRevision: 'develop' }],
        deleting: false,
        sync: 'Synced',
        revisions: [lab.sha],
      });
    });

    test('a sync ends at the newest commit of what is tracked, and carries the deploy id', async () => {
      const sha = lab.push();
      expect(await subject.argocd.sync(anApplication(), 'deploy-1')).toMatchObject({ ok: true });
      expect((await read()).pendingOperation?.deployIds).toEqual(['deploy-1']);
      await lab.pass(30);
      const after = await read(undefined, { refresh: true });
      await lab.pass(2);
      expect(after.pendingOperation).toBeUndefined();
      expect(after.operation).toMatchObject({
        deployIds: ['deploy-1'],
        phase: 'Succeeded',
        automated: false,
        revisions: [sha],
      });
      expect(await read()).toMatchObject({ sync: 'Synced', health: 'Healthy', revisions: [sha] });
    });

    test('the state of the last operation is not taken for that of the new one', async () => {
      await subject.argocd.sync(anApplication(), 'deploy-1');
      await lab.pass(30);
      lab.push();
      await subject.argocd.sync(anApplication(), 'deploy-2');
      const view = await read();
      expect(view.operation?.deployIds ?? []).not.toContain('deploy-1');
      await lab.pass(30);
      expect((await read()).operation).toMatchObject({ deployIds: ['deploy-2'], phase: 'Succeeded' });
    });

    test('a second sync is refused as busy while one is under way', async () => {
      await subject.argocd.sync(anApplication(), 'deploy-1');
      expect(await failureOf(subject.argocd.sync(anApplication(), 'deploy-2'))).toBe('busy');
      lab.argocd.startForeignSync('multi', { username: 'alice' });
      expect(await failureOf(subject.argocd.sync(anApplication({ name: 'multi' }), 'deploy-3'))).toBe('busy');
    });

    test('of a foreign operation it is known whose it is', async () => {
      lab.argocd.startForeignSync('api', { username: 'alice' });
      expect((await read()).pendingOperation).toEqual({ deployIds: [], by: 'alice' });
    });

    test('a refresh has it compared again', async () => {
      const before = (await read(undefined, { refresh: true })).reconciledAt?.getTime() ?? 0;
      await lab.pass(20);
      await read(undefined, { refresh: true });
      await lab.pass(2);
      expect((await read()).reconciledAt?.getTime()).toBeGreaterThan(before);
    });

    test('a multi-source application has a revision for each source', async () => {
      expect((await read({ name: 'multi' }, { refresh: true })).revisions).toHaveLength(2);
      await subject.argocd.sync(anApplication({ name: 'multi' }), 'deploy-1');
      await lab.pass(30);
      const { operation, sources } = await read({ name: 'multi' });
      expect(sources).toHaveLength(2);
      expect(operation?.revisions[1]).toBe(lab.sha);
    });

    test('prune and options travel; without any the application keeps its own', async () => {
      await subject.argocd.sync(
        anApplication({ prune: true, syncOptions: ['ServerSideApply=true'] }),
        'deploy-1',
      );
      expect(lab.argocd.application('api')?.operation?.sync).toMatchObject({
        prune: true,
        syncOptions: ['ServerSideApply=true'],
      });
    });

    test.each([
      [undefined, undefined, false],
      [undefined, true, true],
      [false, true, false],
      [true, undefined, true],
    ])('prune: %j in the config, %j of the application: %j', async (configured, own, sent) => {
      const { prune: _, ...application } = anApplication();
      await subject.argocd.sync(
        configured === undefined ? application : { ...application, prune: configured },
        'deploy-1',
        own === undefined ? {} : { prune: own },
      );
      expect(lab.argocd.application('api')?.operation?.sync?.prune ?? false).toBe(sent);
    });

    test('an application in another namespace is found there', async () => {
      expect((await read({ name: 'team', namespace: 'teams' })).sync).not.toBe('OutOfSync');
      expect(
        await failureOf(subject.argocd.sync(anApplication({ name: 'team', namespace: 'teams' }), 'd')),
      ).toBe('none');
    });

    test('an application that does not exist is missing', async () => {
      expect(await failureOf(subject.argocd.read(anApplication({ name: 'nobody' })))).toBe('missing');
      expect(await failureOf(subject.argocd.sync(anApplication({ name: 'nobody' }), 'd'))).toBe('missing');
    });

    test('an application of another project is not ours under its name alone', async () => {
      expect(await failureOf(subject.argocd.read(anApplication({ name: 'theirs' })))).toBe('missing');
      expect(await failureOf(subject.argocd.sync(anApplication({ name: 'theirs' }), 'd'))).toBe('missing');
    });

    test('an application that is being deleted is shown so, and not synced', async () => {
      lab.argocd.deleteApplication('api', { seconds: 100 });
      expect((await read()).deleting).toBe(true);
      expect(await failureOf(subject.argocd.sync(anApplication(), 'd'))).toBe('deleting');
    });

    test('who may only read is forbidden to sync', async () => {
      subject.readOnly();
      expect(await failureOf(subject.argocd.read(anApplication()))).toBe('none');
      expect(await failureOf(subject.argocd.sync(anApplication(), 'd'))).toBe('forbidden');
    });

    test.each(['api/../theirs', '..', '../../v1/secrets', 'api?x=1', 'api#x', 'API', ''])(
      'nothing is asked for the name %j',
      async (bad) => {
        const before = subject.requests();
        expect(await failureOf(subject.argocd.read(anApplication({ name: bad })))).toBe('permanent');
        expect(await failureOf(subject.argocd.sync(anApplication({ name: bad }), 'd'))).toBe('permanent');
        expect(subject.requests()).toBe(before);
      },
    );
  });
}
