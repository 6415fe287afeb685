import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createDrainCluster } from '#functions/adapters/kubernetes/drain-cluster.ts';
import { interpretReply } from '#functions/spot-drain/pod-reply.ts';
import type { Cluster } from '#functions/spot-drain/ports.ts';
import type { Bed, BedNode } from '../bed.ts';
import { addBudget, addReadyPod, type Json, must, podPath, STUBBORN } from '../objects.ts';

const OTHER_UID = '00000000-0000-4000-8000-000000000000';

export function describeDeletions(bed: () => Bed): void {
  describe('a deletion', () => {
    let node: BedNode;
    let cluster: Cluster;
    let namespace: string;
    beforeAll(async () => {
      node = await bed().addNode();
      cluster = createDrainCluster(bed().clientFor('spot-drain'));
    });
    beforeEach(async () => {
      namespace = await bed().addNamespace();
    });
    const aStubbornPod = (graceSeconds: number) =>
      addReadyPod(bed(), { namespace, name: 'web', node: node.name, graceSeconds, annotations: STUBBORN });
    const stored = (): Promise<Json> => must(bed(), 'GET', podPath(namespace, 'web'));
    const isGone = () =>
      bed().until('the pod is gone', async () => {
        const { status } = await bed().ask('admin', { method: 'GET', path: podPath(namespace, 'web') });
        return status === 404;
      });

    test('takes a pod that its budget holds, in the grace that it names', async () => {
      const pod = await aStubbornPod(60);
      await addBudget(bed(), { namespace, name: 'web', minAvailable: 1 });
      expect(interpretReply(await cluster.evict(pod)).kind).toBe('blocked');
      expect((await cluster.remove(pod, 1)).status).toBe(200);
      expect((await stored()).metadata.deletionGracePeriodSeconds).toBe(1);
      await isGone();
    });

    test('of another pod of that name is 409 and says so', async () => {
      const pod = await aStubbornPod(1);
      const reply = await cluster.remove({ ...pod, uid: OTHER_UID }, 1);
      expect(reply).toMatchObject({
        status: 409,
        reason: 'Conflict',
        detail: `Operation cannot be fulfilled on Pod "web": the UID in the precondition (${OTHER_UID}) does not match the UID in record (${pod.uid}). The object might have been deleted and then recreated`,
      });
      expect(interpretReply(reply).kind).toBe('reported-gone');
      expect((await stored()).metadata.deletionTimestamp).toBeUndefined();
    });

    test('of a pod that terminates shortens its grace, and never lengthens it', async () => {
      const pod = await aStubbornPod(60);
      await cluster.evict(pod);
      const first = (await stored()).metadata;
      expect((await cluster.remove(pod, 90)).status).toBe(200);
      expect((await stored()).metadata).toMatchObject({
        deletionGracePeriodSeconds: 60,
        deletionTimestamp: first.deletionTimestamp,
      });
      expect((await cluster.remove(pod, 2)).status).toBe(200);
      const shortened = (await stored()).metadata;
      expect(shortened.deletionGracePeriodSeconds).toBe(2);
      expect(Date.parse(shortened.deletionTimestamp)).toBeLessThan(Date.parse(first.deletionTimestamp));
      await isGone();
    });

    test('with a grace of 0 takes the pod out of the API at once, whether it still runs or not', async () => {
      const pod = await aStubbornPod(60);
      expect((await cluster.remove(pod, 0)).status).toBe(200);
      expect(await cluster.podsOn(node.name)).not.toContainEqual(expect.objectContaining({ uid: pod.uid }));
      expect(await cluster.remove(pod, 0)).toMatchObject({ status: 404, reason: 'NotFound' });
    });

    test('shows a pod that terminates as such until it is gone', async () => {
      const pod = await aStubbornPod(3);
      await cluster.remove(pod, 3);
      const seen = (await cluster.podsOn(node.name)).find(({ uid }) => uid === pod.uid);
      expect(seen).toMatchObject({ terminating: true, phase: 'Running' });
      await isGone();
    });
  });
}
