/** Sets our marks on a node, and removes them again so that it takes pods again. */
import { messageOf, NightshiftError } from '#functions/shared/errors.ts';
import { isLeased } from './claim.ts';
import { describeNotice, type NoticeDecision } from './decide.ts';
import type { Notice } from './event.ts';
import { findNode } from './locate.ts';
import { patienceUntil, whileTransient } from './patience.ts';
import { readPause } from './pause.ts';
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
 */
export async function waitForOtherCordons(
  { claims, clock }: Context,
  claim: Claim,
  /** Resolves when the claim shows that its own node is cordoned. */
  noted: Promise<unknown>,
): Promise<void> {
  const now = clock.now().getTime();
  if (claim.deadline === undefined || Date.parse(claim.deadline) - now < AMPLE_MS) return;
  const enough = clock.alarm(OTHERS_MS);
  let isEnough = false;
  const over = enough.rang.then(() => {
    isEnough = true;
  });
  const others = (async () => {
    await noted;
    while (!isEnough && (await claims.areCordonsPending())) await clock.sleep(OTHERS_CHECK_MS);
  })().catch((error: unknown) => {
    // Whom the table does not show is not waited for.
    if (!(error instanceof TransientError)) throw error;
  });
  await Promise.race([others, over]);
  enough.ring();
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

/** A scheduled change is over: the node that was drained for it is uncordoned. Reads no other node. */
export async function uncordonAfterChange(context: Context, notice: Notice): Promise<void> {
  const { claims, clock, cluster, recorder, settings } = context;
  const { instanceId, trigger } = notice;
  const over = describeNotice(notice.kind);
  const record = (action: 'none' | 'ignore' | 'wait' | 'uncordon', reason: string) =>
    recorder.record({
      target: instanceId,
      action,
      reason,
      trigger,
      facts: { instanceId, cause: notice.kind },
    });
  const claim = await claims.read(instanceId);
  if (claim?.value.cause !== 'health') return record('none', `${over}, and its node has no mark of ours`);
  if (claim.value.hooks.length > 0)
    return record('ignore', `${over}, and its Auto Scaling group terminates the instance`);
  if (settings.dryRun) return record('uncordon', over);
  const paused = await readPause(context, undefined);
  if (paused) {
    await leaveToTick(context, claim.value);
    return record('wait', `${paused}: after that the next tick uncordons the node; ${over}`);
  }
  if (isLeased(claim.value, clock.now())) {
    // Whoever drains it knows nothing of this event.
    await leaveToTick(context, claim.value);
    return record('wait', `${over}, while its node is being drained: the next tick after that uncordons it`);
  }
  const node = await findNode(cluster, instanceId, claim.value.node);
  const result = node ? await uncordonNode(context, node, over) : 'done';
  if (result === 'terminating') return leaveToTick(context, claim.value);
  if (result === 'changed')
    throw new NightshiftError(
      `the node ${node?.name} was written by somebody else while its marks were removed: try again`,
    );
  await claims.remove(instanceId, claim.version);
}

/** The tick undoes the cordon, or forgets it once the node is gone. */
async function leaveToTick({ cordons, clock }: Context, claim: Claim): Promise<void> {
  const { instanceId, node = instanceId, trigger } = claim;
  await cordons.put({ instanceId, node, undoWhen: 'due', dueAt: clock.now().toISOString(), trigger });
}

/**
 * `changed` where somebody wrote the node since it was read: whether to uncordon it must be decided anew. `terminating`
 * where its Auto Scaling group terminates the instance: its marks stay, because new pods would go with it. The group is
 * asked, because the event of its lifecycle action may be lost, and that of a managed nodegroup is left to EKS.
 */
export async function uncordonNode(
  context: Context,
  node: Node,
  reason: string,
): Promise<'done' | 'changed' | 'terminating'> {
  const { cluster, groups, recorder } = context;
  const record = (action: 'uncordon' | 'none' | 'wait', why: string) =>
    recorder.record({ target: node.name, action, reason: why, facts: { instanceId: node.instanceId } });
  const member = await groups.ofInstance(node.instanceId);
  if (member?.isTerminating) {
    const { name } = member.group;
    record('wait', `the Auto Scaling group ${name} terminates the instance: its node stays cordoned`);
    return 'terminating';
  }
  const result = await cluster.unmark(node);
  switch (result) {
    case 'changed':
      return 'changed';
    case 'gone':
      record('none', 'the node is gone');
      return 'done';
    case 'not-ours':
      record('none', 'the node has no mark of ours');
      return 'done';
    case 'unmarked': {
      record('uncordon', reason);
      const event = { type: 'Normal', reason: 'NightshiftUncordon', message: reason } as const;
      await recordNodeEvent(context, node, undefined, event);
      return 'done';
    }
  }
}
