import { Logger } from '@aws-lambda-powertools/logger';
import { describe, expect, test, vi } from 'vitest';
import { createDecisionTrail, NOT_TOLD_MESSAGE } from '#functions/shared/observability.ts';
import type { Decision } from '#model/decision.ts';

const decision: Decision = {
  time: '2026-11-24T12:30:00Z',
  environment: 'develop',
  capability: 'night-schedule',
  target: 'workers',
  action: 'fail',
  reason: 'not ready',
  trigger: 'tick',
};

function aTrail(tell?: (decisions: readonly Decision[]) => Promise<void>) {
  const logger = new Logger({ logLevel: 'SILENT' });
  const logged = vi.spyOn(logger, 'error');
  const kept: Decision[] = [];
  const trail = createDecisionTrail(logger, async (decisions) => void kept.push(...decisions), tell);
  return { trail, kept, logged };
}

describe('the decision trail', () => {
  test('tells people of what it keeps, and of nothing else', async () => {
    const told: Decision[] = [];
    const { trail, kept } = aTrail(async (decisions) => void told.push(...decisions));
    await trail.record([decision, { ...decision, action: 'none' }]);
    await trail.record([{ ...decision, action: 'none' }]);
    expect(told).toEqual([decision]);
    expect(kept).toEqual([decision]);
  });

  test('keeps the decision and fails nothing when people could not be told, and says so where the alarm counts', async () => {
    const { trail, kept, logged } = aTrail(() => Promise.reject(new Error('the topic is gone')));
    await trail.record([decision]);
    expect(kept).toEqual([decision]);
    expect(logged).toHaveBeenCalledWith(NOT_TOLD_MESSAGE, {
      error: new Error('the topic is gone'),
      decision,
    });
  });

  test('tells people also where the table refuses the decision, and fails then', async () => {
    const told = vi.fn(async () => {});
    const trail = createDecisionTrail(
      new Logger({ logLevel: 'SILENT' }),
      () => Promise.reject(new Error('throttled')),
      told,
    );
    await expect(trail.record([decision])).rejects.toThrow('throttled');
    expect(told).toHaveBeenCalledOnce();
  });
});
