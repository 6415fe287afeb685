import { describe, expect, test } from 'vitest';
import type { GroupSituation, GroupStep } from '#functions/night-schedule/decide-group.ts';
import {
  decideWarmPool,
  isPoolOff,
  poolText,
  withoutKeptInstances,
} from '#functions/night-schedule/decide-warm-pool.ts';
import type { SavedSize, WarmPool } from '#functions/night-schedule/records.ts';
import { aDesired, aGroup, aSavedSize, aSituation, NIGHT } from './builders.ts';

const pool: WarmPool = { min: 2, maxPrepared: 4, state: 'Stopped', reuse: false };
const other: WarmPool = { min: 1, state: 'Running', reuse: true };
const awake = aDesired({ state: 'awake', reason: 'office hours' });
const saved = (overrides: Partial<SavedSize> = {}) => ({ value: aSavedSize(overrides), version: 3 });
const aStep = (overrides: Partial<GroupStep> = {}): GroupStep => ({
  target: 'workers',
  action: 'stop',
  reason: 'outside office hours',
  ...overrides,
});
const decided = (situation: Partial<GroupSituation>, step: Partial<GroupStep> = {}) =>
  decideWarmPool(aSituation({ group: aGroup({ warmPool: pool }), ...situation }), aStep(step));

describe('the warm pool of a group that should sleep', () => {
  test('is saved with the sizes and switched off before the group is resized', () => {
    const next = aSavedSize({ phase: 'stopping' });
    expect(
      decided({}, { record: { next, over: undefined }, resize: { min: 0, desired: 0, max: 5 } }),
    ).toEqual({
      target: 'workers',
      action: 'stop',
      reason:
        'outside office hours; its warm pool (Stopped, min 2, at most 4 with the group) is switched off',
      record: { next: { ...next, warmPool: pool }, over: undefined },
      warmPool: 'off',
    });
  });

  test('is saved over the version that the step writes over', () => {
    const next = aSavedSize({ phase: 'stopping' });
    expect(decided({ saved: saved() }, { record: { next, over: 7 } }).record).toEqual({
      next: { ...next, warmPool: pool },
      over: 7,
    });
  });

  test('is saved with what is there of a group whose step writes nothing', () => {
    const { record, warmPool } = decided({ saved: saved({ phase: 'zeroed' }) });
    expect(record).toEqual({ next: aSavedSize({ phase: 'zeroed', warmPool: pool }), over: 3 });
    expect(warmPool).toBe('off');
  });

  test('is never saved over the one that was saved first', () => {
    const before = saved({ phase: 'zeroed', warmPool: other });
    const again = decided({ saved: before });
    expect(again).not.toHaveProperty('record');
    expect(again.warmPool).toBe('off');
    const next = aSavedSize({ phase: 'stopping' });
    expect(decided({ saved: before }, { record: { next, over: 3 } }).record).toEqual({
      next: { ...next, warmPool: other },
      over: 3,
    });
  });

  test('is saved alone where its group was at zero before', () => {
    const size = { min: 0, desired: 0, max: 5 };
    const group = aGroup({ size, instances: [], warmPool: pool });
    const first = {
      group: 'workers',
      autoScalingGroup: 'eks-workers-1',
      size,
      phase: 'stopping',
      since: NIGHT.toISOString(),
      warmPool: pool,
    };
    expect(decided({ group }, { action: 'none' })).toEqual({
      target: 'workers',
      action: 'stop',
      reason:
        'outside office hours; its warm pool (Stopped, min 2, at most 4 with the group) is switched off',
      record: { next: first, over: undefined },
      warmPool: 'off',
    });
    const arn = 'arn:aws:autoscaling:ap-northeast-1:111111111111:autoScalingGroup:x';
    expect(decided({ group: { ...group, arn } }).record?.next).toEqual({ ...first, arn });
  });

  test('is saved with a record that replaces one which the step would drop', () => {
    expect(decided({ saved: saved() }, { record: { next: 'clear', over: 3 } }).record).toEqual({
      next: aSavedSize({ warmPool: pool }),
      over: 3,
    });
  });

  test('keeps in its step the sleep that ended, the sizes to read, and a deadline that has passed', () => {
    const slept = { from: '2026-11-24T13:04:00.000Z', nodes: 3 };
    expect(decided({}, { action: 'fail', reason: 'late', slept, readConfiguredSize: true })).toMatchObject({
      action: 'stop',
      slept,
      readConfiguredSize: true,
      late: 'late',
    });
    for (const key of ['slept', 'readConfiguredSize', 'late']) expect(decided({})).not.toHaveProperty(key);
  });

  test.each<[string, Partial<GroupSituation>, Partial<GroupStep>]>([
    ['where there is none', { group: aGroup() }, {}],
    ['where it may hold nothing', { group: aGroup({ warmPool: { ...pool, min: 0, maxPrepared: 0 } }) }, {}],
    ['where the config keeps warm pools', { warmPools: 'keep' }, {}],
    ['with a step that warns', {}, { action: 'warn' }],
    ['with a step that ignores the group', {}, { action: 'ignore' }],
    ['of a group that somebody scaled up', { saved: saved({ phase: 'manual' }) }, {}],
  ])('is left alone %s', (_, situation, step) => {
    expect(decided(situation, step)).toEqual(aStep(step));
  });

  test('is switched off where the manual change ends', () => {
    const next = aSavedSize({ phase: 'stopping' });
    expect(decided({ saved: saved({ phase: 'manual' }) }, { record: { next, over: 3 } }).warmPool).toBe(
      'off',
    );
  });

  const theirs = {
    target: 'workers',
    action: 'warn',
    reason:
      'somebody switched its warm pool on while it sleeps (Stopped, min 2, at most 4 with the group): left alone until the next transition',
    once: 'pool#workers',
  };

  test('is left alone where somebody switched it on while the group sleeps', () => {
    expect(decided({ saved: saved({ phase: 'asleep', warmPool: other }) })).toEqual(theirs);
    expect(decided({ settled: true })).toEqual(theirs);
  });

  test.each<[string, Partial<GroupSituation>]>([
    ['is still on its way to sleep', { saved: saved({ phase: 'zeroed', warmPool: other }), settled: true }],
    ['sleeps and had no pool saved', { saved: saved({ phase: 'asleep' }), settled: true }],
    ['may not be changed by people', { settled: true, onManualChange: 'enforce' }],
    ['is grown by an autoscaler', { settled: true, autoscalerRuns: true }],
    ['never slept', { settled: false }],
  ])('is switched off where the group %s', (_, situation) => {
    expect(decided(situation)).toMatchObject({ action: 'stop', warmPool: 'off' });
  });
});

describe('the warm pool of a group that should run', () => {
  const before = saved({ phase: 'restored', warmPool: pool });

  test('is restored when the nodes are Ready', () => {
    expect(
      decided(
        { desired: awake, group: aGroup(), saved: before },
        { action: 'confirm-start', reason: '3 Ready' },
      ),
    ).toEqual({
      target: 'workers',
      action: 'start',
      reason: '3 Ready; its warm pool is restored (Stopped, min 2, at most 4 with the group)',
      warmPool: pool,
    });
  });

  test('is restored when they are late, and the failure is still reported', () => {
    expect(
      decided({ desired: awake, group: aGroup(), saved: before }, { action: 'fail', reason: 'late' }),
    ).toMatchObject({ action: 'start', warmPool: pool, late: 'late' });
  });

  test.each<[string, Partial<GroupSituation>, Partial<GroupStep>]>([
    ['before they are', { group: aGroup(), saved: before }, { action: 'start' }],
    ['without a saved one', { group: aGroup(), saved: saved() }, { action: 'confirm-start' }],
    ['without a record', { group: aGroup() }, { action: 'confirm-start' }],
    ['where it is on', { saved: before }, { action: 'confirm-start' }],
  ])('is left alone %s', (_, situation, step) => {
    expect(decided({ desired: awake, ...situation }, step)).toEqual(aStep(step));
  });

  test('is restored over one that was switched off', () => {
    const group = aGroup({ warmPool: { ...pool, min: 0, maxPrepared: 0 } });
    expect(decided({ desired: awake, group, saved: before }, { action: 'confirm-start' }).warmPool).toEqual(
      pool,
    );
  });
});

test('a pool is off without a min and with no instance prepared', () => {
  const of = (min: number, maxPrepared?: number) =>
    isPoolOff({ min, state: 'Stopped', reuse: false, ...(maxPrepared === undefined ? {} : { maxPrepared }) });
  expect([of(0, 0), of(1, 0), of(0, 1), of(0), isPoolOff(undefined)]).toEqual([
    true,
    false,
    false,
    false,
    true,
  ]);
});

test('a pool is described with its state and its limits', () => {
  expect(poolText(other)).toBe('Running, min 1, as many as the max of the group');
  expect(poolText(pool)).toBe('Stopped, min 2, at most 4 with the group');
});

test('instances of a pool that is kept do not count as running, the pool itself stays', () => {
  expect(withoutKeptInstances(aGroup({ warmPool: pool, warmInstances: 2 }))).toEqual(
    aGroup({ warmPool: pool }),
  );
});
