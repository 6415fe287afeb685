import { describe, expect, test } from 'vitest';
import {
  AccessRefusedError,
  ClusterUnavailableError,
  type Pod,
  type Reply,
} from '#functions/spot-drain/ports.ts';
import { START } from './a-clock.ts';
import { aPod, ofDaemonSet, type TestCluster } from './a-cluster.ts';
import { at, drained, FORBIDDEN, NOTICE_MS, outcomes } from './a-drain.ts';

describe('a drain', () => {
  test('evicts every pod at once and waits until they are gone', async () => {
    const { report, cluster } = await drained([aPod({ name: 'a' }), aPod({ name: 'b' })]);
    expect(report.end).toBe('empty');
    expect(outcomes(report)).toEqual({ a: 'evicted', b: 'evicted' });
    expect(cluster.calls.map((call) => call.at)).toEqual([10, 10]);
  });

  test('of a node without pods is over at once', async () => {
    const { report, clock } = await drained([]);
    expect(report).toEqual({ end: 'empty', pods: [] });
    expect(clock.now().getTime() - START.getTime()).toBeLessThan(100);
  });

  test('issues every eviction of a full unblocked node within 2 s, the critical ones last', async () => {
    const pods = Array.from({ length: 110 }, (_, n) =>
      aPod({ name: `pod-${n}`, ...(n % 10 === 0 ? { priorityClass: 'system-cluster-critical' } : {}) }),
    );
    const { cluster } = await drained(pods);
    expect(cluster.calls).toHaveLength(110);
    expect(Math.max(...cluster.calls.map((call) => call.at))).toBeLessThan(2_000);
    const lastOrdinary = cluster.calls.findLastIndex((call) => !isCriticalName(call.pod));
    expect(cluster.calls.findIndex((call) => isCriticalName(call.pod))).toBeGreaterThan(lastOrdinary);
  });

  test('does not keep critical pods waiting for an eviction that hangs', async () => {
    const { cluster } = await drained(
      [aPod({ name: 'slow' }), aPod({ name: 'dns', priority: 2_000_000_000 })],
      {},
      (cluster) => {
        cluster.latencyMs = 4_000;
      },
    );
    const [slow, dns] = ['slow', 'dns'].map((pod) => cluster.calls.find((call) => call.pod === pod)?.at ?? 0);
    expect((dns ?? 0) - (slow ?? 0)).toBeLessThanOrEqual(1_500);
  });

  test('lists the pods once a second while it waits, and asks for no pod by itself', async () => {
    const { cluster } = await drained([aPod()], {}, (cluster) => {
      cluster.endsAfterMs = () => 10_000;
    });
    const gaps = cluster.lists.slice(1).map((at, index) => at - (cluster.lists[index] ?? 0));
    expect(gaps.every((gap) => gap >= 1_000)).toBe(true);
    expect(cluster.lists.length).toBeLessThanOrEqual(12);
  });

  test('takes in a pod that appears on the node meanwhile', async () => {
    const { report } = await drained([aPod({ name: 'first' })], {}, (cluster, clock) => {
      clock.after(1_500, () => cluster.add(aPod({ name: 'second' })));
    });
    expect(outcomes(report)).toEqual({ first: 'evicted', second: 'evicted' });
  });

  test('leaves the new pod alone that took the name of an old one elsewhere', async () => {
    const { report, cluster } = await drained([aPod({ name: 'db-0', uid: 'old' })], {}, (cluster) => {
      cluster.script.set('db-0', [{ status: 409, detail: 'Precondition failed: UID in precondition: old' }]);
      cluster.evict = vanishAfter(cluster, 'db-0');
    });
    expect(outcomes(report)).toEqual({ 'db-0': 'evicted' });
    expect(cluster.calls).toHaveLength(1);
  });

  test('evicts a stateful pod that came back to the node under its name once more', async () => {
    const { report, cluster } = await drained([aPod({ name: 'db-0', uid: 'old' })], {}, (cluster, clock) => {
      clock.after(3_000, () => cluster.add(aPod({ name: 'db-0', uid: 'new' })));
      cluster.add(aPod({ name: 'keeps-the-drain-going' }));
      cluster.endsAfterMs = (pod) => (pod.name === 'db-0' ? 2_500 : 8_000);
    });
    expect(cluster.calls.filter((call) => call.pod === 'db-0')).toHaveLength(2);
    expect(report.end).toBe('empty');
  });

  test('ends when somebody else has taken the instance', async () => {
    const { report, clock } = await drained([aPod()], { isStillOurs: async () => false }, (cluster) => {
      cluster.endsAfterMs = () => 60_000;
    });
    expect(report.end).toBe('taken-over');
    expect(clock.now().getTime() - START.getTime()).toBeLessThanOrEqual(5_100);
  });

  test('goes on through an API server that is away for a while', async () => {
    let away = 3;
    const { report } = await drained([aPod()], {}, (cluster) => {
      cluster.broken.podsOn = () =>
        away-- > 0 ? new ClusterUnavailableError('connection reset') : undefined;
    });
    expect(outcomes(report)).toEqual({ web: 'evicted' });
  });

  test('throws what kept it from ever seeing the pods', async () => {
    await expect(
      drained([aPod()], {}, (cluster) => {
        cluster.broken.podsOn = () => new ClusterUnavailableError('connection refused');
      }),
    ).rejects.toThrow('connection refused');
  });

  test('is loud when RBAC refuses the list', async () => {
    await expect(
      drained([aPod()], {}, (cluster) => {
        cluster.broken.podsOn = () => new AccessRefusedError('pods is forbidden');
      }),
    ).rejects.toBeInstanceOf(AccessRefusedError);
  });
});

describe('which pods a drain touches', () => {
  const cases: readonly [string, Pod, string, number][] = [
    ['leaves a static pod', aPod({ mirror: true }), 'skipped', 0],
    ['leaves a pod of a live DaemonSet', ofDaemonSet(), 'skipped', 0],
    ['moves a pod whose DaemonSet is no more', ofDaemonSet('orphan'), 'evicted', 1],
    [
      'moves a pod of something that only calls itself DaemonSet',
      ofDaemonSet('agent', {
        controller: { kind: 'DaemonSet', group: 'apps.kruise.io', name: 'agent', uid: 'kruise' },
      }),
      'evicted',
      1,
    ],
    ['moves a pod that nobody controls', nakedPod(), 'evicted', 1],
    ['clears away a pod that succeeded', aPod({ phase: 'Succeeded' }), 'finished', 1],
    ['clears away a pod that failed', aPod({ phase: 'Failed' }), 'finished', 1],
    ['moves a pending pod', aPod({ phase: 'Pending' }), 'evicted', 1],
  ];
  test.each(cases)('%s', async (_name, pod, outcome, evictions) => {
    const { report, cluster } = await drained([pod]);
    expect(report.pods.map((one) => one.outcome)).toEqual([outcome]);
    expect(cluster.calls).toHaveLength(evictions);
  });

  test('only waits for a pod that is going already', async () => {
    const { report, cluster } = await drained([aPod({ terminating: true })], {}, (cluster, clock) => {
      clock.after(3_000, () => cluster.vanish('web'));
    });
    expect(outcomes(report)).toEqual({ web: 'already-terminating' });
    expect(cluster.calls).toEqual([]);
  });

  test('asks for a DaemonSet once, however many of its pods there are', async () => {
    let asked = 0;
    await drained(
      [ofDaemonSet('agent', { name: 'a' }), ofDaemonSet('agent', { name: 'b' })],
      {},
      (cluster) => {
        cluster.broken.daemonSetExists = () => {
          asked++;
          return undefined;
        };
      },
    );
    expect(asked).toBe(1);
  });
});

describe('what a reply to an eviction leads to', () => {
  const held: Partial<Reply> = {
    status: 429,
    causes: [
      {
        reason: 'DisruptionBudget',
        message: 'The disruption budget web needs 2 healthy pods and has 2 currently',
      },
    ],
  };
  /** The reply that comes first, when the pod is asked again after it, and what became of the pod. */
  const cases: readonly [string, Partial<Reply>, [number, number] | undefined, string][] = [
    ['2xx: wait until it is gone', { status: 201 }, undefined, 'evicted'],
    [
      '404 while the lists show the pod: again after 2 s',
      { status: 404, reason: 'NotFound', detail: 'pods "web" not found' },
      [2_000, 2_100],
      'evicted',
    ],
    [
      '409 for another UID while the lists show the pod: again after 2 s',
      {
        status: 409,
        detail:
          'Operation cannot be fulfilled on pods "web": Precondition failed: UID in precondition: a, UID in object meta: b',
      },
      [2_000, 2_100],
      'evicted',
    ],
    [
      '409 for another UID, in the words of the storage: again after 2 s',
      {
        status: 409,
        reason: 'Conflict',
        detail:
          'Operation cannot be fulfilled on pods "web": the UID in the precondition (a) does not match the UID in record (b). The object might have been deleted and then recreated',
      },
      [2_000, 2_100],
      'evicted',
    ],
    ['404 that is no Status: back off', { status: 404, detail: '<html>' }, [500, 600], 'evicted'],
    [
      '409 for a write in between: again soon',
      { status: 409, detail: 'the object has been modified' },
      [500, 600],
      'evicted',
    ],
    ['429 of a budget: again after 1 s', held, [1_000, 1_100], 'evicted'],
    [
      '429 without a cause: after Retry-After',
      { status: 429, retryAfterSeconds: 2 },
      [2_000, 2_100],
      'evicted',
    ],
    [
      '429 with a long Retry-After: after an eighth of the remaining time',
      { status: 429, retryAfterSeconds: 3_600 },
      [2_300, 2_600],
      'evicted',
    ],
    ['401: back off, its authenticator cannot check the token', { status: 401 }, [500, 600], 'evicted'],
    ...[
      'admission webhook "pods.example.com" denied the request: not now',
      'pods "web" is forbidden: busy',
    ].map((detail): [string, Partial<Reply>, [number, number], string] => [
      `403 of admission: again after 1 s (${detail})`,
      { status: 403, reason: 'Forbidden', detail },
      [1_000, 1_100],
      'evicted',
    ]),
    ['429 without anything: after 1 s', { status: 429 }, [1_000, 1_100], 'evicted'],
    [
      '403 because the namespace is going: again',
      { status: 403, causes: [{ reason: 'NamespaceTerminating', message: '' }] },
      [1_000, 1_100],
      'evicted',
    ],
    ['504: back off', { status: 504 }, [500, 600], 'evicted'],
    ['no reply at all: back off', { status: 0, detail: 'connection reset' }, [500, 600], 'evicted'],
    ['403 of RBAC: not again', FORBIDDEN, undefined, 'failed'],
    [
      '500 for several budgets: again, slowly',
      { status: 500, detail: 'This pod has more than one PodDisruptionBudget, which is not supported.' },
      [10_000, 10_100],
      'evicted',
    ],
  ];
  test.each(cases)('%s', async (_name, first, again, outcome) => {
    const { report, cluster } = await drained([aPod()], { until: at(20_000) }, (cluster) => {
      cluster.script.set('web', [first]);
    });
    expect(outcomes(report)).toEqual({ web: outcome });
    expect(cluster.calls).toHaveLength(again ? 2 : 1);
    if (again) {
      const gap = (cluster.calls[1]?.at ?? 0) - (cluster.calls[0]?.at ?? 0) - cluster.latencyMs;
      expect(gap).toBeGreaterThanOrEqual(again[0]);
      expect(gap).toBeLessThanOrEqual(again[1]);
    }
  });

  test('a refusal by RBAC is reported in the words of the API server, and the other pods are moved', async () => {
    const { report } = await drained([aPod({ name: 'a' }), aPod({ name: 'b' })], {}, (cluster) => {
      cluster.script.set('a', [FORBIDDEN]);
    });
    expect(report.refused).toBe(FORBIDDEN.detail);
    expect(outcomes(report)).toEqual({ a: 'failed', b: 'evicted' });
  });

  test('tries no longer than 5 s apart while a budget holds', async () => {
    const { cluster } = await drained([aPod()], { until: at(60_000) }, (cluster) => {
      cluster.script.set(
        'web',
        Array.from({ length: 12 }, () => held),
      );
    });
    const gaps = cluster.calls.slice(1).map((call, index) => call.at - (cluster.calls[index]?.at ?? 0));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(5_100);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(1_000);
  });

  test('waits for whole milliseconds: a timer and a clock know no less, and it would be woken too early', async () => {
    const waits: number[] = [];
    await drained([aPod()], { until: at(30_000) }, (cluster, clock) => {
      cluster.budgets = [{ name: 'web', pods: ['web'], allowed: 0, recoveryMs: 0 }];
      const { alarm } = clock;
      clock.random = () => 1 / 3;
      clock.alarm = (ms) => {
        waits.push(ms);
        return alarm(ms);
      };
    });
    expect(waits.filter((ms) => !Number.isInteger(ms))).toEqual([]);
  });

  test('drops a held pod that has left the node by itself', async () => {
    const { report, cluster } = await drained([aPod()], {}, (cluster, clock) => {
      cluster.script.set(
        'web',
        Array.from({ length: 20 }, () => held),
      );
      clock.after(1_500, () => cluster.vanish('web'));
    });
    expect(report.end).toBe('empty');
    expect(cluster.calls.length).toBeLessThanOrEqual(2);
  });

  test('gets pods through a budget that admits one at a time faster than one in 5 s', async () => {
    const pods = Array.from({ length: 10 }, (_, n) => aPod({ name: `web-${n}` }));
    const { report, clock } = await drained(pods, {}, (cluster) => {
      cluster.budgets = [{ name: 'web', pods: pods.map((pod) => pod.name), allowed: 1, recoveryMs: 3_000 }];
    });
    expect(report.pods.every((pod) => pod.outcome === 'evicted')).toBe(true);
    expect(clock.now().getTime() - START.getTime()).toBeLessThan(10 * 5_000);
  });
});

describe('the end of a notice', () => {
  const spot = { deadline: at(NOTICE_MS), until: at(NOTICE_MS), force: true };
  const neverAllowed = (cluster: TestCluster) => {
    cluster.budgets = [{ name: 'web', pods: ['web'], allowed: 0, recoveryMs: 0 }];
  };

  test('obeys a budget until the deadline less the grace and 2 s, and then deletes with what is left', async () => {
    const { report, cluster } = await drained([aPod({ graceSeconds: 30 })], spot, neverAllowed);
    const removal = cluster.calls.filter((call) => call.verb === 'remove');
    expect(removal).toEqual([
      { verb: 'remove', pod: 'web', at: NOTICE_MS - 32_000, graceSeconds: 30, status: 200 },
    ]);
    expect(report.pods).toMatchObject([{ outcome: 'forced', budget: 'web' }]);
  });

  test('never deletes with a grace of 0', async () => {
    const { cluster } = await drained([aPod({ graceSeconds: 0 })], spot, neverAllowed);
    expect(cluster.calls.filter((call) => call.verb === 'remove').map((call) => call.graceSeconds)).toEqual([
      1,
    ]);
  });

  test('forces nothing where the deadline was over when the drain began', async () => {
    const late = { deadline: at(-60_000), until: at(15_000), force: true };
    const { cluster } = await drained([aPod()], late, neverAllowed);
    expect(cluster.calls.filter((call) => call.verb === 'remove')).toEqual([]);
  });

  test('asks for an eviction before it forces, however late it is', async () => {
    const late = { deadline: at(-60_000), until: at(15_000), force: true };
    const { report, cluster } = await drained([aPod()], late);
    expect(cluster.calls.map((call) => call.verb)).toEqual(['evict']);
    expect(outcomes(report)).toEqual({ web: 'evicted' });
  });

  test('counts a long grace for half of the notice at most, so that budgets have their chance', async () => {
    const { cluster } = await drained([aPod({ graceSeconds: 600 })], spot, neverAllowed);
    expect(cluster.calls.find((call) => call.verb === 'remove')).toMatchObject({
      at: NOTICE_MS / 2 - 2_000,
      graceSeconds: 59,
    });
  });

  test('tells a pod with a long grace how long it really has', async () => {
    const { cluster } = await drained([aPod({ graceSeconds: 600 })], spot);
    expect(cluster.calls).toMatchObject([{ verb: 'evict', graceSeconds: 114 }]);
  });

  test('forces a pod that several budgets match, which no eviction would ever move', async () => {
    const { report } = await drained([aPod()], spot, (cluster) => {
      cluster.budgets = ['a', 'b'].map((name) => ({ name, pods: ['web'], allowed: 1, recoveryMs: 0 }));
    });
    expect(outcomes(report)).toEqual({ web: 'forced' });
  });

  test('tries a deletion again that did not get through', async () => {
    const { report, cluster } = await drained([aPod()], spot, (cluster) => {
      neverAllowed(cluster);
      const { remove } = cluster;
      let lost = 1;
      cluster.remove = async (pod, grace) =>
        lost-- > 0 ? { status: 0, reason: '', causes: [], detail: 'reset' } : remove(pod, grace);
    });
    expect(outcomes(report)).toEqual({ web: 'forced' });
    expect(cluster.calls.filter((call) => call.verb === 'remove')).toHaveLength(1);
  });

  test('forces nothing where the config says so', async () => {
    const { report, cluster } = await drained([aPod()], { ...spot, force: false }, neverAllowed);
    expect(report.end).toBe('timed-out');
    expect(report.pods).toMatchObject([{ outcome: 'blocked', budget: 'web' }]);
    expect(cluster.calls.every((call) => call.verb === 'evict')).toBe(true);
  });

  test('forces nothing where nobody knows when the instance goes', async () => {
    const { report, cluster } = await drained([aPod()], { until: at(60_000), force: true }, neverAllowed);
    expect(report.end).toBe('timed-out');
    expect(cluster.calls.every((call) => call.verb === 'evict')).toBe(true);
  });

  test('reports a pod that was asked to go and has not ended as terminating', async () => {
    const { report } = await drained(
      [aPod({ graceSeconds: 90 })],
      { ...spot, until: at(20_000) },
      (cluster) => {
        cluster.endsAfterMs = () => 90_000;
      },
    );
    expect(report.end).toBe('timed-out');
    expect(outcomes(report)).toEqual({ web: 'terminating' });
  });
});

/** The reply comes, and the next list no longer shows the pod. */
function vanishAfter(cluster: TestCluster, pod: string): TestCluster['evict'] {
  const { evict } = cluster;
  return async (asked, graceSeconds) => {
    const reply = await evict(asked, graceSeconds);
    cluster.vanish(pod);
    return reply;
  };
}

function isCriticalName(name: string): boolean {
  return Number(name.slice(4)) % 10 === 0;
}

function nakedPod(): Pod {
  const { controller: _, ...pod } = aPod();
  return pod;
}
