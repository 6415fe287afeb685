/** The real branch-deploy with pushes, builds and a cluster that sleeps, faults around every call, and the checks at the end. */

import type { AwsEvent } from '@nightshift/lab/world/interfaces.ts';
import { APPLICATION_PREFIX, DEPLOY } from '#functions/adapters/dynamodb/table-keys.ts';
import { parseEvent } from '#functions/branch-deploy/event.ts';
import type { BranchDeployPorts } from '#functions/branch-deploy/ports.ts';
import type { ApplicationRecord } from '#functions/branch-deploy/record.ts';
import { run } from '#functions/branch-deploy/run.ts';
import type { BranchDeploySettings } from '#model/settings.ts';
import { ANNOUNCEMENT_SOURCE } from '#model/trigger.ts';
import type { Severity } from '../faults.ts';
import { LAMBDA } from '../invocations.ts';
import type { Outcome } from '../outcome.ts';
import {
  arrives,
  type Story as BaseStory,
  count,
  createStory as createBaseStory,
  invoke as invokeIn,
  note,
  outcomeOf,
  type StoryOptions,
  violate,
} from '../story.ts';
import type { MemoryTable } from '../table.ts';
import {
  createScenario,
  type Happening,
  OTHER_BRANCH,
  PRODUCTION,
  REPOSITORY,
  type Scenario,
  secondsOf,
} from './scenario.ts';
import { createDeployWorld, type DeployWorld, type Effects, type MutateClient } from './world.ts';

export interface Program {
  readonly ports: BranchDeployPorts;
  readonly settings: BranchDeploySettings;
}

export interface DeployOptions extends StoryOptions {
  /** Puts a mistake into the program: the checkers must catch it. */
  readonly mutate?: (program: Program) => Program;
  /** Replaces the table. */
  readonly table?: () => MemoryTable;
  /** Puts a mistake into the adapter's requests to the Kubernetes API, or into the replies. */
  readonly mutateClient?: MutateClient;
  /** Puts a mistake into the reading of an event. */
  readonly mutateEvent?: (payload: unknown) => unknown;
}

const SECOND = 1_000;
const MINUTE = 60_000;
/** The faults end then, unless Argo CD is down for longer. */
const FAULTS_END_MINUTES = 34;
/** After that so many minutes must be enough: five to the next tick that looks for missed builds, a start, a sync. */
const PATIENCE_MINUTES = 45;
/** Two of them look for missed builds: the second knows what the first has found. */
const QUIET_TICKS = 11;

export async function simulateDeploy(options: DeployOptions): Promise<Outcome> {
  const story = createStory(options);
  const { world, scenario, faults } = story;
  const { clock } = world;
  const begin = clock.now();
  setBuildFaults(world, options.severity);

  world.context.signals.on('event', (event) => deliver(story, event));
  if (scenario.token) {
    count(story, 'token-expired');
    note(
      story,
      `the token expires after ${scenario.token.expires} min, a new one comes after ${scenario.token.renewed}`,
    );
  }
  if (scenario.settings.argocd.through === 'kubernetes') count(story, 'through-kubernetes');
  if (scenario.delivery) count(story, `images-by-${scenario.delivery.bring}`);
  if (scenario.announcedAfter) count(story, 'announces-builds');
  const happenings = scenario.happenings.filter((_, index) => !options.without?.has(index));
  for (const happening of happenings)
    clock.at(begin + happening.minute * MINUTE, () => happen(story, happening));
  const downUntil = happenings.map((one) => (one.kind === 'argocd-down' ? one.minute + one.forMinutes : 0));
  const faultsEndAt = begin + Math.max(FAULTS_END_MINUTES, ...downUntil) * MINUTE;

  let quiet = 0;
  while (clock.now() < faultsEndAt + PATIENCE_MINUTES * MINUTE && quiet < QUIET_TICKS) {
    if (clock.now() >= faultsEndAt && !story.faultsEnded) {
      story.faultsEnded = true;
      faults.pause();
      setBuildFaults(world, 'none');
    }
    tick(story);
    await clock.runUntil(clock.now() + MINUTE);
    quiet = story.faultsEnded && isQuiet(story) ? quiet + 1 : 0;
  }
  checkEnd(story);

  return outcomeOf(options.seed, story);
}

/** From now on so many build events get lost, doubled and late. */
export function setBuildFaults({ codebuild }: DeployWorld, severity: Severity): void {
  const heavy = { none: 0, light: 0.3, heavy: 1 }[severity];
  Object.assign(codebuild.faults, {
    drop: 0.15 * heavy,
    duplicate: 0.2 * heavy,
    delaySeconds: [0, 90 * heavy],
  });
}

export interface Story extends BaseStory<Scenario, DeployWorld> {
  readonly options: DeployOptions;
  faultsEnded: boolean;
}

function createStory(options: DeployOptions): Story {
  const base = createBaseStory(options, {
    salt: 0xdeb107,
    createScenario: (seed, random) => createScenario(seed, random, options.isPlain),
    createWorld: (given) =>
      createDeployWorld({ ...given, mutateClient: options.mutateClient, table: options.table?.() }),
    invocations: LAMBDA.deploy,
  });
  return { ...base, options, faultsEnded: false };
}

/** Applies the rule of lib/branch-deploy.ts. The lab's CodeBuild loses, delays and doubles events. */
export function deliver(story: Story, event: AwsEvent): void {
  const { 'project-name': project, 'build-status': status } = event.detail;
  if (story.scenario.announcedAfter) return;
  if (event.source !== 'aws.codebuild' || project !== 'api-develop' || status === 'IN_PROGRESS') return;
  count(story, 'build-ended');
  invoke(story, event);
}

export function tick(story: Story): void {
  if (!arrives(story, 'tick')) return;
  const time = story.world.when();
  invoke(story, { source: 'nightshift', trigger: 'tick', schedule: 'branch-deploy-tick', id: 'tick', time });
}

/** A push, and what announces its builds where they run elsewhere. */
export function push(story: Story, branch: 'develop' | 'staging' | 'main'): void {
  const { world, scenario } = story;
  const { announcedAfter } = scenario;
  const pushed = world.push(branch);
  count(story, 'push');
  note(story, `a push to ${branch}`);
  if (!announcedAfter) return;
  // A workflow that runs for every branch announces the builds of other branches too.
  const numbers = branch === 'develop' ? pushed.builds.map(({ number }) => number) : [OF_OTHER_BRANCHES];
  for (const number of numbers) {
    const build = pushed.builds.find((one) => one.number === number);
    const failed = branch === 'develop' && scenario.failing[number - 1];
    announce(story, {
      afterSeconds: secondsOf(scenario, number) + (announcedAfter[number - 1] ?? 1),
      detail: {
        status: failed ? 'FAILED' : 'SUCCEEDED',
        run: build?.id.split(':')[1] ?? `other-${pushed.sha.slice(0, 7)}`,
        number,
        commit: pushed.sha,
        branch,
        repository: REPOSITORY,
      },
    });
  }
}

/** Its number is the highest: who took it for a build of the branch would deploy nothing after it. */
const OF_OTHER_BRANCHES = 1_000;
/** A person sends what is in the dead-letter queue once more. */
const REDRIVE_MINUTES = 6;

/** EventBridge delivers it at least once. What failed at every attempt is in the dead-letter queue. */
function announce(
  story: Story,
  { afterSeconds, detail }: { readonly afterSeconds: number; readonly detail: object },
): void {
  const { world, scenario, random, faults } = story;
  const { clock } = world;
  const { account, region } = scenario.settings;
  clock.after(afterSeconds * SECOND, () => {
    const event = {
      id: 'announcement',
      source: ANNOUNCEMENT_SOURCE,
      'detail-type': 'api-develop',
      account,
      region,
      time: world.when(),
      detail,
    };
    count(story, 'announced');
    const send = () =>
      invoke(story, event, () => {
        count(story, 'redriven');
        clock.after(REDRIVE_MINUTES * MINUTE, send);
      });
    send();
    if (faults.active() && random.chance(0.2)) clock.after(random.between(0, 90) * SECOND, send);
  });
}

function invoke(story: Story, payload: unknown, givenUp?: () => void): void {
  const { options, scenario } = story;
  invokeIn<Effects, DeployWorld>(story, {
    run(process) {
      const program = { ports: process.ports, settings: scenario.settings };
      const { ports, settings } = options.mutate?.(program) ?? program;
      return run(parseEvent(options.mutateEvent?.(payload) ?? payload), settings, ports);
    },
    ...(givenUp ? { givenUp } : {}),
    mutatePass: options.mutatePass,
    what: 'an invocation',
    check: (effects) => checkReasons(story, effects),
  });
}

/** Every sync has a recorded reason, unless recording it failed too. */
function checkReasons(story: Story, effects: Effects): void {
  if (effects.mustReport > 0) return;
  for (const build of effects.handled) {
    if (!story.world.builds().some(({ id, status }) => id === build && status === 'FAILED')) continue;
    story.exercised[7] += 1;
    if (!effects.decisions.some((decision) => decision['build'] === build))
      violate(story, 7, `${story.world.when()} ${build} counts as handled, and no decision names it`);
  }
  for (const name of effects.synced) {
    story.exercised[7] += 1;
    if (!effects.decisions.some(({ action, target }) => action === 'sync' && target === name))
      violate(story, 7, `${story.world.when()} ${name} was synced, and no decision says why`);
  }
}

export function happen(story: Story, happening: Happening): void {
  const { world } = story;
  const { clock, argocd } = world;
  switch (happening.kind) {
    case 'push':
      for (let index = 0; index < happening.times; index++)
        clock.after(index * 7 * SECOND, () => push(story, happening.branch));
      return;
    case 'argocd-down':
      count(story, 'argocd-down');
      note(story, `Argo CD is down for ${happening.forMinutes} min`);
      world.setDown(true);
      clock.after(happening.forMinutes * MINUTE, () => {
        world.setDown(false);
        note(story, 'Argo CD is back');
      });
      return;
    case 'sync-window': {
      count(story, 'sync-window');
      note(story, `a sync window denies for ${happening.forMinutes} min`);
      const lift = argocd.addSyncWindow('default', {
        kind: 'deny',
        schedule: '* * * * *',
        duration: '1h',
        applications: ['*'],
      });
      clock.after(happening.forMinutes * MINUTE, lift);
      return;
    }
    case 'foreign-sync': {
      const application = world.bound[happening.application];
      if (!application || !argocd.has(application.name)) return;
      try {
        argocd.startForeignSync(application.name);
        count(story, 'foreign-sync');
        note(story, `a person syncs ${application.name}`);
      } catch {
        note(story, `${application.name} is busy, a person's sync is refused`);
      }
    }
  }
}

function isQuiet(story: Story): boolean {
  const { world } = story;
  return (
    story.invocations.active() === 0 &&
    (world.state()?.phase ?? 'awake') === 'awake' &&
    world.builds().every(({ complete }) => complete) &&
    recordsOf(world).every(({ requested }) => requested.length === 0)
  );
}

export function checkEnd(story: Story): void {
  const { world, scenario, exercised } = story;
  const builds = world.builds();
  const last = builds.findLast(({ status }) => status === 'SUCCEEDED');
  const promise = scenario.missing.length > 0 ? 8 : 3;
  for (const application of world.bound) {
    const { name } = application;
    if (scenario.missing.includes(name) || !last) continue;
    exercised[promise] += 1;
    const record = recordsOf(world).find((one) => one.name === name);
    const newest = record?.newest['api-develop'];
    if (record && record.requested.length > 0)
      violate(
        story,
        promise,
        `${name} still waits for ${record.requested.map(({ build }) => build).join(', ')}`,
      );
    else if (newest?.build !== last.id)
      violate(
        story,
        promise,
        `build ${last.number} is the newest of ${name}, and ${newest?.number ?? 'none'} is recorded`,
      );
    else if (newest.outcome !== 'deployed')
      violate(story, promise, `build ${last.number} of ${name} has the outcome ${newest.outcome ?? 'none'}`);
    const expected = world.commits.indexOf(last.resolvedSourceVersion ?? '');
    const live = liveIn(story, name);
    if (live < expected)
      violate(
        story,
        promise,
        `${name} runs ${world.commits[live]?.slice(0, 7) ?? 'what ran before'}, and build ${last.number} is newer`,
      );
    checkSyncs(story, name);
    checkFailedBuilds(story, name);
  }
  for (const { name } of [PRODUCTION, OTHER_BRANCH]) {
    exercised[2] += 1;
    const operation = world.argocd.application(name)?.status.operationState;
    if (operation) violate(story, 2, `${name} was synced by ${operation.operation.initiatedBy?.username}`);
  }
}

/** The oldest commit that the application runs, as its index; -1 for one before all of them. */
function liveIn({ world }: Story, name: string): number {
  if (world.deliverer) return world.deliverer.oldestOf(name);
  return world.commits.indexOf(world.workloads.images.get(`app/${name}`)?.split(':')[1] ?? '');
}

/** A commit that went live although its build failed is reported. A config repository brings none. */
function checkFailedBuilds(story: Story, name: string): void {
  const { world, scenario } = story;
  if (scenario.delivery) return;
  const sha = world.commits[liveIn(story, name)];
  const builds = world.builds().filter(({ resolvedSourceVersion }) => resolvedSourceVersion === sha);
  if (builds.length === 0 || builds.some(({ status }) => status === 'SUCCEEDED')) return;
  count(story, 'live-failure');
  story.exercised[9] += 1;
  const isReported = world.decisions.some(
    (made) => made.target === name && made.action === 'warn' && made['live'] === true && made['sha'] === sha,
  );
  if (!isReported)
    violate(story, 9, `${name} runs ${sha?.slice(0, 7)}, whose build failed, and no decision says so`);
}

/** At most two syncs for each burst, where nothing else made one fail. */
function checkSyncs(story: Story, name: string): void {
  const { world, scenario, faults } = story;
  const disturbed =
    faults.injected.size > 0 ||
    scenario.sleep !== undefined ||
    scenario.happenings.some(({ kind }) => kind !== 'push') ||
    scenario.missing.length > 0 ||
    // Each write of the bot may need one.
    scenario.delivery !== undefined;
  if (disturbed) return;
  const bursts = scenario.happenings.filter((one) => one.kind === 'push' && one.branch === 'develop').length;
  const syncs = world.syncs.get(name) ?? 0;
  story.exercised[3] += 1;
  // Builds that end far apart are bursts of their own.
  const lengths = new Set(scenario.buildSeconds.slice(0, world.builds().length));
  if (syncs > 2 * Math.max(bursts, lengths.size * bursts))
    violate(story, 3, `${name} was synced ${syncs} times for ${bursts} bursts of pushes`);
}

export function recordsOf(world: DeployWorld): readonly ApplicationRecord[] {
  return world.table
    .all<ApplicationRecord | { readonly since: string }>(DEPLOY, APPLICATION_PREFIX)
    .filter((one): one is ApplicationRecord => 'requested' in one);
}
