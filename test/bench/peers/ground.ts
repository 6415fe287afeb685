/**
 * Where the peers are compared: a real control plane, whose nodes are played by control-plane-kubelet.ts, and moto. Moto
 * has no cluster that answers and runs no state machine: EKS, STS and Step Functions are the lab's, on the machine's clock.
 */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createAuthenticator } from '@nightshift/lab/http/authenticator.ts';
import { kubeconfig } from '@nightshift/lab/http/kubernetes/kubeconfig.ts';
import { type CertificateAuthority, createCertificateAuthority } from '@nightshift/lab/http/tls.ts';
import pMap from 'p-map';
import { createHttpHost } from '#functions/adapters/http.ts';
import { addPod, type Json, must, type Server } from '#test/conformance/kubernetes/objects.ts';
import { askingOf, collectionOf, grants } from '#test/conformance/kubernetes/setup.ts';
import { type ControlPlane, startControlPlane } from '#test/conformance/servers/control-plane.ts';
import { type Kubelets, startKubelets } from '#test/conformance/servers/control-plane-kubelet.ts';
import { untilSeen } from '#test/conformance/servers/until-seen.ts';
import { type AccountSite, raiseAccount } from '../site.ts';
import { type Moto, startMoto } from './moto.ts';
import { startTlsFront } from './tls-front.ts';

export interface PeerNode {
  readonly name: string;
  readonly instanceId: string;
}

export interface Ground extends Server {
  readonly site: AccountSite;
  readonly plane: ControlPlane;
  readonly moto: Moto;
  /** HTTPS, as AWS has it, and what a function trusts for it. */
  readonly endpoints: Endpoints;
  /** Ready, and empty. Their instances are moto's. */
  addNodes(count: number, labels?: Readonly<Record<string, string>>): Promise<readonly PeerNode[]>;
  /** The machines are gone. */
  removeNodes(nodes: readonly PeerNode[]): Promise<void>;
  addNamespace(): Promise<string>;
  /** So many pods without a controller on each node, which exit after `exitSeconds`: running when this resolves. */
  addPods(
    nodes: readonly PeerNode[],
    pods: { readonly namespace: string; readonly each: number; readonly exitSeconds: number },
  ): Promise<void>;
  isEmpty(namespace: string): Promise<boolean>;
  close(): Promise<void>;
}

export interface Endpoints {
  /** Of the table and of Auto Scaling. */
  readonly moto: string;
  /** Of EKS and of Step Functions. */
  readonly lab: string;
  /** A file with the certificate of their authority. */
  readonly ca: string;
}

/** Whom the audit log names. */
export const KUBELET = 'kubelet';
export const KUBECTL = 'kubectl';
export const NTH = 'aws-node-termination-handler';
/** The group of the others, who may do everything, and have no priority before ours. */
const PEERS = 'peers';

const PATIENCE_MS = 240_000;
const AT_ONCE = 16;

export async function raiseGround(assets: string): Promise<Ground> {
  const closing: (() => Promise<unknown>)[] = [];
  const close = async () => {
    for (const one of closing.splice(0).reverse()) await one();
  };
  try {
    const site = await raiseAccount('develop', { start: new Date() });
    closing.push(() => site.close());
    const folder = await mkdtemp(path.join(tmpdir(), 'nightshift-peers-'));
    closing.push(() => rm(folder, { recursive: true, force: true }));
    const authority = await createCertificateAuthority();
    const webhook = await serveTokenReviews(site, authority, folder);
    closing.push(webhook.close);
    const plane = await startControlPlane({
      assets,
      priority: 'usual',
      users: { [KUBELET]: ['system:masters'], [KUBECTL]: [PEERS], [NTH]: [PEERS] },
      auditRules: [
        {
          level: 'Metadata',
          users: [KUBELET],
          verbs: ['delete'],
          resources: [{ group: '', resources: ['pods'] }],
        },
        { level: 'None', users: [KUBELET] },
        // With their bodies: not every change of a node cordons it.
        { level: 'Request', verbs: ['patch', 'update'], resources: [{ group: '', resources: ['nodes'] }] },
        {
          level: 'Metadata',
          userGroups: site.stack.accessEntries.flatMap((entry) => entry.kubernetesGroups),
        },
      ],
      flags: [
        `--authentication-token-webhook-config-file=${webhook.file}`,
        '--authentication-token-webhook-version=v1',
      ],
    });
    closing.push(() => plane.close());
    site.aws.setClusterEndpoint(site.cluster, { endpoint: plane.url, ca: plane.ca });
    for (const { principalArn, kubernetesGroups } of site.stack.accessEntries)
      site.aws.addAccessEntry(site.cluster, { principalArn, kubernetesGroups });
    const moto = await startMoto();
    closing.push(() => moto.close());
    await moto.createTable(site.stack.tables[0]?.name ?? '');
    const certificate = await authority.issue(['127.0.0.1']);
    const fronts = [
      await startTlsFront(moto.url, certificate),
      await startTlsFront(site.front.url, certificate),
    ] as const;
    closing.push(() => Promise.all(fronts.map((front) => front.close())));
    const ca = path.join(folder, 'ca.pem');
    await writeFile(ca, authority.pem);
    const endpoints = { moto: fronts[0].url, lab: fronts[1].url, ca };
    const kubelets = await startKubelets(plane, { user: KUBELET });
    closing.push(() => kubelets.close());
    const host = createHttpHost({ url: plane.url, ca: plane.ca, trust: 'only' });
    closing.push(async () => host.close());
    const ask = askingOf(host, (who) => plane.tokenOf(who));
    const ground = createGround({ site, plane, moto, endpoints, kubelets, ask, close });
    await admit(ground);
    return ground;
  } catch (error) {
    await close();
    throw error;
  }
}

interface Parts extends Pick<Ground, 'site' | 'plane' | 'moto' | 'endpoints' | 'ask' | 'close'> {
  readonly kubelets: Kubelets;
}

function createGround({ kubelets, ...parts }: Parts): Ground {
  const { moto, ask } = parts;
  let namespaces = 0;
  const until: Server['until'] = (what, look) =>
    untilSeen(what, look, { patienceMs: PATIENCE_MS, everyMs: 100 });
  const list = async (namespace: string, query = ''): Promise<readonly Json[]> =>
    (await must({ ask }, 'GET', `/api/v1/namespaces/${namespace}/pods${query}`)).items;
  return {
    ...parts,
    until,
    async addNodes(count, labels = {}) {
      const nodes = await moto.runInstances(count);
      await pMap(nodes, (node) => kubelets.add({ ...node, labels }), { concurrency: AT_ONCE });
      return nodes;
    },
    async removeNodes(nodes) {
      await pMap(nodes, ({ name }) => kubelets.remove(name), { concurrency: AT_ONCE });
    },
    async addNamespace() {
      const name = `peers-${++namespaces}`;
      await must({ ask }, 'POST', '/api/v1/namespaces', { metadata: { name } });
      const account = `/api/v1/namespaces/${name}/serviceaccounts/default`;
      await until(`${name} has a service account`, async () => {
        const { status } = await ask('admin', { method: 'GET', path: account });
        return status === 200;
      });
      return name;
    },
    async addPods(nodes, { namespace, each, exitSeconds }) {
      const seeds = nodes.flatMap(({ name: node }, at) =>
        Array.from({ length: each }, (_, index) => ({
          namespace,
          name: `pod-${at}-${index}`,
          node,
          labels: { app: 'load' },
          annotations: { 'lab.nightshift/exit-seconds': String(exitSeconds) },
          graceSeconds: 30,
        })),
      );
      await pMap(seeds, (seed) => addPod({ ask, until }, seed), { concurrency: AT_ONCE });
      const notRunning = `?fieldSelector=${encodeURIComponent('status.phase!=Running')}&limit=1`;
      await until(
        `the pods of ${namespace} run`,
        async () => (await list(namespace, notRunning)).length === 0,
      );
    },
    isEmpty: async (namespace) => (await list(namespace, '?limit=1')).length === 0,
  };
}

/** The manifests of this project for the functions, and everything for the others. */
async function admit(ground: Ground): Promise<void> {
  const own = await grants();
  for (const namespace of new Set(own.map(({ metadata }) => metadata.namespace).filter(Boolean)))
    await ground.ask('admin', {
      method: 'POST',
      path: '/api/v1/namespaces',
      body: { metadata: { name: namespace } },
    });
  for (const object of own)
    if (object.kind !== 'Namespace') await must(ground, 'POST', collectionOf(object), object);
  await must(ground, 'POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
    metadata: { name: PEERS },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: PEERS }],
  });
}

/** Stands for the authenticator of EKS: it asks the lab's STS and access entries whose a token is. */
async function serveTokenReviews(site: AccountSite, authority: CertificateAuthority, folder: string) {
  const authenticate = createAuthenticator(site.aws, site.cluster);
  const server = https.createServer(await authority.issue(['127.0.0.1']), (incoming, reply) => {
    let text = '';
    incoming.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    incoming.on('end', () => {
      const { spec, apiVersion, kind } = JSON.parse(text) as Json;
      const user = authenticate(spec.token);
      const status = user ? { authenticated: true, user } : { authenticated: false };
      reply.writeHead(200, { 'content-type': 'application/json' });
      reply.end(JSON.stringify({ apiVersion, kind, status }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const file = path.join(folder, 'authenticator.kubeconfig');
  await writeFile(file, kubeconfig({ name: 'authenticator', url, caPem: authority.pem, token: 'unused' }));
  return {
    file,
    close: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
