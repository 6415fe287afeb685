import picocolors from 'picocolors';
import { expect, test } from 'vitest';
import { createTimeline } from '#demo/sample/timeline.ts';
import type { Decision } from '#model/decision.ts';

function aTimeline(columns = 120) {
  let text = '';
  const timeline = createTimeline(
    {
      columns,
      live: true,
      colors: picocolors.createColors(false),
      write(written) {
        text += written;
      },
    },
    { timeZone: 'Asia/Tokyo', environments: ['develop', 'staging'] },
  );
  return {
    timeline,
    rows: () => text.split('\n').filter((row) => /^\w{3} \d\d:/.test(row)),
    text: () => text,
  };
}

const aDecision = (overrides: Partial<Decision>): Decision => ({
  time: '2026-11-24T00:24:00Z',
  environment: 'develop',
  capability: 'spot-drain',
  target: 'ip-10-0-0-5',
  action: 'drain',
  reason: 'evicted 3 pods',
  trigger: 'a',
  ...overrides,
});

test('repeated events of a node that was handled are counted in one row', () => {
  const { timeline, rows } = aTimeline();
  timeline.decision(aDecision({}));
  for (let index = 0; index < 3; index++)
    timeline.decision(aDecision({ action: 'ignore', reason: 'already handled by invocation x for event a' }));
  timeline.decision(
    aDecision({ time: '2026-11-24T00:30:00Z', target: 'ip-10-0-0-6', action: 'cordon', reason: 'r' }),
  );
  expect(rows()).toHaveLength(3);
  expect(rows()[1]).toMatch(/develop +ignore +3 more deliveries of events that were already handled$/);
});

test('a node that was ignored without being handled before is shown', () => {
  const { timeline, rows } = aTimeline();
  timeline.decision(aDecision({ action: 'ignore', reason: 'the notice is older than its deadline' }));
  expect(rows()[0]).toContain('ip-10-0-0-5 — the notice is older than its deadline');
});

test.each([80, 120])('no row is wider than a terminal of %i columns', (columns) => {
  const { timeline, text } = aTimeline(columns);
  timeline.decision(
    aDecision({
      capability: 'night-schedule',
      target: 'develop',
      action: 'warn',
      reason: 'stops at 22:00 (Asia/Tokyo); to keep it up: npx nightshift keep-up develop --for 2h',
    }),
  );
  expect(
    Math.max(
      ...text()
        .split('\n')
        .map((line) => line.length),
    ),
  ).toBeLessThanOrEqual(columns);
  expect(text()).toContain('npx nightshift keep-up develop --for 2h');
});
