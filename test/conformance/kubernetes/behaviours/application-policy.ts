import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { applicationPolicy } from '#cli/application-policy.ts';
import { printManifests } from '#cli/manifests.ts';
import { createArgocdObjects } from '#functions/adapters/argocd/kubernetes.ts';
import type { BuiltImage } from '#functions/branch-deploy/record.ts';
import type { LoadedConfig } from '#lib/config-file.ts';
import type { ApplicationSettings } from '#model/settings.ts';
import { aConfig, aDevelopment } from '#test/infra/environments.ts';
import type { Bed } from '../bed.ts';
import { type Json, must } from '../objects.ts';
import { collectionOf } from '../setup.ts';

const COLLECTION = '/apis/argoproj.io/v1alpha1/namespaces/argocd/applications';
const POLICY = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/nightshift-branch-deploy';
const MERGE = 'application/merge-patch+json';
const EVIL = 'https://github.com/evil/anything';
const SOURCE = { repoURL: 'https://github.com/example/api', targetRevision: 'develop', path: '.' };

/** What a stolen token of branch-deploy would try. */
const refused: readonly (readonly [string, Json])[] = [
  ['another repository', { spec: { source: { repoURL: EVIL } } }],
  ['another branch', { spec: { source: { targetRevision: 'evil' } } }],
  ['another path', { spec: { source: { path: 'evil' } } }],
  ['several sources', { spec: { sources: [{ ...SOURCE, repoURL: EVIL }] } }],
  ['another project', { spec: { project: 'default' } }],
  ['another cluster', { spec: { destination: { server: 'https://production.example' } } }],
  ['another namespace', { spec: { destination: { namespace: 'kube-system' } } }],
  ['automatic syncs that prune', { spec: { syncPolicy: { automated: { prune: true, selfHeal: true } } } }],
  ['an image', { spec: { source: { kustomize: { images: ['api=evil/api:1'] } } } }],
  ['a Helm parameter', { spec: { source: { helm: { parameters: [{ name: 'image', value: 'evil' }] } } } }],
  ['ignored differences', { spec: { ignoreDifferences: [{ kind: 'Secret', jsonPointers: ['/data'] }] } }],
  ['no spec at all', { spec: null }],
  ['a sync of another source', { operation: { sync: { source: { ...SOURCE, repoURL: EVIL } } } }],
  ['a sync of other sources', { operation: { sync: { sources: [{ ...SOURCE, repoURL: EVIL }] } } }],
  ['a sync of manifests of its own', { operation: { sync: { manifests: ['{"kind":"Pod"}'] } } }],
  ['a dry run', { operation: { sync: { dryRun: true } } }],
  ['an operation in the name of another', { operation: { initiatedBy: { username: 'admin' }, sync: {} } }],
  [
    'an operation that passes for an automatic one',
    { operation: { initiatedBy: { automated: true }, sync: {} } },
  ],
  ['retries without an end', { operation: { sync: {}, retry: { limit: -1 } } }],
  ['an unknown key of an operation', { operation: { sync: {}, constructor: {} } }],
  ['a status of its own', { status: { sync: { status: 'Synced' } } }],
  ['a health of its own', { status: { health: { status: 'Healthy' } } }],
  ['an operation that is said to have succeeded', { status: { operationState: { phase: 'Succeeded' } } }],
  ['no status at all', { status: null }],
  ['a label', { metadata: { labels: { team: 'evil' } } }],
  ['a finalizer', { metadata: { finalizers: ['resources-finalizer.argocd.argoproj.io'] } }],
  ['an owner', { metadata: { ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: 'a', uid: 'b' }] } }],
  ['another annotation', { metadata: { annotations: { 'notifications.argoproj.io/subscribe': 'evil' } } }],
  ['an annotation less', { metadata: { annotations: { kept: null } } }],
  [
    'a refresh that empties the caches',
    { metadata: { annotations: { 'argocd.argoproj.io/refresh': 'hard' } } },
  ],
];

const admitted: readonly (readonly [string, Json])[] = [
  ['a refresh', { metadata: { annotations: { 'argocd.argoproj.io/refresh': 'normal' } } }],
  [
    'a sync, and the end of the last one',
    {
      operation: {
        initiatedBy: { username: 'nightshift' },
        info: [{ name: 'deploy', value: '1' }],
        sync: {
          revision: 'abc',
          prune: true,
          syncOptions: ['CreateNamespace=true'],
          syncStrategy: { hook: {} },
          resources: [{ kind: 'Deployment', name: 'api' }],
        },
        retry: { limit: 2 },
      },
      status: { operationState: null },
    },
  ],
  ['a sync of several sources', { operation: { sync: { revisions: ['abc', 'def'] } } }],
];

export function describeApplicationPolicy(bed: () => Bed): void {
  describe('the policy for Applications', () => {
    let count = 0;
    let name: string;
    const create = () =>
      must(bed(), 'POST', COLLECTION, {
        apiVersion: 'argoproj.io/v1alpha1',
        kind: 'Application',
        metadata: { name, annotations: { kept: 'yes' } },
        spec: {
          project: 'develop',
          source: { ...SOURCE, kustomize: { images: ['api=example/api:1'] } },
          destination: { server: 'https://kubernetes.default.svc', namespace: 'api' },
          syncPolicy: { retry: { limit: 2 } },
        },
        status: { sync: { status: 'OutOfSync' }, operationState: { phase: 'Failed' } },
      });
    const patch = (body: Json) =>
      bed().ask('branch-deploy', {
        method: 'PATCH',
        path: `${COLLECTION}/${name}?dryRun=All`,
        contentType: MERGE,
        body,
      });
    const isDenied = async (body: Json) => {
      const reply = await patch(body);
      return reply.status === 403 || reply.status === 422 ? (reply.body.message as string) : undefined;
    };
    beforeAll(async () => {
      name = 'policy-0';
      await create();
      // It is known to the API server a moment after it was created.
      await bed().until('the policy is in force', () => isDenied({ spec: { project: 'default' } }));
    });
    beforeEach(async () => {
      name = `policy-${++count}`;
      await create();
    });

    test.for(refused)('refuses branch-deploy %s', async ([, body]) => {
      expect(await isDenied(body)).toMatch(/ValidatingAdmissionPolicy 'nightshift-branch-deploy'/);
    });

    test.for(admitted)('lets branch-deploy ask for %s', async ([, body]) => {
      const { status, body: reply } = await patch(body);
      expect({ status, message: reply.message }).toEqual({ status: 200, message: undefined });
    });

    test('concerns nobody else', async () => {
      const { status } = await bed().ask('admin', {
        method: 'PATCH',
        path: `${COLLECTION}/${name}?dryRun=All`,
        contentType: MERGE,
        body: { spec: { project: 'default' } },
      });
      expect(status).toBe(200);
    });

    test('with images that the config names admits other versions of them, and nothing else', async () => {
      const [policy] = applicationPolicy({
        images: [{ repository: 'example/api' }, { repository: 'example/api', helmParameter: 'image.tag' }],
      });
      const { spec: before } = await must(bed(), 'GET', POLICY);
      const replace = async (spec: Json) => {
        const { apiVersion, kind, metadata } = await must(bed(), 'GET', POLICY);
        const { name: policyName, resourceVersion } = metadata;
        const body = { apiVersion, kind, metadata: { name: policyName, resourceVersion }, spec };
        const { status } = await bed().ask('admin', { method: 'PUT', path: POLICY, body });
        expect(status).toBe(200);
      };
      await replace((policy as Json).spec);
      const images = (...list: string[]) => ({ spec: { source: { kustomize: { images: list } } } });
      const helm = (parameter: string, value: string) => ({
        spec: { source: { helm: { parameters: [{ name: parameter, value }] } } },
      });
      try {
        await bed().until('it is replaced', async () => !(await isDenied(images('api=example/api:2'))));
        for (const body of [
          images('api=example/api:2'),
          images(`example/api@sha256:${'0'.repeat(64)}`),
          helm('image.tag', '2'),
        ])
          expect(await isDenied(body)).toBeUndefined();
        for (const body of [
          images('api=evil/api:2'),
          images('api=example/api:1', 'db=evil/db:1'),
          images('example/api=evil/api:2'),
          images('a=evil/x:1=example/api:2'),
          images('example/api-evil:2'),
          helm('command', 'evil'),
          helm('image.tag', '2 --privileged'),
          helm('image.tag', '2,command=evil'),
          { spec: { source: { kustomize: { images: ['api=example/api:2'], namePrefix: 'evil-' } } } },
          { spec: { source: { repoURL: EVIL } } },
          { spec: { project: 'default' } },
        ])
          expect(await isDenied(body)).toBeDefined();
      } finally {
        await replace(before);
        await bed().until('it is as it was', () => isDenied(images('api=example/api:2')));
      }
    });
  });
  describeHub(bed);
}

/** What `nightshift manifests develop` prints for an environment that deploys to a hub, and the requests of the function. */
function describeHub(bed: () => Bed): void {
  const APPLICATIONS = {
    'hub-kustomize': { source: { ...SOURCE, kustomize: { images: ['old=example/api:1', 'db:1'] } } },
    'hub-plain': { source: SOURCE },
    'hub-helm': {
      source: { ...SOURCE, helm: { valueFiles: ['a.yaml'], parameters: [{ name: 'replicas', value: '2' }] } },
    },
    'hub-sources': { sources: [{ ...SOURCE, ref: 'values' }, SOURCE] },
  };
  const builtFor: Readonly<Record<string, readonly BuiltImage[]>> = {
    'hub-kustomize': [{ repository: 'example/api', version: '2' }],
    'hub-plain': [{ repository: 'example/api', version: `sha256:${'0'.repeat(64)}` }],
    'hub-helm': [{ repository: 'example/api', version: '1e3', helmParameter: 'image.tag' }],
    'hub-sources': [{ repository: 'example/api', version: '3' }],
  };
  const names = Object.keys(APPLICATIONS);
  const settingsOf = (name: string) => ({ name, project: 'develop', syncOptions: [] }) as ApplicationSettings;

  describe('the policy for Applications of a hub, as nightshift manifests prints it', () => {
    const asHub = (name: string, body: Json) =>
      bed().ask('hub-branch-deploy', {
        method: 'PATCH',
        path: `${COLLECTION}/${name}?dryRun=All`,
        contentType: MERGE,
        body,
      });
    beforeAll(async () => {
      for (const name of [...names, 'hub-production'])
        await must(bed(), 'POST', COLLECTION, {
          apiVersion: 'argoproj.io/v1alpha1',
          kind: 'Application',
          metadata: { name },
          spec: {
            project: 'develop',
            destination: { server: 'https://kubernetes.default.svc', namespace: 'api' },
            ...(APPLICATIONS[name as keyof typeof APPLICATIONS] ?? { source: SOURCE }),
          },
        });
      for (const item of hubManifests(names)) await must(bed(), 'POST', collectionOf(item), item);
      await bed().until('the policy is in force', async () => {
        const { status } = await asHub('hub-plain', { spec: { project: 'default' } });
        return status === 403 || status === 422;
      });
    });

    test.for(names)('lets the function bring the image of %s, and start a sync', async (name) => {
      const argocd = createArgocdObjects(bed().clientFor('hub-branch-deploy'));
      const set = await argocd.setImages(
        settingsOf(name),
        builtFor[name] ?? [],
        name === 'hub-sources' ? 1 : 0,
      );
      expect(set).toEqual({ ok: true, value: undefined });
      const { spec } = await must(bed(), 'GET', `${COLLECTION}/${name}`);
      expect(JSON.stringify(spec)).toContain(builtFor[name]?.[0]?.version);
      expect(await argocd.sync(settingsOf(name), 'deploy-1', {})).toMatchObject({ ok: true });
    });

    test.for([
      ['another repository', { spec: { source: { repoURL: EVIL } } }],
      ['another project', { spec: { project: 'default' } }],
      ['an image of another repository', { spec: { source: { kustomize: { images: ['api=evil/api:1'] } } } }],
      ['a sync of manifests of its own', { operation: { sync: { manifests: ['{"kind":"Pod"}'] } } }],
    ] as const)('refuses it %s', async ([, body]) => {
      const { status, body: reply } = await asHub('hub-plain', body);
      expect([403, 422]).toContain(status);
      expect(reply.message).toMatch(/ValidatingAdmissionPolicy 'nightshift-branch-deploy-develop'/);
    });

    test('gives it no right to an application of another environment', async () => {
      const { status, body } = await asHub('hub-production', {
        metadata: { annotations: { 'argocd.argoproj.io/refresh': 'normal' } },
      });
      expect(status).toBe(403);
      expect(body.message).toMatch(/cannot patch resource "applications"/);
    });
  });
}

function hubManifests(applications: readonly string[]): readonly Json[] {
  const { deploy, ...environment } = aDevelopment();
  const [build] = deploy!.builds;
  const images = (name: string) =>
    name === 'hub-helm'
      ? [{ repository: 'example/api', tag: '{sha}', helmParameter: 'image.tag' }]
      : [{ repository: 'example/api', tag: '{sha}' }];
  const develop = {
    ...environment,
    deploy: {
      argocd: { capability: 'argocd', cluster: 'hub' },
      builds: [
        {
          ...build!,
          applications: applications.map((name) => ({
            name,
            namespace: 'argocd',
            bring: 'parameter' as const,
            images: images(name),
          })),
        },
      ],
    },
  };
  const out: string[] = [];
  const loaded = { config: aConfig({ develop }) } as LoadedConfig;
  printManifests(loaded, 'develop', { out: (text) => out.push(text) });
  return JSON.parse(out.join('\n')).items;
}
