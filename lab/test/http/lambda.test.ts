import { InvokeCommand, LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import { afterEach, describe, expect, test } from 'vitest';
import type { FunctionRunner } from '#lab/assembly/function-runner.ts';
import { serveAws } from '#lab/http/aws/server.ts';
import { createLambdaService } from '#lab/http/lambda.ts';
import { createAws } from '#lab/world/aws/index.ts';
import { createContext } from '#lab/world/context.ts';

const ACCOUNT = '111111111111';
const REGION = 'ap-northeast-1';
const cleanups: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function aLambda(overrides: Partial<FunctionRunner> = {}) {
  const context = createContext({ start: new Date(), seed: 1 });
  const aws = createAws(context);
  const invoked: string[] = [];
  const runner = {
    spec: { name: 'night' },
    saturated: () => false,
    invoke: async (payload: string) => ({ ok: true, payload: `{"got":${payload}}` }),
    ...overrides,
  } as unknown as FunctionRunner;
  const front = await serveAws({
    aws,
    services: [
      createLambdaService({
        find: (at) =>
          at.function.endsWith('night') && at.account === ACCOUNT && at.region === REGION
            ? runner
            : undefined,
        functions: () => [runner.spec],
        invokeAsync: (_, payload) => void invoked.push(payload),
      }),
    ],
  });
  cleanups.push(() => front.close());
  const operator = aws.addPrincipal({
    arn: `arn:aws:iam::${ACCOUNT}:user/operator`,
    account: ACCOUNT,
    anyTime: true,
  });
  const client = new LambdaClient({
    region: REGION,
    endpoint: front.url,
    credentials: { accessKeyId: operator.accessKeyId, secretAccessKey: operator.secretAccessKey },
    maxAttempts: 1,
  });
  cleanups.push(() => client.destroy());
  return {
    client,
    invoked,
    send: (input: Omit<ConstructorParameters<typeof InvokeCommand>[0], 'FunctionName'>, name = 'night') =>
      client.send(new InvokeCommand({ FunctionName: name, ...input })),
  };
}

describe('ListFunctions', () => {
  test('names the functions of the account and region', async () => {
    const { client } = await aLambda();
    const { Functions } = await client.send(new ListFunctionsCommand({}));
    expect(Functions?.map(({ FunctionName }) => FunctionName)).toEqual(['night']);
  });
});

describe('Invoke', () => {
  test('answers with what the function returned', async () => {
    const { send } = await aLambda();
    const reply = await send({ Payload: Buffer.from('{"a":1}') });
    expect(reply.StatusCode).toBe(200);
    expect(reply.FunctionError).toBeUndefined();
    expect(Buffer.from(reply.Payload ?? []).toString()).toBe('{"got":{"a":1}}');
  });

  test('finds a function by its ARN too', async () => {
    const { send } = await aLambda();
    const reply = await send({}, `arn:aws:lambda:${REGION}:${ACCOUNT}:function:night`);
    expect(Buffer.from(reply.Payload ?? []).toString()).toBe('{"got":{}}');
  });

  test('marks the error of a function', async () => {
    const error = { errorType: 'TypeError', errorMessage: 'broken', trace: [] };
    const { send } = await aLambda({ invoke: async () => ({ ok: false, error }) });
    const reply = await send({});
    expect(reply.FunctionError).toBe('Unhandled');
    expect(JSON.parse(Buffer.from(reply.Payload ?? []).toString())).toEqual(error);
  });

  test('accepts an event at once', async () => {
    const { send, invoked } = await aLambda();
    const reply = await send({ InvocationType: 'Event', Payload: Buffer.from('{"b":2}') });
    expect(reply.StatusCode).toBe(202);
    expect(invoked).toEqual(['{"b":2}']);
  });

  test('does not run the function in a dry run', async () => {
    const { send, invoked } = await aLambda({ invoke: () => expect.fail('it was invoked') });
    expect((await send({ InvocationType: 'DryRun' })).StatusCode).toBe(204);
    expect(invoked).toEqual([]);
  });

  test.each<[string, { name?: string; payload?: string; saturated?: boolean }, string]>([
    ['an unknown function', { name: 'day' }, 'ResourceNotFoundException'],
    ['a payload that is no JSON', { payload: '{' }, 'InvalidRequestContentException'],
    ['a function that is busy in all its processes', { saturated: true }, 'TooManyRequestsException'],
  ])('refuses %s', async (_, { name, payload, saturated }, error) => {
    const { send } = await aLambda({ saturated: () => saturated ?? false });
    await expect(send({ ...(payload ? { Payload: Buffer.from(payload) } : {}) }, name)).rejects.toMatchObject(
      {
        name: error,
      },
    );
  });
});
