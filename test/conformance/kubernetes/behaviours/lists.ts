import { beforeAll, describe, expect, test } from 'vitest';
import { createDrainCluster } from '#functions/adapters/kubernetes/drain-cluster.ts';
import type { Bed, BedNode } from '../bed.ts';
import { addReadyPod, type Json, must } from '../objects.ts';

const COUNT = 7;

export function describeLists(bed: () => Bed): void {
  describe('a list', () => {
    let node: BedNode;
    let namespace: string;
    beforeAll(async () => {
      node = await bed().addNode();
      namespace = await bed().addNamespace();
      for (let number = 0; number < COUNT; number++)
        await addReadyPod(bed(), { namespace, name: `web-${number}`, node: node.name });
    });

    const page = async (query: Record<string, string>, path = '/api/v1/pods') => {
      const { status, body } = await bed().ask('spot-drain', {
        method: 'GET',
        path: `${path}?${new URLSearchParams(query)}`,
      });
      return { status, body: body as Json };
    };
    const ofNode = () => ({ fieldSelector: `spec.nodeName=${node.name}` });
    const namesOf = (body: Json): string[] => body.items.map(({ metadata }: Json) => metadata.name);

    test('comes in pages that hold every item once', async () => {
      const client = bed().clientFor('spot-drain', { pageSize: 2 });
      const pods = await client.list<Json>('/api/v1/pods', ofNode());
      expect(pods.map(({ metadata }) => metadata.name).toSorted()).toEqual(
        Array.from({ length: COUNT }, (_, number) => `web-${number}`),
      );
    });

    test('says that there is more, and how much only where no selector leaves anything out', async () => {
      const { body: some } = await page({ ...ofNode(), limit: '3' });
      expect(some.items).toHaveLength(3);
      expect(some.metadata.continue).toEqual(expect.any(String));
      expect(some.metadata.remainingItemCount).toBeUndefined();
      const { body: all } = await page({ limit: '3' }, `/api/v1/namespaces/${namespace}/pods`);
      expect(all.metadata.remainingItemCount).toBe(COUNT - 3);
    });

    test('is as it was at its first page, whatever happens in between', async () => {
      const { body: first } = await page({ ...ofNode(), limit: '4' });
      await addReadyPod(bed(), { namespace, name: 'web-9', node: node.name });
      const { body: second } = await page({ ...ofNode(), limit: '4', continue: first.metadata.continue });
      expect(namesOf(second)).toEqual(['web-4', 'web-5', 'web-6']);
      expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
      expect(second.metadata.continue ?? '').toBe('');
      await bed().ask('admin', {
        method: 'DELETE',
        path: `/api/v1/namespaces/${namespace}/pods/web-9`,
        body: { gracePeriodSeconds: 0 },
      });
    });

    test('whose next page is asked for too late is 410, with a token to go on regardless', async () => {
      const { body: first } = await page({ ...ofNode(), limit: '3' });
      await bed().forgetPages();
      const query = { ...ofNode(), limit: '3', continue: first.metadata.continue };
      const { body, status } = await bed().until('the token has expired', async () => {
        const reply = await page(query);
        return reply.status !== 200 && reply;
      });
      expect(status).toBe(410);
      expect(body).toMatchObject({
        reason: 'Expired',
        message: expect.stringMatching(/^The provided continue parameter is too old to display a consistent/),
        metadata: { continue: expect.any(String) },
      });
      const { status: later, body: rest } = await page({ ...query, continue: body.metadata.continue });
      expect(later).toBe(200);
      expect(namesOf(rest)).toEqual(['web-3', 'web-4', 'web-5']);
    });

    test('starts anew in the client when its next page is too late', async () => {
      let asked = 0;
      const client = bed().clientFor('spot-drain', {
        pageSize: 3,
        token: async () => {
          if (++asked === 2) await bed().forgetPages();
          return bed().tokenOf('spot-drain');
        },
      });
      expect(await client.list('/api/v1/pods', ofNode())).toHaveLength(COUNT);
      expect(asked).toBe(2 + Math.ceil(COUNT / 3));
    });

    test('with a token that is none is 400', async () => {
      const { status, body } = await page({ ...ofNode(), limit: '3', continue: 'not-a-token' });
      expect({ status, reason: body.reason }).toEqual({ status: 400, reason: 'BadRequest' });
      expect(body.message).toMatch(/^invalid continue token: continue key is not valid/);
    });

    test('of attached volumes names those of the node', async () => {
      const path = '/apis/storage.k8s.io/v1/volumeattachments';
      const attachment = (name: string, nodeName: string) => ({
        apiVersion: 'storage.k8s.io/v1',
        kind: 'VolumeAttachment',
        metadata: { name },
        spec: { attacher: 'ebs.csi.aws.com', nodeName, source: { persistentVolumeName: `pv-${name}` } },
      });
      for (const [name, on] of [
        ['data-0', node.name],
        ['data-1', 'another-node'],
      ] as const)
        await must(bed(), 'POST', path, attachment(name, on));
      const cluster = createDrainCluster(bed().clientFor('spot-drain'));
      expect(await cluster.volumesOn(node.name)).toEqual(['pv-data-0']);
      for (const name of ['data-0', 'data-1'])
        await bed().ask('admin', { method: 'DELETE', path: `${path}/${name}` });
    });

    test('by a field that pods are not indexed by is 400', async () => {
      const { status, body } = await page({ fieldSelector: 'spec.priority=0' });
      expect({ status, reason: body.reason }).toEqual({ status: 400, reason: 'BadRequest' });
    });
  });
}
