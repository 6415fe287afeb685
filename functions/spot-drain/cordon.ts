/** Sets our marks on a node, and writes down when they are removed again. */
import { messageOf } from '#functions/shared/errors.ts';
import type { NoticeDecision } from './decide.ts';
import type { Notice } from './event.ts';
import { patienceUntil, whileTransient } from './patience.ts';
import {
  type Alarm,
  type Clock,
  ClusterUnavailableError,
  type Context,
  type CordonGate,
  type Node,
  type NodeEvent,
  TransientError,
} from './ports.ts';
import type { Claim } from './records.ts';

/** A drain waits no longer for the cordons of others, and looks for them so often. */
const OTHERS_MS = 1_000;
const OTHERS_CHECK_MS = 250;
/** A look that hangs is left to itself. */
const LAST_LOOK_MS = 5_000;
/** Who has less than this until the instance goes does not wait for others. */
const AMPLE_MS = 60_000;
const GATE_PATIENCE_MS = 2_000;

/** False where the node is gone. */
export async function cordonNode(context: Context, node: Node, claim: Claim): Promise<boolean> {
  const { cluster, recorder } = context;
  const task = claim.task === 'drain' ? 'drain' : 'cordon';
  const marks = { task, cause: claim.cause, since: new Date(claim.noticeTime) } as const;
  const until = patienceUntil(context, claim.deadline);
  const result = await whileTransient(context, until, () => cluster.mark(node, marks));
  if (result === 'gone')
    recorder.record({
      target: node.name,
      action: 'none',
      reason: 'the node is gone',
      trigger: claim.trigger,
    });
  return result === 'marked';
}

/**
 * In a storm many nodes get their notice within a second: what was evicted from the first would be placed on the next,
 * and evicted once more. So a node with time to spare waits until the claims show no cordon that is still to come.
 * `looking` may go on for a moment after the wait.
 */
export async function waitForOtherCordons(
  { claims, clock, recorder }: Context,
  claim: Claim,
  /** Resolves when the claim shows that its own node is cordoned. */
  noted: Promise<unknown>,
): Promise<{ readonly looking: Promise<void> }> {
  const now = clock.now().getTime();
  if (claim.deadline === undefined || Date.parse(claim.deadline) - now < AMPLE_MS)
    return { looking: Promise.resolve() };
  const enough = clock.alarm(OTHERS_MS);
  let isEnough = false;
  const over = enough.rang.then(() => {
    isEnough = true;
  });
  const last = clock.alarm(LAST_LOOK_MS);
  const look = (async () => {
    await noted;
    while (!isEnough && (await claims.areCordonsPending())) await clock.sleep(OTHERS_CHECK_MS);
  })().catch((error: unknown) => {
    // Whom the table does not show is not waited for.
    if (!(error instanceof TransientError)) recorder.failed(`cordons beside ${claim.instanceId}`, error);
  });
  const looking = Promise.race([look, last.rang]).finally(() => last.ring());
  await Promise.race([looking, over]);
  enough.ring();
  return { looking };
}

export function createCordonGate(clock: Pick<Clock, 'alarm'>): CordonGate {
  const inHand = new Set<object>();
  const waiting = new Set<Alarm>();
  return {
    enter: (notice) => void inHand.add(notice),
    leave(notice) {
      inHand.delete(notice);
      if (inHand.size === 0) for (const other of waiting) other.ring();
    },
    async open() {
      if (inHand.size === 0) return;
      const opening = clock.alarm(GATE_PATIENCE_MS);
      waiting.add(opening);
      await opening.rang;
      waiting.delete(opening);
    },
  };
}

/** Not with the cordon itself: what is written takes its time from the cordons of others that are still to come. */
export function recordCordon({ recorder }: Context, node: Node, claim: Claim, reason: string): void {
  const { instanceId, cause, trigger } = claim;
  recorder.record({ target: node.name, action: 'cordon', reason, trigger, facts: { instanceId, cause } });
}

export function writeCordonEvent(
  context: Context,
  node: Node,
  { trigger }: Claim,
  reason: string,
): Promise<void> {
  const event = { type: 'Normal', reason: 'NightshiftCordon', message: `cordoned: ${reason}` } as const;
  return recordNodeEvent(context, node, trigger, event);
}

/** Writes down when the cordon is undone; or, where it stays, removes what an earlier claim wrote. */
export async function saveUndo(
  { cordons, recorder }: Context,
  notice: Notice,
  decision: NoticeDecision,
  about: { readonly node: string; readonly isFirstClaim: boolean },
): Promise<void> {
  const { instanceId, trigger } = notice;
  const undo = decision.kind === 'cordon' || decision.kind === 'drain' ? decision.undo : undefined;
  await recorder.guard(`cordon of ${instanceId}`, async () => {
    if (undo === undefined) return about.isFirstClaim ? undefined : cordons.remove(instanceId);
    const whenReady = undo === 'when-ready-again';
    const dueAt = whenReady
      ? (decision.kind === 'drain' && decision.deadline) || notice.at
      : new Date(notice.at.getTime() + undo.afterMinutes * 60_000);
    const undoWhen = whenReady ? 'ready-again' : 'due';
    return cordons.put({ instanceId, node: about.node, undoWhen, dueAt: dueAt.toISOString(), trigger });
  });
}

/** An API server that is unavailable costs the event, not the drain; a refusal is a failure. */
export async function recordNodeEvent(
  { cluster, clock, recorder }: Context,
  node: Node,
  trigger: string | undefined,
  event: Omit<NodeEvent, 'at'>,
): Promise<void> {
  await recorder.guard(`event on ${node.name}`, async () => {
    try {
      await cluster.recordEvent(node, { ...event, at: clock.now() });
    } catch (error) {
      if (!(error instanceof ClusterUnavailableError)) throw error;
      const reason = `the event ${event.reason} could not be written: ${messageOf(error)}`;
      recorder.record({ target: node.name, action: 'none', reason, trigger });
    }
  });
}
