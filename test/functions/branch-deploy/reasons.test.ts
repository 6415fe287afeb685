import { expect, test } from 'vitest';
import {
  OF_BUILDS,
  OF_FAILURES,
  OF_IMAGES,
  OF_NIGHTS,
  OF_SYNCS,
  shortSha,
} from '#functions/branch-deploy/reasons.ts';
import { aBuild, anOperation, OLD, OURS } from './an-application.ts';

const { sha: _, ...unknown } = aBuild({ number: 7, project: 'web' });
const two = [aBuild(), unknown];
const application = { project: 'default', name: 'api' };
const { finishedAt: __, ...running } = anOperation({ message: 'hook 1 of 2' });
const refused = anOperation({ by: 'alice', phase: 'Failed', message: 'no such image', revisions: [OLD] });
const silent = anOperation({ phase: 'Failed' });

/** The only place that repeats the words: every other test refers to the reason. */
test('the words of each reason', () => {
  expect([
    OF_BUILDS.foreign('111111111111', 'us-east-1'),
    OF_BUILDS.notBound('develop', 'web'),
    OF_BUILDS.alreadyHandled,
    OF_BUILDS.unknownBuild,
    OF_BUILDS.notEnded,
    OF_BUILDS.batchNotEnded('api-develop:b1'),
    OF_BUILDS.retriedByCodeBuild('FAILED'),
    OF_BUILDS.liveAlthough({ ...aBuild({ number: 8 }), status: 'FAILED' }, 'default/api'),
    OF_BUILDS.endedAs('FAILED'),
    OF_BUILDS.withoutNumber,
    OF_BUILDS.invalidName('../x'),
    OF_BUILDS.newer(unknown),
    OF_BUILDS.newer({ ...unknown, outcome: 'deployed' }),
    OF_BUILDS.dryRun(two),
    OF_BUILDS.noLongerBound,
    OF_BUILDS.unknownProject,
    OF_BUILDS.succeeded(two),
    OF_BUILDS.succeededMeanwhile(two),
  ]).toMatchInlineSnapshot(`
    [
      "the build belongs to account 111111111111 in us-east-1, not to this environment",
      "no application of develop is bound to web",
      "the build was already handled",
      "CodeBuild has no such build",
      "the build has not ended",
      "the build is a part of batch api-develop:b1, which has not ended",
      "the build ended as FAILED, and CodeBuild retries it",
      "commit aaaaaaa is live in default/api although build 8 of api-develop ended as FAILED: another commit's deploy, or Argo CD by itself, synced the branch",
      "the build ended as FAILED",
      "the build has no number, so its order is unknown",
      ""../x" is not a valid application name: correct it in the config",
      "build 7 of web is newer",
      "build 7 of web is newer: deployed",
      "build 1 of api-develop (aaaaaaa) and build 7 of web would be synced",
      "the config no longer binds a build to this application",
      "there is no such CodeBuild project: correct \`builds\` in the config, or create it",
      "build 1 of api-develop (aaaaaaa) and build 7 of web succeeded",
      "build 1 of api-develop (aaaaaaa) and build 7 of web succeeded while an older build was synced",
    ]
  `);
  expect([
    OF_SYNCS.blocked('alice'),
    OF_SYNCS.deleting,
    OF_SYNCS.wrongBranch('main', aBuild()),
    OF_SYNCS.alreadyThere([OURS]),
    OF_SYNCS.requested,
    OF_SYNCS.notStarted,
    OF_SYNCS.running(running),
    OF_SYNCS.running(silent),
    OF_SYNCS.brokenByNight('Error'),
    OF_SYNCS.ended(refused),
    OF_SYNCS.ended(silent),
    OF_SYNCS.notCompared,
    OF_SYNCS.oldRevision([OLD], two),
    OF_SYNCS.oldRevisionAgain(3, [OLD], two),
    OF_SYNCS.wrongDefault([OLD], aBuild()),
    OF_SYNCS.notHydrated({ dry: OLD, message: 'no such path' }, [aBuild()]),
    OF_SYNCS.notHydrated({ message: '' }, [aBuild()]),
    OF_SYNCS.notAtHydrated([OLD], OURS),
    OF_SYNCS.notComparable('ComparisonError: repo server is down'),
    OF_SYNCS.deployedLater([OLD], [aBuild()]),
    OF_SYNCS.deployedBefore(['1.2.3', OURS], ['1.2.3', OLD]),
    OF_SYNCS.withFailedBuild(OF_SYNCS.deployed([OURS]), aBuild({ number: 8 })),
    OF_SYNCS.settling('OutOfSync'),
    OF_SYNCS.stillOutOfSync('OutOfSync'),
    OF_SYNCS.deployed([]),
    OF_SYNCS.deployedByAutoSync([OURS]),
    OF_SYNCS.unhealthy([OURS], 'Degraded', 'crash loop'),
    OF_SYNCS.unhealthy([OURS], 'Missing', ''),
    OF_SYNCS.suspended([OURS]),
    OF_SYNCS.notHealthyYet([OURS], 'Progressing'),
    OF_SYNCS.autoSyncFollowed,
    OF_SYNCS.autoSyncFollowedAgain(3, refused),
    OF_SYNCS.replacedBy(refused),
    OF_SYNCS.notShown,
    OF_SYNCS.neverShown,
    OF_SYNCS.neverStarted,
    OF_SYNCS.tooLong(OF_SYNCS.notStarted, 30),
  ]).toMatchInlineSnapshot(`
    [
      "waiting for an operation of alice to end",
      "the application is being deleted",
      "the application tracks main of https://github.com/example/api, but the config binds develop",
      "already Synced and Healthy at aaaaaaa",
      "the sync was requested",
      "Argo CD has not started the sync",
      "the sync is running: hook 1 of 2",
      "a retry of the sync is pending",
      "the sync ended as Error while the cluster slept",
      "the sync ended as Failed: no such image",
      "the sync ended as Failed: no message",
      "Argo CD has not compared the application since the sync",
      "the sync ended at bbbbbbb, not at aaaaaaa, unknown",
      "3 syncs ended at bbbbbbb, not at aaaaaaa, unknown",
      "the application tracks the default branch of https://github.com/example/api, which is at bbbbbbb, not at aaaaaaa of develop: set its targetRevision to develop",
      "the source hydrator is at bbbbbbb, not at aaaaaaa: no such path",
      "the source hydrator is at no commit, not at aaaaaaa",
      "Argo CD is at bbbbbbb, not at the hydrated commit aaaaaaa",
      "the sync succeeded, but Argo CD cannot compare the application: ComparisonError: repo server is down",
      "Synced and Healthy at bbbbbbb, to which the branch has moved on from aaaaaaa",
      "Healthy at 1.2.3, aaaaaaa; the branch has moved on to 1.2.3, bbbbbbb since",
      "Synced and Healthy at aaaaaaa; build 8 of api-develop (aaaaaaa) failed",
      "the sync succeeded, but the application is OutOfSync",
      "the sync succeeded, but the application is still OutOfSync: the differences are not pruned or not part of the sync",
      "Synced and Healthy at no revision",
      "Synced and Healthy at aaaaaaa by Argo CD's auto-sync, which followed ours",
      "synced to aaaaaaa and Degraded: crash loop",
      "synced to aaaaaaa and Missing: no message",
      "synced to aaaaaaa and Suspended: it goes on by itself, or a person has to resume it",
      "synced to aaaaaaa and Progressing",
      "Argo CD's auto-sync followed ours",
      "Argo CD's auto-sync followed ours 3 times: Failed no such image",
      "an operation of alice to bbbbbbb replaced ours and ended as Failed",
      "Argo CD does not show the sync yet",
      "Argo CD never showed the sync, however often it was requested",
      "the requested sync never started",
      "Argo CD has not started the sync, for more than 30 minutes",
    ]
  `);
  expect([
    OF_FAILURES.busy('why'),
    OF_FAILURES.window('why'),
    OF_FAILURES.deleting('why'),
    OF_FAILURES.permanent('why'),
    OF_FAILURES.forbidden('why', application),
    OF_FAILURES.missing('why', application),
    OF_FAILURES.retried('why'),
    OF_FAILURES.givenUp('why'),
    OF_FAILURES.statusNotPosted(OURS, 'why'),
    OF_NIGHTS.starting,
    OF_NIGHTS.notUp,
    OF_NIGHTS.waking('why'),
    OF_NIGHTS.deferred('Mon 08:00 (Asia/Tokyo)', 'why'),
    OF_NIGHTS.deferred(undefined, 'why'),
    OF_NIGHTS.failedOvernight(refused),
    OF_NIGHTS.drift('2026-11-25T05:00:00Z', [OLD]),
    OF_NIGHTS.drift('2026-11-25T05:00:00Z', []),
  ]).toMatchInlineSnapshot(`
    [
      "Argo CD is busy: why",
      "a sync window blocks it: why; retried every 5 minutes",
      "the application is being deleted: why",
      "Argo CD refuses the sync: why",
      "Argo CD or Kubernetes does not permit it for default/api: why",
      "there is no application default/api: why",
      "why: the deploy is kept and retried",
      "given up after a day: why",
      "the status of commit aaaaaaa was not posted: why",
      "the cluster is starting",
      "the cluster is not up yet",
      "waking the cluster: why",
      "deferred until Mon 08:00 (Asia/Tokyo): why",
      "deferred until the cluster is awake: why",
      "the last operation, by alice, ended as Failed while the cluster slept",
      "OutOfSync since 2026-11-25T05:00:00Z: what runs differs from bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
      "OutOfSync since 2026-11-25T05:00:00Z: what runs differs from its source",
    ]
  `);
});

test('a commit is shown by seven letters, and anything else as it is', () => {
  expect(shortSha(OURS)).toBe('aaaaaaa');
  expect(shortSha(`${OURS}${'0'.repeat(24)}`)).toBe('aaaaaaa');
  expect(shortSha(`v${OURS}`)).toBe(`v${OURS}`);
  expect(shortSha(`${OURS}${OURS}`)).toBe(`${OURS}${OURS}`);
  expect(shortSha('1.2.3')).toBe('1.2.3');
});

test('the words of the reasons about images', () => {
  const image = { repository: 'example.com/api', version: OURS };
  expect([
    OF_IMAGES.runs(image),
    OF_IMAGES.runs({ ...image, version: `sha256:${'a'.repeat(64)}` }),
    OF_IMAGES.noPod,
    OF_IMAGES.notRunning(image, ['example.com/api:1']),
    OF_IMAGES.notRunning(image, []),
    OF_IMAGES.olderServes(image, ['example.com/api:1', 'example.com/api:2']),
    OF_IMAGES.unverified(OF_SYNCS.deployed([OLD])),
    OF_IMAGES.notExported('IMAGE_TAG'),
    OF_IMAGES.withoutCommit('{sha}'),
    OF_IMAGES.notOurs('example.com/web:1', 'example.com/api'),
  ]).toMatchInlineSnapshot(`
    [
      "the pods run api:aaaaaaa (by tag)",
      "the pods run api@sha256:aaaaaaaaaaaa… (by tag)",
      "no pod runs",
      "the pods run api:1, not api:aaaaaaa",
      "the pods run no image of its repository, not api:aaaaaaa",
      "the pods run api:1, api:2, not only api:aaaaaaa",
      "Synced and Healthy at bbbbbbb; whether what was built runs is unknown: name its \`images\` in the config",
      "the build exports no IMAGE_TAG, which is to name its image",
      "the commit of the build is unknown, and its image is tagged {sha}",
      ""example.com/web:1" is no tag or digest of example.com/api",
    ]
  `);
});
