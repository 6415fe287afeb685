/** The table without the SDK: what it repeats, what counts as its own write, and what it refuses to take for an answer. */
import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { isTransientAwsError } from '#functions/adapters/aws/errors.ts';
import { pauseMs } from '#functions/adapters/dynamodb/small-table.ts';
import { type ATable, aTable } from './a-table.ts';

type Fate = (response: ServerResponse, apply: () => Promise<unknown>) => Promise<void> | void;

let real: ATable;
let fates: Fate[] = [];
let asked: string[] = [];

beforeAll(async () => {
  // The pause before a repetition is a random part of the longest one, the SDK's too: none, here.
  vi.spyOn(Math, 'random').mockReturnValue(0);
  real = await aTable(async (operation, response, apply) => {
    asked.push(operation);
    const fate = fates.shift();
    await fate?.(response, apply);
    return fate !== undefined;
  });
});
beforeEach(() => {
  fates = [];
  asked = [];
});
afterAll(async () => {
  vi.restoreAllMocks();
  await real.close();
});

const error =
  (status: number, code: string): Fate =>
  (response) => {
    response
      .writeHead(status, { 'content-type': 'application/x-amz-json-1.0' })
      .end(JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${code}`, message: 'no' }));
  };
const replyLost: Fate = async (response, apply) => {
  await apply();
  response.destroy();
};
const requestLost: Fate = (response) => void response.destroy();

test('a write whose reply was lost counts as ours', async () => {
  fates = [replyLost];
  expect(await real.small.saveIf('p', 'lost', { a: 1 }, 'absent')).toEqual({ value: { a: 1 }, version: 1 });
  expect(asked).toEqual(['PutItem', 'PutItem']);
  expect(await real.small.get('p', 'lost')).toMatchObject({ value: { a: 1 }, version: 1 });
});

test('a write that somebody else made first does not', async () => {
  await real.table.saveIf('p', 'raced', 'another', 'absent');
  expect(await real.small.saveIf('p', 'raced', 'another', 'absent')).toBeUndefined();
  expect(asked.filter((operation) => operation === 'PutItem')).toHaveLength(2);
  fates = [requestLost];
  expect(await real.small.saveIf('p', 'raced', 'ours', 'absent')).toBeUndefined();
});

test('what may pass is asked again: no whole reply, 500, throttling, a page of a proxy', async () => {
  fates = [requestLost, error(500, 'InternalServerError'), error(400, 'ThrottlingException')];
  expect(await real.small.get('p', 'nothing')).toBeUndefined();
  expect(asked).toHaveLength(4);
  fates = [(response) => void response.writeHead(200).end('<html>')];
  expect(await real.small.get('p', 'nothing')).toBeUndefined();
});

test.each([
  [400, 'ProvisionedThroughputExceededException', true],
  [400, 'RequestLimitExceeded', true],
  [400, 'ThrottlingException', true],
  [400, 'ThrottledException', true],
  [400, 'RequestThrottledException', true],
  [400, 'TooManyRequestsException', true],
  [400, 'LimitExceededException', true],
  [400, 'TransactionInProgressException', true],
  [400, 'RequestTimeoutException', true],
  [429, 'SomethingNew', true],
  [500, 'InternalServerError', true],
  [502, 'BadGateway', true],
  [503, 'ServiceUnavailable', true],
  [504, 'GatewayTimeout', true],
  [400, 'AccessDeniedException', false],
  [400, 'ExpiredTokenException', false],
  [400, 'ResourceNotFoundException', false],
  [400, 'TransactionConflictException', false],
  [400, 'UnrecognizedClientException', false],
  [400, 'ValidationException', false],
])('%i %s is repeated like by the SDK: %s', async (status, code, isRepeated) => {
  for (const table of [real.table, real.small]) {
    asked = [];
    fates = [error(status, code)];
    const outcome = await table.get('p', 'nothing').catch(() => 'refused');
    expect([outcome, asked.length]).toEqual(isRepeated ? [undefined, 2] : ['refused', 1]);
  }
});

test('throttled requests wait longer, and return one by one', () => {
  const longest = [1, 2, 3].map((attempts) => pauseMs(attempts, true, 1));
  expect(longest).toEqual([500, 1_000, 2_000]);
  expect(pauseMs(1, true, 0.1)).toBeLessThan(pauseMs(1, true, 0.9));
  expect([1, 2, 3].map((attempts) => pauseMs(attempts, false, 1))).toEqual([50, 100, 200]);
});

test('what lasts is an error with the words of DynamoDB, after one request', async () => {
  fates = [error(400, 'AccessDeniedException')];
  await expect(real.small.get('p', 'x')).rejects.toThrow(
    'dynamodb answered 400 to GetItem: AccessDeniedException: no',
  );
  expect(asked).toHaveLength(1);
});

test('what does not pass ends after four attempts', async () => {
  fates = Array.from({ length: 9 }, () => requestLost);
  await expect(real.small.list('p')).rejects.toThrow('dynamodb could not be reached for Query');
  expect(asked).toHaveLength(4);
});

test.each([
  ['no whole reply', requestLost],
  ['an error of the server', error(500, 'InternalServerError')],
  ['throttling', error(400, 'ThrottlingException')],
  ['too much for the capacity', error(400, 'ProvisionedThroughputExceededException')],
  ['a page of a proxy', ((response) => void response.writeHead(200).end('<html>')) satisfies Fate],
])('%s to the end is known as what may pass', async (_what, fate) => {
  fates = Array.from({ length: 4 }, () => fate);
  await expect(real.small.get('p', 'x')).rejects.toSatisfy(isTransientAwsError);
});

test.each(['AccessDeniedException', 'ResourceNotFoundException', 'ValidationException'])(
  '%s is not',
  async (code) => {
    fates = [error(400, code)];
    await expect(real.small.get('p', 'x')).rejects.toSatisfy((one: unknown) => !isTransientAwsError(one));
  },
);
