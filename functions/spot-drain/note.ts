import type { DecisionRecorder } from '#functions/shared/decision-recorder.ts';
import { messageOf } from '#functions/shared/errors.ts';
import { ClusterTroubleError } from './errors.ts';
import type { Cluster, Node, NodeEvent } from './ports.ts';

/** Says it on the node. An API server in trouble makes an event be missed, not a drain fail; a refusal is loud. */
export async function note(
  cluster: Cluster,
  recorder: DecisionRecorder,
  node: Node,
  trigger: string,
  event: NodeEvent,
): Promise<void> {
  await recorder.guard(`event on ${node.name}`, async () => {
    try {
      await cluster.note(node, event);
    } catch (error) {
      if (!(error instanceof ClusterTroubleError)) throw error;
      recorder.record({
        target: node.name,
        action: 'none',
        reason: `the event ${event.reason} could not be written: ${messageOf(error)}`,
        trigger,
      });
    }
  });
}
