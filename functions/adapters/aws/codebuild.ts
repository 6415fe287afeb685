/** CodeBuild's own record of builds: the event of a build has no branch, and not always a commit. */
import {
  BatchGetBuildsCommand,
  type Build as CodeBuildBuild,
  CodeBuildClient,
  ListBuildsForProjectCommand,
} from '@aws-sdk/client-codebuild';
import type { Build, Builds } from '#functions/branch-deploy/ports.ts';
import { awsClientDefaults } from './clients.ts';
import { errorName } from './errors.ts';
import { withTimeLimit } from './time-limit.ts';

/** BatchGetBuilds takes 100 ids at most. */
const BATCH = 100;

export const createCodeBuildClient = () => withTimeLimit(new CodeBuildClient(awsClientDefaults()));

export function createBuilds(client: Pick<CodeBuildClient, 'send'>): Builds {
  return {
    async read(ids) {
      const builds: Build[] = [];
      for (let start = 0; start < ids.length; start += BATCH) {
        const reply = await client.send(new BatchGetBuildsCommand({ ids: ids.slice(start, start + BATCH) }));
        for (const build of reply.builds ?? []) builds.push(buildOf(build));
      }
      return builds;
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
  };
}

function buildOf(build: CodeBuildBuild): Build {
  return {
    id: build.id ?? '',
    project: build.projectName ?? '',
    number: Math.trunc(build.buildNumber ?? 0),
    status: build.buildStatus ?? '',
    initiator: build.initiator ?? '',
    location: build.source?.location ?? '',
    ...(build.sourceVersion ? { sourceVersion: build.sourceVersion } : {}),
    ...(build.resolvedSourceVersion ? { resolvedSourceVersion: build.resolvedSourceVersion } : {}),
    exported: Object.fromEntries(
      (build.exportedEnvironmentVariables ?? []).map(({ name, value }) => [name ?? '', value ?? '']),
    ),
    ...(build.startTime ? { startedAt: build.startTime } : {}),
    ...(build.endTime ? { endedAt: build.endTime } : {}),
  };
}
