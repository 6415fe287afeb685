/** What AWS takes from one cluster, told to the real spot-drain, with faults around every call, and the checks at the end. */

import type { AwsEvent } from '@nightshift/lab/world/interfaces.ts';
import type { Ports, WatchdogCheck } from '#functions/spot-drain/ports.ts';
import { run } from '#functions/spot-drain/run.ts';
import { LAMBDA } from '../invocations.ts';
import type { Outcome } from '../outcome.ts';
import {
  type Story as BaseStory,
  comes,
  count,
  createStory as createBaseStory,
  invoke as invokeIn,
  note,
  outcomeOf,
  type StoryOptions,
  violate,
} from '../story.ts';
import { createScenario, type Happening, type Scenario } from './scenario.ts';
import { createDrainWorld, type Deeds, type DrainWorld, type Process } from './world.ts';

export interface DrainOptions extends StoryOptions {
  /** Puts a mistake into the program: the checkers must find it. */
  readonly mutate?: (process: Process, world: DrainWorld) => Ports;
}

const SECOND = 1_000;
const MINUTE = 60_000;
/** Booting, joining, starting pods. */
const WARM_UP_MS = 100 * SECOND;
/** From then on nothing goes wrong any more. */
const CALM_AFTER_MS = 16 * MINUTE;
const TICK_MS = 5 * MINUTE;
/** A drain without a known end lasts an hour; then a few ticks must be enough. */
const LONGEST_MS = 100 * MINUTE;
const QUIET_TICKS = 2;
/** 150 seconds for a drain while our own stop takes the node, a minute for a late event, and for calls that take long. */
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

  await clock.runUntil(up + story.chance.between(1, 4) * MINUTE);
  let quiet = 0;
  while (clock.now() < up + LONGEST_MS && quiet < QUIET_TICKS) {
    if (clock.now() >= up + CALM_AFTER_MS && faults.active()) faults.pause();
    tick(story);
    await clock.runUntil(clock.now() + TICK_MS);
    const isCalm = clock.now() >= up + CALM_AFTER_MS + TICK_MS;
    quiet = isCalm && isQuiet(story) ? quiet + 1 : 0;
  }
  checkEnd(story);

  return outcomeOf(options.seed, story);
}

/** What is known of the events about one instance. */
interface Notices {
  /** Of the first one. */
  readonly firstAt: number;
  /** Attempts with a warning that ended well, by when. */
  wellAt: number[];
  killed: number;
  failed: number;
  givenUp: number;
}

export interface Story extends BaseStory<Scenario, DrainWorld> {
  readonly options: DrainOptions;
  readonly notices: Map<string, Notices>;
  /** Lifecycle actions of the workers by token, and whether somebody was told of them. */
  readonly actions: Map<string, { readonly instanceId: string; told: boolean; startedAt: number }>;
  /** Instances whose announced change is not over, as far as anybody told us. */
  readonly announced: Set<string>;
  /** When a tick was killed or failed. */
  readonly brokenTicks: number[];
  up: readonly string[];
}

/** A message of our own queue; Lambda brings it once more where its invocation fails. */
export function watch(story: Story, check: WatchdogCheck): void {
  count(story, 'watchdog');
  const body = JSON.stringify({ source: 'nightshift', trigger: 'watchdog', ...check });
  invoke(story, { Records: [{ messageId: 'message', eventSource: 'aws:sqs', body }] }, check.instanceIds, {});
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

/** The rules of lib/spot-drain.ts, and what becomes of events on the way. */
export function deliver(story: Story, event: AwsEvent): void {
  const kind = kindOf(event);
  if (!kind) return;
  count(story, kind);
  const { chance, world } = story;
  const token = event.detail['LifecycleActionToken'];
  if (typeof token === 'string' && event.detail['AutoScalingGroupName'] === 'workers')
    story.actions.set(token, {
      instanceId: String(event.detail['EC2InstanceId']),
      told: false,
      startedAt: world.clock.now(),
    });
  const wrong = story.faults.active() ? 1 : 0;
  const soon = chance.between(200, 1_500);
  const late = chance.is(0.08 * wrong) ? chance.between(2, 60) * SECOND : 0;
  if (chance.is(0.05 * wrong)) {
    count(story, 'lost');
    return;
  }
  if (late) count(story, 'late');
  world.clock.after(soon + late, () => receive(story, event));
  if (!chance.is(0.1 * wrong)) return;
  count(story, 'doubled');
  world.clock.after(soon + chance.between(0, 20) * SECOND, () => receive(story, event));
}

function receive(story: Story, event: AwsEvent): void {
  const ids = instancesOf(event);
  for (const id of ids) noticesOf(story, id);
  const token = event.detail['LifecycleActionToken'];
  const action = typeof token === 'string' ? story.actions.get(token) : undefined;
  const kind = kindOf(event);
  invoke(story, event, ids, {
    // Of these there is time for a cordon before the end.
    warns: kind === 'interruption' || kind === 'lifecycle-action',
    well: () => {
      if (action) action.told = true;
      if (event.detail['statusCode'] === 'closed') for (const id of ids) story.announced.delete(id);
    },
  });
}

export function tick(story: Story): void {
  if (comes(story, 'tick'))
    invoke(story, { source: 'nightshift', trigger: 'tick', schedule: 'spot-drain-tick' }, [], {});
}

function invoke(
  story: Story,
  payload: unknown,
  ids: readonly string[],
  told: { readonly well?: () => void; readonly warns?: boolean },
): void {
  const { world, options } = story;
  invokeIn<Deeds, DrainWorld>(story, {
    run: (process, { id, endsAt }) =>
      run(options.mutate?.(process, world) ?? process.ports, { id, endsAt }, payload),
    mutatePass: options.mutatePass,
    what: `an invocation for ${ids.join(', ') || 'the tick'}`,
    attempted(how) {
      if (ids.length === 0 && how !== 'well') story.brokenTicks.push(world.clock.now());
      for (const id of ids) {
        const notices = noticesOf(story, id);
        if (how === 'well' && told.warns) notices.wellAt.push(world.clock.now());
        if (how === 'killed') notices.killed += 1;
        if (how === 'failed') notices.failed += 1;
      }
      if (how === 'well') told.well?.();
    },
    judge: (deeds) => checkReasons(story, deeds),
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
  const runs =
    instance?.state === 'running' && instance.lifecycleState === 'InService' && !instance.interruption;
  switch (happening.kind) {
    case 'interruption':
      if (!runs) return;
      note(story, `AWS takes ${id} back: ${happening.action}`);
      aws.interruptSpot(instance.id, { action: happening.action });
      if (story.scenario.backAfter !== undefined && happening.action !== 'terminate')
        clock.after(story.scenario.backAfter * SECOND, () => comeBack(story, instance.id));
      return;
    case 'rebalance':
      if (!runs) return;
      note(story, `${id} is at risk`);
      aws.recommendRebalance(instance.id);
      if (happening.thenInterruptedAfter !== undefined)
        clock.after(happening.thenInterruptedAfter * SECOND, () =>
          happen(story, { ...happening, kind: 'interruption', action: 'terminate' }),
        );
      return;
    case 'scale-in':
      if (!runs) return;
      note(story, `the group ends ${id}`);
      aws.autoScaling.terminateInstance(scope, instance.id, { decrement: false });
      return;
    case 'terminated-by-person':
      if (!runs) return;
      note(story, `somebody terminates ${id}`);
      aws.terminateInstance(instance.id);
      return;
    case 'health': {
      const ids = [...new Set([id, up[happening.also % up.length]])].filter((one) => one !== undefined);
      note(story, `a change is announced for ${ids.join(', ')}`);
      for (const one of ids) story.announced.add(one);
      aws.healthEvent({ ...scope, instanceIds: ids });
      if (happening.closedAfter !== undefined)
        clock.after(happening.closedAfter * SECOND, () => {
          note(story, `the change of ${ids.join(', ')} is over`);
          aws.healthEvent({ ...scope, instanceIds: ids, statusCode: 'closed' });
        });
      return;
    }
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
      note(story, 'our own stop takes the workers');
      world.stopForTheNight();
      count(story, 'night-stop');
  }
}

function comeBack(story: Story, id: string): void {
  const { aws } = story.world;
  const [instance] = aws.ec2.describe(story.world.scope, [id]);
  if (instance?.state !== 'stopped') return;
  aws.startInstance(id);
  count(story, 'come-back');
  note(story, `${id} runs again`);
}

/** What was done was said why, unless saying it failed too. */
function checkReasons(story: Story, deeds: Deeds): void {
  if (deeds.loud > 0) return;
  const names = (target: string) =>
    deeds.decisions.some((made) => made.target === target || made['instanceId'] === target);
  const explained = (target: string, action: string) =>
    deeds.decisions.some(
      (made) =>
        (made.target === target || made['instanceId'] === target) &&
        (made.action === action || made.action === 'fail' || made.action === 'none'),
    );
  for (const node of deeds.marked) {
    story.exercised[7] += 1;
    if (!explained(node, 'cordon')) violate(story, 7, `${node} was cordoned, and no decision says why`);
  }
  for (const id of deeds.completed) {
    story.exercised[7] += 1;
    if (!names(id)) violate(story, 7, `the action of ${id} was completed, and no decision says why`);
  }
}

export function isQuiet(story: Story): boolean {
  return (
    story.invocations.active() === 0 &&
    story.world.table.all('drain', 'cordon#').length === 0 &&
    story.world.claims().every((claim) => claim.state === 'done' || claim.state === 'failed')
  );
}

export function checkEnd(story: Story): void {
  const { world } = story;
  const { exercised } = story;
  const now = world.clock.now();

  for (const [id, one] of world.seen) {
    const notices = story.notices.get(id);
    if (one.goneAt === undefined || one.cordoned === undefined || !notices) continue;
    const goneAt = one.goneAt;
    // A warning from before the instance stopped and came back does not warn of this end.
    const inTime = notices.wellAt.some((at) => at >= one.runsSince && at < goneAt - SECOND);
    if (!inTime || notices.killed > 0 || notices.failed > 0) continue;
    exercised[3] += 1;
    if (!one.cordoned) violate(story, 3, `${one.node} was dealt with in time and went without a cordon`);
  }

  for (const node of world.nodes()) {
    const { name } = node.metadata;
    const instance = world.instanceAt(name);
    if (instance?.state !== 'running' || instance.lifecycleState !== 'InService') continue;
    if (!story.notices.has(instance.id)) continue;
    exercised[3] += 1;
    if (world.isOurs(name) && !story.announced.has(instance.id))
      violate(story, 3, `${name} lives on and bears our marks`);
  }

  for (const claim of world.claims()) {
    exercised[3] += 1;
    const busy = Date.parse(claim.leaseUntil) > now;
    if (busy || claim.state === 'working' || claim.state === 'paused')
      violate(
        story,
        3,
        `the claim of ${claim.instanceId} is ${claim.state} at the end, until ${claim.leaseUntil}`,
      );
    for (const hook of claim.hooks)
      if (!hook.completed) violate(story, 6, `the hook ${hook.name} of ${claim.instanceId} was left open`);
  }

  const workers = world.aws.autoScaling.group(world.scope, 'workers');
  const wanted = world.nightSince() === undefined ? story.scenario.workers : 0;
  exercised[3] += 1;
  if (workers.desired !== wanted)
    violate(story, 3, `the group of the workers is to have ${workers.desired} instances, not ${wanted}`);

  const heartbeat = (story.scenario.hook?.heartbeatSeconds ?? 0) * SECOND;
  for (const [token, action] of story.actions) {
    if (!action.told) continue;
    exercised[6] += 1;
    const notices = story.notices.get(action.instanceId);
    // With a short heartbeat an action ends by itself before a killed function is missed, also one that went on with it.
    const isMissed =
      !notices ||
      notices.killed + notices.failed > 0 ||
      story.brokenTicks.some((at) => at >= action.startedAt);
    const certain = heartbeat >= 60 * MINUTE || !isMissed;
    const completedAt = world.completions.get(token);
    if (certain && completedAt === undefined)
      violate(story, 6, `the action ${token} of ${action.instanceId} was told of and never completed`);
    // What came before the stop goes on as it began.
    const nightSince = world.nightSince();
    if (nightSince === undefined || action.startedAt < nightSince || completedAt === undefined) continue;
    if (!notices || notices.killed + notices.failed > 0 || notices.firstAt < nightSince) continue;
    exercised[3] += 1;
    if (completedAt - action.startedAt > NIGHT_MS)
      violate(
        story,
        3,
        `the stop waited for ${action.instanceId} until ${new Date(completedAt).toISOString()}`,
      );
  }
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
  const known = story.notices.get(id) ?? { firstAt, wellAt: [], killed: 0, failed: 0, givenUp: 0 };
  story.notices.set(id, known);
  return known;
}
