import { readFileSync } from 'node:fs';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { applicationPolicy } from '#cli/application-policy.ts';
import type { RefusedError } from '#cli/errors.ts';
import { printManifests } from '#cli/manifests.ts';
import { podsOf } from '#functions/adapters/argocd/object-images.ts';
import type { LoadedConfig } from '#lib/config-file.ts';
import type { EnvironmentConfig } from '#model/config.ts';
import type { Json } from '#test/conformance/kubernetes/objects.ts';
import { aConfig, aDevelopment, anApp, aProduction } from '#test/infra/environments.ts';

// What the policy refuses is tried in test/conformance/kubernetes/behaviours/application-policy.ts, on the lab and on the
// real kube-apiserver.

const { argocd, builds } = aDevelopment().deploy!;
const [build] = builds;
const through = { ...argocd, through: 'kubernetes' as const };

function manifestsOf(environment: EnvironmentConfig) {
  const out: string[] = [];
  const loaded = { config: aConfig({ develop: environment }) } as LoadedConfig;
  printManifests(loaded, 'develop', { out: (text) => out.push(text) });
  return JSON.parse(out.join('\n')).items as readonly Json[];
}

describe('nightshift manifests', () => {
  test('names exactly the applications that the config binds, in each of their namespaces', () => {
    const applications = ['web', 'api', { name: 'jobs', namespace: 'teams' }, 'api'];
    const items = manifestsOf(
      aDevelopment({ deploy: { argocd: through, builds: [{ ...build!, applications }] } }),
    );
    const roles = items.filter(({ kind }) => kind === 'Role');
    expect(roles.map(({ metadata, rules }) => [metadata.namespace, rules])).toEqual([
      [
        'argocd',
        [
          {
            apiGroups: ['argoproj.io'],
            resources: ['applications'],
            resourceNames: ['api', 'web'],
            verbs: ['get', 'patch'],
          },
        ],
      ],
      [
        'teams',
        [
          {
            apiGroups: ['argoproj.io'],
            resources: ['applications'],
            resourceNames: ['jobs'],
            verbs: ['get', 'patch'],
          },
        ],
      ],
    ]);
    expect(items.map(({ kind }) => kind)).toEqual([
      'Role',
      'RoleBinding',
      'Role',
      'RoleBinding',
      'ValidatingAdmissionPolicy',
      'ValidatingAdmissionPolicyBinding',
    ]);
  });

  test('gives a hub roles and a policy for the group of the environment, and for no other', () => {
    const items = manifestsOf(
      aDevelopment({ deploy: { argocd: { ...through, cluster: 'hub' }, builds: [build!] } }),
    );
    expect(new Set(items.map(({ metadata }) => metadata.name))).toEqual(
      new Set(['nightshift-branch-deploy-develop']),
    );
    const [policy] = items.filter(({ kind }) => kind === 'ValidatingAdmissionPolicy');
    expect(policy.spec.matchConditions).toEqual([
      { name: 'branch-deploy', expression: '"nightshift:branch-deploy:develop" in request.userInfo.groups' },
    ]);
    const [binding] = items.filter(({ kind }) => kind === 'RoleBinding');
    expect(binding.subjects).toMatchObject([{ name: 'nightshift:branch-deploy:develop' }]);
  });

  test.for([
    ['production', aProduction(), 'kubectl apply -k manifests/production'],
    [
      'an environment that uses the server of Argo CD',
      aDevelopment(),
      'does not deploy through the Kubernetes API',
    ],
  ] as const)('prints no right for %s', ([, environment, message]) => {
    expect(() => manifestsOf(environment)).toThrow(
      expect.objectContaining<Partial<RefusedError>>({
        name: 'RefusedError',
        message: expect.stringContaining(message),
      }),
    );
  });
});

test('the policy that users apply is the one that the tests try', () => {
  for (const [folder, scope] of [
    ['argocd', {}],
    ['argocd-hub', { environment: 'develop' }],
  ] as const) {
    const text = readFileSync(`manifests/${folder}/application-policy.yaml`, 'utf8');
    expect(parseAllDocuments(text).map((one) => one.toJS())).toEqual(applicationPolicy(scope));
  }
});

describe('the workloads that the status of an Application names', () => {
  test.for([
    ['a version that is a path', { version: 'v1/namespaces/kube-system/deployments/coredns?' }],
    ['a version that leaves the group', { version: '../../api/v1' }],
    ['a namespace that leaves the path', { namespace: '..' }],
    ['a name that leaves the path', { name: '..' }],
    ['a name of any length', { name: 'a'.repeat(100_000) }],
    ['no name', { name: '' }],
  ] as const)('and that have %s are not asked for', async ([, given]) => {
    const asked: string[] = [];
    const request = async ({ path }: { readonly path: string }) => {
      asked.push(path);
      throw new Error('it was asked for');
    };
    const resource = {
      group: 'apps',
      version: 'v1',
      kind: 'Deployment',
      namespace: 'api',
      name: 'api',
      ...given,
    };
    const application = {
      spec: { project: 'develop', destination: { server: 'https://kubernetes.default.svc' } },
      status: { resources: [resource] },
    };
    expect(await podsOf({ request } as never, application as never)).toEqual({ ok: true, value: [] });
    expect(asked).toEqual([]);
  });
});

describe('an Argo CD that serves several environments', () => {
  const warningsOf = (environments: Record<string, EnvironmentConfig>) =>
    anApp(environments).environments.flatMap((stack) =>
      Annotations.fromStack(stack)
        .findWarning('*', Match.stringLikeRegexp('shares its Argo CD'))
        .map(({ entry }) => String(entry.data)),
    );
  const other = aDevelopment({
    cluster: 'staging',
    deploy: { argocd, builds: [{ ...build!, applications: ['web'] }] },
  });

  test('is warned of at synth', () => {
    const server = warningsOf({ develop: aDevelopment(), staging: other });
    expect(server[0]).toContain(
      'develop shares its Argo CD with staging: give each environment an Argo CD project',
    );
    const kubernetes = warningsOf({
      develop: aDevelopment({ deploy: { argocd: through, builds } }),
      staging: other,
    });
    expect(kubernetes[0]).toContain('apply what "nightshift manifests develop" prints in its place');
  });

  test('is not suspected where each environment has its own', () => {
    const staging = {
      ...other,
      deploy: { ...other.deploy!, argocd: { ...argocd, url: 'https://other.example' } },
    };
    expect(warningsOf({ develop: aDevelopment(), staging })).toEqual([]);
  });
});
