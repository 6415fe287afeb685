/** What branch-deploy's two ways in to Argo CD take for granted. */
import { describe, expect, test } from 'vitest';
import type { ApplicationView, Argocd } from '#functions/branch-deploy/ports.ts';
import type { ApplicationSettings } from '#model/settings.ts';
import { PROJECT, ROLE, type Stage, settingsOf, TEAMS } from '../stage.ts';

interface Way {
  readonly name: string;
  /** In front of the names of its applications. */
  readonly prefix: string;
  connect(stage: Stage): Promise<Argocd>;
  /** May read and not sync. */
  connectReader(stage: Stage): Promise<Argocd>;
  /** As whom Argo CD knows it. */
  readonly username: string;
}

const WAYS: readonly Way[] = [
  {
    name: 'through the API server',
    prefix: 's',
    connect: async (stage) => stage.server(await stage.projectToken(PROJECT, ROLE)),
    connectReader: async (stage) => stage.server(await stage.projectToken('others', 'reader')),
    username: `proj:${PROJECT}:${ROLE}`,
  },
  {
    name: 'through the Kubernetes API',
    prefix: 'k',
    connect: async (stage) => stage.objects('branch-deploy'),
    connectReader: async (stage) => stage.objects('reader'),
    username: 'nightshift',
  },
];

type Named = Partial<ApplicationSettings> & { readonly name: string };

export function waysIn(stage: () => Stage): void {
  describe.each(WAYS)('$name', (way) => {
    const named = (name: string) => `${way.prefix}-${name}`;
    let connected: Promise<Argocd> | undefined;
    const connect = () => {
      connected ??= way.connect(stage());
      return connected;
    };
    const read = async (application: Named, options?: { refresh: boolean }) => {
      const argocd = await connect();
      return viewIn(await argocd.read(settingsOf(application), options));
    };
    const sync = async (application: Named, deployId: string, options?: { revision: string }) => {
      const argocd = await connect();
      return argocd.sync(settingsOf(application), deployId, options);
    };
    const add = (application: Parameters<Stage['addApplication']>[0]) => stage().addApplication(application);
    const over = (application: Named, seconds?: number) =>
      stage().until(
        `the end of the operation of ${application.name}`,
        async () => {
          const view = await read(application);
          const phase = view.operation?.phase ?? 'Running';
          return !view.pendingOperation && !['Running', 'Terminating'].includes(phase) && view;
        },
        seconds,
      );
    const until = (
      application: Named,
      what: string,
      is: (view: ApplicationView) => boolean,
      refresh = false,
    ) =>
      stage().until(`${application.name} ${what}`, async () => {
        const argocd = await connect();
        const answer = await argocd.read(settingsOf(application), { refresh });
        // A refresh is answered when it is done: on a busy machine that takes long.
        if (failureIn(answer) === 'transient') return undefined;
        const view = viewIn(answer);
        return is(view) && view;
      });

    test('an application that was never synced is OutOfSync and Missing, and shows what it tracks', async () => {
      const name = named('new');
      await add({ name });
      const view = await until({ name }, 'was compared', ({ sync }) => sync !== 'Unknown', true);
      expect(view).toMatchObject({
        sources: [{ repository: stage().repository, targetRevision: name }],
        deleting: false,
        sync: 'OutOfSync',
        health: 'Missing',
        revisions: [await stage().head(name)],
      });
      expect(view.operation).toBeUndefined();
      expect(view.pendingOperation).toBeUndefined();
    });

    test('a sync without a revision brings the newest commit of the branch, and carries the deploy id to its end', async () => {
      const name = named('first');
      await add({ name });
      const sha = await stage().push(name);
      const asked = viewIn(await sync({ name }, 'deploy-1'));
      expect(asked.pendingOperation).toEqual({ deployIds: ['deploy-1'], by: way.username });
      const done = await over({ name });
      expect(done.operation).toMatchObject({
        deployIds: ['deploy-1'],
        by: way.username,
        automated: false,
        phase: 'Succeeded',
        message: expect.stringMatching(/^successfully synced/),
        revisions: [sha],
      });
      expect(done.operation?.finishedAt).toBeInstanceOf(Date);
      const view = await until({ name }, 'is Healthy', ({ health }) => health === 'Healthy', true);
      expect(view).toMatchObject({ sync: 'Synced', health: 'Healthy', revisions: [sha] });
    });

    test('Argo CD compares it by itself after the operation ended', async () => {
      const name = named('compared');
      await add({ name });
      await sync({ name }, 'deploy-1');
      const { operation } = await over({ name });
      // No more than that: both are whole seconds, and a comparison before the sync may have the same.
      const compared = ({ sync, reconciledAt }: ApplicationView) =>
        sync === 'Synced' && (reconciledAt ?? 0) >= (operation?.finishedAt ?? 0);
      await until({ name }, 'is Synced by a comparison after its sync', compared);
    });

    test('what the last operation ended with is not shown for the new one', async () => {
      const name = named('again');
      await add({ name });
      await sync({ name }, 'deploy-1');
      await over({ name });
      await stage().push(name);
      const asked = viewIn(await sync({ name }, 'deploy-2'));
      expect(asked.operation?.deployIds ?? []).not.toContain('deploy-1');
      expect((await read({ name })).operation?.deployIds ?? []).not.toContain('deploy-1');
      expect((await over({ name })).operation).toMatchObject({ deployIds: ['deploy-2'], phase: 'Succeeded' });
    });

    test('a sync of what is Synced already succeeds', async () => {
      const name = named('twice');
      await add({ name });
      await sync({ name }, 'deploy-1');
      await over({ name });
      await sync({ name }, 'deploy-2');
      expect((await over({ name })).operation).toMatchObject({ deployIds: ['deploy-2'], phase: 'Succeeded' });
    });

    test('a revision that is named is what is synced, and leaves the application OutOfSync behind its branch', async () => {
      const name = named('revision');
      await add({ name });
      const older = await stage().head(name);
      const newer = await stage().push(name);
      await sync({ name }, 'deploy-1', { revision: older });
      expect((await over({ name })).operation).toMatchObject({ phase: 'Succeeded', revisions: [older] });
      const behind = (view: ApplicationView) => view.sync === 'OutOfSync' && view.revisions[0] === newer;
      await until({ name }, 'is behind its branch', behind, true);
    });

    test('while a hook waits for a node the operation runs, and a second sync is refused as busy', async () => {
      const name = named('hook');
      await add({ name, hook: true });
      await sync({ name }, 'deploy-1');
      const view = await until({ name }, 'waits for the hook', ({ operation }) =>
        /waiting for completion of hook/.test(operation?.message ?? ''),
      );
      expect(view.operation).toMatchObject({
        phase: 'Running',
        message: `waiting for completion of hook batch/Job/${name}-before`,
      });
      expect(view.operation?.finishedAt).toBeUndefined();
      expect(view.pendingOperation?.deployIds).toEqual(['deploy-1']);
      expect(failureIn(await sync({ name }, 'deploy-2'))).toBe('busy');
    });

    test('an operation that a person terminates has failed', async () => {
      const name = named('terminated');
      await add({ name, hook: true });
      await sync({ name }, 'deploy-1');
      await until({ name }, 'waits for the hook', ({ operation }) => /hook/.test(operation?.message ?? ''));
      await stage().terminateAsAdmin(name);
      expect((await over({ name })).operation).toMatchObject({
        phase: 'Failed',
        message: 'Operation terminated',
      });
    });

    test('the operation of a person is known as theirs, and not touched', async () => {
      const name = named('foreign');
      await add({ name, hook: true });
      await stage().syncAsAdmin(name);
      const view = await until(
        { name },
        'has an operation',
        ({ pendingOperation }) => pendingOperation !== undefined,
      );
      expect(view.pendingOperation).toEqual({ deployIds: [], by: 'admin' });
      expect(failureIn(await sync({ name }, 'deploy-1'))).toBe('busy');
    });

    test('a refresh has it compared again', async () => {
      const name = named('refresh');
      await add({ name });
      const first = await until({ name }, 'was compared', ({ reconciledAt }) => !!reconciledAt, true);
      await stage().pause(1_100);
      await read({ name }, { refresh: true });
      await until(
        { name },
        'was compared again',
        ({ reconciledAt }) => (reconciledAt ?? 0) > (first.reconciledAt ?? 0),
      );
    });

    test('prune and options travel; the application keeps its own where none are named', async () => {
      const name = named('options');
      await add({ name, hook: true, syncOptions: ['CreateNamespace=true'] });
      await sync({ name, prune: true, syncOptions: ['ServerSideApply=true'] }, 'deploy-1');
      const other = named('own-options');
      await add({ name: other, hook: true, syncOptions: ['CreateNamespace=true'] });
      await sync({ name: other }, 'deploy-1');
      expect((await stage().object(name)).operation?.sync).toMatchObject({
        prune: true,
        syncOptions: ['ServerSideApply=true'],
      });
      const { sync: kept } = (await stage().object(other)).operation ?? {};
      expect(kept?.syncOptions).toEqual(['CreateNamespace=true']);
      expect(kept?.prune ?? false).toBe(false);
    });

    test('an application with two sources has two revisions', async () => {
      const name = named('two');
      await add({ name, secondSource: true });
      const shas = [await stage().head(name), await stage().head(`${name}-2`)];
      await sync({ name }, 'deploy-1');
      const view = await over({ name });
      expect(view.operation).toMatchObject({ phase: 'Succeeded', revisions: shas });
      expect(view.sources.map(({ targetRevision }) => targetRevision)).toEqual([name, `${name}-2`]);
      expect((await read({ name }, { refresh: true })).revisions).toEqual(shas);
    });

    test('what is gone from the repository stays and leaves it OutOfSync, unless it is pruned', async () => {
      const name = named('prune');
      await add({ name, extra: true });
      await sync({ name }, 'deploy-1');
      await over({ name });
      const sha = await stage().dropExtra(name);
      await sync({ name }, 'deploy-2');
      expect((await over({ name })).operation).toMatchObject({ phase: 'Succeeded', revisions: [sha] });
      const compared = ({ revisions, operation, reconciledAt }: ApplicationView) =>
        revisions[0] === sha && (reconciledAt ?? 0) >= (operation?.finishedAt ?? 0);
      expect((await until({ name }, 'was compared', compared, true)).sync).toBe('OutOfSync');
      await sync({ name, prune: true }, 'deploy-3');
      expect((await over({ name })).operation).toMatchObject({
        deployIds: ['deploy-3'],
        phase: 'Succeeded',
        message: expect.stringMatching(/^successfully synced/),
      });
      await until({ name }, 'is Synced', ({ sync }) => sync === 'Synced', true);
    });

    test('an application that syncs by itself waits outside its sync window, and no operation is begun', async () => {
      const name = `${named('waits')}-frozen`;
      await add({ name, project: 'frozen', autoSync: {} });
      const argocd =
        way.prefix === 's' ? stage().server(await stage().projectToken('frozen', ROLE)) : stage().objects();
      const application = settingsOf({ name, project: 'frozen' });
      const readIt = async () => viewIn(await argocd.read(application, { refresh: true }));
      await stage().until('a comparison', async () => (await readIt()).sync === 'OutOfSync');
      await stage().pause(3_000);
      const view = await readIt();
      expect(view.sync).toBe('OutOfSync');
      expect(view.pendingOperation).toBeUndefined();
      expect(view.operation).toBeUndefined();
    });

    test('an application in a namespace of its own is found there, and synced', async () => {
      const application = { name: named('team'), namespace: TEAMS, project: 'team' };
      await add(application);
      const argocd =
        way.prefix === 's' ? stage().server(await stage().projectToken('team', ROLE)) : stage().objects();
      const asked = await argocd.sync(settingsOf(application), 'deploy-1');
      expect(failureIn(asked)).toBe('none');
      await stage().until('the sync in the other namespace', async () => {
        const { operation } = viewIn(await argocd.read(settingsOf(application)));
        return operation?.phase === 'Succeeded';
      });
    });

    test('an application that does not exist is missing', async () => {
      const argocd = await connect();
      const nobody = settingsOf({ name: 'no-such-application' });
      expect(failureIn(await argocd.read(nobody))).toBe('missing');
      expect(failureIn(await argocd.sync(nobody, 'd'))).toBe('missing');
    });

    test('an application of another project is missing under its name', async () => {
      const name = named('theirs');
      await add({ name, project: 'others' });
      const argocd = await connect();
      expect(failureIn(await argocd.read(settingsOf({ name })))).toBe('missing');
      expect(failureIn(await argocd.sync(settingsOf({ name }), 'd'))).toBe('missing');
    });

    test('who may only read is forbidden to sync', async () => {
      const application = { name: named('read-only'), project: 'others' };
      await add(application);
      const argocd = await way.connectReader(stage());
      expect(failureIn(await argocd.read(settingsOf(application)))).toBe('none');
      expect(failureIn(await argocd.sync(settingsOf(application), 'd'))).toBe('forbidden');
    });

    test('an application that is being deleted is shown so, and not synced', async () => {
      const name = named('deleting');
      await add({ name });
      await sync({ name }, 'deploy-1');
      await over({ name });
      await stage().deleteApplication(name);
      expect((await read({ name })).deleting).toBe(true);
      expect(failureIn(await sync({ name }, 'd'))).toBe('deleting');
    });

    test('what an admission webhook without pods does not let in fails the sync, and the message says so', async () => {
      const name = named('webhook');
      await add({ name, webhook: true });
      await sync({ name }, 'deploy-1');
      const { operation } = await over({ name });
      expect(operation?.phase).toBe('Failed');
      expect(operation?.message).toMatch(
        /^one or more objects failed to apply, reason: .*Internal error occurred: failed calling webhook ".+": failed to call webhook: Post "https:.+": no endpoints available for service "\w+"$/,
      );
    });

    test('between two attempts the phase is Running with an end, and after the last one the message has their number', async () => {
      const name = named('retry');
      await add({ name, webhook: true, retry: { limit: 1, backoff: { duration: '3s' } } });
      await sync({ name }, 'deploy-1');
      const between = await until(
        { name },
        'waits for its next attempt',
        ({ operation }) => operation?.finishedAt !== undefined,
      );
      expect(between.operation?.phase).toBe('Running');
      expect(between.operation?.message).toMatch(
        / Retrying attempt #1 at \d+:\d\d(AM|PM)\.$|Retrying attempt #1 at /,
      );
      expect(between.pendingOperation?.deployIds).toEqual(['deploy-1']);
      const { operation } = await over({ name }, 60);
      expect(operation).toMatchObject({
        phase: 'Failed',
        message: expect.stringMatching(/\(retried 1 times\)\.?$/),
      });
      // The message says 3 s, the wait counts the attempt that is to come as well, and is 6 s.
      const waited =
        (operation?.finishedAt?.getTime() ?? 0) - (between.operation?.finishedAt?.getTime() ?? 0);
      expect(waited).toBeGreaterThanOrEqual(5_000);
    });

    test('a branch that does not exist is an error, not a success', async () => {
      const name = named('no-branch');
      await add({ name });
      await stage().editApplication(name, { branch: 'no-such-branch' });
      const reply = await sync({ name }, 'deploy-1');
      if (way.prefix === 's') {
        expect(reply).toMatchObject({
          error: {
            kind: 'permanent',
            detail: expect.stringMatching(/unable to resolve 'no-such-branch' to a commit SHA/),
          },
        });
      } else {
        expect((await over({ name })).operation).toMatchObject({
          phase: 'Error',
          message: expect.stringMatching(/^ComparisonError: .*unable to resolve 'no-such-branch'/),
        });
      }
      expect((await until({ name }, 'was compared', ({ sync }) => sync === 'Unknown', true)).sync).toBe(
        'Unknown',
      );
    });

    test('a sync that succeeded is not a healthy application: it is Progressing until its pods are there', async () => {
      const name = named('slow');
      await add({ name });
      await stage().rollout(name, 'never');
      await sync({ name }, 'deploy-1');
      expect((await over({ name })).operation?.phase).toBe('Succeeded');
      await until(
        { name },
        'progresses',
        ({ sync, health }) => sync === 'Synced' && health === 'Progressing',
      );
      await stage().rollout(name, 'soon');
      await until({ name }, 'is Healthy', ({ health }) => health === 'Healthy');
    });

    test('a rollout past its deadline is Degraded, and the message names the resource', async () => {
      const name = named('broken');
      await add({ name });
      await stage().rollout(name, 'fails');
      await sync({ name }, 'deploy-1');
      const view = await until({ name }, 'is Degraded', ({ health }) => health === 'Degraded');
      expect(view.operation?.phase).toBe('Succeeded');
      // Only the API server returns the health of each resource.
      expect(view.healthMessage).toBe(
        way.prefix === 's'
          ? `Deployment ${name}: Deployment "${name}" exceeded its progress deadline`
          : `Caused by apps/Deployment:app/${name}`,
      );
    });

    test('a paused Deployment is Suspended', async () => {
      const name = named('paused');
      await add({ name, paused: true });
      await sync({ name }, 'deploy-1');
      await until({ name }, 'is Suspended', ({ health }) => health === 'Suspended');
    });

    test('an application that syncs by itself does so after a push, without a user', async () => {
      const name = named('automatic');
      await add({ name, autoSync: {} });
      const sha = await stage().push(name);
      const view = await until(
        { name },
        'synced by itself',
        ({ operation }) => operation?.phase === 'Succeeded' && operation.revisions[0] === sha,
        true,
      );
      expect(view.operation).toMatchObject({ automated: true, by: "Argo CD's auto-sync", deployIds: [] });
    });

    test('a revision that failed is not tried again by an application that syncs by itself, and a condition says so', async () => {
      const name = named('gives-up');
      await add({
        name,
        autoSync: {},
        webhook: true,
        retry: { limit: 0, backoff: { duration: '1s' } },
      });
      const sha = await stage().head(name);
      await until({ name }, 'failed by itself', ({ operation }) => operation?.phase === 'Failed', true);
      const failed = (await read({ name })).operation;
      const conditions = await stage().until('the condition', async () => {
        await read({ name }, { refresh: true });
        const { status } = await stage().object(name);
        const found = (status?.conditions ?? []).filter(({ type }) => type === 'SyncError');
        return found.length > 0 && found;
      });
      expect(conditions[0]?.message).toBe(`Failed last sync attempt to [${sha}]: ${failed?.message}`);
      await stage().pause(3_000);
      expect((await read({ name })).operation?.startedAt).toEqual(failed?.startedAt);
    });

    test('an application that syncs by itself takes a sync that names no revision', async () => {
      const name = named('automatic-too');
      await add({ name, autoSync: {} });
      await until({ name }, 'synced by itself', ({ operation }) => operation?.phase === 'Succeeded', true);
      expect(failureIn(await sync({ name }, 'deploy-1'))).toBe('none');
      const view = await until({ name }, 'carries ours', ({ operation }) =>
        Boolean(operation?.deployIds.includes('deploy-1') && operation.phase === 'Succeeded'),
      );
      expect(view.operation?.automated).toBe(false);
    });
  });
}

export function viewIn(answer: Awaited<ReturnType<Argocd['read']>>): ApplicationView {
  if (!answer.ok) throw new Error(`${answer.error.kind}: ${answer.error.detail}`);
  return answer.value;
}

export function failureIn(answer: Awaited<ReturnType<Argocd['read']>>): string {
  return answer.ok ? 'none' : answer.error.kind;
}
