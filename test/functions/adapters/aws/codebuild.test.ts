import {
  BatchGetBuildBatchesCommand,
  BatchGetBuildsCommand,
  BatchGetProjectsCommand,
  CodeBuildClient,
  ListBuildsForProjectCommand,
} from '@aws-sdk/client-codebuild';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { createBuilds } from '#functions/adapters/aws/codebuild.ts';

const client = mockClient(CodeBuildClient);
afterAll(() => client.restore());
const builds = createBuilds(client as never);
beforeEach(() => client.reset());

describe('CodeBuild', () => {
  test('a build is read with what decides about its branch', async () => {
    client.on(BatchGetBuildsCommand).resolves({
      builds: [
        {
          id: 'api:1',
          projectName: 'api',
          buildNumber: 7,
          buildStatus: 'SUCCEEDED',
          initiator: 'GitHub-Hookshot/1',
          source: { type: 'GITHUB', location: 'https://github.com/example/api.git' },
          sourceVersion: 'refs/heads/develop',
          resolvedSourceVersion: 'abc',
          exportedEnvironmentVariables: [{ name: 'CODEBUILD_WEBHOOK_TRIGGER', value: 'branch/develop' }],
          startTime: new Date(1_000),
          endTime: new Date(2_000),
        },
      ],
      buildsNotFound: ['api:2'],
    });
    expect(await builds.read(['api:1', 'api:2'])).toEqual([
      {
        id: 'api:1',
        project: 'api',
        number: 7,
        status: 'SUCCEEDED',
        initiator: 'GitHub-Hookshot/1',
        location: 'https://github.com/example/api.git',
        sourceVersion: 'refs/heads/develop',
        resolvedSourceVersion: 'abc',
        exported: { CODEBUILD_WEBHOOK_TRIGGER: 'branch/develop' },
        startedAt: new Date(1_000),
        endedAt: new Date(2_000),
      },
    ]);
  });

  test('no call asks for more than 100 builds', async () => {
    client.on(BatchGetBuildsCommand).resolves({ builds: [] });
    await builds.read(Array.from({ length: 250 }, (_, index) => `api:${index}`));
    expect(client.commandCalls(BatchGetBuildsCommand).map((call) => call.args[0].input.ids?.length)).toEqual([
      100, 100, 50,
    ]);
  });

  test('nothing is asked for no builds', async () => {
    expect(await builds.read([])).toEqual([]);
    expect(client.calls()).toHaveLength(0);
  });

  test('the latest builds come first, with one call that names no order: with one, 100 builds are the limit', async () => {
    client.on(ListBuildsForProjectCommand).resolves({ ids: ['api:2', 'api:1'], nextToken: 'more' });
    expect(await builds.recent('api')).toEqual(['api:2', 'api:1']);
    expect(client.commandCalls(ListBuildsForProjectCommand)[0]?.args[0].input).toEqual({
      projectName: 'api',
    });
    expect(client.calls()).toHaveLength(1);
  });

  test('a project that does not exist has no list; any other refusal escapes', async () => {
    const error = (name: string) => Object.assign(new Error('refused'), { name });
    client.on(ListBuildsForProjectCommand).rejects(error('ResourceNotFoundException'));
    expect(await builds.recent('nobody')).toBeUndefined();
    client.on(ListBuildsForProjectCommand).rejects(error('AccessDeniedException'));
    await expect(builds.recent('api')).rejects.toThrow('refused');
  });

  const child = {
    id: 'api:1',
    projectName: 'api',
    buildNumber: 7,
    buildStatus: 'SUCCEEDED' as const,
    initiator: 'codebuild',
    buildBatchArn: 'arn:aws:codebuild:us-east-1:111111111111:build-batch/api:b1',
  };

  test.each([
    [
      'runs, whatever became of the build',
      { complete: false, buildBatchStatus: 'IN_PROGRESS' as const },
      'IN_PROGRESS',
    ],
    ['has failed', { complete: true, buildBatchStatus: 'FAILED' as const }, 'FAILED'],
    ['has succeeded', { complete: true, buildBatchStatus: 'SUCCEEDED' as const }, 'SUCCEEDED'],
  ])('D6: a build of a batch counts as its batch, which %s', async (_what, batch, status) => {
    client.on(BatchGetBuildsCommand).resolves({ builds: [child] });
    client.on(BatchGetBuildBatchesCommand).resolves({
      buildBatches: [{ id: 'api:b1', initiator: 'GitHub-Hookshot/1', sourceVersion: 'develop', ...batch }],
    });
    expect(await builds.read(['api:1'])).toMatchObject([
      { id: 'api:1', batch: 'api:b1', status, initiator: 'GitHub-Hookshot/1', sourceVersion: 'develop' },
    ]);
    expect(client.commandCalls(BatchGetBuildBatchesCommand)[0]?.args[0].input).toEqual({ ids: ['api:b1'] });
  });

  test('D6: a batch that CodeBuild does not return is an error', async () => {
    client.on(BatchGetBuildsCommand).resolves({ builds: [child] });
    client.on(BatchGetBuildBatchesCommand).resolves({ buildBatchesNotFound: ['api:b1'] });
    await expect(builds.read(['api:1'])).rejects.toThrow('CodeBuild has no batch api:b1');
  });

  test('a failure that CodeBuild repeats says so, and the repetition has the initiator of the first', async () => {
    const arn = (id: string) => `arn:aws:codebuild:us-east-1:111111111111:build/${id}`;
    const first = {
      id: 'api:1',
      initiator: 'GitHub-Hookshot/1',
      autoRetryConfig: { nextAutoRetry: arn('api:2') },
    };
    const second = {
      id: 'api:2',
      initiator: 'codebuild',
      autoRetryConfig: { previousAutoRetry: arn('api:1') },
    };
    client.on(BatchGetBuildsCommand, { ids: ['api:1'] }).resolves({ builds: [first] });
    client.on(BatchGetBuildsCommand, { ids: ['api:2'] }).resolves({ builds: [second] });
    expect(await builds.read(['api:1'])).toMatchObject([{ retriedAs: 'api:2' }]);
    expect(await builds.read(['api:2'])).toMatchObject([{ id: 'api:2', initiator: 'GitHub-Hookshot/1' }]);
  });

  test('an exported variable with several values has all of them', async () => {
    const exportedEnvironmentVariables = [
      { name: 'CODEBUILD_WEBHOOK_TRIGGER', value: 'pr/5' },
      { name: 'CODEBUILD_WEBHOOK_TRIGGER', value: 'branch/develop' },
      { name: 'TAG', value: '1' },
      { name: 'TAG', value: '1' },
    ];
    client.on(BatchGetBuildsCommand).resolves({ builds: [{ id: 'api:1', exportedEnvironmentVariables }] });
    const [build] = await builds.read(['api:1']);
    expect(build?.exported).toEqual({ CODEBUILD_WEBHOOK_TRIGGER: 'pr/5, branch/develop', TAG: '1' });
  });

  test('the creation time of a project, where there is one', async () => {
    client
      .on(BatchGetProjectsCommand)
      .resolves({ projects: [{ name: 'api', created: new Date(5_000) }], projectsNotFound: ['web'] });
    expect(await builds.projectCreatedAt('api')).toEqual(new Date(5_000));
    expect(await builds.projectCreatedAt('web')).toBeUndefined();
  });
});
