/** The nodes of the cluster as night-schedule needs them. */
import type { Node } from 'kubernetes-types/core/v1.d.ts';
import type { Nodes, NodeView } from '#functions/night-schedule/ports.ts';
import type { KubernetesClient } from './client.ts';

/** Which instances are Ready nodes: InService alone is not a node that takes pods. */
export function createNodes(client: Pick<KubernetesClient, 'list'>): Nodes {
  return {
    async ready() {
      const nodes = await client.list<Node>('/api/v1/nodes');
      return new Set(nodes.filter(isReady).map(instanceIdOf));
    },
    async all() {
      return (await client.list<Node>('/api/v1/nodes')).map(viewOf);
    },
  };
}

/** A node that is malformed in parts hides none of the others. */
function viewOf(node: Node): NodeView {
  const labels = node.metadata?.labels ?? {};
  const computeType = labels['eks.amazonaws.com/compute-type'];
  const nodePool = labels['karpenter.sh/nodepool'];
  const nodegroup = labels['eks.amazonaws.com/nodegroup'];
  return {
    name: node.metadata?.name ?? '',
    instanceId: instanceIdOf(node),
    kind: computeType === 'fargate' || computeType === 'hybrid' ? computeType : 'instance',
    ...(nodePool === undefined ? {} : { nodePool }),
    ...(nodegroup === undefined ? {} : { nodegroup }),
  };
}

function isReady(node: Node): boolean {
  const conditions: unknown = node.status?.conditions;
  return (
    Array.isArray(conditions) && conditions.some((one) => one?.type === 'Ready' && one.status === 'True')
  );
}

/** `aws:///ap-northeast-1a/i-0123456789abcdef0` ends in the instance id. */
function instanceIdOf(node: Node): string {
  const id: unknown = node.spec?.providerID;
  return typeof id === 'string' ? (id.split('/').at(-1) ?? '') : '';
}
