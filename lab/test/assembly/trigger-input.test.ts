import { expect, test } from 'vitest';
import { payloadOf } from '#lab/assembly/triggers.ts';

const EVENT = JSON.stringify({
  version: '0',
  id: 'e-1',
  'detail-type': 'Scheduled Event',
  source: 'aws.events',
  account: '111111111111',
  time: '2026-11-24T01:00:00Z',
  region: 'ap-northeast-1',
  resources: [],
  detail: {},
});
const target = { arn: 'arn:aws:lambda:ap-northeast-1:111111111111:function:f' };

test('a target gets the event, a constant, or a template with fields of the event as JSON', () => {
  expect(payloadOf(target, EVENT)).toBe(EVENT);
  expect(payloadOf({ ...target, input: '{}' }, EVENT)).toBe('{}');
  const inputTemplate = '{"id":<id>,"at":<at>,"event":<aws.events.event.json>}';
  const inputPaths = { id: 'id', at: 'time' } as const;
  expect(JSON.parse(payloadOf({ ...target, inputTemplate, inputPaths }, EVENT))).toEqual({
    id: 'e-1',
    at: '2026-11-24T01:00:00Z',
    event: JSON.parse(EVENT),
  });
});
