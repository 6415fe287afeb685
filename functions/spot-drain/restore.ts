/** Takes our own marks off a node, so that it works again. */
import { NightshiftError } from '#functions/shared/errors.ts';
import { describeNotice } from './decide.ts';
import type { Notice } from './event.ts';
import type { Journal } from './journal.ts';
import { nodeOf } from './locate.ts';
import { note } from './note.ts';
import type { Claim, Node } from './ports.ts';
import type { RunPorts } from './work.ts';

/** An announced change is over: the node that was drained for it may work again. Asks Kubernetes only for such nodes. */
export async function restore(ports: RunPorts, journal: Journal, notice: Notice): Promise<void> {
  const { claims, cluster, clock, settings } = ports;
  const { instanceId, trigger } = notice;
  const facts = { instanceId, cause: notice.kind };
  const reason = describeNotice(notice.kind);
  const held = await claims.read(instanceId);
  if (held?.value.cause !== 'health') {
    return journal.say({
      target: instanceId,
      action: 'none',
      reason: `${reason}, and no mark of ours is on its node`,
      trigger,
      facts,
    });
  }
  if (held.value.hooks.length > 0) {
    return journal.say({
      target: instanceId,
      action: 'ignore',
      reason: `${reason}, and its Auto Scaling group ends the instance`,
      trigger,
      facts,
    });
  }
  if (Date.parse(held.value.leaseUntil) > clock.now().getTime() && !settings.dryRun) {
    // Whoever drains it knows nothing of this event: the tick undoes it after them.
    await leaveToTick(ports, held.value);
    return journal.say({
      target: instanceId,
      action: 'wait',
      reason: `${reason}, while its node is being drained: the next tick after that takes its marks off`,
      trigger,
      facts,
    });
  }
  if (settings.dryRun) {
    return journal.say({
      target: instanceId,
      action: 'uncordon',
      reason: `dry run, nothing is changed: ${reason}`,
      trigger,
      facts,
    });
  }
  const node = await nodeOf(cluster, instanceId, held.value.node);
  const how = node && (await unmark(ports, journal, node, { reason, trigger }));
  if (how === 'terminating') return leaveToTick(ports, held.value);
  if (how === 'changed') {
    throw new NightshiftError(
      `the node ${node?.name} was written by somebody else while its marks were taken off: try again`,
    );
  }
  await claims.remove(instanceId, held.version);
}

/** The tick undoes the cordon, or forgets it once the node is gone. */
async function leaveToTick({ cordons, clock }: RunPorts, claim: Claim): Promise<void> {
  const { instanceId, node = instanceId, trigger } = claim;
  await cordons.put({ instanceId, node, undo: 'time', due: clock.now().toISOString(), trigger });
}

/**
 * `changed` where somebody wrote to the node since it was read, and the next look must decide anew. `terminating` where
 * its Auto Scaling group terminates the instance: its marks stay, because new pods would go with it. The group is asked,
 * because the event of its lifecycle action may be lost, and that of a managed nodegroup is left to EKS.
 */
export async function unmark(
  ports: RunPorts,
  journal: Journal,
  node: Node,
  about: { readonly reason: string; readonly trigger: string },
): Promise<'done' | 'changed' | 'terminating'> {
  const { cluster, clock, groups } = ports;
  const say = (action: 'uncordon' | 'none' | 'wait', reason: string) =>
    journal.say({
      target: node.name,
      action,
      reason,
      trigger: about.trigger,
      facts: { instanceId: node.instanceId },
    });
  const member = await groups.ofInstance(node.instanceId);
  if (member?.isTerminating) {
    say(
      'wait',
      `the Auto Scaling group ${member.group.name} terminates the instance: its node stays cordoned`,
    );
    return 'terminating';
  }
  const how = await cluster.unmark(node);
  switch (how) {
    case 'changed':
      return how;
    case 'gone':
      say('none', 'the node is gone');
      return 'done';
    case 'not-ours':
      say('none', 'no mark of ours is on the node');
      return 'done';
    case 'unmarked':
      say('uncordon', about.reason);
      await note(cluster, journal, node, about.trigger, {
        type: 'Normal',
        reason: 'NightshiftUncordon',
        message: about.reason,
        at: clock.now(),
      });
      return 'done';
  }
}
