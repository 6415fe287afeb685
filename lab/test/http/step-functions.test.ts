import { afterEach, describe, expect, test } from 'vitest';
import { readAssembly } from '#lab/assembly/assembly.ts';
import { readDeployment } from '#lab/assembly/deployment.ts';
import { createStepFunctions } from '#lab/http/step-functions.ts';
import { createContext } from '#lab/world/context.ts';
import { ACCOUNT, anAssembly, REGION } from '../assembly/an-assembly.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

const QUEUE_URL = `https://sqs.${REGION}.amazonaws.com/${ACCOUNT}/letters`;
const ARN = `arn:aws:states:${REGION}:${ACCOUNT}:stateMachine:later`;

const INVOKE = {
  Type: 'Task',
  Resource: 'arn:aws:states:::lambda:invoke',
  Parameters: {
    FunctionName: `arn:aws:lambda:${REGION}:${ACCOUNT}:function:fn`,
    InvocationType: 'Event',
    Payload: { source: 'test', 'id.$': '$$.Execution.Name', 'check.$': '$.check' },
  },
  Retry: [{ ErrorEquals: ['States.ALL'], IntervalSeconds: 1, BackoffRate: 2, MaxAttempts: 2 }],
  Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: '$.error', Next: 'Keep' }],
  End: true,
};

interface Overrides {
  readonly invoke?: Readonly<Record<string, unknown>>;
  readonly actions?: readonly string[];
  readonly machine?: Readonly<Record<string, unknown>>;
}

async function machinesOf({ invoke = {}, actions, machine }: Overrides) {
  const written = await anAssembly({
    resources: {
      Machine: {
        Type: 'AWS::StepFunctions::StateMachine',
        Properties: {
          StateMachineName: 'later',
          RoleArn: { 'Fn::GetAtt': ['Waiter', 'Arn'] },
          DefinitionString: JSON.stringify({
            StartAt: 'Wait',
            States: {
              Wait: { Type: 'Wait', SecondsPath: '$.delaySeconds', Next: 'Invoke' },
              Invoke: { ...INVOKE, ...invoke },
              Keep: {
                Type: 'Task',
                Resource: 'arn:aws:states:::sqs:sendMessage',
                Parameters: { QueueUrl: QUEUE_URL, 'MessageBody.$': '$' },
                End: true,
              },
            },
          }),
          ...machine,
        },
      },
      Waiter: {
        Type: 'AWS::IAM::Role',
        Properties: {
          AssumeRolePolicyDocument: {
            Statement: [
              { Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: 'states.amazonaws.com' } },
            ],
          },
          Policies: [
            {
              PolicyName: 'tasks',
              PolicyDocument: {
                Statement: [
                  {
                    Effect: 'Allow',
                    Action: actions ?? ['lambda:InvokeFunction', 'sqs:SendMessage'],
                    Resource: '*',
                  },
                ],
              },
            },
          ],
        },
      },
    },
  });
  cleanups.push(written.remove);
  const { stacks } = await readAssembly(written.directory);
  return stacks.flatMap((stack) => readDeployment(stack).stateMachines);
}

async function aService(overrides: Overrides & { readonly isFunctionGone?: boolean } = {}) {
  const context = createContext({ start: new Date('2026-11-24T12:00:00Z'), seed: 1 });
  const invoked: { readonly at: number; readonly payload: unknown }[] = [];
  const letters: unknown[] = [];
  const started = context.clock.now();
  const service = createStepFunctions(await machinesOf(overrides), {
    context,
    services: {
      invokeAsync(_arn, payload) {
        if (overrides.isFunctionGone) throw new Error('Function not found');
        invoked.push({ at: (context.clock.now() - started) / 1_000, payload: JSON.parse(payload) });
      },
      sendMessage: (_url, body) => void letters.push(JSON.parse(body)),
    },
  });
  const start = (input: unknown, stateMachineArn = ARN, name?: string) =>
    service.handle({
      operation: 'StartExecution',
      parameters: { stateMachineArn, name, input: typeof input === 'string' ? input : JSON.stringify(input) },
    } as never);
  return {
    service,
    start,
    invoked,
    letters,
    runFor: (seconds: number) => context.clock.runUntil(started + seconds * 1_000),
  };
}

describe('an execution', () => {
  test('waits, then invokes the function with what its parameters name', async () => {
    const { service, start, invoked, runFor } = await aService();
    start({ delaySeconds: 20, check: { owner: 'me' } });
    await runFor(19);
    expect(invoked).toEqual([]);
    await runFor(30);
    const [execution] = service.executions;
    expect(invoked).toEqual([
      { at: 20, payload: { source: 'test', id: execution?.name, check: { owner: 'me' } } },
    ]);
    expect(execution).toMatchObject({ status: 'SUCCEEDED', states: ['Wait', 'Invoke'] });
  });

  test.each([
    ['whose function is gone', { isFunctionGone: true }],
    ['whose role may not invoke it', { actions: ['sqs:SendMessage'] }],
  ])('%s is retried, then goes the way of its Catch', async (_what, overrides) => {
    const { service, start, letters, runFor } = await aService(overrides);
    start({ delaySeconds: 1, check: {} });
    await runFor(3);
    expect(letters).toEqual([]);
    await runFor(10);
    expect(letters).toMatchObject([{ delaySeconds: 1, error: { Error: 'States.TaskFailed' } }]);
    expect(service.executions[0]).toMatchObject({ status: 'SUCCEEDED', states: ['Wait', 'Invoke', 'Keep'] });
  });

  test.each([
    ['without the seconds', { check: {} }],
    ['with a fraction of a second', { delaySeconds: 1.5, check: {} }],
  ])('%s that it is to wait fails', async (_what, input) => {
    const { service, start, invoked, runFor } = await aService();
    start(input);
    await runFor(60);
    expect(invoked).toEqual([]);
    expect(service.executions[0]).toMatchObject({
      status: 'FAILED',
      cause: expect.stringContaining('$.delaySeconds'),
    });
  });

  test('is refused for an unknown machine, and for an input that is no JSON', async () => {
    const { start } = await aService();
    expect(() => start({}, `${ARN}x`)).toThrow('State Machine Does Not Exist');
    expect(() => start('{')).toThrow('Invalid State Machine Execution Input');
  });
});

describe('the name of an execution', () => {
  const EXPRESS = { machine: { StateMachineType: 'EXPRESS' } };
  const INPUT = { delaySeconds: 20, check: {} };

  test('is unique in a standard workflow: a repeated start is answered, and starts nothing', async () => {
    const { service, start, runFor } = await aService();
    expect(start(INPUT, ARN, 'once')).toEqual(start(INPUT, ARN, 'once'));
    expect(() => start({ ...INPUT, delaySeconds: 5 }, ARN, 'once')).toThrow('Execution Already Exists');
    await runFor(30);
    expect(() => start(INPUT, ARN, 'once')).toThrow('Execution Already Exists');
    expect(service.executions).toHaveLength(1);
  });

  test('is not unique in an Express workflow: each start runs', async () => {
    const { start, invoked, runFor } = await aService(EXPRESS);
    expect(start(INPUT, ARN, 'once')).not.toEqual(start(INPUT, ARN, 'once'));
    await runFor(30);
    expect(invoked.map(({ at }) => at)).toEqual([20, 20]);
  });

  test('of an Express workflow is in an ARN of its own', async () => {
    const { service, start } = await aService(EXPRESS);
    start(INPUT);
    const [execution] = service.executions;
    expect(execution?.arn).toContain(`:express:later:${execution?.name}:`);
  });
});

test('an Express workflow ends after five minutes, whatever it waits for', async () => {
  const { service, start, invoked, runFor } = await aService({ machine: { StateMachineType: 'EXPRESS' } });
  start({ delaySeconds: 600, check: {} });
  await runFor(700);
  expect(invoked).toEqual([]);
  expect(service.executions[0]).toMatchObject({ status: 'TIMED_OUT' });
});

describe('a state machine that the lab cannot run is an error:', () => {
  test.each<[string, Overrides, string]>([
    ['one of an unknown type', { machine: { StateMachineType: 'SLOW' } }, 'SLOW'],
    ['one that waits for its function', { invoke: { Parameters: { FunctionName: 'fn' } } }, 'Event only'],
    ['one with another service', { invoke: { Resource: 'arn:aws:states:::sns:publish' } }, 'sns:publish'],
    ['one with a state that is not there', { invoke: { End: false, Next: 'Nowhere' } }, 'no state Nowhere'],
    ['one with an unknown field', { invoke: { TimeoutSeconds: 5 } }, 'TimeoutSeconds'],
    [
      'one with a role of somebody else',
      { machine: { RoleArn: { 'Fn::GetAtt': ['Role', 'Arn'] } } },
      'no role',
    ],
  ])('%s', async (_what, overrides, message) => {
    await expect(machinesOf(overrides)).rejects.toThrow(message);
  });
});
