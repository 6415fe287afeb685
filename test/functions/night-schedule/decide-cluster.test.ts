import { describe, expect, test } from 'vitest';
import { decideCluster } from '#functions/night-schedule/decide-cluster.ts';
import { reportsOf } from '#functions/night-schedule/decide-reports.ts';
import type { AutoscalerView, Memory } from '#functions/night-schedule/ports.ts';
import { objectOf, type SavedAutoscaler, type SavedSize } from '#functions/night-schedule/records.ts';
import type { Policy, Snapshot } from '#functions/night-schedule/snapshot.ts';
import type { Versioned } from '#functions/shared/versioned.ts';
import type { ClusterState } from '#model/cluster-state.ts';
import { aDesired, aGroup, aSavedSize, claims, instances, NIGHT } from './builders.ts';

const zero = { min: 0, desired: 0, max: 5 };
const workers = aGroup();
const system = aGroup({ name: 'system', autoScalingGroup: 'eks-system-1' });
const empty = (name: string) => aGroup({ name, size: zero, instances: [] });
const awake = aDesired({ state: 'awake', reason: 'office hours' });

const versioned = <T>(value: T, version = 3) => ({ value, version });
const deployment = 'kube-system/cluster-autoscaler';
const pausedWith = (...all: readonly Versioned<SavedAutoscaler>[]): Memory['autoscaler'] =>
  new Map(all.map((one) => [objectOf(one.value), one]));
const unreadable = (...groups: readonly string[]): Memory['corrupt'] =>
  groups.map((name) => ({ item: `night | saved#develop/${name}`, kind: 'saved', name }));
const saved = (...sizes: SavedSize[]) => new Map(sizes.map((size) => [size.group, versioned(size)]));
const aMemory = (overrides: Partial<Memory> = {}): Memory => ({
  overrides: [],
  saved: new Map(),
  autoscaler: new Map(),
  cronJobs: new Map(),
  notes: {},
  corrupt: [],
  ...overrides,
});
const aState = (overrides: Partial<ClusterState> = {}) =>
  versioned<ClusterState>({
    phase: 'stopping',
    desired: 'asleep',
    reason: 'outside office hours',
    since: NIGHT.toISOString(),
    groups: [],
    ...overrides,
  });
const later = (ms: number) => new Date(NIGHT.getTime() + ms).toISOString();
const minutesAgo = (minutes: number) => later(-minutes * 60_000);

/** A cluster with the groups `workers` and `system`, at night; the autoscaler runs on `system`. */
function plan(overrides: Partial<Snapshot> = {}, policy: Partial<Policy> = {}) {
  return decideCluster(
    {
      now: NIGHT,
      desired: aDesired(),
      groups: [workers, system],
      released: new Set(),
      missing: [],
      memory: aMemory(),
      ready: undefined,
      autoscaler: undefined,
      ...overrides,
    },
    {
      onManualChange: 'respect',
      stopDeadlineMinutes: 20,
      startDeadlineMinutes: 20,
      reportsOf,
      hostGroup: 'system',
      ...policy,
    },
  );
}

/** `workers stop` for each step, by stage; empty stages are left out. */
const order = ({ stages }: ReturnType<typeof plan>) =>
  stages
    .map((stage) => stage.map((step) => `${step.target} ${step.action}`))
    .filter((stage) => stage.length > 0);
const stepOf = ({ stages }: ReturnType<typeof plan>, name: string) =>
  stages.flat().find((step) => step.target === name);

describe('the order of a stop', () => {
  test('is all groups at once where no group carries an autoscaler', () => {
    expect(order(plan({}, { hostGroup: 'another' }))).toEqual([['workers stop', 'system stop']]);
  });

  test('is the groups of stopLast with the host group, and the same ones first in the morning', () => {
    const edge = aGroup({ name: 'edge', autoScalingGroup: 'eks-edge-1' });
    const groups = [edge, workers, system];
    const begun = plan({ groups }, { stopLast: ['edge'] });
    expect(order(begun)).toEqual([['workers stop'], ['edge none', 'system none']]);
    expect(stepOf(begun, 'edge')?.reason).toBe('stopped last: waits for workers');
    const emptied = plan({ groups: [edge, empty('workers'), system] }, { stopLast: ['edge'] });
    expect(stepOf(emptied, 'edge')?.action).toBe('stop');
    expect(stepOf(emptied, 'system')?.action).toBe('stop');
    const alone = plan({ groups: [edge, workers] }, { stopLast: ['edge'], hostGroup: undefined });
    expect(order(alone)).toEqual([['workers stop'], ['edge none']]);
    const memory = aMemory({
      saved: saved(aSavedSize(), aSavedSize({ group: 'edge', autoScalingGroup: 'eks-edge-1' })),
    });
    const zeroEdge = { ...empty('edge'), autoScalingGroup: 'eks-edge-1' };
    const morning = plan(
      { desired: awake, groups: [empty('workers'), zeroEdge], memory },
      { stopLast: ['edge'], hostGroup: undefined },
    );
    expect(order(morning)).toEqual([['edge start'], ['workers start']]);
  });

  test('is the host group last: it waits until the others are empty', () => {
    const begun = plan();
    expect(order(begun)).toEqual([['workers stop'], ['system none']]);
    expect(stepOf(begun, 'system')).toEqual({
      target: 'system',
      action: 'none',
      reason: 'stopped last: waits for workers',
    });
    expect(order(plan({ groups: [empty('workers'), system] }))).toEqual([['workers none'], ['system stop']]);
  });

  test('has the host wait for instances that are still leaving, and names every group', () => {
    const leaving = aGroup({ name: 'batch', size: zero, instances: instances(1) });
    expect(stepOf(plan({ groups: [workers, leaving, system] }), 'system')?.reason).toBe(
      'stopped last: waits for workers, batch',
    );
  });

  test('does not have the host wait for a group that somebody keeps, that cannot be read, or that is woken', () => {
    const manual = aMemory({ saved: saved(aSavedSize({ phase: 'manual' })) });
    expect(stepOf(plan({ memory: manual }), 'system')?.action).toBe('stop');
    expect(stepOf(plan({ memory: aMemory({ corrupt: unreadable('workers') }) }), 'system')?.action).toBe(
      'stop',
    );
    expect(stepOf(plan({ released: new Set(['workers']) }), 'system')?.action).toBe('stop');
  });

  test('does not let a host wait that is already at zero', () => {
    expect(stepOf(plan({ groups: [workers, empty('system')] }), 'system')?.reason).not.toMatch(/wait/);
  });

  test('has the host wait for the NodeClaims of Karpenter', () => {
    const karpenter: AutoscalerView = { kind: 'karpenter', pools: {}, claims: claims(2) };
    const groups = [empty('workers'), system];
    expect(stepOf(plan({ groups, autoscaler: karpenter }), 'system')).toMatchObject({
      action: 'none',
      reason: 'stopped last: 2 NodeClaims of Karpenter remain',
    });
    expect(stepOf(plan({ groups, autoscaler: { ...karpenter, claims: [] } }), 'system')?.action).toBe('stop');
  });

  test('has nobody wait any more when the stop is past its deadline', () => {
    const memory = aMemory({ state: aState({ since: minutesAgo(20) }) });
    const late = plan({ memory });
    expect(late.isLate).toBe(true);
    expect(order(late)).toEqual([['workers stop'], ['system stop']]);
    expect(order(plan({ memory, autoscaler: 'unknown' }))).toEqual([['workers stop'], ['system stop']]);
  });

  test.each([
    ['a minute before the deadline', { since: minutesAgo(19) }],
    ['while it is asleep', { since: minutesAgo(60), phase: 'asleep' as const }],
  ])('is not past its deadline %s', (_when, state) => {
    expect(plan({ memory: aMemory({ state: aState(state) }) }).isLate).toBe(false);
  });

  test('is not past its deadline when nothing was begun, or when the cluster is to be awake', () => {
    expect(plan().isLate).toBe(false);
    const memory = aMemory({ state: aState({ since: minutesAgo(60) }) });
    expect(plan({ memory, desired: awake }).isLate).toBe(false);
  });
});

describe('an autoscaler whose state is unknown', () => {
  test('has every group wait that would be stopped: it would undo the stop', () => {
    const waiting = plan({ autoscaler: 'unknown' });
    expect(waiting.before).toEqual([]);
    expect(order(waiting)).toEqual([['workers none'], ['system none']]);
    expect(waiting.stages.flat().map((step) => step.reason)).toEqual([
      'waits: the request to the autoscaler failed, and a running autoscaler would undo the stop',
      'waits: the request to the autoscaler failed, and a running autoscaler would undo the stop',
    ]);
    expect(waiting.stages.flat().some((step) => step.resize || step.record)).toBe(false);
  });

  test('has no group wait that needs no change, and no host where there is none', () => {
    const quiet = plan({ autoscaler: 'unknown', groups: [empty('workers'), empty('system')] });
    const reasons = quiet.stages.flat().map((step) => step.reason);
    expect(reasons).toHaveLength(2);
    for (const reason of reasons) expect(reason).not.toMatch(/wait/);
    expect(order(plan({ autoscaler: 'unknown', groups: [workers] }))).toEqual([['workers none']]);
  });
});

describe('before a stop', () => {
  const clusterAutoscaler: AutoscalerView = { kind: 'cluster-autoscaler', deployment, replicas: 2 };
  const since = NIGHT.toISOString();

  test('the cluster autoscaler is paused, and its replicas are written down', () => {
    expect(plan({ autoscaler: clusterAutoscaler }).before).toEqual([
      {
        target: 'cluster-autoscaler',
        action: 'pause',
        reason: 'before the stop; 2 replicas are saved',
        save: [{ kind: 'cluster-autoscaler', deployment, replicas: 2, since }],
        pause: clusterAutoscaler,
      },
    ]);
  });

  test('Karpenter is paused, and the limits of the pools that may start nodes are written down', () => {
    const pools = {
      free: { limits: null, replicas: null },
      bounded: { limits: { cpu: '100' }, replicas: null },
      closed: { limits: { cpu: '0' }, replicas: null },
      memoryOnly: { limits: { memory: '1Gi' }, replicas: null },
      static: { limits: null, replicas: 2 },
      staticEmpty: { limits: null, replicas: 0 },
    };
    const { free, bounded, memoryOnly, static: fixed } = pools;
    const view: AutoscalerView = { kind: 'karpenter', pools, claims: claims(3) };
    expect(plan({ autoscaler: view }).before).toEqual([
      {
        target: 'karpenter',
        action: 'pause',
        reason: 'before the stop; limits are saved',
        save: Object.entries({ free, bounded, memoryOnly, static: fixed }).map(([nodePool, setting]) => ({
          kind: 'karpenter',
          nodePool,
          setting,
          since,
        })),
        pause: view,
        terminateAt: '2026-11-24T13:15:00Z',
      },
    ]);
  });

  test.each<[string, AutoscalerView]>([
    ['has no replicas', { kind: 'cluster-autoscaler', deployment, replicas: 0 }],
    [
      'has neither open pools nor claims',
      { kind: 'karpenter', pools: { p: { limits: { cpu: '0' }, replicas: null } }, claims: [] },
    ],
  ])('an autoscaler that %s is not paused', (_what, autoscaler) => {
    expect(plan({ autoscaler }).before).toEqual([]);
  });

  test.each<[string, AutoscalerView]>([
    [
      'claims alone',
      { kind: 'karpenter', pools: { p: { limits: { cpu: '0' }, replicas: null } }, claims: claims(1) },
    ],
    ['an open pool alone', { kind: 'karpenter', pools: { p: { limits: null, replicas: null } }, claims: [] }],
  ])('Karpenter is paused for %s', (_what, autoscaler) => {
    expect(plan({ autoscaler }).before).toHaveLength(1);
  });

  test.each<[string, Partial<Memory>, string]>([
    [
      'that runs again while the cluster sleeps',
      { state: aState({ phase: 'asleep', since: minutesAgo(30), asleepSince: minutesAgo(30) }) },
      'it runs again although the cluster sleeps: something undoes the pause; paused again',
    ],
    [
      'of which nobody has seen that it was paused',
      {},
      'it still runs although its pause was saved: the request failed or was lost, or something undid it; paused again',
    ],
  ])('one %s is paused again, and the first saved setting stays', (_what, memory, reason) => {
    const first: SavedAutoscaler = {
      kind: 'cluster-autoscaler',
      deployment,
      replicas: 3,
      since: minutesAgo(60),
    };
    const [step] = plan({
      autoscaler: clusterAutoscaler,
      memory: aMemory({ ...memory, autoscaler: pausedWith(versioned(first, 7)) }),
    }).before;
    expect(step).toMatchObject({ action: 'pause', reason, save: [] });
  });

  test('pools that are new since then are added to what was written down', () => {
    const open = { limits: { cpu: '100' }, replicas: null };
    const first: SavedAutoscaler = {
      kind: 'karpenter',
      nodePool: 'a',
      setting: open,
      since: minutesAgo(60),
    };
    const pools = {
      a: { limits: { cpu: '7' }, replicas: null },
      b: { limits: null, replicas: null },
      c: { limits: { cpu: '0' }, replicas: null },
    };
    const [step] = plan({
      autoscaler: { kind: 'karpenter', pools, claims: [] },
      memory: aMemory({ autoscaler: pausedWith(versioned<SavedAutoscaler>(first)) }),
    }).before;
    expect(step?.save).toEqual([{ kind: 'karpenter', nodePool: 'b', setting: pools.b, since }]);
  });

  test('the record of an autoscaler of the other kind is left as it is', () => {
    const other: SavedAutoscaler = {
      kind: 'karpenter',
      nodePool: 'a',
      setting: { limits: null, replicas: null },
      since: minutesAgo(60),
    };
    const [step] = plan({
      autoscaler: clusterAutoscaler,
      memory: aMemory({ autoscaler: pausedWith(versioned(other)) }),
    }).before;
    expect(step).toMatchObject({ save: [{ kind: 'cluster-autoscaler', deployment, replicas: 2, since }] });
    expect(step).not.toHaveProperty('clear');
  });
});

describe('a saved setting of an autoscaler that cannot be read', () => {
  const since = NIGHT.toISOString();
  const unreadableObject = (name: string): Memory['corrupt'] => [
    { item: `night | autoscaler#${name}`, kind: 'autoscaler', name },
  ];

  test('stops one NodePool only: the others are paused', () => {
    const open = { limits: null, replicas: null };
    const view: AutoscalerView = { kind: 'karpenter', pools: { a: open, b: open }, claims: [] };
    const { before, stages } = plan({
      autoscaler: view,
      memory: aMemory({ corrupt: unreadableObject('nodepool#a') }),
    });
    expect(before).toMatchObject([
      {
        save: [{ kind: 'karpenter', nodePool: 'b', setting: open, since }],
        pause: { pools: { b: open } },
      },
    ]);
    expect(before[0]?.pause).not.toHaveProperty('pools.a');
    expect(stages[0]).toMatchObject([
      {
        target: 'nodepool#a',
        action: 'fail',
        reason:
          'the saved setting of nodepool#a cannot be read: it is left alone; check the item night | autoscaler#nodepool#a',
      },
    ]);
  });

  test('leaves a cluster autoscaler alone, and the groups wait for as long as a stop may take', () => {
    const running: AutoscalerView = { kind: 'cluster-autoscaler', deployment, replicas: 2 };
    const { before, stages } = plan({
      autoscaler: running,
      memory: aMemory({ corrupt: unreadableObject(`deployment#${deployment}`) }),
    });
    expect(before).toEqual([]);
    expect(stages[1]).toMatchObject([{ target: 'workers', action: 'none' }]);
  });
});

describe('the order of a start', () => {
  const replicas: SavedAutoscaler = {
    kind: 'cluster-autoscaler',
    deployment,
    replicas: 2,
    since: minutesAgo(600),
  };
  const paused = versioned(replicas, 5);
  const stopped: AutoscalerView = { kind: 'cluster-autoscaler', deployment, replicas: 0 };
  const asleep = saved(aSavedSize(), aSavedSize({ group: 'system', autoScalingGroup: 'eks-system-1' }));
  const start = (overrides: Partial<Snapshot> = {}, memory: Partial<Memory> = {}) =>
    plan({
      desired: awake,
      autoscaler: stopped,
      memory: aMemory({ autoscaler: pausedWith(paused), ...memory }),
      ...overrides,
    });
  const ready = new Set(['i-0']);

  test('is the host group first, then the others', () => {
    const groups = [empty('workers'), { ...empty('system'), autoScalingGroup: 'eks-system-1' }];
    expect(order(start({ groups }, { saved: asleep }))).toEqual([['system start'], ['workers start']]);
  });

  test('is all groups at once where no group carries an autoscaler', () => {
    expect(order(start({ groups: [workers, aGroup({ name: 'batch' })] }))).toEqual([
      ['workers none', 'batch none'],
    ]);
  });

  test('does nothing about an autoscaler that was not paused', () => {
    expect(
      plan({ desired: awake, autoscaler: { kind: 'cluster-autoscaler', deployment, replicas: 2 } }).after,
    ).toEqual([]);
  });

  test('gives the replicas back when a node of the host group is Ready', () => {
    expect(start({ ready }).after).toEqual([
      {
        target: 'cluster-autoscaler',
        action: 'resume',
        reason: 'its host group is Ready: back to 2 replicas',
        resume: [paused],
      },
    ]);
  });

  test.each<[string, Partial<Snapshot>]>([
    ['none is Ready', { ready: new Set(['i-other']) }],
    ['the request to the Kubernetes API failed', { ready: undefined }],
    [
      'the one that is Ready is going',
      { ready, groups: [workers, aGroup({ name: 'system', instances: instances(1, false) })] },
    ],
  ])('waits with the autoscaler while %s', (_why, overrides) => {
    expect(start(overrides).after).toEqual([
      { target: 'cluster-autoscaler', action: 'none', reason: 'waits for a Ready node of system' },
    ]);
  });

  test('does not wait for a host group that is not there', () => {
    expect(start({ groups: [workers] }).after[0]?.action).toBe('resume');
  });

  test('waits until every group has its sizes back, and names those that have not', () => {
    const groups = [empty('workers'), empty('batch'), system];
    const sizes = saved(aSavedSize(), aSavedSize({ group: 'batch' }));
    expect(start({ ready, groups }, { saved: sizes }).after).toEqual([
      {
        target: 'cluster-autoscaler',
        action: 'none',
        reason: 'the sizes of workers, batch are restored first',
      },
    ]);
  });

  test('waits for no group past the deadline: one that is being deleted holds up nothing else', () => {
    const state = aState({ phase: 'starting', since: minutesAgo(60) });
    const groups = [empty('workers'), system];
    const { after } = start({ groups }, { saved: saved(aSavedSize()), state });
    expect(after).toMatchObject([
      { target: 'cluster-autoscaler', action: 'resume', reason: 'the start is overdue: back to 2 replicas' },
    ]);
  });

  test.each<[string, Partial<Snapshot>, Partial<Memory>]>([
    ['at zero without a record', { groups: [empty('workers'), system] }, {}],
    [
      'at zero although its sizes were observed restored',
      { groups: [empty('workers'), system] },
      { saved: saved(aSavedSize({ phase: 'restored' })) },
    ],
    ['not at zero', {}, { saved: saved(aSavedSize({ phase: 'restoring' })) }],
  ])('does not wait for a group that is %s', (_what, overrides, memory) => {
    expect(start({ ready, ...overrides }, memory).after[0]?.action).toBe('resume');
  });

  test('records that the request to the autoscaler failed', () => {
    expect(start({ ready, autoscaler: 'unknown' }).after).toEqual([
      { target: 'cluster-autoscaler', action: 'none', reason: 'the request for its state failed' },
    ]);
  });

  test('resumes one that is not configured any more', () => {
    expect(start({ ready, autoscaler: undefined }).after[0]?.action).toBe('resume');
  });

  test.each([2, 3])('drops the record when %d replicas were seen of 2, whatever the nodes are', (seen) => {
    expect(start({ autoscaler: { kind: 'cluster-autoscaler', deployment, replicas: seen } }).after).toEqual([
      {
        target: 'cluster-autoscaler',
        action: 'resume',
        reason: 'it runs as before the stop',
        clear: [paused],
      },
    ]);
  });

  test('keeps the record while fewer replicas are seen, or an autoscaler of another kind', () => {
    const fewer = start({ ready, autoscaler: { kind: 'cluster-autoscaler', deployment, replicas: 1 } });
    expect(fewer.after[0]).toMatchObject({ resume: [paused] });
    const karpenter = start({ ready, autoscaler: { kind: 'karpenter', pools: {}, claims: [] } });
    expect(karpenter.after[0]).toMatchObject({ resume: [paused] });
  });

  describe('with Karpenter', () => {
    const open = { limits: null, replicas: null };
    const closed = { limits: { cpu: '0' }, replicas: null };
    const limits = ['a', 'b'].map((nodePool) =>
      versioned<SavedAutoscaler>({ kind: 'karpenter', nodePool, setting: open, since: minutesAgo(600) }),
    );
    const seen = (pools: Record<string, typeof open | typeof closed>) =>
      start(
        { ready, autoscaler: { kind: 'karpenter', pools, claims: [] } },
        { autoscaler: pausedWith(...limits) },
      );

    test('gives the limits back', () => {
      expect(seen({ a: closed, b: closed }).after).toEqual([
        {
          target: 'karpenter',
          action: 'resume',
          reason: 'its host group is Ready: the limits of its NodePools are restored',
          resume: limits,
        },
      ]);
      expect(seen({ a: open, b: closed }).after[0]?.resume).toEqual([limits[1]]);
    });

    test('drops the record of each pool that was seen open, and restores one that is not seen from its record', () => {
      expect(seen({ a: open, b: open }).after[0]?.clear).toEqual(limits);
      expect(seen({ a: open }).after).toMatchObject([
        { action: 'resume', clear: [limits[0]] },
        { target: 'nodepool#b', action: 'resume', resume: [limits[1]], clearResumed: true },
      ]);
    });

    test('keeps the record while a cluster autoscaler is seen in its place', () => {
      const other = start(
        { ready, autoscaler: { kind: 'cluster-autoscaler', deployment, replicas: 2 } },
        { autoscaler: pausedWith(...limits) },
      );
      expect(other.after[0]).toHaveProperty('resume');
    });
  });
});

describe('a group', () => {
  const grown = aGroup({ size: { min: 0, desired: 1, max: 5 } });

  test('whose record cannot be read is left alone, and that is reported once', () => {
    const [reports, ...stages] = plan({ memory: aMemory({ corrupt: unreadable('workers') }) }).stages;
    expect(reports).toEqual([
      {
        target: 'workers',
        action: 'fail',
        reason:
          'the saved sizes of workers cannot be read: the group is left alone; check the item night | saved#develop/workers',
        once: 'corrupt#night | saved#develop/workers',
      },
    ]);
    expect(stages.flat().map((step) => step.target)).toEqual(['system']);
  });

  test('that the config names and nobody has is reported once', () => {
    expect(plan({ missing: ['wrokers'] }).stages[0]).toEqual([
      {
        target: 'wrokers',
        action: 'fail',
        reason:
          'no group wrokers carries the cluster\'s tag: correct "nodegroups" in the config, or tag the Auto Scaling group',
        once: 'missing#wrokers',
      },
    ]);
    expect(plan().stages[0]).toEqual([]);
  });

  test('that the config does not stop any more is woken at night', () => {
    const step = stepOf(
      plan({
        groups: [empty('workers')],
        released: new Set(['workers']),
        memory: aMemory({ saved: saved(aSavedSize()) }),
      }),
      'workers',
    );
    expect(step).toMatchObject({ action: 'start', resize: { min: 1, desired: 3, max: 5 } });
    expect(step?.reason).toMatch(/^the config does not stop this group any more; /);
  });

  test('that grew after the night had settled is left alone, and one that is found before that is stopped', () => {
    const settled = aMemory({ state: aState({ phase: 'asleep' }) });
    expect(stepOf(plan({ memory: settled }), 'workers')?.action).toBe('warn');
    expect(stepOf(plan({ memory: aMemory({ state: aState() }) }), 'workers')?.action).toBe('stop');
    expect(stepOf(plan({ memory: settled }, { onManualChange: 'enforce' }), 'workers')?.action).toBe('stop');
  });

  test('that grew while a paused autoscaler runs is stopped again', () => {
    const paused = versioned<SavedAutoscaler>({
      kind: 'cluster-autoscaler',
      deployment,
      replicas: 2,
      since: minutesAgo(60),
    });
    const at = (overrides: Partial<Snapshot>, memory: Partial<Memory>) =>
      stepOf(
        plan({
          groups: [grown],
          memory: aMemory({ saved: saved(aSavedSize()), ...memory }),
          ...overrides,
        }),
        'workers',
      )?.action;
    const running: AutoscalerView = { kind: 'cluster-autoscaler', deployment, replicas: 1 };
    expect(at({ autoscaler: running }, { autoscaler: pausedWith(paused) })).toBe('stop');
    expect(at({ autoscaler: running }, {})).toBe('warn');
    expect(at({ autoscaler: { ...running, replicas: 0 } }, { autoscaler: pausedWith(paused) })).toBe('warn');
    expect(at({}, { autoscaler: pausedWith(paused) })).toBe('warn');
  });

  test('that somebody scaled up is stopped by an override that began later', () => {
    const memory = (from: string) =>
      aMemory({
        saved: saved(aSavedSize({ phase: 'manual', since: minutesAgo(30) })),
        overrides: [
          {
            id: 'o',
            state: 'asleep',
            from,
            until: later(3_600_000),
            author: 'ana',
            reason: 'going home',
          },
        ],
      });
    const at = (from: string, source: 'override' | 'schedule') =>
      stepOf(plan({ groups: [grown], memory: memory(from), desired: aDesired({ source }) }), 'workers')
        ?.action;
    expect(at(minutesAgo(10), 'override')).toBe('stop');
    expect(at(minutesAgo(40), 'override')).toBe('none');
    expect(at(minutesAgo(10), 'schedule')).toBe('none');
  });

  test('fails at the deadline of the policy', () => {
    const leaving = aGroup({ size: zero, instances: instances(1) });
    const memory = aMemory({ saved: saved(aSavedSize({ phase: 'zeroed', since: minutesAgo(7) })) });
    const stop = (stopDeadlineMinutes: number) =>
      stepOf(plan({ groups: [leaving], memory }, { stopDeadlineMinutes }), 'workers')?.action;
    expect([stop(7), stop(8)]).toEqual(['fail', 'none']);
    const restored = aMemory({ saved: saved(aSavedSize({ phase: 'restored', since: minutesAgo(7) })) });
    const start = (startDeadlineMinutes: number) =>
      stepOf(plan({ desired: awake, memory: restored }, { startDeadlineMinutes }), 'workers')?.action;
    expect([start(7), start(8)]).toEqual(['fail', 'none']);
  });
});

describe('the state of the cluster', () => {
  const resting = (overrides: Partial<Snapshot> = {}) =>
    plan({ groups: [empty('workers')], ...overrides }).state;

  test('says what is desired, why, and until when', () => {
    const until = new Date(NIGHT.getTime() + 3_600_000);
    expect(plan({ desired: aDesired({ until }) }).state).toEqual({
      phase: 'stopping',
      desired: 'asleep',
      reason: 'outside office hours',
      since: NIGHT.toISOString(),
      until: until.toISOString(),
      groups: ['workers'],
    });
    expect(resting()).not.toHaveProperty('until');
  });

  test('keeps the beginning of a phase that goes on', () => {
    const before = aState({ since: minutesAgo(5) });
    expect(plan({ memory: aMemory({ state: before }) }).state.since).toBe(minutesAgo(5));
    expect(resting({ memory: aMemory({ state: before }) }).since).toBe(NIGHT.toISOString());
  });

  test('keeps naming a group whose sizes another pass has just written down, after this one read', () => {
    const leaving = aGroup({ size: zero, instances: instances(1) });
    const named = (state: Partial<ClusterState>) =>
      resting({ groups: [leaving], memory: aMemory({ state: aState(state) }) }).groups;
    expect(named({ groups: ['workers'] })).toEqual(['workers']);
    expect(named({ groups: [] })).toEqual([]);
    expect(named({ groups: ['workers'], phase: 'starting' })).toEqual([]);
    const grown = { groups: [workers], memory: aMemory({ state: aState({ groups: ['workers'] }) }) };
    expect(plan({ ...grown, desired: awake }).state.groups).toEqual([]);
  });

  test('keeps naming a group that another pass is about to stop, where this one cannot', () => {
    const named = (state: Partial<ClusterState>) => aMemory({ state: aState(state) });
    const blind = { groups: [workers, workers], autoscaler: 'unknown' } as const;
    const memory = named({ groups: ['workers'] });
    expect(plan({ ...blind, memory }).state.groups).toEqual(['workers']);
    expect(plan({ ...blind, memory: named({ groups: [] }) }).state.groups).toEqual([]);
    expect(plan({ ...blind, memory, released: new Set(['workers']) }).state.groups).toEqual([]);
  });

  test('keeps naming a group that is being stopped and that a reply lacks', () => {
    const named = (overrides: Partial<Snapshot>, before: Partial<ClusterState> = {}) => {
      const state = aState({ groups: ['batch', 'workers'], ...before });
      return plan({ groups: [workers], memory: aMemory({ state }), ...overrides }).state.groups;
    };
    expect(named({})).toEqual(['workers', 'batch']);
    expect(named({ released: new Set(['batch']) })).toEqual(['workers']);
    expect(named({}, { phase: 'awake' })).toEqual(['workers']);
    expect(named({ desired: awake })).toEqual([]);
    const manual = aMemory({
      state: aState({ groups: ['batch', 'workers'] }),
      saved: saved(aSavedSize({ group: 'batch', phase: 'manual' })),
    });
    expect(named({ memory: manual })).toEqual(['workers']);
  });

  test('names no group without a record once the stop is over, although it is at zero', () => {
    const memory = aMemory({ state: aState({ groups: ['workers'] }) });
    expect(resting({ memory, desired: awake })).toMatchObject({ phase: 'awake', groups: [] });
    expect(resting({ memory })).toMatchObject({ phase: 'asleep', groups: [] });
  });

  test('is asleep when every group is at zero without an instance', () => {
    expect(resting().phase).toBe('asleep');
    const leaving = aGroup({ size: zero, instances: instances(1) });
    expect(resting({ groups: [leaving] }).phase).toBe('stopping');
    expect(resting({ groups: [workers] }).phase).toBe('stopping');
    expect(resting({ groups: [empty('batch'), workers] }).phase).toBe('stopping');
  });

  test.each<[SavedSize['phase'], ClusterState['phase']]>([
    ['asleep', 'asleep'],
    ['zeroed', 'asleep'],
    ['stopping', 'asleep'],
  ])('counts a group with the record "%s" by what this pass makes of it: %s', (phase, expected) => {
    const memory = aMemory({ saved: saved(aSavedSize({ phase, since: minutesAgo(10) })) });
    expect(resting({ memory }).phase).toBe(expected);
  });

  test('is not asleep before a stop was observed', () => {
    const memory = aMemory({ saved: saved(aSavedSize({ phase: 'zeroed', since: minutesAgo(1) })) });
    expect(resting({ memory }).phase).toBe('stopping');
  });

  test('is asleep although a group was scaled up by somebody, cannot be read, or is woken', () => {
    const grown = aGroup({ size: { min: 0, desired: 1, max: 5 } });
    const manual = aMemory({ saved: saved(aSavedSize({ phase: 'manual' })) });
    expect(resting({ groups: [grown], memory: manual })).toMatchObject({ phase: 'asleep', groups: [] });
    expect(resting({ groups: [grown], memory: aMemory({ corrupt: unreadable('workers') }) }).phase).toBe(
      'asleep',
    );
    expect(resting({ groups: [grown], released: new Set(['workers']) }).phase).toBe('asleep');
  });

  test('stays asleep when somebody grows a group that had no record', () => {
    const memory = aMemory({ state: aState({ phase: 'asleep' }) });
    expect(plan({ memory }).state.phase).toBe('asleep');
  });

  test('is awake when no group has a record any more, and starting until then', () => {
    const ready = new Set(['i-0', 'i-1', 'i-2']);
    const at = (memory: Memory, overrides: Partial<Snapshot> = {}) =>
      plan({ desired: awake, groups: [workers], ready, memory, ...overrides }).state;
    expect(at(aMemory())).toMatchObject({ phase: 'awake', groups: [] });
    const restored = aSavedSize({ phase: 'restored', since: minutesAgo(5) });
    expect(at(aMemory({ saved: saved(restored) }))).toMatchObject({ phase: 'awake', groups: [] });
    const waiting = aMemory({ saved: saved(restored) });
    expect(at(waiting, { ready: new Set() })).toMatchObject({ phase: 'starting', groups: ['workers'] });
    expect(at(waiting, { ready: new Set(), groups: [workers, system] }).phase).toBe('starting');
  });

  test('is starting until the autoscaler was observed to run', () => {
    const autoscaler = versioned<SavedAutoscaler>({
      kind: 'cluster-autoscaler',
      deployment,
      replicas: 2,
      since: minutesAgo(600),
    });
    const at = (replicas: number) =>
      plan({
        desired: awake,
        memory: aMemory({ autoscaler: pausedWith(autoscaler) }),
        autoscaler: { kind: 'cluster-autoscaler', deployment, replicas },
      }).state.phase;
    expect(at(0)).toBe('starting');
    expect(at(2)).toBe('awake');
  });

  test('lists the groups that our own stop takes down', () => {
    const memory = aMemory({
      saved: saved(aSavedSize(), aSavedSize({ group: 'manual', phase: 'manual' })),
    });
    const scaledUp = aGroup({ name: 'manual', size: { min: 0, desired: 1, max: 5 } });
    expect(resting({ groups: [empty('workers'), scaledUp, empty('mine')], memory }).groups).toEqual([
      'workers',
    ]);
  });
});
