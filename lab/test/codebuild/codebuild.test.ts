import { describe, expect, test } from 'vitest';
import { inWords } from '#lab/world/codebuild/build-event.ts';
import { aBench, aProject, REPOSITORY } from './builders.ts';

const SHA = 'a'.repeat(40);
const informationOf = (event: { detail: Readonly<Record<string, unknown>> } | undefined) =>
  event?.detail['additional-information'] as Record<string, unknown>;

describe('builds', () => {
  test('a push to the branch starts a build that names branch and commit, and ends with an event', async () => {
    const { codebuild, events, pass } = aBench();
    codebuild.addProject(aProject());
    const { builds } = codebuild.push({ repository: REPOSITORY, ref: 'refs/heads/develop', sha: SHA });
    expect(builds).toHaveLength(1);
    await pass(100);
    const id = builds[0]?.id ?? '';
    const build = codebuild.build('111111111111', 'ap-northeast-1', id);
    expect(build).toMatchObject({
      status: 'SUCCEEDED',
      complete: true,
      number: 1,
      currentPhase: 'COMPLETED',
      sourceVersion: `refs/heads/develop^{${SHA}}`,
      resolvedSourceVersion: SHA,
      source: { type: 'GITHUB', location: `${REPOSITORY}.git` },
    });
    expect((build?.endTime ?? 0) - (build?.startTime ?? 0)).toBe(90_000);
    expect(build?.phases.map((phase) => phase.type)).toEqual([
      'SUBMITTED',
      'QUEUED',
      'PROVISIONING',
      'DOWNLOAD_SOURCE',
      'INSTALL',
      'PRE_BUILD',
      'BUILD',
      'POST_BUILD',
      'UPLOAD_ARTIFACTS',
      'FINALIZING',
      'COMPLETED',
    ]);
    expect(events.map((event) => event.detail['build-status'])).toEqual(['IN_PROGRESS', 'SUCCEEDED']);
  });

  test('the event has the shape of the service: no branch, times in words, the id as an ARN', async () => {
    const { codebuild, events, pass } = aBench(new Date('2026-11-24T13:02:03Z'));
    codebuild.addProject(aProject({ environmentVariables: [{ name: 'STAGE', value: 'develop' }] }));
    const { builds } = codebuild.push({ repository: REPOSITORY, ref: 'refs/heads/develop', sha: SHA });
    await pass(100);
    const arn = `arn:aws:codebuild:ap-northeast-1:111111111111:build/${builds[0]?.id}`;
    const event = events.at(-1);
    expect(event).toMatchObject({
      version: '0',
      source: 'aws.codebuild',
      'detail-type': 'CodeBuild Build State Change',
      account: '111111111111',
      region: 'ap-northeast-1',
      time: '2026-11-24T13:03:33Z',
      resources: [arn],
    });
    expect(event?.detail).toMatchObject({
      'build-status': 'SUCCEEDED',
      'project-name': 'api-develop',
      'build-id': arn,
      'current-phase': 'COMPLETED',
      version: '1',
    });
    const information = informationOf(event);
    expect(information).toMatchObject({
      'build-complete': true,
      'build-number': 1,
      'build-start-time': 'Nov 24, 2026 1:02:03 PM',
      'source-version': `refs/heads/develop^{${SHA}}`,
      source: { type: 'GITHUB', location: `${REPOSITORY}.git` },
      environment: { 'environment-variables': [{ name: 'STAGE', type: 'PLAINTEXT', value: 'develop' }] },
    });
    expect(information['initiator']).toMatch(/^GitHub-Hookshot\/[0-9a-f]{7}$/);
    expect(JSON.stringify(events[0])).not.toContain('CODEBUILD_WEBHOOK');
    const first = informationOf(events[0]);
    expect(first['build-complete']).toBe(false);
    expect(first['logs']).toEqual({
      'deep-link':
        'https://console.aws.amazon.com/cloudwatch/home?region=ap-northeast-1#logEvent:group=null;stream=null',
    });
    expect(first['phases']).toEqual([
      {
        'phase-context': [],
        'start-time': 'Nov 24, 2026 1:02:03 PM',
        'end-time': 'Nov 24, 2026 1:02:03 PM',
        'duration-in-seconds': 0,
        'phase-type': 'SUBMITTED',
        'phase-status': 'SUCCEEDED',
      },
      { 'start-time': 'Nov 24, 2026 1:02:03 PM', 'phase-type': 'QUEUED' },
    ]);
  });

  test('each completed phase is an event of another type on the same bus', async () => {
    const { codebuild, phaseEvents, pass } = aBench();
    codebuild.addProject(aProject({ outcome: 'FAILED' }));
    codebuild.push({ repository: REPOSITORY, ref: 'refs/heads/develop' });
    await pass(100);
    expect(phaseEvents.map((event) => event.detail['completed-phase'])).toEqual([
      'SUBMITTED',
      'QUEUED',
      'PROVISIONING',
      'DOWNLOAD_SOURCE',
      'INSTALL',
      'PRE_BUILD',
      'BUILD',
      'POST_BUILD',
      'UPLOAD_ARTIFACTS',
      'FINALIZING',
    ]);
    expect(phaseEvents[6]).toMatchObject({
      source: 'aws.codebuild',
      'detail-type': 'CodeBuild Build Phase Change',
      detail: {
        'completed-phase-status': 'FAILED',
        'completed-phase-context':
          '[COMMAND_EXECUTION_ERROR: Error while executing command: npm test. Reason: exit status 1]',
      },
    });
    expect(phaseEvents[6]?.detail).not.toHaveProperty('build-status');
  });

  test('noon and midnight are twelve', () => {
    expect(inWords(Date.parse('2017-09-01T00:04:09Z'))).toBe('Sep 1, 2017 12:04:09 AM');
    expect(inWords(Date.parse('2017-09-01T12:00:00Z'))).toBe('Sep 1, 2017 12:00:00 PM');
  });

  test('a pull request builds as pr/N and a tag as its ref, if the filters allow it', () => {
    const { codebuild } = aBench();
    codebuild.addProject(aProject({ name: 'all', webhook: {} }));
    codebuild.addProject(aProject());
    codebuild.push({ repository: REPOSITORY, ref: 'refs/heads/feature' });
    const opened = codebuild.openPullRequest({
      repository: REPOSITORY,
      head: 'refs/heads/feature',
      base: 'refs/heads/develop',
    });
    expect(opened.builds.map(({ project, sourceVersion }) => ({ project, sourceVersion }))).toEqual([
      { project: 'all', sourceVersion: 'pr/1' },
    ]);
    const tagged = codebuild.push({ repository: REPOSITORY, ref: 'refs/tags/develop', sha: SHA });
    expect(tagged.builds.map(({ project, sourceVersion }) => ({ project, sourceVersion }))).toEqual([
      { project: 'all', sourceVersion: `refs/tags/develop^{${SHA}}` },
    ]);
  });

  test.each([
    ['FAILED', 'BUILD', 90],
    ['FAULT', 'PROVISIONING', 90],
    ['TIMED_OUT', 'BUILD', 3600],
  ] as const)('a build that ends as %s shows it in the phase %s', async (outcome, phase, seconds) => {
    const { codebuild, events, pass } = aBench();
    codebuild.addProject(aProject({ outcome }));
    const { builds } = codebuild.push({ repository: REPOSITORY, ref: 'refs/heads/develop' });
    await pass(seconds + 1);
    const build = codebuild.build('111111111111', 'ap-northeast-1', builds[0]?.id ?? '');
    expect(build?.status).toBe(outcome);
    expect(build?.phases.find((each) => each.type === phase)?.status).toBe(outcome);
    expect(events.at(-1)?.detail['build-status']).toBe(outcome);
  });

  test('a build that is longer than its timeout times out', async () => {
    const { codebuild, pass } = aBench();
    codebuild.addProject(aProject({ buildSeconds: 700, timeoutInMinutes: 10 }));
    const { builds } = codebuild.push({ repository: REPOSITORY, ref: 'refs/heads/develop' });
    await pass(601);
    expect(codebuild.build('111111111111', 'ap-northeast-1', builds[0]?.id ?? '')?.status).toBe('TIMED_OUT');
  });

  test('a stopped build ends at once, as STOPPED, and only once', async () => {
    const { codebuild, events, pass } = aBench();
    codebuild.addProject(aProject());
    const { builds } = codebuild.push({ repository: REPOSITORY, ref: 'refs/heads/develop' });
    await pass(30);
    const stopped = codebuild.stopBuild('111111111111', 'ap-northeast-1', builds[0]?.id ?? '');
    expect(stopped).toMatchObject({ status: 'STOPPED', complete: true, currentPhase: 'COMPLETED' });
    codebuild.stopBuild('111111111111', 'ap-northeast-1', builds[0]?.id ?? '');
    await pass(100);
    expect(events.map((event) => event.detail['build-status'])).toEqual(['IN_PROGRESS', 'STOPPED']);
  });

  test('numbers count per project, and a later build can end first', async () => {
    const { codebuild, events, pass } = aBench();
    codebuild.addProject(aProject({ buildSeconds: (build) => (build.number === 1 ? 300 : 60) }));
    codebuild.push({ repository: REPOSITORY, ref: 'refs/heads/develop' });
    await pass(10);
    codebuild.push({ repository: REPOSITORY, ref: 'refs/heads/develop' });
    await pass(400);
    expect(
      events
        .filter((event) => event.detail['build-status'] === 'SUCCEEDED')
        .map((event) => informationOf(event)['build-number']),
    ).toEqual([2, 1]);
  });

  test('a manual build has its user as initiator, and no source version if none is given', async () => {
    const { codebuild, events, pass } = aBench();
    codebuild.addProject(aProject());
    codebuild.push({ repository: REPOSITORY, ref: 'refs/heads/main', sha: SHA });
    const build = codebuild.startBuild({
      account: '111111111111',
      region: 'ap-northeast-1',
      project: 'api-develop',
      initiator: 'alice',
    });
    await pass(100);
    expect(build.sourceVersion).toBeUndefined();
    expect(informationOf(events.at(-1))).not.toHaveProperty('source-version');
    expect(informationOf(events.at(-1))['initiator']).toBe('alice');
    expect(codebuild.build('111111111111', 'ap-northeast-1', build.id)?.resolvedSourceVersion).toBe(SHA);
  });

  test('a build exports the variables of its buildspec, even false ones', async () => {
    const { codebuild, pass } = aBench();
    codebuild.addProject(
      aProject({
        webhook: {},
        exportedVariables: [
          'CODEBUILD_WEBHOOK_TRIGGER',
          { name: 'CODEBUILD_WEBHOOK_HEAD_REF', value: 'refs/heads/develop' },
        ],
      }),
    );
    const { builds } = codebuild.push({ repository: REPOSITORY, ref: 'refs/heads/feature/develop' });
    await pass(100);
    expect(
      codebuild.build('111111111111', 'ap-northeast-1', builds[0]?.id ?? '')?.exportedEnvironmentVariables,
    ).toEqual([
      { name: 'CODEBUILD_WEBHOOK_TRIGGER', value: 'branch/feature/develop' },
      { name: 'CODEBUILD_WEBHOOK_HEAD_REF', value: 'refs/heads/develop' },
    ]);
  });

  test('builds of another account or region are not known', () => {
    const { codebuild } = aBench();
    codebuild.addProject(aProject());
    const { builds } = codebuild.push({ repository: REPOSITORY, ref: 'refs/heads/develop' });
    const id = builds[0]?.id ?? '';
    expect(codebuild.build('111111111111', 'us-east-1', id)).toBeUndefined();
    expect(codebuild.build('222222222222', 'ap-northeast-1', id)).toBeUndefined();
    expect(codebuild.build('111111111111', 'ap-northeast-1', builds[0]?.arn ?? '')?.id).toBe(id);
    expect(codebuild.build('222222222222', 'ap-northeast-1', builds[0]?.arn ?? '')).toBeUndefined();
  });
});

describe('delivery of events', () => {
  const pushes = async (faults: object, count = 50) => {
    const bench = aBench();
    bench.codebuild.addProject(aProject());
    Object.assign(bench.codebuild.faults, faults);
    for (let index = 0; index < count; index++) {
      bench.codebuild.push({ repository: REPOSITORY, ref: 'refs/heads/develop' });
      await bench.pass(10);
    }
    await bench.pass(1000);
    return bench.events;
  };

  test('some get lost, and which ones is the same each time', async () => {
    const events = await pushes({ drop: 0.2 });
    expect(events.length).toBeGreaterThan(60);
    expect(events.length).toBeLessThan(95);
    expect((await pushes({ drop: 0.2 })).map((event) => event.id)).toEqual(events.map((event) => event.id));
  });

  test('one that comes twice has the same id twice', async () => {
    const events = await pushes({ duplicate: 1 }, 2);
    expect(events).toHaveLength(8);
    expect(new Set(events.map((event) => event.id)).size).toBe(4);
  });

  test('a late one still has the time of the change', async () => {
    const { codebuild, context, events, pass } = aBench();
    codebuild.addProject(aProject());
    codebuild.faults.delaySeconds = [60, 600];
    const begun = context.clock.now();
    codebuild.push({ repository: REPOSITORY, ref: 'refs/heads/develop' });
    await pass(50);
    expect(events).toHaveLength(0);
    await pass(1000);
    const end = events.find((event) => event.detail['build-status'] === 'SUCCEEDED');
    expect(Date.parse(end?.time ?? '')).toBe(begun + 90_000);
  });
});

describe('git', () => {
  test('a revision is a branch before a tag, HEAD is the default branch, and the past is remembered', async () => {
    const { codebuild, context, pass } = aBench();
    const { git } = codebuild;
    const before = context.clock.now();
    codebuild.push({ repository: REPOSITORY, ref: 'refs/heads/develop', sha: SHA });
    codebuild.push({ repository: REPOSITORY, ref: 'refs/tags/develop', sha: 'b'.repeat(40) });
    codebuild.push({ repository: REPOSITORY, ref: 'refs/heads/main', sha: 'c'.repeat(40) });
    await pass(60);
    codebuild.push({ repository: `${REPOSITORY}.git`, ref: 'refs/heads/develop', sha: 'd'.repeat(40) });
    expect(git.revisionOf(REPOSITORY, 'develop')).toBe('d'.repeat(40));
    expect(git.revisionOf(REPOSITORY, 'develop', before)).toBe(SHA);
    expect(git.revisionOf(REPOSITORY, 'refs/tags/develop')).toBe('b'.repeat(40));
    expect(git.revisionOf(REPOSITORY, 'HEAD')).toBe('c'.repeat(40));
    expect(git.revisionOf(REPOSITORY, SHA)).toBe(SHA);
    expect(git.revisionOf(REPOSITORY, 'e'.repeat(40))).toBeUndefined();
    expect(git.revisionOf(REPOSITORY, 'nowhere')).toBeUndefined();
    expect(git.revisionOf('https://github.com/example/other', 'develop')).toBeUndefined();
  });
});
