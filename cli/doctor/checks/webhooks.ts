/** Admission webhooks with failurePolicy Fail whose own pods stop with the nodes. */
import type { Namespace, Node, Pod, Service } from 'kubernetes-types/core/v1.js';
import { type GroupFacts, groupsOf, isLive, scheduledGroups, type WebhookFacts } from '../facts.ts';
import { type Check, type CheckResult, whenObserved } from '../finding.ts';
import { matches } from '../label-selector.ts';

/** Without write access to these no node joins, or its agents do not start. */
const FOR_NODES = [
  ['', 'nodes'],
  ['certificates.k8s.io', 'certificatesigningrequests'],
  ['coordination.k8s.io', 'leases'],
  ['storage.k8s.io', 'csinodes'],
] as const;

export const webhooks: Check = {
  name: 'webhooks',
  why: 'while such a webhook is unreachable the API server rejects every request that it covers, and in the morning its own pods do not run yet: a cold start can block itself',
  evaluate(facts) {
    const { kubernetes } = facts;
    if (facts.schedule === undefined) return [];
    return whenObserved(
      [
        kubernetes.webhooks,
        kubernetes.services,
        kubernetes.pods,
        kubernetes.nodes,
        kubernetes.namespaces,
        facts.groups,
      ],
      (hooks, services, pods, nodes, namespaces, groups) => {
        const stopped = new Set(scheduledGroups(facts, groups).map(({ name }) => name));
        const cluster = { services, pods, nodes, namespaces, groups, stopped };
        const failClosed = hooks.filter((hook) => hook.failurePolicy === 'Fail');
        const hazards = failClosed.flatMap((hook) => hazardsOf(hook, cluster));
        return hazards.length > 0
          ? hazards
          : [
              {
                severity: 'ok',
                found: `${failClosed.length} of ${hooks.length} webhooks have failurePolicy Fail, and none of them stops with the nodes`,
              },
            ];
      },
    );
  },
};

interface Cluster {
  readonly services: readonly Service[];
  readonly pods: readonly Pod[];
  readonly nodes: readonly Node[];
  readonly namespaces: readonly Namespace[];
  readonly groups: readonly GroupFacts[];
  /** Names of the groups that the schedule stops. */
  readonly stopped: ReadonlySet<string>;
}

type ServiceReference = NonNullable<WebhookFacts['service']>;

function hazardsOf(hook: WebhookFacts, cluster: Cluster): readonly CheckResult[] {
  const { service } = hook;
  if (!service || !stopsWithNodes(service, cluster)) return [];
  const target = `${hook.configuration}/${hook.name}`;
  const stop = `its pods (${service.namespace}/${service.name}) stop with the nodes`;
  const covered = FOR_NODES.filter(([group, resource]) => covers(hook, group, resource)).map(
    ([, name]) => name,
  );
  if (covered.length > 0) {
    return [
      {
        severity: 'failure',
        target,
        found: `failurePolicy Fail covers ${covered.join(', ')}, and ${stop}: no node can join in the morning`,
        advice: `exclude ${covered.join(' and ')} from its rules, or set failurePolicy to Ignore for them`,
      },
    ];
  }
  const namespaces = [...new Set([service.namespace, 'kube-system'])]
    .filter(
      (namespace) =>
        covers(hook, '', 'pods') && matches(hook.namespaceSelector, labelsOf(namespace, cluster)),
    )
    .join(' and ');
  if (namespaces !== '') {
    return [
      {
        severity: 'failure',
        target,
        found: `failurePolicy Fail covers the pods of ${namespaces}, and ${stop}: it can block its own start`,
        advice: `exclude ${namespaces} with its namespaceSelector, or run it on a group listed in keep`,
      },
    ];
  }
  return [
    {
      severity: 'warning',
      target,
      found: `failurePolicy Fail, and ${stop}: requests that it covers are rejected until it is ready`,
      advice: 'run two replicas that start early, or set failurePolicy to Ignore',
    },
  ];
}

/** False when at least one pod of the service runs on a group that stays up. */
function stopsWithNodes({ namespace, name }: ServiceReference, cluster: Cluster): boolean {
  const service = cluster.services.find(
    ({ metadata }) => metadata?.namespace === namespace && metadata.name === name,
  );
  const selector = service?.spec?.selector;
  const pods = cluster.pods.filter(
    (pod) =>
      selector !== undefined &&
      pod.metadata?.namespace === namespace &&
      isLive(pod) &&
      matches({ matchLabels: selector }, pod.metadata.labels ?? {}),
  );
  return [...groupsOf(pods, cluster.nodes, cluster.groups)].every(
    (group) => group === undefined || cluster.stopped.has(group),
  );
}

function labelsOf(namespace: string, { namespaces }: Cluster): Readonly<Record<string, string>> {
  return {
    'kubernetes.io/metadata.name': namespace,
    ...namespaces.find(({ metadata }) => metadata?.name === namespace)?.metadata?.labels,
  };
}

function covers(hook: WebhookFacts, group: string, resource: string): boolean {
  return hook.rules.some(
    (rule) =>
      (rule.apiGroups.includes('*') || rule.apiGroups.includes(group)) &&
      (rule.resources.includes('*') || rule.resources.includes('*/*') || rule.resources.includes(resource)),
  );
}
