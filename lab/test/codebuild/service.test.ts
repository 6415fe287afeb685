import {
  BatchGetBuildBatchesCommand,
  BatchGetBuildsCommand,
  BatchGetProjectsCommand,
  CodeBuildClient,
  ListBuildsCommand,
  ListBuildsForProjectCommand,
  ListProjectsCommand,
  StartBuildCommand,
  StopBuildCommand,
} from '@aws-sdk/client-codebuild';
import { describe, expect, onTestFinished, test } from 'vitest';
import { serveAws } from '#lab/http/aws/server.ts';
import { codebuildService } from '#lab/http/codebuild.ts';
import { createAws } from '#lab/world/aws/index.ts';
import { aBench, aProject, REPOSITORY } from './builders.ts';

const ACCOUNT = '111111111111';
const SHA = 'a'.repeat(40);

async function aDesk() {
  const bench = aBench();
  const aws = createAws(bench.context);
  const endpoint = await serveAws({ aws, services: [codebuildService(bench.codebuild)] });
  onTestFinished(() => endpoint.close());
  const clientOf = (
    account: string,
    region = 'ap-northeast-1',
    arn = `arn:aws:iam::${account}:role/branch-deploy`,
  ) =>
    new CodeBuildClient({
      endpoint: endpoint.url,
      region,
      credentials: aws.addPrincipal({ account, arn, anyTime: true, sessionName: 'nightshift' }),
      maxAttempts: 1,
    });
  bench.codebuild.addProject(aProject());
  return { ...bench, clientOf, client: clientOf(ACCOUNT) };
}

describe('a batch as the SDK sees it', () => {
  test('is named by its builds, runs until the last of them has ended, and counts the failures that are not ignored', async () => {
    const { codebuild, context, pass, client } = await aDesk();
    const project = { account: ACCOUNT, region: 'ap-northeast-1', name: 'api-develop' };
    const begun = context.clock.date();
    const push = (failing: { readonly ignoreFailure: boolean }) => {
      codebuild.changeProject(project, {
        batch: [
          { identifier: 'app', buildSeconds: 60 },
          { identifier: 'docs', buildSeconds: 30, outcome: 'FAILED', ...failing },
        ],
      });
      return codebuild.push({ repository: REPOSITORY, ref: 'refs/heads/develop' }).builds;
    };
    const batchOf = async (id: string) => {
      const { builds } = await client.send(new BatchGetBuildsCommand({ ids: [id] }));
      const ids = [builds?.[0]?.buildBatchArn ?? '', 'api-develop:nobody'];
      const { buildBatches, buildBatchesNotFound } = await client.send(
        new BatchGetBuildBatchesCommand({ ids }),
      );
      expect(buildBatchesNotFound).toEqual(['api-develop:nobody']);
      return buildBatches?.[0];
    };
    const [first] = push({ ignoreFailure: true });
    const [second] = push({ ignoreFailure: false });
    await pass(61);
    expect(await batchOf(first?.id ?? '')).toMatchObject({
      complete: false,
      buildBatchStatus: 'IN_PROGRESS',
    });
    await pass(10);
    expect(await batchOf(first?.id ?? '')).toMatchObject({
      complete: true,
      buildBatchStatus: 'SUCCEEDED',
      projectName: 'api-develop',
      initiator: expect.stringMatching(/^GitHub-Hookshot\//),
      endTime: new Date(begun.getTime() + 65_000),
      buildGroups: [
        { identifier: 'app', ignoreFailure: false, currentBuildSummary: { arn: first?.arn } },
        { identifier: 'docs', ignoreFailure: true, currentBuildSummary: { buildStatus: 'FAILED' } },
      ],
    });
    expect(await batchOf(second?.id ?? '')).toMatchObject({ complete: true, buildBatchStatus: 'FAILED' });
  });
});

describe('CodeBuild as the SDK sees it', () => {
  test('BatchGetBuilds returns all that a deploy needs, with dates as dates', async () => {
    const { codebuild, context, pass, client } = await aDesk();
    codebuild.changeProject(
      { account: ACCOUNT, region: 'ap-northeast-1', name: 'api-develop' },
      { exportedVariables: ['CODEBUILD_WEBHOOK_HEAD_REF'] },
    );
    const begun = context.clock.date();
    const {
      builds: [started],
    } = codebuild.push({ repository: REPOSITORY, ref: 'refs/heads/develop', sha: SHA });
    await pass(100);
    const { builds, buildsNotFound } = await client.send(
      new BatchGetBuildsCommand({
        ids: [started?.arn ?? '', 'api-develop:00000000-0000-4000-8000-000000000000'],
      }),
    );
    expect(buildsNotFound).toEqual(['api-develop:00000000-0000-4000-8000-000000000000']);
    expect(builds).toMatchObject([
      {
        id: started?.id,
        arn: started?.arn,
        buildNumber: 1,
        buildStatus: 'SUCCEEDED',
        buildComplete: true,
        startTime: begun,
        endTime: new Date(begun.getTime() + 90_000),
        initiator: expect.stringMatching(/^GitHub-Hookshot\//),
        projectName: 'api-develop',
        source: { type: 'GITHUB', location: `${REPOSITORY}.git` },
        sourceVersion: `refs/heads/develop^{${SHA}}`,
        resolvedSourceVersion: SHA,
        exportedEnvironmentVariables: [{ name: 'CODEBUILD_WEBHOOK_HEAD_REF', value: 'refs/heads/develop' }],
      },
    ]);
  });

  test('builds of another account or region are not found', async () => {
    const { codebuild, clientOf } = await aDesk();
    const {
      builds: [build],
    } = codebuild.push({ repository: REPOSITORY, ref: 'refs/heads/develop' });
    for (const client of [clientOf('222222222222'), clientOf(ACCOUNT, 'us-east-1')]) {
      const ids = [build?.id ?? '', build?.arn ?? ''];
      const answer = await client.send(new BatchGetBuildsCommand({ ids }));
      expect(answer).toMatchObject({ builds: [], buildsNotFound: ids });
    }
  });

  test('no ids and more than 100 are refused', async () => {
    const { client } = await aDesk();
    await expect(client.send(new BatchGetBuildsCommand({ ids: [] }))).rejects.toMatchObject({
      name: 'InvalidInputException',
      message: 'The input build ID list cannot be empty.',
    });
    const ids = Array.from({ length: 101 }, (_, index) => `api-develop:${index}`);
    await expect(client.send(new BatchGetBuildsCommand({ ids }))).rejects.toMatchObject({
      name: 'InvalidInputException',
    });
  });

  test('ListBuildsForProject gives the newest first, 100 to a page; an order is refused beyond that', async () => {
    const { codebuild, client } = await aDesk();
    const ids = Array.from(
      { length: 130 },
      () => codebuild.push({ repository: REPOSITORY, ref: 'refs/heads/develop' }).builds[0]?.id,
    ).reverse();
    const first = await client.send(new ListBuildsForProjectCommand({ projectName: 'api-develop' }));
    expect(first.ids).toEqual(ids.slice(0, 100));
    const second = await client.send(
      new ListBuildsForProjectCommand({ projectName: 'api-develop', nextToken: first.nextToken }),
    );
    expect(second.ids).toEqual(ids.slice(100));
    expect(second.nextToken).toBeUndefined();
    await expect(
      client.send(new ListBuildsForProjectCommand({ projectName: 'api-develop', sortOrder: 'DESCENDING' })),
    ).rejects.toMatchObject({ name: 'InvalidInputException' });
    await expect(
      client.send(new ListBuildsForProjectCommand({ projectName: 'api-develop', nextToken: 'bm9uc2Vuc2U' })),
    ).rejects.toMatchObject({ name: 'InvalidInputException' });
  });

  test('ListBuilds gives those of all projects, in the order of time', async () => {
    const { codebuild, pass, client } = await aDesk();
    codebuild.addProject(aProject({ name: 'web-develop' }));
    const ids: string[] = [];
    for (const project of ['api-develop', 'web-develop', 'api-develop']) {
      const build = codebuild.startBuild({
        account: ACCOUNT,
        region: 'ap-northeast-1',
        project,
        initiator: 'a',
      });
      ids.push(build.id);
      await pass(5);
    }
    expect((await client.send(new ListBuildsCommand({}))).ids).toEqual(ids.toReversed());
    expect((await client.send(new ListBuildsCommand({ sortOrder: 'ASCENDING' }))).ids).toEqual(ids);
  });

  test('of an unknown project there is no list', async () => {
    const { client } = await aDesk();
    await expect(client.send(new ListBuildsForProjectCommand({ projectName: 'nope' }))).rejects.toMatchObject(
      {
        name: 'ResourceNotFoundException',
        message:
          'The provided project arn:aws:codebuild:ap-northeast-1:111111111111:project/nope does not exist',
      },
    );
  });

  test('projects are listed, and read with their webhook filters', async () => {
    const { codebuild, client } = await aDesk();
    codebuild.addProject(aProject({ name: 'a-first', webhook: {} }));
    expect((await client.send(new ListProjectsCommand({}))).projects).toEqual(['a-first', 'api-develop']);
    const { projects, projectsNotFound } = await client.send(
      new BatchGetProjectsCommand({ names: ['api-develop', 'nope'] }),
    );
    expect(projectsNotFound).toEqual(['nope']);
    expect(projects?.[0]).toMatchObject({
      name: 'api-develop',
      webhook: {
        filterGroups: [
          [
            { type: 'EVENT', pattern: 'PUSH', excludeMatchedPattern: false },
            { type: 'HEAD_REF', pattern: '^refs/heads/develop$', excludeMatchedPattern: false },
          ],
        ],
      },
    });
  });

  test('a build by hand names its caller, and can be stopped', async () => {
    const { codebuild, pass, client, clientOf } = await aDesk();
    codebuild.push({ repository: REPOSITORY, ref: 'refs/heads/feature', sha: SHA });
    const alice = clientOf(ACCOUNT, 'ap-northeast-1', `arn:aws:iam::${ACCOUNT}:user/alice`);
    const byAlice = await alice.send(
      new StartBuildCommand({ projectName: 'api-develop', sourceVersion: 'feature' }),
    );
    expect(byAlice.build).toMatchObject({
      initiator: 'alice',
      sourceVersion: 'feature',
      buildStatus: 'IN_PROGRESS',
    });
    const byRole = await client.send(new StartBuildCommand({ projectName: 'api-develop' }));
    expect(byRole.build?.initiator).toBe('branch-deploy/nightshift');
    await pass(20);
    const { build } = await client.send(new StopBuildCommand({ id: byAlice.build?.id }));
    expect(build).toMatchObject({ buildStatus: 'STOPPED', resolvedSourceVersion: SHA });
    await expect(client.send(new StopBuildCommand({ id: 'api-develop:nope' }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
    await expect(client.send(new StartBuildCommand({ projectName: 'nope' }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
  });

  test('what the model forbids is refused, and so is what the lab would not do', async () => {
    const { client } = await aDesk();
    const refused = { name: 'InvalidInputException' };
    const by = (input: object) => client.send(new ListProjectsCommand(input));
    await expect(by({ sortBy: 'SIZE' })).rejects.toMatchObject(refused);
    await expect(by({ nextToken: '' })).rejects.toMatchObject(refused);
    await expect(
      client.send(new StartBuildCommand({ projectName: 'api-develop', timeoutInMinutesOverride: 4 })),
    ).rejects.toThrow("the lab's StartBuild does not know timeoutInMinutesOverride");
  });
});
