/** What the lab's API server does not have: an admission policy in CEL. */
import { afterEach, describe, expect, test } from 'vitest';
import type { Bed } from './bed.ts';
import { notice } from './behaviours/drains.ts';
import { addReadyPod, type Json, must, podPath } from './objects.ts';

const ADMISSION = '/apis/admissionregistration.k8s.io/v1';
const NAME = 'no-evictions';

export function describeDeniedEvictions(bed: () => Bed): void {
  describe('evictions that a ValidatingAdmissionPolicy denies', () => {
    afterEach(() => removePolicy(bed()));

    test.each([
      ['Forbidden', 403],
      ['Invalid', 422],
    ] as const)('as %s are asked for again, and the pod is deleted before the end', async (reason, code) => {
      const node = await bed().addNode();
      const namespace = await bed().addNamespace();
      await addReadyPod(bed(), { namespace, name: 'web', node: node.name, graceSeconds: 5 });
      await denyEvictions(bed(), namespace, reason);
      const reply = await bed().until('the policy is in force', () => denialOf(bed(), namespace));
      expect(reply).toMatchObject({
        code,
        message: expect.stringContaining(`ValidatingAdmissionPolicy '${NAME}'`),
      });

      const decisions = await bed().live(() => notice(bed(), node, 95));
      expect(decisions.find(({ action }) => action === 'drain')).toMatchObject({ evicted: 0, forced: 1 });
      const asked = (await bed().asked()).filter(
        (one) =>
          one.namespace === namespace && one.subresource === 'eviction' && one.user.includes('spot-drain'),
      );
      expect(asked.length).toBeGreaterThan(1);
      const { status } = await bed().ask('admin', { method: 'GET', path: podPath(namespace, 'web') });
      expect(status).toBe(404);
    });

    test('are evicted once the policy admits them', async () => {
      const node = await bed().addNode();
      const namespace = await bed().addNamespace();
      await addReadyPod(bed(), { namespace, name: 'web', node: node.name });
      await denyEvictions(bed(), namespace, 'Forbidden');
      await bed().until('the policy is in force', () => denialOf(bed(), namespace));
      const drained = bed().live(() => notice(bed(), node, 60));
      await bed().until('an eviction was denied', async () =>
        (await bed().asked()).some(
          (one) =>
            one.namespace === namespace && one.subresource === 'eviction' && one.user.includes('spot-drain'),
        ),
      );
      await removePolicy(bed());
      const decisions = await drained;
      expect(decisions.find(({ action }) => action === 'drain')).toMatchObject({ evicted: 1, forced: 0 });
    });
  });
}

async function denyEvictions(bed: Bed, namespace: string, reason: string): Promise<void> {
  await must(bed, 'POST', `${ADMISSION}/validatingadmissionpolicies`, {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name: NAME },
    spec: {
      failurePolicy: 'Fail',
      matchConstraints: {
        resourceRules: [
          { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods/eviction'] },
        ],
      },
      validations: [{ expression: 'false', message: 'not now', reason }],
    },
  });
  await must(bed, 'POST', `${ADMISSION}/validatingadmissionpolicybindings`, {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata: { name: NAME },
    spec: {
      policyName: NAME,
      validationActions: ['Deny'],
      matchResources: { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } } },
    },
  });
}

/** A dry run changes nothing, and passes the policy as any other. */
async function denialOf(bed: Bed, namespace: string): Promise<Json | undefined> {
  const { status, body } = await bed.ask('admin', {
    method: 'POST',
    path: `${podPath(namespace, 'web')}/eviction`,
    contentType: 'application/json',
    body: {
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { name: 'web', namespace },
      deleteOptions: { dryRun: ['All'] },
    },
  });
  return status >= 300 ? body : undefined;
}

async function removePolicy(bed: Bed): Promise<void> {
  for (const kind of ['validatingadmissionpolicybindings', 'validatingadmissionpolicies'])
    await bed.ask('admin', { method: 'DELETE', path: `${ADMISSION}/${kind}/${NAME}` });
}
