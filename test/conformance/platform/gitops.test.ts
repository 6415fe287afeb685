/** The manifests of the example, built by kustomize and applied to a real kube-apiserver. */
import { execFile, spawn } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDefinitions } from '#test/conformance/servers/argo-cd-objects.ts';
import { type ControlPlane, startControlPlane } from '#test/conformance/servers/control-plane.ts';
import { nightshift, platform, platformStackOf } from '#test/platform/a-platform.ts';
import { checkedOn, note } from '../checked-on.ts';
import {
  buildOverlays,
  ENVIRONMENTS,
  type Environment,
  findManifest,
  findOverlay,
  kustomizeVersion,
  type Manifest,
  OVERLAYS,
  type Overlay,
} from './overlays.ts';

const run = promisify(execFile);
const assets = process.env['KUSTOMIZE_ASSETS'] ?? '';
const kubectl = path.join(process.env['KUBEBUILDER_ASSETS'] ?? '', 'kubectl');
/** Definitions that no module has: their objects are built, and not applied. */
const WITHOUT_DEFINITION = new Set(['LocustTest']);

let overlays: readonly Overlay[];
let plane: ControlPlane;
let kubeconfig: string;
let software = 'kustomize';

beforeAll(async () => {
  overlays = await buildOverlays(assets);
  plane = await startControlPlane({ assets: process.env['KUBEBUILDER_ASSETS'] ?? '', controllers: false });
  kubeconfig = await plane.kubeconfigFor('admin');
  software = `${await kustomizeVersion(assets)}, Kubernetes ${plane.version}`;
  const admin = plane.clientFor('admin');
  await createDefinitions(admin, path.join(assets, 'crds'));
  admin.close();
});
afterAll(() => plane?.close());
checkedOn(() => software);

const applicationsOf = (environment: Environment): readonly Manifest[] =>
  ['bootstrap', 'applications']
    .flatMap((name) => findOverlay(overlays, environment, name).manifests)
    .filter(({ kind }) => kind === 'Application');
const valuesOf = (environment: Environment, name: string) =>
  findManifest(findOverlay(overlays, environment, 'applications'), 'Application', name)['spec'].source.helm
    .valuesObject;

/** Standard error: warnings of the API server. Throws where it refuses an object. */
function apply(manifests: readonly Manifest[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(kubectl, [
      '--kubeconfig',
      kubeconfig,
      'apply',
      '--server-side',
      '--force-conflicts',
      '-f',
      '-',
    ]);
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    child.on('close', (code) => (code === 0 ? resolve(errors) : reject(new Error(errors))));
    child.stdin.end(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: manifests }));
  });
}

/** Namespaces that Argo CD or an add-on creates. */
async function createNamespaces(): Promise<void> {
  await apply(
    ['argocd', 'monitoring', 'headlamp', 'external-dns', 'fluent-bit'].map((name) => ({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name },
    })),
  );
}

describe('kustomize', () => {
  test.for(ENVIRONMENTS)('builds every overlay of %s, with nothing left to fill in', (environment) => {
    const own = overlays.filter((one) => one.environment === environment);
    expect(own.map(({ name }) => name)).toEqual(expect.arrayContaining([...OVERLAYS]));
    for (const { yaml } of own) expect(yaml).not.toMatch(/ENVIRONMENT|REGION|ACCOUNT/);
    const others = ENVIRONMENTS.filter((other) => other !== environment);
    for (const { yaml } of own)
      for (const other of others)
        expect(yaml).not.toMatch(new RegExp(`(overlays|cluster|proj:)[/:]?${other}\\b`));
  });
});

describe('the API server', () => {
  test.for(ENVIRONMENTS)('takes every object of %s without a warning', async (environment, context) => {
    await createNamespaces();
    for (const name of [
      'bootstrap',
      'cluster',
      'applications',
      'api',
      ...(environment === 'staging' ? ['load-test'] : []),
    ]) {
      const { manifests } = findOverlay(overlays, environment, name);
      const applied = manifests.filter(({ kind }) => !WITHOUT_DEFINITION.has(kind));
      for (const { kind } of manifests)
        if (WITHOUT_DEFINITION.has(kind))
          note(context, `${kind} is built and not applied: no Go module has its definition`);
      expect(await apply(applied)).toBe('');
    }
  });

  test('would warn about a service that runs as root', async () => {
    const deployment = structuredClone(
      findManifest(findOverlay(overlays, 'develop', 'api'), 'Deployment', 'api'),
    );
    deployment['spec'].template.spec.securityContext = {};
    expect(await apply([deployment])).toContain('would violate PodSecurity');
  });

  test('deletes what nobody keeps in the sandbox, and nothing of the platform', async () => {
    await createNamespaces();
    for (const name of ['bootstrap', 'cluster', 'api'])
      await apply(findOverlay(overlays, 'sandbox', name).manifests);
    const keep = { 'platform.example.com/keep': 'true' };
    // As managedNamespaceMetadata of its application does.
    await apply([
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'headlamp', labels: keep } },
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'scratch' } },
    ]);
    const job = findManifest(findOverlay(overlays, 'sandbox', 'cluster'), 'CronJob', 'reset');
    const [container] = job['spec'].jobTemplate.spec.template.spec.containers;
    const { stdout } = await run(kubectl, [
      '--kubeconfig',
      kubeconfig,
      '--dry-run=server',
      '--output=name',
      ...container.args,
    ]);
    const deleted = stdout.trim().split('\n');
    expect(deleted).toContain('namespace/scratch');
    for (const name of [
      'argocd',
      'monitoring',
      'headlamp',
      'external-dns',
      'fluent-bit',
      'api',
      'kube-system',
      'default',
    ])
      expect(deleted).not.toContain(`namespace/${name}`);
  });
});

describe('Cluster Autoscaler', () => {
  test.for(['develop', 'staging', 'sandbox'] as const)(
    'of %s knows the spot group, and not the fallback group of nightshift',
    (environment) => {
      const { autoDiscovery, nodeSelector } = valuesOf(environment, 'cluster-autoscaler');
      const config = nightshift.environments[environment];
      expect(autoDiscovery.tags).toEqual([`eks:cluster-name=${config?.cluster}`, 'eks:nodegroup-name=spot']);
      const { fallbackGroup, autoscaler } = config as unknown as {
        fallbackGroup: string;
        autoscaler: { hostGroup: string };
      };
      expect(autoDiscovery.tags.join()).not.toContain(fallbackGroup);
      expect(nodeSelector).toEqual({ 'eks.amazonaws.com/nodegroup': autoscaler.hostGroup });
    },
  );

  test('of production resizes every group of its cluster', () => {
    expect(valuesOf('production', 'cluster-autoscaler').autoDiscovery.tags).toEqual([
      'eks:cluster-name=production',
    ]);
  });

  test.for(ENVIRONMENTS)(
    'of %s stays paused: Argo CD leaves its replicas alone, also when it syncs',
    (environment) => {
      const { spec } = findManifest(
        findOverlay(overlays, environment, 'applications'),
        'Application',
        'cluster-autoscaler',
      );
      expect(spec.ignoreDifferences).toEqual([
        {
          group: 'apps',
          kind: 'Deployment',
          name: 'cluster-autoscaler',
          namespace: 'kube-system',
          jsonPointers: ['/spec/replicas'],
        },
      ]);
      expect(spec.syncPolicy.syncOptions).toContain('RespectIgnoreDifferences=true');
      // The name that nightshift's config and RBAC have.
      expect(spec.source.helm.valuesObject.fullnameOverride).toBe('cluster-autoscaler');
    },
  );
});

describe('the applications', () => {
  test('of production never sync by themselves', () => {
    const applications = applicationsOf('production');
    expect(applications.length).toBeGreaterThan(5);
    for (const { spec } of applications) expect(spec.syncPolicy?.automated).toBeUndefined();
  });

  test.for(['develop', 'staging', 'sandbox'] as const)(
    'of %s sync by themselves, but for the service that nightshift syncs',
    (environment) => {
      const manual = applicationsOf(environment).filter(({ spec }) => !spec.syncPolicy?.automated);
      expect(manual.map(({ metadata }) => metadata.name)).toEqual(['api']);
      const builds = nightshift.environments[environment]?.deploy?.builds ?? [];
      expect(builds.flatMap(({ applications }) => applications)).toEqual([
        expect.objectContaining({ name: 'api', project: environment }),
      ]);
    },
  );

  test.for(ENVIRONMENTS)('of %s are allowed by their project, and pinned to a version', (environment) => {
    const project = findManifest(findOverlay(overlays, environment, 'bootstrap'), 'AppProject', environment);
    for (const { spec } of applicationsOf(environment)) {
      expect(spec.project).toBe(environment);
      expect(spec.destination.name).toBe(environment);
      expect(project['spec'].sourceRepos).toContain(spec.source.repoURL);
      expect(spec.source.chart ? spec.source.targetRevision : '0.0.0').toMatch(/^\d+\.\d+\.\d+$/);
    }
  });

  test('of production grant nightshift the drain of nodes and nothing else', () => {
    const groups = findOverlay(overlays, 'production', 'cluster').manifests.flatMap(({ subjects = [] }) =>
      subjects.map(({ name }: { name: string }) => name),
    );
    expect([...new Set(groups)]).toEqual(['nightshift:spot-drain']);
    const everywhere = findOverlay(overlays, 'develop', 'cluster').manifests.flatMap(({ subjects = [] }) =>
      subjects.map(({ name }: { name: string }) => name),
    );
    expect([...new Set(everywhere)].sort()).toEqual([
      'nightshift:branch-deploy',
      'nightshift:night-schedule',
      'nightshift:spot-drain',
    ]);
  });
});

describe('what the stack and the manifests share', () => {
  test.for(ENVIRONMENTS)('is the same in %s', (environment) => {
    const template = platformStackOf(environment).template;
    const associations = Object.values(template.findResources('AWS::EKS::PodIdentityAssociation')).map(
      ({ Properties }) => `${Properties.Namespace}/${Properties.ServiceAccount}`,
    );
    const grafana = valuesOf(environment, 'kube-prometheus-stack').grafana.serviceAccount.name;
    expect(associations).toEqual([
      `kube-system/${valuesOf(environment, 'aws-load-balancer-controller').serviceAccount.name}`,
      `kube-system/${valuesOf(environment, 'cluster-autoscaler').rbac.serviceAccount.name}`,
      `monitoring/${grafana}`,
    ]);
    const vpcName = valuesOf(environment, 'aws-load-balancer-controller').vpcTags.Name;
    expect(JSON.stringify(template.findResources('AWS::EC2::VPC'))).toContain(`"${vpcName}"`);
    const { zone } = platform.environments[environment]?.dns ?? { zone: '' };
    const ingress = findManifest(findOverlay(overlays, environment, 'api'), 'Ingress', 'api');
    expect(ingress['spec'].rules[0].host).toBe(`api.${zone}`);
  });
});
