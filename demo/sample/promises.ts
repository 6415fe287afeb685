/**
 * Checks the nine promises against what was observed in the lab. A promise without a single observation is
 * `not exercised`, not `kept`.
 */

import type { AwsCall } from '@nightshift/lab/http/aws/service.ts';
import type { Lab, LabEnvironment } from '#demo/lab.ts';
import { createNightStore } from '#functions/adapters/dynamodb/night-store.ts';
import type { Decision } from '#model/decision.ts';
import type { Observations, Size } from './observations.ts';
import { readTable } from './read-table.ts';
import type { DayLog } from './run-day.ts';

export interface PromiseResult {
  readonly number: number;
  readonly promise: string;
  readonly result: 'kept' | 'broken' | 'not exercised';
  /** How many observations could have shown it broken. */
  readonly observations: number;
  /** What was observed. */
  readonly subject: string;
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

export async function checkPromises(evidence: Evidence): Promise<readonly PromiseResult[]> {
  return [
    await sizesAreNeverLost(evidence),
    productionIsOutOfReach(evidence),
    eventOrderDoesNotMatter(evidence),
    nothingIsReportedUnobserved(evidence),
    budgetsAreRespected(evidence),
    lifecycleActionsAreCompletedOnce(evidence),
    everyDecisionHasAReason(evidence),
    oneBadResourceStopsNothing(evidence),
    everyFailureIsReported(evidence),
  ];
}

function withResult(checked: Omit<PromiseResult, 'result'>): PromiseResult {
  const { observations, problems } = checked;
  return { ...checked, result: problems.length > 0 ? 'broken' : observations > 0 ? 'kept' : 'not exercised' };
}

/** At the end of the working day each group has its original size; a group asleep at the end has it saved. */
async function sizesAreNeverLost({ lab, observations, log, decisions }: Evidence): Promise<PromiseResult> {
  const problems: string[] = [];
  let compared = 0;
  const stopped = new Set(
    decisions
      .filter(({ action }) => action === 'stop')
      .map(({ environment, target }) => `${environment}/${target}`),
  );
  const compare = (where: string, expected: Size, size: Size | undefined) => {
    compared++;
    if (!size) problems.push(`${where}: ${text(expected)} is not saved`);
    else if (text(size) !== text(expected))
      problems.push(`${where}: ${text(expected)} before, ${text(size)} after`);
  };
  for (const environment of lab.environments) {
    const { name } = environment;
    for (const group of log.sizesAtDayEnd.get(name) ?? []) {
      if (stopped.has(`${name}/${group.name}`))
        compare(`${name}/${group.name} at the end of the working day`, group.before, group.size);
    }
    const saved = await savedSizes(lab, environment);
    for (const group of observations.groups(name)) {
      if (!stopped.has(`${name}/${group.name}`)) continue;
      const asleep = group.size.desired === 0;
      compare(`${name}/${group.name} at the end`, group.before, asleep ? saved.get(group.name) : group.size);
    }
  }
  return withResult({
    number: 1,
    promise: 'Sizes are never lost',
    subject: 'group sizes compared with those before the day',
    observations: compared,
    problems,
  });
}

async function savedSizes(lab: Lab, environment: LabEnvironment): Promise<ReadonlyMap<string, Size>> {
  const saved = await readTable(lab, environment, async (table) =>
    [...(await createNightStore(table, environment.cluster.name).load()).saved].map(
      ([group, { value }]) => [group, value.size] as const,
    ),
  );
  return new Map(saved ?? []);
}

/** No call of the functions changed a size or an application there, and it runs the same revision as before. */
function productionIsOutOfReach({ lab, observations, log }: Evidence): PromiseResult {
  const problems: string[] = [];
  let compared = 0;
  for (const environment of lab.environments.filter(({ config }) => config.production)) {
    for (const call of lab.front.calls) {
      if (!isByFunction(call) || call.account !== environment.config.account) continue;
      compared++;
      if (isResize(call) && reaches(call, environment)) {
        problems.push(`${call.principal} called ${call.operation} in ${environment.name}`);
      }
    }
    for (const group of observations.groups(environment.name)) {
      compared++;
      if (text(group.size) !== text(group.before))
        problems.push(`${environment.name}/${group.name} was resized`);
    }
    for (const application of environment.argocd?.applications() ?? []) {
      compared++;
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
  return withResult({
    number: 2,
    promise: 'Production is out of reach',
    subject: 'calls, groups and applications of production',
    observations: compared,
    problems,
  });
}

/**
 * Every event was delivered twice: each instance was still cordoned once for each cause, and each push synced once. An
 * instance that ends earlier than its interruption said has two causes: EC2 reports its end, and the drain is shortened.
 */
function eventOrderDoesNotMatter({ observations, log, decisions }: Evidence): PromiseResult {
  const problems: string[] = [];
  const drains = observations.drains.map(({ environment, instanceId }) => {
    const cordons = decisions.filter(
      (decision) =>
        decision.environment === environment &&
        decision['instanceId'] === instanceId &&
        decision.action === 'cordon',
    );
    return { what: `${environment}/${instanceId}`, causes: Map.groupBy(cordons, ({ cause }) => cause) };
  });
  for (const { what, causes } of drains)
    for (const [cause, { length }] of causes)
      if (length > 1) problems.push(`${what} was cordoned ${length} times for ${cause}`);
  for (const { event, sha } of log.merges) {
    const syncs = decisions.filter(
      (decision) =>
        decision.environment === event.environment &&
        decision.action === 'sync' &&
        decision['sha'] === sha &&
        // The image is set on the Application before the sync.
        decision['how'] !== 'parameter',
    );
    const perTarget = Map.groupBy(syncs, ({ target }) => target);
    for (const [target, list] of perTarget) {
      if (list.length > 1)
        problems.push(`${event.environment}/${target} was synced ${list.length} times for ${sha}`);
    }
  }
  return withResult({
    number: 3,
    promise: 'An event lost, doubled, late or out of order ends in the same state',
    subject: 'drains and deploys, each event delivered twice',
    observations: drains.length + log.merges.length,
    problems,
  });
}

function nothingIsReportedUnobserved({ observations }: Evidence): PromiseResult {
  const { checkedDecisions } = observations;
  const problems = checkedDecisions
    .filter((checked) => !checked.confirmed)
    .map(
      ({ decision, observed }) =>
        `${decision.time} ${decision.environment} ${decision.action} ${decision.target}: ${observed}`,
    );
  return withResult({
    number: 4,
    promise: 'Nothing is reported that was not observed',
    subject: 'reported stops, starts and deploys, compared with the lab at that moment',
    observations: checkedDecisions.length,
    problems,
  });
}

/** During a drain no disruption budget fell short, unless its pod was forced at the deadline. */
function budgetsAreRespected({ observations, decisions }: Evidence): PromiseResult {
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
  return withResult({
    number: 5,
    promise: 'Budgets are respected as long as time allows',
    subject: 'budget changes during drains, and drained nodes checked for lost pods',
    observations: observations.budgetChecks() + observations.drains.length,
    problems: [
      ...dips.map((dip) => `${new Date(dip.at).toISOString()} ${dip.environment}: ${dip.budget} fell short`),
      ...lost.map((pod) => `${pod} was still running when its instance terminated`),
    ],
  });
}

function lifecycleActionsAreCompletedOnce({ lab, observations }: Evidence): PromiseResult {
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
  return withResult({
    number: 6,
    promise: 'Every lifecycle action is completed once',
    subject: 'lifecycle actions of self-managed groups; EKS completes those of its own',
    observations: own.length,
    problems,
  });
}

function everyDecisionHasAReason({ decisions, log }: Evidence): PromiseResult {
  const problems = decisions
    .filter(({ reason, trigger, target }) => !reason?.trim() || !trigger?.trim() || !target?.trim())
    .map((decision) => JSON.stringify(decision));
  const unexplained = log.refused.filter(
    ({ build }) => !decisions.some((decision) => mentions(decision, build) && isRefusal(decision)),
  );
  return withResult({
    number: 7,
    promise: 'Every decision has a reason',
    subject: 'decisions, and builds that were not deployed',
    observations: decisions.length + log.refused.length,
    problems: [
      ...problems,
      ...unexplained.map(({ kind, build }) => `no decision says why ${build} (${kind}) was not deployed`),
    ],
  });
}

function oneBadResourceStopsNothing({ lab, log, observations, decisions }: Evidence): PromiseResult {
  const problems: string[] = [];
  const environmentOf = (call: AwsCall) =>
    lab.environments.find(({ config }) => config.account === call.account);
  // Where night-schedule stops one group only, there is no other whose stop could show it.
  const refused = refusedResizes(lab, log).filter((call) =>
    observations
      .groups(environmentOf(call)?.name ?? '')
      .some(({ name, stoppable }) => stoppable && name !== call.parameters['nodegroupName']),
  );
  for (const call of refused) {
    const environment = environmentOf(call);
    const after = decisions.filter(
      (decision) =>
        decision.environment === environment?.name &&
        decision.action === 'confirm-stop' &&
        decision.target !== call.parameters['nodegroupName'] &&
        Date.parse(decision.time) > call.time,
    );
    const groups = new Set(after.map(({ target }) => target));
    if (groups.size === 0)
      problems.push(`after ${call.operation} was denied no other group stopped in ${environment?.name}`);
  }
  return withResult({
    number: 8,
    promise: 'One bad resource never stops the work on the others',
    subject: 'denied calls, after which the other groups still stopped',
    observations: refused.length,
    problems,
  });
}

function everyFailureIsReported({ lab, log, failures }: Evidence): PromiseResult {
  const refused = refusedResizes(lab, log);
  const unreported = refused.filter((call) => !failures.some(({ at }) => Math.abs(at - call.time) < 60_000));
  return withResult({
    number: 9,
    promise: 'Every failure is reported',
    subject: 'denied calls, each followed by a failed invocation',
    observations: refused.length,
    problems: unreported.map((call) => `${call.operation} was denied and no invocation failed`),
  });
}

/** The denied calls of the plan. A conflict with a running update is none of them: the next pass retries it. */
function refusedResizes(lab: Evidence['lab'], log: Evidence['log']): readonly AwsCall[] {
  if (log.refusedCalls === 0) return [];
  return lab.front.calls.filter((call) => isByFunction(call) && isResize(call) && call.status === 403);
}

/** Called by a function's role, not by the operator. */
function isByFunction(call: AwsCall): boolean {
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
