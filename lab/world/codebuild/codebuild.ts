/**
 * CodeBuild with its Git host: pushes and pull requests start builds through the webhook
 * filters, builds take virtual time, and their state changes are emitted on the event bus, subject to the faults.
 */
import { AwsError } from '../aws/error.ts';
import type { Timer } from '../clock.ts';
import type { AwsEvent, WorldContext } from '../interfaces.ts';
import { buildPhaseChange, buildStateChange } from './build-event.ts';
import { createGit, type GitWorld, sameRepository } from './git.ts';
import { nextChange, type Plan, phasesAt, planOf, stoppedAt, submitted } from './phases.ts';
import type {
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
    change: Partial<Pick<ProjectOptions, 'outcome' | 'buildSeconds' | 'exportedVariables' | 'webhook'>>,
  ): void;
  project(account: string, region: string, name: string): ProjectView | undefined;
  /** In the order in which they were added. */
  projects(account: string, region: string): readonly ProjectView[];
  /** A build by hand. Throws `AwsError` as the API does. */
  startBuild(options: StartBuildOptions): BuildView;
  stopBuild(account: string, region: string, id: string): BuildView;
  /** By id (`project:uuid`) or ARN; undefined also where it belongs to another account or region. */
  build(account: string, region: string, id: string): BuildView | undefined;
  /** Oldest first. */
  builds(account: string, region: string, project: string): readonly BuildView[];
  readonly faults: EventFaults;
}

interface Build {
  readonly id: string;
  readonly number: number;
  readonly project: Project;
  readonly initiator: string;
  readonly startTime: number;
  readonly sourceVersion?: string;
  readonly commit?: string;
  readonly environmentVariables: readonly Variable[];
  readonly webhook?: WebhookEvent;
  readonly trigger?: string;
  plan: Plan;
  /** Cached view, valid until the next change of the plan. */
  shown: (Shown & { readonly view: BuildView }) | undefined;
  /** Timers of its events not yet emitted. */
  timers: readonly Timer[];
}

/** Of what a view was made, and for how long it holds. */
interface Shown {
  readonly plan: Plan;
  readonly project: ProjectView;
  readonly from: number;
  readonly until: number;
}

interface Project {
  view: ProjectView;
  readonly builds: Build[];
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
      Partial<Pick<Build, 'sourceVersion' | 'commit' | 'webhook' | 'trigger'>>,
  ): BuildView => {
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
    const { outcome = 'SUCCEEDED', buildSeconds } = project.view;
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
    return viewOf(build, now);
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
      started.push(
        begin(project, {
          initiator: USER_AGENTS[project.view.provider](context.hex),
          environmentVariables: project.view.environmentVariables ?? [],
          sourceVersion: byCommit ? source.commit : source.version,
          commit: source.commit,
          webhook: event,
          trigger: source.trigger,
        }),
      );
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
      projects.set(key, { view, builds: [] });
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
      return begin(project, {
        initiator: options.initiator,
        environmentVariables: overlay(project.view.environmentVariables, options.environmentVariables),
        ...(version === undefined ? {} : { sourceVersion: version }),
        ...(commit === undefined ? {} : { commit }),
      });
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
    builds: (account, region, name) =>
      (projects.get(keyOf(account, region, name))?.builds ?? []).map((build) => viewOf(build, clock.now())),
  };
}

function viewOf(build: Build, now: number): BuildView {
  const { plan, project, shown } = build;
  const holds =
    shown?.plan === plan && shown.project === project.view && shown.from <= now && now < shown.until;
  if (holds) return shown.view;
  const view = makeView(build, now);
  build.shown = { plan, project: project.view, from: now, until: nextChange(plan, now), view };
  return view;
}

function makeView(build: Build, now: number): BuildView {
  const { project } = build;
  const phases = phasesAt(build.plan, now);
  const complete = now >= build.plan.end;
  const downloaded = phases.some((phase) => phase.type === 'DOWNLOAD_SOURCE' && phase.end !== undefined);
  const ran = phases.some((phase) => phase.type === 'POST_BUILD' && phase.end !== undefined);
  return {
    id: build.id,
    arn: `arn:aws:codebuild:${project.view.region}:${project.view.account}:build/${build.id}`,
    account: project.view.account,
    region: project.view.region,
    project: project.view.name,
    number: build.number,
    initiator: build.initiator,
    status: complete ? build.plan.status : 'IN_PROGRESS',
    complete,
    startTime: build.startTime,
    ...(complete ? { endTime: build.plan.end } : {}),
    currentPhase: phases.at(-1)?.type ?? 'SUBMITTED',
    phases,
    ...(build.sourceVersion === undefined ? {} : { sourceVersion: build.sourceVersion }),
    ...(downloaded && build.commit !== undefined ? { resolvedSourceVersion: build.commit } : {}),
    source: { type: project.view.provider, location: `${sameRepository(project.view.repository)}.git` },
    environmentVariables: build.environmentVariables,
    exportedEnvironmentVariables: ran ? exportedBy(build) : [],
    timeoutInMinutes: project.view.timeoutInMinutes ?? 60,
    ...(build.webhook ? { webhook: build.webhook } : {}),
  };
}

function exportedBy(build: Build): Variable[] {
  const { webhook } = build;
  const known: Record<string, string | undefined> = {
    CODEBUILD_WEBHOOK_HEAD_REF: webhook?.headRef,
    CODEBUILD_WEBHOOK_BASE_REF: webhook?.baseRef,
    CODEBUILD_WEBHOOK_EVENT: webhook?.event,
    CODEBUILD_WEBHOOK_ACTOR_ACCOUNT_ID: webhook?.actor,
    CODEBUILD_WEBHOOK_TRIGGER: build.trigger,
    CODEBUILD_RESOLVED_SOURCE_VERSION: build.commit,
    CODEBUILD_SOURCE_VERSION: build.sourceVersion,
    CODEBUILD_BUILD_ID: build.id,
    CODEBUILD_BUILD_NUMBER: String(build.number),
    CODEBUILD_INITIATOR: build.initiator,
  };
  return (build.project.view.exportedVariables ?? []).map((variable) =>
    typeof variable === 'string' ? { name: variable, value: known[variable] ?? '' } : variable,
  );
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
