import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createNightStore } from '#functions/adapters/night-store.ts';
import type { Store } from '#functions/night-schedule/ports.ts';
import { aSavedSize } from '../night-schedule/builders.ts';
import { aWorld } from '../night-schedule/memory-ports.ts';
import { aTable } from './a-table.ts';

let real: Awaited<ReturnType<typeof aTable>>;
beforeAll(async () => {
  real = await aTable();
});
afterAll(() => real.close());

// One suite, two implementations: what the tests of a pass rely on is what DynamoDB does.
describe.each<[string, () => Store]>([
  ['in memory', () => aWorld([]).ports.store],
  ['in the table', () => createNightStore(real.table)],
])('the store %s', (_, make) => {
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
});

describe('a saved record that something else wrote', () => {
  it.each([
    ['zero nodes', { size: { min: 0, desired: 0, max: 5 } }],
    ['an impossible size', { size: { min: 4, desired: 3, max: 5 } }],
    ['another group', { group: 'b' }],
    ['an unknown phase', { phase: 'napping' }],
    ['no time', { since: 'yesterday' }],
    ['a size in words', { size: 'three' }],
  ])('with %s is reported as corrupt and never used', async (_, change) => {
    await real.table.put('night', 'saved#corrupt', { ...aSavedSize({ group: 'corrupt' }), ...change });
    const memory = await createNightStore(real.table).load();
    expect(memory.corrupt).toEqual(['corrupt']);
    expect(memory.saved.has('corrupt')).toBe(false);
  });
});
