import { describe, expect, test } from 'vitest';
import { LIMITS, nextStep } from '#functions/branch-deploy/decide.ts';
import type { ApplicationView } from '#functions/branch-deploy/ports.ts';
import type { ApplicationRecord, RequestedBuild } from '#functions/branch-deploy/record.ts';
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

const step = (view: Partial<ApplicationView> = {}, record: ApplicationRecord = aRecord()) =>
  nextStep(record, aView(view), now);

describe('deployed means', () => {
  test('our operation is over, the comparison is newer than its end, Synced and Healthy at our commit', () => {
    expect(step()).toEqual({ do: 'settle', outcome: 'deployed', reason: 'Synced and Healthy at aaaaaaa' });
  });

  test('a comparison in the second of the end is new enough', () => {
    expect(step({ reconciledAt: ago(40) })).toMatchObject({ outcome: 'deployed' });
  });

  // Seen on a real Argo CD: a small sync takes less than a second, and times are whole seconds.
  test.each(['Synced', 'OutOfSync'] as const)(
    'a comparison in the second of the end, and %s at another commit, was made before it: it is made anew',
    (sync) => {
      const before = { reconciledAt: ago(40), revisions: [OLD], sync };
      expect(step(before)).toMatchObject({ do: 'wait', refresh: true });
      expect(step({ ...before, reconciledAt: ago(39) })).toMatchObject({
        outcome: sync === 'Synced' ? 'deployed' : 'superseded',
      });
    },
  );

  test('an older comparison is made anew', () => {
    expect(step({ reconciledAt: ago(41) })).toMatchObject({ do: 'wait', refresh: true });
    const { reconciledAt: _, ...never } = aView();
    expect(nextStep(aRecord(), never, now)).toMatchObject({ do: 'wait', refresh: true });
  });

  test('a comparison that was never made is made also where the operation does not tell its end', () => {
    const { finishedAt: _, ...operation } = anOperation();
    const { reconciledAt: __, ...never } = aView({ operation });
    expect(nextStep(aRecord(), never, now)).toMatchObject({ do: 'wait', refresh: true });
  });

  test.each(['Progressing', 'Missing', 'Unknown'] as const)('%s is waited for', (health) => {
    expect(step({ health })).toMatchObject({ do: 'wait' });
  });

  test('Degraded is a failure, with what Argo CD says of it', () => {
    expect(step({ health: 'Degraded', healthMessage: 'Deployment api: crash loop' })).toMatchObject({
      outcome: 'failed',
      reason: expect.stringContaining('crash loop'),
    });
  });

  test('Suspended is neither', () => {
    expect(step({ health: 'Suspended' })).toMatchObject({ outcome: 'suspended' });
  });
});

describe('an operation is over only', () => {
  test('when none is requested any more', () => {
    expect(step({ pendingOperation: { deployIds: ['api-develop:1#1'], by: 'nightshift' } })).toMatchObject({
      do: 'wait',
    });
    expect(step({ pendingOperation: { deployIds: [], by: 'alice' } })).toMatchObject({ do: 'wait' });
  });

  test.each(['Running', 'Terminating', 'Unknown'] as const)(
    'when it is not %s, also where it has an end',
    (phase) => {
      expect(step({ operation: anOperation({ phase }) })).toMatchObject({ do: 'wait' });
    },
  );

  test.each(['Failed', 'Error'] as const)('%s is a failure', (phase) => {
    expect(step({ operation: anOperation({ phase, message: 'no such image' }) })).toMatchObject({
      outcome: 'failed',
      reason: `the sync ended as ${phase}: no such image`,
    });
  });

  test('a sync window that came after the sync was asked for is waited for, however long it is', () => {
    const operation = anOperation({ phase: 'Running', message: 'Sync operation blocked by sync window' });
    const watchedSince = new Date(now.getTime() - LIMITS.deployMs * 5).toISOString();
    expect(step({ operation }, aRecord({ attempt: anAttempt({ watchedSince }) }))).toMatchObject({
      do: 'wait',
    });
  });

  test('a sync that runs for more than half an hour is a failure', () => {
    const watchedSince = new Date(now.getTime() - LIMITS.deployMs - 1_000).toISOString();
    const record = aRecord({ attempt: anAttempt({ watchedSince }) });
    expect(step({ operation: anOperation({ phase: 'Running' }) }, record)).toMatchObject({
      outcome: 'failed',
    });
  });
});

describe('the revision', () => {
  test('a sync that ended at an old commit, while Argo CD now knows ours, is made again', () => {
    expect(step({ operation: anOperation({ revisions: [OLD] }) })).toMatchObject({ do: 'sync' });
  });

  test('but not for ever', () => {
    const record = aRecord({ attempt: anAttempt({ tries: LIMITS.tries }) });
    expect(step({ operation: anOperation({ revisions: [OLD] }) }, record)).toMatchObject({
      outcome: 'failed',
    });
  });

  test('a branch that has moved on makes ours superseded, not deployed', () => {
    expect(step({ operation: anOperation({ revisions: [NEWER] }), revisions: [NEWER] })).toMatchObject({
      outcome: 'superseded',
    });
  });

  test('an application that moved on after our sync is superseded as well', () => {
    expect(step({ sync: 'OutOfSync', revisions: [NEWER] })).toMatchObject({ outcome: 'superseded' });
  });

  test('OutOfSync at our own commit may settle, and is a failure when it does not', () => {
    expect(step({ sync: 'OutOfSync' })).toMatchObject({ do: 'wait', refresh: true });
    const late = { finishedAt: ago(LIMITS.settleMs / 1000 + 1), startedAt: ago(200) };
    expect(step({ sync: 'OutOfSync', operation: anOperation(late) })).toMatchObject({ outcome: 'failed' });
  });

  test('of an application of other repositories the revision is what was synced', () => {
    const sources = [{ repository: 'https://github.com/example/manifests', targetRevision: 'main' }];
    expect(step({ sources, operation: anOperation({ revisions: [OLD] }), revisions: [OLD] })).toMatchObject({
      outcome: 'deployed',
      reason: 'Synced and Healthy at bbbbbbb',
    });
  });

  test('of several sources the one that was built counts', () => {
    const sources = [
      { repository: 'https://github.com/example/charts', targetRevision: '1.2.3' },
      { repository: REPOSITORY, targetRevision: 'develop' },
    ];
    const at = (revision: string) => ({
      sources,
      operation: anOperation({ revisions: ['1.2.3', revision] }),
      revisions: ['1.2.3', revision],
    });
    expect(step(at(OURS))).toMatchObject({ outcome: 'deployed' });
    expect(step(at(NEWER))).toMatchObject({ outcome: 'superseded' });
  });

  test('a build whose commit nobody knows is judged by the application alone', () => {
    const { sha: _, ...unknown } = aBuild();
    expect(step({}, aRecord({ requested: [unknown] }))).toMatchObject({ outcome: 'deployed' });
  });

  test.each(['main', 'develop-x', 'refs/heads/main', 'v1.0.0'])(
    'an application that tracks %s is not synced',
    (targetRevision) => {
      expect(step({ sources: [{ repository: REPOSITORY, targetRevision }] }, unasked())).toMatchObject({
        outcome: 'failed',
        misconfigured: true,
      });
    },
  );

  test.each(['develop', 'refs/heads/develop', 'HEAD', ''])('one that tracks %j is', (targetRevision) => {
    const view = { sources: [{ repository: REPOSITORY, targetRevision }], sync: 'OutOfSync' as const };
    expect(step(view, unasked())).toMatchObject({ do: 'sync' });
  });
});

describe('before anything was asked', () => {
  test('the application is synced', () => {
    expect(step({ sync: 'OutOfSync', revisions: [OLD] }, unasked())).toMatchObject({ do: 'sync' });
  });

  test('nothing is asked of one that is there already', () => {
    expect(step({}, unasked())).toMatchObject({ outcome: 'deployed' });
  });

  test('unless it is wanted again because it failed, or the comparison is old, or its commit is not known', () => {
    expect(step({}, unasked({ requested: [aBuild({ again: 'it failed at night' })] }))).toEqual({
      do: 'sync',
      reason: 'it failed at night',
    });
    expect(step({ reconciledAt: ago(45) }, unasked())).toMatchObject({ do: 'sync' });
    const { sha: _, ...unknown } = aBuild();
    expect(step({}, unasked({ requested: [unknown] }))).toMatchObject({ do: 'sync' });
  });

  test('an operation of somebody else is waited for', () => {
    const foreign = anOperation({ deployIds: [], by: 'alice', phase: 'Running' });
    expect(step({ operation: foreign }, unasked())).toMatchObject({ do: 'wait', blocked: true });
  });
});

describe('an operation that is not ours', () => {
  const foreign = (overrides = {}) =>
    anOperation({ deployIds: [], by: 'alice', startedAt: ago(45), revisions: [OLD], ...overrides });

  test('of a person who came after us: our deploy is superseded', () => {
    expect(step({ operation: foreign() })).toMatchObject({
      outcome: 'superseded',
      reason: expect.stringContaining('alice took over'),
    });
  });

  test('of Argo CD itself: fine at our commit, otherwise synced again', () => {
    const automated = foreign({ by: "Argo CD's auto-sync", automated: true });
    expect(step({ operation: automated })).toMatchObject({ outcome: 'deployed' });
    expect(step({ operation: automated, sync: 'OutOfSync' })).toMatchObject({ do: 'sync' });
  });

  test('from before our request says nothing: ours has yet to be seen', () => {
    const record = aRecord({
      attempt: anAttempt({ requestedAt: ago(10).toISOString(), acceptedAt: ago(10).toISOString() }),
    });
    expect(step({ operation: foreign() }, record)).toMatchObject({ do: 'wait' });
  });

  test('a request that nobody accepted and nobody saw is made again after a while', () => {
    const { acceptedAt: _, ...attempt } = anAttempt({ requestedAt: ago(20).toISOString() });
    const before = foreign({ startedAt: ago(500), finishedAt: ago(490) });
    expect(step({ operation: before }, aRecord({ attempt }))).toMatchObject({ do: 'wait' });
    const { acceptedAt: __, ...older } = anAttempt({ requestedAt: ago(31).toISOString() });
    expect(step({ operation: before }, aRecord({ attempt: older }))).toMatchObject({ do: 'sync' });
  });
});

describe('a newer build', () => {
  const requested = [aBuild({ build: 'api-develop:2', number: 2 })];

  test('waits while the sync of the older one runs', () => {
    expect(step({ operation: anOperation({ phase: 'Running' }) }, aRecord({ requested }))).toMatchObject({
      do: 'wait',
    });
  });

  test('is synced as soon as that is over, whatever came of it', () => {
    for (const phase of ['Succeeded', 'Failed'] as const) {
      expect(step({ operation: anOperation({ phase }) }, aRecord({ requested }))).toMatchObject({
        do: 'sync',
      });
    }
  });
});

describe('one sync serves a burst', () => {
  /** Build 2 was started before the sync of build 1 began. */
  const later = (overrides: Partial<RequestedBuild> = {}) => [
    aBuild({ build: 'api-develop:2', number: 2, sha: NEWER, startedAt: ago(55).toISOString(), ...overrides }),
  ];
  const at = (revision: string, overrides: Partial<ApplicationView> = {}) => ({
    operation: anOperation({ revisions: [revision] }),
    revisions: [revision],
    ...overrides,
  });

  test('a newer build whose commit that sync brought is deployed by it', () => {
    expect(step(at(NEWER), aRecord({ requested: later() }))).toMatchObject({ outcome: 'deployed' });
    expect(step(at(NEWER, { health: 'Progressing' }), aRecord({ requested: later() }))).toMatchObject({
      do: 'wait',
    });
  });

  test('one whose commit that sync has left behind is superseded without a sync of its own', () => {
    const third = 'd'.repeat(40);
    expect(step(at(third), aRecord({ requested: later() }))).toMatchObject({ outcome: 'superseded' });
    expect(step(at(third), unasked({ requested: later() }))).toMatchObject({ outcome: 'superseded' });
  });

  test('of two projects on one application the one that was left behind is superseded, the other goes on', () => {
    const both = [
      aBuild({ startedAt: ago(58).toISOString() }),
      ...later({ project: 'migrations', build: 'migrations:2' }),
    ];
    expect(step(at(NEWER), aRecord({ requested: both }))).toMatchObject({
      outcome: 'superseded',
      builds: ['api-develop:1'],
    });
  });

  test.each<[string, Partial<ApplicationView>, Partial<RequestedBuild>]>([
    ['one that was started after the sync began', at(NEWER), { startedAt: ago(45).toISOString() }],
    ['one whose start is not known', at(NEWER), { startedAt: undefined as never }],
    ['one that is wanted again', at(NEWER), { again: 'it failed' }],
    ['one whose commit is OutOfSync', at(NEWER, { sync: 'OutOfSync' }), {}],
    ['one whose commit is Degraded', at(NEWER, { health: 'Degraded' }), {}],
    [
      'one after a sync that failed',
      { ...at(NEWER), operation: anOperation({ phase: 'Failed', revisions: [NEWER] }) },
      {},
    ],
  ])('%s is synced', (_what, view, build) => {
    expect(step(view, aRecord({ requested: later(build) }))).toMatchObject({ do: 'sync' });
  });

  test('a rollout or a sync of somebody else serves nobody', () => {
    const old = (deployIds: string[]) => ({
      ...at(OLD),
      operation: anOperation({ deployIds, revisions: [OLD] }),
    });
    expect(step(old(['rollout:ana:1']), unasked({ requested: later() }))).toMatchObject({ do: 'sync' });
    expect(step(old([]), unasked({ requested: later() }))).toMatchObject({ do: 'sync' });
  });
});

describe('the night', () => {
  test('a sync that failed because the cluster slept is made again', () => {
    const record = aRecord({ attempt: anAttempt({ sleptMeanwhile: true }) });
    expect(step({ operation: anOperation({ phase: 'Error' }) }, record)).toMatchObject({ do: 'sync' });
  });
});

test('an application that is being deleted is a failure, whatever else it is', () => {
  expect(step({ deleting: true })).toMatchObject({ outcome: 'failed' });
});
