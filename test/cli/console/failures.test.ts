import { expect, test } from 'vitest';
import { failuresOf } from '#cli/console/failures.ts';
import type { Decision } from '#model/decision.ts';

const aDecision = (target: string, action: Decision['action'], minute: number): Decision => ({
  time: `2026-11-24T00:${String(minute).padStart(2, '0')}:00Z`,
  environment: 'develop',
  capability: 'night-schedule',
  target,
  action,
  reason: `${action} at ${minute}`,
  trigger: 'tick',
});

test('a failure needs a person until something about its target succeeds', () => {
  const decisions = [
    aDecision('web', 'fail', 1),
    aDecision('api', 'fail', 2),
    aDecision('web', 'confirm-stop', 3),
  ];
  expect(failuresOf(decisions).map(({ target }) => target)).toEqual(['api']);
});

test('waiting and warning settle nothing, and the latest failure of a target counts', () => {
  const decisions = [
    aDecision('web', 'fail', 1),
    aDecision('api', 'fail', 2),
    aDecision('web', 'warn', 3),
    aDecision('web', 'fail', 4),
  ];
  expect(failuresOf(decisions).map(({ target, reason }) => `${target}: ${reason}`)).toEqual([
    'web: fail at 4',
    'api: fail at 2',
  ]);
});
