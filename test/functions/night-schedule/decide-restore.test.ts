/** How one group gets its saved sizes back by the command: they are cleared only when they were observed. */
import { describe, expect, test } from 'vitest';
import { decideRestore } from '#functions/night-schedule/decide-restore.ts';
import type { Group } from '#functions/night-schedule/ports.ts';
import type { SavedSize } from '#functions/night-schedule/records.ts';
import { aGroup, aSavedSize, MORNING } from './builders.ts';

const now = MORNING.toISOString();
const ago = (seconds: number) => new Date(MORNING.getTime() - seconds * 1_000).toISOString();
const zero = { min: 0, desired: 0, max: 5 };
const asleep = aGroup({ size: zero, instances: [] });
const pool = { min: 1, maxPrepared: 4, state: 'Stopped', reuse: false } as const;
const decided = (saved: Partial<SavedSize>, group: Group | undefined = asleep) =>
  decideRestore({ value: aSavedSize(saved), version: 3 }, group, MORNING);

describe('a group that sleeps', () => {
  test('gets its sizes, with what is written first', () => {
    expect(decided({ asleepSince: ago(3_600) })).toEqual({
      kind: 'restore',
      reason: 'sizes 1/3/5 are restored',
      group: asleep,
      next: aSavedSize({ phase: 'restoring', since: now }),
      size: { min: 1, desired: 3, max: 5 },
      slept: { from: ago(3_600), to: now, nodes: 3 },
    });
  });

  test('is not counted as asleep where it was not observed so', () => {
    expect(decided({}).slept).toBeUndefined();
  });

  test('that has the sizes already is not resized, and is observed again', () => {
    const step = decided({ phase: 'stopping' }, aGroup());
    expect(step).toMatchObject({ kind: 'restore', next: { phase: 'restoring', since: now } });
    expect(step).not.toHaveProperty('size');
  });

  test('gets them again where the request before had no effect, since the first one', () => {
    expect(decided({ phase: 'restoring', since: ago(200), asleepSince: ago(3_600) })).toMatchObject({
      kind: 'restore',
      next: { phase: 'restoring', since: ago(200) },
      size: { min: 1, desired: 3, max: 5 },
      slept: { from: ago(3_600), to: ago(200), nodes: 3 },
    });
  });
});

describe('a group whose sizes were requested', () => {
  test('is confirmed when an update that is still in progress would have shown', () => {
    const restored = (seconds: number) => decided({ phase: 'restoring', since: ago(seconds) }, aGroup());
    expect(restored(89)).toMatchObject({
      kind: 'await',
      reason: 'an update of workers that is still in progress would show within 90 seconds',
    });
    expect(restored(90)).toMatchObject({ kind: 'confirm', reason: 'its sizes are 1/3/5' });
  });

  test('is confirmed with other sizes once they were observed: those are of somebody', () => {
    const group = aGroup({ size: { min: 0, desired: 1, max: 5 } });
    expect(decided({ phase: 'restored', since: ago(90) }, group)).toMatchObject({
      kind: 'confirm',
      reason: 'its sizes are 0/1/5',
    });
    expect(decided({ phase: 'restored', since: ago(89) }, group).kind).toBe('await');
  });

  test('ended its sleep with the request', () => {
    const slept = { from: ago(3_600), to: ago(90), nodes: 3 };
    for (const phase of ['restoring', 'restored'] as const)
      expect(decided({ phase, since: ago(90), asleepSince: ago(3_600) }, aGroup()).slept).toEqual(slept);
  });

  test('gets its warm pool back before the record is cleared', () => {
    const saved = { phase: 'restored', since: ago(90), warmPool: pool } as const;
    const group = aGroup();
    expect(decided(saved, group)).toMatchObject({
      kind: 'restore-pool',
      reason: 'its warm pool (Stopped, min 1, at most 4 with the group) is restored',
      group,
      pool,
    });
    expect(decided(saved, aGroup({ warmPool: { ...pool, min: 2 } })).kind).toBe('confirm');
    expect(decided(saved, aGroup({ warmPool: { ...pool, min: 0, maxPrepared: 0 } })).kind).toBe(
      'restore-pool',
    );
  });
});

describe('a group that is not there', () => {
  test('leaves its sizes in the reason', () => {
    expect(decideRestore({ value: aSavedSize(), version: 3 }, undefined, MORNING)).toMatchObject({
      kind: 'gone',
      reason: 'there is no such group any more; its sizes were 1/3/5',
    });
  });

  test('and was created again does not get those of its predecessor', () => {
    const other = aGroup({ autoScalingGroup: 'eks-workers-2' });
    expect(decided({}, other)).toMatchObject({
      kind: 'gone',
      reason: 'the group was created again (eks-workers-2): the sizes 1/3/5 were those of its predecessor',
    });
    expect(decided({}, { ...other, arn: 'arn:x' }).reason).toContain('created again (arn:x)');
  });
});
