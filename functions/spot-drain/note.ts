import { messageOf } from '#functions/shared/errors.ts';
import { ClusterTroubleError } from './errors.ts';
import type { Journal } from './journal.ts';
import type { Cluster, Node, NodeEvent } from './ports.ts';

/** Says it on the node. An API server in trouble makes an event be missed, not a drain fail; a refusal is loud. */
export async function note(
  cluster: Cluster,
  journal: Journal,
  node: Node,
  trigger: string,
  event: NodeEvent,
): Promise<void> {
  await journal.guard(`event on ${node.name}`, async () => {
    try {
      await cluster.note(node, event);
    } catch (error) {
      if (!(error instanceof ClusterTroubleError)) throw error;
      journal.say({
        target: node.name,
        action: 'none',
        reason: `the event ${event.reason} could not be written: ${messageOf(error)}`,
        trigger,
      });
    }
  });
}
