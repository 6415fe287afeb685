import { describe, expect, test } from 'vitest';
import { killAWorker } from '#test/functions/spot-drain/killed-worker.ts';
import { createRandom } from '#test/simulation/random.ts';

describe('a worker that is killed at a random call', () => {
  test('has every pod asked within 25 s', async () => {
    const random = createRandom(2026);
    const late: unknown[] = [];
    for (let kills = 0; kills < 60; kills++) {
      const killed = await killAWorker(random);
      if (killed.podsLeft > 0 || killed.askedAfterMs > 25_000) late.push(killed);
    }
    expect(late).toEqual([]);
  });
});
