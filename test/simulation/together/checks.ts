/** Checks of the world in which all three functions work, during the night and at its end. */
import type { AutoScalingGroup } from '@nightshift/lab/world/aws/index.ts';
import { NIGHT, savedKey } from '#functions/adapters/dynamodb/table-keys.ts';
import * as deploys from '../deploy/deploy.ts';
import * as drains from '../drain/drain.ts';
import { checkEnd as checkDrainEnd } from '../drain/end-checks.ts';
import { poolOf } from '../night/groups.ts';
import { violate } from '../story.ts';
import { type NightEffects, SKEW_SECONDS, type Stop } from './night-function.ts';
import type { Story } from './story.ts';
import type { TogetherWorld } from './world.ts';

const MINUTE = 60_000;
/** A lifecycle action whose event got lost times out after an hour. */
const SETTLED_MS = 80 * MINUTE;

/** A stop is recorded so long before its first node goes at most. */
const RECORDED_MS = 5 * MINUTE;

/** Every resize has a recorded reason, unless recording it failed too. */
export function checkReasons(story: Story, { changed, decisions, mustReport }: NightEffects): void {
  if (mustReport > 0) return;
  for (const name of changed) {
    story.exercised[7] += 1;
    if (!decisions.some(({ target, reason }) => target === name && reason !== ''))
      violate(story, 7, `${story.world.when()} ${name} was resized, and no decision says why`);
  }
}

/** The stop of a group is over: no drain delays it, unless an event was not delivered or an attempt failed. */
export function checkStop(story: Story, stop: Stop): void {
  const { world, drain } = story;
  const group = world.night.groups.find(stop.group);
  const desired = world.desiredStates.current();
  // EKS terminates the nodes of its own groups, in its own time.
  if (!group || group.nodegroup || desired.state !== 'asleep' || desired.since > stop.at || group.desired > 0)
    return;
  // Right after the transition a pass whose clock is behind may record the opposite state, for up to a minute.
  const isRecorded = stop.isRecorded || stop.at - desired.since > 2 * SKEW_SECONDS * 1_000;
  for (const id of stop.instanceIds) {
    const notices = drain.notices.get(id);
    const isUndelivered = [...drain.actions.values()].some(
      (action) => action.instanceId === id && !action.delivered,
    );
    if (isUndelivered || (notices && notices.killed + notices.failed > 0)) continue;
    story.exercised[3] += 1;
    if (isRecorded && (!notices || notices.firstAt >= stop.at)) checkLoss(story, stop, id);
    const left = group.instances.get(id);
    if (left)
      violate(
        story,
        3,
        `${world.when()} the stop of ${group.name} still waits for ${id}: ${left.lifecycleState}`,
      );
  }
}

/** The drain of an instance that night-schedule stops does not count as a loss. */
function checkLoss(story: Story, { group, at }: Stop, id: string): void {
  for (const made of story.world.drain.decisions) {
    // The group of an instance that is gone is not known any more.
    if (made.action !== 'drain' || made['cause'] !== 'lifecycle') continue;
    if (made['instanceId'] !== id || Date.parse(made.time) < at) continue;
    story.exercised[4] += 1;
    if (made['nightlyStop'] !== true)
      violate(
        story,
        4,
        `${made.time} the drain of ${id} counts as a loss, and night-schedule stopped ${group}`,
      );
  }
}

/** A drain counts as part of the nightly stop only while the workers were being stopped, or recorded as such. */
function checkNightlyStops(story: Story): void {
  const { drain, night } = story.world;
  for (const made of drain.decisions) {
    if (made.action !== 'drain' || made['nightlyStop'] !== true) continue;
    story.exercised[4] += 1;
    const time = Date.parse(made.time);
    const isPart = night.stops.some(
      ({ at, instanceIds, endedAt = Number.POSITIVE_INFINITY }) =>
        time > at - RECORDED_MS && (time < endedAt || instanceIds.includes(String(made['instanceId']))),
    );
    if (!isPart && !story.world.isStopRecorded(time))
      violate(
        story,
        4,
        `${made.time} ${made.target} counts as part of the nightly stop, and no group was being stopped`,
      );
  }
}

/** The cluster that was woken for a deploy has nodes. */
export function checkWoken(story: Story, since: number): void {
  const { world } = story;
  const desired = world.desiredStates.current();
  if (desired.state !== 'awake' || desired.since > since || story.disturbedAt > since) return;
  for (const group of world.aws.groups(world.drain.cluster)) {
    story.exercised[3] += 1;
    if (group.desired === 0)
      violate(story, 3, `${world.when()} the cluster was woken for a deploy, and ${group.name} sleeps`);
  }
}

/** Before the start. */
export function checkAsleep(story: Story): void {
  const { world } = story;
  const desired = world.desiredStates.current();
  if (desired.state !== 'asleep' || world.clock.now() - desired.since < SETTLED_MS) return;
  for (const group of world.aws.groups(world.drain.cluster)) {
    story.exercised[3] += 1;
    const warm = group.warmPool?.instances.size ?? 0;
    if (group.desired !== 0 || group.instances.size !== 0 || warm !== 0)
      violate(
        story,
        3,
        `${group.name} should sleep and has ${group.desired}, ${group.instances.size} instances, ${warm} of its warm pool`,
      );
  }
  story.exercised[3] += 1;
  const recorded = world.recordedState()?.phase;
  if (recorded !== 'asleep')
    violate(story, 3, `everything sleeps, and the state is ${recorded ?? 'not written'}`);
  story.exercised[3] += 1;
  world.night.kubernetes.checkAsleep();
  checkClaims(story);
}

/** Nothing is left to do. */
export function isMorning(story: Story): boolean {
  const { world, drain, deploy } = story;
  return (
    story.night.invocations.active() === 0 &&
    deploy.invocations.active() === 0 &&
    drains.isQuiet(drain) &&
    world.drain.claims().every(({ hooks }) => hooks.every(({ completed }) => completed)) &&
    // What goes live meanwhile is read afterwards.
    !world.deploy.outage.isDown &&
    world.recordedState()?.phase === 'awake' &&
    world.aws.groups(world.drain.cluster).every((group) => world.night.readyIn(group) >= group.desired) &&
    isDeployed(world)
  );
}

/** No build runs, and no application waits for one. */
export function isDeployed({ deploy }: TogetherWorld): boolean {
  return (
    deploy.builds().every(({ complete }) => complete) &&
    deploys.recordsOf(deploy).every(({ requested }) => requested.length === 0)
  );
}

export function checkMorning(story: Story): void {
  const { world } = story;
  checkSizes(story);
  checkDrainEnd(story.drain);
  story.exercised[1] += 1;
  world.night.kubernetes.checkAwake();
  deploys.checkEnd(story.deploy);
  checkClaims(story);
  checkActions(story);
  checkMarks(story);
  checkImages(story);
  checkNeighbours(story);
  checkNightlyStops(story);
  story.exercised[3] += 1;
  const recorded = world.recordedState()?.phase;
  if (recorded !== 'awake') violate(story, 3, `it is morning, and the state is ${recorded ?? 'not written'}`);
}

function checkSizes(story: Story): void {
  const { world, scenario } = story;
  const { workers, managed } = scenario.drain;
  for (const group of world.aws.groups(world.drain.cluster)) {
    const name = world.night.groups.nameOf(group);
    const [min, desired] = name === 'workers' ? [scenario.least, workers] : [0, managed];
    const is = `${group.min}/${group.desired}/${group.max}`;
    const was = `${min}/${desired}/${desired + 3}`;
    story.exercised[1] += 1;
    if (is !== was) violate(story, 1, `${name} had ${was} and has ${is}`);
    checkWarmPool(story, group);
    const ready = world.night.readyIn(group);
    story.exercised[3] += 1;
    if (ready < desired) violate(story, 3, `${name} has ${ready} of ${desired} nodes Ready`);
    if (world.table.read(NIGHT, savedKey(scenario.drain.settings.cluster, name)))
      violate(story, 3, `${name} is awake and its record is still there`);
  }
}

function checkWarmPool(story: Story, { name, warmPool }: AutoScalingGroup): void {
  const had = name === 'workers' ? story.scenario.warmPool : undefined;
  const has = warmPool && poolOf(warmPool);
  if (had) story.exercised[1] += 1;
  if (JSON.stringify(has) !== JSON.stringify(had))
    violate(story, 1, `${name} had the warm pool ${JSON.stringify(had)} and has ${JSON.stringify(has)}`);
}

function checkClaims(story: Story): void {
  const now = story.world.clock.now();
  for (const { instanceId, state, leaseUntil, notBefore } of story.world.drain.claims()) {
    // It waits for the day of an announced change.
    if (state === 'paused' && Date.parse(notBefore ?? '') > now) continue;
    story.exercised[3] += 1;
    if (state === 'working' || state === 'paused' || Date.parse(leaseUntil) > now)
      violate(story, 3, `the claim of ${instanceId} is ${state}, until ${leaseUntil}`);
  }
}

/** Actions whose event got lost time out by themselves. */
function checkActions(story: Story): void {
  const { world, drain } = story;
  for (const { token, instance } of world.aws.autoScaling.pendingLifecycleActions())
    if (drain.actions.get(token)?.delivered)
      violate(story, 6, `the action ${token} of ${instance.id} is open at the end`);
}

function checkMarks(story: Story): void {
  const { drain } = story.world;
  for (const { metadata } of drain.nodes()) {
    const instance = drain.instanceAt(metadata.name);
    if (instance?.lifecycleState !== 'InService') continue;
    // The end of its announced change was not delivered.
    if (story.drain.announced.has(instance.id)) continue;
    story.exercised[3] += 1;
    if (drain.isOurs(metadata.name)) violate(story, 3, `${metadata.name} stays in service with our marks`);
  }
}

/** The images that Argo CD applied run on the nodes. */
function checkImages(story: Story): void {
  const { world } = story;
  for (const [key, image] of world.deploy.workloads.images) {
    const [namespace = '', name = ''] = key.split('/');
    story.exercised[3] += 1;
    const runs = world.kubernetes.api.store
      .all('pods')
      .some(
        (pod) =>
          pod.metadata.namespace === namespace &&
          pod.metadata.labels?.['app'] === name &&
          pod.spec?.containers[0]?.image === image &&
          pod.status?.phase === 'Running',
      );
    if (!runs) violate(story, 3, `no pod of ${key} runs ${image}`);
  }
}

function checkNeighbours(story: Story): void {
  const { world } = story;
  for (const id of story.neighbours) {
    story.exercised[2] += 1;
    const [instance] = world.aws.ec2.describe(world.drain.scope, [id]);
    if (instance?.state !== 'running' || instance.lifecycleState !== 'InService')
      violate(story, 2, `${id} of another cluster is ${instance?.state ?? 'gone'}`);
  }
}
