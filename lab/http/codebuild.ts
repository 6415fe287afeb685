/** CodeBuild on the lab's AWS endpoint: JSON 1.1, `X-Amz-Target: CodeBuild_20161006.<Operation>`. */
import { AwsError } from '../world/aws/error.ts';
import {
  type BatchView,
  type BuildView,
  type CodebuildWorld,
  type ProjectView,
  sameRepository,
} from '../world/codebuild/index.ts';
import type { Principal } from '../world/interfaces.ts';
import { type AwsRequest, type AwsService, unknownOperation } from './aws/service.ts';

/** Members of a page of ListBuildsForProject and ListProjects. */
const PAGE = 100;
/** Ids that one BatchGetBuilds or BatchGetProjects takes. */
const MOST_IDS = 100;

export function codebuildService(codebuild: CodebuildWorld): AwsService {
  return {
    service: 'codebuild',
    protocol: 'json-1.1',
    target: 'CodeBuild_20161006',
    handle: (request) => OPERATIONS.get(request.operation)?.(codebuild, request) ?? unknownOperation,
  };
}

type Operation = (codebuild: CodebuildWorld, request: AwsRequest) => Readonly<Record<string, unknown>>;

const OPERATIONS: ReadonlyMap<string, Operation> = new Map(
  Object.entries<Operation>({
    BatchGetBuilds(codebuild, request) {
      const { account, region } = request;
      const ids = idsOf(request, 'ids', 'build ID');
      const builds = ids.map((id) => ({ id, build: codebuild.build(account, region, id) }));
      return {
        builds: builds.flatMap(({ build }) => (build ? [buildMembers(build, codebuild)] : [])),
        buildsNotFound: builds.flatMap(({ id, build }) => (build ? [] : [id])),
      };
    },
    BatchGetBuildBatches(codebuild, request) {
      const { account, region } = request;
      const ids = idsOf(request, 'ids', 'build batch ID');
      const batches = ids.map((id) => ({ id, batch: codebuild.batch(account, region, id) }));
      return {
        buildBatches: batches.flatMap(({ batch }) => (batch ? [batchMembers(batch)] : [])),
        buildBatchesNotFound: batches.flatMap(({ id, batch }) => (batch ? [] : [id])),
      };
    },
    BatchGetProjects(codebuild, request) {
      const { account, region } = request;
      const names = idsOf(request, 'names', 'project name');
      const prefix = `arn:aws:codebuild:${region}:${account}:project/`;
      const projects = names.map((name) => ({
        name,
        project: codebuild.project(
          account,
          region,
          name.startsWith(prefix) ? name.slice(prefix.length) : name,
        ),
      }));
      return {
        projects: projects.flatMap(({ project }) => (project ? [projectMembers(project)] : [])),
        projectsNotFound: projects.flatMap(({ name, project }) => (project ? [] : [name])),
      };
    },
    ListBuildsForProject(codebuild, request) {
      const { account, region } = request;
      const name = stringOf(request, 'projectName', true);
      const project = codebuild.project(account, region, name);
      if (!project) {
        throw new AwsError(
          'ResourceNotFoundException',
          `The provided project arn:aws:codebuild:${region}:${account}:project/${name} does not exist`,
        );
      }
      const order = orderOf(request);
      const builds = codebuild.builds(account, region, name);
      if (order !== undefined && builds.length > PAGE) {
        // API reference: "If the project has more than 100 builds, setting the sort order will result in an error."
        throw new AwsError(
          'InvalidInputException',
          `Sort order cannot be set for a project with more than ${PAGE} builds`,
        );
      }
      const ids = builds.map((build) => build.id);
      return page(request, 'ids', order === 'ASCENDING' ? ids : ids.toReversed());
    },
    ListBuilds(codebuild, request) {
      const { account, region } = request;
      const builds = codebuild
        .projects(account, region)
        .flatMap(({ name }) => codebuild.builds(account, region, name))
        .toSorted((one, other) => one.startTime - other.startTime);
      const ids = builds.map((build) => build.id);
      return page(request, 'ids', orderOf(request) === 'ASCENDING' ? ids : ids.toReversed());
    },
    ListProjects(codebuild, request) {
      const { account, region } = request;
      const projects = codebuild.projects(account, region);
      const by = oneOf(request, 'sortBy', ['NAME', 'CREATED_TIME', 'LAST_MODIFIED_TIME']) ?? 'NAME';
      const sorted =
        by === 'NAME'
          ? projects.map(({ name }) => name).sort()
          : projects.toSorted((one, other) => one.created - other.created).map(({ name }) => name);
      return page(request, 'projects', orderOf(request) === 'DESCENDING' ? sorted.reverse() : sorted);
    },
    StartBuild(codebuild, request) {
      const { account, region } = request;
      refuseUnknown(request, ['projectName', 'sourceVersion', 'environmentVariablesOverride']);
      const version = stringOf(request, 'sourceVersion', false);
      const variables = request.parameters['environmentVariablesOverride'];
      const build = codebuild.startBuild({
        account,
        region,
        project: stringOf(request, 'projectName', true),
        initiator: initiatorOf(request.principal),
        ...(version === '' ? {} : { sourceVersion: version }),
        ...(Array.isArray(variables) ? { environmentVariables: variables } : {}),
      });
      return { build: buildMembers(build, codebuild) };
    },
    StopBuild(codebuild, request) {
      const { account, region } = request;
      return {
        build: buildMembers(codebuild.stopBuild(account, region, stringOf(request, 'id', true)), codebuild),
      };
    },
  }),
);

/** A user's name, or `role/session` for an assumed role. */
function initiatorOf(principal: Principal & { readonly callerArn?: string }): string {
  const resource = (principal.callerArn ?? principal.arn).split(':').slice(5).join(':');
  return resource.replace(/^assumed-role\//, '').replace(/^(?:user|role)\/(?:.*\/)?/, '');
}

function idsOf(request: AwsRequest, member: string, what: string): string[] {
  const value = request.parameters[member];
  if (value === undefined) throw missing(member);
  if (!Array.isArray(value) || value.some((each) => typeof each !== 'string')) {
    throw new AwsError('SerializationException', `${member} is not a list of strings`);
  }
  if (value.length === 0)
    throw new AwsError('InvalidInputException', `The input ${what} list cannot be empty.`);
  if (value.length > MOST_IDS) {
    throw new AwsError(
      'InvalidInputException',
      `The input ${what} list cannot have more than ${MOST_IDS} members.`,
    );
  }
  return value;
}

function stringOf(request: AwsRequest, member: string, required: boolean): string {
  const value = request.parameters[member] ?? '';
  if (typeof value !== 'string') throw new AwsError('SerializationException', `${member} is not a string`);
  if (required && value === '') throw missing(member);
  return value;
}

function orderOf(request: AwsRequest): 'ASCENDING' | 'DESCENDING' | undefined {
  return oneOf(request, 'sortOrder', ['ASCENDING', 'DESCENDING']);
}

function oneOf<T extends string>(request: AwsRequest, member: string, allowed: readonly T[]): T | undefined {
  const value = request.parameters[member];
  if (value === undefined) return undefined;
  const found = allowed.find((one) => one === value);
  if (found) return found;
  throw new AwsError(
    'InvalidInputException',
    `1 validation error detected: Value '${String(value)}' at '${member}' failed to satisfy constraint: Member must satisfy enum value set: [${allowed.join(', ')}]`,
  );
}

/** Parameters that the lab does not implement are refused, not ignored. */
function refuseUnknown(request: AwsRequest, known: readonly string[]): void {
  const other = Object.keys(request.parameters).find((name) => !known.includes(name));
  if (other !== undefined)
    throw new AwsError('InvalidInputException', `the lab's ${request.operation} does not know ${other}`);
}

function missing(member: string): AwsError {
  return new AwsError(
    'InvalidInputException',
    `1 validation error detected: Value null at '${member}' failed to satisfy constraint: Member must not be null`,
  );
}

/** A token says where the next page begins; it holds for the list that it came from. */
function page(request: AwsRequest, member: string, all: readonly string[]): Record<string, unknown> {
  const token =
    request.parameters['nextToken'] === undefined ? undefined : stringOf(request, 'nextToken', true);
  const last = token === undefined ? undefined : Buffer.from(token, 'base64url').toString('utf8');
  const from = last === undefined ? 0 : all.indexOf(last) + 1;
  if (last !== undefined && from === 0)
    throw new AwsError('InvalidInputException', `Invalid next token: ${token}`);
  const members = all.slice(from, from + PAGE);
  const end = members.at(-1);
  const more = from + PAGE < all.length && end !== undefined;
  return { [member]: members, ...(more ? { nextToken: Buffer.from(end).toString('base64url') } : {}) };
}

const seconds = (at: number) => at / 1000;

function buildMembers(build: BuildView, codebuild: CodebuildWorld): Record<string, unknown> {
  const project = codebuild.project(build.account, build.region, build.project);
  const stream = build.id.slice(build.project.length + 1);
  const logged = build.phases.some((phase) => phase.type === 'DOWNLOAD_SOURCE');
  const group = `/aws/codebuild/${build.project}`;
  return {
    id: build.id,
    arn: build.arn,
    buildNumber: build.number,
    startTime: seconds(build.startTime),
    ...(build.endTime === undefined ? {} : { endTime: seconds(build.endTime) }),
    currentPhase: build.currentPhase,
    buildStatus: build.status,
    ...(build.sourceVersion === undefined ? {} : { sourceVersion: build.sourceVersion }),
    ...(build.resolvedSourceVersion === undefined
      ? {}
      : { resolvedSourceVersion: build.resolvedSourceVersion }),
    projectName: build.project,
    ...(build.batchArn ? { buildBatchArn: build.batchArn } : {}),
    phases: build.phases.map((phase) => ({
      phaseType: phase.type,
      startTime: seconds(phase.start),
      ...(phase.end === undefined
        ? {}
        : {
            phaseStatus: phase.status,
            endTime: seconds(phase.end),
            durationInSeconds: Math.round((phase.end - phase.start) / 1000),
            ...(phase.context.length > 0 ? { contexts: phase.context } : {}),
          }),
    })),
    source: sourceMembers(build.source),
    secondarySources: [],
    secondarySourceVersions: [],
    artifacts: { location: '' },
    cache: { type: 'NO_CACHE' },
    environment: environmentMembers(build.environmentVariables),
    serviceRole: `arn:aws:iam::${build.account}:role/codebuild-${build.project}`,
    logs: {
      ...(logged ? { groupName: group, streamName: stream } : {}),
      deepLink: `https://console.aws.amazon.com/cloudwatch/home?region=${build.region}#logEvent:group=${logged ? group : null};stream=${logged ? stream : null}`,
    },
    timeoutInMinutes: build.timeoutInMinutes,
    queuedTimeoutInMinutes: 480,
    buildComplete: build.complete,
    initiator: build.initiator,
    encryptionKey: `arn:aws:kms:${build.region}:${build.account}:alias/aws/s3`,
    ...(project?.exportedVariables
      ? { exportedEnvironmentVariables: build.exportedEnvironmentVariables }
      : {}),
  };
}

function batchMembers(batch: BatchView): Record<string, unknown> {
  return {
    id: batch.id,
    arn: batch.arn,
    projectName: batch.project,
    buildBatchNumber: batch.number,
    initiator: batch.initiator,
    startTime: seconds(batch.startTime),
    ...(batch.endTime === undefined ? {} : { endTime: seconds(batch.endTime) }),
    currentPhase: batch.complete ? batch.status : 'IN_PROGRESS',
    buildBatchStatus: batch.status,
    complete: batch.complete,
    ...(batch.sourceVersion === undefined ? {} : { sourceVersion: batch.sourceVersion }),
    ...(batch.resolvedSourceVersion === undefined
      ? {}
      : { resolvedSourceVersion: batch.resolvedSourceVersion }),
    source: sourceMembers(batch.source),
    buildGroups: batch.groups.map(({ identifier, ignoreFailure, build }) => ({
      identifier,
      dependsOn: [],
      ignoreFailure,
      currentBuildSummary: {
        arn: build.arn,
        requestedOn: seconds(build.startTime),
        buildStatus: build.status,
      },
      priorBuildSummaryList: [],
    })),
  };
}

function projectMembers(project: ProjectView): Record<string, unknown> {
  return {
    name: project.name,
    arn: project.arn,
    source: sourceMembers({ type: project.provider, location: `${sameRepository(project.repository)}.git` }),
    secondarySources: [],
    secondarySourceVersions: [],
    ...(project.sourceVersion === undefined ? {} : { sourceVersion: project.sourceVersion }),
    artifacts: { type: 'NO_ARTIFACTS' },
    cache: { type: 'NO_CACHE' },
    environment: environmentMembers(project.environmentVariables ?? []),
    serviceRole: `arn:aws:iam::${project.account}:role/codebuild-${project.name}`,
    timeoutInMinutes: project.timeoutInMinutes ?? 60,
    queuedTimeoutInMinutes: 480,
    encryptionKey: `arn:aws:kms:${project.region}:${project.account}:alias/aws/s3`,
    tags: [],
    created: seconds(project.created),
    lastModified: seconds(project.created),
    ...(project.webhook
      ? {
          webhook: {
            url: `${project.repository}/hooks`,
            payloadUrl: `https://codebuild.${project.region}.amazonaws.com/webhooks`,
            filterGroups: (project.webhook.filterGroups ?? []).map((group) =>
              group.map((filter) => ({
                ...filter,
                excludeMatchedPattern: filter.excludeMatchedPattern ?? false,
              })),
            ),
            buildType: project.batch ? 'BUILD_BATCH' : 'BUILD',
            lastModifiedSecret: seconds(project.created),
          },
        }
      : {}),
    badge: { badgeEnabled: false },
    projectVisibility: 'PRIVATE',
  };
}

function sourceMembers(source: BuildView['source']): Record<string, unknown> {
  return {
    type: source.type,
    location: source.location,
    gitCloneDepth: 1,
    gitSubmodulesConfig: { fetchSubmodules: false },
    reportBuildStatus: false,
    insecureSsl: false,
  };
}

function environmentMembers(variables: BuildView['environmentVariables']): Record<string, unknown> {
  return {
    type: 'ARM_CONTAINER',
    image: 'aws/codebuild/amazonlinux-aarch64-standard:3.0',
    computeType: 'BUILD_GENERAL1_SMALL',
    environmentVariables: variables.map(({ name, value }) => ({ name, value, type: 'PLAINTEXT' })),
    privilegedMode: false,
    imagePullCredentialsType: 'CODEBUILD',
  };
}
