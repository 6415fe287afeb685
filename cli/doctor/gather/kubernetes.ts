/** What the cluster says, with the operator's own access to it. */
import type { DaemonSet, Deployment } from 'kubernetes-types/apps/v1.js';
import type { CronJob } from 'kubernetes-types/batch/v1.js';
import type { Namespace, Node, PersistentVolume, Pod, Service } from 'kubernetes-types/core/v1.js';
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js';
import type { KubernetesClient } from '#functions/adapters/kubernetes/client.ts';
import type { Capability } from '#model/decision.ts';
import type { EnvironmentSettings } from '#model/settings.ts';
import type { Answer } from '../finding.ts';
import type { CniSettings } from '../pod-addresses.ts';
import type { KubernetesFacts, LabelSelector, Review, WebhookFacts } from '../site.ts';
import { asking } from './asking.ts';

type Client = Pick<KubernetesClient, 'list' | 'request'>;

export async function gatherKubernetes(client: Client): Promise<KubernetesFacts> {
  const list = <T>(what: string, path: string): Promise<Answer<T[]>> =>
    asking(`list ${what}`, () => client.list<T>(path));
  const [webhooks, budgets, volumes, cronJobs, deployments, services, namespaces, pods, nodes] =
    await Promise.all([
      gatherWebhooks(client),
      list<PodDisruptionBudget>('poddisruptionbudgets', '/apis/policy/v1/poddisruptionbudgets'),
      list<PersistentVolume>('persistentvolumes', '/api/v1/persistentvolumes'),
      list<CronJob>('cronjobs', '/apis/batch/v1/cronjobs'),
      list<Deployment>('deployments', '/apis/apps/v1/deployments'),
      list<Service>('services', '/api/v1/services'),
      list<Namespace>('namespaces', '/api/v1/namespaces'),
      list<Pod>('pods', '/api/v1/pods'),
      list<Node>('nodes', '/api/v1/nodes'),
    ]);
  return { webhooks, budgets, volumes, cronJobs, deployments, services, namespaces, pods, nodes };
}

interface WebhookConfiguration {
  readonly metadata?: { readonly name?: string };
  readonly webhooks?: readonly {
    readonly name?: string;
    readonly failurePolicy?: string;
    readonly clientConfig?: { readonly service?: { readonly namespace: string; readonly name: string } };
    readonly rules?: readonly { readonly apiGroups?: string[]; readonly resources?: string[] }[];
    readonly namespaceSelector?: LabelSelector;
  }[];
}

function gatherWebhooks(client: Client): Promise<Answer<readonly WebhookFacts[]>> {
  return asking('list validatingwebhookconfigurations and mutatingwebhookconfigurations', async () => {
    const base = '/apis/admissionregistration.k8s.io/v1';
    const kinds = ['validating', 'mutating'] as const;
    const lists = await Promise.all(
      kinds.map((kind) => client.list<WebhookConfiguration>(`${base}/${kind}webhookconfigurations`)),
    );
    return kinds.flatMap((kind, index) =>
      (lists[index] ?? []).flatMap(({ metadata, webhooks = [] }) =>
        webhooks.map(
          (webhook): WebhookFacts => ({
            kind,
            configuration: metadata?.name ?? '',
            name: webhook.name ?? '',
            // admissionregistration.k8s.io/v1 takes Fail where nothing is written.
            failurePolicy: webhook.failurePolicy === 'Ignore' ? 'Ignore' : 'Fail',
            rules: (webhook.rules ?? []).map(({ apiGroups = [], resources = [] }) => ({
              apiGroups,
              resources,
            })),
            ...(webhook.clientConfig?.service ? { service: webhook.clientConfig.service } : {}),
            ...(webhook.namespaceSelector ? { namespaceSelector: webhook.namespaceSelector } : {}),
          }),
        ),
      ),
    );
  });
}

export const CNI_DEFAULTS: CniSettings = {
  warmInterfaces: 1,
  prefixes: false,
  warmPrefixes: 1,
  otherSubnets: false,
};

export function gatherCni(client: Client): Promise<Answer<CniSettings>> {
  return asking('get daemonsets in kube-system', async () => {
    const path = '/apis/apps/v1/namespaces/kube-system/daemonsets/aws-node';
    const { body } = await client.request<DaemonSet>({ method: 'GET', path });
    const env = (body.spec?.template.spec?.containers ?? []).flatMap((container) => container.env ?? []);
    const read = (name: string) => env.find((one) => one.name === name)?.value;
    const number = (name: string) => {
      const value = read(name);
      return value === undefined || value === '' || !Number.isFinite(Number(value))
        ? undefined
        : Number(value);
    };
    const warmAddresses = number('WARM_IP_TARGET');
    const minimumAddresses = number('MINIMUM_IP_TARGET');
    return {
      warmInterfaces: number('WARM_ENI_TARGET') ?? CNI_DEFAULTS.warmInterfaces,
      prefixes: read('ENABLE_PREFIX_DELEGATION') === 'true',
      warmPrefixes: number('WARM_PREFIX_TARGET') ?? CNI_DEFAULTS.warmPrefixes,
      otherSubnets: read('AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG') === 'true',
      // 0 turns the target off.
      ...(warmAddresses ? { warmAddresses } : {}),
      ...(minimumAddresses ? { minimumAddresses } : {}),
    };
  });
}

/** What a function does in the cluster. `manifests/` allows it. */
interface Deed {
  readonly verb: string;
  readonly group?: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
}

export function deedsOf(settings: EnvironmentSettings): readonly (readonly [Capability, Deed])[] {
  const { nightSchedule, branchDeploy } = settings;
  const each = (verbs: readonly string[], deed: Omit<Deed, 'verb'>): Deed[] =>
    verbs.map((verb) => ({ verb, ...deed }));
  const autoscaler = nightSchedule?.autoscaler;
  const night: Deed[] = nightSchedule
    ? [
        ...each(['list'], { resource: 'nodes' }),
        ...(autoscaler?.kind === 'cluster-autoscaler'
          ? each(['get', 'patch'], {
              group: 'apps',
              resource: 'deployments',
              subresource: 'scale',
              namespace: autoscaler.namespace,
              name: autoscaler.deployment,
            })
          : []),
        ...(autoscaler?.kind === 'karpenter'
          ? [
              ...each(['list', 'patch'], { group: 'karpenter.sh', resource: 'nodepools' }),
              ...each(['list', 'delete'], { group: 'karpenter.sh', resource: 'nodeclaims' }),
            ]
          : []),
      ]
    : [];
  const drain: Deed[] = [
    ...each(['get', 'list', 'patch'], { resource: 'nodes' }),
    ...each(['list', 'delete'], { resource: 'pods' }),
    ...each(['create'], { resource: 'pods', subresource: 'eviction' }),
    ...each(['get'], { group: 'apps', resource: 'daemonsets' }),
    ...each(['create'], { resource: 'events', namespace: 'default' }),
  ];
  const namespaces = new Set(
    (branchDeploy?.builds ?? []).flatMap((build) =>
      build.applications.map((one) => one.namespace ?? 'argocd'),
    ),
  );
  const deploy: Deed[] =
    branchDeploy?.argocd.through === 'kubernetes'
      ? [...namespaces].flatMap((namespace) =>
          each(['get', 'patch'], { group: 'argoproj.io', resource: 'applications', namespace }),
        )
      : [];
  return [
    ...night.map((deed) => ['night-schedule', deed] as const),
    ...drain.map((deed) => ['spot-drain', deed] as const),
    ...deploy.map((deed) => ['branch-deploy', deed] as const),
  ];
}

/** SubjectAccessReviews for the functions' groups: what counts is what they may do, not what the operator may. */
export function gatherReviews(
  client: Client,
  settings: EnvironmentSettings,
): Promise<Answer<readonly Review[]>> {
  return asking('create subjectaccessreviews.authorization.k8s.io', () =>
    Promise.all(
      deedsOf(settings).map(async ([capability, deed]) => {
        const { verb, resource, subresource, namespace, name } = deed;
        const { body } = await client.request<{ status?: { allowed?: boolean } }>({
          method: 'POST',
          path: '/apis/authorization.k8s.io/v1/subjectaccessreviews',
          body: {
            apiVersion: 'authorization.k8s.io/v1',
            kind: 'SubjectAccessReview',
            spec: {
              user: `nightshift-${capability}`,
              groups: [`nightshift:${capability}`, 'system:authenticated'],
              resourceAttributes: { group: '', ...deed },
            },
          },
        });
        const whole = subresource ? `${resource}/${subresource}` : resource;
        const where = namespace ? ` in ${namespace}${name ? `/${name}` : ''}` : '';
        return { capability, what: `${verb} ${whole}${where}`, allowed: body.status?.allowed === true };
      }),
    ),
  );
}
