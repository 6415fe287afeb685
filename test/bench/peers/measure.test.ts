import { expect, test } from 'vitest';
import type { Ground } from './ground.ts';
import { measure } from './measure.ts';
import type { Prepared, Side } from './sides.ts';

test('what the end of a measurement cuts off is not counted as a failure', async () => {
  const failures: string[] = ['refused while it was measured'];
  const prepared: Prepared = {
    pids: () => [],
    strike: () => undefined,
    isDone: () => true,
    failures: () => failures,
    close: async () => void failures.push('killed at the end'),
  };
  const side: Side = { isBy: () => true, prepare: async () => prepared };
  const ground = { plane: { audit: async () => [] } } as unknown as Ground;
  const task = { nodes: [], namespace: 'none', pods: 0, withinMs: 1_000, isOver: async () => true };
  const emptied = await measure(ground, side, task);
  expect(emptied.failures).toEqual(['refused while it was measured']);
});
