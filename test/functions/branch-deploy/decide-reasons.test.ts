import { describe, expect, it } from 'vitest';
import {
  describe as described,
  LIMITS,
  nextStep,
  type Step,
  shortSha,
} from '#functions/branch-deploy/decide.ts';
import type { ApplicationView } from '#functions/branch-deploy/ports.ts';
import type { ApplicationRecord, RequestedBuild, SyncAttempt } from '#functions/branch-deploy/record.ts';
import {
  aBuild,
  ago,
  anAttempt,
  anOperation,
  aRecord,
  aView,
  NEWER,
  now,
  OLD,
  OURS,
  REPOSITORY,
  unasked,
} from './an-application.ts';

/** Every step in full: what is asked of Argo CD, and the words that people read. */

type Operation = NonNullable<ApplicationView['operation']>;

const step = (view: Partial<ApplicationView>, record: ApplicationRecord) =>
  nextStep(record, aView(view), now);
const sync = (reason: string): Step => ({ do: 'sync', reason });
const wait = (reason: string): Step => ({ do: 'wait', reason });
const blocked = (reason: string): Step => ({ do: 'wait', reason, blocked: true });
const settled = (outcome: string, reason: string) => ({ do: 'settle', outcome, reason });

function without<T extends object, K extends keyof T>(given: T, key: K): Omit<T, K> {
  const { [key]: _, ...rest } = given;
  return rest;
}
const running = (overrides: Partial<Operation> = {}) =>
  without(anOperation({ phase: 'Running', ...overrides }), 'finishedAt');
const second = (overrides: Partial<RequestedBuild> = {}) =>
  aBuild({ build: 'api-develop:2', number: 2, sha: NEWER, startedAt: ago(55).toISOString(), ...overrides });
const halfAnHour = LIMITS.deployMs / 1000;

describe('before a sync was asked for', () => {
  it('a build that succeeded is synced, and named by number, project and commit', () => {
    const outOfSync = { sync: 'OutOfSync', revisions: [OLD] } as const;
    expect(step(outOfSync, unasked())).toEqual(sync('build 1 of api-develop (aaaaaaa) succeeded'));
    const both = [aBuild(), without(aBuild({ project: 'web', number: 7 }), 'sha')];
    expect(step(outOfSync, unasked({ requested: both }))).toEqual(
      sync('build 1 of api-develop (aaaaaaa) and build 7 of web succeeded'),
    );
  });

  it('an application that is being deleted is not', () => {
    expect(step({ deleting: true }, unasked())).toEqual(
      settled('failed', 'the application is being deleted'),
    );
  });

  it('an application on another branch is not, and that is a mistake of the config', () => {
    const sources = [{ repository: REPOSITORY, targetRevision: 'main' }];
    expect(step({ sources }, unasked())).toEqual({
      ...settled('failed', `the application tracks main of ${REPOSITORY}, and develop is bound to it`),
      misconfigured: true,
    });
  });

  it('whoever is in the way is waited for, and named', () => {
    const pendingOperation = { deployIds: [], by: 'alice' };
    expect(step({ pendingOperation }, unasked())).toEqual(
      blocked('an operation of alice runs: it is waited for'),
    );
    expect(step({ operation: running({ by: 'bob' }) }, unasked())).toEqual(
      blocked('an operation of bob runs: it is waited for'),
    );
  });

  it.each<[string, Partial<ApplicationView>]>([
    ['and was compared later', {}],
    ['and was compared in the second of its last end', { reconciledAt: ago(40) }],
    ['and its operation has no end', { operation: without(anOperation(), 'finishedAt') }],
  ])('an application that is there %s is left so', (_what, view) => {
    expect(step(view, unasked())).toEqual(
      settled('deployed', 'Argo CD was Synced and Healthy at aaaaaaa already'),
    );
  });

  it('an application that never had an operation may be there as well', () => {
    expect(nextStep(unasked(), without(aView(), 'operation'), now)).toMatchObject({ outcome: 'deployed' });
  });

  it.each<[string, Partial<ApplicationView>, RequestedBuild[]]>([
    ['is not Healthy', { health: 'Degraded' }, [aBuild()]],
    ['is at the commit of one of two builds only', {}, [aBuild(), second({ project: 'web' })]],
    ['has no source that was built', {}, [aBuild({ repository: 'https://github.com/example/other' })]],
  ])('an application that %s is synced', (_what, view, requested) => {
    expect(step(view, unasked({ requested }))).toEqual(sync(`${described(requested)} succeeded`));
  });

  it('an application that was never compared is synced', () => {
    expect(nextStep(unasked(), without(aView(), 'reconciledAt'), now)).toMatchObject({ do: 'sync' });
  });

  it('a rollout that an earlier sync began is waited for, half an hour from the newest build on', () => {
    const recorded = (seconds: number) =>
      aBuild({ startedAt: ago(60).toISOString(), recordedAt: ago(seconds).toISOString() });
    const at = (...requested: RequestedBuild[]) => step({ health: 'Progressing' }, unasked({ requested }));
    expect(at(recorded(halfAnHour))).toEqual(wait('synced to aaaaaaa and Progressing'));
    expect(at(recorded(halfAnHour + 1))).toEqual(
      settled('failed', 'synced to aaaaaaa and Progressing, for more than 30 minutes'),
    );
    expect(at(recorded(halfAnHour + 1), { ...recorded(60), project: 'web' })).toMatchObject({ do: 'wait' });
  });
});

describe('a sync of ours', () => {
  const waited = (seconds: number, overrides: Partial<SyncAttempt> = {}) =>
    aRecord({ attempt: anAttempt({ watchedSince: ago(seconds).toISOString(), ...overrides }) });

  it('that has not begun is waited for, for half an hour', () => {
    const pendingOperation = { deployIds: ['api-develop:1#1'], by: 'nightshift' };
    expect(step({ pendingOperation }, waited(halfAnHour))).toEqual(wait('Argo CD has not begun the sync'));
    expect(step({ pendingOperation }, waited(halfAnHour + 1))).toEqual(
      settled('failed', 'Argo CD has not begun the sync, for more than 30 minutes'),
    );
  });

  it.each<[string, Omit<Operation, 'finishedAt'>, string]>([
    ['runs', running(), 'the sync runs'],
    ['runs and says what it does', running({ message: 'hook 1 of 2' }), 'the sync runs: hook 1 of 2'],
    ['is retried', anOperation({ phase: 'Running' }), 'a retry of the sync is pending'],
    [
      'is retried because of something',
      anOperation({ phase: 'Running', message: 'timeout' }),
      'a retry of the sync is pending: timeout',
    ],
    [
      'waits for a sync window',
      running({ message: 'blocked by sync window' }),
      'the sync runs: blocked by sync window',
    ],
  ])('that %s is waited for', (_what, operation, reason) => {
    expect(step({ operation }, aRecord())).toEqual(wait(reason));
  });

  it('that ended without an end is judged by the comparison alone', () => {
    expect(step({ operation: without(anOperation(), 'finishedAt') }, aRecord())).toMatchObject({
      outcome: 'deployed',
    });
  });

  it('that was overtaken by a build is followed by another sync', () => {
    expect(step({ operation: anOperation({ phase: 'Failed' }) }, aRecord({ requested: [second()] }))).toEqual(
      sync('build 2 of api-develop (ccccccc) succeeded while an older one was synced'),
    );
  });

  it('that the night broke is made again, three times in all', () => {
    const operation = anOperation({ phase: 'Error' });
    const sleptMeanwhile = (tries: number) =>
      aRecord({ attempt: anAttempt({ sleptMeanwhile: true, tries }) });
    expect(step({ operation }, sleptMeanwhile(2))).toEqual(
      sync('the sync ended as Error while the cluster slept'),
    );
    expect(step({ operation }, sleptMeanwhile(3))).toEqual(
      settled('failed', 'the sync ended as Error: no message'),
    );
  });

  it('that was not compared is waited for, and a comparison asked for', () => {
    expect(step({ reconciledAt: ago(41) }, aRecord())).toEqual({
      ...wait('the application was not compared since the sync'),
      refresh: true,
    });
  });

  it('that went to an old commit is made again while Argo CD knows better, three times in all', () => {
    const old = { operation: anOperation({ revisions: [OLD] }) };
    expect(step(old, waited(50, { tries: 2 }))).toEqual(sync('the sync ended at bbbbbbb, not at aaaaaaa'));
    expect(step(old, waited(50, { tries: 3 }))).toEqual(
      settled('failed', '3 syncs ended at bbbbbbb, not at aaaaaaa'),
    );
  });

  it('that went past the commits of several builds has superseded them, also where Argo CD is at one of them', () => {
    const requested = [aBuild(), second({ project: 'web', build: 'web:2' })];
    const attempt = anAttempt({ serves: requested.map(({ build }) => build) });
    const operation = anOperation({ revisions: [OLD] });
    expect(step({ operation }, aRecord({ requested, attempt }))).toEqual({
      ...settled('superseded', 'the branch has moved on: Argo CD is at aaaaaaa, not at aaaaaaa, ccccccc'),
      builds: ['api-develop:1', 'web:2'],
    });
  });

  it('of several sources is told by all their revisions', () => {
    const sources = [
      { repository: 'https://github.com/example/charts', targetRevision: '1.2.3' },
      { repository: REPOSITORY, targetRevision: 'develop' },
    ];
    const operation = anOperation({ revisions: ['1.2.3', OURS] });
    expect(step({ sources, operation, revisions: ['1.2.3', OURS] }, aRecord())).toEqual(
      settled('deployed', 'Synced and Healthy at 1.2.3, aaaaaaa'),
    );
    const movedOn = { sources, operation, revisions: ['1.2.4', OURS], sync: 'OutOfSync' } as const;
    expect(step(movedOn, aRecord())).toEqual(
      settled('superseded', 'the application has moved on to 1.2.4, aaaaaaa since the sync'),
    );
    const fewer = { sources: sources.slice(1), operation: anOperation({ revisions: [OURS, '1.2.3'] }) };
    expect(step({ ...fewer, sync: 'OutOfSync' }, aRecord())).toMatchObject({ outcome: 'superseded' });
  });

  it('of a source without a revision is told so', () => {
    const sources = [{ repository: 'https://charts.example.com', targetRevision: '1.2.3' }];
    expect(step({ sources, operation: anOperation({ revisions: [] }), revisions: [] }, aRecord())).toEqual(
      settled('deployed', 'Synced and Healthy at no revision'),
    );
  });

  it('that left the application OutOfSync may settle for two minutes', () => {
    const ended = (seconds: number) => ({
      sync: 'OutOfSync' as const,
      operation: anOperation({ startedAt: ago(300), finishedAt: ago(seconds) }),
    });
    expect(step(ended(119), aRecord())).toEqual({
      ...wait('the sync succeeded and the application is OutOfSync'),
      refresh: true,
    });
    expect(step(ended(120), aRecord())).toEqual(
      settled(
        'failed',
        'the sync succeeded and the application is still OutOfSync: what differs is not pruned or not ours',
      ),
    );
  });

  it.each<[ApplicationView['health'], object]>([
    ['Healthy', settled('deployed', 'Synced and Healthy at aaaaaaa')],
    ['Degraded', settled('failed', 'synced to aaaaaaa and Degraded: no message')],
    ['Suspended', settled('suspended', 'synced to aaaaaaa and Suspended: somebody has to resume it')],
    ['Missing', wait('synced to aaaaaaa and Missing')],
  ])('that succeeded and is %s', (health, expected) => {
    expect(step({ health }, aRecord())).toEqual(expected);
  });
});

describe('a sync of ours that is not to be seen', () => {
  const foreign = (overrides: Partial<Operation> = {}) =>
    anOperation({ deployIds: [], by: 'alice', startedAt: ago(45), revisions: [OLD], ...overrides });
  const automated = foreign({ by: "Argo CD's auto-sync", automated: true, message: 'one or more objects' });
  const asked = (seconds: number, overrides: Partial<SyncAttempt> = {}) =>
    without(anAttempt({ requestedAt: ago(seconds).toISOString(), ...overrides }), 'acceptedAt');
  const tried = (tries: number) => aRecord({ attempt: anAttempt({ tries }) });

  it('waits for whoever is in the way', () => {
    const pendingOperation = { deployIds: ['rollout:ana:1'], by: 'ana' };
    expect(step({ pendingOperation, operation: foreign() }, aRecord())).toEqual(
      blocked('an operation of ana runs: it is waited for'),
    );
    expect(step({ operation: without(foreign({ phase: 'Running' }), 'finishedAt') }, aRecord())).toEqual(
      blocked('an operation of alice runs: it is waited for'),
    );
  });

  it('was replaced by a person, also within the second in which it was accepted', () => {
    const reason = 'alice took over: an operation to bbbbbbb replaced ours and ended as Succeeded';
    expect(step({ operation: foreign() }, aRecord())).toEqual(settled('superseded', reason));
    const accepted = aRecord({ attempt: anAttempt({ acceptedAt: ago(44.5).toISOString() }) });
    expect(step({ operation: foreign() }, accepted)).toEqual(settled('superseded', reason));
  });

  it('was replaced, and a build came since: it is synced', () => {
    const requested = [aBuild(), second()];
    expect(step({ operation: foreign() }, aRecord({ requested }))).toEqual(
      sync('build 1 of api-develop (aaaaaaa) and build 2 of api-develop (ccccccc) succeeded'),
    );
  });

  it('was replaced by Argo CD itself: fine at our commit, made again otherwise, three times in all', () => {
    expect(step({ operation: automated }, aRecord())).toEqual(
      settled('deployed', "Synced and Healthy at aaaaaaa, by Argo CD's own sync after ours"),
    );
    const outOfSync = { operation: automated, sync: 'OutOfSync' } as const;
    expect(step(outOfSync, tried(2))).toEqual(sync("Argo CD's own sync came after ours"));
    expect(step(outOfSync, tried(3))).toEqual(
      settled('failed', "Argo CD's own sync came after ours 3 times: Succeeded one or more objects"),
    );
  });

  it('was never accepted: an operation of somebody else says nothing about it', () => {
    const record = aRecord({ attempt: asked(10) });
    expect(step({ operation: foreign({ startedAt: ago(5) }) }, record)).toEqual(
      wait('Argo CD does not show the sync yet'),
    );
  });

  it('is awaited for thirty seconds where Argo CD shows no operation at all, and then asked for again', () => {
    const view = without(aView(), 'operation');
    const accepted = (seconds: number, watched: number) =>
      aRecord({
        attempt: anAttempt({
          acceptedAt: ago(seconds).toISOString(),
          watchedSince: ago(watched).toISOString(),
        }),
      });
    expect(nextStep(accepted(29, 29), view, now)).toEqual(wait('Argo CD does not show the sync yet'));
    expect(nextStep(accepted(30, 30), view, now)).toEqual(sync('the sync that was asked for never began'));
    expect(nextStep(accepted(30, halfAnHour), view, now)).toMatchObject({ do: 'sync' });
    expect(nextStep(accepted(30, halfAnHour + 1), view, now)).toEqual(
      settled('failed', 'Argo CD was asked for a sync again and again and never showed it'),
    );
  });
});

describe('one sync serves another build only', () => {
  const at = (requested: RequestedBuild[], view: Partial<ApplicationView> = {}, revision = NEWER) =>
    step(
      { operation: anOperation({ revisions: [revision] }), revisions: [revision], ...view },
      aRecord({ requested }),
    );
  const third = 'd'.repeat(40);

  it('where it began after the build: in the same second nobody knows which came first', () => {
    expect(at([second({ startedAt: ago(51).toISOString() })])).toMatchObject({ outcome: 'deployed' });
    expect(at([second({ startedAt: ago(50).toISOString() })])).toMatchObject({ do: 'sync' });
  });

  it.each<[string, RequestedBuild[]]>([
    [
      'one of them is not known to have begun before',
      [second(), without(second({ build: 'web:2' }), 'startedAt')],
    ],
    ['its commit is not known', [without(second(), 'sha')]],
    [
      'the application does not track its repository',
      [second({ repository: 'https://github.com/example/x' })],
    ],
  ])('and none where %s', (_what, requested) => {
    expect(at(requested)).toMatchObject({ do: 'sync' });
  });

  it('where it went past it, however the application is, but not where one of two is still to be judged', () => {
    expect(at([second()], { health: 'Degraded' }, third)).toMatchObject({ outcome: 'superseded' });
    const both = [second(), second({ build: 'web:2', project: 'web', sha: third })];
    expect(at(both, { health: 'Degraded' })).toMatchObject({ do: 'sync' });
  });
});

it('a commit is shown by seven letters, and anything else as it is', () => {
  expect(shortSha(OURS)).toBe('aaaaaaa');
  expect(shortSha(`${OURS}${'0'.repeat(24)}`)).toBe('aaaaaaa');
  expect(shortSha(`v${OURS}`)).toBe(`v${OURS}`);
  expect(shortSha(`${OURS}${OURS}`)).toBe(`${OURS}${OURS}`);
  expect(shortSha('1.2.3')).toBe('1.2.3');
});
