/** The resources that the API serves. */

export interface Resource {
  /** `pods`, `deployments.apps`. */
  readonly key: string;
  readonly group: string;
  readonly version: string;
  /** `v1`, `apps/v1`. */
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  /** `status` is written on its own path only; a create or update of the object leaves it alone. */
  readonly subresources: readonly string[];
  /** Served from a definition: no strategic merge patch, no schema. */
  readonly custom: boolean;
  /** The spec has a generation. */
  readonly generation: boolean;
}

interface Row {
  kind: string;
  plural?: string;
  namespaced?: boolean;
  short?: string[];
  categories?: string[];
  sub?: string[];
  generation?: boolean;
}

const all = { categories: ['all'] };

const core = group('', 'v1', [
  { kind: 'Namespace', namespaced: false, short: ['ns'], sub: ['status', 'finalize'] },
  { kind: 'Node', namespaced: false, short: ['no'], sub: ['status'] },
  { kind: 'Pod', short: ['po'], sub: ['status', 'eviction', 'binding', 'log'], ...all },
  { kind: 'Event', short: ['ev'] },
  { kind: 'ConfigMap', short: ['cm'] },
  { kind: 'Secret' },
  { kind: 'Service', short: ['svc'], sub: ['status'], ...all },
  { kind: 'ServiceAccount', short: ['sa'] },
  { kind: 'PersistentVolume', namespaced: false, short: ['pv'], sub: ['status'] },
  { kind: 'PersistentVolumeClaim', short: ['pvc'], sub: ['status'] },
  { kind: 'ResourceQuota', short: ['quota'], sub: ['status'] },
  { kind: 'LimitRange', short: ['limits'] },
  { kind: 'Endpoints', plural: 'endpoints', short: ['ep'] },
  { kind: 'ReplicationController', short: ['rc'], sub: ['status', 'scale'], generation: true, ...all },
]);

const apps = group('apps', 'v1', [
  { kind: 'Deployment', short: ['deploy'], sub: ['status', 'scale'], generation: true, ...all },
  { kind: 'ReplicaSet', short: ['rs'], sub: ['status', 'scale'], generation: true, ...all },
  { kind: 'DaemonSet', short: ['ds'], sub: ['status'], generation: true, ...all },
  { kind: 'StatefulSet', short: ['sts'], sub: ['status', 'scale'], generation: true, ...all },
]);

const builtIn = [
  ...core,
  ...apps,
  ...group('batch', 'v1', [
    { kind: 'Job', sub: ['status'], generation: true, ...all },
    { kind: 'CronJob', short: ['cj'], sub: ['status'], generation: true, ...all },
  ]),
  ...group('policy', 'v1', [
    { kind: 'PodDisruptionBudget', short: ['pdb'], sub: ['status'], generation: true },
  ]),
  ...group('rbac.authorization.k8s.io', 'v1', [
    { kind: 'ClusterRole', namespaced: false },
    { kind: 'ClusterRoleBinding', namespaced: false },
    { kind: 'Role' },
    { kind: 'RoleBinding' },
  ]),
  ...group('coordination.k8s.io', 'v1', [{ kind: 'Lease' }]),
  ...group('scheduling.k8s.io', 'v1', [{ kind: 'PriorityClass', namespaced: false, short: ['pc'] }]),
  // Stored and served, but the lab's API server calls no webhook.
  ...group('admissionregistration.k8s.io', 'v1', [
    { kind: 'ValidatingWebhookConfiguration', namespaced: false, generation: true },
    { kind: 'MutatingWebhookConfiguration', namespaced: false, generation: true },
    {
      kind: 'ValidatingAdmissionPolicy',
      plural: 'validatingadmissionpolicies',
      namespaced: false,
      sub: ['status'],
      generation: true,
    },
    { kind: 'ValidatingAdmissionPolicyBinding', namespaced: false, generation: true },
  ]),
  ...group('storage.k8s.io', 'v1', [
    { kind: 'VolumeAttachment', namespaced: false, sub: ['status'] },
    { kind: 'StorageClass', plural: 'storageclasses', namespaced: false, short: ['sc'] },
    { kind: 'CSINode', namespaced: false },
  ]),
];

const custom = [
  ...group(
    'argoproj.io',
    'v1alpha1',
    [
      { kind: 'Application', short: ['app', 'apps'], generation: true },
      { kind: 'AppProject', short: ['appproj', 'appprojs'], generation: true },
    ],
    true,
  ),
  ...group(
    'karpenter.sh',
    'v1',
    [
      { kind: 'NodePool', namespaced: false, categories: ['karpenter'], sub: ['status'], generation: true },
      { kind: 'NodeClaim', namespaced: false, categories: ['karpenter'], sub: ['status'], generation: true },
    ],
    true,
  ),
  ...group(
    'eks.amazonaws.com',
    'v1',
    [{ kind: 'NodeClass', plural: 'nodeclasses', namespaced: false, sub: ['status'], generation: true }],
    true,
  ),
  ...group(
    'karpenter.k8s.aws',
    'v1',
    [
      {
        kind: 'EC2NodeClass',
        plural: 'ec2nodeclasses',
        namespaced: false,
        short: ['ec2nc', 'ec2ncs'],
        categories: ['karpenter'],
        sub: ['status'],
        generation: true,
      },
    ],
    true,
  ),
];

export const resources: readonly Resource[] = [...builtIn, ...custom];

const byKey = new Map(resources.map((resource) => [resource.key, resource]));

/** By `plural` or `plural.group`. */
export function resourceOf(key: string): Resource {
  const resource = byKey.get(key);
  if (!resource) throw new Error(`no such resource: "${key}"; add it to lab/world/kubernetes/resources.ts`);
  return resource;
}

/** By `apiVersion` and `kind` of an object. */
export function resourceOfKind(apiVersion: string, kind: string): Resource | undefined {
  return resources.find((one) => one.kind === kind && one.apiVersion === apiVersion);
}

export function groupVersion(resource: { readonly group: string; readonly version: string }): string {
  return resource.group ? `${resource.group}/${resource.version}` : resource.version;
}

function group(name: string, version: string, rows: readonly Row[], isCustom = false): Resource[] {
  return rows.map((row) => {
    const singular = row.kind.toLowerCase();
    const plural =
      row.plural ?? (singular.endsWith('y') ? `${singular.slice(0, -1)}ies` : pluralOf(singular));
    return {
      key: name ? `${plural}.${name}` : plural,
      group: name,
      version,
      apiVersion: groupVersion({ group: name, version }),
      kind: row.kind,
      plural,
      singular,
      namespaced: row.namespaced ?? true,
      shortNames: row.short ?? [],
      categories: row.categories ?? [],
      subresources: row.sub ?? [],
      custom: isCustom,
      generation: row.generation ?? false,
    };
  });
}

function pluralOf(singular: string): string {
  return singular.endsWith('s') ? `${singular}es` : `${singular}s`;
}
