import { describe, expect, test } from 'vitest';
import { decide, decideAfterSync, LIMITS, nextStep, type Step } from '#functions/branch-deploy/decide.ts';
import type { ApplicationView, ArgocdFailure } from '#functions/branch-deploy/ports.ts';
import { OF_BUILDS, OF_FAILURES, OF_IMAGES, OF_SYNCS } from '#functions/branch-deploy/reasons.ts';
import type {
  ApplicationRecord,
  Outcome,
  RequestedBuild,
  SyncAttempt,
} from '#functions/branch-deploy/record.ts';
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

type View = Partial<ApplicationView>;
type Operation = NonNullable<ApplicationView['operation']>;
type Case = readonly [what: string, view: View, record: ApplicationRecord, step: Step];

const sync = (reason: string): Step => ({ kind: 'sync', reason });
const wait = (reason: string): Step => ({ kind: 'wait', reason });
const compare = (reason: string): Step => ({ kind: 'wait', reason, refresh: true });
const blockedBy = (by: string): Step => ({ kind: 'wait', reason: OF_SYNCS.blocked(by), blocked: true });
const settled = (outcome: Outcome, reason: string): Step => ({ kind: 'settle', outcome, reason });
const failed = (reason: string) => settled('failed', reason);
const deployed = (...revisions: string[]) => settled('deployed', OF_SYNCS.deployed(revisions));
const late = (reason: string) => failed(OF_SYNCS.tooLong(reason, 30));
const succeeded = (...builds: RequestedBuild[]) => sync(OF_BUILDS.succeeded(builds));
const notHealthyYet = (health: string) => OF_SYNCS.notHealthyYet([OURS], health);

function without<T extends object, K extends keyof T>(given: T, key: K): Omit<T, K> {
  const { [key]: _, ...rest } = given;
  return rest;
}
const hasNo = <K extends keyof ApplicationView>(key: K): View => ({ [key]: undefined });
const running = (overrides: Partial<Operation> = {}) =>
  without(anOperation({ phase: 'Running', ...overrides }), 'finishedAt');
const second = (overrides: Partial<RequestedBuild> = {}) =>
  aBuild({ build: 'api-develop:2', number: 2, sha: NEWER, startedAt: ago(55).toISOString(), ...overrides });
const attempted = (overrides: Partial<SyncAttempt>) => aRecord({ attempt: anAttempt(overrides) });
const tried = (tries: number) => attempted({ tries });
const waited = (seconds: number) => attempted({ watchedSince: ago(seconds).toISOString() });
const halfAnHour = LIMITS.deployMs / 1000;
const third = 'd'.repeat(40);
const ownedBy = (by: string, deployIds: string[] = []) => ({ pendingOperation: { deployIds, by } });
const elsewhere = 'https://github.com/example/other';

/** Each case states the whole step. */
function cases(title: string, rows: readonly Case[]): void {
  describe(title, () => {
    test.each(rows)('%s', (_what, view, record, step) => {
      expect(nextStep(record, aView(view), now)).toEqual(step);
    });
  });
}

const outOfSync: View = { sync: 'OutOfSync', revisions: [OLD] };
const tracks = (targetRevision: string): View => ({ sources: [{ repository: REPOSITORY, targetRevision }] });
const webWithoutSha = without(aBuild({ project: 'web', number: 7 }), 'sha');
const alreadyThere = settled('deployed', OF_SYNCS.alreadyThere([OURS]));
const recorded = (seconds: number, overrides: Partial<RequestedBuild> = {}) =>
  aBuild({ startedAt: ago(60).toISOString(), recordedAt: ago(seconds).toISOString(), ...overrides });

cases('before a sync was requested', [
  ['a build that succeeded is synced', outOfSync, unasked(), succeeded(aBuild())],
  [
    'so are two, one of them without a commit',
    outOfSync,
    unasked({ requested: [aBuild(), webWithoutSha] }),
    succeeded(aBuild(), webWithoutSha),
  ],
  ['an application that is being deleted is not', { deleting: true }, unasked(), failed(OF_SYNCS.deleting)],
  ...['main', 'develop-x', 'refs/heads/main', 'v1.0.0'].map(
    (tracked): Case => [
      `one that tracks ${tracked} is not: the config is wrong`,
      tracks(tracked),
      unasked(),
      {
        kind: 'settle',
        outcome: 'failed',
        reason: OF_SYNCS.wrongBranch(tracked, aBuild()),
        misconfigured: true,
      },
    ],
  ),
  ...['develop', 'refs/heads/develop', 'HEAD', ''].map(
    (tracked): Case => [
      `one that tracks ${tracked || 'nothing that is named'} is`,
      { ...tracks(tracked), sync: 'OutOfSync' },
      unasked(),
      succeeded(aBuild()),
    ],
  ),
  ['a requested operation of a person is waited for', ownedBy('alice'), unasked(), blockedBy('alice')],
  ['so is a running one', { operation: running({ by: 'bob' }) }, unasked(), blockedBy('bob')],
  [
    'so is one that waits for a retry',
    { operation: anOperation({ deployIds: [], by: 'alice', phase: 'Running' }) },
    unasked(),
    blockedBy('alice'),
  ],
  ['an application at the commit, compared later, is left', {}, unasked(), alreadyThere],
  ['also if compared in the second of the last end', { reconciledAt: ago(40) }, unasked(), alreadyThere],
  [
    'also if its operation has no end',
    { operation: without(anOperation(), 'finishedAt') },
    unasked(),
    alreadyThere,
  ],
  ['also if it never had an operation', hasNo('operation'), unasked(), alreadyThere],
  ['one whose comparison is older is synced', { reconciledAt: ago(45) }, unasked(), succeeded(aBuild())],
  ['one that was never compared is synced', hasNo('reconciledAt'), unasked(), succeeded(aBuild())],
  ['one that is not Healthy is synced', { health: 'Degraded' }, unasked(), succeeded(aBuild())],
  [
    'one at the commit of only one of two builds is synced',
    {},
    unasked({ requested: [aBuild(), second({ project: 'web' })] }),
    succeeded(aBuild(), second({ project: 'web' })),
  ],
  [
    'one whose source is not what was built is synced',
    {},
    unasked({ requested: [aBuild({ repository: elsewhere })] }),
    succeeded(aBuild({ repository: elsewhere })),
  ],
  [
    'one whose commit is not known is synced',
    {},
    unasked({ requested: [without(aBuild(), 'sha')] }),
    succeeded(without(aBuild(), 'sha')),
  ],
  [
    'one that is requested again is synced, for the reason that was given',
    {},
    unasked({ requested: [aBuild({ repeatReason: 'it failed at night' })] }),
    sync('it failed at night'),
  ],
  [
    'a rollout that an earlier sync began is waited for, up to half an hour',
    { health: 'Progressing' },
    unasked({ requested: [recorded(halfAnHour)] }),
    wait(notHealthyYet('Progressing')),
  ],
  [
    'and not longer',
    { health: 'Progressing' },
    unasked({ requested: [recorded(halfAnHour + 1)] }),
    late(notHealthyYet('Progressing')),
  ],
  [
    'counted from the newest build on',
    { health: 'Progressing' },
    unasked({ requested: [recorded(halfAnHour + 1), recorded(60, { project: 'web' })] }),
    wait(notHealthyYet('Progressing')),
  ],
]);

const ours = ownedBy('nightshift', ['api-develop:1#1']);
const window = 'Sync operation blocked by sync window';

cases('a sync of ours', [
  ['that has not started is waited for', ours, waited(halfAnHour), wait(OF_SYNCS.notStarted)],
  ['for half an hour', ours, waited(halfAnHour + 1), late(OF_SYNCS.notStarted)],
  [
    'that has an end is not over while another operation of somebody is requested',
    ownedBy('alice'),
    aRecord(),
    wait(OF_SYNCS.running(anOperation())),
  ],
  ...[
    running(),
    running({ message: 'hook 1 of 2' }),
    anOperation({ phase: 'Running' }),
    anOperation({ phase: 'Running', message: 'timeout' }),
    anOperation({ phase: 'Terminating' }),
    anOperation({ phase: 'Unknown' }),
  ].map(
    (operation): Case => [
      `that is ${operation.phase}, ${'finishedAt' in operation ? 'with' : 'without'} an end, "${operation.message}", is waited for`,
      { operation },
      aRecord(),
      wait(OF_SYNCS.running(operation)),
    ],
  ),
  [
    'that runs for longer than half an hour has failed',
    { operation: anOperation({ phase: 'Running' }) },
    waited(halfAnHour + 1),
    late(OF_SYNCS.running(anOperation({ phase: 'Running' }))),
  ],
  [
    'that runs has failed when the whole deploy took more than an hour, though it is young itself',
    { operation: anOperation({ phase: 'Running' }) },
    attempted({ watchedSince: ago(10).toISOString(), begunAt: ago(3_601).toISOString() }),
    failed(OF_SYNCS.tooLong(OF_SYNCS.running(anOperation({ phase: 'Running' })), 60)),
  ],
  [
    'that runs is waited for within that hour',
    { operation: anOperation({ phase: 'Running' }) },
    attempted({ watchedSince: ago(10).toISOString(), begunAt: ago(3_599).toISOString() }),
    wait(OF_SYNCS.running(anOperation({ phase: 'Running' }))),
  ],
  [
    'that a sync window holds up is waited for, however long',
    { operation: anOperation({ phase: 'Running', message: window }) },
    waited(halfAnHour * 5),
    { ...wait(OF_SYNCS.running(anOperation({ message: window }))), unlimited: true } as Step,
  ],
  ...(['Failed', 'Error'] as const).map(
    (phase): Case => [
      `that ended as ${phase} is a failure with Argo CD's message`,
      { operation: anOperation({ phase, message: 'no such image' }) },
      aRecord(),
      failed(OF_SYNCS.ended(anOperation({ phase, message: 'no such image' }))),
    ],
  ),
  [
    'that the night broke is made again',
    { operation: anOperation({ phase: 'Error' }) },
    attempted({ clusterSlept: true, tries: 2 }),
    sync(OF_SYNCS.brokenByNight('Error')),
  ],
  [
    'three times in all',
    { operation: anOperation({ phase: 'Error' }) },
    attempted({ clusterSlept: true, tries: 3 }),
    failed(OF_SYNCS.ended(anOperation({ phase: 'Error' }))),
  ],
  [
    'of an application that is being deleted has failed',
    { deleting: true },
    aRecord(),
    failed(OF_SYNCS.deleting),
  ],
]);

const neverCompared = { ...hasNo('reconciledAt'), operation: without(anOperation(), 'finishedAt') };
const comparedAtEnd = (sync: 'Synced' | 'OutOfSync', seconds: number): View => ({
  reconciledAt: ago(seconds),
  revisions: [OLD],
  sync,
});
const later = (revision: string, ...builds: RequestedBuild[]) =>
  settled('deployed', OF_SYNCS.deployedLater([revision], builds));
const before = settled('deployed', OF_SYNCS.deployedBefore([OURS], [OLD]));
const unhealthyFor = (seconds: number, overrides: Partial<ApplicationRecord> = {}) =>
  aRecord({
    unhealthy: { since: ago(seconds).toISOString(), operation: ago(50).toISOString() },
    ...overrides,
  });
const unhealthy = (health: string, message = '') => OF_SYNCS.unhealthy([OURS], health, message);

cases('a sync that succeeded', [
  ['is deployed if compared later, Synced and Healthy at our commit', {}, aRecord(), deployed(OURS)],
  ['also if compared in the second of its end', { reconciledAt: ago(40) }, aRecord(), deployed(OURS)],
  ['also if it has no end', { operation: without(anOperation(), 'finishedAt') }, aRecord(), deployed(OURS)],
  [
    'is compared again if that was before',
    { reconciledAt: ago(41) },
    aRecord(),
    compare(OF_SYNCS.notCompared),
  ],
  ['is compared if it never was', hasNo('reconciledAt'), aRecord(), compare(OF_SYNCS.notCompared)],
  ['also if it has no end', neverCompared, aRecord(), compare(OF_SYNCS.notCompared)],
  // Seen on a real Argo CD: a small sync takes less than a second, and times are whole seconds.
  [
    'Synced at another commit in that second: again',
    comparedAtEnd('Synced', 40),
    aRecord(),
    compare(OF_SYNCS.notCompared),
  ],
  [
    'OutOfSync at another one: again',
    comparedAtEnd('OutOfSync', 40),
    aRecord(),
    compare(OF_SYNCS.notCompared),
  ],
  ['Synced at another commit a second later', comparedAtEnd('Synced', 39), aRecord(), deployed(OURS)],
  ['OutOfSync at another one a second later', comparedAtEnd('OutOfSync', 39), aRecord(), before],
  [
    'is waited for while Progressing',
    { health: 'Progressing' },
    aRecord(),
    wait(notHealthyYet('Progressing')),
  ],
  ...(['Degraded', 'Missing', 'Unknown'] as const).flatMap((health): Case[] => [
    [`D7: is waited for when first seen ${health}`, { health }, aRecord(), wait(unhealthy(health))],
    [`D7: is waited for while ${health} for 3 min`, { health }, unhealthyFor(179), wait(unhealthy(health))],
    [`D7: is a failure if ${health} for longer`, { health }, unhealthyFor(180), failed(unhealthy(health))],
  ]),
  [
    'is a failure with what Argo CD says of it',
    { health: 'Degraded', healthMessage: 'Deployment api: crash loop' },
    unhealthyFor(180),
    failed(unhealthy('Degraded', 'Deployment api: crash loop')),
  ],
  [
    'is a failure with the condition, where no resource says why',
    { health: 'Unknown', condition: 'InvalidSpecError: no such project' },
    unhealthyFor(180),
    failed(unhealthy('Unknown', 'InvalidSpecError: no such project')),
  ],
  [
    'that Argo CD cannot compare is waited for, with the condition',
    { sync: 'Unknown', revisions: [], condition: 'ComparisonError: repo server is down' },
    unhealthyFor(179),
    wait(OF_SYNCS.notComparable('ComparisonError: repo server is down')),
  ],
  [
    'that Argo CD cannot compare for 3 min is a failure, with the condition',
    { sync: 'Unknown', revisions: [], condition: 'ComparisonError: repo server is down' },
    unhealthyFor(180),
    failed(OF_SYNCS.notComparable('ComparisonError: repo server is down')),
  ],
  ['D8: is watched on while Suspended', { health: 'Suspended' }, aRecord(), wait(OF_SYNCS.suspended([OURS]))],
  ['D8: is watched for an hour', { health: 'Suspended' }, waited(3_600), wait(OF_SYNCS.suspended([OURS]))],
  [
    'D8: and not longer',
    { health: 'Suspended' },
    waited(3_601),
    failed(OF_SYNCS.tooLong(OF_SYNCS.suspended([OURS]), 60)),
  ],
  [
    'of a build without a commit is what the application says',
    {},
    aRecord({ requested: [without(aBuild(), 'sha')] }),
    deployed(OURS),
  ],
]);

const manifests = [{ repository: 'https://github.com/example/manifests', targetRevision: 'main' }];
const charts = { repository: 'https://github.com/example/charts', targetRevision: '1.2.3' };
const sources = [charts, { repository: REPOSITORY, targetRevision: 'develop' }];
const ended = (...revisions: string[]) => ({ operation: anOperation({ revisions }) });
const endedAgo = (seconds: number): View => ({
  sync: 'OutOfSync',
  operation: anOperation({ startedAt: ago(300), finishedAt: ago(seconds) }),
});
const two = [aBuild(), second({ project: 'web', build: 'web:2' })];
const forTwo = aRecord({ requested: two, attempt: anAttempt({ builds: two.map(({ build }) => build) }) });

cases('the revision of a sync', [
  [
    'is old, and Argo CD knows better now: synced again',
    ended(OLD),
    tried(2),
    sync(OF_SYNCS.oldRevision([OLD], [aBuild()])),
  ],
  ['three times in all', ended(OLD), tried(3), failed(OF_SYNCS.oldRevisionAgain(3, [OLD], [aBuild()]))],
  [
    'D1: is past ours, and no newer build of the project is there: health decides',
    { ...ended(OLD), revisions: [OLD] },
    aRecord(),
    later(OLD, aBuild()),
  ],
  [
    'D1: is past ours and Degraded: a failure',
    { ...ended(OLD), revisions: [OLD], health: 'Degraded' },
    unhealthyFor(180),
    failed(OF_SYNCS.unhealthy([OLD], 'Degraded', '')),
  ],
  [
    'D3: is past ours, at a commit whose build failed: that is named',
    { ...ended(OLD), revisions: [OLD] },
    aRecord({ failedBuilds: [{ ...second({ sha: OLD }), status: 'FAILED' }] }),
    settled(
      'deployed',
      OF_SYNCS.withFailedBuild(OF_SYNCS.deployedLater([OLD], [aBuild()]), second({ sha: OLD })),
    ),
  ],
  [
    'is neither of several builds, and Argo CD knows one of them now: synced again',
    ended(OLD),
    forTwo,
    sync(OF_SYNCS.oldRevision([OLD], two)),
  ],
  [
    'is ours, and the branch has moved on since: health decides',
    { sync: 'OutOfSync', revisions: [OLD] },
    aRecord(),
    before,
  ],
  [
    'is ours and Degraded, and the branch has moved on since: a failure',
    { sync: 'OutOfSync', revisions: [OLD], health: 'Degraded' },
    unhealthyFor(180),
    failed(unhealthy('Degraded')),
  ],
  ...['HEAD', ''].flatMap((tracked): Case[] => [
    [
      `D4: is ours where ${tracked || 'nothing'} is tracked: deployed`,
      tracks(tracked),
      aRecord(),
      deployed(OURS),
    ],
    [
      `D4: is another one where ${tracked || 'nothing'} is tracked: the config is wrong`,
      { ...tracks(tracked), ...ended(OLD), revisions: [OLD] },
      aRecord(),
      { ...failed(OF_SYNCS.wrongDefault([OLD], aBuild())), misconfigured: true } as Step,
    ],
  ]),
  ...[
    'git@github.com:example/api.git',
    'ssh://git@github.com/example/api',
    'https://github.com/Example/API',
  ].flatMap((repository): Case[] => [
    [
      `D2: is another one of ${repository}: synced again`,
      { sources: [{ repository, targetRevision: 'develop' }], ...ended(OLD) },
      aRecord(),
      sync(OF_SYNCS.oldRevision([OLD], [aBuild()])),
    ],
    [
      `D2: of ${repository} at main is a mistake of the config`,
      { sources: [{ repository, targetRevision: 'main' }] },
      unasked(),
      { ...failed(OF_SYNCS.wrongBranch('main', aBuild())), misconfigured: true } as Step,
    ],
  ]),
  ['is ours, and OutOfSync may settle', endedAgo(119), aRecord(), compare(OF_SYNCS.settling('OutOfSync'))],
  ['for two minutes', endedAgo(120), aRecord(), failed(OF_SYNCS.stillOutOfSync('OutOfSync'))],
  [
    'D9: of other repositories says nothing of what was built',
    { sources: manifests, ...ended(OLD), revisions: [OLD] },
    aRecord(),
    settled('unverified', OF_IMAGES.unverified(OF_SYNCS.deployed([OLD]))),
  ],
  [
    'D9: of other repositories is judged for each build by itself',
    {},
    aRecord({
      requested: [aBuild({ build: 'x:1', repository: elsewhere }), aBuild()],
      attempt: anAttempt({ builds: ['x:1', 'api-develop:1'] }),
    }),
    {
      ...settled('unverified', OF_IMAGES.unverified(OF_SYNCS.deployed([OURS]))),
      builds: ['x:1'],
    } as Step,
  ],
  [
    'of several sources is that of the source that was built',
    { sources, ...ended('1.2.3', OURS), revisions: ['1.2.3', OURS] },
    aRecord(),
    deployed('1.2.3', OURS),
  ],
  [
    'of several sources is past ours',
    { sources, ...ended('1.2.3', NEWER), revisions: ['1.2.3', NEWER] },
    aRecord(),
    settled('deployed', OF_SYNCS.deployedLater(['1.2.3', NEWER], [aBuild()])),
  ],
  [
    'of a repository that is there twice is that of the source which tracks the branch',
    {
      sources: [
        { repository: 'git@github.com:example/api.git', targetRevision: 'main' },
        { repository: REPOSITORY, targetRevision: 'develop' },
      ],
      ...ended(OLD, OURS),
      revisions: [OLD, OURS],
    },
    aRecord(),
    deployed(OLD, OURS),
  ],
  [
    'of several sources has moved on if one of them has',
    { sources, ...ended('1.2.3', OURS), revisions: ['1.2.4', OURS], sync: 'OutOfSync' },
    aRecord(),
    settled('deployed', OF_SYNCS.deployedBefore(['1.2.3', OURS], ['1.2.4', OURS])),
  ],
  [
    'of more sources than there are now has moved on',
    { sources: sources.slice(1), ...ended(OURS, '1.2.3'), sync: 'OutOfSync' },
    aRecord(),
    settled('deployed', OF_SYNCS.deployedBefore([OURS, '1.2.3'], [OURS])),
  ],
  [
    'may be missing',
    { sources: [charts], ...ended(), revisions: [] },
    aRecord(),
    settled('unverified', OF_IMAGES.unverified(OF_SYNCS.deployed([]))),
  ],
]);

const foreign = (overrides: Partial<Operation> = {}) =>
  anOperation({ deployIds: [], by: 'alice', startedAt: ago(45), revisions: [OLD], ...overrides });
const automated = foreign({ by: "Argo CD's auto-sync", automated: true, message: 'one or more objects' });
const notAccepted = (seconds: number) =>
  aRecord({ attempt: without(anAttempt({ requestedAt: ago(seconds).toISOString() }), 'acceptedAt') });
const accepted = (seconds: number, watched = seconds) =>
  attempted({ acceptedAt: ago(seconds).toISOString(), watchedSince: ago(watched).toISOString() });
const replaced = failed(OF_SYNCS.replacedBy(foreign()));
const longAgo = { operation: foreign({ startedAt: ago(500), finishedAt: ago(490) }) };

cases('a sync of ours that Argo CD does not show', [
  [
    'waits for a requested operation',
    { ...ownedBy('ana', ['rollout:ana:1']), operation: foreign() },
    aRecord(),
    blockedBy('ana'),
  ],
  [
    'waits for a running operation',
    { operation: without(foreign({ phase: 'Running' }), 'finishedAt') },
    aRecord(),
    blockedBy('alice'),
  ],
  ['was replaced by a person', { operation: foreign() }, aRecord(), replaced],
  ['also within the second in which it was accepted', { operation: foreign() }, accepted(44.5, 50), replaced],
  [
    'was replaced by a person who took it to our commit: health decides',
    { operation: foreign({ revisions: [OURS] }) },
    aRecord(),
    deployed(OURS),
  ],
  [
    'was replaced by a person who synced what ours had brought, and the branch has moved on: it is synced',
    { operation: foreign({ revisions: [NEWER] }), revisions: ['f'.repeat(40)], sync: 'OutOfSync' },
    aRecord({ attempt: anAttempt({ synced: [NEWER] }) }),
    sync(OF_SYNCS.oldRevision([NEWER], [aBuild()])),
  ],
  [
    'was followed by auto-sync to our commit, which is Progressing: waited for',
    { operation: foreign({ automated: true, revisions: [OURS] }), health: 'Progressing' },
    aRecord(),
    wait(notHealthyYet('Progressing')),
  ],
  [
    'was replaced, and a build came since: it is synced',
    { operation: foreign() },
    aRecord({ requested: [aBuild(), second()] }),
    succeeded(aBuild(), second()),
  ],
  [
    'was followed by auto-sync at our commit',
    { operation: automated },
    aRecord(),
    settled('deployed', OF_SYNCS.deployedByAutoSync([OURS])),
  ],
  [
    'was followed by auto-sync at another: made again',
    { operation: automated, sync: 'OutOfSync' },
    tried(2),
    sync(OF_SYNCS.autoSyncFollowed),
  ],
  [
    'three times in all',
    { operation: automated, sync: 'OutOfSync' },
    tried(3),
    failed(OF_SYNCS.autoSyncFollowedAgain(3, automated)),
  ],
  [
    'comes after an operation from before it',
    { operation: foreign() },
    accepted(10),
    wait(OF_SYNCS.notShown),
  ],
  [
    'was never accepted: an operation of somebody else says nothing about it',
    { operation: foreign({ startedAt: ago(5) }) },
    notAccepted(10),
    wait(OF_SYNCS.notShown),
  ],
  ['was never accepted, 20 s ago', longAgo, notAccepted(20), wait(OF_SYNCS.notShown)],
  ['was never accepted, 31 s ago: requested again', longAgo, notAccepted(31), sync(OF_SYNCS.neverStarted)],
  ['is awaited for 30 s', hasNo('operation'), accepted(29), wait(OF_SYNCS.notShown)],
  ['and then requested again', hasNo('operation'), accepted(30), sync(OF_SYNCS.neverStarted)],
  ['for half an hour', hasNo('operation'), accepted(30, halfAnHour), sync(OF_SYNCS.neverStarted)],
  ['and not longer', hasNo('operation'), accepted(30, halfAnHour + 1), failed(OF_SYNCS.neverShown)],
]);

const newer = [aBuild({ build: 'api-develop:2', number: 2 })];
const meanwhile = (...builds: RequestedBuild[]) => sync(OF_BUILDS.succeededMeanwhile(builds));
const at = (revision: string, overrides: View = {}): View => ({
  ...ended(revision),
  revisions: [revision],
  ...overrides,
});
const requests = (...requested: RequestedBuild[]) => aRecord({ requested });
const withStart = aBuild({ startedAt: ago(58).toISOString() });
const migrations = second({ project: 'migrations', build: 'migrations:2' });

cases('a build that came during a sync', [
  [
    'waits while that runs',
    { operation: anOperation({ phase: 'Running' }) },
    requests(...newer),
    wait(OF_SYNCS.running(anOperation())),
  ],
  ...(['Succeeded', 'Failed'] as const).map(
    (phase): Case => [
      `is synced as soon as it has ${phase}`,
      { operation: anOperation({ phase }) },
      requests(...newer),
      meanwhile(...newer),
    ],
  ),
  ['is deployed by it if it began after the build', at(NEWER), requests(second()), deployed(NEWER)],
  [
    'waits for its rollout',
    at(NEWER, { health: 'Progressing' }),
    requests(second()),
    wait(OF_SYNCS.notHealthyYet([NEWER], 'Progressing')),
  ],
  ['is deployed by it if it went past its commit', at(third), requests(second()), later(third, second())],
  [
    'also if none of ours is requested',
    at(third),
    unasked({ requested: [second()] }),
    later(third, second()),
  ],
  [
    'and not if the application stays Degraded',
    at(third, { health: 'Degraded' }),
    unhealthyFor(180, { requested: [second()] }),
    failed(OF_SYNCS.unhealthy([third], 'Degraded', '')),
  ],
  [
    'is deployed together with the other of two projects',
    at(NEWER),
    requests(withStart, migrations),
    later(NEWER, withStart),
  ],
  ...(
    [
      ['began in the second of the sync', at(NEWER), [second({ startedAt: ago(50).toISOString() })]],
      ['began after the sync', at(NEWER), [second({ startedAt: ago(45).toISOString() })]],
      ['has no known start', at(NEWER), [without(second(), 'startedAt')]],
      [
        'is one of two, the other without a start',
        at(NEWER),
        [second(), without(second({ build: 'web:2' }), 'startedAt')],
      ],
      ['has no known commit', at(NEWER), [without(second(), 'sha')]],
      ['is of a repository that is not tracked', at(NEWER), [second({ repository: elsewhere })]],
      ['is requested again', at(NEWER), [second({ repeatReason: 'it failed' })]],
      ['is OutOfSync', at(NEWER, { sync: 'OutOfSync' }), [second()]],
      ['is Degraded', at(NEWER, { health: 'Degraded' }), [second()]],
      [
        'is Degraded, and the other of two is behind',
        at(NEWER, { health: 'Degraded' }),
        [second(), second({ build: 'web:2', project: 'web', sha: third })],
      ],
      [
        'came to a sync that failed',
        at(NEWER, { operation: anOperation({ phase: 'Failed', revisions: [NEWER] }) }),
        [second()],
      ],
    ] as const
  ).map(
    ([what, view, builds]): Case => [
      `needs a sync of its own if it ${what}`,
      view,
      requests(...builds),
      meanwhile(...builds),
    ],
  ),
  [
    'is deployed if it began a second before the sync',
    at(NEWER),
    requests(second({ startedAt: ago(51).toISOString() })),
    deployed(NEWER),
  ],
  ...[['rollout:ana:1'], []].map(
    (deployIds): Case => [
      `needs a sync of its own after ${deployIds[0] ?? 'a sync of somebody else'}`,
      at(OLD, { operation: anOperation({ deployIds, revisions: [OLD] }) }),
      unasked({ requested: [second()] }),
      succeeded(second()),
    ],
  ),
]);

const dry = (overrides: Partial<NonNullable<ApplicationView['hydration']>> = {}): View => ({
  hydration: { dry: OURS, hydrated: third, message: '', ...overrides },
  revisions: [third],
  ...(overrides.dry === OLD ? {} : ended(third)),
});
const notYet = (hydration: ApplicationView['hydration'], builds = [aBuild()]) =>
  compare(OF_SYNCS.notHydrated(hydration ?? { message: '' }, builds));
const built = aBuild({ startedAt: ago(100).toISOString() });

cases('D5: an application with a source hydrator', [
  [
    'waits until the commit is hydrated',
    { ...dry({ dry: OLD }), sync: 'OutOfSync' },
    unasked(),
    notYet({ dry: OLD, hydrated: third, message: '' }),
  ],
  [
    'waits with the reason of a hydration that failed',
    { ...dry({ dry: OLD, message: 'no such path' }), sync: 'OutOfSync' },
    unasked(),
    notYet({ dry: OLD, hydrated: third, message: 'no such path' }),
  ],
  [
    'fails if that lasts for longer than half an hour',
    { ...dry({ dry: OLD }), sync: 'OutOfSync' },
    unasked({ requested: [recorded(halfAnHour + 1)] }),
    late(OF_SYNCS.notHydrated({ dry: OLD, message: '' }, [aBuild()])),
  ],
  [
    'waits until Argo CD has seen the hydrated commit',
    { ...dry(), revisions: [OLD], sync: 'OutOfSync' },
    unasked(),
    compare(OF_SYNCS.notAtHydrated([OLD], third)),
  ],
  ['is synced then', { ...dry(), sync: 'OutOfSync' }, unasked(), succeeded(aBuild())],
  ['is deployed at the hydrated commit', dry(), aRecord(), deployed(third)],
  [
    'is there already at the hydrated commit',
    dry(),
    unasked(),
    settled('deployed', OF_SYNCS.alreadyThere([third])),
  ],
  [
    'is not deployed by a sync to the hydrated commit of an older one',
    { ...dry({ dry: OLD }), ...ended(third) },
    aRecord(),
    notYet({ dry: OLD, hydrated: third, message: '' }),
  ],
  [
    'is synced again if it was synced to an older hydrated commit',
    { ...dry(), ...ended(OLD) },
    aRecord(),
    sync(OF_SYNCS.oldRevision([OLD], [aBuild()])),
  ],
  [
    'is deployed by a newer commit that was hydrated after the build began',
    dry({ dry: NEWER, startedAt: ago(90) }),
    aRecord({ requested: [built] }),
    later(third, built),
  ],
  [
    'waits where the other commit was hydrated before the build began',
    dry({ dry: NEWER, startedAt: ago(110) }),
    aRecord({ requested: [built] }),
    notYet({ dry: NEWER, message: '' }, [built]),
  ],
]);

const IMAGE = '111111111111.dkr.ecr.ap-northeast-1.amazonaws.com/api';
const image = { repository: IMAGE, version: 'aaaaaaa' };
const withImage = aBuild({ images: [image] });
const configRepository: View = { sources: manifests, ...ended(OLD), revisions: [OLD] };
const pods = (...images: string[]): View => ({ ...configRepository, images });
const digest = `sha256:${'a'.repeat(64)}`;

cases('D9: the image that was built', [
  [
    'runs: deployed, and its name',
    pods(`${IMAGE}:aaaaaaa`, 'envoy:1'),
    requests(withImage),
    settled('deployed', `${OF_SYNCS.deployed([OLD])}; ${OF_IMAGES.runs(image)}`),
  ],
  [
    'does not run yet: waited for, and compared again',
    pods(`${IMAGE}:bbbbbbb`),
    requests(withImage),
    compare(OF_IMAGES.notRunning(image, [`${IMAGE}:bbbbbbb`])),
  ],
  [
    'does not run for a quarter of an hour: a failure',
    pods(`${IMAGE}:bbbbbbb`),
    aRecord({ requested: [withImage], attempt: anAttempt({ watchedSince: ago(901).toISOString() }) }),
    failed(OF_SYNCS.tooLong(OF_IMAGES.notRunning(image, [`${IMAGE}:bbbbbbb`]), 15)),
  ],
  [
    'is named by newer manifests: synced again, though three syncs were made',
    { ...pods(`${IMAGE}:bbbbbbb`), revisions: [NEWER], sync: 'OutOfSync' },
    aRecord({ requested: [withImage], attempt: anAttempt({ tries: 3 }) }),
    sync(OF_IMAGES.notRunning(image, [`${IMAGE}:bbbbbbb`])),
  ],
  [
    'serves beside an older one: waited for',
    pods(`${IMAGE}:aaaaaaa`, `${IMAGE}:bbbbbbb`),
    requests(withImage),
    wait(OF_IMAGES.olderServes(image, [`${IMAGE}:aaaaaaa`, `${IMAGE}:bbbbbbb`])),
  ],
  [
    'runs in no pod, because there is none: deployed, and the reason names it',
    configRepository,
    requests(withImage),
    settled('deployed', `${OF_SYNCS.deployed([OLD])}; ${OF_IMAGES.noPod}`),
  ],
  [
    'is known by its digest',
    pods(`${IMAGE}:develop@${digest}`),
    requests(aBuild({ images: [{ repository: IMAGE, version: digest }] })),
    settled(
      'deployed',
      `${OF_SYNCS.deployed([OLD])}; ${OF_IMAGES.runs({ repository: IMAGE, version: digest })}`,
    ),
  ],
  [
    'is of a repository that has a port, and of no other',
    pods('registry.example.com:5000/api:aaaaaaa', 'registry.example.com:5000/api-x:bbbbbbb'),
    requests(aBuild({ images: [{ repository: 'registry.example.com:5000/api', version: 'aaaaaaa' }] })),
    settled('deployed', `${OF_SYNCS.deployed([OLD])}; ${OF_IMAGES.runs(image)}`),
  ],
  [
    'does not run, though Synced and Healthy at its commit: not there already',
    { images: [`${IMAGE}:bbbbbbb`] },
    unasked({ requested: [withImage] }),
    succeeded(withImage),
  ],
]);

const failure = (kind: ArgocdFailure['kind'], overrides: Partial<ArgocdFailure> = {}): ArgocdFailure => ({
  kind,
  detail: 'why',
  ...overrides,
});
const since = (seconds: number, kind: string, reported?: boolean) => ({
  since: ago(seconds).toISOString(),
  kind,
  ...(reported ? { reported } : {}),
});
const failing = (...given: Parameters<typeof since>) => aRecord({ failing: since(...given) });
const afterFailure = (kind: ArgocdFailure['kind'], record = aRecord(), overrides = {}) =>
  decide(record, { ok: false, error: failure(kind, overrides) }, now);
const in5Minutes = ago(-300).toISOString();

describe('a request to Argo CD that failed', () => {
  test('because it is busy is retried, and counts as blocked from the first time on', () => {
    const first = afterFailure('busy', failing(60, 'transient'));
    expect(first.step).toEqual({ kind: 'retry', reason: OF_FAILURES.busy('why'), blocked: true });
    expect(first.record).toEqual(aRecord({ blockedSince: now.toISOString() }));
    expect(afterFailure('busy', first.record).record).toBe(first.record);
  });

  test('because of a sync window is postponed, and reported once', () => {
    const first = afterFailure('window');
    const step = { kind: 'postpone', action: 'defer', reason: OF_FAILURES.window('why') };
    expect(first.step).toEqual({ ...step, isNew: true });
    expect(first.record).toMatchObject({ notBefore: in5Minutes, lastReport: 'window' });
    expect(afterFailure('window', first.record).step).toEqual({ ...step, isNew: false });
  });

  test.each(['permanent', 'forbidden', 'missing'] as const)('as %s is a mistake of the config', (kind) => {
    const { step, record } = afterFailure(kind);
    expect(step).toEqual({ ...failed(OF_FAILURES[kind]('why', aRecord())), misconfigured: true });
    expect(record).toMatchObject({ requested: [], unreported: [{ outcome: 'failed' }] });
  });

  test('because the application is being deleted ends the deploy', () => {
    expect(afterFailure('deleting').step).toEqual(failed(OF_FAILURES.deleting('why')));
  });

  test('for now is retried, after the pause that the server asks for', () => {
    const { step, record } = afterFailure('transient', aRecord(), { retryAfterSeconds: 9 });
    expect(step).toMatchObject({ kind: 'retry', reason: 'why', atLeastMs: 9_000 });
    expect(record.failing).toEqual(since(0, 'transient'));
    expect(afterFailure('transient', record).record).toBe(record);
  });

  test.each([
    ['for a quarter of an hour is retried', 900, 'transient', 'retry'],
    ['for longer is postponed and reported', 901, 'transient', 'postpone'],
    ['for want of a token is reported at once', 0, 'unauthorized', 'postpone'],
    ['for a day is postponed', 86_400, 'transient', 'postpone'],
    ['for longer than a day is given up', 86_401, 'transient', 'settle'],
  ] as const)('%s', (_what, seconds, kind, expected) => {
    expect(afterFailure(kind, failing(seconds, kind)).step.kind).toBe(expected);
  });

  test('is reported once for each kind, and kept', () => {
    const step = { kind: 'postpone', action: 'fail', reason: OF_FAILURES.retried('why') };
    const first = afterFailure('unauthorized', failing(60, 'transient'));
    expect(first.step).toMatchObject({ ...step, isNew: true });
    expect(first.record).toMatchObject({ notBefore: in5Minutes, failing: since(60, 'unauthorized', true) });
    expect(afterFailure('unauthorized', first.record).step).toMatchObject({ ...step, isNew: false });
  });

  test('starts the time for a sync anew, where it lasted for more than a minute', () => {
    const read = (seconds: number) =>
      decide(failing(seconds, 'transient'), { ok: true, value: aView({ health: 'Progressing' }) }, now)
        .record;
    expect(read(61).attempt?.watchedSince).toBe(now.toISOString());
    expect(read(60).attempt?.watchedSince).toBe(ago(50).toISOString());
    expect(read(60).failing).toBeUndefined();
  });
});

describe('a sync that Argo CD did not accept', () => {
  const sent = without(anAttempt({ deployId: 'api-develop:1#2', tries: 2 }), 'acceptedAt');
  const attemptAfter = (outcomeUnknown: boolean) =>
    decideAfterSync(
      aRecord({ attempt: sent }),
      { sent, before: anAttempt() },
      failure('transient', { outcomeUnknown }),
      now,
    ).record.attempt;

  test('is taken back, so that it does not count as tried', () => {
    expect(attemptAfter(false)).toEqual(anAttempt());
  });

  test('is kept where its outcome is unknown: it may have started', () => {
    expect(attemptAfter(true)).toEqual(sent);
  });
});

describe('the record of a step', () => {
  const decided = (record: ApplicationRecord, view: View = {}) =>
    decide(record, { ok: true, value: aView(view) }, now).record;

  test('is the very one that was read where nothing changes', () => {
    const record = aRecord({ attempt: anAttempt({ synced: [OURS] }) });
    expect(decided(record, { health: 'Progressing' })).toBe(record);
  });

  test('keeps what our operation syncs', () => {
    expect(decided(aRecord(), { health: 'Progressing' }).attempt?.synced).toEqual([OURS]);
    expect(decided(aRecord(), { operation: foreign() }).attempt?.synced).toBeUndefined();
  });

  test('says that the sync was accepted, where only Argo CD shows it', () => {
    const lost = aRecord({ attempt: without(anAttempt(), 'acceptedAt') });
    expect(decided(lost, ours).attempt?.acceptedAt).toBe(now.toISOString());
  });

  test('is blocked until the other operation is over, and late after half an hour', () => {
    const blockedFor = (seconds: number) => aRecord({ blockedSince: ago(seconds).toISOString() });
    const view = { operation: running({ deployIds: [], by: 'alice' }) };
    expect(decided(aRecord(), view).blockedSince).toBe(now.toISOString());
    expect(decided(blockedFor(halfAnHour), view).lastReport).toBeUndefined();
    expect(decided(blockedFor(halfAnHour + 1), view).lastReport).toMatch(/^blocked:/);
    expect(decided(blockedFor(60), { health: 'Progressing' }).blockedSince).toBeUndefined();
  });

  test('of a sync holds the attempt before it is requested', () => {
    expect(decided(unasked(), outOfSync).attempt).toMatchObject({ deployId: 'api-develop:1#1', tries: 1 });
  });
});
