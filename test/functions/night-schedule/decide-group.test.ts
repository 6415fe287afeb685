import { describe, expect, it } from 'vitest';
import { decideGroup } from '#functions/night-schedule/decide-group.ts';
import { aDesired, aGroup, aSavedSize, aSituation, instances, NIGHT } from './builders.ts';

const zero = { min: 0, desired: 0, max: 5 };

const at = (value: ReturnType<typeof aSavedSize>, version = 3) => ({ value, version });

describe('a group that should sleep', () => {
  it('has its sizes written down in the same step that zeroes it', () => {
    const step = decideGroup(aSituation());
    expect(step).toMatchObject({
      action: 'stop',
      resize: { min: 0, desired: 0, max: 5 },
      record: { over: undefined, next: { size: { min: 1, desired: 3, max: 5 }, phase: 'stopping' } },
    });
  });

  it('keeps its max when it is managed, because EKS refuses a max below 1; a self-managed one goes to zero whole', () => {
    expect(decideGroup(aSituation({ group: aGroup({ kind: 'self-managed' }) })).resize).toEqual({
      min: 0,
      desired: 0,
      max: 0,
    });
  });

  it('is never captured at zero', () => {
    const step = decideGroup(aSituation({ group: aGroup({ size: zero, instances: [] }) }));
    expect(step).toMatchObject({ action: 'none', reason: 'at zero already, and not by this tool' });
    expect(step.record).toBeUndefined();
  });

  it('keeps the first sizes when the stop was cut off after the write', () => {
    const saved = at(aSavedSize({ phase: 'stopping', size: { min: 2, desired: 4, max: 9 } }));
    const step = decideGroup(aSituation({ saved }));
    expect(step).toMatchObject({
      action: 'stop',
      record: { over: 3, next: { size: { min: 2, desired: 4, max: 9 } } },
      resize: zero,
    });
  });

  it('whose start is still under way is stopped as soon as the start takes effect (found by simulation)', () => {
    const asleep = aGroup({ size: zero, instances: [] });
    const restoring = at(aSavedSize({ phase: 'restoring', since: NIGHT.toISOString() }));
    const step = decideGroup(aSituation({ saved: restoring, group: asleep }));
    expect(step).toMatchObject({ action: 'stop', record: { next: { phase: 'stopping' } } });
    expect(step.resize).toBeUndefined();
    const stopping = at(aSavedSize({ phase: 'stopping', since: NIGHT.toISOString() }));
    expect(decideGroup(aSituation({ saved: stopping, group: asleep })).action).toBe('none');
    expect(decideGroup(aSituation({ saved: stopping })).resize).toEqual(zero);
  });

  it('is stopped only when no instance is left', () => {
    const since = new Date(NIGHT.getTime() - 120_000).toISOString();
    const saved = at(aSavedSize({ phase: 'zeroed', since }));
    const leaving = decideGroup(
      aSituation({ saved, group: aGroup({ size: zero, instances: instances(1) }) }),
    );
    expect(leaving.action).toBe('none');
    const gone = decideGroup(aSituation({ saved, group: aGroup({ size: zero, instances: [] }) }));
    expect(gone).toMatchObject({ action: 'confirm-stop', record: { next: { phase: 'asleep' } } });
  });

  it('fails loudly when instances are left past the deadline', () => {
    const saved = at(
      aSavedSize({ phase: 'zeroed', since: new Date(NIGHT.getTime() - 20 * 60_000).toISOString() }),
    );
    const step = decideGroup(aSituation({ saved, group: aGroup({ size: zero }) }));
    expect(step).toMatchObject({
      action: 'fail',
      askTrouble: true,
      reason: '3 instances still there 20 min after the stop',
    });
  });

  it('is left to the person who scaled it up at night', () => {
    const step = decideGroup(
      aSituation({ saved: at(aSavedSize()), group: aGroup({ size: { min: 0, desired: 1, max: 5 } }) }),
    );
    expect(step).toMatchObject({
      action: 'warn',
      record: { next: { phase: 'manual', size: { desired: 3 } } },
    });
    expect(step.resize).toBeUndefined();
  });

  it.each([
    ['the config enforces the schedule', { onManualChange: 'enforce' as const }],
    ['an autoscaler did it', { autoscalerRuns: true }],
  ])('is stopped again when it grew and %s', (_, change) => {
    const group = aGroup({ size: { min: 0, desired: 1, max: 5 } });
    const step = decideGroup(aSituation({ saved: at(aSavedSize()), group, ...change }));
    expect(step).toMatchObject({ action: 'stop', resize: zero, record: { next: { size: { desired: 3 } } } });
  });

  it('is stopped again when a person asks for sleep after it was scaled up', () => {
    const saved = at(aSavedSize({ phase: 'manual', since: '2026-11-24T13:00:00.000Z' }));
    const group = aGroup({ size: { min: 0, desired: 1, max: 5 } });
    expect(decideGroup(aSituation({ saved, group })).action).toBe('none');
    expect(decideGroup(aSituation({ saved, group, overrideSince: '2026-11-24T13:01:00.000Z' })).action).toBe(
      'stop',
    );
  });

  it('that was made anew loses the sizes of its predecessor, not its own', () => {
    const saved = at(aSavedSize({ autoScalingGroup: 'eks-workers-0' }));
    expect(decideGroup(aSituation({ saved }))).toMatchObject({ action: 'ignore', record: { next: 'clear' } });
  });
});

describe('a group that should be awake', () => {
  const awake = aDesired({ state: 'awake', reason: 'office hours' });
  const asleepGroup = aGroup({ size: zero, instances: [] });

  it('gets its sizes back, and keeps the record until that was seen', () => {
    const step = decideGroup(aSituation({ desired: awake, saved: at(aSavedSize()), group: asleepGroup }));
    expect(step).toMatchObject({
      action: 'start',
      resize: { min: 1, desired: 3, max: 5 },
      record: { next: { phase: 'restoring' } },
    });
  });

  it('gets them again when the start was cut off after the write', () => {
    const saved = at(aSavedSize({ phase: 'restoring', since: NIGHT.toISOString() }));
    expect(decideGroup(aSituation({ desired: awake, saved, group: asleepGroup })).resize).toEqual({
      min: 1,
      desired: 3,
      max: 5,
    });
    const half = aGroup({ size: { min: 0, desired: 1, max: 5 }, instances: instances(1) });
    expect(
      decideGroup(aSituation({ desired: awake, saved, group: half, ready: new Set(['i-0']) })).resize,
    ).toEqual({ min: 1, desired: 3, max: 5 });
  });

  it('keeps its record while a stop that was asked for just before may still take effect', () => {
    const saved = at(aSavedSize({ phase: 'restoring', since: NIGHT.toISOString() }));
    const ready = new Set(['i-0', 'i-1', 'i-2']);
    expect(decideGroup(aSituation({ desired: awake, saved, ready })).action).toBe('none');
    const later = new Date(NIGHT.getTime() + 90_000);
    expect(decideGroup(aSituation({ desired: awake, saved, ready, now: later })).action).toBe(
      'confirm-start',
    );
  });

  it('is started only when its nodes are Ready, InService alone does not count', () => {
    const since = new Date(NIGHT.getTime() - 120_000).toISOString();
    const saved = at(aSavedSize({ phase: 'restored', since }));
    const some = decideGroup(aSituation({ desired: awake, saved, ready: new Set(['i-0', 'i-1']) }));
    expect(some).toMatchObject({ action: 'none', reason: '2 of 3 nodes are Ready' });
    const all = decideGroup(aSituation({ desired: awake, saved, ready: new Set(['i-0', 'i-1', 'i-2']) }));
    expect(all).toMatchObject({ action: 'confirm-start', record: { next: 'clear' } });
  });

  it('is not confirmed while the Kubernetes API cannot be asked', () => {
    const saved = at(aSavedSize({ phase: 'restored', since: NIGHT.toISOString() }));
    expect(decideGroup(aSituation({ desired: awake, saved })).action).toBe('none');
  });

  it('is not shrunk in the morning when somebody gave it more at night', () => {
    const saved = at(aSavedSize({ phase: 'manual' }));
    const group = aGroup({ size: { min: 0, desired: 7, max: 9 }, instances: instances(7) });
    expect(decideGroup(aSituation({ desired: awake, saved, group })).resize).toEqual({
      min: 1,
      desired: 7,
      max: 9,
    });
  });

  it('is left alone when it is at zero without a record', () => {
    expect(decideGroup(aSituation({ desired: awake, group: asleepGroup }))).toMatchObject({ action: 'none' });
  });

  it('fails loudly past the deadline', () => {
    const saved = at(
      aSavedSize({ phase: 'restored', since: new Date(NIGHT.getTime() - 25 * 60_000).toISOString() }),
    );
    expect(decideGroup(aSituation({ desired: awake, saved, ready: new Set() }))).toMatchObject({
      action: 'fail',
      reason: '0 of 3 nodes are Ready 25 min after the start',
    });
  });
});
