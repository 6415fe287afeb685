/** The lab's Kubernetes behind its HTTPS endpoint, with the RBAC of manifests/ applied and one node that is ready. */
import { readFile } from 'node:fs/promises';
import { serveKubernetes } from '@nightshift/lab/http/kubernetes/server.ts';
import { createCertificateAuthority } from '@nightshift/lab/http/tls.ts';
import { createContext } from '@nightshift/lab/world/context.ts';
import type { InstanceView } from '@nightshift/lab/world/interfaces.ts';
import { createKubernetes } from '@nightshift/lab/world/kubernetes/index.ts';
import type { ObjectInput } from '@nightshift/lab/world/kubernetes/objects.ts';
import { parseAllDocuments } from 'yaml';
import { createKubernetesClient } from '#functions/adapters/kubernetes/client.ts';

export const INSTANCE: InstanceView = {
  id: 'i-0123456789abcdef0',
  account: '111111111111',
  region: 'ap-northeast-1',
  zone: 'ap-northeast-1a',
  type: 'm7g.large',
  privateDnsName: 'ip-10-0-1-10.ap-northeast-1.compute.internal',
  privateIp: '10.0.1.10',
  capacityType: 'SPOT',
  cluster: 'develop',
  autoScalingGroup: 'workers',
  labels: { team: 'video' },
};
export const NODE_NAME = INSTANCE.privateDnsName;

export async function aLabCluster(options: { rbac?: boolean } = {}) {
  const context = createContext({ start: new Date('2026-11-24T01:00:00Z'), seed: 7 });
  const { cluster, account, region } = INSTANCE;
  const kubernetes = createKubernetes(context, { cluster, account, region });
  if (options.rbac !== false) kubernetes.applyObjects(await manifestsOf('spot-drain'));
  const ca = await createCertificateAuthority();
  const endpoint = await serveKubernetes({
    kubernetes,
    context,
    ca,
    authenticate: (token) =>
      token === 'spot-drain' ? { username: 'spot-drain', groups: ['nightshift:spot-drain'] } : undefined,
    operatorToken: 'operator',
  });
  const clientFor = (token: string) =>
    createKubernetesClient({
      cluster,
      region,
      describeCluster: async () => ({ endpoint: endpoint.url, ca: ca.pem }),
      token: async () => token,
    });
  const client = clientFor('spot-drain');
  const pass = (seconds: number) => context.clock.runUntil(context.clock.now() + seconds * 1_000);
  context.signals.emit('instance-running', INSTANCE);
  await pass(120);
  return {
    context,
    kubernetes,
    endpoint,
    ca,
    client,
    clientFor,
    pass,
    node: () => kubernetes.api.get('nodes', undefined, NODE_NAME),
    async close() {
      client.close();
      await endpoint.close();
    },
  };
}

/** `spot-drain`, the base of a capability; or a file: `argocd/branch-deploy`. */
export async function manifestsOf(name: string): Promise<ObjectInput[]> {
  const file = name.includes('/') ? name : `${name}/rbac`;
  const text = await readFile(new URL(`../../../../manifests/${file}.yaml`, import.meta.url), 'utf8');
  return parseAllDocuments(text).map((document) => document.toJS() as ObjectInput);
}
