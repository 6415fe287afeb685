import { expect, test } from 'vitest';
import type { ChatAction, ChatChannel } from '#lab/assembly/chat-actions.ts';
import { buttonsOf, press } from '#lab/http/chatbot.ts';
import { createContext } from '#lab/world/context.ts';

const FUNCTION = 'arn:aws:lambda:ap-northeast-1:111111111111:function:keep-up';
const anAction = (criteria: ChatAction['attachments'][number]['criteria']): ChatAction => ({
  commandText: 'lambda invoke --function-name keep-up --payload {"id": "$id"} --region ap-northeast-1',
  attachments: [
    {
      notificationType: 'Custom',
      buttonText: 'Keep it up',
      criteria,
      variables: { id: 'event.metadata.additionalContext.id' },
    },
  ],
});
const allow = (resource: string) => ({
  effect: 'Allow' as const,
  actions: ['lambda:InvokeFunction'],
  resources: [resource],
  conditions: {},
});
const aChannel = (changes: Partial<ChatChannel> = {}): ChatChannel => ({
  topics: [],
  actions: [anAction([{ operator: 'EQUALS', variable: 'id', value: 'develop' }])],
  role: {
    name: 'chat',
    arn: 'arn:aws:iam::111111111111:role/chat',
    account: '111111111111',
    trusted: ['chatbot.amazonaws.com'],
    statements: [allow(FUNCTION)],
    managedPolicies: [],
  },
  guardrail: [allow(FUNCTION)],
  ...changes,
});
const aMessage = (metadata: object) =>
  JSON.stringify({ version: '1.0', source: 'custom', content: { description: 'stops' }, metadata });
const ours = aMessage({ enableCustomActions: true, additionalContext: { id: 'develop' } });

test('a button hangs on the notifications that its criteria name', () => {
  expect(buttonsOf(aChannel(), ours)).toMatchObject([{ text: 'Keep it up', variables: { id: 'develop' } }]);
  for (const metadata of [
    {},
    { additionalContext: { id: 'develop' } },
    { enableCustomActions: true },
    { enableCustomActions: true, additionalContext: { id: 'staging' } },
  ])
    expect(buttonsOf(aChannel(), aMessage(metadata))).toEqual([]);
});

test('a button without criteria hangs on every notification with actions', () => {
  const channel = aChannel({ actions: [anAction([])] });
  expect(buttonsOf(channel, aMessage({ enableCustomActions: true }))).toHaveLength(1);
});

test.each(['text', '{}', JSON.stringify({ version: '1.0', source: 'custom', content: {} })])(
  'the malformed message %s is not delivered',
  (message) => {
    expect(buttonsOf(aChannel(), message)).toBeUndefined();
  },
);

test('a press needs both the role and the guardrail, and without a guardrail the role alone', async () => {
  const context = createContext({ start: new Date('2026-11-24T13:00:00Z'), seed: 1 });
  const payloads: string[] = [];
  const invoke = async (payload: string) => {
    payloads.push(payload);
    return { ok: true as const, payload: '{"message":"done"}' };
  };
  const run = { find: () => ({ invoke }) as never };
  const pressIn = (channel: ChatChannel) =>
    press({ run, context, channel }, { action: channel.actions[0]!, variables: { id: 'develop' } });
  expect((await pressIn(aChannel())).posted).toBe('{"message":"done"}');
  expect(payloads).toEqual(['{"id": "develop"}']);
  expect((await pressIn(aChannel({ guardrail: [allow('*-other')] }))).denied).toBeDefined();
  const { guardrail: _, ...loose } = aChannel();
  expect((await pressIn(loose)).denied).toBeUndefined();
  const noRole = aChannel();
  expect((await pressIn({ ...noRole, role: { ...noRole.role, statements: [] } })).denied).toBeDefined();
});
