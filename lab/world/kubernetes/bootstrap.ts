/** Objects of every new EKS cluster: namespaces and default roles. */
import type { ObjectInput } from './objects.ts';
import type { Registry } from './registry.ts';

const RBAC = 'rbac.authorization.k8s.io/v1';

/** What all clusters have in common is theirs together: only the metadata is each one's own. */
export function bootstrap(registry: Registry): void {
  const create = (key: string, object: ObjectInput) =>
    registry.create(key, undefined, { ...object, metadata: { ...object.metadata } }, { own: true });
  for (const namespace of namespaces) create('namespaces', namespace);
  for (const priorityClass of priorityClasses) create('priorityclasses.scheduling.k8s.io', priorityClass);
  for (const role of roles) create('clusterroles.rbac.authorization.k8s.io', role);
  for (const binding of bindings) create('clusterrolebindings.rbac.authorization.k8s.io', binding);
}

const namespaces: readonly ObjectInput[] = ['default', 'kube-node-lease', 'kube-public', 'kube-system'].map(
  (name) => ({ kind: 'Namespace', apiVersion: 'v1', metadata: { name } }),
);

const priorityClasses: readonly ObjectInput[] = [
  { name: 'system-cluster-critical', value: 2_000_000_000 },
  { name: 'system-node-critical', value: 2_000_001_000 },
].map(({ name, value }) => ({
  kind: 'PriorityClass',
  apiVersion: 'scheduling.k8s.io/v1',
  metadata: { name },
  value,
}));

const aRole = { kind: 'ClusterRole', apiVersion: RBAC };

const readPaths = (name: string, paths: readonly string[]): ObjectInput => ({
  ...aRole,
  metadata: { name, labels: bootstrapping },
  rules: [{ nonResourceURLs: paths, verbs: ['get'] }],
});

const bootstrapping = { 'kubernetes.io/bootstrapping': 'rbac-defaults' };
const info = ['/healthz', '/livez', '/readyz', '/version', '/version/'];
const reading = ['get', 'list', 'watch'];
const writing = [...reading, 'create', 'update', 'patch', 'delete', 'deletecollection'];

const namespaced = [
  {
    apiGroups: [''],
    resources: [
      'pods',
      'pods/log',
      'pods/status',
      'configmaps',
      'services',
      'serviceaccounts',
      'events',
      'endpoints',
      'persistentvolumeclaims',
      'replicationcontrollers',
      'resourcequotas',
      'limitranges',
      'namespaces',
    ],
  },
  {
    apiGroups: ['apps'],
    resources: [
      'deployments',
      'deployments/scale',
      'replicasets',
      'replicasets/scale',
      'daemonsets',
      'statefulsets',
      'statefulsets/scale',
    ],
  },
  { apiGroups: ['batch'], resources: ['jobs', 'cronjobs'] },
  { apiGroups: ['policy'], resources: ['poddisruptionbudgets'] },
];

const roles: readonly ObjectInput[] = [
  {
    ...aRole,
    metadata: { name: 'cluster-admin', labels: bootstrapping },
    rules: [
      { apiGroups: ['*'], resources: ['*'], verbs: ['*'] },
      { nonResourceURLs: ['*'], verbs: ['*'] },
    ],
  },
  {
    ...aRole,
    metadata: { name: 'view', labels: bootstrapping },
    rules: namespaced.map((rule) => ({ ...rule, verbs: reading })),
  },
  {
    ...aRole,
    metadata: { name: 'edit', labels: bootstrapping },
    rules: [
      ...namespaced.map((rule) => ({ ...rule, verbs: writing })),
      { apiGroups: [''], resources: ['secrets'], verbs: writing },
      { apiGroups: [''], resources: ['pods/eviction'], verbs: ['create'] },
    ],
  },
  readPaths('system:public-info-viewer', info),
  readPaths('system:discovery', [...info, '/api', '/api/*', '/apis', '/apis/*', '/openapi', '/openapi/*']),
  {
    ...aRole,
    metadata: { name: 'system:basic-user', labels: bootstrapping },
    rules: [
      {
        apiGroups: ['authorization.k8s.io'],
        resources: ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'],
        verbs: ['create'],
      },
      { apiGroups: ['authentication.k8s.io'], resources: ['selfsubjectreviews'], verbs: ['create'] },
    ],
  },
];

const bind = (name: string, groups: readonly string[]): ObjectInput => ({
  kind: 'ClusterRoleBinding',
  apiVersion: RBAC,
  metadata: { name, labels: bootstrapping },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
  subjects: groups.map((group) => ({
    apiGroup: 'rbac.authorization.k8s.io',
    kind: 'Group',
    name: group,
  })),
});

const bindings: readonly ObjectInput[] = [
  bind('cluster-admin', ['system:masters']),
  bind('system:discovery', ['system:authenticated']),
  bind('system:basic-user', ['system:authenticated']),
  bind('system:public-info-viewer', ['system:authenticated', 'system:unauthenticated']),
];
