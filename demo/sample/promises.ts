/**
 * The nine promises, judged by what was seen in the world. A promise that nothing put to the test is said to be not
 * exercised: it is not kept by silence.
 */

import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { AwsCall } from '@nightshift/lab/http/aws/service.ts';
import type { Lab, LabEnvironment } from '#demo/lab.ts';
import { createNightStore } from '#functions/adapters/dynamodb/night-store.ts';
import { createTable } from '#functions/adapters/dynamodb/table.ts';
import type { Decision } from '#model/decision.ts';
import type { DayLog } from './day.ts';
import type { GroupSeen, Observations, Size } from './observe.ts';

export interface Verdict {
  readonly number: number;
  readonly promise: string;
  readonly verdict: 'kept' | 'broken' | 'not exercised';
  /** How many things that could have broken it were looked at. */
  readonly observations: number;
  readonly looked: string;
  readonly problems: readonly string[];
}

export interface Evidence {
  readonly lab: Lab;
  readonly observations: Observations;
  readonly log: DayLog;
  readonly decisions: readonly Decision[];
  /** Invocations that ended with an error. */
  readonly failures: readonly { readonly function: string; readonly at: number }[];
}

export async function judgePromises(evidence: Evidence): Promise<readonly Verdict[]> {
  return [
    await sizesAreNeverLost(evidence),
    productionIsOutOfReach(evidence),
    eventsMayBeDoubled(evidence),
    nothingIsReportedUnseen(evidence),
    budgetsAreRespected(evidence),
    lifecycleActionsAreCompletedOnce(evidence),
    everyDecisionHasAReason(evidence),
    oneBadResourceStopsNothing(evidence),
    failureIsLoud(evidence),
  ];
}

function verdict(
  number: number,
  promise: string,
  looked: string,
  observations: number,
  problems: readonly string[],
): Verdict {
  return {
    number,
    promise,
    verdict: problems.length > 0 ? 'broken' : observations > 0 ? 'kept' : 'not exercised',
    observations,
    looked,
    problems,
  };
}

/** At the end of the working day the groups have their sizes; of those that sleep at the end, they are written down. */
async function sizesAreNeverLost({ lab, observations, log, decisions }: Evidence): Promise<Verdict> {
  const problems: string[] = [];
  let looked = 0;
  const stopped = new Set(
    decisions
      .filter(({ action }) => action === 'stop')
      .map(({ environment, target }) => `${environment}/${target}`),
  );
  const judge = (where: string, expected: Size, size: Size | undefined) => {
    looked++;
    if (!size) problems.push(`${where}: ${text(expected)} is nowhere`);
    else if (text(size) !== text(expected))
      problems.push(`${where}: ${text(expected)} before, ${text(size)} after`);
  };
  for (const environment of lab.environments) {
    const { name } = environment;
    for (const group of log.atWork.get(name) ?? []) {
      if (stopped.has(`${name}/${group.name}`))
        judge(`${name}/${group.name} at work`, group.before, group.size);
    }
    const saved = await savedSizes(lab, environment);
    for (const group of observations.groups(name)) {
      if (!stopped.has(`${name}/${group.name}`)) continue;
      const asleep = group.size.desired === 0;
      judge(`${name}/${group.name} at the end`, group.before, asleep ? saved.get(group.name) : group.size);
    }
  }
  return verdict(
    1,
    'Sizes are never lost',
    'sizes of groups compared with those before the day',
    looked,
    problems,
  );
}

async function savedSizes(lab: Lab, environment: LabEnvironment): Promise<ReadonlyMap<string, Size>> {
  const deployment = lab.assembly.deployments.find(
    ({ stack, accessEntries }) =>
      stack.account === environment.config.account &&
      stack.region === environment.config.region &&
      accessEntries.some((entry) => entry.cluster === environment.cluster.name),
  );
  const [table] = deployment?.tables ?? [];
  if (!table || environment.config.production || !environment.config.schedule) return new Map();
  const { accessKeyId, secretAccessKey } = environment.operator;
  const client = new DynamoDBClient({
    region: environment.config.region,
    endpoint: lab.front.url,
    credentials: { accessKeyId, secretAccessKey },
  });
  try {
    const memory = await createNightStore(createTable(client, table.name), environment.cluster.name).load();
    return new Map([...memory.saved].map(([group, { value }]) => [group, value.size]));
  } finally {
    client.destroy();
  }
}

/** No call of ours changed a size or an application there, and what it runs is what it ran. */
function productionIsOutOfReach({ lab, observations, log }: Evidence): Verdict {
  const problems: string[] = [];
  let looked = 0;
  for (const environment of lab.environments.filter(({ config }) => config.production)) {
    for (const call of lab.front.calls) {
      if (!isOurs(call) || call.account !== environment.config.account) continue;
      looked++;
      if (isResize(call) && reaches(call, environment)) {
        problems.push(`${call.principal} called ${call.operation} in ${environment.name}`);
      }
    }
    for (const group of observations.groups(environment.name)) {
      looked++;
      if (text(group.size) !== text(group.before))
        problems.push(`${environment.name}/${group.name} was resized`);
    }
    for (const application of environment.argocd?.applications() ?? []) {
      looked++;
      if (application.status.operationState) {
        problems.push(`${environment.name}/${application.metadata.name} was synced`);
      }
      const source = application.spec.source?.repoURL;
      const pushed = log.productionPushes.filter(({ repository }) => repository === source).at(-1);
      if (pushed && application.status.history?.at(-1)?.revision === pushed.sha) {
        problems.push(`${environment.name}/${application.metadata.name} runs the merge of the day`);
      }
    }
  }
  return verdict(
    2,
    'Production is out of reach',
    'calls, groups and applications of production',
    looked,
    problems,
  );
}

/** Every event of the day came twice: each instance was still drained once and each push synced once. */
function eventsMayBeDoubled({ observations, log, decisions }: Evidence): Verdict {
  const problems: string[] = [];
  const drains = observations.drains.map(({ environment, instanceId }) => {
    const done = decisions.filter(
      (decision) =>
        decision.environment === environment &&
        decision['instanceId'] === instanceId &&
        (decision.action === 'cordon' || decision.action === 'drain'),
    );
    return {
      what: `${environment}/${instanceId}`,
      cordons: done.filter(({ action }) => action === 'cordon').length,
    };
  });
  for (const { what, cordons } of drains)
    if (cordons > 1) problems.push(`${what} was cordoned ${cordons} times`);
  for (const { beat, sha } of log.merges) {
    const syncs = decisions.filter(
      (decision) =>
        decision.environment === beat.environment && decision.action === 'sync' && decision['sha'] === sha,
    );
    const perTarget = Map.groupBy(syncs, ({ target }) => target);
    for (const [target, list] of perTarget) {
      if (list.length > 1)
        problems.push(`${beat.environment}/${target} was synced ${list.length} times for ${sha}`);
    }
  }
  return verdict(
    3,
    'An event lost, doubled, late or out of order ends in the same state',
    'drains and deploys, each of whose events came twice',
    drains.length + log.merges.length,
    problems,
  );
}

function nothingIsReportedUnseen({ observations }: Evidence): Verdict {
  const { statements } = observations;
  const problems = statements
    .filter((statement) => !statement.true)
    .map(
      ({ decision, seen }) =>
        `${decision.time} ${decision.environment} ${decision.action} ${decision.target}: ${seen}`,
    );
  return verdict(
    4,
    'Nothing is reported that was not observed',
    'stops, starts and deploys that were reported, looked at in the world at that moment',
    statements.length,
    problems,
  );
}

/** While a node was drained no budget lost a pod that it could not spare, unless a pod was forced at the deadline. */
function budgetsAreRespected({ observations, decisions }: Evidence): Verdict {
  const forced = new Set(
    decisions
      .filter((decision) => decision['outcome'] === 'forced')
      .map((decision) => `${decision.environment}/${decision['budget'] ?? ''}`),
  );
  const dips = observations.budgetDips.filter(
    (dip) => dip.duringDrain && !forced.has(`${dip.environment}/${dip.budget}`),
  );
  const lost = observations.drains.flatMap(({ environment, lost }) =>
    lost.map((pod) => `${environment}/${pod}`),
  );
  return verdict(
    5,
    'Budgets are respected as long as time allows',
    'changes of disruption budgets while nodes were drained, and pods that were lost with an instance',
    observations.budgetChecks() + observations.drains.length,
    [
      ...dips.map((dip) => `${new Date(dip.at).toISOString()} ${dip.environment}: ${dip.budget} fell short`),
      ...lost.map((pod) => `${pod} was still running when its instance went`),
    ],
  );
}

function lifecycleActionsAreCompletedOnce({ lab, observations }: Evidence): Verdict {
  const problems: string[] = [];
  const completions = lab.front.calls.filter(
    (call) => call.operation === 'CompleteLifecycleAction' && call.status === 200,
  );
  const own = observations.lifecycles.filter(({ managed }) => !managed);
  for (const { environment, token, group, instanceId, managed } of observations.lifecycles) {
    const done = completions.filter(
      ({ parameters }) =>
        parameters['LifecycleActionToken'] === token ||
        (parameters['LifecycleActionToken'] === undefined &&
          parameters['InstanceId'] === instanceId &&
          parameters['AutoScalingGroupName'] === group),
    );
    const expected = managed ? 0 : 1;
    if (done.length !== expected) {
      problems.push(
        `${environment}/${group}: the action of ${instanceId} was completed ${done.length} times`,
      );
    }
    for (const { parameters } of done) {
      if (parameters['LifecycleActionResult'] !== 'CONTINUE') {
        problems.push(
          `${environment}/${group}: ${instanceId} ended with ${parameters['LifecycleActionResult']}`,
        );
      }
    }
  }
  return verdict(
    6,
    'Every lifecycle action is completed once',
    'lifecycle actions of self-managed groups, and those that EKS completes itself',
    own.length,
    problems,
  );
}

function everyDecisionHasAReason({ decisions, log }: Evidence): Verdict {
  const problems = decisions
    .filter(({ reason, trigger, target }) => !reason?.trim() || !trigger?.trim() || !target?.trim())
    .map((decision) => JSON.stringify(decision));
  const unanswered = log.refused.filter(
    ({ build }) => !decisions.some((decision) => mentions(decision, build) && isRefusal(decision)),
  );
  return verdict(
    7,
    'Every decision has a reason',
    'decision records, and builds that were not deployed',
    decisions.length + log.refused.length,
    [
      ...problems,
      ...unanswered.map(({ kind, build }) => `nothing says why ${build} (${kind}) was not deployed`),
    ],
  );
}

function oneBadResourceStopsNothing({ lab, log, decisions }: Evidence): Verdict {
  const problems: string[] = [];
  const refused = refusedResizes(lab, log);
  for (const call of refused) {
    const environment = lab.environments.find(({ config }) => config.account === call.account);
    const after = decisions.filter(
      (decision) =>
        decision.environment === environment?.name &&
        decision.action === 'confirm-stop' &&
        decision.target !== call.parameters['nodegroupName'] &&
        Date.parse(decision.time) > call.time,
    );
    const groups = new Set(after.map(({ target }) => target));
    if (groups.size === 0)
      problems.push(`after ${call.operation} was refused nothing else stopped in ${environment?.name}`);
  }
  return verdict(
    8,
    'One bad resource never stops the work on the others',
    'calls that AWS refused, and the groups that stopped all the same',
    refused.length,
    problems,
  );
}

function failureIsLoud({ lab, log, failures }: Evidence): Verdict {
  const refused = refusedResizes(lab, log);
  const silent = refused.filter((call) => !failures.some(({ at }) => Math.abs(at - call.time) < 60_000));
  return verdict(
    9,
    'Failure is loud',
    'refused calls, and the invocations that ended with an error because of them',
    refused.length,
    silent.map((call) => `${call.operation} was refused and no invocation failed`),
  );
}

/** What the story had refused. That another update of the group runs is no refusal: the next pass tries again. */
function refusedResizes(lab: Evidence['lab'], log: Evidence['log']): readonly AwsCall[] {
  if (log.refusedCalls === 0) return [];
  return lab.front.calls.filter((call) => isOurs(call) && isResize(call) && call.status === 403);
}

/** Called by a function's role, not by the operator. */
function isOurs(call: AwsCall): boolean {
  return call.principal?.includes(':role/') ?? false;
}

const RESIZES = new Set([
  'UpdateNodegroupConfig',
  'UpdateAutoScalingGroup',
  'SetDesiredCapacity',
  'TerminateInstanceInAutoScalingGroup',
]);

function isResize(call: AwsCall): boolean {
  return RESIZES.has(call.operation);
}

/** Several environments may share an account: a call reaches the one whose cluster or group it names. */
function reaches(call: AwsCall, environment: LabEnvironment): boolean {
  const { parameters } = call;
  const cluster = parameters['clusterName'] ?? parameters['name'];
  const group = parameters['AutoScalingGroupName'];
  return cluster === environment.cluster.name || environment.cluster.groups.has(String(group));
}

function isRefusal({ action }: Decision): boolean {
  return action === 'refuse' || action === 'ignore';
}

function mentions(decision: Decision, build: string): boolean {
  return Object.values(decision).some((value) => typeof value === 'string' && value.includes(build));
}

export function text({ min, desired, max }: Size): string {
  return `${min}/${desired}/${max}`;
}

export type { GroupSeen };
