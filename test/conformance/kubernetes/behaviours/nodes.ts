import { beforeAll, describe, expect, test } from 'vitest';
import {
  createDrainCluster,
  MARKS_ANNOTATION,
  NO_BALANCER_LABEL,
  TAINT_KEY,
} from '#functions/adapters/kubernetes/drain-cluster.ts';
import { createNodes } from '#functions/adapters/kubernetes/nodes.ts';
import type { Cluster, Marks, Node } from '#functions/spot-drain/ports.ts';
import type { Bed, BedNode } from '../bed.ts';
import { type Json, must } from '../objects.ts';

const MARKS: Marks = {
  task: 'drain',
  cause: 'spot-terminate',
  since: new Date('2026-11-24T01:02:00Z'),
};
const STRATEGIC = 'application/strategic-merge-patch+json';
const NO_NODE = 'i-0fffffffffffffff0';

export function describeNodes(bed: () => Bed): void {
  describe('a node', () => {
    let place: BedNode;
    let cluster: Cluster;
    beforeAll(async () => {
      place = await bed().addNode({ team: 'video' });
      cluster = createDrainCluster(bed().clientFor('spot-drain'));
    });

    const path = () => `/api/v1/nodes/${place.name}`;
    const stored = (): Promise<Json> => must(bed(), 'GET', path());
    const found = async (): Promise<Node> => {
      const node = await cluster.findNode(place.instanceId);
      if (!node) throw new Error('the node is not there');
      return node;
    };
    /** Also by the controller that keeps a taint in step with the cordon, which is a write of its own. */
    const settled = (unschedulable: boolean) =>
      bed().until('the taint follows the cordon', async () => {
        const { spec } = await stored();
        return taintsOf(spec).includes('node.kubernetes.io/unschedulable') === unschedulable;
      });

    test('is found by the instance id in its provider id, among all and by its labels', async () => {
      expect(await cluster.findNode(place.instanceId)).toMatchObject({
        name: place.name,
        instanceId: place.instanceId,
        unschedulable: false,
        labels: expect.objectContaining({ team: 'video' }),
        readySince: expect.any(Date),
      });
      const { zone, instanceType } = place;
      const fresh = createDrainCluster(bed().clientFor('spot-drain'));
      expect(await fresh.findNode(place.instanceId, { zone, instanceType })).toMatchObject({
        name: place.name,
      });
      expect(await fresh.findNode(NO_NODE)).toBeUndefined();
    });

    test('is known by its name, as long as it runs on that instance', async () => {
      expect((await cluster.nodeNames()).get(place.instanceId)).toBe(place.name);
      expect(await cluster.nodeNamed(place.name, place.instanceId)).toMatchObject({ name: place.name });
      expect(await cluster.nodeNamed(place.name, NO_NODE)).toBeUndefined();
      expect(await cluster.nodeNamed('nobody', place.instanceId)).toBeUndefined();
    });

    test('is seen to be Ready by night-schedule', async () => {
      const ready = await createNodes(bed().clientFor('night-schedule')).ready();
      expect(ready).toContain(place.instanceId);
    });

    test('is cordoned, tainted, labelled and noted in one strategic merge patch', async () => {
      expect(await cluster.mark(await found(), MARKS)).toBe('marked');
      await settled(true);
      const { metadata, spec } = await stored();
      expect(spec.unschedulable).toBe(true);
      expect(spec.taints).toContainEqual({
        key: TAINT_KEY,
        value: 'spot-terminate',
        effect: 'NoSchedule',
      });
      expect(metadata.labels).toMatchObject({ [NO_BALANCER_LABEL]: 'true', team: 'video' });
      expect(JSON.parse(metadata.annotations[MARKS_ANNOTATION])).toMatchObject({ cordoned: true });
      expect(await cluster.unmark(await found())).toBe('unmarked');
      await settled(false);
    });

    test('keeps the taints of others when ours comes, changes and goes', async () => {
      const theirs = { key: 'gpu', value: 'yes', effect: 'NoSchedule' };
      await bed().ask('admin', {
        method: 'PATCH',
        path: path(),
        contentType: STRATEGIC,
        body: { spec: { taints: [theirs] } },
      });
      await cluster.mark(await found(), MARKS);
      await settled(true);
      await cluster.mark(await found(), { ...MARKS, cause: 'lifecycle' });
      const { spec } = await stored();
      expect(taintsOf(spec).filter((key) => key === TAINT_KEY)).toHaveLength(1);
      expect(spec.taints).toContainEqual(theirs);
      expect(spec.taints).toContainEqual({ key: TAINT_KEY, value: 'lifecycle', effect: 'NoSchedule' });
      await cluster.unmark(await found());
      await settled(false);
      expect(taintsOf((await stored()).spec)).toEqual(['gpu']);
    });

    test('has nothing but the taints of a strategic merge patch after it: the list is one value', async () => {
      const put = (taints: Json) =>
        bed().ask('admin', {
          method: 'PATCH',
          path: path(),
          contentType: STRATEGIC,
          body: { spec: { taints } },
        });
      const others = [{ key: 'team', value: 'video', effect: 'PreferNoSchedule' }];
      expect((await put(others)).body.spec.taints).toEqual(others);
      const refused = await put([{ key: 'team', $patch: 'delete' }]);
      expect({ status: refused.status, reason: refused.body.reason }).toEqual({
        status: 422,
        reason: 'Invalid',
      });
      expect(causesOf(refused.body)).toEqual([
        { reason: 'FieldValueRequired', message: 'Required value', field: 'metadata.taints[0].effect' },
      ]);
      expect((await put(null)).body.spec).not.toHaveProperty('taints');
    });

    test('takes no taint with an effect that there is not', async () => {
      const { status, body } = await bed().ask('admin', {
        method: 'PATCH',
        path: path(),
        contentType: STRATEGIC,
        body: { spec: { taints: [{ key: 'team', effect: 'Sometimes' }] } },
      });
      expect(status).toBe(422);
      expect(causesOf(body)).toEqual([
        {
          reason: 'FieldValueNotSupported',
          message:
            'Unsupported value: "Sometimes": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
          field: 'metadata.taints[0].effect',
        },
      ]);
    });

    test('has no new version after a patch that changes nothing', async () => {
      const node = await found();
      await cluster.mark(node, MARKS);
      await settled(true);
      const before = await found();
      await cluster.mark(before, MARKS);
      expect((await found()).version).toBe(before.version);
      await cluster.unmark(before);
      await settled(false);
    });

    test('stays marked where somebody wrote to it since it was read: 409', async () => {
      await cluster.mark(await found(), MARKS);
      await settled(true);
      const before = await found();
      await cluster.mark(before, { ...MARKS, cause: 'lifecycle' });
      expect(await cluster.unmark(before)).toBe('changed');
      const { status, body } = await bed().ask('spot-drain', {
        method: 'PATCH',
        path: path(),
        contentType: STRATEGIC,
        body: { metadata: { resourceVersion: before.version }, spec: { unschedulable: null } },
      });
      expect(status).toBe(409);
      expect(body).toMatchObject({
        reason: 'Conflict',
        message: `Operation cannot be fulfilled on nodes "${place.name}": the object has been modified; please apply your changes to the latest version and try again`,
        details: { kind: 'nodes', name: place.name },
      });
      expect((await found()).unschedulable).toBe(true);
      await cluster.unmark(await found());
      await settled(false);
    });

    test('that is gone is not marked: 404', async () => {
      const node = await found();
      const absent = { ...node, name: 'ip-10-9-9-9.ap-northeast-1.compute.internal' };
      expect(await cluster.mark(absent, MARKS)).toBe('gone');
      const known = { ...absent, annotations: { [MARKS_ANNOTATION]: '{"cordoned":true}' } };
      expect(await cluster.unmark(known)).toBe('gone');
    });

    test('shows what is said on it as an event in the namespace default', async () => {
      const node = await found();
      await cluster.recordEvent(node, {
        type: 'Warning',
        reason: 'NightshiftDrainIncomplete',
        message: 'drained, and 2 pods were still on the node',
        at: new Date('2026-11-24T01:02:03.456Z'),
      });
      const selector = `involvedObject.kind=Node,involvedObject.name=${node.name},involvedObject.uid=${node.uid}`;
      const { items } = await must(
        bed(),
        'GET',
        `/api/v1/events?fieldSelector=${encodeURIComponent(selector)}`,
      );
      expect(items).toContainEqual(
        expect.objectContaining({
          type: 'Warning',
          reason: 'NightshiftDrainIncomplete',
          message: 'drained, and 2 pods were still on the node',
          lastTimestamp: '2026-11-24T01:02:03Z',
          source: { component: 'eks-nightshift' },
          reportingComponent: 'eks-nightshift',
          metadata: expect.objectContaining({ namespace: 'default' }),
        }),
      );
    });

    test('takes no event in another namespace than default', async () => {
      const node = await found();
      const { status, body } = await bed().ask('admin', {
        method: 'POST',
        path: '/api/v1/namespaces/kube-system/events',
        body: {
          metadata: { generateName: `${node.name}.` },
          involvedObject: { apiVersion: 'v1', kind: 'Node', name: node.name, uid: node.uid },
          type: 'Normal',
          reason: 'A',
          message: 'a',
        },
      });
      expect({ status, reason: body.reason }).toEqual({ status: 422, reason: 'Invalid' });
      expect(body.details.causes).toMatchObject([{ field: 'involvedObject.namespace' }]);
    });
  });
}

function taintsOf(spec: Json): string[] {
  return (spec.taints ?? []).map(({ key }: { key: string }) => key);
}

/** The server checks a change twice, and says so twice. */
function causesOf({ details }: Json): Json[] {
  const known = new Set<string>();
  return details.causes.filter(({ message, field }: Json) => {
    const text = `${field}: ${message}`;
    return !known.has(text) && known.add(text);
  });
}
