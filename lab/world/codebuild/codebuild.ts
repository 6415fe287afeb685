/**
 * CodeBuild with its Git host: pushes and pull requests start builds through the webhook
 * filters, builds take virtual time, and their state changes are emitted on the event bus, subject to the faults.
 */
import { AwsError } from '../aws/error.ts';
import type { AwsEvent, WorldContext } from '../interfaces.ts';
import { buildPhaseChange, buildStateChange } from './build-event.ts';
import { type Batch, type Build, batchViewOf, type Project, viewOf } from './build-view.ts';
import { createGit, type GitWorld, sameRepository } from './git.ts';
import { planOf, stoppedAt, submitted } from './phases.ts';
import type {
  BatchPart,
  BatchView,
  BuildView,
  Commit,
  EventFaults,
  ProjectOptions,
  ProjectView,
  Provider,
  PullRequest,
  PullRequestAction,
  Push,
  StartBuildOptions,
  Variable,
  WebhookEvent,
} from './types.ts';
import { problemOf, startsBuild } from './webhook.ts';

export interface CodebuildWorld {
  readonly git: GitWorld;
  addRepository: GitWorld['addRepository'];
  /** Delivers the push to the webhooks as well. Returns the commit and the builds that it started. */
  push(push: Push): Commit & { readonly builds: readonly BuildView[] };
  /** Opens a pull request and delivers it to the webhooks. */
  openPullRequest(request: {
    readonly repository: string;
    readonly head: string;
    readonly base: string;
    readonly author?: string;
  }): PullRequest & { readonly builds: readonly BuildView[] };
  /** Another event of an open pull request. */
  pullRequestEvent(repository: string, number: number, action: PullRequestAction): readonly BuildView[];
  addProject(project: ProjectOptions): ProjectView;
  /** Another outcome or length for the builds to come. */
  changeProject(
    project: { readonly account: string; readonly region: string; readonly name: string },
    change: Partial<
      Pick<ProjectOptions, 'outcome' | 'buildSeconds' | 'exportedVariables' | 'webhook' | 'batch'>
    >,
  ): void;
  project(account: string, region: string, name: string): ProjectView | undefined;
  /** In the order in which they were added. */
  projects(account: string, region: string): readonly ProjectView[];
  /** A build by hand. Throws `AwsError` as the API does. */
  startBuild(options: StartBuildOptions): BuildView;
  stopBuild(account: string, region: string, id: string): BuildView;
  /** By id (`project:uuid`) or ARN; undefined also where it belongs to another account or region. */
  build(account: string, region: string, id: string): BuildView | undefined;
  /** The same of a batch. */
  batch(account: string, region: string, id: string): BatchView | undefined;
  /** Oldest first. */
  builds(account: string, region: string, project: string): readonly BuildView[];
  readonly faults: EventFaults;
}

/** What stands in a build's `initiator` when the host's delivery started it: the delivery's user agent. */
const USER_AGENTS: Readonly<Record<Provider, (hex: (length: number) => string) => string>> = {
  GITHUB: (hex) => `GitHub-Hookshot/${hex(7)}`,
  GITHUB_ENTERPRISE: (hex) => `GitHub-Hookshot/${hex(7)}`,
  BITBUCKET: () => 'Bitbucket-Webhooks/2.0',
  GITLAB: () => 'GitLab/18.4.0',
};

/** From a change of state to the bus. */
const EVENT_LATENCY_MS = 300;

export interface CodebuildOptions {
  /** Emit phase changes too, as the service does: ten more events for each build. Default false. */
  readonly phaseEvents?: boolean;
}

export function createCodebuild(context: WorldContext, options: CodebuildOptions = {}): CodebuildWorld {
  const { clock } = context;
  const git = createGit(context);
  const projects = new Map<string, Project>();
  const builds = new Map<string, Build>();
  const faults: EventFaults = { drop: 0, duplicate: 0, delaySeconds: 0 };
  const keyOf = (account: string, region: string, name: string) => `${account}/${region}/${name}`;

  const send = (event: AwsEvent) => {
    // All random values are drawn for every event, so that one fault does not shift the others.
    const dropped = context.random() < faults.drop;
    const twice = context.random() < faults.duplicate;
    const lateness = [context.random(), context.random()];
    const [from, to] =
      typeof faults.delaySeconds === 'number'
        ? [faults.delaySeconds, faults.delaySeconds]
        : faults.delaySeconds;
    if (dropped) return;
    for (const late of twice ? lateness : lateness.slice(1)) {
      const wait = EVENT_LATENCY_MS + (from + (to - from) * late) * 1000;
      clock.after(wait, () => context.signals.emit('event', event));
    }
  };
  const announce = (build: Build) => {
    const now = clock.now();
    send(buildStateChange(viewOf(build, now), build.project.view, context.uuid(), now));
  };
  const schedule = (build: Build) => {
    const { phases, end } = build.plan;
    build.timers = [
      ...phases.flatMap((phase) => {
        const { end: ended } = phase;
        if (ended === undefined || !options.phaseEvents) return [];
        const emitPhase = () =>
          send(
            buildPhaseChange(
              viewOf(build, ended),
              build.project.view,
              { ...phase, end: ended },
              { id: context.uuid(), at: ended },
            ),
          );
        return [clock.at(ended, emitPhase)];
      }),
      clock.at(end, () => announce(build)),
    ];
  };

  const begin = (
    project: Project,
    start: Pick<Build, 'initiator' | 'environmentVariables'> &
      Partial<Pick<Build, 'sourceVersion' | 'commit' | 'webhook' | 'trigger' | 'batch'>>,
    part: Partial<BatchPart> = {},
  ): Build => {
    const now = clock.now();
    const build: Build = {
      ...start,
      id: `${project.view.name}:${context.uuid()}`,
      number: project.builds.length + 1,
      project,
      startTime: now,
      plan: submitted(now),
      shown: undefined,
      timers: [],
    };
    project.builds.push(build);
    builds.set(build.id, build);
    const { outcome = 'SUCCEEDED', buildSeconds } = { ...project.view, ...part };
    const soFar = viewOf(build, now);
    const status = typeof outcome === 'function' ? outcome(soFar) : outcome;
    const timeout = (project.view.timeoutInMinutes ?? 60) * 60;
    const wanted = typeof buildSeconds === 'function' ? buildSeconds(soFar) : buildSeconds;
    build.plan =
      status === 'TIMED_OUT' || wanted > timeout
        ? planOf(now, timeout, 'TIMED_OUT')
        : planOf(now, wanted, status);
    announce(build);
    schedule(build);
    return build;
  };

  /** A build for each part, which names its batch. Of the batch itself there is no event. */
  const beginBatch = (
    project: Project,
    parts: readonly BatchPart[],
    start: Parameters<typeof begin>[1],
  ): readonly Build[] => {
    const batch: Batch = {
      id: `${project.view.name}:${context.uuid()}`,
      number: project.batches.length + 1,
      project,
      initiator: start.initiator,
      startTime: clock.now(),
      ...(start.sourceVersion === undefined ? {} : { sourceVersion: start.sourceVersion }),
      ...(start.commit === undefined ? {} : { commit: start.commit }),
      parts: [],
    };
    project.batches.push(batch);
    for (const part of parts) {
      const own = { ...start, initiator: `codebuild-batch/${project.view.name}`, batch };
      batch.parts.push({ part, build: begin(project, own, part) });
    }
    return batch.parts.map(({ build }) => build);
  };

  const deliver = (
    repository: string,
    event: WebhookEvent,
    source: {
      readonly ref?: string;
      readonly version: string;
      readonly commit: string;
      readonly trigger: string;
    },
  ): BuildView[] => {
    const started: BuildView[] = [];
    for (const project of projects.values()) {
      const { webhook } = project.view;
      if (!webhook || sameRepository(project.view.repository) !== sameRepository(repository)) continue;
      if (!startsBuild(webhook, event)) continue;
      const byCommit = source.ref !== undefined && project.view.webhookSourceVersion === 'commit';
      const start = {
        initiator: USER_AGENTS[project.view.provider](context.hex),
        environmentVariables: project.view.environmentVariables ?? [],
        sourceVersion: byCommit ? source.commit : source.version,
        commit: source.commit,
        webhook: event,
        trigger: source.trigger,
      };
      const { batch } = project.view;
      const begun = batch ? beginBatch(project, batch, start) : [begin(project, start)];
      started.push(...begun.map((build) => viewOf(build, clock.now())));
    }
    return started;
  };

  const pullRequestEvent: CodebuildWorld['pullRequestEvent'] = (repository, number, action) => {
    const opened = git.pullRequest(repository, number);
    if (!opened) throw new Error(`no pull request ${number} in ${repository}`);
    return deliver(
      repository,
      {
        event: action,
        headRef: opened.head,
        baseRef: opened.base,
        actor: opened.author,
        message: 'change',
        files: ['src/main.ts'],
      },
      { version: `pr/${number}`, commit: opened.sha, trigger: `pr/${number}` },
    );
  };

  const find = (account: string, region: string, id: string): Build | undefined => {
    const prefix = `arn:aws:codebuild:${region}:${account}:build/`;
    if (id.startsWith('arn:') && !id.startsWith(prefix)) return undefined;
    const build = builds.get(id.startsWith(prefix) ? id.slice(prefix.length) : id);
    const isThere = build?.project.view.account === account && build.project.view.region === region;
    return isThere ? build : undefined;
  };

  return {
    git,
    faults,
    addRepository: git.addRepository,
    push(push) {
      const commit = git.push(push);
      const tag = commit.ref.startsWith('refs/tags/');
      const builds = deliver(
        commit.repository,
        {
          event: 'PUSH',
          headRef: commit.ref,
          actor: commit.author,
          message: commit.message,
          files: commit.files,
        },
        {
          ref: commit.ref,
          version: `${commit.ref}^{${commit.sha}}`,
          commit: commit.sha,
          trigger: `${tag ? 'tag' : 'branch'}/${commit.ref.split('/').slice(2).join('/')}`,
        },
      );
      return { ...commit, builds };
    },
    openPullRequest(request) {
      const opened = git.openPullRequest(request);
      return {
        ...opened,
        builds: pullRequestEvent(opened.repository, opened.number, 'PULL_REQUEST_CREATED'),
      };
    },
    pullRequestEvent,
    addProject(options) {
      if (!git.has(options.repository)) {
        throw new Error(`project ${options.name} builds ${options.repository}: add that repository first`);
      }
      const problem = options.webhook && problemOf(options.webhook);
      if (problem) throw new AwsError('InvalidInputException', problem);
      const key = keyOf(options.account, options.region, options.name);
      if (projects.has(key)) throw new Error(`project ${options.name} already exists`);
      const view: ProjectView = {
        ...options,
        arn: `arn:aws:codebuild:${options.region}:${options.account}:project/${options.name}`,
        created: clock.now(),
        provider: git.provider(options.repository),
      };
      projects.set(key, { view, builds: [], batches: [] });
      return view;
    },
    changeProject({ account, region, name }, change) {
      const project = projects.get(keyOf(account, region, name));
      if (!project) throw new Error(`no project ${name} in ${account}/${region}`);
      project.view = { ...project.view, ...change };
    },
    project: (account, region, name) => projects.get(keyOf(account, region, name))?.view,
    projects: (account, region) =>
      [...projects.values()]
        .map((project) => project.view)
        .filter((project) => project.account === account && project.region === region),
    startBuild(options) {
      const project = projects.get(keyOf(options.account, options.region, options.project));
      if (!project) {
        throw new AwsError(
          'ResourceNotFoundException',
          `Project cannot be found: arn:aws:codebuild:${options.region}:${options.account}:project/${options.project}`,
        );
      }
      const version = options.sourceVersion ?? project.view.sourceVersion;
      const commit = commitOf(git, project.view.repository, version);
      const build = begin(project, {
        initiator: options.initiator,
        environmentVariables: overlay(project.view.environmentVariables, options.environmentVariables),
        ...(version === undefined ? {} : { sourceVersion: version }),
        ...(commit === undefined ? {} : { commit }),
      });
      return viewOf(build, clock.now());
    },
    stopBuild(account, region, id) {
      const build = find(account, region, id);
      if (!build) {
        throw new AwsError('ResourceNotFoundException', `Build ${id} could not be found`);
      }
      const now = clock.now();
      if (now < build.plan.end) {
        for (const timer of build.timers) timer.cancel();
        build.plan = stoppedAt(build.plan, now);
        announce(build);
      }
      return viewOf(build, now);
    },
    build(account, region, id) {
      const build = find(account, region, id);
      return build && viewOf(build, clock.now());
    },
    batch(account, region, id) {
      const prefix = `arn:aws:codebuild:${region}:${account}:build-batch/`;
      const known = id.startsWith(prefix) ? id.slice(prefix.length) : id;
      for (const { view, batches } of projects.values()) {
        if (view.account !== account || view.region !== region) continue;
        const found = batches.find((batch) => batch.id === known);
        if (found) return batchViewOf(found, clock.now());
      }
      return undefined;
    },
    builds: (account, region, name) =>
      (projects.get(keyOf(account, region, name))?.builds ?? []).map((build) => viewOf(build, clock.now())),
  };
}

function commitOf(git: GitWorld, repository: string, version: string | undefined): string | undefined {
  const pullRequest = version?.match(/^pr\/(\d+)$/);
  if (pullRequest) return git.pullRequest(repository, Number(pullRequest[1]))?.sha;
  const pinned = version?.match(/\^\{([0-9a-f]{40})\}$/);
  return pinned ? pinned[1] : git.revisionOf(repository, version ?? 'HEAD');
}

function overlay(base: readonly Variable[] = [], over: readonly Variable[] = []): Variable[] {
  return [...base.filter(({ name }) => !over.some((other) => other.name === name)), ...over];
}
