/** What night-schedule relies on of its store, whatever implements it. Each test gets an empty store. */
import { expect, test } from 'vitest';
import type { Store } from '#functions/night-schedule/ports.ts';
import type { LedgerEntry } from '#functions/night-schedule/records.ts';
import { aSavedSize } from '#test/functions/night-schedule/builders.ts';

const SINCE = '2026-11-24T13:00:00.000Z';

export function nightStoreContract(make: () => Store): void {
  test('writes a saved size once, and again only over the version that was read', async () => {
    const store = make();
    expect(await store.writeSaved(aSavedSize({ group: 'a' }), 'absent')).toBe(true);
    expect(await store.writeSaved(aSavedSize({ group: 'a', phase: 'stopping' }), 'absent')).toBe(false);
    const first = (await store.load()).saved.get('a');
    expect(first?.value).toEqual(aSavedSize({ group: 'a' }));
    const version = first?.version ?? 0;
    expect(await store.writeSaved(aSavedSize({ group: 'a', phase: 'manual' }), version)).toBe(true);
    expect(await store.clearSaved('a', version)).toBe(false);
    expect(await store.clearSaved('a', (await store.load()).saved.get('a')?.version ?? 0)).toBe(true);
    expect((await store.load()).saved.has('a')).toBe(false);
  });

  test('never writes a size that cannot be restored', async () => {
    const nothing = aSavedSize({ size: { min: 0, desired: 0, max: 3 } });
    await expect(make().writeSaved(nothing, 'absent')).rejects.toThrow('was not written');
  });

  test('keeps state and notes under conditions, and writes anew what cannot be read', async () => {
    const store = make();
    const state = { phase: 'awake', desired: 'awake', reason: 'r', since: SINCE, groups: [] } as const;
    const note = [{ asked: SINCE, seconds: { nodes: 1 } }];
    expect(await store.writeState(state, 'absent')).toBe(true);
    expect(await store.writeState(state, 'absent')).toBe(false);
    expect(await store.writeNote('mornings', note, 'absent')).toBe(true);
    expect(await store.writeNote('mornings', note, 'absent')).toBe(false);
    expect(await store.writeNote('mornings', [], 1)).toBe(true);
    expect(await store.writeNote('mornings', note, 'corrupt')).toBe(true);
    const memory = await store.load();
    expect(memory.state?.value).toEqual(state);
    expect(memory.notes).toEqual({ mornings: { value: note, version: 1 } });
  });

  test('keeps each object of an autoscaler by itself', async () => {
    const store = make();
    const deployment = {
      kind: 'cluster-autoscaler',
      deployment: 'kube-system/cluster-autoscaler',
      replicas: 2,
      since: SINCE,
    } as const;
    const pool = {
      kind: 'karpenter',
      nodePool: 'spot',
      setting: { limits: { cpu: '10' }, replicas: null },
      since: SINCE,
    } as const;
    for (const one of [deployment, pool]) {
      expect(await store.writeAutoscaler(one, 'absent')).toBe(true);
      expect(await store.writeAutoscaler(one, 'absent')).toBe(false);
    }
    const { autoscaler } = await store.load();
    expect([...autoscaler].map(([object, { value }]) => [object, value])).toEqual([
      ['deployment#kube-system/cluster-autoscaler', expect.objectContaining(deployment)],
      ['nodepool#spot', expect.objectContaining(pool)],
    ]);
    expect(await store.clearAutoscaler('nodepool#spot', 7)).toBe(false);
    expect(await store.clearAutoscaler('nodepool#spot', 1)).toBe(true);
    expect([...(await store.load()).autoscaler.keys()]).toEqual([
      'deployment#kube-system/cluster-autoscaler',
    ]);
  });

  test('keeps each suspended CronJob by itself', async () => {
    const store = make();
    const job = { namespace: 'shop', name: 'report', uid: 'u', phase: 'suspending', since: SINCE } as const;
    expect(await store.writeCronJob(job, 'absent')).toBe(true);
    expect(await store.writeCronJob(job, 'absent')).toBe(false);
    expect(await store.writeCronJob({ ...job, phase: 'suspended' }, 1)).toBe(true);
    const { cronJobs } = await store.load();
    expect([...cronJobs]).toMatchObject([
      ['shop/report', { value: { ...job, phase: 'suspended' }, version: 2 }],
    ]);
    expect(await store.clearCronJob('shop/report', 1)).toBe(false);
    expect(await store.clearCronJob('shop/report', 2)).toBe(true);
    expect((await store.load()).cronJobs.size).toBe(0);
  });

  test('takes the stretches of a ledger one after the other, and each of them once', async () => {
    const store = make();
    const entry = (hour: string): LedgerEntry => ({
      date: '2026-11-24',
      group: 'a',
      from: `2026-11-24T${hour}:00:00.000Z`,
      to: '2026-11-24T15:00:00.000Z',
      nodes: 3,
      asleepMinutes: 60,
      gapMinutes: 0,
      nodeMinutesSaved: 180,
    });
    for (const hour of ['13', '14', '13']) expect(await store.writeLedger([entry(hour)])).toEqual([]);
  });
}
