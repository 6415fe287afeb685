import {
  BatchGetBuildsCommand,
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
});
