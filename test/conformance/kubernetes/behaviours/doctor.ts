import { beforeAll, describe, expect, test } from 'vitest';
import type { Observation } from '#cli/doctor/observation.ts';
import {
  observeAccessReviews,
  observeCni,
  observeExcessRights,
  observeKubernetes,
} from '#cli/doctor/observe/kubernetes.ts';
import type { EnvironmentSettings } from '#model/settings.ts';
import type { Bed } from '../bed.ts';
import { addBudget, must } from '../objects.ts';

const ENV = [
  { name: 'ENABLE_PREFIX_DELEGATION', value: 'true' },
  { name: 'WARM_IP_TARGET', value: '5' },
];

export function describeDoctor(bed: () => Bed): void {
  describe('the doctor', () => {
    let namespace: string;
    beforeAll(async () => {
      namespace = await bed().addNamespace();
      await addBudget(bed(), { namespace, name: 'web', minAvailable: 1 });
      await must(bed(), 'POST', '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations', {
        metadata: { name: 'policies' },
        webhooks: [
          {
            name: 'policies.example.com',
            clientConfig: { service: { namespace: 'policies', name: 'webhook' } },
            rules: [
              { apiGroups: ['example.com'], apiVersions: ['v1'], resources: ['things'], operations: ['*'] },
            ],
            sideEffects: 'None',
            admissionReviewVersions: ['v1'],
          },
        ],
      });
      await must(bed(), 'POST', '/apis/apps/v1/namespaces/kube-system/daemonsets', {
        metadata: { name: 'aws-node' },
        spec: {
          selector: { matchLabels: { app: 'aws-node' } },
          template: {
            metadata: { labels: { app: 'aws-node' } },
            spec: {
              nodeSelector: { none: 'none' },
              containers: [{ name: 'aws-node', image: 'registry.example.com/cni:1.0.0', env: ENV }],
            },
          },
        },
      });
    });

    test('reads the cluster: every list that it asks for is there', async () => {
      const facts = await observeKubernetes(bed().clientFor('admin'));
      const absent = Object.entries(facts).filter(([, answer]) => !('value' in answer));
      expect(absent.map(([name]) => name)).toEqual([]);
      expect(foundIn(facts.webhooks)).toContainEqual({
        kind: 'validating',
        configuration: 'policies',
        name: 'policies.example.com',
        failurePolicy: 'Fail',
        rules: [{ apiGroups: ['example.com'], resources: ['things'] }],
        service: { namespace: 'policies', name: 'webhook', port: 443 },
        namespaceSelector: {},
      });
      expect(foundIn(facts.budgets).map(({ metadata }) => metadata?.namespace)).toContain(namespace);
    });

    test('reads how the CNI gives out addresses', async () => {
      expect(foundIn(await observeCni(bed().clientFor('admin')))).toMatchObject({
        prefixes: true,
        warmAddresses: 5,
        warmInterfaces: 1,
      });
    });

    test.each(['cluster-autoscaler', 'karpenter'])(
      'finds that the functions may do all that they do, with %s',
      async (kind) => {
        const reviews = foundIn(await observeAccessReviews(bed().clientFor('admin'), settingsWith(kind)));
        expect(reviews.filter(({ allowed }) => !allowed)).toEqual([]);
        expect(reviews.length).toBeGreaterThan(8);
      },
    );

    test('finds that they may not where the config names a Deployment that the manifests do not', async () => {
      const settings = settingsWith('cluster-autoscaler', { deployment: 'another' });
      const reviews = foundIn(await observeAccessReviews(bed().clientFor('admin'), settings));
      expect(reviews.filter(({ allowed }) => !allowed).map(({ request }) => request)).toEqual([
        'get deployments/scale in kube-system/another',
        'patch deployments/scale in kube-system/another',
        'get deployments in kube-system/another',
      ]);
    });

    test('finds the rights of other capabilities in production', async () => {
      const production = { spotDrain: { production: true } } as unknown as EnvironmentSettings;
      const excess = foundIn(await observeExcessRights(bed().clientFor('admin'), production));
      expect(excess.filter(({ allowed }) => allowed).map(({ request }) => request)).toEqual([
        'patch nodepools',
        'delete nodeclaims',
        'patch deployments/scale in kube-system/cluster-autoscaler',
        'patch cronjobs',
        'patch applications in argocd',
      ]);
      const develop = { spotDrain: { production: false } } as unknown as EnvironmentSettings;
      expect(foundIn(await observeExcessRights(bed().clientFor('admin'), develop))).toEqual([]);
    });

    test('names what it may not read', async () => {
      const { pods, services } = await observeKubernetes(bed().clientFor('spot-drain'));
      expect(Object.keys(pods)).toEqual(['value']);
      expect(Object.keys(services)).toEqual(['missing']);
    });
  });
}

function foundIn<T>(observation: Observation<T>): T {
  if ('value' in observation) return observation.value;
  throw new Error(observation.missing.reason);
}

function settingsWith(kind: string, autoscaler: { readonly deployment?: string } = {}) {
  return {
    nightSchedule: {
      autoscaler: { kind, namespace: 'kube-system', deployment: 'cluster-autoscaler', ...autoscaler },
    },
    spotDrain: {},
    branchDeploy: { argocd: { through: 'kubernetes' }, builds: [{ applications: [{ name: 'api' }] }] },
  } as unknown as EnvironmentSettings;
}
