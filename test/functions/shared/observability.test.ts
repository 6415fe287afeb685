import { Logger } from '@aws-lambda-powertools/logger';
import { describe, expect, test, vi } from 'vitest';
import { createDecisionTrail, NOTIFICATION_FAILED_MESSAGE } from '#functions/shared/observability.ts';
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

function aTrail(notify?: (decisions: readonly Decision[]) => Promise<void>) {
  const logger = new Logger({ logLevel: 'SILENT' });
  const logged = vi.spyOn(logger, 'error');
  const saved: Decision[] = [];
  const trail = createDecisionTrail(logger, async (decisions) => void saved.push(...decisions), notify);
  return { trail, saved, logged };
}

describe('the decision trail', () => {
  test('sends to people what it saves, and nothing else', async () => {
    const sent: Decision[] = [];
    const { trail, saved } = aTrail(async (decisions) => void sent.push(...decisions));
    await trail.record([decision, { ...decision, action: 'none' }]);
    await trail.record([{ ...decision, action: 'none' }]);
    expect(sent).toEqual([decision]);
    expect(saved).toEqual([decision]);
  });

  test('saves the decision and fails nothing when a notification is not delivered, and logs what the alarm counts', async () => {
    const { trail, saved, logged } = aTrail(() => Promise.reject(new Error('the topic is gone')));
    await trail.record([decision]);
    expect(saved).toEqual([decision]);
    expect(logged).toHaveBeenCalledWith(NOTIFICATION_FAILED_MESSAGE, {
      error: new Error('the topic is gone'),
      decision,
    });
  });

  test('sends the notification although the table refuses the decision, and fails then', async () => {
    const sent = vi.fn(async () => {});
    const trail = createDecisionTrail(
      new Logger({ logLevel: 'SILENT' }),
      () => Promise.reject(new Error('throttled')),
      sent,
    );
    await expect(trail.record([decision])).rejects.toThrow('throttled');
    expect(sent).toHaveBeenCalledOnce();
  });
});
