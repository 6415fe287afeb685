/**
 * Keeps written down which node runs on which instance. Kubernetes can not be asked for the node of an instance: without
 * the name a notice reads all nodes, and hundreds of notices at once would read them hundreds of times.
 */

import type { DecisionRecorder } from '#functions/shared/decision-recorder.ts';
import { messageOf } from '#functions/shared/errors.ts';
import { ClusterTroubleError } from './errors.ts';
import type { RunPorts } from './work.ts';

/** Writes what is new, and takes away what is gone. Without an answer of Kubernetes all stays as it is. */
export async function keepNames(ports: RunPorts, recorder: DecisionRecorder, trigger: string): Promise<void> {
  const { cluster, names, settings } = ports;
  if (settings.dryRun) return;
  const say = (error: ClusterTroubleError) =>
    recorder.record({
      target: settings.cluster,
      action: 'none',
      reason: `the names of the nodes could not be read: ${messageOf(error)}`,
      trigger,
    });
  await recorder.guard(settings.cluster, async () => {
    const [written, running] = await Promise.all([
      names.all(),
      cluster.nodeNames().catch((error: unknown) => {
        if (!(error instanceof ClusterTroubleError)) throw error;
        say(error);
        return undefined;
      }),
    ]);
    if (!running) return;
    const now = ports.clock.now();
    const writing: Promise<void>[] = [];
    for (const [instanceId, name] of running)
      if (written.get(instanceId) !== name) writing.push(names.put(instanceId, name, now));
    for (const instanceId of written.keys())
      if (!running.has(instanceId)) writing.push(names.remove(instanceId));
    await Promise.all(writing);
  });
}
