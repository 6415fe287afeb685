/**
 * What an environment costs a month: hours of its life are played on the lab, everything that AWS would bill is counted,
 * and each hour counts as often as there are such hours in a month.
 */

import type { Invocation } from '@nightshift/lab/assembly/function-runner.ts';
import { payloadOf } from '@nightshift/lab/assembly/triggers.ts';
import type { AwsEvent } from '@nightshift/lab/world/interfaces.ts';
import { createLedger } from '#functions/adapters/dynamodb/ledger.ts';
import { createNightStore } from '#functions/adapters/dynamodb/night-store.ts';
import { DECISION, DEPLOY, DRAIN, LEDGER, NIGHT, OVERRIDE } from '#functions/adapters/dynamodb/table-keys.ts';
import type { Capability } from '#model/decision.ts';
import { DAY_MS } from '#model/duration.ts';
import type { Bench, Figure } from './bench.ts';
import { INSTANCE_SCHEDULER_MONTH, PRICES } from './prices.ts';
import { CALL_MS, type FunctionUnderTest, MINUTE_MS, raiseSite, type Site, tickAt } from './site.ts';

const MONTH_MINUTES = 730 * 60;
const WORKING_DAYS = 21.7;
const LIMIT = 0.2;
const WATCHED_LIMIT = 1.5;
/** Deploys of a working day, and spot interruptions of one. */
const DEPLOYS = 10;
const INTERRUPTIONS = 2;
/** Lambda replaces an environment now and then, and bills its start. */
const STARTS_A_DAY = 12;
/** START, END and REPORT of each invocation, which Lambda writes itself. */
const PLATFORM_LOG_BYTES = 420;
/** The least memory that an execution of an Express workflow is billed for; the watchdog's input is a few KB. */
const EXPRESS_GB = 64 / 1024;
const CAPABILITIES: readonly Capability[] = ['night-schedule', 'branch-deploy', 'spot-drain'];

interface Stretch {
  readonly what: string;
  /** Local time on which it begins: minutes of the day. */
  readonly from: string;
  readonly minutes: number;
  /** How often a month. */
  readonly times: number;
  readonly happening?: (site: Site) => void;
}

const TRANSITIONS = 2 * 60;
const EVENTFUL = DEPLOYS * 10 + INTERRUPTIONS * 10;
const AWAKE_MINUTES = WORKING_DAYS * 14 * 60;

const STRETCHES: readonly Stretch[] = [
  {
    what: 'awake',
    from: '2026-11-24T04:00:00Z',
    minutes: 30,
    times: (AWAKE_MINUTES - WORKING_DAYS * (TRANSITIONS / 2 + EVENTFUL)) / 30,
  },
  {
    what: 'deploy',
    from: '2026-11-24T05:00:00Z',
    minutes: 10,
    times: WORKING_DAYS * DEPLOYS,
    happening: (site) =>
      void site.lab.codebuild.push({
        repository: 'https://github.com/example/api',
        ref: 'refs/heads/develop',
      }),
  },
  {
    what: 'interruption',
    from: '2026-11-24T06:00:00Z',
    minutes: 10,
    times: WORKING_DAYS * INTERRUPTIONS,
    happening: interrupt,
  },
  { what: 'stop', from: '2026-11-24T12:55:00Z', minutes: 60, times: WORKING_DAYS },
  {
    what: 'asleep',
    from: '2026-11-24T16:00:00Z',
    minutes: 30,
    times: (MONTH_MINUTES - AWAKE_MINUTES - WORKING_DAYS * (TRANSITIONS / 2)) / 30,
  },
  { what: 'start', from: '2026-11-24T22:55:00Z', minutes: 60, times: WORKING_DAYS },
];

/** What is billed, of a stretch or of a month. */
interface Usage {
  invocations: number;
  scheduled: number;
  executions: number;
  /** Of the executions. */
  waitingGbSeconds: number;
  gbSeconds: number;
  logBytes: number;
  reads: number;
  writes: number;
}

export const cost: Bench = async ({ log }) => {
  const watchdogs: Invocation[] = [];
  const site = await raiseSite('develop', { onInvocation: (invocation) => watchdogs.push(invocation) });
  try {
    await remember(site);
    const functions = new Map(
      CAPABILITIES.map((name) => [name, site.run(name, { concurrency: 4 })] as const),
    );
    for (const [name, one] of functions) await one.invoke(tickFor(name, site));
    const month = nothing();
    const notes: string[] = [];
    for (const stretch of STRETCHES) {
      log(`cost: ${stretch.what}`);
      await site.context.clock.runUntil(Date.parse(stretch.from));
      const usage = await play(site, functions, stretch);
      countWatchdogs(site, usage, watchdogs.splice(0));
      add(month, usage, stretch.times);
      notes.push(
        `cost, ${stretch.what}: ${usage.invocations} invocations, ${usage.reads} table reads, ${usage.writes} writes, ${usage.gbSeconds.toFixed(2)} GB s, ${Math.round(usage.logBytes / 1000)} KB of log in ${stretch.minutes} minutes, counted ${stretch.times.toFixed(1)} times`,
      );
    }
    const starts = (STARTS_A_DAY * 730) / 24;
    for (const name of CAPABILITIES) {
      const { memoryMb } = site.specOf(name);
      const fresh = site.run(name);
      const { durationMs } = await fresh.invoke(tickFor(name, site));
      month.gbSeconds += starts * (memoryMb / 1024) * (durationMs / 1000);
    }
    const stored = await bytesOf(site, [NIGHT, OVERRIDE, DEPLOY, DRAIN, LEDGER, DECISION]);
    return {
      bench: 'cost',
      method: `${STRETCHES.map(({ what }) => what).join(', ')} played on the lab with the stack’s functions, schedules and rules, and a table with sixty mornings; list prices of ${PRICES.region} as of ${PRICES.asOf}, no free tier; ${CALL_MS} ms of waiting added for each AWS call; ${WORKING_DAYS} working days with ${DEPLOYS} deploys and ${INTERRUPTIONS} interruptions`,
      figures: bill(site, month, stored),
      notes: [...notes, await saved(site)],
    };
  } finally {
    await site.close();
  }
};

/** Every pass reads the last sixty mornings: an environment that is months old has them all. */
async function remember(site: Site): Promise<void> {
  const mornings = Array.from({ length: 60 }, (_, index) => {
    const asked = Date.parse('2026-09-24T22:50:00.123Z') + index * DAY_MS;
    return {
      asked: new Date(asked).toISOString(),
      promised: new Date(asked + 599_877).toISOString(),
      seconds: { instances: 95 + index, nodes: 150 + index, argocd: 200 + index, applications: 310 + index },
      ...(index % 20 === 0
        ? { late: 'applications that are not Healthy (nightshift argocd lists them)' }
        : {}),
    };
  });
  if (!(await createNightStore(site.table, site.cluster.name).writeNote('mornings', mornings, 'absent')))
    throw new Error('the table has mornings already');
}

function bill(site: Site, month: Usage, storedBytes: number): Figure[] {
  const lines: readonly (readonly [string, number])[] = [
    ['Lambda, requests', month.invocations * PRICES.lambdaRequest],
    ['Lambda, duration', month.gbSeconds * PRICES.lambdaGbSecond],
    ['EventBridge Scheduler', month.scheduled * PRICES.schedulerInvocation],
    [
      'Step Functions, the watchdog',
      month.executions * PRICES.expressRequest + month.waitingGbSeconds * PRICES.expressGbSecond,
    ],
    ['DynamoDB, reads', month.reads * PRICES.tableReadUnit],
    ['DynamoDB, writes', month.writes * PRICES.tableWriteUnit],
    // Ninety days of decisions and logs: three times what a month brings.
    [
      'DynamoDB, storage and backup',
      ((3 * storedBytes * WORKING_DAYS) / 1e9) * (PRICES.tableGbMonth + PRICES.backupGbMonth),
    ],
    ['CloudWatch Logs', (month.logBytes / 1e9) * (PRICES.logGb + 3 * PRICES.logGbMonth)],
  ];
  const running = sum(lines);
  const resources = resourcesOf(site);
  const fixed: readonly (readonly [string, number])[] = [
    [
      `${resources.alarms} alarms, which read ${resources.alarmMetrics} metrics`,
      resources.alarmMetrics * PRICES.alarmMetricMonth,
    ],
    [`${resources.compositeAlarms} composite alarms`, resources.compositeAlarms * PRICES.compositeAlarmMonth],
    [`${resources.dashboards} dashboards`, resources.dashboards * PRICES.dashboardMonth],
    [
      `${resources.metrics} metric of log filters, if it has data in every hour`,
      resources.metrics * PRICES.customMetricMonth,
    ],
    ['X-Ray traces', resources.traced ? month.invocations * PRICES.trace : 0],
    ['the secret with Argo CD’s token, which is there without us', PRICES.secretMonth],
  ];
  const dollars = ([what, value]: readonly [string, number]): Figure => ({ what, value, unit: '$ a month' });
  return [
    ...lines.map(dollars),
    {
      what: 'running cost',
      value: running,
      unit: '$ a month',
      baseline: { what: 'Instance Scheduler, its small case', value: INSTANCE_SCHEDULER_MONTH },
      target: { what: `< $${LIMIT}`, met: running < LIMIT },
    },
    ...fixed.map(dollars),
    {
      what: 'with what watches over it',
      value: running + sum(fixed.slice(0, -1)),
      unit: '$ a month',
      baseline: { what: 'Instance Scheduler, its small case', value: INSTANCE_SCHEDULER_MONTH },
      target: {
        what: `≤ $${WATCHED_LIMIT.toFixed(2)}`,
        met: running + sum(fixed.slice(0, -1)) <= WATCHED_LIMIT,
      },
    },
  ];
}

async function play(
  site: Site,
  functions: ReadonlyMap<Capability, FunctionUnderTest>,
  { minutes, happening }: Stretch,
): Promise<Usage> {
  const usage = nothing();
  const { clock, signals } = site.context;
  const due: { readonly capability: Capability; readonly event: AwsEvent }[] = [];
  const stop = signals.on('event', (event) => {
    for (const capability of matching(site, event)) due.push({ capability, event });
  });
  const before = site.front.calls.length;
  const watched = site.lab.executions.length;
  const call = async (capability: Capability, payload: unknown) => {
    const { durationMs, logged } = (await functions.get(capability)?.invoke(payload)) ?? fail(capability);
    usage.invocations++;
    usage.gbSeconds += gbOf(site, capability) * (durationMs / 1000);
    usage.logBytes += logged + PLATFORM_LOG_BYTES;
  };
  happening?.(site);
  for (let minute = 0; minute < minutes; minute++) {
    const next = clock.now() + MINUTE_MS;
    await site.live(async () => {
      for (const name of CAPABILITIES) {
        if (name === 'spot-drain' && minute % 5 !== 0) continue;
        await call(name, tickFor(name, site));
        if (name === 'night-schedule') usage.scheduled++;
      }
    });
    await clock.runUntil(next);
    const events = due.splice(0);
    if (events.length > 0)
      await site.live(() => Promise.all(events.map(({ capability, event }) => call(capability, event))));
  }
  stop();
  await countCalls(site, usage, before);
  for (const { startedAt, endedAt } of site.lab.executions.slice(watched)) {
    usage.executions++;
    usage.waitingGbSeconds += EXPRESS_GB * (Math.ceil(((endedAt ?? clock.now()) - startedAt) / 100) / 10);
  }
  return usage;
}

/** Step Functions invokes the lab's own function: what it logs is little and is not counted. */
function countWatchdogs(site: Site, usage: Usage, watchdogs: readonly Invocation[]): void {
  usage.invocations += watchdogs.length;
  for (const { durationMs } of watchdogs) usage.gbSeconds += gbOf(site, 'spot-drain') * (durationMs / 1000);
}

/** What the calls of a stretch read and wrote, and how long functions would have waited for them. */
async function countCalls(site: Site, usage: Usage, before: number): Promise<void> {
  for (const { principal, service, operation, parameters } of site.front.calls.slice(before)) {
    const capability = CAPABILITIES.find((name) => site.specOf(name).roleArn === principal);
    if (!capability) continue;
    usage.gbSeconds += gbOf(site, capability) * (CALL_MS / 1000);
    if (service !== 'dynamodb') continue;
    if (operation === 'GetItem') usage.reads++;
    else if (operation === 'Query') usage.reads += await readUnits(site, parameters);
    else usage.writes++;
  }
}

const gbOf = (site: Site, capability: Capability) => site.specOf(capability).memoryMb / 1024;

function fail(capability: Capability): never {
  throw new Error(`the bench runs no ${capability}`);
}

/** Strongly consistent: one for each 4 KB of what the query goes through. */
async function readUnits(site: Site, parameters: Readonly<Record<string, unknown>>): Promise<number> {
  const values = parameters['ExpressionAttributeValues'] as Record<string, { S?: string }> | undefined;
  const partition = values?.[':pk']?.S;
  if (partition === undefined) throw new Error('a query of the table names no partition');
  return Math.max(1, Math.ceil((await bytesOf(site, [partition])) / 4096));
}

async function bytesOf(site: Site, partitions: readonly string[]): Promise<number> {
  let bytes = 0;
  for (const partition of partitions) {
    for (const { key, value } of await site.table.list(partition))
      bytes += partition.length + key.length + JSON.stringify(value).length + 100;
  }
  return bytes;
}

function interrupt(site: Site): void {
  const spot = site.aws
    .instances(site.cluster)
    .find(({ view, state }) => view.capacityType === 'SPOT' && state === 'running');
  if (!spot) throw new Error('no spot instance runs');
  site.aws.interruptSpot(spot.id);
}

/** The functions that it invokes; the watchdog that it starts is started. */
function matching(site: Site, event: AwsEvent): Capability[] {
  const [deployment] = site.lab.assembly.deployments;
  const targets = (deployment?.rules ?? [])
    .filter((rule) => rule.matches?.(event))
    .flatMap((rule) => rule.targets);
  for (const target of targets)
    if (deployment?.stateMachines.some(({ arn }) => arn === target.arn))
      site.lab.startExecution(target.arn, payloadOf(target, JSON.stringify(event)));
  const arns = targets.map(({ arn }) => arn);
  return CAPABILITIES.filter((name) => arns.includes(site.specOf(name).arn));
}

/** The tick of night-schedule comes from EventBridge Scheduler, which is billed; those of the others come from rules. */
function tickFor(capability: Capability, site: Site): unknown {
  const now = site.context.clock.now();
  if (capability !== 'spot-drain') return tickAt(now);
  return {
    version: '0',
    id: site.context.uuid(),
    'detail-type': 'Scheduled Event',
    source: 'aws.events',
    account: site.cluster.account,
    time: new Date(now).toISOString(),
    region: site.cluster.region,
    resources: [],
    detail: {},
  };
}

function resourcesOf(site: Site) {
  const template = site.lab.assembly.deployments[0]?.stack.template['Resources'] as
    | Record<string, Resource>
    | undefined;
  const resources = Object.values(template ?? {});
  const ofType = (type: string) => resources.filter(({ Type }) => Type === type);
  const alarms = ofType('AWS::CloudWatch::Alarm');
  return {
    alarms: alarms.length,
    // Metric math is billed for each metric in it.
    alarmMetrics: alarms.reduce(
      (all, { Properties }) =>
        all + (Properties?.Metrics?.filter(({ MetricStat }) => MetricStat).length ?? 1),
      0,
    ),
    compositeAlarms: ofType('AWS::CloudWatch::CompositeAlarm').length,
    dashboards: ofType('AWS::CloudWatch::Dashboard').length,
    metrics: new Set(
      ofType('AWS::Logs::MetricFilter').flatMap(({ Properties }) =>
        (Properties?.MetricTransformations ?? []).map((made) => `${made.MetricNamespace} ${made.MetricName}`),
      ),
    ).size,
    traced: resources.some(({ Properties }) => Properties?.TracingConfig?.Mode === 'Active'),
  };
}

interface Resource {
  readonly Type: string;
  readonly Properties?: {
    readonly TracingConfig?: { readonly Mode?: string };
    readonly Metrics?: readonly { readonly MetricStat?: object }[];
    readonly MetricTransformations?: readonly {
      readonly MetricNamespace: string;
      readonly MetricName: string;
    }[];
  };
}

/** From the ledger: what night-schedule itself saw asleep, between the evening's stop and the morning's start. */
async function saved(site: Site): Promise<string> {
  const { entries } = await createLedger(site.table).since('');
  const nodeHours = entries.reduce((all, { nodes, asleepMinutes }) => all + (nodes * asleepMinutes) / 60, 0);
  const nodes = site.aws.groups(site.cluster).reduce((all, group) => all + group.desired, 0);
  const week = 168 - 5 * 14;
  return `cost, saved: ${nodeHours.toFixed(1)} node-hours in the night that was played, with ${nodes} nodes; the schedule is down ${week} of 168 hours of a week (${Math.round((week / 168) * 100)} %)`;
}

function nothing(): Usage {
  return {
    invocations: 0,
    scheduled: 0,
    executions: 0,
    waitingGbSeconds: 0,
    gbSeconds: 0,
    logBytes: 0,
    reads: 0,
    writes: 0,
  };
}

function add(total: Usage, usage: Usage, times: number): void {
  for (const key of Object.keys(total) as (keyof Usage)[]) total[key] += usage[key] * times;
}

function sum(lines: readonly (readonly [string, number])[]): number {
  return lines.reduce((all, [, value]) => all + value, 0);
}
