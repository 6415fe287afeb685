/**
 * The tick: resumes drains that were paused or cut off, undoes cordons that no interruption followed, and keeps the
 * names of the nodes.
 */
import { reportCorrupt } from '#functions/shared/decision-recorder.ts';
import { messageOf } from '#functions/shared/errors.ts';
import type { Versioned } from '#functions/shared/versioned.ts';
import { hasOpenHook, isChangeOver, resumeClaim, withDueChange } from './claim.ts';
import { workerOf } from './claim-instance.ts';
import { RETURNING } from './decide.ts';
import type { NoticeKind } from './event.ts';
import { findForgottenActions } from './forgotten-actions.ts';
import { readPause } from './pause.ts';
import { type Claims, ClusterUnavailableError, type Context } from './ports.ts';
import type { Claim, Cordon } from './records.ts';
import { respond } from './respond.ts';
import { resume } from './resume.ts';
import { undo } from './undo-cordon.ts';

export async function tick(context: Context): Promise<void> {
  const { cluster } = context.settings;
  const orFailed = (work: Promise<void>) => work.catch((error) => context.recorder.failed(cluster, error));
  const read = context.claims.all();
  // Where one fails the others are waited for: an invocation leaves no work behind.
  await Promise.all([
    orFailed(read.then((all) => resumeAndUndo(context, all))),
    orFailed(
      read.then(
        ({ claims }) => respondToForgotten(context, claims),
        () => undefined,
      ),
    ),
    orFailed(keepNodeNames(context)),
  ]);
}

/** After a claim is written its action is no longer forgotten: what is still on its way costs one read. */
async function respondToForgotten(context: Context, claims: readonly Versioned<Claim>[]): Promise<void> {
  if (context.settings.dryRun) return;
  const known = claims.map(({ value }) => value);
  const forgotten = await findForgottenActions(context, known, 'tick');
  await Promise.all(
    forgotten.map((notice) =>
      respond(context, notice).catch((error) => context.recorder.failed(notice.instanceId, error)),
    ),
  );
}

async function resumeAndUndo(
  context: Context,
  { claims, corrupt }: Awaited<ReturnType<Claims['all']>>,
): Promise<void> {
  const { clock, recorder, settings } = context;
  const saved = await context.cordons.all();
  reportCorrupt(recorder, [...corrupt, ...saved.corrupt]);
  const cordons = [...saved.cordons, ...(await saveMissingCordons(context, claims, saved.cordons))];
  const now = clock.now();
  const resumable = claims
    .map((claim) => ({ ...claim, value: withDueChange(claim.value, now) }))
    .filter(({ value }) => resumeClaim(value, workerOf(context), now));
  const due = cordons.filter((cordon) => Date.parse(cordon.dueAt) <= now.getTime());
  if (resumable.length === 0 && due.length === 0)
    return recorder.record({ target: settings.cluster, action: 'none', reason: 'nothing is pending' });
  if (settings.dryRun) return;
  const paused = await readPause(context, undefined);
  if (paused) return completeInPause(context, resumable, paused);
  // First the undone ones: a claim that goes with its cordon is not resumed.
  await Promise.all(
    due.map((cordon) => undo(context, cordon).catch((error) => recorder.failed(cordon.node, error))),
  );
  if (resumable.length === 0) return;
  const state = await recorder.guard('state of the night', () => context.night.state());
  await Promise.all(
    resumable.map((claim) =>
      resume(context, claim, state, undefined).catch((error) =>
        recorder.failed(claim.value.node ?? claim.value.instanceId, error),
      ),
    ),
  );
}

/** What was begun stands still until the end of the pause, except that no lifecycle action holds its instance. */
async function completeInPause(
  context: Context,
  claims: readonly Versioned<Claim>[],
  paused: string,
): Promise<void> {
  const { recorder, settings } = context;
  recorder.record({
    target: settings.cluster,
    action: 'none',
    reason: `${paused}: no drain is resumed and no node is uncordoned`,
    facts: { paused: true },
  });
  await recorder.guardEach(
    claims.filter(({ value }) => hasOpenHook(value)),
    ({ value }) => value.node ?? value.instanceId,
    (claim) => resume(context, claim, undefined, paused),
  );
}

/** Who claims an instance saves which cordon is to be undone; here for those that were cut off before that. */
async function saveMissingCordons(
  { cordons, recorder, settings }: Context,
  claims: readonly Versioned<Claim>[],
  saved: readonly Cordon[],
): Promise<readonly Cordon[]> {
  if (settings.dryRun) return [];
  const known = new Set(saved.map((cordon) => cordon.instanceId));
  const missing = claims.flatMap(({ value }) =>
    known.has(value.instanceId) ? [] : (cordonOf(value, settings.uncordonAfterMinutes) ?? []),
  );
  await Promise.all(
    missing.map((cordon) => recorder.guard(`cordon of ${cordon.instanceId}`, () => cordons.put(cordon))),
  );
  return missing;
}

function cordonOf(claim: Claim, afterMinutes: number): Cordon | undefined {
  const { changeOverAt, instanceId, noticeTime, trigger, node = instanceId } = claim;
  if (claim.hooks.length > 0) return undefined;
  if (changeOverAt !== undefined && isChangeOver(claim))
    return { instanceId, node, undoWhen: 'due', dueAt: changeOverAt, trigger };
  if (claim.cause === 'rebalance') {
    const dueAt = new Date(Date.parse(noticeTime) + afterMinutes * 60_000).toISOString();
    return { instanceId, node, undoWhen: 'due', dueAt, trigger };
  }
  if (!RETURNING.has(claim.cause as NoticeKind)) return undefined;
  return { instanceId, node, undoWhen: 'ready-again', dueAt: claim.deadline ?? noticeTime, trigger };
}

/**
 * Kubernetes cannot be asked for the node of an instance: without its name a notice lists all nodes, and hundreds of
 * notices at once would list them hundreds of times. Without an answer of Kubernetes all names stay as they are.
 */
async function keepNodeNames({ clock, cluster, names, recorder, settings }: Context): Promise<void> {
  if (settings.dryRun) return;
  const [saved, running] = await Promise.all([
    names.all(),
    cluster.nodeNames().catch((error: unknown) => {
      if (!(error instanceof ClusterUnavailableError)) throw error;
      const reason = `the names of the nodes could not be read: ${messageOf(error)}`;
      recorder.record({ target: settings.cluster, action: 'none', reason });
      return undefined;
    }),
  ]);
  if (!running) return;
  const now = clock.now();
  const changed = [...running].filter(([instanceId, name]) => saved.get(instanceId) !== name);
  const gone = [...saved.keys()].filter((instanceId) => !running.has(instanceId));
  await Promise.all([
    ...changed.map(([instanceId, name]) => names.put(instanceId, name, now)),
    ...gone.map((instanceId) => names.remove(instanceId)),
  ]);
}
