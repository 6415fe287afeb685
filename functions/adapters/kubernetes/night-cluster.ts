/** The cluster as night-schedule needs it, through the Kubernetes API: Ready nodes, Cluster Autoscaler and Karpenter. */
import type { Node } from 'kubernetes-types/core/v1.d.ts';
import type { Autoscaler, Nodes, SavedObjects } from '#functions/night-schedule/ports.ts';
import { type NodePoolSetting, objectOf, type SavedAutoscaler } from '#functions/night-schedule/records.ts';
import { NightshiftError } from '#functions/shared/errors.ts';
import type { AutoscalerConfig } from '#model/config.ts';
import type { KubernetesClient } from './client.ts';

type Client = Pick<KubernetesClient, 'request' | 'list'>;
type Of<K extends AutoscalerConfig['kind']> = Extract<AutoscalerConfig, { kind: K }>;

/** Which instances are Ready nodes: InService alone is not a node that takes pods. */
export function createNodes(client: Pick<KubernetesClient, 'list'>): Nodes {
  return {
    async ready() {
      const nodes = await client.list<Node>('/api/v1/nodes');
      return new Set(nodes.filter(isReady).map(instanceIdOf));
    },
  };
}

function isReady(node: Node): boolean {
  return node.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false;
}

/** `aws:///ap-northeast-1a/i-0123456789abcdef0` ends in the instance id. */
function instanceIdOf(node: Node): string {
  return node.spec?.providerID?.split('/').at(-1) ?? '';
}

export function createAutoscaler(client: Client, config: AutoscalerConfig): Autoscaler {
  return config.kind === 'karpenter' ? karpenter(client, config) : clusterAutoscaler(client, config);
}

/** The autoscalers that the records are about: they are enough to resume what the config does not name any more. */
export function autoscalersOf(client: Client, saved: readonly SavedAutoscaler[]): readonly SavedObjects[] {
  const deployments = saved.flatMap((one): SavedObjects[] => {
    if (one.kind !== 'cluster-autoscaler') return [];
    const [namespace = '', deployment = ''] = one.deployment.split('/');
    return [{ autoscaler: clusterAutoscaler(client, { namespace, deployment }), saved: [one] }];
  });
  const pools = saved.filter((one) => one.kind === 'karpenter');
  if (pools.length === 0) return deployments;
  const autoscaler = karpenter(client, { nodePools: pools.map(({ nodePool }) => nodePool) });
  return [...deployments, { autoscaler, saved: pools }];
}

/** The scale subresource: read and written without touching the rest of the Deployment. */
function clusterAutoscaler(
  client: Client,
  config: Pick<Of<'cluster-autoscaler'>, 'namespace' | 'deployment'>,
): Autoscaler {
  const deployment = `${config.namespace}/${config.deployment}`;
  const path = `/apis/apps/v1/namespaces/${encodeURIComponent(config.namespace)}/deployments/${encodeURIComponent(config.deployment)}/scale`;
  const scale = (replicas: number) =>
    client.request({ method: 'PATCH', path, body: { spec: { replicas } } }).then(() => undefined);
  return {
    async observe() {
      const { body } = await client.request<{ spec?: { replicas?: number } }>({ method: 'GET', path });
      return { kind: 'cluster-autoscaler', deployment, replicas: body.spec?.replicas ?? 0 };
    },
    pause: () => scale(0),
    async resume(saved) {
      if (saved.kind !== 'cluster-autoscaler' || saved.deployment !== deployment)
        throw wrongObject(saved, deployment);
      await scale(saved.replicas);
    },
  };
}

interface NodePool {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly limits?: Readonly<Record<string, string>>; readonly replicas?: number };
}

interface NodeClaim {
  readonly metadata: {
    readonly name: string;
    readonly deletionTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
}

const NODEPOOLS = '/apis/karpenter.sh/v1/nodepools';
const NODECLAIMS = '/apis/karpenter.sh/v1/nodeclaims';

/**
 * Zeroed limits remove nothing (karpenter-provider-aws#3539), so the NodeClaims are deleted as well, while Karpenter
 * still runs to terminate their instances.
 */
function karpenter(client: Client, config: Pick<Of<'karpenter'>, 'nodePools'>): Autoscaler {
  const isOurs = (name: string | undefined) =>
    name !== undefined && (config.nodePools === undefined || config.nodePools.includes(name));
  const claimsOf = async () =>
    (await client.list<NodeClaim>(NODECLAIMS)).filter((claim) =>
      isOurs(claim.metadata.labels?.['karpenter.sh/nodepool']),
    );
  const patch = (pool: string, spec: unknown) =>
    client.request({
      method: 'PATCH',
      path: `${NODEPOOLS}/${encodeURIComponent(pool)}`,
      body: { spec },
    });

  return {
    async observe() {
      const [pools, claims] = await Promise.all([client.list<NodePool>(NODEPOOLS), claimsOf()]);
      const settings = pools
        .filter((pool) => isOurs(pool.metadata.name))
        .map((pool): [string, NodePoolSetting] => [
          pool.metadata.name,
          { limits: pool.spec.limits ?? null, replicas: pool.spec.replicas ?? null },
        ]);
      return { kind: 'karpenter', pools: Object.fromEntries(settings), claims: claims.length };
    },
    async pause(view) {
      if (view.kind !== 'karpenter')
        throw new NightshiftError(`${view.kind} is to be paused, and the config names karpenter`);
      for (const [name, pool] of Object.entries(view.pools))
        await patch(name, pool.replicas === null ? { limits: { cpu: '0' } } : { replicas: 0 });
      for (const claim of await claimsOf())
        if (claim.metadata.deletionTimestamp === undefined)
          await client.request({
            method: 'DELETE',
            path: `${NODECLAIMS}/${encodeURIComponent(claim.metadata.name)}`,
          });
    },
    async resume(saved) {
      if (saved.kind !== 'karpenter') throw wrongObject(saved, 'karpenter');
      const { limits, replicas } = saved.setting;
      // In a merge patch null removes the key: a pool without limits has none again.
      await patch(
        saved.nodePool,
        replicas === null ? { limits: limits === null ? null : { cpu: null, ...limits } } : { replicas },
      );
    },
  };
}

function wrongObject(saved: SavedAutoscaler, configured: string): NightshiftError {
  const object = objectOf(saved);
  return new NightshiftError(
    `${object} was paused, but the config now names ${configured}: resume ${object} by hand, then delete the item night | autoscaler#${object}`,
  );
}
