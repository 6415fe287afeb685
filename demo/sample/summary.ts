/** Summary of the day: figures per environment, promises, and whether the final state matches the config. */

import type { CodeCheck } from '@nightshift/lab/assembly/run.ts';
import type { Lab, LabEnvironment } from '#demo/lab.ts';
import { createLedger } from '#functions/adapters/dynamodb/ledger.ts';
import { createNightStore } from '#functions/adapters/dynamodb/night-store.ts';
import type { Morning } from '#functions/night-schedule/records.ts';
import { withRunningNight } from '#functions/night-schedule/running-night.ts';
import { settingsOf } from '#lib/settings/settings.ts';
import type { Decision } from '#model/decision.ts';
import { desiredAt } from '#model/desired.ts';
import type { DayPlan } from './day-plan.ts';
import { checkPromises, type Evidence, type PromiseResult } from './promises.ts';
import { readTable } from './read-table.ts';
import { applicationOf } from './resources.ts';

export interface EnvironmentSummary {
  readonly name: string;
  readonly production: boolean;
  readonly hoursAsleep: number;
  readonly nodeHoursSaved: number;
  /** The starts of the day with their phases, as they were stored. */
  readonly starts: readonly Morning[];
  readonly drains: readonly {
    readonly instanceId: string;
    readonly node: string;
    /** From the notice. */
    readonly cordonedAfterSeconds?: number;
    readonly moved: number;
    readonly lost: number;
  }[];
  readonly deploys: readonly {
    readonly application: string;
    readonly branch: string;
    readonly revision: string;
    readonly outcome: string;
    /** From the push, in seconds of virtual time. */
    readonly afterSeconds?: number;
    readonly deferred: boolean;
  }[];
  readonly refused: number;
}

export interface DaySummary {
  readonly environments: readonly EnvironmentSummary[];
  readonly promises: readonly PromiseResult[];
  readonly code: readonly CodeCheck[];
  readonly invocations: number;
  readonly failures: number;
  readonly deadLetters: number;
  /** Where the final state does not match the config, and broken promises. */
  readonly problems: readonly string[];
}

export async function summarize(evidence: Evidence, plan: DayPlan): Promise<DaySummary> {
  const { lab } = evidence;
  const promises = await checkPromises(evidence);
  const code = await lab.assembly.verifyCode();
  const { invocations, failures } = lab.assembly.counts();
  return {
    environments: await Promise.all(
      lab.environments.map((environment) => summarizeEnvironment(environment, evidence)),
    ),
    promises,
    code,
    invocations,
    failures,
    deadLetters: lab.assembly.deadLetters.length,
    problems: [
      ...promises.flatMap((promise) =>
        promise.problems.map((problem) => `promise ${promise.number} (${promise.promise}): ${problem}`),
      ),
      ...code
        .filter(({ atStart, now }) => atStart !== now)
        .map((check) => `the code of ${check.function} changed while the lab ran`),
      ...lab.environments.flatMap((environment) => endProblems(environment, evidence, plan)),
      ...lab.assembly.deadLetters.map((letter) => `a dead letter in ${letter.queueArn}: ${letter.body}`),
    ],
  };
}

async function summarizeEnvironment(
  environment: LabEnvironment,
  evidence: Evidence,
): Promise<EnvironmentSummary> {
  const { observations, log } = evidence;
  const { name } = environment;
  const decisions = evidence.decisions.filter((decision) => decision.environment === name);
  return {
    name,
    production: environment.config.production ?? false,
    hoursAsleep: observations.asleepMs(name) / 3_600_000,
    ...(await storedNight(evidence.lab, environment)),
    drains: observations.drains
      .filter((drain) => drain.environment === name)
      .map((drain) => ({
        instanceId: drain.instanceId,
        node: drain.node,
        ...(drain.cordonedAt === undefined
          ? {}
          : { cordonedAfterSeconds: (drain.cordonedAt - drain.noticeAt) / 1000 }),
        moved: drain.pods.length - drain.lost.length,
        lost: drain.lost.length,
      })),
    deploys: log.merges
      .filter(({ event }) => event.environment === name)
      .flatMap(({ event, sha }) => deploysOf(event.build.branch, sha, event.at, decisions)),
    refused: new Set(
      decisions
        .filter(
          ({ capability, action }) =>
            capability === 'branch-deploy' && (action === 'refuse' || action === 'ignore'),
        )
        .map((decision) => decision['build'] ?? decision.trigger),
    ).size,
  };
}

/** What `savings`, `mornings` and the console show at this moment. */
export async function storedNight(
  lab: Lab,
  environment: LabEnvironment,
): Promise<Pick<EnvironmentSummary, 'nodeHoursSaved' | 'starts'>> {
  const stored = await readTable(lab, environment, async (table) => {
    const { saved, notes } = await createNightStore(table, environment.cluster.name).load();
    const { entries: ledger } = await createLedger(table).since('');
    const entries = withRunningNight(
      ledger,
      { saved: [...saved.values()].map(({ value }) => value), seen: notes.seen?.value },
      // Only the sum counts: the zone decides on the dates.
      { now: lab.context.clock.date(), timeZone: 'UTC' },
    );
    const minutes = entries.reduce((sum, { nodeMinutesSaved }) => sum + nodeMinutesSaved, 0);
    return { nodeHoursSaved: minutes / 60, starts: notes.mornings?.value ?? [] };
  });
  return stored ?? { nodeHoursSaved: 0, starts: [] };
}

function deploysOf(branch: string, sha: string, pushedAt: Date, decisions: readonly Decision[]) {
  const about = decisions.filter((decision) => decision['sha'] === sha);
  const byApplication = Map.groupBy(about, ({ target }) => target);
  const ends = new Set(['deployed', 'unverified', 'superseded', 'fail']);
  return [...byApplication].map(([application, list]) => {
    const end = list.findLast(({ action }) => ends.has(action));
    return {
      application,
      branch,
      revision: sha,
      outcome: end?.action ?? 'no outcome',
      ...(end ? { afterSeconds: (Date.parse(end.time) - pushedAt.getTime()) / 1000 } : {}),
      deferred: list.some(({ action }) => action === 'defer'),
    };
  });
}

/** Compares the final state with what the config alone implies. */
function endProblems(environment: LabEnvironment, evidence: Evidence, plan: DayPlan): readonly string[] {
  return [...groupProblems(environment, evidence, plan), ...deployProblems(environment, evidence)];
}

function groupProblems(
  environment: LabEnvironment,
  { lab, observations, log }: Evidence,
  plan: DayPlan,
): readonly string[] {
  const { name } = environment;
  const { nightSchedule } = settingsOf(lab.config, name, plan.plannedAt);
  const scheduled = nightSchedule && desiredAt(nightSchedule.schedule, plan.end, []);
  const desired = log.woken === name ? { state: 'awake', reason: 'somebody woke it' } : scheduled;
  return observations.groups(name).flatMap((group) => {
    if (!group.stoppable) {
      return group.instances === group.before.desired
        ? []
        : [
            `${name}/${group.name} is never stopped and has ${group.instances} of ${group.before.desired} instances`,
          ];
    }
    if (!desired || group.instances > 0 === (desired.state === 'awake')) return [];
    return [
      `${name}/${group.name} should be ${desired.state} (${desired.reason}) and has ${group.instances} instances`,
    ];
  });
}

function deployProblems(environment: LabEnvironment, { log }: Evidence): readonly string[] {
  const { name } = environment;
  const newest = new Map(
    log.merges
      .filter(({ event }) => event.environment === name)
      .map(({ event, sha }) => [event.build.project, { sha, build: event.build }]),
  );
  return [...newest.values()].flatMap(({ sha, build }) =>
    build.applications.flatMap((one) => {
      const application = applicationOf(one).name;
      const found = environment.argocd?.applications().find(({ metadata }) => metadata.name === application);
      const { history, sync } = found?.status ?? {};
      // Where the manifests did not change, nothing was to be synced.
      const deployed = history?.at(-1)?.revision ?? sync?.revision;
      return deployed === sha
        ? []
        : [
            `${name}/${application} is at ${deployed?.slice(0, 8)}, the last successful build of ${build.branch} at ${sha.slice(0, 8)}`,
          ];
    }),
  );
}
