/** The real spot-drain in one cluster from which AWS takes instances, with faults around every call, and the checks at the end. */

import '../preload.ts';
import type { AwsEvent } from '@nightshift/lab/world/interfaces.ts';
import { cordonKey, DRAIN } from '#functions/adapters/dynamodb/table-keys.ts';
import type { WatchdogCheck } from '#functions/spot-drain/ports.ts';
import { run } from '#functions/spot-drain/run.ts';
import { LAMBDA } from '../invocations.ts';
import type { Outcome } from '../outcome.ts';
import {
  arrives,
  count,
  createStory as createBaseStory,
  invoke as invokeIn,
  note,
  outcomeOf,
  violate,
} from '../story.ts';
import { checkChangeDrained, checkEnd, isChangeDue, isFarOff, LONGEST_MS } from './end-checks.ts';
import { createScenario, type Happening } from './scenario.ts';
import type { DrainOptions, Notices, Story } from './story.ts';
import { createDrainWorld, type DrainWorld, type Effects } from './world.ts';

export type { DrainOptions, Story } from './story.ts';

const SECOND = 1_000;
const MINUTE = 60_000;
/** Booting, joining, starting pods. */
const WARM_UP_MS = 100 * SECOND;
/** From then on no fault is injected. */
const FAULTS_END_MS = 16 * MINUTE;
const TICK_MS = 5 * MINUTE;
/** As the delay of the execution that EventBridge starts. */
const WATCHDOG_MS = 20 * SECOND;
const WEEK_S = 7 * 86_400;
const QUIET_TICKS = 2;

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
    quiet = isSettling && isQuiet(story) && !isChangeDue(story, up + LONGEST_MS) ? quiet + 1 : 0;
  }
  checkEnd(story);

  return outcomeOf(options.seed, story);
}

/** A call of our own state machine. */
export function watch(story: Story, check: Partial<WatchdogCheck>): void {
  count(story, 'watchdog');
  const event = { source: 'nightshift', trigger: 'watchdog', id: 'execution', check };
  invoke(story, event, check.instanceIds ?? instancesOf(check.event as AwsEvent), {});
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
    announced: new Map(),
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
  // EventBridge starts the watchdog beside the function, and delivers to each target by itself.
  if (
    kind === 'interruption' ||
    (kind === 'lifecycle-action' && event.detail['LifecycleHookName'] === 'drain')
  )
    world.clock.after(soon + WATCHDOG_MS, () => watch(story, { event }));
  if (late) count(story, 'late');
  world.clock.after(soon + late, () => receive(story, event));
  if (!random.chance(0.1 * faultFactor)) return;
  count(story, 'doubled');
  world.clock.after(soon + random.between(0, 20) * SECOND, () => receive(story, event));
}

function receive(story: Story, event: AwsEvent): void {
  const ids = instancesOf(event);
  for (const id of ids) noticesOf(story, id);
  if (kindOf(event) === 'health') noteAnnouncement(story, event, ids);
  const token = event.detail['LifecycleActionToken'];
  const action = typeof token === 'string' ? story.actions.get(token) : undefined;
  const kind = kindOf(event);
  invoke(story, event, ids, {
    // After these there is time for a cordon before the instance ends.
    isWarning: kind === 'interruption' || kind === 'lifecycle-action',
    onSuccess: () => {
      if (action) action.delivered = true;
      if (kind === 'health') noteChange(story, event, ids);
    },
  });
}

/** From the first attempt on an invocation may act on it: also on a change that is announced again after its end. */
function noteAnnouncement(
  { announced, world }: Story,
  { detail, time }: AwsEvent,
  ids: readonly string[],
): void {
  if (detail['statusCode'] === 'closed') return;
  const at = Date.parse(time);
  for (const id of ids) {
    const { at: knownAt, startsAt } = world.known.get(id) ?? { at: 0 };
    const isOver = startsAt === undefined && at < knownAt;
    if (!isOver) announced.set(id, Math.max(at, announced.get(id) ?? 0));
  }
}

/** What an invocation has learnt of a change: the newest event has its date. */
function noteChange(story: Story, { detail, time }: AwsEvent, ids: readonly string[]): void {
  const { known } = story.world;
  const isOver = detail['statusCode'] === 'closed';
  for (const id of ids) {
    // It was announced again since.
    if (Date.parse(time) < (known.get(id)?.at ?? 0)) continue;
    if (isOver && Date.parse(time) >= (story.announced.get(id) ?? 0)) story.announced.delete(id);
    const startsAt = isOver ? undefined : Date.parse(String(detail['startTime']));
    known.set(id, { at: Date.parse(time), startsAt });
  }
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
      announceChange(story, [...new Set([id, up[happening.also % up.length]])], happening);
      return;
    case 'webhook':
      note(story, `a webhook denies evictions with ${happening.status} for ${happening.forSeconds} s`);
      count(story, 'webhook');
      world.webhook.status = happening.status;
      world.webhook.until = clock.now() + happening.forSeconds * SECOND;
      clock.after(happening.forSeconds * SECOND, () => {
        world.webhook.status = undefined;
      });
      return;
    case 'dead-kubelet':
      if (!isRunning || world.deadSince.has(instance.view.privateDnsName)) return;
      note(story, `the kubelet of ${id} dies`);
      count(story, 'dead-kubelet');
      world.deadSince.set(instance.view.privateDnsName, clock.now());
      kubernetes.killKubelet(instance.view.privateDnsName);
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
  { closedAfter, startsAfter = WEEK_S, movedBy }: Happening & { readonly kind: 'health' },
): void {
  const { aws, changes, clock, known, scope } = story.world;
  const ids = candidates.filter((one) => one !== undefined);
  const startAt = clock.now() + startsAfter * SECOND;
  note(story, `a change is announced for ${ids.join(', ')}, in ${startsAfter} s`);
  for (const one of ids) {
    story.announced.set(one, clock.now());
    changes.set(one, Math.min(startAt, changes.get(one) ?? startAt));
  }
  aws.healthEvent({ ...scope, instanceIds: ids, startAt });
  checkBefore(story, ids, startAt);
  if (movedBy !== undefined)
    clock.after(movedBy * SECOND, () => {
      if (!ids.every((one) => story.announced.has(one))) return;
      count(story, 'change-moved');
      aws.healthEvent({ ...scope, instanceIds: ids, startAt: startAt + movedBy * SECOND });
      checkBefore(story, ids, startAt + movedBy * SECOND);
    });
  if (closedAfter === undefined) return;
  clock.after(closedAfter * SECOND, () => {
    note(story, `the change of ${ids.join(', ')} is over`);
    // From now on an attempt that is killed may know of it too.
    for (const one of ids) known.set(one, { at: clock.now(), startsAt: undefined });
    aws.healthEvent({ ...scope, instanceIds: ids, statusCode: 'closed' });
  });
}

/** Within this time of the beginning of its drain several ticks must have come. */
const BEFORE_CHANGE_MS = 5 * MINUTE;

function checkBefore(story: Story, ids: readonly string[], startAt: number): void {
  story.world.clock.at(startAt - BEFORE_CHANGE_MS, () => {
    for (const id of ids) checkChangeDrained(story, id, startAt);
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
    story.world
      .claims()
      .every((claim) => claim.state === 'done' || claim.state === 'failed' || isFarOff(story, claim))
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
