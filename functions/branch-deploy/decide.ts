/**
 * What comes next for one application: a pure function of what is wanted, what Argo CD shows and the time.
 *
 * An operation is over only when nothing is requested any more and its phase is final: Running with an end is a retry
 * that waits. Health is trusted only if the application was compared after the operation ended.
 */
import { sameRepository } from '#model/branch.ts';
import type { ApplicationView } from './ports.ts';
import type { ApplicationRecord, Outcome, RequestedBuild } from './record.ts';

export const LIMITS = {
  /** A sync that was asked for and is not to be seen after so long is asked for again. Longer than any request takes. */
  unseenMs: 30_000,
  /** An operation, or a rollout, of ours may take so long. Argo CD itself has no limit. */
  deployMs: 30 * 60_000,
  /** Somebody else's operation is reported after so long, and still waited for. */
  blockedMs: 30 * 60_000,
  /** OutOfSync right after a sync may still settle. */
  settleMs: 2 * 60_000,
  /** Syncs for the same builds: when the first ended at an old revision, or was broken by the night. */
  tries: 3,
} as const;

export type Step =
  | { readonly do: 'sync'; readonly reason: string }
  | {
      readonly do: 'wait';
      readonly reason: string;
      /** Ask Argo CD to compare again. */
      readonly refresh?: boolean;
      /** Somebody else's operation is in the way. */
      readonly blocked?: boolean;
    }
  | {
      readonly do: 'settle';
      readonly outcome: Outcome;
      readonly reason: string;
      /** Only these builds; all that are wanted where it is left out. */
      readonly builds?: readonly string[];
      /** It is our configuration that is wrong: this is to be loud. */
      readonly misconfigured?: boolean;
    };

/** How the deploy ids of a person's rollout begin. */
export const ROLLOUT = 'rollout:';

type Operation = NonNullable<ApplicationView['operation']>;

export function nextStep(record: ApplicationRecord, view: ApplicationView, now: Date): Step {
  if (view.deleting) return failed('the application is being deleted');
  const mistake = wrongBranch(record.requested, view);
  if (mistake) return { ...failed(mistake), misconfigured: true };
  return record.attempt ? follow(record, record.attempt, view, now) : begin(record, view, now);
}

/** Nothing of ours is under way. */
function begin(record: ApplicationRecord, view: ApplicationView, now: Date): Step {
  const blocker = blockedBy(view);
  if (blocker) return { do: 'wait', reason: `${blocker} runs: it is waited for`, blocked: true };
  if (isThereAlready(record.requested, view)) {
    return settled('deployed', `Argo CD was Synced and Healthy at ${short(view.revisions)} already`);
  }
  if (view.operation && covers(view.operation, record.requested, view)) {
    const since = Math.max(...record.requested.map((build) => Date.parse(build.recordedAt)));
    return judge(record, 1, view, view.operation, now, now.getTime() - since);
  }
  const again = record.requested.find((build) => build.again)?.again;
  return { do: 'sync', reason: again ?? `${describe(record.requested)} succeeded` };
}

/** A sync of ours was asked for. */
function follow(
  record: ApplicationRecord,
  attempt: NonNullable<ApplicationRecord['attempt']>,
  view: ApplicationView,
  now: Date,
): Step {
  const waitedMs = now.getTime() - Date.parse(attempt.watchedSince);
  if (view.pendingOperation?.deployIds.includes(attempt.deployId)) {
    return waitAtMost(waitedMs, 'Argo CD has not begun the sync');
  }
  const operation = view.operation;
  if (!operation?.deployIds.includes(attempt.deployId)) return lookForOurs(record, attempt, view, now);

  if (!isOver(view, operation)) {
    const what = operation.finishedAt ? 'a retry of the sync is pending' : 'the sync runs';
    if (/sync window/.test(operation.message)) return { do: 'wait', reason: `${what}: ${operation.message}` };
    return waitAtMost(waitedMs, operation.message ? `${what}: ${operation.message}` : what);
  }
  // Only the latest is worth the wait for health: what came during the operation is synced now.
  const unserved = record.requested.filter((requested) => !attempt.serves.includes(requested.build));
  if (unserved.length > 0 && !covers(operation, unserved, view)) {
    return { do: 'sync', reason: `${describe(record.requested)} succeeded while an older one was synced` };
  }
  if (operation.phase !== 'Succeeded') {
    if (attempt.sleptMeanwhile && attempt.tries < LIMITS.tries) {
      return { do: 'sync', reason: `the sync ended as ${operation.phase} while the cluster slept` };
    }
    return failed(`the sync ended as ${operation.phase}: ${operation.message || 'no message'}`);
  }
  return judge(record, attempt.tries, view, operation, now, waitedMs);
}

/** Our sync succeeded, which is not yet a healthy application. */
function judge(
  record: ApplicationRecord,
  tries: number,
  view: ApplicationView,
  operation: Operation,
  now: Date,
  waitedMs: number,
): Step {
  const finishedAt = operation.finishedAt?.getTime() ?? 0;
  if (!isComparedSince(view, operation)) {
    return waitAtMost(waitedMs, 'the application was not compared since the sync', true);
  }
  const elsewhere = record.requested.filter((requested) => !isAt(requested, view, operation.revisions));
  if (elsewhere.length > 0) {
    if (elsewhere.every((requested) => isAt(requested, view, view.revisions))) {
      // Argo CD synced what it knew, and knows better now.
      if (tries >= LIMITS.tries) {
        return failed(`${tries} syncs ended at ${short(operation.revisions)}, not at ${shas(elsewhere)}`);
      }
      return {
        do: 'sync',
        reason: `the sync ended at ${short(operation.revisions)}, not at ${shas(elsewhere)}`,
      };
    }
    return {
      ...settled(
        'superseded',
        `the branch has moved on: Argo CD is at ${short(view.revisions)}, not at ${shas(elsewhere)}`,
      ),
      builds: elsewhere.map((requested) => requested.build),
    };
  }
  if (view.sync !== 'Synced') {
    const moved = !same(view.revisions, operation.revisions);
    if (moved) {
      return settled('superseded', `the application has moved on to ${short(view.revisions)} since the sync`);
    }
    if (now.getTime() - finishedAt < LIMITS.settleMs) {
      return { do: 'wait', reason: `the sync succeeded and the application is ${view.sync}`, refresh: true };
    }
    return failed(
      `the sync succeeded and the application is still ${view.sync}: what differs is not pruned or not ours`,
    );
  }
  switch (view.health) {
    case 'Healthy':
      return settled('deployed', `Synced and Healthy at ${short(operation.revisions)}`);
    case 'Degraded':
      return failed(
        `synced to ${short(operation.revisions)} and Degraded: ${view.healthMessage || 'no message'}`,
      );
    case 'Suspended':
      return settled(
        'suspended',
        `synced to ${short(operation.revisions)} and Suspended: somebody has to resume it`,
      );
    default:
      return waitAtMost(waitedMs, `synced to ${short(operation.revisions)} and ${view.health}`);
  }
}

/** We asked for a sync, and the operation that Argo CD shows is not it. */
function lookForOurs(
  record: ApplicationRecord,
  attempt: NonNullable<ApplicationRecord['attempt']>,
  view: ApplicationView,
  now: Date,
): Step {
  const blocker = blockedBy(view);
  if (blocker) return { do: 'wait', reason: `${blocker} runs: it is waited for`, blocked: true };

  const other = view.operation;
  const since = Date.parse(attempt.acceptedAt ?? attempt.requestedAt);
  if (attempt.acceptedAt && other && other.startedAt.getTime() >= floorToSecond(since)) {
    if (record.requested.some((requested) => !attempt.serves.includes(requested.build))) {
      return { do: 'sync', reason: `${describe(record.requested)} succeeded` };
    }
    if (other.automated) {
      if (isThereAlready(record.requested, view)) {
        return settled(
          'deployed',
          `Synced and Healthy at ${short(view.revisions)}, by Argo CD's own sync after ours`,
        );
      }
      if (attempt.tries < LIMITS.tries) return { do: 'sync', reason: "Argo CD's own sync came after ours" };
      return failed(
        `Argo CD's own sync came after ours ${attempt.tries} times: ${other.phase} ${other.message}`,
      );
    }
    return settled(
      'superseded',
      `${other.by} took over: an operation to ${short(other.revisions)} replaced ours and ended as ${other.phase}`,
    );
  }
  if (now.getTime() - since < LIMITS.unseenMs)
    return { do: 'wait', reason: 'Argo CD does not show the sync yet' };
  if (now.getTime() - Date.parse(attempt.watchedSince) > LIMITS.deployMs) {
    return failed('Argo CD was asked for a sync again and again and never showed it');
  }
  return { do: 'sync', reason: 'the sync that was asked for never began' };
}

/** Over means: nothing is requested, and the phase is final. */
export function isOver(view: ApplicationView, operation: Operation): boolean {
  return !view.pendingOperation && ['Succeeded', 'Failed', 'Error'].includes(operation.phase);
}

/**
 * Argo CD's times are whole seconds, and a small sync takes less than one: a comparison in the second of its end may have
 * been made before it. It was not, where it is of what was synced.
 */
export function isComparedSince(view: ApplicationView, operation: Operation): boolean {
  const finishedAt = operation.finishedAt?.getTime() ?? 0;
  const comparedAt = view.reconciledAt?.getTime() ?? -1;
  return comparedAt > finishedAt || (comparedAt === finishedAt && same(view.revisions, operation.revisions));
}

/** Who is in the way, if anybody is. */
function blockedBy(view: ApplicationView): string | undefined {
  if (view.pendingOperation) return `an operation of ${view.pendingOperation.by}`;
  const operation = view.operation;
  return operation && !isOver(view, operation) ? `an operation of ${operation.by}` : undefined;
}

/**
 * Has a sync of ours, begun after these builds, brought what they were built from or something newer? A commit is pushed
 * before its build starts, and a sync goes to the head of the branch. So one sync serves a whole burst of pushes.
 */
function covers(operation: Operation, builds: readonly RequestedBuild[], view: ApplicationView): boolean {
  if (!isOver(view, operation) || operation.phase !== 'Succeeded') return false;
  // A person's rollout may have named an older revision.
  if (!operation.deployIds.some((id) => !id.startsWith(ROLLOUT))) return false;
  // Argo CD tells whole seconds: in the second of the build's start the push may have come after the sync.
  const after = builds.every(
    (build) =>
      !build.again &&
      build.sha !== undefined &&
      build.startedAt !== undefined &&
      sourceOf(build, view) !== undefined &&
      operation.startedAt.getTime() > Date.parse(build.startedAt),
  );
  if (!after) return false;
  const past = builds.every((build) => !isAt(build, view, operation.revisions));
  return past || (view.sync === 'Synced' && (view.health === 'Healthy' || view.health === 'Progressing'));
}

/**
 * Synced and Healthy at exactly our commits, by a comparison after the last operation. Only an application whose
 * source is the repository that was built can be known to be there.
 */
function isThereAlready(requested: readonly RequestedBuild[], view: ApplicationView): boolean {
  const finishedAt = view.operation?.finishedAt?.getTime() ?? 0;
  return (
    view.sync === 'Synced' &&
    view.health === 'Healthy' &&
    (view.reconciledAt?.getTime() ?? 0) >= finishedAt &&
    requested.every(
      (build) =>
        // What failed has not run its hooks to the end, however well the application looks.
        !build.again &&
        build.sha !== undefined &&
        sourceOf(build, view) !== undefined &&
        isAt(build, view, view.revisions),
    )
  );
}

/** True where the build's commit is what its source is at, or where the application does not track that repository. */
function isAt(requested: RequestedBuild, view: ApplicationView, revisions: readonly string[]): boolean {
  const index = sourceOf(requested, view);
  return index === undefined || requested.sha === undefined || revisions[index] === requested.sha;
}

function sourceOf(requested: RequestedBuild, view: ApplicationView): number | undefined {
  const index = view.sources.findIndex((source) => sameRepository(source.repository, requested.repository));
  return index < 0 ? undefined : index;
}

/** An application that tracks another branch of the very repository would be synced for nothing. */
function wrongBranch(requested: readonly RequestedBuild[], view: ApplicationView): string | undefined {
  for (const build of requested) {
    const index = sourceOf(build, view);
    const tracked = index === undefined ? undefined : view.sources[index]?.targetRevision;
    if (
      !tracked ||
      tracked === 'HEAD' ||
      tracked === build.branch ||
      tracked === `refs/heads/${build.branch}`
    )
      continue;
    return `the application tracks ${tracked} of ${build.repository}, and ${build.branch} is bound to it`;
  }
  return undefined;
}

function waitAtMost(waitedMs: number, reason: string, refresh = false): Step {
  if (waitedMs > LIMITS.deployMs)
    return failed(`${reason}, for more than ${LIMITS.deployMs / 60_000} minutes`);
  return { do: 'wait', reason, ...(refresh ? { refresh } : {}) };
}

export function describe(requested: readonly RequestedBuild[]): string {
  return requested
    .map(
      (build) => `build ${build.number} of ${build.project}${build.sha ? ` (${shortSha(build.sha)})` : ''}`,
    )
    .join(' and ');
}

function shas(requested: readonly RequestedBuild[]): string {
  return requested.map((build) => shortSha(build.sha ?? 'unknown')).join(', ');
}

const short = (revisions: readonly string[]) => revisions.map(shortSha).join(', ') || 'no revision';
export const shortSha = (sha: string) => (/^[0-9a-f]{40,64}$/.test(sha) ? sha.slice(0, 7) : sha);
const same = (one: readonly string[], other: readonly string[]) =>
  one.length === other.length && one.every((value, index) => value === other[index]);
/** Argo CD's times are whole seconds. */
const floorToSecond = (ms: number) => Math.floor(ms / 1000) * 1000;

const settled = (outcome: Outcome, reason: string): Extract<Step, { do: 'settle' }> => ({
  do: 'settle',
  outcome,
  reason,
});
const failed = (reason: string) => settled('failed', reason);
