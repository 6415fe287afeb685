/** Reports decisions about builds: each to the record of decisions, and what became of a commit on the commit. */

import type { Action, Scalar } from '#model/decision.ts';
import { printable } from '#model/plain-text.ts';
import { linksOf } from './links.ts';
import type { CommitStatus, DeployContext } from './ports.ts';
import { OF_BUILDS, OF_FAILURES } from './reasons.ts';
import {
  type ApplicationRecord,
  changeRecord,
  type EndedDeploy,
  type NewestBuild,
  type Outcome,
  type RequestedBuild,
} from './record.ts';
import { withoutReported } from './record-changes.ts';

export interface Report {
  readonly action: Action;
  readonly reason: string;
  readonly facts?: Readonly<Record<string, Scalar | undefined>>;
}

/** Once for each build that it concerns, so that each can be explained by its id. False where that was not recorded. */
export function report(
  { settings, recorder, statuses }: DeployContext,
  application: string,
  builds: readonly RequestedBuild[],
  { action, reason, facts }: Report,
): Promise<boolean> {
  const entries = builds.map(({ build, number, branch, sha, trigger }) => ({
    target: application,
    action,
    reason,
    trigger,
    facts: { build, number, branch, ...(sha ? { sha } : {}), ...facts },
  }));
  for (const build of builds) {
    const status = statusOf(settings, application, build, { action, reason, ...(facts && { facts }) });
    if (status) statuses?.add(status, { application, build: build.build, trigger: build.trigger });
  }
  return recorder.recordWritten(...entries);
}

/** A deploy that has just ended: written down as unreported, reported, and taken out once that is recorded. */
export async function reportEnd(context: DeployContext, record: ApplicationRecord): Promise<void> {
  const deploy = record.unreported?.at(-1);
  if (!deploy) return;
  if (await reportDeploy(context, record.name, deploy))
    await changeRecord(context.deploys, record, (current) => withoutReported(current, [deploy]));
}

/** An end that is unreported for so long was reached by a process that died. */
const FORGOTTEN_MS = 3 * 60_000;

export async function reportForgotten(context: DeployContext, record: ApplicationRecord): Promise<void> {
  const isForgotten = ({ at }: EndedDeploy) => context.now().getTime() - Date.parse(at) > FORGOTTEN_MS;
  const forgotten = (record.unreported ?? []).filter(isForgotten);
  if (forgotten.length === 0) return;
  const changed = await changeRecord(context.deploys, record, (current) =>
    withoutReported(current, forgotten),
  );
  if (changed) for (const deploy of forgotten) await reportDeploy(context, record.name, deploy);
}

const ACTION_OF = {
  deployed: 'deployed',
  unverified: 'unverified',
  superseded: 'superseded',
  failed: 'fail',
  suspended: 'wait',
} as const satisfies Record<Outcome, Action>;

function reportDeploy(context: DeployContext, application: string, deploy: EndedDeploy): Promise<boolean> {
  const { outcome, reason, builds, contained = [], deployId, syncs } = deploy;
  for (const build of contained) {
    const newer = builds.find(({ project }) => project === build.project);
    if (newer) followNewer(context, application, build, { ...newer, outcome });
  }
  return report(context, application, builds, {
    action: ACTION_OF[outcome],
    reason,
    facts: { outcome, ...(deployId ? { deployId } : {}), ...(syncs ? { syncs } : {}) },
  });
}

/** The status of a superseded commit follows the build that contains it: green only once that is live. */
export function followNewer(
  { settings, statuses }: DeployContext,
  application: string,
  build: RequestedBuild,
  newer: NewestBuild,
): void {
  const status = statusOf(settings, application, build, {
    action: 'superseded',
    reason: OF_BUILDS.newer(newer),
    facts: { newer: newer.outcome },
  });
  if (status) statuses?.add(status, { application, build: build.build, trigger: build.trigger });
}

/** Posts the statuses that are queued, and records what a forge did not accept. */
export async function postStatuses({ statuses, recorder }: DeployContext): Promise<void> {
  for (const { application, build, trigger, status, detail } of (await statuses?.flush()) ?? []) {
    const { repository, sha } = status;
    recorder.record({
      target: application,
      action: 'warn',
      reason: OF_FAILURES.statusNotPosted(sha, detail),
      trigger,
      facts: { repository, sha, build },
    });
  }
}

/** GitHub takes no more, and it has the lowest limit. */
const LONGEST_DESCRIPTION = 140;

/** What the commit of a build shows of a decision; undefined where it shows nothing of it. */
export function statusOf(
  settings: DeployContext['settings'],
  application: string,
  { sha, repository, build, branch }: Pick<RequestedBuild, 'sha' | 'repository' | 'build' | 'branch'>,
  { action, reason, facts = {} }: Report,
): CommitStatus | undefined {
  if (!sha || facts['dryRun'] === true) return undefined;
  // The newer build is of the very commit, and its own statuses show what becomes of it.
  if (facts['sameCommit'] === true) return undefined;
  const shown = SHOWN[action]?.(facts);
  if (!shown) return undefined;
  const [state, word] = shown;
  const links = linksOf(settings, application);
  return {
    repository,
    sha,
    state,
    description: shortened(printable(word ? `${word}: ${reason}` : reason)),
    context: `nightshift/${settings.environment}/${application}`,
    environment: settings.environment,
    application,
    build,
    branch,
    progress: progressOf(action, state),
    ...(links && { links }),
  };
}

type Facts = NonNullable<Report['facts']>;

/** By action. Green is only what is live, or contained in what is live: docs/decisions/0050 says why. */
const SHOWN: Partial<Record<Action, (facts: Facts) => readonly [CommitStatus['state'], word?: string]>> = {
  defer: () => ['pending'],
  wake: () => ['pending'],
  sync: () => ['pending', 'syncing'],
  wait: () => ['pending', 'waiting'],
  warn: ({ live }) => (live === true ? ['failure', 'live'] : ['pending', 'waiting']),
  deployed: () => ['success', 'deployed'],
  unverified: () => ['unknown', 'unverified'],
  superseded: (facts) => [stateOfSuperseded(facts), 'superseded'],
  fail: ({ outcome }) => (outcome !== undefined ? ['failure', 'failed'] : ['pending']),
};

function progressOf(action: Action, state: CommitStatus['state']): CommitStatus['progress'] {
  if (action === 'superseded') return 'superseded';
  if (state !== 'pending') return ENDS[state];
  return action === 'defer' || action === 'wake' ? 'queued' : 'running';
}

const ENDS = { success: 'deployed', failure: 'failed', unknown: 'unverified' } as const;

/** `newer`: how the newer build ended. `outcome`: it has ended without one, such as after a person's sync. */
function stateOfSuperseded({ newer, outcome }: Facts): CommitStatus['state'] {
  if (newer === 'deployed') return 'success';
  if (newer === 'unverified') return 'unknown';
  return newer === 'failed' || newer === 'superseded' || outcome !== undefined ? 'failure' : 'pending';
}

function shortened(text: string): string {
  const characters = [...text];
  return characters.length > LONGEST_DESCRIPTION
    ? `${characters.slice(0, LONGEST_DESCRIPTION - 1).join('')}…`
    : text;
}
