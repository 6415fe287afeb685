import { expect, test } from 'vitest';
import { decisionIn } from '#demo/decisions.ts';

test('a log line whose message is `decision` carries the decision', () => {
  const line = JSON.stringify({ level: 'INFO', message: 'decision', decision: { action: 'stop' } });
  expect(decisionIn(line)).toEqual({ action: 'stop' });
});

test.each([
  ['of another message', JSON.stringify({ message: 'notification failed', decision: { action: 'stop' } })],
  ['that is plain text', 'a "decision" in plain text'],
  ['that only looks like JSON', '{ "decision" and no more'],
  ['without a decision', JSON.stringify({ message: 'decision' })],
])('a log line %s carries none', (_, line) => {
  expect(decisionIn(line)).toBeUndefined();
});
