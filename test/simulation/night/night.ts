/** One night with the real pass of night-schedule, faults around every port call, and the checks at its end. */

import '../preload.ts';
import { run } from '#functions/night-schedule/run.ts';
import type { Decision } from '#model/decision.ts';
import { desiredAt } from '#model/desired.ts';
import type { Override } from '#model/schedule.ts';
import { createFaults, type Severity } from '../faults.ts';
import type { Outcome, PromiseId, Violation } from '../outcome.ts';
import { overrideOf } from '../overrides.ts';
import { createRandom, type Random } from '../random.ts';
import { createScenario, type Happening, type Scenario } from './scenario.ts';
import { createNightWorld, type NightPorts, type NightProcess, type NightWorld } from './world.ts';

export interface NightOptions {
  readonly seed: number;
  readonly severity: Severity;
  /** Puts a mistake into the program: the checkers must catch it. */
  readonly mutate?: (ports: NightPorts, world: NightWorld) => NightPorts;
  /** Puts a mistake around the whole pass. */
  readonly mutatePass?: (pass: () => Promise<unknown>) => Promise<unknown>;
  /** Leaves out happenings by their index: for shrinking a failure. */
  readonly without?: ReadonlySet<number>;
}

const MINUTE = 60_000;

export async function simulateNight(options: NightOptions): Promise<Outcome> {
  const random = createRandom(options.seed);
  const scenario = createScenario(options.seed, random);
  const stop = Date.parse(scenario.stop);
  const start = Date.parse(scenario.start);
  const begin = stop - 60 * MINUTE;
  const world = createNightWorld(scenario, new Date(begin));
  const faults = createFaults(random, options.severity);
  const garbling = createRandom(options.seed ^ 0x9a7b1e);
  world.isGarbled = () => faults.active() && garbling.chance(0.03);
  const night: Night = {
    options,
    scenario,
    world,
    random,
    faults,
    idle: [],
    overrides: [],
    cancelledAt: 0,
    touched: new Set(),
    deleted: new Set(),
    events: { tick: 0, lost: 0, doubled: 0, override: 0, person: 0, shortage: 0 },
    trace: [],
    violations: [],
    exercised: { 1: 0, 3: 0, 4: 0, 7: 0, 8: 0, 9: 0 },
  };

  for (const [index, happening] of scenario.happenings.entries())
    if (!options.without?.has(index))
      world.clock.at(stop + happening.minute * MINUTE, () => happen(night, happening));

  // Every minute around the transitions, less often in between: ticks get lost anyway.
  await world.clock.runUntil(stop - 40 * MINUTE);
  await ticks(night, stop - 3 * MINUTE, () => random.between(3, 8) * MINUTE);
  await ticks(night, stop + 30 * MINUTE, () => MINUTE);
  // Checked before the earliest start: the longest lead is an hour.
  const quiet = start - 80 * MINUTE;
  await ticks(night, quiet, () => random.between(5, 20) * MINUTE);
  faults.pause();
  await ticks(night, quiet + 15 * MINUTE, () => MINUTE);
  checkAsleep(night);
  faults.resume();
  await ticks(night, start - 8 * MINUTE, () => random.between(1, 4) * MINUTE);
  await ticks(night, start + 12 * MINUTE, () => MINUTE);
  faults.pause();
  await ticks(night, start + 45 * MINUTE, () => 90_000);
  checkAwake(night);
  collect(night);

  return {
    seed: options.seed,
    violations: night.violations,
    exercised: night.exercised,
    faults: faults.injected,
    events: night.events,
    trace: night.trace,
    happenings: scenario.happenings.length,
  };
}

interface Night {
  readonly options: NightOptions;
  readonly scenario: Scenario;
  readonly world: NightWorld;
  readonly random: Random;
  readonly faults: ReturnType<typeof createFaults>;
  /** Processes in which no pass runs. */
  readonly idle: NightProcess[];
  overrides: Override[];
  /** When a person last cancelled an override. */
  cancelledAt: number;
  /** Groups that a person changed: their sizes are the person's choice. */
  readonly touched: Set<string>;
  readonly deleted: Set<string>;
  readonly events: Record<string, number>;
  readonly trace: string[];
  readonly violations: Violation[];
  readonly exercised: Record<1 | 3 | 4 | 7 | 8 | 9, number>;
}

async function ticks(night: Night, until: number, step: () => number): Promise<void> {
  const { clock } = night.world;
  while (clock.now() < until) {
    await clock.runUntil(Math.min(until, clock.now() + step()));
    if (night.faults.active() && night.random.chance(0.1)) {
      count(night, 'lost');
      continue;
    }
    if (night.faults.active() && night.random.chance(0.05)) {
      count(night, 'doubled');
      await Promise.all([pass(night, 'tick'), pass(night, 'tick')]);
    } else await pass(night, 'tick');
    count(night, 'tick');
  }
}

async function pass(night: Night, trigger: 'tick' | 'override'): Promise<void> {
  const { world, random, scenario, options } = night;
  const current = night.faults.newPass();
  const process = night.idle.pop() ?? world.newProcess();
  const ports = process.enter(current);
  const { autoscaler, cronJobs, groups, nodes, store, trail } = options.mutate
    ? options.mutate(ports, world)
    : ports;
  const skew = night.faults.active() ? random.between(-5, 5) * 1000 : 0;
  const now = new Date(world.clock.now() + skew);
  const deps = {
    groups,
    nodes,
    store,
    trail,
    cronJobs,
    settings: scenario.settings,
    now: () => now,
    remaining: () => 60_000,
  };
  const cause = { trigger, byPerson: trigger === 'override' };
  const act = () => run(scenario.settings.autoscaler ? { ...deps, autoscaler } : deps, cause);
  world.observations.counts.passes += 1;
  const decidedBefore = world.decisions.length;
  const suspendedBefore = world.kubernetes.suspended();
  const failed = await new Promise<boolean>((ended) => {
    (options.mutatePass ? options.mutatePass(act) : act()).then(
      () => ended(false),
      () => ended(true),
    );
    void current.killed.then(() => ended(true));
  });
  world.kubernetes.checkPass(suspendedBefore);
  checkState(night);
  if (!current.crashed()) night.idle.push(process);
  if (current.crashed()) {
    world.observations.counts.crashes += 1;
    note(night, 'the pass was killed');
  } else if (failed) {
    world.observations.counts.failedPasses += 1;
  } else if (current.errors() > namedIn(world.decisions.slice(decidedBefore))) {
    world.observations.swallowed.push(
      `${now.toISOString()} a pass met ${current.errors()} errors and succeeded`,
    );
  }
  if (current.errors() > 0) night.exercised[9] += 1;
}

/** An error of a request that only explains a failure stands in the reason of that failure. */
function namedIn(decisions: readonly Decision[]): number {
  return decisions.filter(({ action, reason }) => action === 'fail' && /cannot be read: /.test(reason))
    .length;
}

function happen(night: Night, happening: Happening): Promise<void> | undefined {
  const { world, scenario } = night;
  const now = world.clock.date();
  switch (happening.kind) {
    case 'resize':
      resizeByPerson(night, happening);
      return;
    case 'delete':
      deleteByPerson(night, happening);
      return;
    case 'create':
      world.add({
        name: happening.group,
        kind: 'managed',
        min: 0,
        desired: happening.desired,
        max: 4,
        capacityType: 'ON_DEMAND',
        broken: false,
      });
      night.touched.add(happening.group);
      count(night, 'person');
      note(night, `a person creates ${happening.group} with ${happening.desired}`);
      return;
    case 'override': {
      const override = overrideOf(now, happening);
      night.overrides = [override];
      world.setOverride(override);
      count(night, 'override');
      note(night, `an override of ana: ${happening.state} for ${happening.forMinutes} min`);
      return pass(night, 'override');
    }
    case 'cancel':
      night.overrides = [];
      night.cancelledAt = now.getTime();
      world.setOverride(undefined);
      count(night, 'override');
      note(night, 'the override is cancelled');
      return pass(night, 'override');
    case 'shortage':
      world.aws.setCapacity({ capacityType: 'SPOT', available: false });
      world.clock.after(happening.forMinutes * MINUTE, () => {
        world.aws.setCapacity({ capacityType: 'SPOT', available: true });
        note(night, 'spot capacity is back');
      });
      count(night, 'shortage');
      note(night, `no spot capacity for ${happening.forMinutes} min`);
      return;
    case 'rollout':
      rollOut(night, happening);
      return;
    case 'autoscaler-restarted':
      // Only while it is paused; otherwise the change is the person's choice.
      if (scenario.settings.autoscaler && world.replicas() === 0) {
        world.setReplicas(1);
        count(night, 'person');
        note(night, 'a person scales the autoscaler to 1');
      }
  }
}

function resizeByPerson(
  night: Night,
  { group: name, desired }: Extract<Happening, { kind: 'resize' }>,
): void {
  const { world } = night;
  const group = world.groupOf(name);
  if (!group) return;
  try {
    world.aws.resizeAsPerson(group, {
      min: Math.min(group.min, desired),
      desired,
      max: Math.max(group.max, desired),
    });
    night.touched.add(name);
    world.touched.add(name);
    count(night, 'person');
    note(night, `a person sets ${name} to ${desired}`);
  } catch {
    note(night, `${name} is busy, a person's change is refused`);
  }
}

function rollOut(night: Night, { group, minutes }: Extract<Happening, { kind: 'rollout' }>): void {
  const { world } = night;
  if (!world.groupOf(group)?.nodegroup) return;
  try {
    world.aws.eks.updateNodegroupVersion(world.cluster, world.cluster.name, group, { minutes });
    count(night, 'rollout');
    note(night, `a rollout of ${group} begins, for ${minutes} min`);
  } catch {
    note(night, `${group} is busy, its rollout is refused`);
  }
}

function deleteByPerson(night: Night, { group: name }: Extract<Happening, { kind: 'delete' }>): void {
  const { world } = night;
  if (!world.groupOf(name)?.nodegroup) return;
  try {
    world.aws.eks.deleteNodegroup(world.cluster, world.cluster.name, name);
    night.deleted.add(name);
    count(night, 'person');
    note(night, `a person deletes ${name}`);
  } catch {
    note(night, `${name} is busy, a person's change is refused`);
  }
}

/** A cluster that is recorded as asleep has no instance, except in groups that somebody has changed. */
function checkState({ world, touched, deleted, scenario, violations, exercised }: Night): void {
  if (!world.isRecordedAsleep()) return;
  exercised[4] += 1;
  for (const { name, broken } of scenario.groups) {
    const group = world.groupOf(name);
    if (!group || broken || touched.has(name) || deleted.has(name)) continue;
    if (group.instances.size > 0)
      violations.push({
        promise: 4,
        what: `${world.clock.date().toISOString()} the state is asleep, and ${name} has ${group.instances.size} instances`,
      });
  }
}

function checkAsleep(night: Night): void {
  const { world, scenario } = night;
  const now = world.clock.date();
  const desired = desiredAt(scenario.settings.schedule, now, night.overrides);
  // Shortly after an override the nodes may still be leaving: the host group waits until the deadline for a broken one.
  const ends = [night.cancelledAt, ...night.overrides.map((one) => Date.parse(one.until))];
  const isSettled = ends.every((end) => now.getTime() - end > 45 * MINUTE);
  if (desired.state !== 'asleep' || !isSettled) return;
  if (scenario.groups.every(({ broken }) => !broken)) {
    world.kubernetes.checkAsleep();
    night.exercised[3] += 1;
  }
  for (const plan of scenario.groups) {
    if (plan.broken || night.touched.has(plan.name) || night.deleted.has(plan.name)) continue;
    const group = world.groupOf(plan.name);
    if (!group) continue;
    night.exercised[3] += 1;
    if (scenario.groups.some((other) => other.broken)) night.exercised[8] += 1;
    const warm = group.warmPool?.instances.size ?? 0;
    if (group.desired !== 0 || group.instances.size !== 0 || warm !== 0)
      violate(
        night,
        scenario.groups.some((other) => other.broken) ? 8 : 3,
        `${plan.name} should be asleep and has desired ${group.desired}, ${group.instances.size} instances, ${warm} of its warm pool`,
      );
  }
}

function checkAwake(night: Night): void {
  const { world, scenario } = night;
  const now = world.clock.date();
  if (desiredAt(scenario.settings.schedule, now, night.overrides).state !== 'awake') return;
  if (night.overrides.some((one) => Math.abs(now.getTime() - Date.parse(one.until)) < 60 * MINUTE)) return;
  // Somebody has just cancelled an override that it sleeps: it is starting.
  if (now.getTime() - night.cancelledAt < 45 * MINUTE) return;
  if (scenario.groups.every(({ broken }) => !broken)) {
    world.kubernetes.checkAwake();
    night.exercised[1] += 1;
  }
  for (const plan of scenario.groups) {
    if (plan.broken || night.deleted.has(plan.name)) continue;
    const group = world.groupOf(plan.name);
    if (!group) continue;
    night.exercised[1] += 1;
    const is = `${group.min}/${group.desired}/${group.max}`;
    if (night.touched.has(plan.name)) {
      if (group.desired === 0 && plan.desired > 0)
        violate(night, 1, `${plan.name} was changed by hand and is ${is} in the morning`);
      continue;
    }
    if (is !== `${plan.min}/${plan.desired}/${plan.max}`)
      violate(night, 1, `${plan.name} had ${plan.min}/${plan.desired}/${plan.max} and has ${is}`);
    else if (world.readyIn(group) < plan.desired)
      violate(night, 3, `${plan.name} has ${world.readyIn(group)} of ${plan.desired} nodes Ready`);
    const pool = world.poolOf(group);
    if (JSON.stringify(pool) !== JSON.stringify(plan.warmPool))
      violate(
        night,
        1,
        `${plan.name} had the warm pool ${JSON.stringify(plan.warmPool)} and has ${JSON.stringify(pool)}`,
      );
    if (world.savedOf(plan.name)) violate(night, 3, `${plan.name} is awake and its record is still there`);
  }
  if (scenario.replicas !== undefined && !scenario.groups.some((plan) => plan.broken)) {
    night.exercised[1] += 1;
    if (world.replicas() !== scenario.replicas)
      violate(night, 1, `the autoscaler had ${scenario.replicas} replicas and has ${world.replicas()}`);
  }
}

function collect(night: Night): void {
  const { observations } = night.world;
  night.exercised[1] += observations.counts.stops + observations.counts.starts;
  night.exercised[4] += observations.counts.confirmedStops + observations.counts.confirmedStarts;
  night.exercised[7] += observations.counts.stops + observations.counts.starts;
  for (const what of [...observations.zeroedUnsaved, ...observations.sizesLost]) violate(night, 1, what);
  for (const what of observations.unobserved) violate(night, 4, what);
  for (const what of observations.unexplained) violate(night, 7, what);
  for (const what of observations.swallowed) violate(night, 9, what);
  for (const { promise, what } of observations.kubernetes) violate(night, promise, what);
}

function violate(night: Night, promise: PromiseId, what: string): void {
  night.violations.push({ promise, what });
}

function note(night: Night, text: string): void {
  night.trace.push(`${night.world.clock.date().toISOString()} ${text}`);
}

function count(night: Night, event: string): void {
  night.events[event] = (night.events[event] ?? 0) + 1;
}
