import { beforeAll, describe, expect, it } from 'vitest';
import type { Observation } from '#cli/doctor/observation.ts';
import { observeAccessReviews, observeCni, observeKubernetes } from '#cli/doctor/observe/kubernetes.ts';
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

    it('reads the cluster: every list that it asks for is there', async () => {
      const facts = await observeKubernetes(bed().clientFor('admin'));
      const absent = Object.entries(facts).filter(([, answer]) => !('value' in answer));
      expect(absent.map(([name]) => name)).toEqual([]);
      expect(told(facts.webhooks)).toContainEqual({
        kind: 'validating',
        configuration: 'policies',
        name: 'policies.example.com',
        failurePolicy: 'Fail',
        rules: [{ apiGroups: ['example.com'], resources: ['things'] }],
        service: { namespace: 'policies', name: 'webhook', port: 443 },
        namespaceSelector: {},
      });
      expect(told(facts.budgets).map(({ metadata }) => metadata?.namespace)).toContain(namespace);
    });

    it('reads how the CNI gives out addresses', async () => {
      expect(told(await observeCni(bed().clientFor('admin')))).toMatchObject({
        prefixes: true,
        warmAddresses: 5,
        warmInterfaces: 1,
      });
    });

    it.each(['cluster-autoscaler', 'karpenter'])(
      'finds that the functions may do all that they do, with %s',
      async (kind) => {
        const reviews = told(await observeAccessReviews(bed().clientFor('admin'), settingsWith(kind)));
        expect(reviews.filter(({ allowed }) => !allowed)).toEqual([]);
        expect(reviews.length).toBeGreaterThan(8);
      },
    );

    it('finds that they may not where the config names a Deployment that the manifests do not', async () => {
      const settings = settingsWith('cluster-autoscaler', { deployment: 'another' });
      const reviews = told(await observeAccessReviews(bed().clientFor('admin'), settings));
      expect(reviews.filter(({ allowed }) => !allowed).map(({ request }) => request)).toEqual([
        'get deployments/scale in kube-system/another',
        'patch deployments/scale in kube-system/another',
        'get deployments in kube-system/another',
      ]);
    });

    it('is told where it may not read', async () => {
      const { pods, services } = await observeKubernetes(bed().clientFor('spot-drain'));
      expect(Object.keys(pods)).toEqual(['value']);
      expect(Object.keys(services)).toEqual(['missing']);
    });
  });
}

function told<T>(answer: Observation<T>): T {
  if ('value' in answer) return answer.value;
  throw new Error(answer.missing.reason);
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
