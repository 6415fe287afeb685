import { describe, expect, test } from 'vitest';
import { AccessRefusedError, ClusterUnavailableError } from '#functions/spot-drain/ports.ts';
import { START } from './a-clock.ts';
import { aNode, aPod, ofDaemonSet, type TestCluster } from './a-cluster.ts';
import { at, drained, NOTICE_MS, outcomes } from './a-drain.ts';

const spot = { deadline: at(NOTICE_MS), until: at(NOTICE_MS), force: true };
const CONFLICT = {
  status: 409,
  reason: 'Conflict',
  detail:
    'Operation cannot be fulfilled on pods "squid-1": the object has been modified; please apply your changes to the latest version and try again',
};

describe('a pod is gone only when a list does not show its UID', () => {
  test.each(['squid-1', 'druid-middlemanager-0', 'uid-precondition-failed'])(
    'a write conflict of the pod %s, whose name holds "uid", is asked again',
    async (name) => {
      const { report, cluster } = await drained([aPod({ name })], {}, (cluster) => {
        cluster.script.set(name, [{ ...CONFLICT, detail: CONFLICT.detail.replace('squid-1', name) }]);
      });
      expect(outcomes(report)).toEqual({ [name]: 'evicted' });
      expect(cluster.calls.map(({ status }) => status)).toEqual([409, 201]);
    },
  );

  test.each([
    ['HTML of a proxy', { status: 404, detail: '<html>not found</html>' }],
    [
      'a Status that a stale server sent',
      { status: 404, reason: 'NotFound', detail: 'pods "web" not found' },
    ],
  ])('a 404 that is %s leaves a running pod to be asked again', async (_what, reply) => {
    const { report, cluster } = await drained([aPod()], {}, (cluster) => {
      cluster.script.set('web', [reply]);
    });
    expect(outcomes(report)).toEqual({ web: 'evicted' });
    expect(cluster.calls.map(({ status }) => status)).toEqual([404, 201]);
    expect(cluster.podNames()).toEqual([]);
  });

  test('a list brings back a pod that was missing from the one before', async () => {
    const { report, cluster } = await drained([aPod({ name: 'a' }), aPod({ name: 'b' })], {}, (cluster) => {
      const { podsOn } = cluster;
      let lists = 0;
      cluster.budgets = [{ name: 'web', pods: ['a', 'b'], allowed: 1, recoveryMs: 8_000 }];
      cluster.podsOn = async (node) => {
        const pods = await podsOn(node);
        return ++lists === 2 ? pods.filter(({ name }) => name !== 'b') : pods;
      };
    });
    expect(outcomes(report)).toEqual({ a: 'evicted', b: 'evicted' });
    expect(cluster.podNames()).toEqual([]);
  });

  test('an eviction that was accepted and did not happen is asked again', async () => {
    const { report, cluster } = await drained([aPod()], {}, (cluster) => {
      const { evict } = cluster;
      let faked = 1;
      cluster.evict = async (pod, grace) =>
        faked-- > 0 ? { status: 201, reason: '', causes: [], detail: '' } : evict(pod, grace);
    });
    expect(outcomes(report)).toEqual({ web: 'evicted' });
    expect(cluster.podNames()).toEqual([]);
  });
});

describe('an unknown result delays no other pod', () => {
  test('of an eviction that throws what nobody expects', async () => {
    const { report } = await drained([aPod({ name: 'a' }), aPod({ name: 'b' })], {}, (cluster) => {
      const { evict } = cluster;
      let broken = 2;
      cluster.evict = async (pod, grace) => {
        if (pod.name === 'a' && broken-- > 0) throw new TypeError('not a function');
        return evict(pod, grace);
      };
    });
    expect(outcomes(report)).toEqual({ a: 'evicted', b: 'evicted' });
  });

  test('of a DaemonSet that cannot be looked up', async () => {
    const { report, cluster } = await drained([ofDaemonSet(), aPod()], { until: at(20_000) }, (cluster) => {
      cluster.broken.daemonSetExists = () => new ClusterUnavailableError('503');
    });
    expect(outcomes(report)).toEqual({ 'agent-x': 'failed', web: 'evicted' });
    expect(cluster.calls[0]).toMatchObject({ pod: 'web', at: cluster.latencyMs });
    expect(report.end).toBe('timed-out');
  });

  test('of a DaemonSet that hangs, and whose pod goes once it is known to be gone', async () => {
    const { report, cluster } = await drained([ofDaemonSet('orphan'), aPod()], {}, (cluster, clock) => {
      const { daemonSetExists } = cluster;
      cluster.daemonSetExists = async (...asked) => {
        await clock.sleep(10_000);
        return daemonSetExists(...asked);
      };
    });
    expect(outcomes(report)).toEqual({ 'orphan-x': 'evicted', web: 'evicted' });
    expect(cluster.calls[0]).toMatchObject({ pod: 'web', at: cluster.latencyMs });
  });

  test('of a DaemonSet that RBAC refuses: its pods are left, and the refusal is reported', async () => {
    const { report } = await drained([ofDaemonSet(), aPod()], {}, (cluster) => {
      cluster.broken.daemonSetExists = () => new AccessRefusedError('daemonsets.apps is forbidden');
    });
    expect(outcomes(report)).toEqual({ 'agent-x': 'skipped', web: 'evicted' });
    expect(report.refused).toBe('daemonsets.apps is forbidden');
  });
});

describe('an admission webhook that denies an eviction', () => {
  const replies = [403, 400, 500, 422].map((status) => ({
    status,
    reason: status === 403 ? 'Forbidden' : '',
    detail: 'admission webhook "drain-cleaner.strimzi.io" denied the request: the pod will be rolled',
  }));
  const deniedFor = (ms: number, status: number) => (cluster: TestCluster, clock: { now(): Date }) => {
    const { evict } = cluster;
    const reply = replies.find((one) => one.status === status) ?? { status };
    cluster.evict = (pod, grace) => {
      if (clock.now().getTime() - START.getTime() < ms) cluster.script.set(pod.name, [reply]);
      return evict(pod, grace);
    };
  };

  test.each(replies)('with $status is asked again until it admits it', async ({ status }) => {
    const { report, cluster } = await drained([aPod()], spot, deniedFor(20_000, status));
    expect(outcomes(report)).toEqual({ web: 'evicted' });
    expect(cluster.calls.length).toBeGreaterThan(4);
    expect(report.refused).toBeUndefined();
  });

  test.each(replies)(
    'with $status to the end is passed by near the end of a spot notice',
    async ({ status }) => {
      const { report, cluster } = await drained([aPod()], spot, deniedFor(600_000, status));
      expect(outcomes(report)).toEqual({ web: 'forced' });
      expect(cluster.calls.at(-1)).toMatchObject({ verb: 'remove', at: NOTICE_MS - 32_000 });
    },
  );

  test('is not waited for as a budget is: the patience of a nightly stop does not end while it denies', async () => {
    const stop = { until: at(150_000), budgetPatienceMs: 10_000 };
    const { report } = await drained([aPod()], stop, deniedFor(90_000, 403));
    expect(outcomes(report)).toEqual({ web: 'evicted' });
  });

  test('is named where nothing may be forced', async () => {
    const { report } = await drained([aPod()], { until: at(60_000) }, deniedFor(600_000, 403));
    expect(report.end).toBe('timed-out');
    expect(report.pods).toMatchObject([
      { outcome: 'blocked', reason: expect.stringContaining('drain-cleaner.strimzi.io') },
    ]);
  });
});

describe('pods that come back to the cordoned node', () => {
  /** Its successor is bound to the node 0.3 s after each eviction. */
  const comesBack = (cluster: TestCluster, clock: { after(ms: number, act: () => void): void }) => {
    const { evict } = cluster;
    let count = 0;
    cluster.endsAfterMs = () => 200;
    cluster.evict = async (pod, grace) => {
      const reply = await evict(pod, grace);
      if (reply.status === 201 && pod.tolerates)
        clock.after(300, () => cluster.add({ ...pod, name: `agent-${++count}`, uid: `uid-${count}` }));
      return reply;
    };
  };
  const tolerant = aPod({ name: 'agent-0', tolerates: 'everything' });

  test('are evicted twice for each owner and then left, with their toleration', async () => {
    const { report, cluster } = await drained([tolerant, aPod()], { until: at(NOTICE_MS) }, comesBack);
    expect(cluster.calls.filter(({ pod }) => pod.startsWith('agent'))).toHaveLength(3);
    expect(report.end).toBe('empty');
    expect(report.pods.filter(({ outcome }) => outcome === 'evicted')).toHaveLength(4);
    expect(report.pods.find(({ outcome }) => outcome === 'left')).toMatchObject({
      reason: expect.stringContaining('it tolerates everything'),
    });
  });

  test('count over all invocations of a drain: what an earlier one moved is not moved twice more', async () => {
    const order = { until: at(NOTICE_MS), cordonedAt: at(-60_000), returned: { 'uid-of-web': ['x', 'y'] } };
    const bound = { boundAt: at(-30_000) };
    const { report, cluster } = await drained(
      [
        aPod({ name: 'before', boundAt: at(-90_000), controller: tolerant.controller ?? never() }),
        { ...tolerant, ...bound },
      ],
      order,
      comesBack,
    );
    expect(outcomes(report)).toMatchObject({ before: 'evicted', 'agent-0': 'left' });
    expect(cluster.calls).toHaveLength(1);
  });

  test('are all evicted where they were on the node at the cordon', async () => {
    const pods = Array.from({ length: 10 }, (_, n) => aPod({ name: `web-${n}` }));
    const { report } = await drained(pods);
    expect(report.pods.every(({ outcome }) => outcome === 'evicted')).toBe(true);
  });
});

describe('a pod that does not end', () => {
  const hangs = (cluster: TestCluster, clock: { now(): Date }) => {
    cluster.evict = async (pod) => {
      const endsAt = new Date(clock.now().getTime() + pod.graceSeconds * 1_000);
      cluster.add({ ...pod, terminating: true, endsAt });
      return { status: 201, reason: '', causes: [], detail: '' };
    };
  };

  test('on a node that is not Ready is waited for until its grace period and a minute are over', async () => {
    const { report, clock } = await drained([aPod({ graceSeconds: 30 })], { until: at(3_600_000) }, hangs);
    expect(report.end).toBe('empty');
    expect(report.pods).toMatchObject([{ outcome: 'left', reason: expect.stringContaining('not Ready') }]);
    const seconds = (clock.now().getTime() - START.getTime()) / 1_000;
    expect(seconds).toBeGreaterThan(90);
    expect(seconds).toBeLessThan(110);
  });

  test('on a node that is Ready is waited for to the end, and its finalizer is named', async () => {
    const pod = aPod({ finalizers: ['example.com/backup'] });
    const { report } = await drained([pod], { until: at(600_000) }, (cluster, clock) => {
      hangs(cluster, clock);
      cluster.nodes = [aNode({ readySince: START })];
    });
    expect(report.end).toBe('timed-out');
    expect(report.pods).toMatchObject([
      { outcome: 'terminating', reason: 'the finalizer example.com/backup holds it' },
    ]);
  });

  test('because it has more time than there is gets a deletion with what is left', async () => {
    const going = aPod({ graceSeconds: 600, terminating: true, endsAt: at(580_000) });
    const { report, cluster } = await drained([going], { ...spot, force: false }, (cluster) => {
      cluster.endsAfterMs = () => 3_000;
    });
    expect(cluster.calls).toMatchObject([{ verb: 'remove', graceSeconds: 114 }]);
    expect(outcomes(report)).toEqual({ web: 'already-terminating' });
  });

  test('gets no deletion where its time is up before the instance goes', async () => {
    const going = aPod({ terminating: true, endsAt: at(30_000) });
    const { cluster } = await drained([going], spot, (cluster, clock) => {
      clock.after(5_000, () => cluster.vanish('web'));
    });
    expect(cluster.calls).toEqual([]);
  });
});

function never(): never {
  throw new Error('the pod has no controller');
}
