import { describe, expect, test } from 'vitest';
import { decideSuspension } from '#functions/night-schedule/decide-cron-jobs.ts';
import type { CronJobView, Memory } from '#functions/night-schedule/ports.ts';
import type { SavedCronJob } from '#functions/night-schedule/records.ts';
import { NIGHT } from './builders.ts';

const job: CronJobView = { namespace: 'shop', name: 'report', uid: 'uid-1', isSuspended: false };
const since = '2026-11-24T13:00:00.000Z';
const aRecord = (overrides: Partial<SavedCronJob> = {}): SavedCronJob => ({
  namespace: 'shop',
  name: 'report',
  uid: 'uid-1',
  phase: 'suspending',
  since,
  ...overrides,
});
const fresh = aRecord({ since: NIGHT.toISOString() });

function decided(
  listed: readonly CronJobView[],
  record?: SavedCronJob,
  corrupt: readonly { kind: string; name: string }[] = [],
) {
  const cronJobs = new Map(record ? [['shop/report', { value: record, version: 3 }]] : []);
  return decideSuspension(listed, { cronJobs, corrupt } as unknown as Memory, NIGHT);
}
const nothing = { steps: [], resumedBySomebody: [] };

describe('a CronJob', () => {
  test('is written down before it is suspended', () => {
    expect(decided([job])).toEqual({ ...nothing, steps: [{ next: fresh, over: 'absent', suspend: job }] });
    expect(decided([job], aRecord()).steps).toEqual([{ next: fresh, over: 3, suspend: job }]);
  });

  test('that was observed suspended is written down so, once', () => {
    const suspended = { ...job, isSuspended: true };
    expect(decided([suspended], aRecord()).steps).toEqual([
      { next: aRecord({ phase: 'suspended' }), over: 3 },
    ]);
    expect(decided([suspended], aRecord({ phase: 'suspended' }))).toEqual(nothing);
  });

  test('that somebody suspended is left as it is, also where it was created again', () => {
    const suspended = { ...job, isSuspended: true };
    expect(decided([suspended])).toEqual(nothing);
    expect(decided([{ ...suspended, uid: 'uid-2' }], aRecord())).toEqual(nothing);
  });

  test('that somebody resumed at night is left alone', () => {
    expect(decided([job], aRecord({ phase: 'suspended' }))).toEqual({
      steps: [],
      resumedBySomebody: ['shop/report'],
    });
  });

  test('that was created again is suspended as a new one', () => {
    const other = { ...job, uid: 'uid-2' };
    expect(decided([other], aRecord({ phase: 'suspended' })).steps).toEqual([
      { next: { ...fresh, uid: 'uid-2' }, over: 3, suspend: other },
    ]);
  });

  test('whose record cannot be read is left alone, and no other one', () => {
    expect(decided([job], undefined, [{ kind: 'cronjob', name: 'shop/report' }])).toEqual(nothing);
    for (const other of [
      { kind: 'cronjob', name: 'shop/other' },
      { kind: 'saved', name: 'shop/report' },
    ])
      expect(decided([job], undefined, [other]).steps).toHaveLength(1);
  });
});
