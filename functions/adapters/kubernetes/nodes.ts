import type { Node } from 'kubernetes-types/core/v1.js';
import type { Nodes } from '#functions/night-schedule/ports.ts';
import type { KubernetesClient } from './client.ts';

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
