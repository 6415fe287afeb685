import { describe, expect, test } from 'vitest';
import { CorruptRecordError, PartialFailureError } from '#functions/shared/errors.ts';
import { AccessRefusedError, ClusterUnavailableError } from '#functions/spot-drain/ports.ts';
import { NOTHING_TO_EVICT } from '#functions/spot-drain/report.ts';
import { LOST_PODS_FILTER, notificationOf } from '#model/notification.ts';
import { START } from './a-clock.ts';
import { aNode, aPod, INSTANCE, NODE, ofDaemonSet } from './a-cluster.ts';
import {
  aHealthEvent,
  aLifecycleAction,
  anInterruption,
  aRebalance,
  aStateChange,
  aWorld,
  GROUP,
  SETTINGS,
  TICK,
  type World,
} from './a-world.ts';

const NIGHT = {
  phase: 'stopping',
  desired: 'asleep',
  reason: 'after hours',
  since: '2026-08-27T02:59:00Z',
  groups: ['workers'],
} as const;

describe('a spot interruption', () => {
  test('marks the node, evicts its pods and says what became of them', async () => {
    const world = aWorld([aPod({ name: 'a' }), aPod({ name: 'b', phase: 'Succeeded' }), ofDaemonSet()]);
    await world.run(anInterruption());
    expect(world.cluster.marked).toMatchObject([{ task: 'drain', cause: 'spot-terminate' }]);
    expect(world.cluster.podNames()).toEqual(['agent-x']);
    expect(world.said()).toEqual([`cordon ${NODE}`, `drain ${NODE}`]);
    expect(world.decisions[1]).toMatchObject({
      environment: 'develop',
      capability: 'spot-drain',
      trigger: 'event-1',
      reason: 'evicted 2 pods',
      instanceId: INSTANCE,
      evicted: 1,
      finished: 1,
      alreadyTerminating: 0,
      forced: 0,
      skipped: 1,
      blocked: 0,
      terminating: 0,
    });
    expect(world.decisions[1]?.['secondsLeft']).toBeGreaterThan(100);
  });

  test('shows on the node what was done to it', async () => {
    const world = aWorld([aPod()]);
    await world.run(anInterruption());
    expect(world.cluster.events.map((event) => `${event.type} ${event.reason}`)).toEqual([
      'Normal NightshiftCordon',
      'Normal NightshiftDrained',
    ]);
  });

  test('does not fail where an unavailable API server does not take an event, and does where RBAC refuses it', async () => {
    const world = aWorld([aPod()]);
    world.cluster.broken.recordEvent = () => new ClusterUnavailableError('503');
    await world.run(anInterruption());
    expect(world.said()).toContain(`drain ${NODE}`);
    const other = aWorld([aPod()]);
    other.cluster.broken.recordEvent = () => new AccessRefusedError('events is forbidden');
    await expect(other.run(anInterruption())).rejects.toThrow('events is forbidden');
    expect(other.said()).toContain(`drain ${NODE}`);
  });

  test('reports in words that a person reads, and with the facts that the alarm counts', async () => {
    const words = async (change: (world: World) => void) => {
      const world = aWorld([aPod({ name: 'a' }), aPod({ name: 'b' })]);
      change(world);
      await world.run(anInterruption());
      return last(world, 'drain');
    };
    const never = { name: 'never', pods: ['b'], allowed: 0, recoveryMs: 0 };
    const empty = (world: World) => {
      for (const name of ['a', 'b']) world.cluster.vanish(name);
    };
    expect((await words(() => undefined))?.reason).toBe('evicted 2 pods');
    expect((await words(empty))?.reason).toBe(NOTHING_TO_EVICT);
    const blocked = (world: World) => {
      world.cluster.budgets = [never];
    };
    expect((await words(blocked))?.reason).toBe('evicted 1 pod, forced 1');
    const atNight = await words((world) => {
      world.night = NIGHT;
      blocked(world);
    });
    expect(atNight?.reason).toBe('evicted 1 pod, 1 remains on the node; the schedule stops its group');
    const counted = [...LOST_PODS_FILTER.matchAll(/\$\.decision\.(\w+)/g)].map(([, fact]) => fact);
    expect(Object.keys(atNight ?? {})).toEqual(expect.arrayContaining(counted));
  });

  test('names each pod that was forced, with the budget that held it', async () => {
    const world = aWorld([aPod({ name: 'a' }), aPod({ name: 'b' })]);
    world.cluster.budgets = [{ name: 'never', pods: ['b'], allowed: 0, recoveryMs: 0 }];
    await world.run(anInterruption());
    expect(world.said()).toEqual([`cordon ${NODE}`, `drain ${NODE}`, 'evict default/b']);
    expect(world.decisions[2]).toMatchObject({ outcome: 'forced', budget: 'never', node: NODE });
  });

  test.each([true, false])(
    'notifies of pods whose evictions failed to the end (force: %s)',
    async (force) => {
      const world = aWorld([aPod()], { force });
      world.cluster.script.set(
        'web',
        Array.from({ length: 500 }, () => ({ status: 500, detail: 'etcd is away' })),
      );
      await world.run(anInterruption()).catch(() => undefined);
      const drain = last(world, 'drain');
      expect(drain).toMatchObject({ blocked: 0, failed: 1 });
      expect(drain && notificationOf(drain, 'UTC')).toMatchObject({
        severity: 'failure',
        title: expect.stringContaining('lost pods'),
      });
    },
  );

  test('leaves pods to their budget where force is off, and says so', async () => {
    const world = aWorld([aPod()], { force: false });
    world.cluster.budgets = [{ name: 'never', pods: ['web'], allowed: 0, recoveryMs: 0 }];
    await world.run(anInterruption());
    expect(world.decisions.at(-1)).toMatchObject({ action: 'evict', outcome: 'blocked', budget: 'never' });
    expect(world.cluster.events.at(-1)?.reason).toBe('NightshiftDrainIncomplete');
  });

  test('is over before the invocation is, however late the notice came', async () => {
    const world = aWorld([aPod()]);
    world.cluster.budgets = [{ name: 'never', pods: ['web'], allowed: 0, recoveryMs: 0 }];
    await world.run(anInterruption(), { limitMs: 60_000 });
    expect(elapsed(world)).toBeLessThan(55_000);
    expect(world.decisions.at(-1)).toMatchObject({ outcome: 'forced' });
  });

  test('delivered at the end of its two minutes still moves what it can, and forces nothing', async () => {
    const world = aWorld([aPod({ name: 'free' }), aPod({ name: 'held' })]);
    world.cluster.budgets = [{ name: 'never', pods: ['held'], allowed: 0, recoveryMs: 0 }];
    await world.run(anInterruption('terminate', { time: '2026-08-27T02:58:02Z' }));
    expect(world.cluster.podNames()).toEqual(['held']);
  });

  test('of a node that is gone already ends well', async () => {
    const world = aWorld([aPod()]);
    const { mark } = world.cluster;
    world.cluster.mark = async (node, marks) => {
      world.cluster.nodes = [];
      return mark(node, marks);
    };
    await world.run(anInterruption());
    expect(world.said()).toEqual([`none ${NODE}`]);
  });

  test('changes nothing in a dry run', async () => {
    const world = aWorld([aPod()], { dryRun: true });
    await world.run(anInterruption());
    expect(world.decisions).toMatchObject([{ action: 'drain', target: NODE, dryRun: true }]);
    expect(world.cluster.marked).toEqual([]);
    expect(world.cluster.calls).toEqual([]);
    expect(world.claims.saved.size).toBe(0);
  });

  test('does not wait for a throttled group lookup once the node is known', async () => {
    const world = aWorld([aPod()]);
    world.groupLatencyMs = 20_000;
    await world.run(anInterruption());
    expect(world.cluster.calls[0]?.at).toBeLessThan(2_000);
  });

  test('goes on where the group cannot be looked up', async () => {
    const world = aWorld([aPod()]);
    world.groupError = new Error('throttled');
    await world.run(anInterruption());
    expect(world.cluster.podNames()).toEqual([]);
  });

  test('goes on through an API server that is away for some seconds', async () => {
    const world = aWorld([aPod()]);
    let away = 3;
    world.cluster.broken.findNode = () =>
      away-- > 0 ? new ClusterUnavailableError('connection refused') : undefined;
    await world.run(anInterruption());
    expect(world.cluster.podNames()).toEqual([]);
  });

  test('waits a little for a node that is still joining', async () => {
    const world = aWorld([aPod()]);
    const nodes = world.cluster.nodes;
    world.cluster.nodes = [];
    world.clock.after(5_000, () => {
      world.cluster.nodes = nodes;
    });
    await world.run(anInterruption());
    expect(world.said()).toContain(`drain ${NODE}`);
  });
});

describe('an instance that is not ours', () => {
  test('ends quietly when its group belongs to another cluster, and Kubernetes is not asked', async () => {
    const world = aWorld();
    world.group = { ...GROUP, clusters: ['staging'] };
    world.cluster.broken.findNode = () => new Error('asked');
    await world.run(anInterruption());
    expect(world.said()).toEqual([`none ${INSTANCE}`]);
    expect(world.claims.saved.size).toBe(0);
    expect(elapsed(world)).toBeLessThan(1_000);
  });

  test('ends quietly also when Auto Scaling takes its time to say so', async () => {
    const world = aWorld();
    world.group = { ...GROUP, clusters: ['staging'] };
    world.groupLatencyMs = 3_000;
    world.cluster.nodes = [];
    await world.run(anInterruption());
    expect(world.said()).toEqual([`none ${INSTANCE}`]);
  });

  test('ends quietly when it has neither a group nor a node here', async () => {
    const world = aWorld();
    world.group = undefined;
    world.cluster.nodes = [];
    await world.run(anInterruption());
    expect(world.said()).toEqual([`none ${INSTANCE}`]);
  });

  test('is not asked of Kubernetes at all when it merely stops', async () => {
    const world = aWorld();
    world.group = { ...GROUP, clusters: ['staging'] };
    world.cluster.broken.findNode = () => new Error('asked');
    await world.run(aStateChange('shutting-down'));
    expect(world.said()).toEqual([`none ${INSTANCE}`]);
  });

  test('has its lifecycle action left to its owner', async () => {
    const world = aWorld();
    world.group = { ...GROUP, clusters: ['staging'] };
    world.cluster.nodes = [];
    await world.run(aLifecycleAction());
    expect(world.completed).toEqual([]);
  });

  test('is drained all the same when its group has no tag but its node is here', async () => {
    const world = aWorld([aPod()]);
    world.group = { ...GROUP, clusters: [] };
    await world.run(anInterruption());
    expect(world.said()).toContain(`drain ${NODE}`);
  });
});

describe('a node that somebody else looks after', () => {
  test.each([
    ['Karpenter', { 'karpenter.sh/nodepool': 'default' }],
    ['an old Karpenter', { 'karpenter.sh/provisioner-name': 'default' }],
    ['EKS Auto Mode', { 'eks.amazonaws.com/compute-type': 'auto', 'karpenter.sh/nodepool': 'system' }],
  ])('is left to %s', async (_name, labels) => {
    const world = aWorld([aPod()]);
    world.cluster.nodes = [aNode({ labels })];
    await world.run(anInterruption());
    expect(world.said()).toEqual([`ignore ${NODE}`]);
    expect(world.cluster.marked).toEqual([]);
  });

  test('is drained for EKS on a managed nodegroup, whose own hook is never completed', async () => {
    const world = aWorld([aPod()]);
    world.cluster.nodes = [aNode({ labels: { 'eks.amazonaws.com/nodegroup': 'spot' } })];
    world.group = { ...GROUP, name: 'eks-spot-1', nodegroup: 'spot' };
    await world.run(
      aLifecycleAction({ AutoScalingGroupName: 'eks-spot-1', LifecycleHookName: 'Terminate-LC-Hook' }),
    );
    await world.run(aRebalance());
    expect(world.cluster.marked).toEqual([]);
    await world.run(anInterruption());
    expect(world.cluster.podNames()).toEqual([]);
    expect(world.completed).toEqual([]);
  });
});

describe('a lifecycle action', () => {
  test('is completed with nothing left on the node, and only then', async () => {
    const world = aWorld([aPod({ name: 'a' }), aPod({ name: 'b' })]);
    await world.run(aLifecycleAction());
    expect(world.completed).toMatchObject([{ how: 'completed', podsLeft: [] }]);
    expect(world.said()).toEqual([`cordon ${NODE}`, `drain ${NODE}`, `complete ${NODE}`]);
  });

  test('forces nothing', async () => {
    const world = aWorld([aPod()]);
    world.hookTimes = { heartbeatSeconds: 60, globalSeconds: 6_000 };
    world.cluster.budgets = [{ name: 'never', pods: ['web'], allowed: 0, recoveryMs: 0 }];
    await world.run(aLifecycleAction());
    await world.relay(3_700_000);
    expect(world.cluster.calls.every((call) => call.verb === 'evict')).toBe(true);
    expect(world.completed).toHaveLength(1);
  });

  test('is kept alive by heartbeats while pods take their time', async () => {
    const world = aWorld([aPod({ graceSeconds: 100 })]);
    world.hookTimes = { heartbeatSeconds: 30, globalSeconds: 3_000 };
    world.cluster.endsAfterMs = () => 100_000;
    await world.run(aLifecycleAction());
    const gaps = world.heartbeats.map((at, index) => at - (world.heartbeats[index - 1] ?? 0));
    expect(Math.max(...gaps)).toBeLessThan(30_000);
    expect(world.heartbeats.length).toBeGreaterThanOrEqual(5);
    expect(world.completed).toMatchObject([{ podsLeft: [] }]);
  });

  test('of a long drain goes on with the next ticks and keeps its count', async () => {
    const world = aWorld([aPod({ name: 'quick' }), aPod({ name: 'slow', graceSeconds: 400 })]);
    world.hookTimes = { heartbeatSeconds: 600, globalSeconds: 60_000 };
    world.cluster.endsAfterMs = (pod) => (pod.name === 'slow' ? 400_000 : 1_000);
    await world.run(aLifecycleAction());
    expect(world.completed).toEqual([]);
    expect(world.heartbeats).toHaveLength(1);
    expect(world.said().at(-1)).toBe(`wait ${NODE}`);
    await passUntil(world, 300_000);
    await world.run(TICK);
    expect(world.completed).toMatchObject([{ podsLeft: [] }]);
    expect(last(world, 'drain')).toMatchObject({ evicted: 1, alreadyTerminating: 1, terminating: 0 });
  });

  test('of a drain that was put aside gets a last look when its time is over', async () => {
    const world = aWorld([aPod()]);
    world.hookTimes = { heartbeatSeconds: 600, globalSeconds: 600 };
    world.cluster.budgets = [{ name: 'never', pods: ['web'], allowed: 0, recoveryMs: 0 }];
    await world.run(aLifecycleAction());
    expect(world.completed).toEqual([]);
    await passUntil(world, 900_000);
    world.cluster.budgets = [];
    await world.run(TICK);
    expect(world.completed).toMatchObject([{ podsLeft: [] }]);
  });

  test('whose heartbeat is too short for the tick is kept open by the watchdog, to its end', async () => {
    const world = aWorld([aPod()]);
    world.hookTimes = { heartbeatSeconds: 300, globalSeconds: 30_000 };
    world.cluster.budgets = [{ name: 'never', pods: ['web'], allowed: 0, recoveryMs: 0 }];
    await world.run(aLifecycleAction());
    expect(elapsed(world)).toBeLessThan(180_000);
    await world.relay(3_400_000);
    expect(world.completed).toEqual([]);
    expect(longestGap(world.heartbeats)).toBeLessThan(150_000);
    await world.relay(4_000_000);
    expect(world.completed).toHaveLength(1);
    expect(world.watchdogs).toEqual([]);
  });

  test('is completed for an instance that never joined', async () => {
    const world = aWorld();
    world.cluster.nodes = [];
    await world.run(aLifecycleAction());
    expect(world.completed).toHaveLength(1);
    expect(world.said()).toEqual([`complete ${INSTANCE}`]);
  });

  test('is completed although RBAC refuses the drain, and the refusal is loud', async () => {
    const world = aWorld([aPod()]);
    world.cluster.broken.mark = () => new AccessRefusedError('nodes is forbidden');
    await expect(world.run(aLifecycleAction())).rejects.toThrow('nodes is forbidden');
    expect(world.completed).toHaveLength(1);
    expect(world.said()).toEqual([`fail ${NODE}`, `complete ${NODE}`]);
  });

  test('is completed although RBAC refuses even to look for the node', async () => {
    const world = aWorld([aPod()]);
    world.cluster.broken.findNode = () => new AccessRefusedError('nodes is forbidden');
    await expect(world.run(aLifecycleAction())).rejects.toBeInstanceOf(PartialFailureError);
    expect(world.completed).toHaveLength(1);
  });

  test('is completed although RBAC refuses the evictions, and the refusal is loud', async () => {
    const world = aWorld([aPod()]);
    world.cluster.script.set('web', [
      { status: 403, detail: 'pods/eviction is forbidden', isRefusedByRbac: true },
    ]);
    await expect(world.run(aLifecycleAction())).rejects.toThrow('pods/eviction is forbidden');
    expect(world.completed).toHaveLength(1);
    expect(last(world, 'drain')).toMatchObject({ failed: 1 });
    expect(last(world, 'fail')).toMatchObject({ target: NODE, reason: 'pods/eviction is forbidden' });
  });

  test('is completed although the table cannot be written any more', async () => {
    const world = aWorld([aPod()]);
    const { saveIf } = world.claims;
    world.claims.saveIf = async (claim, version, now) => {
      if (version !== 'absent') throw new Error('the table is throttled');
      return saveIf(claim, version, now);
    };
    await expect(world.run(aLifecycleAction())).rejects.toThrow('throttled');
    expect(world.completed).toMatchObject([{ how: 'completed', podsLeft: [] }]);
  });

  test('that was over already counts as completed', async () => {
    const world = aWorld([aPod()]);
    await world.run(aLifecycleAction());
    await world.run(aLifecycleAction({}, { id: 'event-2', time: '2026-08-27T03:00:01Z' }));
    expect(world.completed).toHaveLength(1);
  });

  test('of two hooks on one group is completed for both', async () => {
    const world = aWorld([aPod({ graceSeconds: 60 })]);
    world.cluster.endsAfterMs = () => 20_000;
    await world.clock.run(
      Promise.all([
        world.invoke(aLifecycleAction()),
        world.invoke(aLifecycleAction({ LifecycleHookName: 'logs', LifecycleActionToken: 'other' })),
      ]),
    );
    expect(world.completed.map((one) => one.token).sort()).toEqual([
      '87654321-4321-4321-4321-210987654321',
      'other',
    ]);
    expect(world.completed.every((one) => one.podsLeft.length === 0)).toBe(true);
    expect(world.said().filter((said) => said === `drain ${NODE}`)).toHaveLength(1);
  });
});

describe('a rebalance recommendation', () => {
  test('cordons, and is undone after the set time when no interruption follows', async () => {
    const world = aWorld([aPod()]);
    await world.run(aRebalance());
    expect(world.cluster.marked).toMatchObject([{ task: 'cordon' }]);
    expect(world.cluster.calls).toEqual([]);
    await passUntil(world, 29 * 60_000);
    await world.run(TICK);
    expect(world.cluster.unmarked).toEqual([]);
    await passUntil(world, 30 * 60_000);
    await world.run(TICK);
    expect(world.cluster.unmarked).toEqual([NODE]);
    expect(last(world, 'uncordon')).toMatchObject({ target: NODE });
    expect(world.claims.saved.size + world.cordons.saved.size).toBe(0);
  });

  test('drains where the policy says so, and that is undone too', async () => {
    const world = aWorld([aPod()], { onRebalance: 'drain' });
    await world.run(aRebalance());
    expect(world.cluster.podNames()).toEqual([]);
    await passUntil(world, 30 * 60_000);
    await world.run(TICK);
    expect(world.cluster.unmarked).toEqual([NODE]);
  });

  test('is undone in time where its invocation was killed before it saved when', async () => {
    const world = aWorld([aPod()]);
    const { put } = world.cordons;
    world.cordons.put = () => new Promise(() => undefined);
    world.invoke(aRebalance(), { limitMs: 60_000 }).catch(() => undefined);
    await passUntil(world, 60_000);
    expect(world.cordons.saved.size).toBe(0);
    world.cordons.put = put;
    await passUntil(world, 30 * 60_000);
    await world.run(TICK);
    expect(world.cluster.unmarked).toEqual([NODE]);
    expect(world.claims.saved.size).toBe(0);
  });

  test('stays to be undone where its claim could not be removed', async () => {
    const world = aWorld([aPod()]);
    await world.run(aRebalance());
    await passUntil(world, 30 * 60_000);
    const { remove } = world.claims;
    world.claims.remove = async () => {
      throw new Error('the table is throttled');
    };
    await expect(world.run(TICK)).rejects.toThrow('throttled');
    expect(world.cordons.saved.size).toBe(1);
    world.claims.remove = remove;
    await world.run(TICK);
    expect(world.claims.saved.size + world.cordons.saved.size).toBe(0);
  });

  test('whose drain was put aside is undone in time all the same, and not taken up again', async () => {
    const world = aWorld([aPod()], { onRebalance: 'drain', uncordonAfterMinutes: 20 });
    world.cluster.budgets = [{ name: 'never', pods: ['web'], allowed: 0, recoveryMs: 0 }];
    await world.run(aRebalance());
    expect(world.said().at(-1)).toBe(`wait ${NODE}`);
    await passUntil(world, 20 * 60_000);
    await world.run(TICK);
    expect(world.cluster.unmarked).toEqual([NODE]);
    expect(world.cluster.marked).toHaveLength(1);
    expect(world.claims.saved.size).toBe(0);
  });

  test('is not undone while the group terminates the instance, also where no lifecycle action was heard of', async () => {
    const world = aWorld([aPod()]);
    await world.run(aRebalance());
    world.isTerminating = true;
    await passUntil(world, 30 * 60_000);
    await world.run(TICK);
    expect(world.cluster.unmarked).toEqual([]);
    world.cluster.nodes = [];
    await world.run(TICK);
    expect(world.claims.saved.size + world.cordons.saved.size).toBe(0);
  });

  test('whose instance its group ends meanwhile is not undone, and the lifecycle action is completed', async () => {
    const world = aWorld([aPod()], { onRebalance: 'drain', uncordonAfterMinutes: 20 });
    world.hookTimes = { heartbeatSeconds: 3_600, globalSeconds: 172_800 };
    world.cluster.budgets = [{ name: 'never', pods: ['web'], allowed: 0, recoveryMs: 0 }];
    await world.clock.run(
      Promise.all([
        world.invoke(aRebalance()),
        world.clock.sleep(10_000).then(() => world.invoke(aLifecycleAction({}, { id: 'event-2' }))),
      ]),
    );
    await passUntil(world, 20 * 60_000);
    await world.run(TICK);
    expect(world.completed).toEqual([]);
    await passUntil(world, 61 * 60_000);
    await world.run(TICK);
    expect(world.cluster.unmarked).toEqual([]);
    expect(world.completed).toHaveLength(1);
  });

  test('that a budget keeps from emptying the node is no loss, because the instance stays', async () => {
    const world = aWorld([aPod()], { onRebalance: 'drain', uncordonAfterMinutes: 2 });
    world.cluster.budgets = [{ name: 'never', pods: ['web'], allowed: 0, recoveryMs: 0 }];
    await world.run(aRebalance());
    expect(last(world, 'drain')).toMatchObject({ blocked: 0, blockedByBudget: 1 });
  });

  test('is ignored where the policy says so', async () => {
    const world = aWorld([aPod()], { onRebalance: 'ignore' });
    await world.run(aRebalance());
    expect(world.said()).toEqual([`ignore ${NODE}`]);
    expect(world.cluster.marked).toEqual([]);
  });

  test('is followed by an interruption that drains the node, and nothing is undone', async () => {
    const world = aWorld([aPod()]);
    await world.run(aRebalance());
    await passUntil(world, 60_000);
    await world.run(anInterruption('terminate', { id: 'event-2', time: '2026-08-27T03:01:00Z' }));
    expect(world.cluster.podNames()).toEqual([]);
    await passUntil(world, 40 * 60_000);
    await world.run(TICK);
    expect(world.cluster.unmarked).toEqual([]);
  });

  test('leaves the cordon to whoever wrote to the node at the last moment', async () => {
    const world = aWorld([aPod()]);
    await world.run(aRebalance());
    await passUntil(world, 30 * 60_000);
    const { unmark } = world.cluster;
    world.cluster.unmark = async (node) => {
      world.cluster.nodes = [{ ...node, version: '99' }];
      return unmark(node);
    };
    await world.run(TICK);
    expect(world.cluster.unmarked).toEqual([]);
    expect(world.cordons.saved.size).toBe(1);
  });
});

describe('other notices', () => {
  test.each(['stopping', 'shutting-down'])('drain an instance that is %s by hand', async (state) => {
    const world = aWorld([aPod()]);
    await world.run(aStateChange(state));
    expect(world.cluster.podNames()).toEqual([]);
  });

  test('drain for an announced change without force, and undo it when the change is over', async () => {
    const world = aWorld([aPod()]);
    await world.run(aHealthEvent());
    expect(world.cluster.podNames()).toEqual([]);
    await world.run(aHealthEvent({ statusCode: 'closed' }, { id: 'event-2' }));
    expect(world.cluster.unmarked).toEqual([NODE]);
  });

  test('leave a node to its drain where the announced change ends meanwhile, and undo it after that', async () => {
    const world = aWorld([aPod({ graceSeconds: 60 })]);
    world.cluster.endsAfterMs = () => 20_000;
    const closed = aHealthEvent({ statusCode: 'closed' }, { id: 'event-2' });
    await world.clock.run(
      Promise.all([world.invoke(aHealthEvent()), world.clock.sleep(5_000).then(() => world.invoke(closed))]),
    );
    expect(world.said()).toContain(`wait ${INSTANCE}`);
    expect(world.cluster.unmarked).toEqual([]);
    await world.run(TICK);
    expect(world.cluster.unmarked).toEqual([NODE]);
    expect(last(world, 'uncordon')?.reason).toBe('the scheduled change of the instance is over');
  });

  test('leave the marks where the announced change ends while the group terminates the instance', async () => {
    const world = aWorld([aPod()]);
    await world.run(aHealthEvent());
    await world.run(aLifecycleAction({}, { id: 'event-2' }));
    await world.run(aHealthEvent({ statusCode: 'closed' }, { id: 'event-3' }));
    expect(world.said().at(-1)).toBe(`ignore ${INSTANCE}`);
    expect(world.cluster.unmarked).toEqual([]);
    expect(world.completed).toHaveLength(1);
  });

  test('do not touch a node for a change that is over and that we never heard of', async () => {
    const world = aWorld([aPod()]);
    world.cluster.broken.findNode = () => new Error('asked');
    await world.run(aHealthEvent({ statusCode: 'closed' }));
    expect(world.said()).toEqual([`none ${INSTANCE}`]);
  });

  test.each(['stop', 'hibernate'])(
    'let a node work again when its instance is back after a %s',
    async (action) => {
      const world = aWorld([aPod()]);
      await world.run(anInterruption(action));
      await passUntil(world, 20 * 60_000);
      await world.run(TICK);
      expect(world.cluster.unmarked).toEqual([]);
      const [node] = world.cluster.nodes;
      if (node) world.cluster.nodes = [{ ...node, readySince: new Date(START.getTime() + 25 * 60_000) }];
      await passUntil(world, 30 * 60_000);
      await world.run(TICK);
      expect(world.cluster.unmarked).toEqual([NODE]);
    },
  );

  test('keep the cordon of an instance that is back while its group terminates it', async () => {
    const world = aWorld([aPod()]);
    await world.run(anInterruption('hibernate'));
    const [node = aNode()] = world.cluster.nodes;
    world.cluster.nodes = [{ ...node, readySince: new Date(START.getTime() + 6 * 60_000) }];
    world.isTerminating = true;
    await passUntil(world, 10 * 60_000);
    await world.run(TICK);
    expect(world.cluster.unmarked).toEqual([]);
    expect(world.decisions.at(-1)).toMatchObject({
      action: 'wait',
      target: NODE,
      reason: 'the Auto Scaling group workers terminates the instance: its node stays cordoned',
      instanceId: INSTANCE,
    });
    // A group with a warm pool takes it back one day.
    world.isTerminating = false;
    await passUntil(world, 15 * 60_000);
    await world.run(TICK);
    expect(world.cluster.unmarked).toEqual([NODE]);
  });

  test('forget the cordon of an instance whose node is gone, without a question to Auto Scaling', async () => {
    const world = aWorld([aPod()]);
    await world.run(anInterruption('hibernate'));
    world.cluster.nodes = [];
    world.groupError = new Error('asked');
    await passUntil(world, 10 * 60_000);
    await world.run(TICK);
    expect(world.claims.saved.size + world.cordons.saved.size).toBe(0);
  });

  test('keep the cordon where Auto Scaling cannot be asked, fail, and undo it with a later tick', async () => {
    const world = aWorld([aPod()]);
    await world.run(aRebalance());
    world.groupError = new Error('throttled');
    await passUntil(world, 30 * 60_000);
    await expect(world.run(TICK)).rejects.toThrow(PartialFailureError);
    expect(world.cluster.unmarked).toEqual([]);
    world.groupError = undefined;
    await world.run(TICK);
    expect(world.cluster.unmarked).toEqual([NODE]);
  });

  test('keep the cordon of an announced change that is over while the group terminates the instance', async () => {
    const world = aWorld([aPod()]);
    await world.run(aHealthEvent());
    world.isTerminating = true;
    await world.run(aHealthEvent({ statusCode: 'closed' }, { id: 'event-2' }));
    expect(world.cluster.unmarked).toEqual([]);
    expect(world.said().at(-1)).toBe(`wait ${NODE}`);
    world.isTerminating = false;
    await world.run(TICK);
    expect(world.cluster.unmarked).toEqual([NODE]);
    expect(world.claims.saved.get(INSTANCE)?.value).toMatchObject({ cause: 'health-closed', state: 'done' });
    expect(world.cordons.saved.size).toBe(0);
  });

  test('that are malformed are ignored with a reason', async () => {
    const world = aWorld();
    await world.run(anInterruption('explode'));
    expect(world.decisions).toMatchObject([{ action: 'ignore', target: INSTANCE, trigger: 'event-1' }]);
  });

  test('of the table that cannot be read are reported by the tick, which goes on with the others', async () => {
    const world = aWorld([aPod()]);
    await world.run(aRebalance());
    const { all } = world.claims;
    world.claims.all = async () => ({ ...(await all()), corrupt: ['drain | instance#i-0'] });
    await passUntil(world, 30 * 60_000);
    await world.run(TICK);
    expect(last(world, 'fail')).toMatchObject({ target: 'drain | instance#i-0' });
    expect(world.cluster.unmarked).toEqual([NODE]);
  });

  test('drain where the state of the night cannot be read, and that is a failure', async () => {
    const world = aWorld([aPod()]);
    const night = { state: () => Promise.reject(new CorruptRecordError('night | state')) };
    Object.defineProperty(world, 'ports', { value: { ...world.ports, night } });
    await expect(world.run(aLifecycleAction())).rejects.toThrow('night | state');
    expect(world.completed).toMatchObject([{ podsLeft: [] }]);
  });

  test('do nothing on a quiet tick', async () => {
    const world = aWorld();
    await world.run(TICK);
    expect(world.said()).toEqual(['none develop']);
  });
});

/** For a deploy, or by a person, while the drain runs. */
const callOffSoon = (world: World) =>
  world.clock.after(5_000, () => {
    world.night = { ...NIGHT, phase: 'starting', desired: 'awake' };
  });

describe('our own night stop', () => {
  test('is not held up by a drain that began before it', async () => {
    const world = aWorld([aPod()]);
    world.hookTimes = { heartbeatSeconds: 600, globalSeconds: 60_000 };
    world.cluster.budgets = [{ name: 'never', pods: ['web'], allowed: 0, recoveryMs: 0 }];
    await world.run(aLifecycleAction());
    expect(world.completed).toEqual([]);
    world.night = NIGHT;
    await passUntil(world, 300_000);
    await world.run(TICK);
    expect(world.completed).toHaveLength(1);
    expect(last(world, 'drain')).toMatchObject({ nightlyStop: true, blocked: 1 });
  });

  test('is known by the group that its lifecycle action names, where Auto Scaling throttles', async () => {
    const world = aWorld([aPod()]);
    world.night = NIGHT;
    world.groupError = new Error('Rate exceeded');
    world.cluster.budgets = [{ name: 'never', pods: ['web'], allowed: 0, recoveryMs: 0 }];
    await world.run(aLifecycleAction());
    expect(last(world, 'drain')).toMatchObject({ nightlyStop: true, blocked: 1 });
    expect(elapsed(world)).toBeLessThan(45_000);
  });

  test('of another group does not shorten a drain', async () => {
    const world = aWorld([aPod()]);
    world.hookTimes = { heartbeatSeconds: 600, globalSeconds: 60_000 };
    world.cluster.budgets = [{ name: 'never', pods: ['web'], allowed: 0, recoveryMs: 0 }];
    await world.run(aLifecycleAction());
    world.night = { ...NIGHT, groups: ['others'] };
    await passUntil(world, 300_000);
    await world.run(TICK);
    expect(world.completed).toEqual([]);
  });

  test('goes on with a drain where its state cannot be read, and says so', async () => {
    const world = aWorld([aPod({ graceSeconds: 400 })]);
    world.hookTimes = { heartbeatSeconds: 600, globalSeconds: 60_000 };
    world.cluster.endsAfterMs = () => 400_000;
    await world.run(aLifecycleAction());
    await passUntil(world, 300_000);
    const night = { state: () => Promise.reject(new Error('the table is away')) };
    Object.defineProperty(world, 'ports', { value: { ...world.ports, night } });
    await expect(world.run(TICK)).rejects.toThrow('the table is away');
    expect(world.completed).toMatchObject([{ podsLeft: [] }]);
  });

  test('lets a drain run, but forces nothing and reports no loss', async () => {
    const world = aWorld([aPod()]);
    world.night = NIGHT;
    world.cluster.budgets = [{ name: 'never', pods: ['web'], allowed: 0, recoveryMs: 0 }];
    await world.run(anInterruption());
    expect(world.cluster.calls.every((call) => call.verb === 'evict')).toBe(true);
    expect(last(world, 'drain')).toMatchObject({ nightlyStop: true, blocked: 1 });
    expect(world.cluster.events.every((event) => event.type === 'Normal')).toBe(true);
    expect(world.said().some((said) => said.startsWith('fail'))).toBe(false);
  });

  test('that is called off while a drain runs explains no loss', async () => {
    const world = aWorld([aPod()]);
    world.night = NIGHT;
    world.cluster.budgets = [{ name: 'never', pods: ['web'], allowed: 0, recoveryMs: 0 }];
    callOffSoon(world);
    await world.run(anInterruption());
    expect(last(world, 'drain')).toMatchObject({ blocked: 1 });
    expect(last(world, 'drain')?.['nightlyStop']).toBeUndefined();
    expect(world.cluster.events.some((event) => event.type === 'Warning')).toBe(true);
  });

  test('that is called off still explains the drain of an instance that it took', async () => {
    const world = aWorld([aPod()]);
    world.night = NIGHT;
    world.cluster.budgets = [{ name: 'never', pods: ['web'], allowed: 0, recoveryMs: 0 }];
    callOffSoon(world);
    await world.run(aLifecycleAction());
    expect(last(world, 'drain')).toMatchObject({ nightlyStop: true, blocked: 1 });
  });

  test('waits for no budget, because everything that could free it is being stopped too', async () => {
    const world = aWorld([aPod({ name: 'held' }), aPod({ name: 'slow', graceSeconds: 60 })]);
    world.night = NIGHT;
    world.cluster.endsAfterMs = () => 40_000;
    world.cluster.budgets = [{ name: 'never', pods: ['held'], allowed: 0, recoveryMs: 0 }];
    await world.run(aLifecycleAction());
    expect(world.completed).toMatchObject([{ podsLeft: ['held'] }]);
    expect(elapsed(world)).toBeLessThan(45_000);
  });

  test('gets its lifecycle actions completed within one invocation', async () => {
    const world = aWorld([aPod()]);
    world.night = NIGHT;
    world.hookTimes = { heartbeatSeconds: 3_600, globalSeconds: 172_800 };
    world.cluster.budgets = [{ name: 'never', pods: ['web'], allowed: 0, recoveryMs: 0 }];
    await world.run(aLifecycleAction());
    expect(world.completed).toHaveLength(1);
  });

  test('is recognised by the name of a managed nodegroup too', async () => {
    const world = aWorld([aPod()]);
    world.night = { ...NIGHT, groups: ['spot'] };
    world.cluster.nodes = [aNode({ labels: { 'eks.amazonaws.com/nodegroup': 'spot' } })];
    await world.run(anInterruption());
    expect(last(world, 'drain')).toMatchObject({ nightlyStop: true });
  });

  test('makes an instance that goes with it no event at all, without asking Kubernetes', async () => {
    const world = aWorld([aPod()]);
    world.night = NIGHT;
    world.cluster.broken.findNode = () => new Error('asked');
    await world.run(aStateChange('shutting-down'));
    expect(world.said()).toEqual([`none ${INSTANCE}`]);
  });

  test('does not hold for a group that it does not stop', async () => {
    const world = aWorld([aPod()]);
    world.night = { ...NIGHT, groups: ['others'] };
    await world.run(anInterruption());
    expect(last(world, 'drain')?.['nightlyStop']).toBeUndefined();
  });
});

describe('early replacement', () => {
  test('asks the group for another instance when the notice comes', async () => {
    const world = aWorld([aPod()], { replaceEarly: true });
    await world.run(anInterruption());
    expect(world.replaced).toEqual([`workers ${INSTANCE}`]);
    expect(last(world, 'replace')).toMatchObject({ target: 'workers' });
  });

  test('is no failure where the group lets go of the instance already', async () => {
    const world = aWorld([aPod()], { replaceEarly: true });
    world.replaced.push(`workers ${INSTANCE}`);
    await world.run(anInterruption());
    expect(last(world, 'replace')).toBeUndefined();
    expect(last(world, 'fail')).toBeUndefined();
  });

  test.each<[string, Partial<Pick<World, 'settings' | 'group' | 'night'>>, unknown]>([
    ['the config does not ask for it', { settings: SETTINGS }, anInterruption()],
    [
      'the group rebalances its capacity by itself',
      { group: { ...GROUP, capacityRebalance: true } },
      anInterruption(),
    ],
    ['the group is managed', { group: { ...GROUP, nodegroup: 'spot' } }, anInterruption()],
    ['the schedule stops the group', { night: NIGHT }, anInterruption()],
    ['the instance only stops', {}, anInterruption('stop')],
    ['it is no interruption', {}, aLifecycleAction()],
  ])('does not happen where %s', async (_name, change, event) => {
    const world = aWorld([aPod()], { replaceEarly: true });
    Object.assign(world, change);
    await world.run(event);
    expect(world.replaced).toEqual([]);
  });
});

function elapsed(world: World): number {
  return world.clock.now().getTime() - START.getTime();
}

async function passUntil(world: World, ms: number): Promise<void> {
  await world.clock.run(world.clock.sleep(Math.max(0, ms - elapsed(world))));
}

function longestGap(times: readonly number[]): number {
  return Math.max(...times.map((at, index) => at - (times[index - 1] ?? 0)));
}

function last(world: World, action: string) {
  return world.decisions.findLast((decision) => decision.action === action);
}
