/** What night-schedule relies on of its memory, whatever it is kept in. Each test gets a store that is empty. */
import { expect, it } from 'vitest';
import type { Store } from '#functions/night-schedule/ports.ts';
import { aSavedSize } from '#test/functions/night-schedule/builders.ts';

export function nightStoreContract(make: () => Store): void {
  it('writes a saved size once, and again only over the version that was read', async () => {
    const store = make();
    expect(await store.writeSaved(aSavedSize({ group: 'a' }))).toBe(true);
    expect(await store.writeSaved(aSavedSize({ group: 'a', phase: 'stopping' }))).toBe(false);
    const first = (await store.load()).saved.get('a');
    expect(first?.value).toEqual(aSavedSize({ group: 'a' }));
    expect(await store.writeSaved(aSavedSize({ group: 'a', phase: 'held' }), first?.version)).toBe(true);
    expect(await store.clearSaved('a', first?.version ?? 0)).toBe(false);
    expect(await store.clearSaved('a', (await store.load()).saved.get('a')?.version ?? 0)).toBe(true);
    expect((await store.load()).saved.has('a')).toBe(false);
  });

  it('keeps state, autoscaler and memo under conditions too', async () => {
    const store = make();
    const state = {
      phase: 'awake',
      desired: 'awake',
      reason: 'r',
      since: '2026-11-24T13:00:00.000Z',
      groups: [],
    } as const;
    const autoscaler = { kind: 'cluster-autoscaler', replicas: 2, since: state.since } as const;
    const memo = { startSeconds: [1], reported: {}, gaps: [] };
    for (const write of [
      () => store.writeState(state),
      () => store.writeAutoscaler(autoscaler),
      () => store.writeMemo(memo),
    ]) {
      expect(await write()).toBe(true);
      expect(await write()).toBe(false);
    }
    const memory = await store.load();
    expect(memory).toMatchObject({
      state: { value: state },
      autoscaler: { value: autoscaler },
      memo: { value: memo },
    });
    expect(await store.clearAutoscaler(memory.autoscaler?.version ?? 0)).toBe(true);
    expect((await store.load()).autoscaler).toBeUndefined();
  });
}
