/** Checks at the end of a drain's story: of nodes, claims, groups and lifecycle actions. */
import type { Claim } from '#functions/spot-drain/records.ts';
import { violate } from '../story.ts';
import type { Story, WorkerAction } from './story.ts';

const SECOND = 1_000;
const MINUTE = 60_000;
/** A drain without a known end lasts an hour; then a few ticks must be enough. */
export const LONGEST_MS = 100 * MINUTE;
/** A node is NotReady after 50 s of silence; its pods are left after their grace and a minute, and events come late. */
const DEAD_NODE_MS = 4 * MINUTE;
/** 150 seconds for a drain during the nightly stop, a minute for a late event, and the time of slow calls. */
const NIGHT_MS = 5 * MINUTE;

export function checkEnd(story: Story): void {
  checkCordoned(story);
  checkAsked(story);
  checkDeadNodes(story);
  checkMarksRemoved(story);
  checkClaims(story);
  checkGroupSize(story);
  for (const [token, action] of story.actions) if (action.delivered) checkAction(story, token, action);
}

/** A node whose end was announced in time was cordoned when it went. */
function checkCordoned(story: Story): void {
  for (const [id, one] of story.world.seen) {
    const notices = story.notices.get(id);
    if (one.goneAt === undefined || one.cordoned === undefined || !notices) continue;
    const goneAt = one.goneAt;
    // A warning from before the instance stopped and ran again does not warn of this end.
    const inTime = notices.succeededAt.some((at) => at >= one.runsSince && at < goneAt - SECOND);
    if (!inTime || notices.killed > 0 || notices.failed > 0) continue;
    story.exercised[3] += 1;
    if (!one.cordoned) violate(story, 3, `${one.node} was handled in time and ended without a cordon`);
  }
}

/** Whatever a budget or a webhook says: a pod on an interrupted node was asked to go before it went. */
function checkAsked(story: Story): void {
  const { seen, nightSince } = story.world;
  if (!story.scenario.settings.force || nightSince() !== undefined) return;
  for (const [id, one] of seen) {
    const notices = story.notices.get(id);
    const goneAt = one.goneAt;
    if (goneAt === undefined || !notices || notices.killed + notices.failed + notices.givenUp > 0) continue;
    if (!one.isTaken) continue;
    if (!notices.succeededAt.some((at) => at >= one.runsSince && at <= goneAt + SECOND)) continue;
    story.exercised[8] += 1;
    for (const pod of one.unasked ?? [])
      violate(story, 8, `${pod} was never asked to leave ${one.node}, which AWS took`);
  }
}

/** The pods of a dead node never end: they are given their grace and a minute, and nothing waits for them after that. */
function checkDeadNodes(story: Story): void {
  const { completions, deadSince, seen } = story.world;
  const { apps, happenings } = story.scenario;
  if (apps.some(({ budgets }) => budgets.length > 0) || happenings.some(({ kind }) => kind === 'webhook'))
    return;
  const longestMs = Math.max(...apps.map(({ graceSeconds }) => graceSeconds)) * SECOND + DEAD_NODE_MS;
  for (const [token, { instanceId, startedAt, delivered }] of story.actions) {
    const dead = deadSince.get(seen.get(instanceId)?.node ?? '');
    const notices = story.notices.get(instanceId);
    const completedAt = completions.get(token);
    if (dead === undefined || dead > startedAt || !delivered || completedAt === undefined) continue;
    if (!notices || notices.killed + notices.failed > 0) continue;
    story.exercised[3] += 1;
    if (completedAt - startedAt > longestMs)
      violate(
        story,
        3,
        `the dead node of ${instanceId} was waited for until ${new Date(completedAt).toISOString()}`,
      );
  }
}

function checkMarksRemoved(story: Story): void {
  const { world } = story;
  for (const node of world.nodes()) {
    const { name } = node.metadata;
    const instance = world.instanceAt(name);
    if (instance?.state !== 'running' || instance.lifecycleState !== 'InService') continue;
    if (!story.notices.has(instance.id)) continue;
    story.exercised[3] += 1;
    if (world.isOurs(name) && !story.announced.has(instance.id))
      violate(story, 3, `${name} stays in service with our marks`);
  }
}

function checkClaims(story: Story): void {
  const now = story.world.clock.now();
  for (const claim of story.world.claims()) {
    const { instanceId, state, leaseUntil, hooks } = claim;
    story.exercised[3] += 1;
    if (isFarOff(story, claim) && state === 'paused') continue;
    if (Date.parse(leaseUntil) > now || state === 'working' || state === 'paused')
      violate(story, 3, `the claim of ${instanceId} is ${state} at the end, until ${leaseUntil}`);
    for (const hook of hooks)
      if (!hook.completed) violate(story, 6, `the hook ${hook.name} of ${instanceId} was not completed`);
  }
}

function checkGroupSize(story: Story): void {
  const { world } = story;
  const workers = world.aws.autoScaling.group(world.scope, 'workers');
  const expected = world.nightSince() === undefined ? story.scenario.workers : 0;
  story.exercised[3] += 1;
  if (workers.desired !== expected)
    violate(story, 3, `the group of the workers has desired ${workers.desired} instead of ${expected}`);
}

/** A lifecycle action whose event was delivered is completed; where the nightly stop caused it, within `NIGHT_MS`. */
function checkAction(story: Story, token: string, action: WorkerAction): void {
  const { world } = story;
  const { instanceId, startedAt } = action;
  const notices = story.notices.get(instanceId);
  const isInterrupted = !notices || notices.killed + notices.failed > 0;
  const heartbeat = (story.scenario.hook?.heartbeatSeconds ?? 0) * SECOND;
  // With a short heartbeat an action times out before a tick continues the work of a killed function.
  const mustComplete =
    heartbeat >= 60 * MINUTE || !(isInterrupted || story.brokenTicks.some((at) => at >= startedAt));
  const completedAt = world.completions.get(token);
  story.exercised[6] += 1;
  if (mustComplete && completedAt === undefined)
    violate(story, 6, `the action ${token} of ${instanceId} was delivered and never completed`);
  const nightSince = world.nightSince();
  // A drain that began before the stop keeps its own time limit.
  if (nightSince === undefined || startedAt < nightSince || completedAt === undefined) return;
  if (isInterrupted || notices.firstAt < nightSince) return;
  story.exercised[3] += 1;
  if (completedAt - startedAt > NIGHT_MS)
    violate(
      story,
      3,
      `the nightly stop waited for ${instanceId} until ${new Date(completedAt).toISOString()}`,
    );
}

/** It waits for a change that this story does not live to see. */
export function isFarOff({ world }: Story, { notBefore }: Claim): boolean {
  return notBefore !== undefined && Date.parse(notBefore) > world.clock.now() + LONGEST_MS;
}

/** Whatever came before the change: shortly before it begins its node is drained. */
export function checkChangeDrained(story: Story, id: string, startAt: number): void {
  const { world } = story;
  const { known, nightStop, scenario, seen } = world;
  const node = seen.get(id)?.node ?? '';
  if (scenario.settings.onScheduledChange !== 'wait' || nightStop.isOn() || nightStop.isRecorded()) return;
  if (
    !isKnown(story, id, startAt) ||
    !story.announced.has(id) ||
    (seen.get(id)?.runsSince ?? 0) > (known.get(id)?.at ?? 0)
  )
    return;
  const instance = world.instanceAt(node);
  if (instance?.state !== 'running' || instance.lifecycleState !== 'InService') return;
  story.exercised[3] += 1;
  if (!world.isOurs(node))
    violate(story, 3, `${world.when()} ${node} is not drained for the change of ${id}`);
}

/** Events have whole seconds. */
function isKnown({ world }: Story, id: string, startAt: number): boolean {
  const startsAt = world.known.get(id)?.startsAt;
  return startsAt !== undefined && Math.abs(startsAt - startAt) < SECOND;
}

/** A change whose node still runs begins before then. */
export function isChangeDue({ world }: Story, until: number): boolean {
  return [...world.known].some(
    ([id, { startsAt }]) =>
      startsAt !== undefined &&
      startsAt > world.clock.now() &&
      startsAt < until &&
      world.instanceAt(world.seen.get(id)?.node ?? '')?.state === 'running',
  );
}
