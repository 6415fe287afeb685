/** Further inputs of the kinds that public reports tell of. */
import { describe, expect, test } from 'vitest';
import { interpretReply } from '#functions/spot-drain/pod-reply.ts';
import { TransientError } from '#functions/spot-drain/ports.ts';
import { START } from './a-clock.ts';
import { aNode, aPod } from './a-cluster.ts';
import { at, drained, NOTICE_MS, outcomes } from './a-drain.ts';
import { aHealthEvent, aLifecycleAction, anInterruption, aRebalance, aWorld, TICK } from './a-world.ts';

const spot = { deadline: at(NOTICE_MS), until: at(NOTICE_MS), force: true };

describe('an admission that denies an eviction is not RBAC', () => {
  test.each([
    [
      403,
      'admission webhook "validation.gatekeeper.sh" denied the request: [keep] User "ops" cannot evict now',
    ],
    [
      403,
      'pods "web" is forbidden: ValidatingAdmissionPolicy \'keep\' with binding \'all\' denied request: User "ops" cannot',
    ],
    [
      400,
      'admission webhook "validate.kyverno.svc-fail" denied the request: \n\nresource Pod/apps/web was blocked',
    ],
    [
      500,
      'Internal error occurred: failed calling webhook "guard.example.com": failed to call webhook: context deadline exceeded',
    ],
  ])('%i %s', async (status, detail) => {
    const reason = status === 403 ? 'Forbidden' : status === 500 ? 'InternalError' : '';
    expect(interpretReply({ status, reason, causes: [], detail }).kind).toBe('denied');
    const { report } = await drained([aPod()], spot, (cluster) => {
      const { evict } = cluster;
      cluster.evict = (pod, grace) => {
        cluster.script.set(pod.name, [{ status, reason, detail }]);
        return evict(pod, grace);
      };
    });
    expect(outcomes(report)).toEqual({ web: 'forced' });
  });
});

describe('pods without a controller that come back under new names', () => {
  const bare = (name: string) => {
    const { controller: _controller, ...pod } = aPod({ name, uid: name, tolerates: 'everything' });
    return pod;
  };

  test('are evicted twice in a namespace and then left, with their toleration', async () => {
    let made = 0;
    const { report, cluster } = await drained([bare('runner-0')], spot, (cluster, clock) => {
      const { evict } = cluster;
      cluster.endsAfterMs = () => 300;
      cluster.evict = async (pod, grace) => {
        const reply = await evict(pod, grace);
        clock.after(400, () => cluster.add(bare(`runner-${++made}`)));
        return reply;
      };
    });
    expect(cluster.calls.length).toBeLessThanOrEqual(3);
    expect(report.pods.at(-1)).toMatchObject({
      outcome: 'left',
      reason: expect.stringContaining('it tolerates everything'),
    });
  });
});

describe('a scheduled change', () => {
  test.each([
    ['as an instant of ISO 8601', { startTime: '2026-09-10T13:19:03Z' }],
    ['of a bare instance id', { affectedEntities: [{ entityValue: 'i-0123456789abcdef0' }] }],
    ['of a reboot', { eventTypeCode: 'AWS_EC2_SYSTEM_REBOOT_MAINTENANCE_SCHEDULED' }],
    ['that counts as open', { statusCode: 'open' }],
  ])('in two weeks, %s, changes nothing today', async (_what, detail) => {
    const world = aWorld([aPod()], { onScheduledChange: 'wait', production: true });
    await world.run(aHealthEvent(detail));
    await world.run(TICK);
    expect(world.cluster.marked).toEqual([]);
    expect(world.cluster.podNames()).toHaveLength(1);
  });
});

describe('a lifecycle action with an hour left', () => {
  test.each([
    ['401 for 20 s at the pods', 'podsOn', 20_000],
    ['503 for two minutes at the cordon', 'mark', 120_000],
    ['503 for nine minutes at the node', 'findNode', 540_000],
  ] as const)('outlasts %s', async (_what, call, ms) => {
    const world = aWorld([aPod()]);
    world.hookTimes = { heartbeatSeconds: 3_600, globalSeconds: 172_800 };
    world.cluster.broken[call] = () =>
      world.clock.now().getTime() - START.getTime() < ms ? new TransientError('for a while') : undefined;
    await world.run(aLifecycleAction()).catch(() => undefined);
    for (let tick = 300_000; tick <= 1_500_000; tick += 300_000) {
      await world.relay(tick);
      await world.run(TICK).catch(() => undefined);
    }
    expect(world.completed).toMatchObject([{ how: 'completed', podsLeft: [] }]);
  });
});

describe('a notice that is not for this node', () => {
  test.each([
    ['a notice of four minutes ago', anInterruption('terminate', { time: '2026-08-27T02:56:00Z' })],
    ['a hibernation of a minute ago', anInterruption('hibernate', { time: '2026-08-27T02:59:00Z' })],
  ])('%s changes nothing', async (_what, event) => {
    const world = aWorld([aPod()]);
    await world.run(event);
    expect(world.cluster.marked).toEqual([]);
    expect(world.decisions).toMatchObject([{ action: 'ignore' }]);
  });

  test.each(['ON_DEMAND', 'on-demand', 'On-Demand', 'normal'])(
    'an interruption of a node whose label says %s changes nothing',
    async (value) => {
      const world = aWorld([aPod()]);
      world.cluster.nodes = [aNode({ labels: { 'node.kubernetes.io/lifecycle': value } })];
      await world.run(anInterruption());
      expect(world.cluster.marked).toEqual([]);
    },
  );

  test.each([
    ['eks.amazonaws.com/capacityType', 'CAPACITY_BLOCK', false],
    ['karpenter.sh/capacity-type', 'reserved', false],
    ['lifecycle', 'OnDemand', false],
    ['lifecycle', 'Ec2Spot', true],
    ['spotinst.io/node-lifecycle', 'od', false],
    ['eks.amazonaws.com/capacityType', 'SPOT', true],
    ['lifecycle', 'production', true],
  ])('an interruption of a node with the label %s: %s counts: %s', async (label, value, counts) => {
    for (const event of [anInterruption(), anInterruption('stop'), aRebalance()]) {
      const world = aWorld([aPod()]);
      world.cluster.nodes = [aNode({ labels: { [label]: value } })];
      await world.run(event);
      expect(world.cluster.marked).toHaveLength(counts ? 1 : 0);
    }
  });
});

describe('a pod that is terminating for longer than there is', () => {
  test.each([true, false])('is shortened to what is left, with force %s', async (force) => {
    const pod = aPod({ terminating: true, graceSeconds: 900, endsAt: at(880_000) });
    const { cluster } = await drained([pod], { ...spot, force });
    const removals = cluster.calls.filter(({ verb }) => verb === 'remove');
    expect(removals).toHaveLength(1);
    expect(removals[0]?.at).toBeLessThan(5_000);
  });
});
