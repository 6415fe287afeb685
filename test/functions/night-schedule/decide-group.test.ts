import { describe, expect, test } from 'vitest';
import {
  decideGroup,
  type GroupSituation,
  type GroupStep,
  isAsleepSize,
  sizeText,
} from '#functions/night-schedule/decide-group.ts';
import type { SavedSize } from '#functions/night-schedule/records.ts';
import { aDesired, aGroup, aSavedSize, aSituation, instances, NIGHT } from './builders.ts';

/** The table pins every step in full, with the words of its reason; no other test does. */

const zero = { min: 0, desired: 0, max: 5 };
const size = { min: 1, desired: 3, max: 5 };
const now = NIGHT.toISOString();
const ago = (minutes: number) => new Date(NIGHT.getTime() - minutes * 60_000).toISOString();
const awake = aDesired({ state: 'awake', reason: 'office hours' });

const asleep = (left = 0) => aGroup({ size: zero, instances: instances(left) });
const grown = aGroup({ size: { min: 0, desired: 1, max: 5 }, instances: instances(1) });
const saved = (overrides: Partial<SavedSize> = {}) => ({ value: aSavedSize(overrides), version: 3 });
const written = (phase: SavedSize['phase'], since: string, more: Partial<SavedSize> = {}) => ({
  next: aSavedSize({ phase, since, ...more }),
  over: 3,
});

const step = (overrides: Partial<GroupSituation>): GroupStep => decideGroup(aSituation(overrides));

type Case = [what: string, situation: Partial<GroupSituation>, expected: Omit<GroupStep, 'target'>];

describe('a group that should sleep', () => {
  test.each<Case>([
    [
      'runs: its sizes are saved and it goes to zero',
      {},
      {
        action: 'stop',
        reason: 'outside office hours; sizes 1/3/5 are saved',
        record: { next: aSavedSize({ phase: 'stopping', since: now }), over: undefined },
        resize: zero,
        readConfiguredSize: true,
      },
    ],
    [
      'is at zero without our doing',
      { group: asleep() },
      { action: 'none', reason: 'already at zero, but not stopped by this tool' },
    ],
    [
      'is on its way to zero without our doing',
      { group: asleep(1) },
      { action: 'none', reason: 'already scaling to zero: 1 instance left' },
    ],
    [
      'is on its way to zero with more than one left',
      { group: asleep(2) },
      { action: 'none', reason: 'already scaling to zero: 2 instances left' },
    ],
    [
      'has a desired size of 0 and a min',
      { group: aGroup({ size: { min: 1, desired: 0, max: 5 }, instances: [] }) },
      { action: 'none', reason: 'desired is already 0, min is 1: unchanged' },
    ],
    [
      'was scaled up after the whole cluster slept',
      { settled: true },
      {
        action: 'warn',
        reason: 'scaled up to 3 by somebody while the cluster sleeps: left alone until the next transition',
        once: 'grown#workers',
      },
    ],
    [
      'was created again',
      { saved: saved({ autoScalingGroup: 'eks-workers-0' }) },
      {
        action: 'ignore',
        reason:
          'the group was created again (eks-workers-1): the saved sizes 1/3/5 of its predecessor are dropped',
        record: { next: 'clear', over: 3 },
      },
    ],
    [
      'is not at zero although it was stopped: the deadline counts from the first try',
      { saved: saved({ phase: 'stopping', since: ago(4) }) },
      {
        action: 'stop',
        reason: 'the stop is incomplete: sizes 1/3/5 are saved, but the group is not at zero',
        record: written('stopping', ago(4)),
        resize: zero,
        readConfiguredSize: true,
      },
    ],
    ...(['restoring', 'restored'] as const).map(
      (phase): Case => [
        `is being restored (${phase}): the saved sizes stay`,
        { saved: saved({ phase, since: ago(4) }) },
        {
          action: 'stop',
          reason: 'outside office hours; sizes 1/3/5 are still saved',
          record: written('stopping', now),
          resize: zero,
          readConfiguredSize: true,
        },
      ],
    ),
    [
      'was scaled up by somebody',
      { group: grown, saved: saved({ phase: 'manual', since: ago(4) }) },
      { action: 'none', reason: 'scaled to 1 by somebody: left alone until the next transition' },
    ],
    [
      'was scaled up, and the override is not newer',
      { group: grown, saved: saved({ phase: 'manual', since: ago(4) }), overrideSince: ago(4) },
      { action: 'none', reason: 'scaled to 1 by somebody: left alone until the next transition' },
    ],
    [
      'was scaled up, and an override came later',
      { group: grown, saved: saved({ phase: 'manual', since: ago(4) }), overrideSince: ago(3) },
      {
        action: 'stop',
        reason: 'outside office hours',
        record: written('stopping', now),
        resize: zero,
        readConfiguredSize: true,
      },
    ],
    [
      'was scaled up, and the config enforces the schedule',
      { group: grown, saved: saved({ phase: 'manual', since: ago(4) }), onManualChange: 'enforce' },
      {
        action: 'stop',
        reason: 'the config enforces the schedule over manual changes',
        record: written('stopping', now),
        resize: zero,
        readConfiguredSize: true,
      },
    ],
    [
      'slept and was scaled up by the autoscaler',
      { group: grown, saved: saved({ asleepSince: ago(60) }), autoscalerRuns: true },
      {
        action: 'stop',
        reason: 'scaled up to 1 by the autoscaler: stopped again',
        record: written('stopping', now),
        resize: zero,
        readConfiguredSize: true,
        slept: { from: ago(60), nodes: 3 },
      },
    ],
    [
      'slept and was scaled up, and the config enforces the schedule',
      { group: grown, saved: saved(), onManualChange: 'enforce' },
      {
        action: 'stop',
        reason: 'scaled up to 1 by somebody: the config enforces the schedule',
        record: written('stopping', now),
        resize: zero,
        readConfiguredSize: true,
      },
    ],
    [
      'slept and was scaled up by somebody: the sleep goes to the ledger and the group is left alone',
      { group: grown, saved: saved({ asleepSince: ago(60) }) },
      {
        action: 'warn',
        reason: 'scaled up to 1 by somebody while it slept: left alone until the next transition',
        record: written('manual', now),
        slept: { from: ago(60), nodes: 3 },
      },
    ],
    [
      'is at zero, and a start of ours may still take effect',
      { group: asleep(), saved: saved({ phase: 'restoring', since: ago(4) }) },
      {
        action: 'stop',
        reason: 'outside office hours; the requested start may still be in progress',
        record: written('stopping', now),
      },
    ],
    ...(['restored', 'manual'] as const).map(
      (phase): Case => [
        `was ${phase} and is at zero again`,
        { group: asleep(), saved: saved({ phase, since: ago(4) }) },
        {
          action: 'stop',
          reason: 'outside office hours; the group is at zero again',
          record: written('zeroed', now),
        },
      ],
    ),
    [
      'sleeps',
      { group: asleep(), saved: saved({ since: ago(600) }) },
      { action: 'none', reason: 'outside office hours' },
    ],
    [
      'sleeps and shows an instance: its stop is open again, with a deadline of its own, and the sleep goes to the ledger',
      { group: asleep(1), saved: saved({ since: ago(600), asleepSince: ago(600) }) },
      {
        action: 'none',
        reason: '1 instance appeared while it slept, at zero: its end is awaited',
        record: { next: aSavedSize({ phase: 'zeroed', since: NIGHT.toISOString() }), over: 3 },
        slept: { from: ago(600), nodes: 3 },
      },
    ],
    [
      'is empty, too soon to confirm',
      { group: asleep(), saved: saved({ phase: 'zeroed', since: ago(1) }) },
      {
        action: 'none',
        reason: 'at zero; an update that is still in progress would show within 90 seconds',
      },
    ],
    [
      'is empty',
      { group: asleep(), saved: saved({ phase: 'zeroed', since: ago(2) }) },
      {
        action: 'confirm-stop',
        reason: 'no instance is left',
        record: written('asleep', now, { asleepSince: now }),
      },
    ],
    [
      'was just seen at zero: the deadline goes on counting',
      { group: asleep(2), saved: saved({ phase: 'stopping', since: ago(1) }) },
      { action: 'none', reason: 'at zero, 2 instances left', record: written('zeroed', ago(1)) },
    ],
    [
      'is being emptied',
      { group: asleep(1), saved: saved({ phase: 'zeroed', since: ago(19) }) },
      { action: 'none', reason: '1 instance left' },
    ],
    [
      'is past its deadline',
      { group: asleep(1), saved: saved({ phase: 'zeroed', since: ago(20) }) },
      {
        action: 'fail',
        reason: '1 instance still there 20 min after the stop',
        explainFailuresSince: ago(20),
        once: 'stop-deadline#workers',
      },
    ],
  ])('%s', (_what, situation, expected) => {
    expect(step(situation)).toEqual({ target: 'workers', ...expected });
  });

  test('ends its sleep in the ledger once, however often the stop is repeated', () => {
    const first = decideGroup(
      aSituation({ group: grown, saved: saved({ asleepSince: ago(60) }), autoscalerRuns: true }),
    );
    expect(first.slept).toEqual({ from: ago(60), nodes: 3 });
    const next = first.record?.next;
    if (typeof next !== 'object') return expect.unreachable();
    const record = { value: next, version: 4 };
    const later = new Date(NIGHT.getTime() + 5 * 60_000);
    expect(decideGroup(aSituation({ group: grown, saved: record, now: later }))).toMatchObject({
      action: 'stop',
      resize: zero,
    });
    for (const desired of [aDesired(), awake])
      expect(
        decideGroup(aSituation({ group: grown, saved: record, now: later, desired })).slept,
      ).toBeUndefined();
  });

  test('keeps its max when it is managed, because EKS refuses a max below 1; a self-managed one goes to zero whole', () => {
    expect(decideGroup(aSituation({ group: aGroup({ kind: 'self-managed' }) })).resize).toEqual({
      min: 0,
      desired: 0,
      max: 0,
    });
  });

  test('keeps the first sizes when the stop was cut off after the write', () => {
    const record = saved({ phase: 'stopping', size: { min: 2, desired: 4, max: 9 } });
    const step = decideGroup(aSituation({ saved: record }));
    expect(step).toMatchObject({
      action: 'stop',
      record: { over: 3, next: { size: { min: 2, desired: 4, max: 9 } } },
      resize: zero,
    });
  });

  test('whose start is still under way is stopped as soon as the start takes effect (found by simulation)', () => {
    const restoring = saved({ phase: 'restoring', since: NIGHT.toISOString() });
    const step = decideGroup(aSituation({ saved: restoring, group: asleep() }));
    expect(step).toMatchObject({ action: 'stop', record: { next: { phase: 'stopping' } } });
    expect(step.resize).toBeUndefined();
    const stopping = saved({ phase: 'stopping', since: NIGHT.toISOString() });
    expect(decideGroup(aSituation({ saved: stopping, group: asleep() })).action).toBe('none');
    expect(decideGroup(aSituation({ saved: stopping })).resize).toEqual(zero);
  });
});

describe('a group that should be awake', () => {
  const ready = new Set(['i-0', 'i-1', 'i-2']);

  test.each<Case>([
    ['runs', {}, { action: 'none', reason: 'office hours' }],
    [
      'is at zero without our doing',
      { group: asleep() },
      { action: 'none', reason: 'at zero, but not stopped by this tool: unchanged' },
    ],
    ['is being emptied by somebody', { group: asleep(1) }, { action: 'none', reason: 'office hours' }],
    [
      'has lost its instances',
      { group: aGroup({ instances: [] }) },
      { action: 'none', reason: 'office hours' },
    ],
    [
      'was created again',
      { saved: saved({ autoScalingGroup: 'eks-workers-0' }) },
      {
        action: 'ignore',
        reason:
          'the group was created again (eks-workers-1): the saved sizes 1/3/5 of its predecessor are dropped',
        record: { next: 'clear', over: 3 },
      },
    ],
    [
      'slept: its sizes are restored and the sleep goes to the ledger',
      { group: asleep(), saved: saved({ asleepSince: ago(600) }) },
      {
        action: 'start',
        reason: 'office hours; sizes 1/3/5 are restored',
        record: written('restoring', now),
        resize: size,
        slept: { from: ago(600), nodes: 3 },
      },
    ],
    [
      'has its sizes already: only the record remains',
      { saved: saved({ phase: 'stopping' }) },
      {
        action: 'start',
        reason: 'office hours; sizes 1/3/5 are restored',
        record: written('restoring', now),
      },
    ],
    ...(
      [
        ['min', { size: { min: 0, desired: 3, max: 5 } }],
        ['desired', { size: { min: 1, desired: 2, max: 5 } }],
        ['max', { kind: 'self-managed', size: { min: 1, desired: 3, max: 4 } }],
      ] as const
    ).map(
      ([what, half]): Case => [
        `was restored except for its ${what}: the deadline counts from the first try`,
        { group: aGroup(half), ready, saved: saved({ phase: 'restoring', since: ago(3) }) },
        {
          action: 'start',
          reason: 'the start is incomplete; sizes 1/3/5 are restored',
          record: written('restoring', ago(3)),
          resize: size,
        },
      ],
    ),
    [
      'was restored, and somebody set another size since',
      {
        group: aGroup({ size: { min: 0, desired: 2, max: 5 } }),
        ready,
        saved: saved({ phase: 'restored', since: ago(3) }),
      },
      { action: 'confirm-start', reason: '3 of 2 nodes are Ready', record: { next: 'clear', over: 3 } },
    ],
    [
      'is restored, and was set to zero by somebody',
      { group: asleep(), ready: new Set(), saved: saved({ phase: 'restored', since: ago(3) }) },
      {
        action: 'confirm-start',
        reason: 'restored, then set to zero by somebody',
        record: { next: 'clear', over: 3 },
      },
    ],
    [
      'has all its nodes',
      { ready, saved: saved({ phase: 'restored', since: ago(3) }) },
      { action: 'confirm-start', reason: '3 of 3 nodes are Ready', record: { next: 'clear', over: 3 } },
    ],
    [
      'has all its nodes, too soon to confirm',
      { ready, saved: saved({ phase: 'restored', since: ago(1) }) },
      { action: 'none', reason: '3 of 3 nodes are Ready' },
    ],
    [
      'has nodes that are Ready and not in service any more',
      {
        group: aGroup({ instances: instances(3, false) }),
        ready,
        saved: saved({ phase: 'restored', since: ago(3) }),
      },
      { action: 'none', reason: '0 of 3 nodes are Ready' },
    ],
    [
      'was observed restored: from here on a size that differs was set by somebody',
      { ready: new Set(['i-0']), saved: saved({ phase: 'restoring', since: ago(3) }) },
      { action: 'none', reason: '1 of 3 nodes are Ready', record: written('restored', ago(3)) },
    ],
    [
      'waits while the Kubernetes API fails',
      { saved: saved({ phase: 'restored', since: ago(3) }) },
      { action: 'none', reason: 'the request to the Kubernetes API failed' },
    ],
    [
      'is past its deadline',
      { ready: new Set(['i-0']), saved: saved({ phase: 'restored', since: ago(20) }) },
      {
        action: 'fail',
        reason: '1 of 3 nodes are Ready 20 min after the start',
        explainFailuresSince: ago(20),
        once: 'start-deadline#workers',
      },
    ],
    [
      'is past its deadline, and the Kubernetes API fails',
      { saved: saved({ phase: 'restored', since: ago(25) }) },
      {
        action: 'fail',
        reason: 'the request to the Kubernetes API failed 25 min after the start',
        explainFailuresSince: ago(25),
        once: 'start-deadline#workers',
      },
    ],
  ])('%s', (_what, situation, expected) => {
    expect(step({ desired: awake, ...situation })).toEqual({ target: 'workers', ...expected });
  });

  test('keeps its record while a stop that was asked for just before may still take effect', () => {
    const record = saved({ phase: 'restoring', since: NIGHT.toISOString() });
    const ready = new Set(['i-0', 'i-1', 'i-2']);
    expect(decideGroup(aSituation({ desired: awake, saved: record, ready })).action).toBe('none');
    const later = new Date(NIGHT.getTime() + 90_000);
    expect(decideGroup(aSituation({ desired: awake, saved: record, ready, now: later })).action).toBe(
      'confirm-start',
    );
  });

  test('is not shrunk in the morning when somebody gave it more at night', () => {
    const record = saved({ phase: 'manual' });
    const group = aGroup({ size: { min: 0, desired: 7, max: 9 }, instances: instances(7) });
    expect(decideGroup(aSituation({ desired: awake, saved: record, group })).resize).toEqual({
      min: 1,
      desired: 7,
      max: 9,
    });
  });
});

test('a size is asleep with neither a min nor a desired', () => {
  const of = (min: number, desired: number) => isAsleepSize({ size: { min, desired, max: 5 } });
  expect([of(0, 0), of(1, 0), of(0, 1)]).toEqual([true, false, false]);
  expect(sizeText({ min: 1, desired: 2, max: 3 })).toBe('1/2/3');
});

test('a group of which only the warm pool was saved is restored to the sizes that somebody has set since', () => {
  const warmPool = { min: 0, state: 'Stopped' as const, reuse: false };
  const { record, resize } = step({
    group: grown,
    saved: saved({ phase: 'stopping', size: zero, warmPool }),
  });
  expect(record).toMatchObject({ next: { size: grown.size, warmPool }, over: 3 });
  expect(resize).toEqual(zero);
});
