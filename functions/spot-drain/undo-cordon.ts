/** Removes our marks from a node so that it takes pods again: when a cordon is due, or a scheduled change is over. */
import type { Versioned } from '#functions/shared/versioned.ts';
import { afterUndo, announcedAgain, endOfChange, isAnnouncedAfter, isChangeOver, isLeased } from './claim.ts';
import { recordNodeEvent } from './cordon.ts';
import { describeNotice } from './decide.ts';
import type { Notice } from './event.ts';
import { findNode } from './locate.ts';
import { readPause } from './pause.ts';
import type { Context, Node } from './ports.ts';
import type { Claim, Cordon } from './records.ts';

/** A scheduled change is over: the node that was drained for it is uncordoned. Reads no other node. */
export async function uncordonAfterChange(context: Context, notice: Notice): Promise<void> {
  const { claims, clock, recorder, settings } = context;
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
  const found = await claims.read(instanceId);
  if (found && isAnnouncedAfter(found.value, notice.at))
    return record('ignore', `${over}, said an older event, and it was announced again since`);
  const claim = settings.dryRun ? found : await withoutChange(context, found, notice);
  if (claim?.value.cause !== 'health')
    return record(
      'none',
      found?.value.announced
        ? `${over}: its node is not drained for it`
        : `${over}, and its node has no mark of ours`,
    );
  if (claim.value.hooks.length > 0)
    return record('ignore', `${over}, and its Auto Scaling group terminates the instance`);
  if (settings.dryRun) return record('uncordon', over);
  // Written down first: whatever happens to this invocation, or to the claim, the tick comes back to it.
  const cordon = await leaveToTick(context, claim.value);
  const paused = await readPause(context, undefined);
  if (paused) return record('wait', `${paused}: after that the next tick uncordons the node; ${over}`);
  // Whoever drains it knows nothing of this event.
  if (isLeased(claim.value, clock.now()))
    return record('wait', `${over}, while its node is being drained: the next tick after that uncordons it`);
  await undo(context, cordon);
}

/** What is still to come is not done any more, and its events that are on their way count no more. */
async function withoutChange(
  { claims, clock, invocation }: Context,
  found: Versioned<Claim> | undefined,
  { instanceId, at, trigger }: Notice,
): Promise<Versioned<Claim>> {
  const changeOverAt = at.toISOString();
  const end = endOfChange({ instanceId, trigger, owner: invocation.id, changeOverAt });
  for (let claim = found; ; claim = await claims.read(instanceId)) {
    const { announced: _, ...rest } = claim?.value ?? end;
    const saved = await claims.saveIf({ ...rest, changeOverAt }, claim?.version ?? 'absent', clock.now());
    if (saved) return saved;
  }
}

/** The tick undoes the cordon, or forgets it once the node is gone. */
export async function leaveToTick({ cordons, clock }: Context, claim: Claim): Promise<Cordon> {
  const { instanceId, node = instanceId, trigger } = claim;
  const dueAt = clock.now().toISOString();
  const cordon: Cordon = { instanceId, node, undoWhen: 'due', dueAt, trigger };
  await cordons.put(cordon);
  return cordon;
}

/** The change is on again after it was over: what was to be undone for its end stays. */
export async function keepMarks(context: Context, notice: Notice): Promise<void> {
  const { claims, cordons } = context;
  const { instanceId, at } = notice;
  const [claim, saved] = await Promise.all([claims.read(instanceId), cordons.all()]);
  if (claim?.value.cause !== 'health') return;
  const isOnAgain = await announceAgain(context, claim, notice);
  const cordon = saved.cordons.find((one) => one.instanceId === instanceId);
  if (!cordon || cordon.trigger !== claim.value.trigger) return;
  if (isOnAgain || at.getTime() > Date.parse(cordon.dueAt)) await cordons.remove(instanceId);
}

/** From then on the cordon is one of an event before, and is not undone. False where the change was not over. */
async function announceAgain(
  { claims, clock }: Context,
  found: Versioned<Claim>,
  { instanceId, at, trigger }: Notice,
): Promise<boolean> {
  let claim: Versioned<Claim> | undefined = found;
  while (claim) {
    const again = announcedAgain(claim.value, { trigger, noticeTime: at.toISOString() });
    if (again === claim.value) return false;
    if (await claims.saveIf(again, claim.version, clock.now())) return true;
    claim = await claims.read(instanceId);
  }
  return false;
}

/** An interruption in between wins: it has claimed the instance again, or it writes the node and our undo is refused. */
export async function undo(context: Context, cordon: Cordon): Promise<void> {
  const { claims, clock, cluster, cordons } = context;
  const { instanceId, undoWhen } = cordon;
  const node = await findNode(cluster, instanceId, cordon.node);
  const claim = await claims.read(instanceId);
  if (claim && claim.value.trigger !== cordon.trigger) return cordons.remove(instanceId);
  // Its group terminates the instance: the node does not live on, and the claim is what completes the action.
  if (claim && claim.value.hooks.length > 0) return cordons.remove(instanceId);
  // The next change began before the cordon of the one before it was undone.
  if (claim && isOfChangeToCome(claim.value)) return cordons.remove(instanceId);
  if (claim && isLeased(claim.value, clock.now())) return;
  if (node) {
    if (undoWhen === 'ready-again' && !isReadyAgain(cordon, node.readySince)) return;
    if ((await uncordonNode(context, node, undoReason(cordon, claim?.value))) !== 'done') return;
  }
  // The cordon last: while it is there, the next tick comes back to what failed here.
  // Taken meanwhile, its drain may mark the node again: the next tick comes back to it.
  if (claim && !(await endClaim(context, claim))) return;
  await cordons.remove(instanceId);
}

/** Neither over nor moved to a later day: nothing of it is to be undone. */
function isOfChangeToCome(claim: Claim): boolean {
  return claim.cause === 'health' && claim.announced === undefined && !isChangeOver(claim);
}

/** False where another invocation has written it. A change that is still to come has the claim from now on. */
async function endClaim({ claims, clock }: Context, { value, version }: Versioned<Claim>): Promise<boolean> {
  const { changeOverAt } = value;
  const kept = afterUndo(value) ?? (changeOverAt && endOfChange({ ...value, changeOverAt }));
  if (!kept) return claims.remove(value.instanceId, version);
  return (await claims.saveIf(kept, version, clock.now())) !== undefined;
}

function undoReason({ undoWhen }: Cordon, claim: Claim | undefined): string {
  if (undoWhen === 'ready-again') return 'the instance is back, and its node is Ready';
  if (claim?.cause === 'health' && claim.announced)
    return 'the scheduled change of the instance was moved to a later day';
  if (claim?.cause === 'health') return describeNotice('health-closed');
  return 'no interruption followed the recommendation in time';
}

function isReadyAgain(cordon: Cordon, readySince: Date | undefined): boolean {
  return readySince !== undefined && readySince.getTime() > Date.parse(cordon.dueAt);
}

/**
 * `changed` where somebody wrote the node since it was read: whether to uncordon it must be decided anew. `terminating`
 * where its Auto Scaling group terminates the instance: its marks stay, because new pods would go with it. The group is
 * asked, because the event of its lifecycle action may be lost, and that of a managed nodegroup is left to EKS.
 */
async function uncordonNode(
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
