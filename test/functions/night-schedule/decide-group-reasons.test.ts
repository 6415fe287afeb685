import { describe, expect, it } from 'vitest';
import {
  decideGroup,
  type GroupSituation,
  type GroupStep,
  isAsleepSize,
  sizeText,
} from '#functions/night-schedule/decide-group.ts';
import type { SavedSize } from '#functions/night-schedule/records.ts';
import { aDesired, aGroup, aSavedSize, aSituation, instances, NIGHT } from './builders.ts';

/** Every step in full: what is written, what is resized, and the words that people read in the decision log. */

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
  it.each<Case>([
    [
      'runs: its sizes are kept and it goes to zero',
      {},
      {
        action: 'stop',
        reason: 'outside office hours; sizes 1/3/5 are kept',
        record: { next: aSavedSize({ phase: 'stopping', since: now }), over: undefined },
        resize: zero,
      },
    ],
    [
      'is at zero without our doing',
      { group: asleep() },
      { action: 'none', reason: 'at zero already, and not by this tool' },
    ],
    [
      'is on its way to zero without our doing',
      { group: asleep(1) },
      { action: 'none', reason: 'on its way to zero already: 1 instance left' },
    ],
    [
      'is on its way to zero with more than one left',
      { group: asleep(2) },
      { action: 'none', reason: 'on its way to zero already: 2 instances left' },
    ],
    [
      'wants none and has a min all the same',
      { group: aGroup({ size: { min: 1, desired: 0, max: 5 }, instances: [] }) },
      { action: 'none', reason: 'desired is 0 already, min is 1: left so' },
    ],
    [
      'was grown by somebody after the night had settled',
      { settled: true },
      {
        action: 'warn',
        reason: 'grown to 3 by somebody while the cluster sleeps: left alone until the next change',
        once: 'grown#workers',
      },
    ],
    [
      'was made anew',
      { saved: saved({ autoScalingGroup: 'eks-workers-0' }) },
      {
        action: 'ignore',
        reason: 'the group was made anew (eks-workers-1): the sizes 1/3/5 of its predecessor are dropped',
        record: { next: 'clear', over: 3 },
      },
    ],
    [
      'is not at zero although it was stopped: the deadline counts from the first try',
      { saved: saved({ phase: 'stopping', since: ago(4) }) },
      {
        action: 'stop',
        reason: 'the stop was not finished: sizes 1/3/5 are kept, the group is not at zero',
        record: written('stopping', ago(4)),
        resize: zero,
      },
    ],
    ...(['restoring', 'restored'] as const).map(
      (phase): Case => [
        `is being given back (${phase}): what was written down is kept`,
        { saved: saved({ phase, since: ago(4) }) },
        {
          action: 'stop',
          reason: 'outside office hours; sizes 1/3/5 are still kept',
          record: written('stopping', now),
          resize: zero,
        },
      ],
    ),
    [
      'is held by somebody',
      { group: grown, saved: saved({ phase: 'manual', since: ago(4) }) },
      { action: 'none', reason: 'scaled to 1 by somebody: left alone until the next change' },
    ],
    [
      'is held, by an override that is as old',
      { group: grown, saved: saved({ phase: 'manual', since: ago(4) }), overrideSince: ago(4) },
      { action: 'none', reason: 'scaled to 1 by somebody: left alone until the next change' },
    ],
    [
      'is held, and an override came later',
      { group: grown, saved: saved({ phase: 'manual', since: ago(4) }), overrideSince: ago(3) },
      {
        action: 'stop',
        reason: 'outside office hours',
        record: written('stopping', now),
        resize: zero,
      },
    ],
    [
      'is held, and the config enforces',
      { group: grown, saved: saved({ phase: 'manual', since: ago(4) }), onManualChange: 'enforce' },
      {
        action: 'stop',
        reason: 'the config enforces the schedule over changes by hand',
        record: written('stopping', now),
        resize: zero,
      },
    ],
    [
      'slept and was grown by the autoscaler',
      { group: grown, saved: saved({ asleepSince: ago(60) }), autoscalerRuns: true },
      {
        action: 'stop',
        reason: 'grown to 1 by the autoscaler: stopped again',
        record: written('stopping', now, { asleepSince: ago(60) }),
        resize: zero,
        slept: { from: ago(60), nodes: 3 },
      },
    ],
    [
      'slept and was grown, and the config enforces',
      { group: grown, saved: saved(), onManualChange: 'enforce' },
      {
        action: 'stop',
        reason: 'grown to 1 by somebody: the config enforces the schedule',
        record: written('stopping', now),
        resize: zero,
      },
    ],
    [
      'slept and was grown by somebody: the sleep is entered and the group left alone',
      { group: grown, saved: saved({ asleepSince: ago(60) }) },
      {
        action: 'warn',
        reason: 'grown to 1 by somebody while it slept: left alone until the next change',
        record: written('manual', now),
        slept: { from: ago(60), nodes: 3 },
      },
    ],
    [
      'is at zero, and a start of ours may still take effect',
      { group: asleep(), saved: saved({ phase: 'restoring', since: ago(4) }) },
      {
        action: 'stop',
        reason: 'outside office hours; the start that was asked for may still be under way',
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
      'sleeps and shows an instance, however late it is',
      { group: asleep(1), saved: saved({ since: ago(600) }) },
      { action: 'none', reason: '1 instance appeared and is leaving' },
    ],
    [
      'is empty, and too soon to tell',
      { group: asleep(), saved: saved({ phase: 'zeroed', since: ago(1) }) },
      {
        action: 'none',
        reason: 'at zero; an update that is still under way would show within a minute and a half',
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
        askTrouble: true,
        once: 'stop-deadline#workers',
      },
    ],
  ])('%s', (_what, situation, expected) => {
    expect(step(situation)).toEqual({ target: 'workers', ...expected });
  });
});

describe('a group that should be awake', () => {
  const ready = new Set(['i-0', 'i-1', 'i-2']);

  it.each<Case>([
    ['runs', {}, { action: 'none', reason: 'office hours' }],
    [
      'is at zero without our doing',
      { group: asleep() },
      { action: 'none', reason: 'at zero, and not by this tool: left so' },
    ],
    ['is being emptied by somebody', { group: asleep(1) }, { action: 'none', reason: 'office hours' }],
    [
      'has lost its instances',
      { group: aGroup({ instances: [] }) },
      { action: 'none', reason: 'office hours' },
    ],
    [
      'was made anew',
      { saved: saved({ autoScalingGroup: 'eks-workers-0' }) },
      {
        action: 'ignore',
        reason: 'the group was made anew (eks-workers-1): the sizes 1/3/5 of its predecessor are dropped',
        record: { next: 'clear', over: 3 },
      },
    ],
    [
      'slept: its sizes are given back and the sleep is entered',
      { group: asleep(), saved: saved({ asleepSince: ago(600) }) },
      {
        action: 'start',
        reason: 'office hours; sizes 1/3/5 are given back',
        record: written('restoring', now),
        resize: size,
        slept: { from: ago(600), nodes: 3 },
      },
    ],
    [
      'has its sizes already: only the record is left to end',
      { saved: saved({ phase: 'stopping' }) },
      {
        action: 'start',
        reason: 'office hours; sizes 1/3/5 are given back',
        record: written('restoring', now),
      },
    ],
    ...(
      [
        ['min', { min: 0, desired: 3, max: 5 }],
        ['desired', { min: 1, desired: 2, max: 5 }],
        ['max', { min: 1, desired: 3, max: 4 }],
      ] as const
    ).map(
      ([what, half]): Case => [
        `was given back all but its ${what}: the deadline counts from the first try`,
        { group: aGroup({ size: half }), ready, saved: saved({ phase: 'restoring', since: ago(3) }) },
        {
          action: 'start',
          reason: 'the start was not finished: sizes 1/3/5 are given back',
          record: written('restoring', ago(3)),
          resize: size,
        },
      ],
    ),
    [
      'is restored, and has another size since: that is somebody’s wish',
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
        reason: 'restored, and since then set to zero by somebody',
        record: { next: 'clear', over: 3 },
      },
    ],
    [
      'has all its nodes',
      { ready, saved: saved({ phase: 'restored', since: ago(3) }) },
      { action: 'confirm-start', reason: '3 of 3 nodes are Ready', record: { next: 'clear', over: 3 } },
    ],
    [
      'has all its nodes, and it is too soon to tell',
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
      'was seen restored: from here on a size that differs is somebody’s wish',
      { ready: new Set(['i-0']), saved: saved({ phase: 'restoring', since: ago(3) }) },
      { action: 'none', reason: '1 of 3 nodes are Ready', record: written('restored', ago(3)) },
    ],
    [
      'waits while the Kubernetes API cannot be asked',
      { saved: saved({ phase: 'restored', since: ago(3) }) },
      { action: 'none', reason: 'the Kubernetes API could not be asked' },
    ],
    [
      'is past its deadline',
      { ready: new Set(['i-0']), saved: saved({ phase: 'restored', since: ago(20) }) },
      {
        action: 'fail',
        reason: '1 of 3 nodes are Ready 20 min after the start',
        askTrouble: true,
        once: 'start-deadline#workers',
      },
    ],
    [
      'is past its deadline, and the Kubernetes API cannot be asked',
      { saved: saved({ phase: 'restored', since: ago(25) }) },
      {
        action: 'fail',
        reason: 'the Kubernetes API could not be asked 25 min after the start',
        askTrouble: true,
        once: 'start-deadline#workers',
      },
    ],
  ])('%s', (_what, situation, expected) => {
    expect(step({ desired: awake, ...situation })).toEqual({ target: 'workers', ...expected });
  });
});

it('a size is asleep with neither a min nor a desired', () => {
  const of = (min: number, desired: number) => isAsleepSize({ size: { min, desired, max: 5 } });
  expect([of(0, 0), of(1, 0), of(0, 1)]).toEqual([true, false, false]);
  expect(sizeText({ min: 1, desired: 2, max: 3 })).toBe('1/2/3');
});
