/** What the day came to: numbers per environment, and whether everything ended as the config says. */

import type { CodeCheck } from '@nightshift/lab/assembly/run.ts';
import type { LabEnvironment } from '#demo/lab.ts';
import { settingsOf } from '#lib/settings.ts';
import type { Decision } from '#model/decision.ts';
import { desiredAt } from '#model/desired.ts';
import { type Evidence, judgePromises, type Verdict } from './promises.ts';
import type { Story } from './story.ts';

export interface EnvironmentSummary {
  readonly name: string;
  readonly production: boolean;
  readonly hoursAsleep: number;
  readonly nodeHoursSaved: number;
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
    readonly verdict: string;
    /** From the push, in seconds of virtual time. */
    readonly afterSeconds?: number;
    readonly deferred: boolean;
  }[];
  readonly refused: number;
}

export interface DaySummary {
  readonly environments: readonly EnvironmentSummary[];
  readonly promises: readonly Verdict[];
  readonly code: readonly CodeCheck[];
  readonly invocations: number;
  readonly failures: number;
  readonly deadLetters: number;
  /** What is not as the config says. Empty on a good day. */
  readonly problems: readonly string[];
}

export async function summarize(evidence: Evidence, story: Story): Promise<DaySummary> {
  const { lab } = evidence;
  const promises = await judgePromises(evidence);
  const code = await lab.assembly.verifyCode();
  const { invocations, failures } = lab.assembly.counts();
  return {
    environments: lab.environments.map((environment) => summarizeEnvironment(environment, evidence)),
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
      ...lab.environments.flatMap((environment) => endProblems(environment, evidence, story)),
      ...lab.assembly.deadLetters.map((letter) => `a dead letter in ${letter.queueArn}: ${letter.body}`),
    ],
  };
}

function summarizeEnvironment(environment: LabEnvironment, evidence: Evidence): EnvironmentSummary {
  const { observations, log } = evidence;
  const { name } = environment;
  const decisions = evidence.decisions.filter((decision) => decision.environment === name);
  return {
    name,
    production: environment.config.production ?? false,
    hoursAsleep: observations.asleepMs(name) / 3_600_000,
    nodeHoursSaved: observations.nodeHoursSaved(name),
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
      .filter(({ beat }) => beat.environment === name)
      .flatMap(({ beat, sha }) => deploysOf(beat.build.branch, sha, beat.at, decisions)),
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

function deploysOf(branch: string, sha: string, pushedAt: Date, decisions: readonly Decision[]) {
  const about = decisions.filter((decision) => decision['sha'] === sha);
  const byApplication = Map.groupBy(about, ({ target }) => target);
  const ends = new Set(['deployed', 'superseded', 'fail']);
  return [...byApplication].map(([application, list]) => {
    const end = list.findLast(({ action }) => ends.has(action));
    return {
      application,
      branch,
      revision: sha,
      verdict: end?.action ?? 'no verdict',
      ...(end ? { afterSeconds: (Date.parse(end.time) - pushedAt.getTime()) / 1000 } : {}),
      deferred: list.some(({ action }) => action === 'defer'),
    };
  });
}

/** What the world should be at the end, by the config alone. */
function endProblems(environment: LabEnvironment, evidence: Evidence, story: Story): readonly string[] {
  const { lab, observations, log } = evidence;
  const { name } = environment;
  const problems: string[] = [];
  const { nightSchedule } = settingsOf(lab.config, name, story.plannedAt);
  const groups = observations.groups(name).filter((group) => group.stoppable);
  if (nightSchedule) {
    const desired = desiredAt(nightSchedule.schedule, story.end, []);
    for (const group of groups) {
      const awake = group.instances > 0;
      if (awake !== (desired.state === 'awake')) {
        problems.push(
          `${name}/${group.name} should be ${desired.state} (${desired.reason}) and has ${group.instances} instances`,
        );
      }
    }
  }
  for (const group of observations.groups(name)) {
    if (group.stoppable || group.instances === group.before.desired) continue;
    problems.push(
      `${name}/${group.name} never stops, and has ${group.instances} of ${group.before.desired} instances`,
    );
  }
  const newest = new Map<string, { sha: string; branch: string; applications: readonly string[] }>();
  for (const { beat, sha } of log.merges.filter(({ beat }) => beat.environment === name)) {
    const { project, branch, applications } = beat.build;
    newest.set(project, {
      sha,
      branch,
      applications: applications.map((one) => (typeof one === 'string' ? one : one.name)),
    });
  }
  for (const { sha, branch, applications } of newest.values()) {
    for (const application of applications) {
      const found = environment.argocd?.applications().find(({ metadata }) => metadata.name === application);
      const runs = found?.status.history?.at(-1)?.revision;
      if (runs !== sha) {
        problems.push(
          `${name}/${application} runs ${runs?.slice(0, 8)}, and the last good build of ${branch} is ${sha.slice(0, 8)}`,
        );
      }
    }
  }
  return problems;
}
