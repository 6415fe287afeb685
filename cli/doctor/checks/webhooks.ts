/** Admission webhooks that must answer, and whose pods sleep when the nodes do. */
import { type Check, needing, type Verdict } from '../finding.ts';
import { matches } from '../selector.ts';
import { groupsOf, isLive, sleepers, type WebhookFacts } from '../site.ts';

/** Without these no node joins, or its agents do not start. */
const FOR_NODES = [
  ['', 'nodes'],
  ['certificates.k8s.io', 'certificatesigningrequests'],
  ['coordination.k8s.io', 'leases'],
  ['storage.k8s.io', 'csinodes'],
] as const;

export const webhooks: Check = {
  name: 'webhooks',
  why: 'the API server refuses what such a webhook covers while nobody answers it, and in the morning its own pods are not there yet: a cold start can block itself',
  judge(site) {
    const { kubernetes } = site;
    if (site.schedule === undefined) return [];
    return needing(
      [
        kubernetes.webhooks,
        kubernetes.services,
        kubernetes.pods,
        kubernetes.nodes,
        kubernetes.namespaces,
        site.groups,
      ],
      (hooks, services, pods, nodes, namespaces, groups) => {
        const sleeping = new Set(sleepers(site, groups).map(({ name }) => name));
        const sleeps = ({ namespace, name }: { namespace: string; name: string }) => {
          const service = services.find(
            (one) => one.metadata?.namespace === namespace && one.metadata.name === name,
          );
          const selector = service?.spec?.selector;
          const behind = pods.filter(
            (pod) =>
              selector !== undefined &&
              pod.metadata?.namespace === namespace &&
              isLive(pod) &&
              matches({ matchLabels: selector }, pod.metadata.labels ?? {}),
          );
          const places = [...groupsOf(behind, nodes, groups)];
          // One pod on a group that stays is enough.
          return places.every((place) => place === undefined || sleeping.has(place));
        };
        const labelsOf = (namespace: string) => ({
          'kubernetes.io/metadata.name': namespace,
          ...namespaces.find((one) => one.metadata?.name === namespace)?.metadata?.labels,
        });
        const must = hooks.filter((hook) => hook.failurePolicy === 'Fail');
        const hazards = must.flatMap((hook): Verdict[] => {
          const { service } = hook;
          if (!service || !sleeps(service)) return [];
          const target = `${hook.configuration}/${hook.name}`;
          const covered = FOR_NODES.filter(([group, resource]) => covers(hook, group, resource)).map(
            ([, name]) => name,
          );
          const place = `its pods (${service.namespace}/${service.name}) sleep too`;
          if (covered.length > 0) {
            return [
              {
                severity: 'failure',
                target,
                found: `failurePolicy Fail covers ${covered.join(', ')}, and ${place}: no node can join in the morning`,
                advice: `leave ${covered.join(' and ')} out of its rules, or set failurePolicy to Ignore for them`,
              },
            ];
          }
          const blocked = [service.namespace, 'kube-system'].filter(
            (namespace) => covers(hook, '', 'pods') && matches(hook.namespaceSelector, labelsOf(namespace)),
          );
          if (blocked.length > 0) {
            return [
              {
                severity: 'failure',
                target,
                found: `failurePolicy Fail covers the pods of ${[...new Set(blocked)].join(' and ')}, and ${place}: its own start can wait for itself`,
                advice: `exclude ${[...new Set(blocked)].join(' and ')} with its namespaceSelector, or run it on a group named in keep`,
              },
            ];
          }
          return [
            {
              severity: 'warning',
              target,
              found: `failurePolicy Fail, and ${place}: what it covers is refused until they are ready`,
              advice: 'run two replicas that start early, or set failurePolicy to Ignore',
            },
          ];
        });
        if (hazards.length > 0) return hazards;
        return [
          {
            severity: 'ok',
            found: `${must.length} of ${hooks.length} webhooks must answer, and none of them sleeps with the nodes`,
          },
        ];
      },
    );
  },
};

function covers(hook: WebhookFacts, group: string, resource: string): boolean {
  return hook.rules.some(
    (rule) =>
      (rule.apiGroups.includes('*') || rule.apiGroups.includes(group)) &&
      (rule.resources.includes('*') || rule.resources.includes('*/*') || rule.resources.includes(resource)),
  );
}
