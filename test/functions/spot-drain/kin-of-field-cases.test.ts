/** Other inputs of the kinds that the field cases name: none of them stands in a report, and all of them can come. */
import { describe, expect, test } from 'vitest';
import { CorruptRecordError } from '#functions/shared/errors.ts';
import { interpretReply } from '#functions/spot-drain/pod-reply.ts';
import { ClusterUnavailableError, type Pod, TransientError } from '#functions/spot-drain/ports.ts';
import { START } from './a-clock.ts';
import { aNode, aPod, INSTANCE, ofDaemonSet } from './a-cluster.ts';
import { at, drained, NOTICE_MS, outcomes } from './a-drain.ts';
import {
  aHealthEvent,
  aLifecycleAction,
  anInterruption,
  aRebalance,
  aStateChange,
  aWorld,
  TICK,
  type World,
} from './a-world.ts';

const MINUTE = 60_000;
const spot = { deadline: at(NOTICE_MS), until: at(NOTICE_MS), force: true };
const timeAt = (ms: number) => new Date(START.getTime() + ms).toISOString();
const elapsed = (world: World) => world.clock.now().getTime() - START.getTime();
const until = (world: World, ms: number) => () =>
  elapsed(world) < ms ? new ClusterUnavailableError('for a while') : undefined;

describe('S1: a Health event', () => {
  const arn = (account: string, region: string, id = INSTANCE) => ({
    entityValue: `arn:aws:ec2:${region}:${account}:instance/${id}`,
    status: 'PENDING',
  });

  test.each([
    ['of another account', { affectedEntities: [arn('222222222222', 'ap-northeast-1')] }],
    ['of another region', { affectedEntities: [arn('111111111111', 'us-west-2')] }],
    ['of a member of the organization', { affectedAccount: '222222222222' }],
    ['about a volume', { affectedEntities: [{ entityValue: 'vol-0123456789abcdef0' }] }],
  ])('%s changes nothing here', async (_what, detail) => {
    const world = aWorld([aPod()]);
    await world.run(aHealthEvent(detail));
    expect(world.cluster.marked).toEqual([]);
    expect(world.decisions).toMatchObject([{ action: 'ignore' }]);
  });

  test('over several accounts counts for the instance that is ours', async () => {
    const world = aWorld([aPod()]);
    const affectedEntities = [
      arn('222222222222', 'ap-northeast-1', 'i-0000000000000000a'),
      arn('111111111111', 'ap-northeast-1'),
    ];
    await world.run(aHealthEvent({ affectedEntities }));
    expect(world.cluster.podNames()).toEqual([]);
    expect(world.decisions.some(({ target }) => target.includes('i-0000000000000000a'))).toBe(false);
  });

  test('that is open and whose change is over for the one instance drains only the other', async () => {
    const world = aWorld([aPod()]);
    const affectedEntities = [
      { entityValue: INSTANCE, status: 'RESOLVED' },
      { entityValue: 'i-0000000000000000a', status: 'PENDING' },
    ];
    world.cluster.nodes = [aNode(), aNode({ name: 'other', instanceId: 'i-0000000000000000a' })];
    await world.run(aHealthEvent({ affectedEntities }));
    expect(world.said()).toContain('drain other');
    expect(world.said()).not.toContain(`drain ${aNode().name}`);
  });

  test('that began yesterday and is still open is acted on at once', async () => {
    const world = aWorld([aPod()], { onScheduledChange: 'wait' });
    await world.run(aHealthEvent({ startTime: 'Wed, 26 Aug 2026 03:00:00 GMT' }));
    expect(world.cluster.podNames()).toEqual([]);
  });

  test.each([
    ['after its node was freed', 0],
    ['while its node is still being drained', 1],
  ])('that is closed and opened again %s has its node drained', async (_what, budgets) => {
    const world = aWorld([aPod()]);
    world.cluster.budgets = budgets > 0 ? [{ name: 'web', pods: ['web'], allowed: 0, recoveryMs: 0 }] : [];
    const opened = world.invoke(aHealthEvent());
    const rest = async () => {
      await world.clock.sleep(20_000);
      await world.invoke(aHealthEvent({ statusCode: 'closed' }, { id: 'closed', time: timeAt(20_000) }));
      await world.clock.sleep(20_000);
      await world.invoke(aHealthEvent({}, { id: 'again', time: timeAt(40_000) }));
    };
    await world.clock.run(Promise.all([opened, rest()]));
    world.cluster.budgets = [];
    for (const tick of [5, 10, 15]) {
      await world.relay(tick * MINUTE);
      await world.run(TICK);
    }
    expect(world.cluster.podNames()).toEqual([]);
    expect(world.cluster.nodes[0]?.unschedulable).toBe(true);
  });
});

describe('S2: an admission that denies', () => {
  test.each([
    [404, 'NotFound', 'admission webhook "guard.example.com" denied the request: owner not found'],
    [409, 'Conflict', 'admission webhook "guard.example.com" denied the request: busy'],
    [422, 'Invalid', 'admission webhook "guard.example.com" denied the request: no ticket'],
    [429, 'TooManyRequests', 'admission webhook "guard.example.com" denied the request: slow down'],
    [403, 'Forbidden', 'admission webhook "g.example.com" denied the request: forbidden: User "a" cannot b'],
  ])('with %i is asked again and forced near the end', async (status, reason, detail) => {
    expect(interpretReply({ status, reason, causes: [], detail }).kind).toBe('denied');
    const { report, cluster } = await drained([aPod()], spot, (it) => {
      it.script.set('web', Array(40).fill({ status, reason, detail }));
      const { remove } = it;
      it.remove = (pod, grace) => {
        it.script.delete('web');
        return remove(pod, grace);
      };
    });
    expect(outcomes(report)).toEqual({ web: 'forced' });
    expect(cluster.calls.filter(({ verb }) => verb === 'evict').length).toBeGreaterThan(5);
  });

  test('the cordon for a minute does not end the drain', async () => {
    const world = aWorld([aPod()]);
    world.cluster.broken.mark = until(world, MINUTE);
    await world.run(anInterruption());
    expect(world.cluster.podNames()).toEqual([]);
  });
});

describe('S3: pods that come back', () => {
  const agent = (name: string, owner: string): Pod =>
    aPod({
      name,
      uid: name,
      controller: { kind: 'CloneSet', group: 'apps.kruise.io', name: owner, uid: owner },
    });

  test('of two owners at once are moved twice each, and the rest are named with their controllers', async () => {
    let made = 0;
    const pods = [agent('one-0', 'one'), agent('two-0', 'two')];
    const { report, cluster } = await drained(pods, spot, (it, clock) => {
      it.endsAfterMs = () => 200;
      const { evict } = it;
      it.evict = async (pod, grace) => {
        const owner = pod.controller?.uid ?? '';
        clock.after(300, () => it.add(agent(`${owner}-${++made}`, owner)));
        return evict(pod, grace);
      };
    });
    expect(cluster.calls.filter(({ verb }) => verb === 'evict')).toHaveLength(6);
    const left = report.pods.filter(({ outcome }) => outcome === 'left');
    expect(left.map(({ reason }) => reason)).toEqual([
      expect.stringContaining('the CloneSet one binds it there'),
      expect.stringContaining('the CloneSet two binds it there'),
    ]);
  });

  test('after a worker has died are counted on, and not from the beginning', async () => {
    const returned = { two: ['two-1', 'two-2'] };
    const pod = { ...agent('two-3', 'two'), boundAt: at(10_000) };
    const { report } = await drained([pod], { ...spot, cordonedAt: at(1_000), returned });
    expect(outcomes(report)).toEqual({ 'two-3': 'left' });
  });
});

describe('S4: a node that is dead', () => {
  test.each([
    ['whose object is deleted', (world: World) => void world.cluster.nodes.splice(0)],
    ['whose kubelet says nothing', () => undefined],
  ])('%s is left after the grace and a minute', async (_what, prepare) => {
    const world = aWorld([aPod({ terminating: true, endsAt: at(30_000) })]);
    world.hookTimes = { heartbeatSeconds: 3_600, globalSeconds: 172_800 };
    const running = world.invoke(aLifecycleAction());
    await world.clock.run(Promise.all([running, world.clock.sleep(3_000).then(() => prepare(world))]));
    expect(world.completed).toHaveLength(1);
    expect(elapsed(world)).toBeLessThan(110_000);
  });

  test('and Ready again a moment later is waited for', async () => {
    const pod = aPod({ terminating: true, graceSeconds: 5, endsAt: at(5_000) });
    const { report } = await drained([pod], { until: at(170_000) }, (it, clock) => {
      clock.after(60_000, () => {
        it.nodes = [aNode({ readySince: at(60_000) })];
      });
      clock.after(120_000, () => it.vanish('web'));
    });
    expect(outcomes(report)).toEqual({ web: 'already-terminating' });
  });
});

describe('S5: attached volumes', () => {
  test('of a list that fails for a while are waited for', async () => {
    const world = aWorld([aPod({ volumeClaims: 1 })]);
    world.cluster.volumes = () => (elapsed(world) < 40_000 ? ['pv-1'] : []);
    world.cluster.broken.volumesOn = until(world, 20_000);
    await world.run(aLifecycleAction());
    expect(world.completed).toHaveLength(1);
    expect(elapsed(world)).toBeGreaterThan(40_000);
  });

  test('of a DaemonSet that stays hold nothing', async () => {
    const world = aWorld([ofDaemonSet('agent', { volumeClaims: 2 })]);
    world.cluster.volumes = () => ['pv-1', 'pv-2'];
    await world.run(aLifecycleAction());
    expect(world.completed).toHaveLength(1);
    expect(elapsed(world)).toBeLessThan(5_000);
  });
});

describe('S6 and S13: a worker that dies', () => {
  test('behind a claim that was taken over before is missed again', async () => {
    const world = aWorld([aPod()]);
    await world.clock.run(world.claims.saveIf(aClaimOf('dead', 5_000), 'absent', START));
    world.watchdogs.push({ check: { owner: 'dead', instanceIds: [INSTANCE] }, at: START.getTime() + 6_000 });
    await world.relay(30_000);
    expect(world.cluster.podNames()).toEqual([]);
  });

  test.each([
    ['interruption', anInterruption('terminate', { id: 'event-2', time: timeAt(60_000) })],
    ['lifecycle action', aLifecycleAction({}, { id: 'event-2', time: timeAt(60_000) })],
  ])('before its claim is missed where a recommendation was handled before: %s', async (_what, event) => {
    const world = aWorld([aPod()]);
    await world.run(aRebalance());
    await world.relay(60_000);
    world.deliver(event);
    await world.relay(90_000);
    expect(world.cluster.podNames()).toEqual([]);
  });

  test.each([2_000, 14_000])('is followed by a retry of the same request after %i ms at once', async (ms) => {
    const world = aWorld([aPod()]);
    await world.clock.run(world.claims.saveIf(aClaimOf('same', 16_000), 'absent', START));
    await world.relay(ms);
    await world.run(anInterruption(), { id: 'same' });
    expect(elapsed(world)).toBeLessThan(ms + 8_000);
    expect(world.cluster.podNames()).toEqual([]);
  });

  function aClaimOf(owner: string, leaseMs: number) {
    return {
      instanceId: INSTANCE,
      node: aNode().name,
      cause: 'spot-terminate',
      task: 'drain',
      force: true,
      nightlyStop: false,
      deadline: timeAt(NOTICE_MS),
      drainUntil: timeAt(NOTICE_MS),
      trigger: 'event-1',
      noticeTime: timeAt(0),
      owner,
      leaseUntil: timeAt(leaseMs),
      state: 'working',
      attempts: 2,
      claimedAt: timeAt(0),
      hooks: [],
    } as const;
  }
});

describe('S8: a notice that is stale or impossible', () => {
  test.each([
    ['of a stop ten minutes ago', aStateChange('stopping', { time: timeAt(-10 * MINUTE) })],
    ['from the future', anInterruption('terminate', { time: timeAt(20 * MINUTE) })],
    ['of an unknown instance', anInterruption('terminate', {}), 'i-00000000000000bad'],
  ])('%s changes nothing', async (_what, event, instance?: string) => {
    const world = aWorld([aPod()]);
    if (instance) world.cluster.nodes = [aNode({ instanceId: instance })];
    world.group = instance ? undefined : world.group;
    await world.run(event);
    expect(world.cluster.marked).toEqual([]);
    expect(world.claims.saved.size).toBe(0);
  });

  test('does not take the tick along', async () => {
    const world = aWorld([aPod()]);
    await world.run({
      source: 'aws.events',
      'detail-type': 'Scheduled Event',
      id: 'tick',
      time: timeAt(-1e9),
    });
    expect(world.decisions).toMatchObject([{ action: 'none', reason: 'nothing is pending' }]);
  });
});

describe('S9: one bad item', () => {
  test('of the pause keeps no node from being drained', async () => {
    const world = aWorld([aPod()]);
    world.pauseError = new CorruptRecordError('override | pause');
    await expect(world.run(anInterruption())).rejects.toThrow();
    expect(world.cluster.podNames()).toEqual([]);
  });

  test('among the claims keeps no other drain from being resumed', async () => {
    const world = aWorld([aPod()]);
    world.cluster.budgets = [{ name: 'web', pods: ['web'], allowed: 0, recoveryMs: 0 }];
    await world.run(aHealthEvent());
    world.cluster.budgets = [];
    const { all } = world.claims;
    world.claims.all = async () => ({ ...(await all()), corrupt: ['drain | instance#i-00000000000000bad'] });
    await world.relay(5 * MINUTE);
    await world.run(TICK);
    expect(world.cluster.podNames()).toEqual([]);
    expect(world.decisions.some(({ reason }) => reason.includes('i-00000000000000bad'))).toBe(true);
  });
});

describe('S10: words in names', () => {
  const names = [
    'uid',
    'uid-in-precondition',
    'more-than-one-poddisruptionbudget',
    'not-found',
    'user-cannot',
  ];

  test.each(names)('a pod named %s is not gone because a reply says something else', async (name) => {
    const detail = `Operation cannot be fulfilled on pods "${name}": the object has been modified; please apply your changes to the latest version`;
    const { report, cluster } = await drained([aPod({ name })], spot, (it) => {
      it.script.set(name, [
        { status: 409, reason: 'Conflict', detail },
        { status: 404, reason: '', detail: `<html>${name} not found: the UID in the precondition</html>` },
        { status: 500, reason: 'InternalError', detail: `etcd: ${name}: request timed out` },
      ]);
    });
    expect(outcomes(report)).toEqual({ [name]: 'evicted' });
    expect(cluster.calls.filter(({ verb }) => verb === 'evict')).toHaveLength(4);
  });

  test('a pod that a reply calls gone and a list still shows is asked again', async () => {
    const gone = { status: 404, reason: 'NotFound', detail: 'pods "web" not found' };
    const { report } = await drained([aPod()], spot, (it) => void it.script.set('web', [gone, gone]));
    expect(outcomes(report)).toEqual({ web: 'evicted' });
  });
});

describe('S11 and S12: what fails for a while', () => {
  test.each([
    ['429 with a Retry-After of a day', { status: 429, retryAfterSeconds: 86_400 }],
    ['429 with a negative Retry-After', { status: 429, retryAfterSeconds: -5 }],
    ['504 for two minutes', { status: 504, detail: 'gateway timeout' }],
    ['401', { status: 401, reason: 'Unauthorized', detail: 'Unauthorized' }],
  ])('%s at the evictions is outlasted', async (_what, reply) => {
    const { report, cluster } = await drained([aPod()], { until: at(170_000) }, (it, clock) => {
      const { evict } = it;
      it.evict = (pod, grace) => {
        const isOver = clock.now().getTime() - START.getTime() > 100_000;
        it.script.set('web', isOver ? [] : [reply]);
        return evict(pod, grace);
      };
    });
    expect(outcomes(report)).toEqual({ web: 'evicted' });
    expect(cluster.calls.length).toBeLessThan(300);
  });

  test.each(['mark', 'daemonSetExists', 'podsOn', 'findNode'] as const)(
    'six seconds of 401 at %s cost six seconds',
    async (call) => {
      const world = aWorld([aPod(), ofDaemonSet('gone')]);
      world.cluster.broken[call] = until(world, 6_000);
      await world.run(anInterruption());
      expect(world.cluster.podNames()).toEqual([]);
      expect(elapsed(world)).toBeLessThan(20_000);
    },
  );
});

describe('S14: DynamoDB or Auto Scaling fail for a while', () => {
  const fail = (world: World) => () =>
    elapsed(world) < 5_000 ? new TransientError('InternalServerError') : undefined;

  test.each([
    ['spot notice', anInterruption()],
    ['recommendation', aRebalance()],
    ['lifecycle action', aLifecycleAction()],
  ])('the state of the night at a %s', async (_what, event) => {
    const world = aWorld([aPod()]);
    const { night, ...ports } = world.ports;
    const error = fail(world);
    const state = async () => {
      const thrown = error();
      if (thrown) throw thrown;
      return night.state();
    };
    Object.defineProperty(world, 'ports', { value: { ...ports, night: { ...night, state } } });
    await world.run(event).catch(() => undefined);
    expect(world.cluster.marked).toHaveLength(1);
  });

  test('the group of an instance whose node is not named', async () => {
    const world = aWorld([aPod()]);
    world.groupError = new Error('InternalFailure');
    await world.run(anInterruption());
    expect(world.cluster.podNames()).toEqual([]);
  });
});

describe('S15: a pod that terminates for longer than there is', () => {
  test('whose shortening is refused is shortened with the next request', async () => {
    const pod = aPod({ terminating: true, graceSeconds: 600, endsAt: at(580_000) });
    const { cluster } = await drained([pod], spot, (it) => {
      it.script.set('web', [
        { status: 500, reason: 'InternalError', detail: 'etcd' },
        { status: 409, reason: 'Conflict', detail: 'the object has been modified' },
      ]);
    });
    const removals = cluster.calls.filter(({ verb }) => verb === 'remove');
    expect(removals.map(({ status }) => status)).toEqual([500, 409, 200]);
  });

  test('and ends in time by itself is left alone', async () => {
    const pod = aPod({ terminating: true, graceSeconds: 100, endsAt: at(90_000) });
    const { cluster } = await drained([pod], spot, (it, clock) =>
      clock.after(60_000, () => it.vanish('web')),
    );
    expect(cluster.calls).toEqual([]);
  });
});
