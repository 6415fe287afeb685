/**
 * A night in which the three functions meet: night-schedule stops the cluster and starts it again, spot-drain drains
 * the nodes that AWS and that stop terminate, and branch-deploy waits or wakes the cluster. All of them are the real ones,
 * in one world, with faults around every call; and the checks at its end.
 */

import '../preload.ts';
import type { AwsEvent } from '@nightshift/lab/world/interfaces.ts';
import { causeOf } from '#functions/night-schedule/event.ts';
import { run } from '#functions/night-schedule/run.ts';
import type { Override } from '#model/schedule.ts';
import * as deploys from '../deploy/deploy.ts';
import * as drains from '../drain/drain.ts';
import { createFaults } from '../faults.ts';
import { createInvocations, LAMBDA } from '../invocations.ts';
import type { Outcome, PromiseId, Violation } from '../outcome.ts';
import { overrideOf } from '../overrides.ts';
import { createRandom, type Random } from '../random.ts';
import { arrives, count, invoke, note, outcomeOf } from '../story.ts';
import {
  checkAsleep,
  checkMorning,
  checkReasons,
  checkStop,
  checkWoken,
  isDeployed,
  isMorning,
} from './checks.ts';
import type { NightEffects, NightPorts, Stop } from './night-function.ts';
import { createScenario, type Happening } from './scenario.ts';
import type { Story, TogetherOptions } from './story.ts';
import { createTogetherWorld, type TogetherWorld } from './world.ts';

const SECOND = 1_000;
const MINUTE = 60_000;
/** Booting, joining, starting pods. */
const WARM_UP_MS = 100 * SECOND;
/** After the stop there is a tick every minute. */
const DENSE_MS = 15 * MINUTE;
/** So long before the start the faults end for some minutes, and the cluster must be asleep after them. */
const QUIET_BEFORE_START_MS = 14 * MINUTE;
const SETTLE_MS = 8 * MINUTE;
/** So long after the start the faults end. */
const FAULTS_END_MS = 12 * MINUTE;
/** A drain without a known end lasts an hour; so does an action whose event got lost. Then a few ticks must be enough. */
const PATIENCE_MS = 100 * MINUTE;
/** Of spot-drain one or two are among them, and two that look for missed builds. */
const QUIET_TICKS = 11;
const DRAIN_TICK_MS = 5 * MINUTE;
/** The longest duration of a stop, as in the settings. */
const STOP_MS = 20 * MINUTE;
/** Within this time a cluster that is woken for a deploy is up. */
const WOKEN_MS = 45 * MINUTE;

export async function simulateTogether(options: TogetherOptions): Promise<Outcome> {
  const story = createStory(options);
  const { world, scenario } = story;
  const { clock } = world;
  const stop = Date.parse(scenario.stop);
  const start = Date.parse(scenario.start);

  await clock.runUntil(clock.now() + WARM_UP_MS);
  story.neighbours = neighboursOf(world);
  startFaults(story);
  world.drain.watchdogs.deliver = (check) => drains.watch(story.drain, check);
  world.context.signals.on('event', (event) => deliver(story, event));
  for (const [index, happening] of scenario.happenings.entries())
    if (!options.without?.has(index))
      clock.at(stop + happening.minute * MINUTE, () => happen(story, happening));
  for (const transition of [stop, start]) clock.at(transition, () => startTransition(story));

  await ticks(story, stop + DENSE_MS);
  await ticks(story, start - QUIET_BEFORE_START_MS, () => nightStep(story));
  stopFaults(story);
  await ticks(story, start - QUIET_BEFORE_START_MS + SETTLE_MS);
  checkAsleep(story);
  startFaults(story);
  await ticks(story, start);

  // A person may keep it asleep past the start.
  const wakesAt = () => {
    const override = world.override();
    return override?.state === 'asleep' ? Math.max(start, Date.parse(override.until)) : start;
  };
  while (clock.now() < wakesAt() + FAULTS_END_MS) await ticks(story, wakesAt() + FAULTS_END_MS);
  stopFaults(story);
  const patience = clock.now() + PATIENCE_MS;
  for (let quiet = 0; clock.now() < patience && quiet < QUIET_TICKS; ) {
    await ticks(story, clock.now() + MINUTE);
    quiet = isMorning(story) ? quiet + 1 : 0;
  }
  checkMorning(story);
  return outcomeOf(options.seed, story);
}

function createStory(options: TogetherOptions): Story {
  const random: Random = createRandom(options.seed ^ 0x70637);
  const scenario = createScenario(options.seed, random, options.isPlain);
  const faults = createFaults(random, options.severity);
  faults.pause();
  const violations: Violation[] = [];
  const exercised: Record<PromiseId, number> = { 1: 0, 2: 0, 3: 0, 4: 0, 5: 0, 6: 0, 7: 0, 8: 0, 9: 0 };
  const clock = () => world.clock;
  const functions = {
    night: createInvocations(clock, faults, LAMBDA.night),
    drain: createInvocations(clock, faults, LAMBDA.drain),
    deploy: createInvocations(clock, faults, LAMBDA.deploy),
  };
  const world = createTogetherWorld({
    scenario,
    random,
    // It settles the whole process, so that one of the three is enough.
    settle: functions.night.settle,
    violate: (promise, what) => void violations.push({ promise, what }),
    exercise: (promise) => {
      exercised[promise] += 1;
    },
    isFaulty: () => faults.active(),
    stopped: (stop) => watchStop(story, stop),
    woken: (override) => watchWake(story, override),
  });
  const shared = { random, faults, violations, exercised, events: {}, trace: [] };
  const own = { ...shared, scenario, world, invocations: functions.night, idle: [] };
  const { mutateDrain, mutateDeploy, mutatePass } = options;
  const each = { seed: options.seed, severity: options.severity, ...(mutatePass ? { mutatePass } : {}) };
  const story: Story = {
    ...own,
    options,
    night: { ...own, world: world.night },
    drain: {
      ...shared,
      scenario: scenario.drain,
      world: world.drain,
      invocations: functions.drain,
      idle: [],
      options: { ...each, ...(mutateDrain ? { mutate: mutateDrain } : {}) },
      notices: new Map(),
      actions: new Map(),
      announced: new Map(),
      brokenTicks: [],
      up: [],
    },
    deploy: {
      ...shared,
      scenario: scenario.deploy,
      world: world.deploy,
      invocations: functions.deploy,
      idle: [],
      options: { ...each, ...(mutateDeploy ? { mutate: mutateDeploy } : {}) },
      faultsEnded: false,
    },
    neighbours: [],
    drainTickedAt: 0,
    disturbedAt: 0,
  };
  return story;
}

function startFaults({ faults, world, options }: Story): void {
  faults.resume();
  deploys.setBuildFaults(world.deploy, options.severity);
}

function stopFaults({ faults, world }: Story): void {
  faults.pause();
  deploys.setBuildFaults(world.deploy, 'none');
}

/** Fewer ticks while nothing happens: ticks get lost anyway. */
function nightStep({ world, random, drain }: Story): number {
  const { state } = world.desiredStates.current();
  if (world.recordedState()?.phase !== state) return MINUTE;
  if (!drains.isQuiet(drain)) return DRAIN_TICK_MS;
  if (state === 'asleep') return random.between(10, 25) * MINUTE;
  return isDeployed(world) ? 10 * MINUTE : MINUTE;
}

/** Calls every function each minute, spot-drain each five minutes; less often while nothing happens. */
async function ticks(story: Story, until: number, step = () => MINUTE): Promise<void> {
  const { clock } = story.world;
  while (clock.now() < until) {
    tickOfNight(story);
    deploys.tick(story.deploy);
    if (clock.now() - story.drainTickedAt >= DRAIN_TICK_MS) {
      story.drainTickedAt = clock.now();
      drains.tick(story.drain);
    }
    await clock.runUntil(Math.min(until, clock.now() + step()));
  }
}

function tickOfNight(story: Story): void {
  if (!arrives(story, 'tick')) return;
  const payload = { source: 'nightshift', trigger: 'tick', schedule: 'night-schedule-tick' };
  callNight(story, payload);
  if (!story.faults.active() || !story.random.chance(0.05)) return;
  count(story, 'doubled');
  callNight(story, payload);
}

function startTransition(story: Story): void {
  if (arrives(story, 'tick')) callNight(story, { source: 'nightshift', trigger: 'edge', schedule: 'edge' });
}

function callNight(story: Story, payload: unknown): void {
  const { options, scenario } = story;
  const { autoscaler, suspendCronJobs } = scenario.night;
  const portsOf = (given: NightPorts) => {
    const { autoscaler: karpenter, cronJobs, ...ports } = options.mutateNight?.(given) ?? given;
    return {
      ...ports,
      ...(autoscaler ? { autoscaler: karpenter } : {}),
      ...(suspendCronJobs ? { cronJobs } : {}),
    };
  };
  invoke<NightEffects, TogetherWorld['night']>(story.night, {
    run: ({ ports, now }, { endsAt }) =>
      run(
        {
          ...portsOf(ports),
          settings: scenario.night,
          now,
          remaining: () => endsAt.getTime() - story.world.clock.now(),
        },
        causeOf(payload),
      ),
    mutatePass: options.mutatePass,
    what: 'a pass of night-schedule',
    check: (effects) => checkReasons(story, effects),
  });
}

function deliver(story: Story, event: AwsEvent): void {
  drains.deliver(story.drain, event);
  deploys.deliver(story.deploy, event);
}

function happen(story: Story, happening: Happening): void {
  const { world } = story;
  const { clock } = world;
  switch (happening.kind) {
    case 'drain':
      // The instances of the evening are not those of the morning.
      story.drain.up = world.workers();
      drains.happen(story.drain, happening.what);
      if (happening.what.kind === 'dead-kubelet') replaceLater(story, happening.what.pick);
      return;
    case 'deploy':
      deploys.happen(story.deploy, happening.what);
      return;
    case 'override':
      count(story, 'override');
      note(story, `an override of ana: ${happening.state} for ${happening.forMinutes} min`);
      // A pass may just have read the overrides before this one: the next pass corrects it.
      story.disturbedAt = clock.now();
      world.setOverride(overrideOf(clock.date(), happening));
      callNight(story, { source: 'nightshift', trigger: 'override' });
      return;
    case 'cancel':
      if (!world.override()) return;
      count(story, 'override');
      note(story, 'the override is cancelled');
      story.disturbedAt = clock.now();
      world.setOverride(undefined);
      callNight(story, { source: 'nightshift', trigger: 'override' });
      return;
    case 'rollout':
      try {
        const { cluster } = world.drain;
        world.aws.eks.updateNodegroupVersion(cluster, cluster.name, 'managed', {
          minutes: happening.forMinutes,
        });
        count(story, 'rollout');
        note(story, `a rollout of managed begins, for ${happening.forMinutes} min`);
      } catch {
        note(story, 'managed is busy, its rollout is refused');
      }
      return;
    case 'shortage':
      count(story, 'shortage');
      note(story, `no spot capacity for ${happening.forMinutes} min`);
      story.disturbedAt = clock.now() + happening.forMinutes * MINUTE;
      world.aws.setCapacity({ capacityType: 'SPOT', available: false });
      clock.after(happening.forMinutes * MINUTE, () => {
        world.aws.setCapacity({ capacityType: 'SPOT', available: true });
        note(story, 'spot capacity is back');
      });
  }
}

/** The group terminates the instance of the dead node: Auto Scaling does not see that its kubelet is dead. */
function replaceLater({ drain, world, random }: Story, pick: number): void {
  const { up } = drain;
  world.clock.after(random.between(5, 90) * SECOND, () => {
    drain.up = up;
    drains.happen(drain, { second: 0, pick, kind: 'scale-in' });
  });
}

function watchStop(story: Story, stop: Stop): void {
  count(story, 'night-stop');
  note(story, `night-schedule stops ${stop.group}`);
  story.world.context.clock.after(STOP_MS, () => checkStop(story, stop));
}

function watchWake(story: Story, { until }: Override): void {
  const { clock } = story.world.context;
  count(story, 'woken');
  note(story, 'branch-deploy wakes the cluster');
  if (Date.parse(until) > clock.now() + WOKEN_MS)
    clock.after(WOKEN_MS, () => checkWoken(story, clock.now() - WOKEN_MS));
}

function neighboursOf({ drain, aws }: TogetherWorld): readonly string[] {
  return aws.autoScaling
    .instances(drain.scope)
    .filter(({ group }) => group.name === 'neighbours')
    .map(({ id }) => id);
}
