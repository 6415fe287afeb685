import { beforeAll, describe, expect, test } from 'vitest';
import { createDrainCluster } from '#functions/adapters/kubernetes/drain-cluster.ts';
import { interpretReply } from '#functions/spot-drain/pod-reply.ts';
import type { Bed } from '../bed.ts';
import {
  addDeployment,
  addPod,
  asPod,
  budgetPath,
  deploymentPath,
  evictionOf,
  type Json,
  must,
  podPath,
} from '../objects.ts';

const MERGE = 'application/merge-patch+json';
const STRATEGIC = 'application/strategic-merge-patch+json';
const JSON_PATCH = 'application/json-patch+json';

/** What a double that forgives would let pass. */
export function describeWrongRequests(bed: () => Bed): void {
  describe('a wrong request', () => {
    let namespace: string;
    let path: string;
    beforeAll(async () => {
      namespace = await bed().addNamespace();
      path = podPath(namespace, 'web');
      await addPod(bed(), { namespace, name: 'web' });
      await addDeployment(bed(), { namespace, name: 'api', replicas: 0 });
    });

    test.each([
      ['an array as a merge patch', MERGE, [], 400, /cannot unmarshal array into Go value/],
      ['an array as a strategic merge patch', STRATEGIC, [], 400, /cannot unmarshal array into Go value/],
      ['an object as a JSON patch', JSON_PATCH, {}, 400, /cannot unmarshal object into Go value/],
      [
        'a JSON patch whose test fails',
        JSON_PATCH,
        [{ op: 'test', path: '/kind', value: 'x' }],
        422,
        /rejected/,
      ],
      ['another uid', MERGE, { metadata: { uid: 'x' } }, 422, /metadata.uid: Invalid value: "x": field is/],
      ['another name', MERGE, { metadata: { name: 'x' } }, 400, /does not match the name on the URL/],
      [
        'an old version',
        MERGE,
        { metadata: { resourceVersion: '1', labels: { a: 'b' } } },
        409,
        /been modified/,
      ],
      ['a label that is none', MERGE, { metadata: { labels: { a: 'b c' } } }, 422, /a valid label must be/],
      ['a field that is fixed', MERGE, { spec: { hostname: 'x' } }, 422, /may not change fields other than/],
    ])('patches a pod with %s', async (_what, contentType, body, status, message) => {
      const reply = await bed().ask('admin', { method: 'PATCH', path, contentType, body });
      expect(reply.status).toBe(status);
      expect(reply.body.message).toMatch(message);
    });

    test.each([
      ['a number of items that is none', '?limit=x', /parsing "x": invalid syntax/],
      ['a version that is none', '?resourceVersion=x', /resourceVersion/],
      ['a selector that is none', '?fieldSelector=a', /invalid (field )?selector/],
    ])('lists with %s: 400', async (_what, query, message) => {
      const { status, body } = await bed().ask('admin', { method: 'GET', path: `/api/v1/pods${query}` });
      expect(status).toBe(400);
      expect(body.message).toMatch(message);
    });

    test.each([
      [
        'an option that there is not',
        { propagationPolicy: 'Sometimes' },
        422,
        /Unsupported value: "Sometimes"/,
      ],
      [
        'a dry run that is none',
        { dryRun: ['Some'] },
        422,
        /Unsupported value: \["Some"\]: supported values: "All"/,
      ],
      [
        'an old version',
        { preconditions: { resourceVersion: '1' } },
        409,
        /ResourceVersion in the precondition/,
      ],
    ])('deletes with %s', async (_what, body, status, message) => {
      const reply = await bed().ask('admin', { method: 'DELETE', path, body });
      expect(reply.status).toBe(status);
      expect(reply.body.message).toMatch(message);
    });

    test.each([
      [
        'for another namespace',
        { ...evictionOf('web'), metadata: { name: 'web', namespace: 'default' } },
        400,
      ],
      ['of another kind', { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' } }, 400],
      ['without a name', { apiVersion: 'policy/v1', kind: 'Eviction' }, 400],
      ['with an old version', evictionOf('web', { preconditions: { resourceVersion: '1' } }), 409],
    ])('evicts %s', async (_what, body, status) => {
      const reply = await bed().ask('spot-drain', { method: 'POST', path: `${path}/eviction`, body });
      expect(reply.status).toBe(status);
    });

    test('evicts in a namespace that there is not: 404', async () => {
      const pod = asPod(await must(bed(), 'GET', path));
      const cluster = createDrainCluster(bed().clientFor('spot-drain'));
      const reply = await cluster.evict({ ...pod, namespace: 'nowhere' });
      expect(reply).toMatchObject({ status: 404, detail: 'namespaces "nowhere" not found' });
      expect(interpretReply(reply).kind).toBe('reported-gone');
    });

    test.each([
      ['both numbers', { minAvailable: 1, maxUnavailable: 1 }, /cannot be both set/],
      ['less than none', { minAvailable: -1 }, /must be greater than or equal to 0/],
      ['more than all', { minAvailable: '101%' }, /must not be greater than 100%/],
      ['a word', { maxUnavailable: 'many' }, /a valid percent string must be/],
      ['a policy that there is not', { unhealthyPodEvictionPolicy: 'Never' }, /Unsupported value: "Never"/],
    ])('makes a budget of %s: 422', async (_what, spec, message) => {
      const { status, body } = await bed().ask('admin', {
        method: 'POST',
        path: budgetPath(namespace),
        body: { metadata: { name: 'web' }, spec: { selector: {}, ...spec } as Json },
      });
      expect(status).toBe(422);
      expect(body.message).toMatch(message);
    });

    test('scales to less than nothing: 422', async () => {
      const { status, body } = await bed().ask('admin', {
        method: 'PATCH',
        path: `${deploymentPath(namespace, 'api')}/scale`,
        contentType: MERGE,
        body: { spec: { replicas: -1 } },
      });
      expect(status).toBe(422);
      expect(body.message).toMatch(/spec.replicas: Invalid value: -1: must be greater than or equal to 0/);
    });
  });
}
