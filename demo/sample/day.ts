/** Lets the story happen on the lab, and says at the end how it went. */

import type { FunctionSpec } from '@nightshift/lab/assembly/function-runner.ts';
import type { BuildView } from '@nightshift/lab/world/codebuild/index.ts';
import type { Lab, LabEnvironment } from '#demo/lab.ts';
import type { BuildConfig } from '#model/config.ts';
import type { Capability } from '#model/decision.ts';
import { type CommonSettings, SETTINGS_VARIABLE } from '#model/settings.ts';
import { selfManagedGroup } from './furnish.ts';
import { movablePods, type Observations } from './observe.ts';
import type { Beat, Story } from './story.ts';

export interface DayOptions {
  readonly lab: Lab;
  readonly story: Story;
  readonly observations: Observations;
  /** Something that a person or AWS does, in a sentence. */
  readonly onBeat?: (beat: Beat, text: string) => void;
  readonly signal?: AbortSignal;
}

/** What people and AWS did, as far as the verdict needs it. */
export interface DayLog {
  /** Pushes that must be deployed: environment, application repository and the commit. */
  readonly merges: { readonly beat: Beat & { kind: 'merge' }; readonly sha: string }[];
  readonly productionPushes: { readonly repository: string; readonly sha: string }[];
  /** Builds that must not be deployed, by their ids. */
  readonly refused: { readonly kind: Beat['kind']; readonly build: string }[];
  /** Calls that AWS refused on purpose. */
  refusedCalls: number;
  /** Sizes of the groups that the schedule stops, at the end of the working day. */
  readonly atWork: Map<string, ReturnType<Observations['groups']>>;
}

const LAST_LOOK_MS = 5 * 60_000;

/** Resolves at the story's end; rejects with a failure of the lab itself. */
export async function runDay(options: DayOptions): Promise<DayLog> {
  const { lab, story, observations, signal } = options;
  const { clock } = lab.context;
  const log: DayLog = { merges: [], productionPushes: [], refused: [], refusedCalls: 0, atWork: new Map() };
  for (const beat of story.beats) {
    clock.at(beat.at.getTime(), () => {
      const environment = lab.environments.find(({ name }) => name === beat.environment);
      if (!environment)
        throw new Error(`the story names the environment ${beat.environment}, which is not there`);
      const text = play(lab, environment, beat, log);
      options.onBeat?.(beat, text);
    });
  }
  for (const look of story.looks) {
    clock.at(look.at.getTime() - LAST_LOOK_MS, () => {
      log.atWork.set(look.environment, observations.groups(look.environment));
    });
  }
  await clock.runUntil(story.end.getTime(), signal);
  observations.stop();
  return log;
}

function play(lab: Lab, environment: LabEnvironment, beat: Beat, log: DayLog): string {
  switch (beat.kind) {
    case 'merge': {
      const { repository, branch } = beat.build;
      const commit = push(lab, beat.build, beat.asleep ? 'a late fix' : 'a feature');
      log.merges.push({ beat, sha: commit.sha });
      return `merge to ${branch} of ${short(repository)} (${commit.sha.slice(0, 8)})`;
    }
    case 'interruption': {
      const instance = spotInstance(lab, environment);
      if (!instance) return 'no spot instance runs that AWS could take back';
      lab.aws.interruptSpot(instance);
      return `AWS takes back the spot instance ${instance} in two minutes`;
    }
    case 'holiday':
      return `${beat.reason}: nobody comes, and the start is skipped`;
    case 'refused-call': {
      const principal = roleOf(lab, environment, 'night-schedule');
      if (principal === undefined) return 'nothing stops here';
      log.refusedCalls++;
      lab.front.faults.add({
        service: 'eks',
        operation: 'UpdateNodegroupConfig',
        principal,
        kind: 'access-denied',
        times: 1,
      });
      return 'AWS will refuse the next change of a nodegroup, once';
    }
    case 'production-merge': {
      const { repository, branch } = beat;
      const commit = lab.codebuild.push({ repository, ref: `refs/heads/${branch}`, message: 'release' });
      log.productionPushes.push({ repository, sha: commit.sha });
      return `merge to ${branch} of ${short(repository)} (${commit.sha.slice(0, 8)}): production is rolled out by hand`;
    }
    case 'pull-request': {
      const { repository, branch } = beat.build;
      const head = 'refs/heads/feature/pull';
      const builds = withWebhook(lab, environment, beat.build, 'PULL_REQUEST_CREATED', () => {
        lab.codebuild.push({ repository, ref: head, message: 'work in progress' });
        return lab.codebuild.openPullRequest({ repository, head, base: `refs/heads/${branch}` }).builds;
      });
      for (const { id } of builds) log.refused.push({ kind: beat.kind, build: id });
      return `a pull request starts ${beat.build.project}, whose webhook somebody has widened`;
    }
    case 'tag': {
      const { repository, project } = beat.build;
      const builds = withWebhook(lab, environment, beat.build, 'PUSH', () => {
        const { builds } = lab.codebuild.push({ repository, ref: 'refs/tags/v1.0.0', message: 'v1.0.0' });
        return builds;
      });
      for (const { id } of builds) log.refused.push({ kind: beat.kind, build: id });
      return `the tag v1.0.0 starts ${project}, whose webhook somebody has widened`;
    }
    case 'failed-build': {
      const { account, region } = environment.config;
      const project = { account, region, name: beat.build.project };
      lab.codebuild.changeProject(project, { outcome: 'FAILED' });
      const commit = push(lab, beat.build, 'a mistake');
      lab.codebuild.changeProject(project, { outcome: 'SUCCEEDED' });
      for (const build of commit.builds) log.refused.push({ kind: beat.kind, build: build.id });
      return `push to ${beat.build.branch} of ${short(beat.build.repository)} that does not build`;
    }
  }
}

function push(lab: Lab, build: BuildConfig, message: string) {
  return lab.codebuild.push({ repository: build.repository, ref: `refs/heads/${build.branch}`, message });
}

/** Lets an event start the bound project that its own webhook would not let through. */
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

/** In the self-managed group of every other environment, in a managed one of the rest; the one with the most pods. */
function spotInstance(lab: Lab, environment: LabEnvironment): string | undefined {
  const even = lab.environments.indexOf(environment) % 2 === 0;
  const own = selfManagedGroup(environment.cluster.name);
  const candidates = lab.aws
    .instances(environment.cluster)
    .filter(({ view, state }) => view.capacityType === 'SPOT' && state === 'running')
    .map(({ id, group }) => ({
      id,
      preferred: (group.name === own) === even,
      pods: movablePods(environment, id).length,
    }));
  candidates.sort(
    (a, b) =>
      Number(b.pods > 0) - Number(a.pods > 0) || Number(b.preferred) - Number(a.preferred) || b.pods - a.pods,
  );
  return candidates[0]?.id;
}

function short(repository: string): string {
  return repository.replace(/^https?:\/\/[^/]+\//, '').replace(/\.git$/, '');
}
