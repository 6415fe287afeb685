/** The real spot-drain in one cluster from which AWS takes instances, with faults around every call, and the checks at the end. */

import '../preload.ts';
import type { AwsEvent } from '@nightshift/lab/world/interfaces.ts';
import { cordonKey, DRAIN } from '#functions/adapters/dynamodb/table-keys.ts';
import type { Ports, WatchdogCheck } from '#functions/spot-drain/ports.ts';
import { run } from '#functions/spot-drain/run.ts';
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
import { createScenario, type Happening, type Scenario } from './scenario.ts';
import { createDrainWorld, type DrainWorld, type Effects, type Process } from './world.ts';

export interface DrainOptions extends StoryOptions {
  /** Puts a mistake into the program: the checkers must catch it. */
  readonly mutate?: (process: Process, world: DrainWorld) => Ports;
}

const SECOND = 1_000;
const MINUTE = 60_000;
/** Booting, joining, starting pods. */
const WARM_UP_MS = 100 * SECOND;
/** From then on no fault is injected. */
const FAULTS_END_MS = 16 * MINUTE;
const TICK_MS = 5 * MINUTE;
/** A drain without a known end lasts an hour; then a few ticks must be enough. */
const LONGEST_MS = 100 * MINUTE;
const QUIET_TICKS = 2;
/** 150 seconds for a drain during the nightly stop, a minute for a late event, and the time of slow calls. */
const NIGHT_MS = 5 * MINUTE;

export async function simulateDrain(options: DrainOptions): Promise<Outcome> {
  const story = createStory(options);
  const { world, scenario, faults } = story;
  const { clock } = world;
  const begin = clock.now();

  await clock.runUntil(begin + WARM_UP_MS);
  story.up = [...world.seen.keys()].filter((id) => world.aws.view(id)?.autoScalingGroup === 'workers');
  world.context.signals.on('event', (event) => deliver(story, event));
  const up = clock.now();
  for (const [index, happening] of scenario.happenings.entries())
    if (!options.without?.has(index))
      clock.at(up + happening.second * SECOND, () => happen(story, happening));

  await clock.runUntil(up + story.random.between(1, 4) * MINUTE);
  let quiet = 0;
  while (clock.now() < up + LONGEST_MS && quiet < QUIET_TICKS) {
    if (clock.now() >= up + FAULTS_END_MS && faults.active()) faults.pause();
    tick(story);
    await clock.runUntil(clock.now() + TICK_MS);
    const isSettling = clock.now() >= up + FAULTS_END_MS + TICK_MS;
    quiet = isSettling && isQuiet(story) ? quiet + 1 : 0;
  }
  checkEnd(story);

  return outcomeOf(options.seed, story);
}

/** The events about one instance that were delivered, and the attempts to handle them. */
interface Notices {
  /** Of the first one. */
  readonly firstAt: number;
  /** When attempts with a warning succeeded. */
  succeededAt: number[];
  killed: number;
  failed: number;
  givenUp: number;
}

interface WorkerAction {
  readonly instanceId: string;
  delivered: boolean;
  readonly startedAt: number;
}

export interface Story extends BaseStory<Scenario, DrainWorld> {
  readonly options: DrainOptions;
  readonly notices: Map<string, Notices>;
  /** Lifecycle actions of the workers by token, and whether an invocation succeeded for their event. */
  readonly actions: Map<string, WorkerAction>;
  /** Instances with an announced change whose end was not delivered yet. */
  readonly announced: Set<string>;
  /** When a tick was killed or failed. */
  readonly brokenTicks: number[];
  up: readonly string[];
}

/** A call of our own state machine. */
export function watch(story: Story, check: WatchdogCheck): void {
  count(story, 'watchdog');
  const event = { source: 'nightshift', trigger: 'watchdog', id: 'execution', check };
  invoke(story, event, check.instanceIds, {});
}

function createStory(options: DrainOptions): Story {
  const base = createBaseStory(options, {
    salt: 0x5eed,
    createScenario,
    createWorld: createDrainWorld,
    invocations: LAMBDA.drain,
  });
  const story: Story = {
    ...base,
    options,
    notices: new Map(),
    actions: new Map(),
    announced: new Set(),
    brokenTicks: [],
    up: [],
  };
  base.world.watchdogs.deliver = (check) => watch(story, check);
  return story;
}

/** Applies the rules of lib/spot-drain.ts; events may get lost, late or doubled on the way. */
export function deliver(story: Story, event: AwsEvent): void {
  const kind = kindOf(event);
  if (!kind) return;
  count(story, kind);
  const { random, world } = story;
  const token = event.detail['LifecycleActionToken'];
  if (typeof token === 'string' && event.detail['AutoScalingGroupName'] === 'workers')
    story.actions.set(token, {
      instanceId: String(event.detail['EC2InstanceId']),
      delivered: false,
      startedAt: world.clock.now(),
    });
  const faultFactor = story.faults.active() ? 1 : 0;
  const soon = random.between(200, 1_500);
  const late = random.chance(0.08 * faultFactor) ? random.between(2, 60) * SECOND : 0;
  if (random.chance(0.05 * faultFactor)) {
    count(story, 'lost');
    return;
  }
  if (late) count(story, 'late');
  world.clock.after(soon + late, () => receive(story, event));
  if (!random.chance(0.1 * faultFactor)) return;
  count(story, 'doubled');
  world.clock.after(soon + random.between(0, 20) * SECOND, () => receive(story, event));
}

function receive(story: Story, event: AwsEvent): void {
  const ids = instancesOf(event);
  for (const id of ids) noticesOf(story, id);
  const token = event.detail['LifecycleActionToken'];
  const action = typeof token === 'string' ? story.actions.get(token) : undefined;
  const kind = kindOf(event);
  invoke(story, event, ids, {
    // After these there is time for a cordon before the instance ends.
    isWarning: kind === 'interruption' || kind === 'lifecycle-action',
    onSuccess: () => {
      if (action) action.delivered = true;
      if (event.detail['statusCode'] === 'closed') for (const id of ids) story.announced.delete(id);
    },
  });
}

export function tick(story: Story): void {
  if (arrives(story, 'tick'))
    invoke(story, { source: 'nightshift', trigger: 'tick', schedule: 'spot-drain-tick' }, [], {});
}

function invoke(
  story: Story,
  payload: unknown,
  ids: readonly string[],
  event: { readonly onSuccess?: () => void; readonly isWarning?: boolean },
): void {
  const { world, options } = story;
  invokeIn<Effects, DrainWorld>(story, {
    run: (process, { id, endsAt }) =>
      run(options.mutate?.(process, world) ?? process.ports, { id, endsAt }, payload),
    mutatePass: options.mutatePass,
    what: `an invocation for ${ids.join(', ') || 'the tick'}`,
    attempted(how) {
      if (ids.length === 0 && how !== 'succeeded') story.brokenTicks.push(world.clock.now());
      for (const id of ids) {
        const notices = noticesOf(story, id);
        if (how === 'succeeded' && event.isWarning) notices.succeededAt.push(world.clock.now());
        if (how === 'killed') notices.killed += 1;
        if (how === 'failed') notices.failed += 1;
      }
      if (how === 'succeeded') event.onSuccess?.();
    },
    check: (effects) => checkReasons(story, effects),
    givenUp() {
      for (const id of ids) noticesOf(story, id).givenUp += 1;
    },
  });
}

export function happen(story: Story, happening: Happening): void {
  const { world, up } = story;
  const { aws, kubernetes, clock } = world;
  const { scope } = world;
  const id = up[happening.pick % up.length];
  const instance = id === undefined ? undefined : world.aws.ec2.describe(scope, [id])[0];
  const isRunning =
    instance?.state === 'running' && instance.lifecycleState === 'InService' && !instance.interruption;
  switch (happening.kind) {
    case 'interruption':
      if (!isRunning) return;
      note(story, `spot interruption of ${id}: ${happening.action}`);
      aws.interruptSpot(instance.id, { action: happening.action });
      if (story.scenario.backAfter !== undefined && happening.action !== 'terminate')
        clock.after(story.scenario.backAfter * SECOND, () => startAgain(story, instance.id));
      return;
    case 'rebalance':
      if (!isRunning) return;
      note(story, `rebalance recommendation for ${id}`);
      aws.recommendRebalance(instance.id);
      if (happening.thenInterruptedAfter !== undefined)
        clock.after(happening.thenInterruptedAfter * SECOND, () =>
          happen(story, { ...happening, kind: 'interruption', action: 'terminate' }),
        );
      return;
    case 'scale-in':
      if (!isRunning) return;
      note(story, `the group terminates ${id}`);
      aws.autoScaling.terminateInstance(scope, instance.id, { decrement: false });
      return;
    case 'terminated-by-person':
      if (!isRunning) return;
      note(story, `somebody terminates ${id}`);
      aws.terminateInstance(instance.id);
      return;
    case 'health':
      announceChange(story, [...new Set([id, up[happening.also % up.length]])], happening.closedAfter);
      return;
    case 'budget-lifted':
      for (const budget of [...kubernetes.api.store.all('poddisruptionbudgets.policy')])
        kubernetes.api.delete('poddisruptionbudgets.policy', 'apps', budget.metadata.name);
      note(story, 'somebody deletes the budgets');
      return;
    case 'app-scaled': {
      const app = story.scenario.apps[happening.pick % story.scenario.apps.length];
      if (!app) return;
      kubernetes.api.modify('deployments.apps', 'apps', app.name, (draft) => {
        if (draft.spec) draft.spec.replicas = happening.replicas;
      });
      note(story, `${app.name} is scaled to ${happening.replicas}`);
      return;
    }
    case 'night-stop':
      note(story, 'night-schedule stops the workers');
      world.stopForTheNight();
      count(story, 'night-stop');
  }
}

function announceChange(
  story: Story,
  candidates: readonly (string | undefined)[],
  closedAfter: number | undefined,
): void {
  const { aws, clock, scope } = story.world;
  const ids = candidates.filter((one) => one !== undefined);
  note(story, `a change is announced for ${ids.join(', ')}`);
  for (const one of ids) story.announced.add(one);
  aws.healthEvent({ ...scope, instanceIds: ids });
  if (closedAfter === undefined) return;
  clock.after(closedAfter * SECOND, () => {
    note(story, `the change of ${ids.join(', ')} is over`);
    aws.healthEvent({ ...scope, instanceIds: ids, statusCode: 'closed' });
  });
}

function startAgain(story: Story, id: string): void {
  const { aws } = story.world;
  const [instance] = aws.ec2.describe(story.world.scope, [id]);
  if (instance?.state !== 'stopped') return;
  aws.startInstance(id);
  count(story, 'started-again');
  note(story, `${id} runs again`);
}

/** Every action has a recorded reason, unless recording it failed too. */
function checkReasons(story: Story, effects: Effects): void {
  if (effects.mustReport > 0) return;
  const names = (target: string) =>
    effects.decisions.some((made) => made.target === target || made['instanceId'] === target);
  const explained = (target: string, action: string) =>
    effects.decisions.some(
      (made) =>
        (made.target === target || made['instanceId'] === target) &&
        (made.action === action || made.action === 'fail' || made.action === 'none'),
    );
  for (const node of effects.marked) {
    story.exercised[7] += 1;
    if (!explained(node, 'cordon')) violate(story, 7, `${node} was cordoned, and no decision says why`);
  }
  for (const id of effects.completed) {
    story.exercised[7] += 1;
    if (!names(id)) violate(story, 7, `the action of ${id} was completed, and no decision says why`);
  }
}

export function isQuiet(story: Story): boolean {
  return (
    story.invocations.active() === 0 &&
    story.world.table.all(DRAIN, cordonKey('')).length === 0 &&
    story.world.claims().every((claim) => claim.state === 'done' || claim.state === 'failed')
  );
}

export function checkEnd(story: Story): void {
  checkCordoned(story);
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
  for (const { instanceId, state, leaseUntil, hooks } of story.world.claims()) {
    story.exercised[3] += 1;
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

function kindOf(event: AwsEvent): string | undefined {
  switch (event['detail-type']) {
    case 'EC2 Spot Instance Interruption Warning':
      return 'interruption';
    case 'EC2 Instance Rebalance Recommendation':
      return 'rebalance';
    case 'EC2 Instance-terminate Lifecycle Action':
      return 'lifecycle-action';
    case 'AWS Health Event':
      return 'health';
    case 'EC2 Instance State-change Notification':
      return ['stopping', 'shutting-down'].includes(String(event.detail['state'])) ? 'going' : undefined;
    default:
      return undefined;
  }
}

function instancesOf({ detail }: AwsEvent): readonly string[] {
  const one = detail['instance-id'] ?? detail['EC2InstanceId'];
  if (typeof one === 'string') return [one];
  const entities = (detail['affectedEntities'] ?? []) as readonly { readonly entityValue: string }[];
  return entities.map(({ entityValue }) => entityValue.split('instance/').at(-1) ?? '');
}

function noticesOf(story: Story, id: string): Notices {
  const firstAt = story.world.clock.now();
  const known = story.notices.get(id) ?? { firstAt, succeededAt: [], killed: 0, failed: 0, givenUp: 0 };
  story.notices.set(id, known);
  return known;
}
