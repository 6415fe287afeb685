import { describe, expect, test } from 'vitest';
import { run } from '#functions/spot-drain/run.ts';
import { decideWatch } from '#functions/spot-drain/watch.ts';
import { aClaim, aHook, at, NOW, past } from './a-claim.ts';
import { START } from './a-clock.ts';
import { aPod, INSTANCE, NODE } from './a-cluster.ts';
import { killable } from './a-kill.ts';
import { aLifecycleAction, anInterruption, asWatchdogEvent, aWorld, TICK, type World } from './a-world.ts';

const PODS = ['a', 'b', 'c'];

describe('a worker that dies', () => {
  test('behind its claim is replaced within 25 s by the watchdog, and no pod stays unasked', async () => {
    const world = aWorld(PODS.map((name) => aPod({ name })));
    await killedAt(world, anInterruption(), 'mark');
    const killedAtMs = elapsed(world);
    await world.relay(110_000);
    expect(world.cluster.podNames()).toEqual([]);
    expect(lastFirstAsk(world) - killedAtMs).toBeLessThan(25_000);
    expect(world.watchdogs).toEqual([]);
  });

  test('is replaced at once by the retry of its own request, which has the same id', async () => {
    const world = aWorld(PODS.map((name) => aPod({ name })));
    await killedAt(world, anInterruption(), 'evict', { id: 'request-1' });
    await world.run(anInterruption(), { id: 'request-1' });
    expect(world.cluster.podNames()).toEqual([]);
    expect(elapsed(world)).toBeLessThan(10_000);
  });

  test('is replaced by whichever event or tick comes next, once its lease is over', async () => {
    for (const next of [anInterruption('terminate', { id: 'event-2' }), TICK]) {
      const world = aWorld(PODS.map((name) => aPod({ name })));
      await killedAt(world, anInterruption(), 'mark');
      world.watchdogs.length = 0;
      await world.relay(17_000);
      await world.run(next);
      expect(world.cluster.podNames()).toEqual([]);
    }
  });

  test('again and again is replaced again and again', async () => {
    const world = aWorld(PODS.map((name) => aPod({ name })));
    await killedAt(world, anInterruption(), 'mark');
    for (let deaths = 0; deaths < 2; deaths++) {
      const next = world.watchdogs.shift();
      if (!next) throw new Error('no watchdog is under way');
      await world.clock.run(world.clock.sleep(Math.max(0, next.at - world.clock.now().getTime())));
      await killedAt(world, asWatchdogEvent(next.check), 'mark');
    }
    await world.relay(110_000);
    expect(world.cluster.podNames()).toEqual([]);
  });

  test('before it has a claim is replaced too, because the watchdog carries the event', async () => {
    const world = aWorld(PODS.map((name) => aPod({ name })));
    await killedAt(world, anInterruption(), 'saveIf');
    expect(world.claims.saved.size).toBe(0);
    await world.relay(110_000);
    expect(world.cluster.podNames()).toEqual([]);
    expect(lastFirstAsk(world)).toBeLessThan(25_000);
  });

  test.each([
    ['an interruption', anInterruption()],
    ['a lifecycle action', aLifecycleAction()],
  ])(
    'before its first request is replaced too, because EventBridge watches over %s',
    async (_what, event) => {
      const world = aWorld(PODS.map((name) => aPod({ name })));
      world.deliver(event);
      await killedAt(world, event, 0);
      await world.relay(110_000);
      expect(world.cluster.podNames()).toEqual([]);
      expect(lastFirstAsk(world)).toBeLessThan(25_000);
    },
  );

  test('past the end of the instance is a failure that names the pods nobody asked', async () => {
    const world = aWorld(PODS.map((name) => aPod({ name })));
    await killedAt(world, anInterruption(), 'mark');
    world.watchdogs.length = 0;
    await world.relay(200_000);
    await world.run(TICK);
    expect(world.decisions.find(({ action }) => action === 'fail')).toMatchObject({
      target: NODE,
      reason: expect.stringContaining('default/a, default/b, default/c'),
    });
  });

  test('with a lifecycle action is replaced, and the action is completed when the node is empty', async () => {
    const world = aWorld(PODS.map((name) => aPod({ name })));
    await killedAt(world, aLifecycleAction(), 'mark');
    await world.relay(110_000);
    expect(world.completed).toMatchObject([{ how: 'completed', podsLeft: [] }]);
  });

  test('at any of its calls leaves no pod unasked 25 s later', async () => {
    const late: string[] = [];
    let kills = 0;
    const worlds = [10, 150, 700].flatMap((latencyMs) =>
      [false, true].map((takesEffect) => ({ latencyMs, takesEffect })),
    );
    for (const { latencyMs, takesEffect } of worlds)
      for (let index = 0; index < 100; index++) {
        const world = aWorld(PODS.map((name) => aPod({ name })));
        world.cluster.latencyMs = latencyMs;
        world.deliver(anInterruption());
        if (!(await killedAt(world, anInterruption(), index, { takesEffect }))) break;
        kills++;
        const killedAtMs = elapsed(world);
        await world.relay(45_000);
        if (world.cluster.podNames().length > 0 || lastFirstAsk(world) - killedAtMs > 25_000)
          late.push(`call ${index}${takesEffect ? ', with effect' : ''}: ${lastFirstAsk(world)}`);
      }
    expect(late).toEqual([]);
    expect(kills).toBeGreaterThanOrEqual(100);
  });
});

describe('a worker that lives', () => {
  test('is left alone by the watchdog that EventBridge started', async () => {
    const world = aWorld([aPod({ graceSeconds: 100 })]);
    world.cluster.endsAfterMs = () => 60_000;
    world.deliver(anInterruption());
    await world.clock.run(Promise.all([world.invoke(anInterruption()), relayBeside(world, 90_000)]));
    expect(world.said().filter((one) => one.startsWith('cordon'))).toHaveLength(1);
    expect(world.cluster.calls).toHaveLength(1);
    expect(world.watchdogs).toEqual([]);
  });

  test('keeps its claim by renewing a short lease, and its watchdog comes until it is done', async () => {
    const world = aWorld([aPod({ graceSeconds: 100 })]);
    world.cluster.endsAfterMs = () => 60_000;
    const leases: number[] = [];
    const { saveIf } = world.claims;
    world.claims.saveIf = (claim, version, now) => {
      if (claim.state === 'working') leases.push(Date.parse(claim.leaseUntil) - world.clock.now().getTime());
      return saveIf(claim, version, now);
    };
    const working = world.invoke(anInterruption());
    const relayed = relayBeside(world, 90_000);
    await world.clock.run(Promise.all([working, relayed]));
    expect(Math.max(...leases)).toBeLessThanOrEqual(20_000);
    expect(leases.length).toBeGreaterThan(10);
    expect(world.said().filter((one) => one.startsWith('cordon'))).toHaveLength(1);
    expect(world.watchdogs).toEqual([]);
  });

  test('drains on where its watchdog cannot be sent, and that is reported', async () => {
    const world = aWorld([aPod()]);
    world.watchdogError = new Error('sqs answered 500');
    await expect(world.run(anInterruption())).rejects.toThrow('sqs answered 500');
    expect(world.cluster.podNames()).toEqual([]);
    expect(world.cluster.calls[0]?.at).toBeLessThan(2_000);
  });

  test('sends nothing for an instance of somebody else whose notice does not hurry, and nothing in a dry run', async () => {
    const foreign = aWorld();
    foreign.group = undefined;
    foreign.cluster.nodes = [];
    await foreign.run(anInterruption());
    await foreign.relay(60_000);
    expect(foreign.watchdogs).toEqual([]);
    const dry = aWorld([aPod()], { dryRun: true });
    await dry.run(anInterruption());
    expect(dry.watchdogs).toEqual([]);
  });
});

test('an interruption of an instance of somebody else is recorded once, however often it is handled', async () => {
  const world = aWorld();
  world.group = undefined;
  world.cluster.nodes = [];
  world.deliver(anInterruption());
  await world.run(anInterruption());
  expect(world.watchdogs).toHaveLength(2);
  await world.relay(60_000);
  expect(world.watchdogs).toEqual([]);
  expect(world.decisions).toMatchObject([{ action: 'none', reason: expect.stringContaining('no node of') }]);
});

describe('a lifecycle action of others', () => {
  test.each([
    ['of EKS', 'Terminate-LC-Hook', {}],
    ['of a hook that the config does not name', 'theirs', { hooks: ['nightshift-*'] }],
  ])('%s is not watched', async (_what, LifecycleHookName, settings) => {
    const world = aWorld([aPod()], settings);
    await world.run(aLifecycleAction({ LifecycleHookName }));
    expect(world.watchdogs).toEqual([]);
    expect(world.completed).toEqual([]);
  });
});

describe('what a watchdog does with a claim', () => {
  const ours = { owner: 'me' };
  test.each([
    ['that is not there: the event is handled', undefined, 'respond'],
    ['that its worker renews: later', aClaim(ours), 'later'],
    ['that another invocation has taken: nothing', aClaim({ owner: 'other' }), 'none'],
    ['whose lease is over: it goes on', aClaim({ ...ours, leaseUntil: past() }), 'resume'],
    ['of another whose lease is over: it goes on', aClaim({ leaseUntil: past() }), 'resume'],
    ['that is done: nothing', aClaim({ ...ours, state: 'done', leaseUntil: past() }), 'none'],
    [
      'that is done and has an open lifecycle action: it completes it',
      aClaim({ ...ours, state: 'done', leaseUntil: past(), hooks: [aHook()] }),
      'resume',
    ],
    [
      'that is paused with a long heartbeat: nothing, the tick resumes it',
      aClaim({ ...ours, state: 'paused', leaseUntil: past(), hooks: [aHook({ heartbeatSeconds: 3_600 })] }),
      'none',
    ],
    [
      'that is paused with a short heartbeat: it goes on',
      aClaim({ ...ours, state: 'paused', leaseUntil: past(), hooks: [aHook({ heartbeatSeconds: 60 })] }),
      'resume',
    ],
    ['that failed: it tries again', aClaim({ ...ours, state: 'failed', leaseUntil: past() }), 'resume'],
    [
      'that failed three times: nothing',
      aClaim({ ...ours, state: 'failed', leaseUntil: past(), attempts: 3 }),
      'none',
    ],
  ])('%s', (_what, claim, kind) => {
    expect(decideWatch(claim, 'me', NOW, NOW).kind).toBe(kind);
  });

  test('comes back a second after the lease would be over', () => {
    const leaseUntil = new Date(NOW.getTime() + 9_500).toISOString();
    expect(decideWatch(aClaim({ ...ours, leaseUntil }), 'me', NOW, NOW)).toEqual({
      kind: 'later',
      delaySeconds: 11,
    });
  });
});

describe('a lifecycle action whose attempts all died before their claim', () => {
  test('is found by the tick, and completed by the instance once the node is empty', async () => {
    const world = aWorld([aPod()]);
    world.waiting.set(INSTANCE, 'workers');
    await world.run(TICK);
    expect(world.completed).toMatchObject([{ how: 'completed', token: '', podsLeft: [] }]);
    await world.run(TICK);
    expect(world.completed).toHaveLength(1);
  });

  test('is the same as the one that a late event names', async () => {
    const world = aWorld([aPod()]);
    world.waiting.set(INSTANCE, 'workers');
    await world.run(TICK);
    await world.run(aLifecycleAction({}, { time: at(1) }));
    expect(world.completed).toHaveLength(1);
  });

  test.each([
    ['of a group of another cluster', { name: 'workers', clusters: ['other'], capacityRebalance: false }],
    ['of a group without a cluster', { name: 'workers', clusters: [], capacityRebalance: false }],
    [
      'of a managed nodegroup',
      { name: 'workers', clusters: ['develop'], nodegroup: 'managed', capacityRebalance: false },
    ],
  ])('%s is left alone', async (_what, group) => {
    const world = aWorld([aPod()]);
    world.group = group;
    world.waiting.set(INSTANCE, 'workers');
    await world.run(TICK);
    expect(world.completed).toEqual([]);
  });

  test('of a hook that the config does not name is left alone', async () => {
    const world = aWorld([aPod()], { hooks: ['nightshift-*'] });
    world.waiting.set(INSTANCE, 'workers');
    world.terminateHooks = ['drain', 'nightshift-drain'];
    await world.run(TICK);
    expect(world.completed).toHaveLength(1);
  });
});

/** At that call, by its name or number. True where it came to that. */
async function killedAt(
  world: World,
  event: unknown,
  call: string | number,
  { takesEffect = false, id = 'killed' } = {},
): Promise<boolean> {
  const kill = killable(world.ports, (name, index) => name === call || index === call, takesEffect);
  const endsAt = new Date(world.clock.now().getTime() + 180_000);
  const ended = run(kill.ports, { id, endsAt }, event).then(() => false);
  return world.clock.run(Promise.race([ended, kill.killed.then(() => true)]));
}

/** Messages arrive while an invocation is at work. */
async function relayBeside(world: World, untilMs: number): Promise<void> {
  while (elapsed(world) < untilMs) {
    await world.clock.sleep(500);
    const due = world.watchdogs.filter((one) => one.at <= world.clock.now().getTime());
    for (const one of due) {
      world.watchdogs.splice(world.watchdogs.indexOf(one), 1);
      await world.invoke(asWatchdogEvent(one.check));
    }
  }
}

/** When the last of the pods was asked to go for the first time: milliseconds since the start. */
function lastFirstAsk(world: World): number {
  const first = new Map<string, number>();
  for (const { pod, at: when, verb } of world.cluster.calls)
    if (verb === 'evict' && !first.has(pod)) first.set(pod, when);
  return PODS.every((pod) => first.has(pod)) ? Math.max(...first.values()) : Number.POSITIVE_INFINITY;
}

function elapsed(world: World): number {
  return world.clock.now().getTime() - START.getTime();
}
