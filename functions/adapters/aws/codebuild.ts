/** CodeBuild's own record of builds: the event of a build has no branch, and not always a commit. */
import {
  BatchGetBuildBatchesCommand,
  BatchGetBuildsCommand,
  BatchGetProjectsCommand,
  type BuildBatch,
  type Build as CodeBuildBuild,
  CodeBuildClient,
  ListBuildsForProjectCommand,
} from '@aws-sdk/client-codebuild';
import type { Build, Builds } from '#functions/branch-deploy/ports.ts';
import { NightshiftError } from '#functions/shared/errors.ts';
import { awsClientDefaults } from './clients.ts';
import { errorName } from './errors.ts';
import { withTimeLimit } from './time-limit.ts';

/** BatchGetBuilds and BatchGetBuildBatches take 100 ids at most. */
const BATCH = 100;
/** `autoRetryLimit` of a project. */
const MOST_RETRIES = 10;

export const createCodeBuildClient = () => withTimeLimit(new CodeBuildClient(awsClientDefaults()));

export function createBuilds(client: Pick<CodeBuildClient, 'send'>): Builds {
  const buildsOf = (ids: readonly string[]) =>
    inBatches(ids, async (some) => (await client.send(new BatchGetBuildsCommand({ ids: some }))).builds);
  const batchesOf = (ids: readonly string[]) =>
    inBatches(
      ids,
      async (some) => (await client.send(new BatchGetBuildBatchesCommand({ ids: some }))).buildBatches,
    );

  /** The builds that CodeBuild repeated, back to the first of each: only that one's initiator is documented. */
  const withFirsts = async (builds: readonly CodeBuildBuild[]) => {
    const known = new Map(builds.map((build) => [build.id ?? '', build]));
    for (let steps = 0; steps < MOST_RETRIES; steps++) {
      const ids = [...known.values()].map(previousOf).filter((id) => id !== undefined && !known.has(id));
      if (ids.length === 0) break;
      for (const build of await buildsOf(ids as string[])) known.set(build.id ?? '', build);
    }
    return known;
  };

  return {
    async read(ids) {
      const builds = await buildsOf(ids);
      const batchIds = [...new Set(builds.flatMap(({ buildBatchArn }) => idOf(buildBatchArn) ?? []))];
      const [known, batches] = await Promise.all([withFirsts(builds), batchesOf(batchIds)]);
      return builds.map((build) => {
        const batchId = idOf(build.buildBatchArn);
        if (batchId === undefined) return buildOf(build, firstOf(build, known));
        const batch = batches.find(({ id }) => id === batchId);
        if (!batch)
          throw new NightshiftError(`CodeBuild has no batch ${batchId}, which build ${build.id} names`);
        return ofBatch(buildOf(build, batch), batchId, batch);
      });
    },
    async recent(project) {
      try {
        // Newest first is the default; to request it is an error for a project with more than 100 builds.
        const reply = await client.send(new ListBuildsForProjectCommand({ projectName: project }));
        return (reply.ids ?? []).slice(0, BATCH);
      } catch (error) {
        if (errorName(error) === 'ResourceNotFoundException') return undefined;
        throw error;
      }
    },
    async projectCreatedAt(project) {
      const reply = await client.send(new BatchGetProjectsCommand({ names: [project] }));
      return reply.projects?.find(({ name }) => name === project)?.created;
    },
  };
}

async function inBatches<T>(
  ids: readonly string[],
  read: (some: string[]) => Promise<T[] | undefined>,
): Promise<T[]> {
  const all: T[] = [];
  for (let start = 0; start < ids.length; start += BATCH)
    all.push(...((await read(ids.slice(start, start + BATCH))) ?? []));
  return all;
}

/** `<project>:<uuid>` of an ARN of a build or a batch. */
function idOf(arn: string | undefined): string | undefined {
  return arn?.split('/').at(-1) || undefined;
}

const previousOf = (build: CodeBuildBuild) => idOf(build.autoRetryConfig?.previousAutoRetry);

function firstOf(build: CodeBuildBuild, known: ReadonlyMap<string, CodeBuildBuild>): CodeBuildBuild {
  let first = build;
  for (let steps = 0; steps < MOST_RETRIES; steps++) first = known.get(previousOf(first) ?? '') ?? first;
  return first;
}

/** `begun` says who started it: the build itself, the one that it repeats, or its batch. */
function buildOf(build: CodeBuildBuild, begun: Pick<CodeBuildBuild, 'initiator'>): Build {
  const retriedAs = idOf(build.autoRetryConfig?.nextAutoRetry);
  return {
    id: build.id ?? '',
    project: build.projectName ?? '',
    number: Math.trunc(build.buildNumber ?? 0),
    status: build.buildStatus ?? '',
    ...(retriedAs ? { retriedAs } : {}),
    initiator: begun.initiator ?? '',
    location: build.source?.location ?? '',
    ...(build.sourceVersion ? { sourceVersion: build.sourceVersion } : {}),
    ...(build.resolvedSourceVersion ? { resolvedSourceVersion: build.resolvedSourceVersion } : {}),
    exported: exportedBy(build),
    ...(build.startTime ? { startedAt: build.startTime } : {}),
    ...(build.endTime ? { endedAt: build.endTime } : {}),
  };
}

/** A part of a batch ends before the batch does, and what was built is what the whole batch was started for. */
function ofBatch(build: Build, id: string, batch: BuildBatch): Build {
  return {
    ...build,
    batch: id,
    status: batch.complete === false ? 'IN_PROGRESS' : (batch.buildBatchStatus ?? ''),
    location: batch.source?.location ?? build.location,
    ...(batch.sourceVersion ? { sourceVersion: batch.sourceVersion } : {}),
    ...(batch.resolvedSourceVersion ? { resolvedSourceVersion: batch.resolvedSourceVersion } : {}),
    ...(batch.startTime ? { startedAt: batch.startTime } : {}),
    ...(batch.endTime ? { endedAt: batch.endTime } : {}),
  };
}

/** A variable with several values has all of them: none that is compared with it agrees. */
function exportedBy({ exportedEnvironmentVariables = [] }: CodeBuildBuild): Record<string, string> {
  const exported = new Map<string, string>();
  for (const { name = '', value = '' } of exportedEnvironmentVariables) {
    const before = exported.get(name);
    exported.set(name, before === undefined || before === value ? value : `${before}, ${value}`);
  }
  return Object.fromEntries(exported);
}
