/** Lets the story happen on the lab, and says at the end how it went. */
import type { Lab, LabEnvironment } from '#lab/lab.ts';
import type { BuildConfig } from '#model/config.ts';
import { selfManagedGroup } from './furnish.ts';
import { type Observations, observe } from './observe.ts';
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

export { observe };

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
    case 'refused-call':
      log.refusedCalls++;
      lab.front.faults.add({
        service: 'eks',
        operation: 'UpdateNodegroupConfig',
        kind: 'access-denied',
        times: 1,
      });
      return 'AWS will refuse the next change of a nodegroup, once';
    case 'production-merge': {
      const { repository, branch } = beat;
      const commit = lab.codebuild.push({ repository, ref: `refs/heads/${branch}`, message: 'release' });
      log.productionPushes.push({ repository, sha: commit.sha });
      return `merge to ${branch} of ${short(repository)} (${commit.sha.slice(0, 8)}): production is rolled out by hand`;
    }
    case 'pull-request': {
      const { repository, branch } = beat.build;
      lab.codebuild.push({ repository, ref: 'refs/heads/feature/pull', message: 'work in progress' });
      const head = 'refs/heads/feature/pull';
      const request = lab.codebuild.openPullRequest({ repository, head, base: `refs/heads/${branch}` });
      return refuse(lab, environment, beat, `pr/${request.number}`, log, `pull request ${request.number}`);
    }
    case 'tag': {
      lab.codebuild.push({ repository: beat.build.repository, ref: 'refs/tags/v1.0.0', message: 'v1.0.0' });
      return refuse(lab, environment, beat, 'refs/tags/v1.0.0', log, 'the tag v1.0.0');
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

/** Somebody starts the bound project by hand for something that is not its branch. */
function refuse(
  lab: Lab,
  environment: LabEnvironment,
  beat: Beat & { readonly build: BuildConfig },
  sourceVersion: string,
  log: DayLog,
  what: string,
): string {
  const { account, region } = environment.config;
  const { project } = beat.build;
  const build = lab.codebuild.startBuild({ account, region, project, sourceVersion, initiator: 'developer' });
  log.refused.push({ kind: beat.kind, build: build.id });
  return `a build of ${what} in ${project}, started by hand`;
}

/** In the self-managed group of every other environment, in a managed one of the rest; with as many pods as can be. */
function spotInstance(lab: Lab, environment: LabEnvironment): string | undefined {
  const podsOn = (id: string) => {
    const node = environment.kubernetes.nodeOf(id);
    return node === undefined ? -1 : environment.kubernetes.podsOn(node).length;
  };
  const spot = lab.aws
    .instances(environment.cluster)
    .filter((one) => one.view.capacityType === 'SPOT' && one.state === 'running' && podsOn(one.id) >= 0);
  const even = lab.environments.indexOf(environment) % 2 === 0;
  const own = selfManagedGroup(environment.cluster.name);
  const preferred = spot.filter((one) => (one.group.name === own) === even);
  return (preferred.length > 0 ? preferred : spot).sort((a, b) => podsOn(b.id) - podsOn(a.id))[0]?.id;
}

function short(repository: string): string {
  return repository.replace(/^https?:\/\/[^/]+\//, '').replace(/\.git$/, '');
}
