/** Each failure on the lab, and the alarm that it raises. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Lab, startLab } from '#demo/lab.ts';
import { createTable } from '#functions/adapters/dynamodb/table.ts';
import { NIGHT } from '#functions/adapters/dynamodb/table-keys.ts';
import { RUNBOOK } from '#lib/monitoring.ts';
import { NightshiftApp } from '#lib/nightshift-app.ts';
import type { Capability } from '#model/decision.ts';
import { LINK_PARAMETER, linkBody } from '#model/keep-up-link.ts';
import { tableNameOf } from '#model/names.ts';
import { type AlarmState, CloudWatch, matches } from './a-cloudwatch.ts';
import { aConfig, aDevelopment } from './environments.ts';

/** 10:00 on Tuesday in Tokyo. */
const START = new Date('2026-11-24T01:00:00Z');
const MINUTE = 60_000;
const CAPABILITIES: readonly Capability[] = ['night-schedule', 'spot-drain', 'branch-deploy'];
const config = aConfig({
  develop: aDevelopment({
    selfService: { links: true },
    doorbell: { applications: ['https://shop.develop.example.com/'], cloudFront: true },
  }),
});

describe('an alarm is raised', () => {
  const directory = mkdtempSync(join(tmpdir(), 'nightshift-alarms-'));
  let lab: Lab;
  let cloudWatch: CloudWatch;
  /** Headings that an alarm named while it was in ALARM. */
  const reached = new Set<string>();

  beforeAll(async () => {
    new NightshiftApp({ config, now: START, outdir: directory }).synth();
    cloudWatch = new CloudWatch(
      JSON.parse(readFileSync(join(directory, 'Nightshift-develop.template.json'), 'utf8')),
    );
    lab = await startLab({
      config,
      assemblyDir: directory,
      start: START,
      onLog: ({ function: { name }, text }) =>
        cloudWatch.countLine(`/aws/lambda/${name}`, lab.context.clock.now(), text),
      onInvocation: ({ function: { name }, at, outcome }) =>
        cloudWatch.countInvocation(name, at, !outcome.ok),
    });
  });

  afterAll(async () => {
    await lab?.close();
    rmSync(directory, { recursive: true });
  });

  const alarmOf = (name: string) => name.replace('nightshift-develop-', '');
  const raised = (states: ReadonlyMap<string, AlarmState>) =>
    [...states].flatMap(([name, state]) => (state === 'ALARM' ? [name] : [])).sort();

  /** The worst state of each alarm meanwhile, looked at every minute. */
  async function statesDuring(minutes: number): Promise<ReadonlyMap<string, AlarmState>> {
    const { clock } = lab.context;
    const worst = new Map<string, AlarmState>();
    // Whole minutes: the clock runs on while a function does, and no moment may be in none of the periods.
    const start = Math.ceil(clock.now() / MINUTE) * MINUTE;
    for (let now = start; now < start + minutes * MINUTE; now += MINUTE) {
      await clock.runUntil(Math.max(now, clock.now()));
      for (const { name, messages } of lab.aws.messaging.queues())
        cloudWatch.countMessages(name, now - 1, messages.length);
      const states = cloudWatch.states(now);
      for (const heading of cloudWatch.headingsOf(raised(states))) reached.add(heading);
      for (const [name, state] of states)
        if (state !== 'OK' || !worst.has(alarmOf(name))) worst.set(alarmOf(name), state);
    }
    return worst;
  }

  const failCallsOf = (capability: Capability, service: string) => {
    const principal = lab.assembly
      .functions(config.environments['develop']!)
      .find(({ name }) => name.endsWith(capability))?.roleArn;
    if (!principal) throw new Error(`there is no ${capability}`);
    lab.front.faults.add({ service, principal, kind: 'access-denied', times: Infinity });
  };
  /** A link for the night that comes, with a code that only KMS can tell from a right one. */
  const openLink = async () => {
    const { account, region } = config.environments['develop']!;
    const page = lab.assembly.find({ account, region, function: 'nightshift-develop-self-service' });
    const body = linkBody(
      {
        id: 'k3v9x2ab',
        environment: 'develop',
        action: 'keep-up',
        stop: '2026-11-24T13:00:00.000Z',
        night: '2026-11-24T13:00:00.000Z',
        expires: '2026-11-24T23:00:00.000Z',
        minutes: 60,
        maxHours: 4,
        generation: 0,
      },
      (text) => Buffer.from(text).toString('base64url'),
    );
    await page?.invoke(
      JSON.stringify({
        version: '2.0',
        rawQueryString: `${LINK_PARAMETER}=${body}.${'A'.repeat(43)}`,
        requestContext: { http: { method: 'GET' } },
      }),
    );
  };
  const openWaitingPage = async () => {
    const { account, region } = config.environments['develop']!;
    const page = lab.assembly.find({ account, region, function: 'nightshift-develop-doorbell' });
    await page?.invoke(
      JSON.stringify({
        version: '2.0',
        rawPath: '/',
        headers: { host: 'shop.develop.example.com' },
        requestContext: { http: { method: 'GET' } },
      }),
    );
  };
  const purge = () => {
    for (const { messages } of lab.aws.messaging.queues()) (messages as unknown[]).length = 0;
  };
  /** Until every alarm is OK again; the dead letters are purged as the runbook says. */
  const recover = async () => {
    lab.front.faults.clear();
    await statesDuring(5);
    purge();
    let states = await statesDuring(1);
    for (let minute = 0; minute < 30 && raised(states).length > 0; minute++) states = await statesDuring(1);
    expect(raised(states)).toEqual([]);
  };

  test('by nothing in a quiet half hour', async () => {
    expect(raised(await statesDuring(30))).toEqual([]);
  });

  test('by night-schedule, when it records a failure', async () => {
    const table = createTable(
      new DynamoDBClient({
        endpoint: lab.front.url,
        region: 'ap-northeast-1',
        credentials: lab.environments[0]!.operator,
      }),
      tableNameOf('develop'),
    );
    await table.save(NIGHT, 'saved#develop/workers', { size: 'three' });
    expect(raised(await statesDuring(3))).toEqual(['failed']);
    await table.remove(NIGHT, 'saved#develop/workers');
    await recover();
  });

  test('by branch-deploy, when it records a failure', async () => {
    failCallsOf('branch-deploy', 'codebuild');
    expect(raised(await statesDuring(6))).toContain('failed');
    await recover();
  });

  test('by spot-drain, when it records a failure', async () => {
    failCallsOf('spot-drain', 'dynamodb');
    expect(raised(await statesDuring(6))).toContain('failed');
    await recover();
  });

  test('by self-service, when it records a failure', async () => {
    failCallsOf('self-service', 'kms');
    await openLink();
    expect(raised(await statesDuring(2))).toEqual(['failed']);
    await recover();
  });

  test('by the doorbell, when it records a failure', async () => {
    failCallsOf('doorbell', 'dynamodb');
    await openWaitingPage();
    expect(raised(await statesDuring(2))).toEqual(['failed']);
    await recover();
  });

  test.for(CAPABILITIES)('by %s, when its invocations fail in every retry', async (capability) => {
    failCallsOf(capability, 'dynamodb');
    const states = await statesDuring(capability === 'spot-drain' ? 35 : 10);
    expect(raised(states).filter((name) => name !== 'failed')).toEqual([
      `${capability}-dead-letters`,
      `${capability}-tick-missing`,
    ]);
    await recover();
  });

  test('by a function whose role may do nothing, so that no message about it reaches the queue', async () => {
    failCallsOf('night-schedule', 'dynamodb');
    for (let minute = 0; minute < 10; minute++) {
      const states = await statesDuring(1);
      purge();
      if (minute > 6) expect(states.get('night-schedule-tick-missing')).toBe('ALARM');
    }
    await recover();
  });

  test('by each function that is not invoked, or throttled, which Lambda counts as neither', async () => {
    await lab.assembly.close();
    const states = await statesDuring(30);
    for (const capability of CAPABILITIES)
      expect(['ALARM', 'INSUFFICIENT_DATA']).toContain(states.get(`${capability}-tick-missing`));
  });

  test('for every heading of the runbook', () => {
    const headings = [...readFileSync(RUNBOOK, 'utf8').matchAll(/^## (.+)$/gm)].map(([, heading]) => heading);
    expect([...reached].sort()).toEqual(headings.sort());
  });
});

describe('a log line counts as a failure', () => {
  const directory = mkdtempSync(join(tmpdir(), 'nightshift-patterns-'));
  new NightshiftApp({
    config,
    now: START,
    outdir: directory,
    context: { 'aws:cdk:bundling-stacks': [] },
  }).synth();
  const resources: Record<string, { Type: string; Properties: { FilterPattern: string } }> = JSON.parse(
    readFileSync(join(directory, 'Nightshift-develop.template.json'), 'utf8'),
  ).Resources;
  const patterns = Object.values(resources).flatMap(({ Type, Properties }) =>
    Type === 'AWS::Logs::MetricFilter' ? [Properties.FilterPattern] : [],
  );
  afterAll(() => rmSync(directory, { recursive: true }));

  const counted = (line: unknown) =>
    patterns.filter((pattern) => matches(pattern, typeof line === 'string' ? line : JSON.stringify(line)))
      .length;

  test.for([
    ['of every function when something failed', { message: 'decision', decision: { action: 'fail' } }, 5],
    [
      'of every function that could not notify',
      { message: 'notification failed', decision: { action: 'stop' } },
      5,
    ],
    ['of spot-drain when a budget blocked pods to the end', { decision: { action: 'drain', blocked: 2 } }, 1],
    [
      'never when our own stop ended them',
      { decision: { action: 'drain', blocked: 2, nightlyStop: true } },
      0,
    ],
    ['never when every pod was evicted', { decision: { action: 'drain', blocked: 0 } }, 0],
    ['never when it is another decision', { message: 'decision', decision: { action: 'stop' } }, 0],
    ['never when it is no JSON', 'START RequestId: "fail"', 0],
  ] as const)('%s', ([, line, times]) => {
    expect(counted(line)).toBe(times);
  });
});
