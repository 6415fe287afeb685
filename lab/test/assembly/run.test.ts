import { appendFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { readAssembly } from '#lab/assembly/assembly.ts';
import type { Invocation } from '#lab/assembly/function-runner.ts';
import { type AssemblyOptions, runAssembly } from '#lab/assembly/run.ts';
import { createContext } from '#lab/world/context.ts';
import { ACCOUNT, type AssemblyParts, anAssembly, aRule, aSchedule, aWatch, REGION } from './an-assembly.ts';

const START = new Date('2026-11-24T12:00:00Z');
const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function aRun(parts: AssemblyParts, options: Partial<AssemblyOptions> = {}) {
  const written = await anAssembly(parts);
  cleanups.push(written.remove);
  const context = createContext({ start: START, seed: 1 });
  const invocations: Invocation[] = [];
  const logs: string[] = [];
  const run = await runAssembly({
    assembly: await readAssembly(written.directory),
    context,
    environmentOf: () => ({ AWS_ENDPOINT_URL: 'http://127.0.0.1:1' }),
    onInvocation: (invocation) => invocations.push(invocation),
    onLog: (line) => logs.push(line.text),
    ...options,
  });
  cleanups.push(() => run.close());
  const names = run.deployments.flatMap((deployment) => deployment.functions.map(({ name }) => name));
  const invoke = async (event: unknown) => {
    const [name = ''] = names;
    const runner = run.find({ account: ACCOUNT, region: REGION, function: name });
    if (!runner) throw new Error('no function');
    return runner.invoke(JSON.stringify(event));
  };
  const until = (minutes: number) => context.clock.runUntil(START.getTime() + minutes * 60_000);
  const results = () =>
    invocations.map(({ outcome }) => (outcome.ok ? JSON.parse(outcome.payload) : outcome.error.errorType));
  return { ...written, run, context, invocations, logs, invoke, until, results };
}

describe('a function', () => {
  test('that waits for two things at once lets the clock go on when it has ended', async () => {
    const { invoke, context, until } = await aRun({
      functions: {
        Fn: `import { setTimeout as wait } from 'node:timers/promises';
             export const handler = async () => { await Promise.all([wait(300), wait(600)]); };`,
      },
    });
    const leave = context.clock.enter('test');
    const end = until(60);
    expect(await invoke({})).toMatchObject({ ok: true });
    leave();
    await end;
  });

  test('starts no process any more when it is closed', async () => {
    const { invoke, run } = await aRun({ functions: { Fn: 'export const handler = async () => 1;' } });
    await invoke({});
    await run.close();
    expect(await invoke({})).toMatchObject({ ok: false });
    expect(run.processes()).toEqual([]);
  });

  test('lets go of whoever waits for a process when it is closed, and of the clock', async () => {
    const { invoke, run, context } = await aRun(
      { functions: { Fn: 'export const handler = () => new Promise(() => setTimeout(() => 1, 60_000));' } },
      { concurrency: 1 },
    );
    const both = [invoke({}), invoke({})];
    await run.close();
    for (const outcome of await Promise.all(both)) expect(outcome).toMatchObject({ ok: false });
    await context.clock.runUntil(context.clock.now());
  });

  test('runs with the environment of its template and what Lambda adds, and nothing of ours', async () => {
    const { invoke } = await aRun({
      functions: { Fn: 'export const handler = async () => process.env;' },
      properties: { Fn: { Environment: { Variables: { NIGHTSHIFT_TABLE: 'table' } } } },
    });
    const outcome = await invoke({});
    const environment = outcome.ok ? JSON.parse(outcome.payload) : outcome;
    expect(environment).toMatchObject({
      NIGHTSHIFT_TABLE: 'table',
      AWS_REGION: REGION,
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128',
      AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
      AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
      TZ: 'UTC',
    });
    expect(Object.keys(environment)).not.toContain('PATH');
    expect(Object.keys(environment)).not.toContain('HOME');
  });

  test('waits in virtual time where it awaits a pause: the clock jumps, and the invocation counts as that long', async () => {
    const { until, invocations, results } = await aRun({
      functions: {
        Fn: `import { setTimeout } from 'node:timers/promises';
          export const handler = async (event, context) => {
            const began = Date.now();
            const left = context.getRemainingTimeInMillis();
            await setTimeout(2_000);
            return { waited: Date.now() - began, used: left - context.getRemainingTimeInMillis() };
          };`,
      },
      resources: { Tick: aSchedule('Fn', { ScheduleExpression: 'rate(1 minute)' }) },
    });
    await until(10);
    expect(invocations.length).toBeGreaterThanOrEqual(9);
    for (const { waited, used } of results()) {
      expect(waited).toBeGreaterThanOrEqual(2_000);
      expect(used).toBeGreaterThanOrEqual(2_000);
    }
    for (const { durationMs } of invocations) expect(durationMs).toBeGreaterThanOrEqual(1_990);
  });

  test('that waits while the clock stands still goes on after that time', async () => {
    const { invoke } = await aRun({
      functions: {
        Fn: `import { setTimeout } from 'node:timers/promises';
          export const handler = async () => { await setTimeout(100); return 'awake'; };`,
      },
    });
    expect(await invoke({})).toEqual({ ok: true, payload: '"awake"' });
  });

  test('lives in virtual time, also in the code that runs at import', async () => {
    const { invoke, context } = await aRun({
      functions: {
        Fn: `const loaded = new Date().toISOString();
          export const handler = async () => ({ loaded, now: Date.now(), text: Date().slice(0, 15),
            given: new Date(0).toISOString(), is: new Date() instanceof Date, made: new Date().constructor === Date });`,
      },
    });
    const before = context.clock.now();
    const outcome = await invoke({});
    const value = outcome.ok ? JSON.parse(outcome.payload) : outcome;
    expect(value.loaded.slice(0, 13)).toBe('2026-11-24T12');
    expect(value.now).toBeGreaterThanOrEqual(before);
    expect(value.now).toBeLessThan(before + 30_000);
    expect(value).toMatchObject({
      text: 'Tue Nov 24 2026',
      given: '1970-01-01T00:00:00.000Z',
      is: true,
      made: true,
    });
  });

  test('reuses its process and starts another one while it is busy', async () => {
    const { invoke } = await aRun({
      functions: {
        Fn: `let count = 0;
          export const handler = async ({ wait }) => {
            await new Promise((resolve) => setTimeout(resolve, wait));
            return { pid: process.pid, count: ++count };
          };`,
      },
    });
    const pids = (outcomes: readonly { ok: boolean; payload?: string }[]) =>
      outcomes.map((outcome) => (outcome.payload ? JSON.parse(outcome.payload).pid : 0));
    const [first, second] = pids([await invoke({ wait: 0 }), await invoke({ wait: 0 })]);
    expect(second).toBe(first);
    const together = pids(await Promise.all([invoke({ wait: 200 }), invoke({ wait: 200 })]));
    expect(new Set(together).size).toBe(2);
  });

  test('waits for a free process if its reserved concurrency is used up', async () => {
    const { invoke } = await aRun({
      functions: {
        Fn: `let running = 0;
          export const handler = async () => {
            running++;
            await new Promise((resolve) => setTimeout(resolve, 20));
            return { pid: process.pid, running: running-- };
          };`,
      },
      properties: { Fn: { ReservedConcurrentExecutions: 1 } },
    });
    const outcomes = await Promise.all([invoke({}), invoke({}), invoke({})]);
    const values = outcomes.map((outcome) => (outcome.ok ? JSON.parse(outcome.payload) : outcome));
    expect(new Set(values.map((value) => value.pid)).size).toBe(1);
    expect(values.map((value) => value.running)).toEqual([1, 1, 1]);
  });

  test('is killed when its time is over, and the next invocation gets a new process', async () => {
    const { invoke } = await aRun({
      functions: {
        Fn: `export const handler = async ({ hang }, context) => {
            if (hang) for (;;);
            return context.getRemainingTimeInMillis() <= 1000;
          };`,
      },
      properties: { Fn: { Timeout: 1 } },
    });
    const outcome = await invoke({ hang: true });
    expect(outcome).toMatchObject({
      ok: false,
      error: { errorType: 'Sandbox.Timedout', errorMessage: 'Task timed out after 1.00 seconds' },
    });
    expect(await invoke({})).toEqual({ ok: true, payload: 'true' });
  });

  test.each([
    [
      'an error thrown by the handler',
      'export const handler = async () => { throw new TypeError("broken"); };',
      'TypeError',
    ],
    ['an error at import', 'throw new RangeError("at import");', 'RangeError'],
    ['an exit', 'export const handler = async () => process.exit(3);', 'Runtime.ExitError'],
    ['a handler that is missing', 'export const other = 1;', 'Runtime.HandlerNotFound'],
    [
      'an import that does not exist',
      'import "no-such-package"; export const handler = async () => 1;',
      'Runtime.ImportModuleError',
    ],
    [
      'an import that is not in the asset',
      `import "${import.meta.resolve('croner')}"; export const handler = async () => 1;`,
      'Runtime.ImportModuleError',
    ],
  ])('reports %s as an outcome', async (_, source, errorType) => {
    const { invoke } = await aRun({ functions: { Fn: source } });
    expect(await invoke({})).toMatchObject({ ok: false, error: { errorType } });
    expect(await invoke({})).toMatchObject({ ok: false, error: { errorType } });
  });

  test('has its log handed over before its result is reported', async () => {
    const { invoke, logs } = await aRun({
      functions: {
        Fn: `export const handler = async () => {
            process.stdout.write(JSON.stringify({ message: 'structured' }) + '\\n');
            console.log('plain');
            console.error('to stderr');
          };`,
      },
    });
    await invoke({});
    expect(logs).toContain('{"message":"structured"}');
    expect(logs).toContain('plain');
    expect(logs).toContain('to stderr');
  });

  test('that was changed while the lab ran is found by the hash of its asset', async () => {
    const { run, directory } = await aRun({ functions: { Fn: 'export const handler = async () => 1;' } });
    const [before] = await run.verifyCode();
    expect(before?.now).toBe(before?.atStart);
    expect(before?.path).toBe(path.join(directory, 'asset.Fn'));
    await appendFile(path.join(directory, 'asset.Fn', 'index.mjs'), '\n');
    const [after] = await run.verifyCode();
    expect(after?.now).not.toBe(after?.atStart);
  });

  test('does not outlive the run', async () => {
    const { invoke, run } = await aRun({
      functions: { Fn: 'export const handler = async () => process.pid;' },
    });
    const outcome = await invoke({});
    const pid = Number(outcome.ok ? outcome.payload : 0);
    await run.close();
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });
});

describe('an asynchronous invocation', () => {
  test('that fails is retried after one and two minutes, then sent to the dead-letter queue', async () => {
    const { run, until, invocations } = await aRun({
      functions: { Fn: 'export const handler = async () => { throw new Error("no"); };' },
      resources: {
        Letters: { Type: 'AWS::SQS::Queue' },
        Config: {
          Type: 'AWS::Lambda::EventInvokeConfig',
          Properties: {
            FunctionName: { Ref: 'Fn' },
            MaximumRetryAttempts: 2,
            DestinationConfig: { OnFailure: { Destination: { 'Fn::GetAtt': ['Letters', 'Arn'] } } },
          },
        },
        ...aRule('Rule', 'Fn', { ScheduleExpression: 'rate(1 hour)' }),
      },
    });
    await until(65);
    const minutes = invocations.map(({ at }) => Math.floor((at - START.getTime()) / 60_000));
    expect(minutes).toEqual([60, 61, 63]);
    expect(run.pending()).toBe(0);
    expect(run.deadLetters).toHaveLength(1);
    const [letter] = run.deadLetters;
    expect(letter?.queueArn).toContain(`arn:aws:sqs:${REGION}:${ACCOUNT}:Sample-Letters`);
    expect(JSON.parse(letter?.body ?? '')).toMatchObject({
      requestContext: { condition: 'RetriesExhausted', approximateInvokeCount: 3 },
      responsePayload: { errorMessage: 'no' },
    });
  });

  test('is given up when its event would be too old', async () => {
    const { run, until, invocations } = await aRun({
      functions: { Fn: 'export const handler = async () => { throw new Error("no"); };' },
      resources: {
        Letters: { Type: 'AWS::SQS::Queue' },
        Config: {
          Type: 'AWS::Lambda::EventInvokeConfig',
          Properties: { FunctionName: { Ref: 'Fn' }, MaximumEventAgeInSeconds: 120 },
        },
        ...aRule('Rule', 'Fn', { ScheduleExpression: 'rate(1 hour)' }),
      },
      properties: { Fn: { DeadLetterConfig: { TargetArn: { 'Fn::GetAtt': ['Letters', 'Arn'] } } } },
    });
    await until(70);
    expect(invocations).toHaveLength(2);
    expect(run.deadLetters[0]?.attributes).toMatchObject({ ErrorMessage: 'no' });
  });
});

describe('a trigger', () => {
  const echo = { Fn: 'export const handler = async (event) => event;' };

  test('of EventBridge Scheduler fires in its time zone and fills in the time and the execution', async () => {
    const { until, results } = await aRun({
      functions: echo,
      resources: {
        Edge: aSchedule('Fn', {
          ScheduleExpression: 'cron(0 22 ? * MON-FRI *)',
          ScheduleExpressionTimezone: 'Asia/Tokyo',
          Target: { Input: '{"id":"<aws.scheduler.execution-id>","time":"<aws.scheduler.scheduled-time>"}' },
        }),
      },
    });
    await until(24 * 60 + 120);
    expect(results().map(({ time }) => time)).toEqual(['2026-11-24T13:00:00Z', '2026-11-25T13:00:00Z']);
    expect(new Set(results().map(({ id }) => id)).size).toBe(2);
  });

  test('of a rate rule sends the scheduled event, or the input of its target', async () => {
    const { until, results } = await aRun({
      functions: echo,
      resources: {
        ...aRule('Plain', 'Fn', { ScheduleExpression: 'rate(5 minutes)' }),
        ...aRule('Given', 'Fn', {
          ScheduleExpression: 'rate(5 minutes)',
          Targets: [{ Id: 'T', Arn: { 'Fn::GetAtt': ['Fn', 'Arn'] }, Input: '{"tick":true}' }],
        }),
      },
    });
    await until(6);
    expect(results()).toEqual(
      expect.arrayContaining([
        { tick: true },
        expect.objectContaining({ source: 'aws.events', time: '2026-11-24T12:05:00Z', detail: {} }),
      ]),
    );
  });

  test('of a pattern sees the events of its own account and region only', async () => {
    const { until, results, context } = await aRun({
      functions: echo,
      resources: aRule('Spot', 'Fn', { EventPattern: { source: ['aws.ec2'] } }),
    });
    const event = {
      version: '0',
      id: 'e',
      'detail-type': 'EC2 Spot Instance Interruption Warning',
      source: 'aws.ec2',
      time: '2026-11-24T12:00:00Z',
      resources: [],
      detail: { 'instance-id': 'i-1' },
    } as const;
    context.signals.emit('event', { ...event, account: ACCOUNT, region: REGION });
    context.signals.emit('event', { ...event, account: '222222222222', region: REGION });
    context.signals.emit('event', { ...event, account: ACCOUNT, region: 'eu-west-1' });
    context.signals.emit('event', { ...event, account: ACCOUNT, region: REGION, source: 'aws.health' });
    await until(1);
    expect(results()).toEqual([{ ...event, account: ACCOUNT, region: REGION }]);
  });

  test('start a state machine with the whole event in the template of their input', async () => {
    const started: unknown[] = [];
    const { until, context } = await aRun(
      { functions: echo, resources: aWatch() },
      { startExecution: (arn, input) => started.push([arn.split(':').at(-1), JSON.parse(input)]) },
    );
    const event = {
      version: '0',
      id: '$& "quoted"',
      'detail-type': 'x',
      source: 'aws.ec2',
      account: ACCOUNT,
      region: REGION,
      time: '2026-11-24T12:00:00Z',
      resources: [],
      detail: { 'instance-id': 'i-1' },
    } as const;
    context.signals.emit('event', event);
    await until(1);
    expect(started).toEqual([['later', { delaySeconds: 20, check: { event } }]]);
  });

  test('can lose and duplicate events if the test configures it', async () => {
    const copies = [[], [100, 2_000]];
    const { until, results, context } = await aRun(
      { functions: echo, resources: aRule('Spot', 'Fn', { EventPattern: { source: ['aws.ec2'] } }) },
      { delivery: () => copies.shift() ?? [] },
    );
    for (const id of ['lost', 'doubled']) {
      context.signals.emit('event', {
        version: '0',
        id,
        'detail-type': 'x',
        source: 'aws.ec2',
        account: ACCOUNT,
        region: REGION,
        time: '2026-11-24T12:00:00Z',
        resources: [],
        detail: {},
      });
    }
    await until(1);
    expect(results().map(({ id }) => id)).toEqual(['doubled', 'doubled']);
  });
});
