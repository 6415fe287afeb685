/** What the functions may do inside a cluster: read from the files that an operator applies. */
import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { requiredPermissionsOf } from '#cli/doctor/observe/kubernetes.ts';
import type { EnvironmentSettings } from '#model/settings.ts';

const ROOT = new URL('../../manifests/', import.meta.url);

interface Rbac {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly rules?: readonly {
    readonly apiGroups: readonly string[];
    readonly resources: readonly string[];
    readonly resourceNames?: readonly string[];
    readonly verbs: readonly string[];
  }[];
  readonly roleRef?: { readonly kind: string; readonly name: string };
  readonly subjects?: readonly { readonly kind: string; readonly name: string }[];
}

const BASES = ['spot-drain/', 'night-schedule/'];
const resourcesOf = async (folder: string): Promise<readonly string[]> =>
  parse(await readFile(new URL(`${folder}kustomization.yaml`, ROOT), 'utf8')).resources;

describe('kubectl apply -k', () => {
  test('manifests: the bases of a cluster that sleeps', async () => {
    expect(await resourcesOf('')).toEqual(['spot-drain', 'night-schedule']);
  });

  test('manifests/production: spot-drain alone', async () => {
    expect(await resourcesOf('production/')).toEqual(['../spot-drain']);
    const groups = (await rbacOf('spot-drain/')).flatMap(({ subjects = [] }) =>
      subjects.map((one) => one.name),
    );
    expect(new Set(groups)).toEqual(new Set(['nightshift:spot-drain']));
  });
});

const FOLDERS = [
  ...BASES,
  'applications/',
  'argocd/',
  'argocd-capability/',
  'argocd-hub/',
  'cronjobs/',
  'self-service/',
];

describe.each(FOLDERS)('manifests/%s', (folder) => {
  test('lists each of its files in its kustomization', async () => {
    const names = await readdir(new URL(folder, ROOT));
    const files = names.filter((name) => name.endsWith('.yaml') && name !== 'kustomization.yaml');
    expect([...(await resourcesOf(folder))].sort()).toEqual(files.sort());
  });

  test('binds each role to one group of ours and to no other subject', async () => {
    const objects = await rbacOf(folder);
    const roles = objects.filter((object) => object.rules);
    for (const role of roles) {
      const bindings = objects.filter(
        (object) => object.roleRef?.name === role.metadata.name && object.roleRef.kind === role.kind,
      );
      expect(bindings).toHaveLength(1);
      expect(bindings[0]?.metadata.namespace).toBe(role.metadata.namespace);
      expect(bindings[0]?.subjects).toEqual([
        expect.objectContaining({ kind: 'Group', name: expect.stringMatching(/^nightshift:/) }),
      ]);
    }
    expect(objects.filter((object) => object.roleRef)).toHaveLength(roles.length);
  });

  test('grants no wildcard, no secret and no way to more rights', async () => {
    const rules = (await rbacOf(folder)).flatMap((object) => object.rules ?? []);
    for (const { apiGroups, resources, verbs } of rules) {
      for (const word of [...apiGroups, ...resources, ...verbs]) {
        expect(word).not.toMatch(/\*|secret|impersonate|escalate|bind|exec|serviceaccount/);
      }
    }
  });
});

describe('the groups', () => {
  test('are those of the access entries of the stacks, and one for people', async () => {
    const objects = await allRbac();
    const groups = new Set(
      objects.flatMap((object) => object.subjects?.map((subject) => subject.name) ?? []),
    );
    expect([...groups].sort()).toEqual([
      'nightshift:branch-deploy',
      'nightshift:keep-up',
      'nightshift:night-schedule',
      'nightshift:spot-drain',
    ]);
  });

  test('give only spot-drain a permission on pods, and no role a permission to delete nodes', async () => {
    const rules = await rulesByGroup();
    for (const [group, { resources, verbs }] of rules) {
      if (resources.some((resource) => resource.startsWith('pods')))
        expect(group).toBe('nightshift:spot-drain');
      if (resources.includes('nodes')) expect(verbs).not.toContain('delete');
    }
  });

  test('let night-schedule change the scale of one Deployment, which is named, and nothing else of it', async () => {
    const deployments = (await rulesByGroup()).filter(([, rule]) =>
      rule.resources.includes('deployments/scale'),
    );
    expect(deployments).toHaveLength(1);
    expect(deployments[0]?.[0]).toBe('nightshift:night-schedule');
    expect(deployments[0]?.[1]).toMatchObject({
      resources: ['deployments/scale'],
      resourceNames: ['cluster-autoscaler'],
    });
  });
});

describe('whoever keeps the cluster up with kubectl', () => {
  test('may get and patch one ConfigMap, which night-schedule may only get', async () => {
    const rules = (await rulesByGroup()).filter(([, { resources }]) => resources.includes('configmaps'));
    const rule = { apiGroups: [''], resources: ['configmaps'], resourceNames: ['keep-up'] };
    expect(rules).toEqual([
      ['nightshift:night-schedule', { ...rule, verbs: ['get'] }],
      ['nightshift:keep-up', { ...rule, verbs: ['get', 'patch'] }],
    ]);
  });
});

describe('the doctor', () => {
  test('asks whether exactly what the manifests grant is granted', async () => {
    const autoscalers = ['cluster-autoscaler', 'karpenter'].map((kind) => ({
      kind,
      namespace: 'kube-system',
      deployment: 'cluster-autoscaler',
    }));
    const required = autoscalers
      .map((autoscaler) => ({
        nightSchedule: { autoscaler, suspendCronJobs: { selector: 'night' }, keepUp: {} },
        spotDrain: {},
        branchDeploy: { argocd: { through: 'kubernetes' }, builds: [{ applications: [{ name: 'api' }] }] },
      }))
      .flatMap((settings) => requiredPermissionsOf(settings as unknown as EnvironmentSettings))
      .map(([capability, { verb, group = '', resource, subresource }]) =>
        rightOf(
          `nightshift:${capability}`,
          verb,
          group,
          subresource ? `${resource}/${subresource}` : resource,
        ),
      );
    const ofFunctions = (await rulesByGroup()).filter(([to]) => to !== 'nightshift:keep-up');
    const granted = ofFunctions.flatMap(([to, { apiGroups, resources, verbs }]) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) => verbs.map((verb) => rightOf(to, verb, group, resource))),
      ),
    );
    expect([...new Set(required)].sort()).toEqual(granted.sort());
  });
});

function rightOf(to: string, verb: string, group: string, resource: string): string {
  return `${to}: ${verb} ${group ? `${resource}.${group}` : resource}`;
}

async function rbacOf(folder: string): Promise<Rbac[]> {
  const names = await readdir(new URL(folder, ROOT));
  const files = names.filter((name) => name.endsWith('.yaml') && name !== 'kustomization.yaml');
  const texts = await Promise.all(files.map((file) => readFile(new URL(folder + file, ROOT), 'utf8')));
  return texts
    .flatMap((text) => parseAllDocuments(text).map((document) => document.toJS() as Rbac))
    .filter((object) => object.rules || object.roleRef);
}

async function allRbac(): Promise<Rbac[]> {
  return (await Promise.all([...BASES, 'argocd/', 'cronjobs/', 'self-service/'].map(rbacOf))).flat();
}

async function rulesByGroup() {
  const objects = await allRbac();
  return objects.flatMap((binding) => {
    const role = objects.find((object) => object.rules && object.metadata.name === binding.roleRef?.name);
    const group = binding.subjects?.[0]?.name;
    return group && role?.rules ? role.rules.map((rule) => [group, rule] as const) : [];
  });
}
