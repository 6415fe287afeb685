/** Runs the planned day on the lab: triggers each event at its time and logs what the checks need later. */

import type { FunctionSpec } from '@nightshift/lab/assembly/function-runner.ts';
import type { BuildView } from '@nightshift/lab/world/codebuild/index.ts';
import type { Lab, LabEnvironment } from '#demo/lab.ts';
import type { BuildConfig } from '#model/config.ts';
import type { Capability } from '#model/decision.ts';
import { type CommonSettings, SETTINGS_VARIABLE } from '#model/settings.ts';
import { announceBuild } from './announced-build.ts';
import type { DayEvent, DayPlan } from './day-plan.ts';
import { evictablePods, type Observations } from './observations.ts';
import { pressButton } from './press-button.ts';
import { selfManagedGroup } from './resources.ts';

export interface DayOptions {
  readonly lab: Lab;
  readonly plan: DayPlan;
  readonly observations: Observations;
  /** Called for each event of the plan, with its description. */
  readonly onEvent?: (event: DayEvent, text: string) => void;
  /** Called for the press of the button, with what the page answered. */
  readonly onPress?: (environment: string, at: Date, text: string) => void;
  /** Wakes an environment as a person does, at the time of `plan.wake`. */
  readonly wake?: (environment: string) => Promise<void>;
  readonly signal?: AbortSignal;
}

/** What was triggered, as far as the checks need it. */
export interface DayLog {
  /** Pushes that must be deployed: environment, application repository and the commit. */
  readonly merges: { readonly event: DayEvent & { kind: 'merge' }; readonly sha: string }[];
  readonly productionPushes: { readonly repository: string; readonly sha: string }[];
  /** Builds that must not be deployed, by their ids. */
  readonly refused: { readonly kind: DayEvent['kind']; readonly build: string }[];
  /** Number of calls that the lab's AWS was set to deny. */
  refusedCalls: number;
  /** The environment that was woken at the end of the day. */
  woken: string | undefined;
  /** Groups of each environment shortly before the end of its working day. */
  readonly sizesAtDayEnd: Map<string, ReturnType<Observations['groups']>>;
}

const BEFORE_DAY_END_MS = 5 * 60_000;

/** Resolves at the end of the plan. Rejects if the lab itself fails. */
export async function runDay(options: DayOptions): Promise<DayLog> {
  const { lab, plan, observations, signal } = options;
  const { clock } = lab.context;
  const log: DayLog = {
    merges: [],
    productionPushes: [],
    refused: [],
    refusedCalls: 0,
    woken: undefined,
    sizesAtDayEnd: new Map(),
  };
  for (const event of plan.events) {
    clock.at(event.at.getTime(), () => {
      const environment = lab.environments.find(({ name }) => name === event.environment);
      if (!environment) throw new Error(`unknown environment in the plan: ${event.environment}`);
      const text = play(lab, environment, event, log);
      options.onEvent?.(event, text);
    });
  }
  for (const check of plan.sizeChecks) {
    clock.at(check.at.getTime() - BEFORE_DAY_END_MS, () => {
      log.sizesAtDayEnd.set(check.environment, observations.groups(check.environment));
    });
  }
  if (plan.press) {
    await clock.runUntil(plan.press.at.getTime(), signal);
    const { environment } = plan.press;
    if (!signal?.aborted) options.onPress?.(environment, plan.press.at, await pressButton(lab, environment));
  }
  if (plan.wake && options.wake) {
    await clock.runUntil(plan.wake.at.getTime(), signal);
    if (!signal?.aborted) {
      await options.wake(plan.wake.environment);
      log.woken = plan.wake.environment;
    }
  }
  await clock.runUntil(plan.end.getTime(), signal);
  observations.stop();
  return log;
}

function play(lab: Lab, environment: LabEnvironment, event: DayEvent, log: DayLog): string {
  switch (event.kind) {
    case 'merge': {
      const { repository, branch } = event.build;
      const commit = push(lab, event.build, event.asleep ? 'a late fix' : 'a feature');
      if (event.build.announced) announceBuild(lab.context, environment.config, event.build, commit.sha);
      log.merges.push({ event, sha: commit.sha });
      return `merge to ${branch} in ${repositoryPath(repository)} (${commit.sha.slice(0, 8)})`;
    }
    case 'interruption': {
      const instance = spotInstance(lab, environment);
      if (!instance) return 'no running spot instance to interrupt';
      lab.aws.interruptSpot(instance);
      return `spot interruption notice for ${instance}: it terminates in two minutes`;
    }
    case 'holiday':
      return `${event.reason}: no start today`;
    case 'refused-call': {
      const principal = roleOf(lab, environment, 'night-schedule');
      if (principal === undefined) return 'no night-schedule function here';
      log.refusedCalls++;
      lab.front.faults.add({
        service: 'eks',
        operation: 'UpdateNodegroupConfig',
        principal,
        kind: 'access-denied',
        times: 1,
      });
      return 'injected fault: AWS denies the next UpdateNodegroupConfig call';
    }
    case 'production-merge': {
      const { repository, branch } = event;
      const commit = lab.codebuild.push({ repository, ref: `refs/heads/${branch}`, message: 'release' });
      log.productionPushes.push({ repository, sha: commit.sha });
      return `merge to ${branch} in ${repositoryPath(repository)} (${commit.sha.slice(0, 8)}): production is rolled out by hand`;
    }
    case 'pull-request': {
      const { repository, branch } = event.build;
      const head = 'refs/heads/feature/pull';
      const builds = withWebhook(lab, environment, event.build, 'PULL_REQUEST_CREATED', () => {
        lab.codebuild.push({ repository, ref: head, message: 'work in progress' });
        return lab.codebuild.openPullRequest({ repository, head, base: `refs/heads/${branch}` }).builds;
      });
      for (const { id } of builds) log.refused.push({ kind: event.kind, build: id });
      return `injected fault: a wider webhook filter, so a pull request starts ${event.build.project}`;
    }
    case 'tag': {
      const { repository, project } = event.build;
      const builds = withWebhook(lab, environment, event.build, 'PUSH', () => {
        const { builds } = lab.codebuild.push({ repository, ref: 'refs/tags/v1.0.0', message: 'v1.0.0' });
        return builds;
      });
      for (const { id } of builds) log.refused.push({ kind: event.kind, build: id });
      return `injected fault: a wider webhook filter, so the tag v1.0.0 starts ${project}`;
    }
    case 'failed-build': {
      const { account, region } = environment.config;
      const project = { account, region, name: event.build.project };
      lab.codebuild.changeProject(project, { outcome: 'FAILED' });
      const commit = push(lab, event.build, 'a mistake');
      lab.codebuild.changeProject(project, { outcome: 'SUCCEEDED' });
      for (const build of commit.builds) log.refused.push({ kind: event.kind, build: build.id });
      return `push to ${event.build.branch} in ${repositoryPath(event.build.repository)}: its build fails`;
    }
  }
}

function push(lab: Lab, build: BuildConfig, message: string) {
  return lab.codebuild.push({ repository: build.repository, ref: `refs/heads/${build.branch}`, message });
}

/** Widens the project's webhook filter to all events of one type while `act` runs. */
function withWebhook(
  lab: Lab,
  environment: LabEnvironment,
  build: BuildConfig,
  event: 'PUSH' | 'PULL_REQUEST_CREATED',
  act: () => readonly BuildView[],
): readonly BuildView[] {
  const { account, region } = environment.config;
  const project = { account, region, name: build.project };
  const { webhook } = lab.codebuild.project(account, region, build.project) ?? {};
  lab.codebuild.changeProject(project, { webhook: { filterGroups: [[{ type: 'EVENT', pattern: event }]] } });
  try {
    return act().filter((started) => started.project === build.project);
  } finally {
    if (webhook) lab.codebuild.changeProject(project, { webhook });
  }
}

function roleOf(lab: Lab, environment: LabEnvironment, capability: Capability): string | undefined {
  const { account, region } = environment.config;
  return lab.assembly.deployments
    .flatMap((deployment) => deployment.functions)
    .find(
      (spec) =>
        spec.account === account &&
        spec.region === region &&
        spec.environment['POWERTOOLS_SERVICE_NAME'] === capability &&
        environmentNameOf(spec) === environment.name,
    )?.roleArn;
}

function environmentNameOf(spec: FunctionSpec): string | undefined {
  const settings = spec.environment[SETTINGS_VARIABLE];
  return settings ? (JSON.parse(settings) as CommonSettings).environment : undefined;
}

/** The one with the most pods; in every other environment one of the self-managed group, where there is one. */
function spotInstance(lab: Lab, environment: LabEnvironment): string | undefined {
  const even = lab.environments.indexOf(environment) % 2 === 0;
  const own = selfManagedGroup(environment.cluster.name);
  const candidates = lab.aws
    .instances(environment.cluster)
    .filter(({ view, state }) => view.capacityType === 'SPOT' && state === 'running')
    .map(({ id, group }) => ({
      id,
      preferred: (group.name === own) === even,
      pods: evictablePods(environment, id).length,
    }));
  candidates.sort(
    (a, b) =>
      Number(b.pods > 0) - Number(a.pods > 0) || Number(b.preferred) - Number(a.preferred) || b.pods - a.pods,
  );
  return candidates[0]?.id;
}

function repositoryPath(repository: string): string {
  return repository.replace(/^https?:\/\/[^/]+\//, '').replace(/\.git$/, '');
}
