/** Clusters for the tests of the lab's Kubernetes: in virtual time, and with HTTPS for tests of the protocol. */
import https from 'node:https';
import { type KubernetesEndpoint, serveKubernetes } from '#lab/http/kubernetes/server.ts';
import { type CertificateAuthority, createCertificateAuthority } from '#lab/http/tls.ts';
import { createContext } from '#lab/world/context.ts';
import type { InstanceView, WorldContext } from '#lab/world/interfaces.ts';
import { createKubernetes, type Kubernetes, type KubernetesOptions } from '#lab/world/kubernetes/index.ts';
import { isPodReady, type PodObject } from '#lab/world/kubernetes/objects.ts';

export const START = new Date('2026-11-24T00:00:00Z');

export function anInstance(number: number, overrides: Partial<InstanceView> = {}): InstanceView {
  return {
    id: `i-${String(number).padStart(17, '0')}`,
    account: '111111111111',
    region: 'ap-northeast-1',
    zone: 'ap-northeast-1a',
    type: 'm5.large',
    privateDnsName: `ip-10-0-0-${number}.ap-northeast-1.compute.internal`,
    privateIp: `10.0.0.${number}`,
    capacityType: 'SPOT',
    cluster: 'develop',
    autoScalingGroup: 'workers',
    labels: {},
    ...overrides,
  };
}

export interface Cluster {
  readonly context: WorldContext;
  readonly kubernetes: Kubernetes;
  /** Lets virtual time pass. */
  run(seconds: number): Promise<void>;
  start(...instances: InstanceView[]): void;
  lose(...instances: InstanceView[]): void;
  pods(labels?: Record<string, string>): PodObject[];
  readyPods(labels?: Record<string, string>): PodObject[];
}

export function aCluster(options: Partial<KubernetesOptions> = {}): Cluster {
  const context = createContext({ start: START, seed: 7 });
  const kubernetes = createKubernetes(context, {
    cluster: 'develop',
    account: '111111111111',
    region: 'ap-northeast-1',
    ...options,
  });
  const pods = (labels: Record<string, string> = {}) =>
    kubernetes.api.store
      .all('pods')
      .filter((pod) => Object.entries(labels).every(([key, value]) => pod.metadata.labels?.[key] === value));
  return {
    context,
    kubernetes,
    run: (seconds) => context.clock.runUntil(context.clock.now() + seconds * 1_000),
    start: (...instances) => {
      for (const one of instances) context.signals.emit('instance-running', one);
    },
    lose: (...instances) => {
      for (const one of instances) context.signals.emit('instance-gone', one);
    },
    pods,
    readyPods: (labels) => pods(labels).filter(isPodReady),
  };
}

/** With nodes that are Ready. */
export async function aRunningCluster(
  nodes: number,
  options: Partial<KubernetesOptions> = {},
): Promise<Cluster> {
  const cluster = aCluster(options);
  cluster.start(...Array.from({ length: nodes }, (_, index) => anInstance(index + 1)));
  await cluster.run(60);
  return cluster;
}

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  // biome-ignore lint/suspicious/noExplicitAny: whatever the API answers
  readonly body: any;
}

export interface Served extends Cluster {
  readonly endpoint: KubernetesEndpoint;
  readonly ca: CertificateAuthority;
  request(
    method: string,
    path: string,
    options?: {
      readonly body?: unknown;
      readonly token?: string | null;
      readonly contentType?: string;
      readonly accept?: string;
      readonly headers?: Record<string, string>;
    },
  ): Promise<Reply>;
}

/** Tokens: `operator` may do everything, `drain`, `night` and `deploy` are the functions, all others are refused. */
export async function served(cluster: Cluster): Promise<Served> {
  const ca = await createCertificateAuthority();
  const groups: Record<string, string> = {
    drain: 'nightshift:spot-drain',
    night: 'nightshift:night-schedule',
    deploy: 'nightshift:branch-deploy',
  };
  const endpoint = await serveKubernetes({
    kubernetes: cluster.kubernetes,
    context: cluster.context,
    ca,
    operatorToken: 'operator',
    authenticate: (token) => {
      const group = groups[token];
      return group === undefined
        ? undefined
        : { username: `arn:aws:sts::1:assumed-role/${token}/x`, groups: [group] };
    },
  });
  return {
    ...cluster,
    endpoint,
    ca,
    request: (method, path, options = {}) =>
      new Promise((resolve, reject) => {
        const token = options.token === undefined ? 'operator' : options.token;
        const text = options.body === undefined ? undefined : JSON.stringify(options.body);
        const outgoing = https.request(
          {
            host: '127.0.0.1',
            port: endpoint.port,
            ca: ca.pem,
            agent: false,
            method,
            path,
            headers: {
              ...(token === null ? {} : { authorization: `Bearer ${token}` }),
              ...(text === undefined
                ? {}
                : {
                    'content-type': options.contentType ?? 'application/json',
                    'content-length': String(Buffer.byteLength(text)),
                  }),
              ...(options.accept === undefined ? {} : { accept: options.accept }),
              ...options.headers,
            },
          },
          (incoming) => {
            let answer = '';
            incoming.setEncoding('utf8');
            incoming.on('data', (part: string) => {
              answer += part;
            });
            incoming.on('error', reject);
            incoming.on('end', () => {
              const json = incoming.headers['content-type']?.startsWith('application/json');
              resolve({
                status: incoming.statusCode ?? 0,
                headers: incoming.headers,
                body: json ? JSON.parse(answer) : answer,
              });
            });
          },
        );
        outgoing.on('error', reject);
        outgoing.end(text);
      }),
  };
}
