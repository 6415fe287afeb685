/** Observes the cluster with the operator's own access. */
import type { DaemonSet, Deployment } from 'kubernetes-types/apps/v1.js';
import type { CronJob } from 'kubernetes-types/batch/v1.js';
import type { Namespace, Node, PersistentVolume, Pod, Service } from 'kubernetes-types/core/v1.js';
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js';
import type { KubernetesClient } from '#functions/adapters/kubernetes/client.ts';
import type { Capability } from '#model/decision.ts';
import { CNI_DEFAULTS, type CniSettings } from '#model/pod-addresses.ts';
import type { EnvironmentSettings } from '#model/settings.ts';
import type { AccessReview, KubernetesFacts, LabelSelector, WebhookFacts } from '../facts.ts';
import type { Observation } from '../observation.ts';
import { observeApplications, observeNodePools } from './custom-resources.ts';
import { observe } from './observe.ts';

type Client = Pick<KubernetesClient, 'list' | 'request'>;

export async function observeKubernetes(client: Client): Promise<KubernetesFacts> {
  const list = <T>(what: string, path: string): Promise<Observation<T[]>> =>
    observe(`list ${what}`, () => client.list<T>(path));
  const custom = Promise.all([observeNodePools(client), observeApplications(client)]);
  const [webhooks, budgets, volumes, cronJobs, deployments, services, namespaces, pods, nodes] =
    await Promise.all([
      observeWebhooks(client),
      list<PodDisruptionBudget>('poddisruptionbudgets', '/apis/policy/v1/poddisruptionbudgets'),
      list<PersistentVolume>('persistentvolumes', '/api/v1/persistentvolumes'),
      list<CronJob>('cronjobs', '/apis/batch/v1/cronjobs'),
      list<Deployment>('deployments', '/apis/apps/v1/deployments'),
      list<Service>('services', '/api/v1/services'),
      list<Namespace>('namespaces', '/api/v1/namespaces'),
      list<Pod>('pods', '/api/v1/pods'),
      list<Node>('nodes', '/api/v1/nodes'),
    ]);
  const [nodePools, applications] = await custom;
  const ofKubernetes = {
    webhooks,
    budgets,
    volumes,
    cronJobs,
    deployments,
    services,
    namespaces,
    pods,
    nodes,
  };
  return { ...ofKubernetes, nodePools, applications };
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

function observeWebhooks(client: Client): Promise<Observation<readonly WebhookFacts[]>> {
  return observe('list validatingwebhookconfigurations and mutatingwebhookconfigurations', async () => {
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
            // The default of admissionregistration.k8s.io/v1 is Fail.
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

export function observeCni(client: Client): Promise<Observation<CniSettings>> {
  return observe('get daemonsets in kube-system', async () => {
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
      customNetworking: read('AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG') === 'true',
      // 0 turns the target off.
      ...(warmAddresses ? { warmAddresses } : {}),
      ...(minimumAddresses ? { minimumAddresses } : {}),
    };
  });
}

/** One request that a function makes in the cluster. `manifests/` allows it. */
interface RequiredPermission {
  readonly verb: string;
  readonly group?: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
}

export function requiredPermissionsOf(
  settings: EnvironmentSettings,
): readonly (readonly [Capability, RequiredPermission])[] {
  const { nightSchedule, branchDeploy } = settings;
  const each = (verbs: readonly string[], resource: Omit<RequiredPermission, 'verb'>): RequiredPermission[] =>
    verbs.map((verb) => ({ verb, ...resource }));
  const autoscaler = nightSchedule?.autoscaler;
  const night: RequiredPermission[] = nightSchedule
    ? [
        ...each(['list'], { resource: 'nodes' }),
        ...(autoscaler?.kind === 'cluster-autoscaler'
          ? each(['get', 'patch'], {
              group: 'apps',
              resource: 'deployments',
              subresource: 'scale',
              namespace: autoscaler.namespace,
              name: autoscaler.deployment,
            }).concat(
              each(['get'], {
                group: 'apps',
                resource: 'deployments',
                namespace: autoscaler.namespace,
                name: autoscaler.deployment,
              }),
            )
          : []),
        ...(nightSchedule.suspendCronJobs
          ? each(['list', 'patch'], { group: 'batch', resource: 'cronjobs' })
          : []),
        ...(nightSchedule.keepUp
          ? each(['get'], { resource: 'configmaps', namespace: 'nightshift', name: 'keep-up' })
          : []),
        ...(autoscaler?.kind === 'karpenter' || autoscaler?.kind === 'auto-mode'
          ? [
              ...each(['list', 'patch'], { group: 'karpenter.sh', resource: 'nodepools' }),
              ...each(['list', 'patch', 'delete'], { group: 'karpenter.sh', resource: 'nodeclaims' }),
            ]
          : []),
      ]
    : [];
  const drain: RequiredPermission[] = [
    ...each(['get', 'list', 'patch'], { resource: 'nodes' }),
    ...each(['list', 'delete'], { resource: 'pods' }),
    ...each(['create'], { resource: 'pods', subresource: 'eviction' }),
    ...each(['get'], { group: 'apps', resource: 'daemonsets' }),
    ...each(['list'], { group: 'storage.k8s.io', resource: 'volumeattachments' }),
    ...each(['create'], { resource: 'events', namespace: 'default' }),
  ];
  const applications = (branchDeploy?.builds ?? []).flatMap((build) => build.applications);
  const deploy: RequiredPermission[] =
    branchDeploy?.argocd.through === 'kubernetes' && !branchDeploy.argocd.hub
      ? applications.flatMap(({ name, namespace = 'argocd' }) =>
          // By name: what `nightshift manifests` prints grants no other.
          each(['get', 'patch'], { group: 'argoproj.io', resource: 'applications', namespace, name }),
        )
      : [];
  return [
    ...night.map((permission) => ['night-schedule', permission] as const),
    ...drain.map((permission) => ['spot-drain', permission] as const),
    ...deploy.map((permission) => ['branch-deploy', permission] as const),
  ];
}

/** SubjectAccessReviews for the functions' groups: they check what the functions may do, not what the operator may. */
export function observeAccessReviews(
  client: Client,
  settings: EnvironmentSettings,
): Promise<Observation<readonly AccessReview[]>> {
  return reviewAll(client, requiredPermissionsOf(settings));
}

/** What no function may do in production: bring a node down at night, or deploy. */
const NEVER_IN_PRODUCTION: readonly (readonly [Capability, RequiredPermission])[] = [
  ['night-schedule', { verb: 'patch', group: 'karpenter.sh', resource: 'nodepools' }],
  ['night-schedule', { verb: 'delete', group: 'karpenter.sh', resource: 'nodeclaims' }],
  [
    'night-schedule',
    {
      verb: 'patch',
      group: 'apps',
      resource: 'deployments',
      subresource: 'scale',
      namespace: 'kube-system',
      name: 'cluster-autoscaler',
    },
  ],
  ['night-schedule', { verb: 'patch', group: 'batch', resource: 'cronjobs' }],
  ['branch-deploy', { verb: 'patch', group: 'argoproj.io', resource: 'applications', namespace: 'argocd' }],
  ['branch-deploy', { verb: 'patch', group: 'apps', resource: 'deployments' }],
];

/** Empty where the environment is no production. */
export function observeExcessRights(
  client: Client,
  { spotDrain }: EnvironmentSettings,
): Promise<Observation<readonly AccessReview[]>> {
  return reviewAll(client, spotDrain.production ? NEVER_IN_PRODUCTION : []);
}

function reviewAll(
  client: Client,
  permissions: readonly (readonly [Capability, RequiredPermission])[],
): Promise<Observation<readonly AccessReview[]>> {
  return observe('create subjectaccessreviews.authorization.k8s.io', () =>
    Promise.all(
      permissions.map(async ([capability, permission]) => {
        const { verb, resource, subresource, namespace, name } = permission;
        const { body } = await client.request<{ status?: { allowed?: boolean } }>({
          method: 'POST',
          path: '/apis/authorization.k8s.io/v1/subjectaccessreviews',
          body: {
            apiVersion: 'authorization.k8s.io/v1',
            kind: 'SubjectAccessReview',
            spec: {
              user: `nightshift-${capability}`,
              groups: [`nightshift:${capability}`, 'system:authenticated'],
              resourceAttributes: { group: '', ...permission },
            },
          },
        });
        const fullResource = subresource ? `${resource}/${subresource}` : resource;
        const place = namespace ? ` in ${namespace}${name ? `/${name}` : ''}` : '';
        return {
          capability,
          request: `${verb} ${fullResource}${place}`,
          allowed: body.status?.allowed === true,
        };
      }),
    ),
  );
}
