/** The server-side tables that `kubectl get` prints. */
import type { KubeObject } from '#lab/world/kubernetes/objects.ts';
import type { Resource } from '#lab/world/kubernetes/resources.ts';

interface Column {
  readonly name: string;
  /** 0 is always shown, 1 with `-o wide`. */
  readonly priority?: number;
  readonly type?: 'string' | 'integer' | 'number';
  readonly format?: 'name';
  read(object: KubeObject, now: number): string | number;
}

export function tableOf(
  resource: Resource,
  objects: readonly KubeObject[],
  options: {
    readonly now: number;
    readonly includeObject: string | null;
    readonly metadata: Record<string, unknown>;
    /** Every row of a watch but the first leaves the columns out. */
    readonly headless?: boolean;
  },
) {
  const columns = columnsOf(resource);
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: options.metadata,
    columnDefinitions: options.headless
      ? []
      : columns.map(({ name, priority = 0, type = 'string', format = '' }) => ({
          name,
          type,
          format,
          description: '',
          priority,
        })),
    rows: objects.map((object) => ({
      cells: columns.map((column) => column.read(object, options.now)),
      ...(options.includeObject === 'None' ? {} : { object: included(object, options.includeObject) }),
    })),
  };
}

function included(object: KubeObject, how: string | null) {
  return how === 'Object'
    ? object
    : { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata };
}

const name: Column = { name: 'Name', format: 'name', read: ({ metadata }) => metadata.name };
const age: Column = { name: 'Age', read: ({ metadata }, now) => since(metadata.creationTimestamp, now) };
const wide = (title: string, read: Column['read']): Column => ({ name: title, priority: 1, read });
const column = (title: string, read: Column['read']): Column => ({ name: title, read });
const count = (title: string, read: Column['read']): Column => ({ name: title, type: 'integer', read });

function columnsOf(resource: Resource): readonly Column[] {
  return tables[resource.key] ?? [name, resource.custom ? age : column('Age', age.read)];
}

const containers = [
  wide('Containers', ({ spec }) => list(spec?.template?.spec?.containers, 'name')),
  wide('Images', ({ spec }) => list(spec?.template?.spec?.containers, 'image')),
  wide('Selector', ({ spec }) => selectorText(spec?.selector)),
];

const tables: Readonly<Record<string, readonly Column[]>> = {
  nodes: [
    name,
    column('Status', nodeStatus),
    column('Roles', nodeRoles),
    age,
    column('Version', ({ status }) => status?.nodeInfo?.kubeletVersion ?? ''),
    wide('Internal-IP', (node) => nodeAddress(node, 'InternalIP')),
    wide('External-IP', (node) => nodeAddress(node, 'ExternalIP')),
    wide('OS-Image', ({ status }) => status?.nodeInfo?.osImage ?? '<unknown>'),
    wide('Kernel-Version', ({ status }) => status?.nodeInfo?.kernelVersion ?? '<unknown>'),
    wide('Container-Runtime', ({ status }) => status?.nodeInfo?.containerRuntimeVersion ?? '<unknown>'),
  ],
  pods: [
    name,
    column('Ready', podReady),
    column('Status', podStatus),
    column('Restarts', () => '0'),
    age,
    wide('IP', ({ status }) => status?.podIP ?? '<none>'),
    wide('Node', ({ spec }) => spec?.nodeName ?? '<none>'),
    wide('Nominated Node', ({ status }) => status?.nominatedNodeName ?? '<none>'),
    wide('Readiness Gates', () => '<none>'),
  ],
  namespaces: [name, column('Status', ({ status }) => status?.phase ?? ''), age],
  events: [
    column('Last Seen', (event, now) =>
      since(event['lastTimestamp'] ?? event.metadata.creationTimestamp, now),
    ),
    column('Type', (event) => event['type'] ?? ''),
    column('Reason', (event) => event['reason'] ?? ''),
    column(
      'Object',
      ({ involvedObject }) =>
        `${String(involvedObject?.kind ?? '').toLowerCase()}/${involvedObject?.name ?? ''}`,
    ),
    wide('Subobject', ({ involvedObject }) => involvedObject?.fieldPath ?? ''),
    wide('Source', ({ source }) => [source?.component, source?.host].filter(Boolean).join(', ')),
    column('Message', ({ message }) => String(message ?? '').trim()),
    wide('First Seen', (event, now) =>
      since(event['firstTimestamp'] ?? event.metadata.creationTimestamp, now),
    ),
    { ...wide('Count', (event) => event['count'] ?? 1), type: 'integer' },
    { ...wide('Name', name.read), format: 'name' },
  ],
  configmaps: [name, count('Data', ({ data }) => Object.keys(data ?? {}).length), age],
  secrets: [
    name,
    column('Type', (secret) => secret['type'] ?? 'Opaque'),
    count('Data', ({ data }) => Object.keys(data ?? {}).length),
    age,
  ],
  serviceaccounts: [name, count('Secrets', ({ secrets }) => secrets?.length ?? 0), age],
  'deployments.apps': [
    name,
    column('Ready', ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 1}`),
    count('Up-to-date', ({ status }) => status?.updatedReplicas ?? 0),
    count('Available', ({ status }) => status?.availableReplicas ?? 0),
    age,
    ...containers,
  ],
  'replicasets.apps': [
    name,
    count('Desired', ({ spec }) => spec?.replicas ?? 1),
    count('Current', ({ status }) => status?.replicas ?? 0),
    count('Ready', ({ status }) => status?.readyReplicas ?? 0),
    age,
    ...containers,
  ],
  'daemonsets.apps': [
    name,
    count('Desired', ({ status }) => status?.desiredNumberScheduled ?? 0),
    count('Current', ({ status }) => status?.currentNumberScheduled ?? 0),
    count('Ready', ({ status }) => status?.numberReady ?? 0),
    count('Up-to-date', ({ status }) => status?.updatedNumberScheduled ?? 0),
    count('Available', ({ status }) => status?.numberAvailable ?? 0),
    column('Node Selector', ({ spec }) => labelText(spec?.template?.spec?.nodeSelector)),
    age,
    ...containers,
  ],
  'poddisruptionbudgets.policy': [
    name,
    column('Min Available', ({ spec }) => String(spec?.minAvailable ?? 'N/A')),
    column('Max Unavailable', ({ spec }) => String(spec?.maxUnavailable ?? 'N/A')),
    count('Allowed Disruptions', ({ status }) => status?.disruptionsAllowed ?? 0),
    age,
  ],
  'clusterroles.rbac.authorization.k8s.io': [name, createdAt()],
  'roles.rbac.authorization.k8s.io': [name, createdAt()],
  'clusterrolebindings.rbac.authorization.k8s.io': bindingColumns(),
  'rolebindings.rbac.authorization.k8s.io': bindingColumns(),
  'priorityclasses.scheduling.k8s.io': [
    name,
    count('Value', ({ value }) => value ?? 0),
    column('Global-Default', ({ globalDefault }) => String(globalDefault ?? false)),
    age,
  ],
  'leases.coordination.k8s.io': [name, column('Holder', ({ spec }) => spec?.holderIdentity ?? ''), age],
  'applications.argoproj.io': [
    name,
    column('Sync Status', ({ status }) => status?.sync?.status ?? ''),
    column('Health Status', ({ status }) => status?.health?.status ?? ''),
    wide('Revision', ({ status }) => status?.sync?.revision ?? ''),
    wide('Project', ({ spec }) => spec?.project ?? ''),
  ],
  'nodepools.karpenter.sh': [
    name,
    column('NodeClass', ({ spec }) => spec?.template?.spec?.nodeClassRef?.name ?? ''),
    column('Nodes', ({ status }) => String(status?.resources?.nodes ?? status?.nodes ?? '0')),
    column('Ready', readyCondition),
    age,
    wide('Weight', ({ spec }) => spec?.weight ?? ''),
    wide('CPU', ({ status }) => status?.resources?.cpu ?? '0'),
    wide('Memory', ({ status }) => status?.resources?.memory ?? '0'),
  ],
  'nodeclaims.karpenter.sh': [
    name,
    column('Type', ({ metadata }) => metadata.labels?.['node.kubernetes.io/instance-type'] ?? ''),
    column('Capacity', ({ metadata }) => metadata.labels?.['karpenter.sh/capacity-type'] ?? ''),
    column('Zone', ({ metadata }) => metadata.labels?.['topology.kubernetes.io/zone'] ?? ''),
    column('Node', ({ status }) => status?.nodeName ?? ''),
    column('Ready', readyCondition),
    age,
    wide('ID', ({ status }) => status?.providerID ?? ''),
    wide('NodePool', ({ metadata }) => metadata.labels?.['karpenter.sh/nodepool'] ?? ''),
  ],
};

function createdAt(): Column {
  return column('Created At', ({ metadata }) => metadata.creationTimestamp);
}

function bindingColumns(): readonly Column[] {
  const subjects =
    (kind: string): Column['read'] =>
    (binding) =>
      (binding['subjects'] ?? [])
        .filter((one: { kind: string }) => one.kind === kind)
        .map((one: { namespace?: string; name: string }) =>
          one.namespace ? `${one.namespace}/${one.name}` : one.name,
        )
        .join(', ');
  return [
    name,
    column('Role', ({ roleRef }) => `${roleRef?.kind}/${roleRef?.name}`),
    age,
    wide('Users', subjects('User')),
    wide('Groups', subjects('Group')),
    wide('ServiceAccounts', subjects('ServiceAccount')),
  ];
}

function nodeStatus({ spec, status }: KubeObject): string {
  const ready = status?.conditions?.find((one: { type: string }) => one.type === 'Ready');
  const words = [ready ? (ready.status === 'True' ? 'Ready' : 'NotReady') : 'Unknown'];
  if (spec?.unschedulable) words.push('SchedulingDisabled');
  return words.join(',');
}

function nodeRoles({ metadata }: KubeObject): string {
  const prefix = 'node-role.kubernetes.io/';
  const roles = Object.keys(metadata.labels ?? {})
    .filter((key) => key.startsWith(prefix))
    .map((key) => key.slice(prefix.length));
  return roles.sort().join(',') || '<none>';
}

function nodeAddress({ status }: KubeObject, type: string): string {
  return status?.addresses?.find((one: { type: string }) => one.type === type)?.address ?? '<none>';
}

function podReady({ spec, status }: KubeObject): string {
  const ready = (status?.containerStatuses ?? []).filter((one: { ready: boolean }) => one.ready).length;
  return `${ready}/${spec?.containers?.length ?? 0}`;
}

function podStatus({ metadata, status }: KubeObject): string {
  const unreachable = status?.reason === 'NodeLost';
  if (metadata.deletionTimestamp) return unreachable ? 'Unknown' : 'Terminating';
  let text: string = status?.reason ?? status?.phase ?? '';
  for (const { state } of status?.containerStatuses ?? []) {
    if (state?.waiting?.reason) text = state.waiting.reason;
    else if (state?.terminated?.reason) text = state.terminated.reason;
  }
  return text;
}

function readyCondition({ status }: KubeObject): string {
  return status?.conditions?.find((one: { type: string }) => one.type === 'Ready')?.status ?? '';
}

function list(items: readonly Record<string, string>[] | undefined, field: string): string {
  return (items ?? []).map((one) => one[field]).join(',');
}

function labelText(labels: Record<string, string> | undefined): string {
  const text = Object.entries(labels ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
  return text || '<none>';
}

function selectorText(selector: { matchLabels?: Record<string, string> } | undefined): string {
  return labelText(selector?.matchLabels);
}

/** `45s`, `3m20s`, `12m`, `5h4m`, `2d3h`, `12d`: kubectl's short durations. */
export function since(timestamp: string | undefined, now: number): string {
  if (!timestamp) return '<unknown>';
  const seconds = Math.floor((now - Date.parse(timestamp)) / 1_000);
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return both(minutes, 'm', seconds % 60, 's');
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 8) return both(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return `${hours}h`;
  const days = Math.floor(hours / 24);
  if (days < 8) return both(days, 'd', hours % 24, 'h');
  if (days < 730) return `${days}d`;
  const years = Math.floor(days / 365);
  return years < 8 ? both(years, 'y', days % 365, 'd') : `${years}y`;
}

function both(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit}${small}${smallUnit}`;
}
