/** A bed on the lab's Kubernetes: behind HTTPS, in virtual time, with the RBAC of manifests/ applied. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { kubeconfig, serveKubernetes } from '@nightshift/lab/http/kubernetes/server.ts';
import { createCertificateAuthority } from '@nightshift/lab/http/tls.ts';
import { anInstance, START } from '@nightshift/lab/test/kubernetes/cluster.ts';
import { createContext } from '@nightshift/lab/world/context.ts';
import type { WorldContext } from '@nightshift/lab/world/interfaces.ts';
import { createKubernetes, type Kubernetes, type ScaleOut } from '@nightshift/lab/world/kubernetes/index.ts';
import { resources } from '@nightshift/lab/world/kubernetes/resources.ts';
import { createHttpHost } from '#functions/adapters/http.ts';
import { createKubernetesClient } from '#functions/adapters/kubernetes/client.ts';
import { type Bed, GROUPS, type Who } from '#test/conformance/kubernetes/bed.ts';
import { applyManifests, askingOf } from '#test/conformance/kubernetes/setup.ts';

/** Between two looks, at first and at most. */
const STEP_MS = { first: 100, most: 2_000 };
/** So much virtual time for a real millisecond, in which requests are answered. */
const LIVE_STEP_MS = 10;
const PATIENCE_MS = 120_000;
const tokenOf = (who: Who) => `token-of-${who}`;

export async function aLabBed(): Promise<Bed> {
  return (await aLabServer()).bed;
}

export interface LabServer {
  readonly bed: Bed;
  readonly context: WorldContext;
  readonly kubernetes: Kubernetes;
}

/** `scaleOut`: how its autoscalers ask for nodes. */
export async function aLabServer(scaleOut?: (context: WorldContext) => ScaleOut): Promise<LabServer> {
  const context = createContext({ start: START, seed: 7 });
  const { clock } = context;
  const alarmIn = (ms: number) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = clock.after(ms, resolve);
    return {
      rang: promise,
      ring() {
        timer.cancel();
        resolve();
      },
    };
  };
  const kubernetes = createKubernetes(context, {
    cluster: 'develop',
    account: '111111111111',
    region: 'ap-northeast-1',
    ...(scaleOut ? { scaleOut: scaleOut(context) } : {}),
  });
  const ca = await createCertificateAuthority();
  const endpoint = await serveKubernetes({
    kubernetes,
    context,
    ca,
    operatorToken: tokenOf('admin'),
    authenticate(token) {
      const user = Object.entries(GROUPS).find(([who]) => token === tokenOf(who as Who));
      return user && { username: user[0], groups: user[1] };
    },
  });
  const host = createHttpHost({ url: endpoint.url, ca: ca.pem, trust: 'only' });
  const closing: (() => unknown)[] = [() => host.close()];
  let nodes = 0;
  let namespaces = 0;
  const bed: Bed = {
    software: `the lab's Kubernetes ${kubernetes.gitVersion}`,
    clientFor(who, options = {}) {
      const client = createKubernetesClient({
        cluster: 'develop',
        region: 'ap-northeast-1',
        describeCluster: async () => ({ endpoint: endpoint.url, ca: ca.pem }),
        token: async () => tokenOf(who),
        ...options,
      });
      closing.push(() => client.close());
      return client;
    },
    tokenOf,
    ask: askingOf(host, tokenOf),
    async addNode(labels = {}) {
      const instance = anInstance(++nodes, { labels });
      context.signals.emit('instance-running', instance);
      await clock.runUntil(clock.now() + 60_000);
      const { privateDnsName: name, id: instanceId, zone, type: instanceType } = instance;
      return { name, instanceId, zone, instanceType };
    },
    async addNamespace() {
      const name = `place-${++namespaces}`;
      kubernetes.addNamespace(name);
      return name;
    },
    async until(what, look) {
      const end = clock.now() + PATIENCE_MS;
      for (let step = STEP_MS.first; ; step = Math.min(STEP_MS.most, step * 1.5)) {
        const seen = await look();
        if (seen) return seen;
        if (clock.now() > end) throw new Error(`after ${PATIENCE_MS / 1_000} s it is not so that ${what}`);
        await clock.runUntil(clock.now() + step);
      }
    },
    // Virtual time stands still until the clock is run.
    withoutControllers: (doing) => doing(),
    async live(doing) {
      let over = false;
      const work = doing().finally(() => {
        over = true;
      });
      while (!over) {
        await clock.runUntil(clock.now() + LIVE_STEP_MS);
        await wait(1);
      }
      return work;
    },
    clock: {
      now: () => clock.date(),
      random: context.random,
      sleep: (ms) => alarmIn(ms).rang,
      alarm: alarmIn,
    },
    async crowded(doing) {
      endpoint.faults.add({ path: /./, times: 20, reply: 429 });
      return doing().finally(() => endpoint.faults.clear());
    },
    async forgetPages() {
      kubernetes.api.store.compact();
    },
    // What kubectl makes of the lab is looked at elsewhere.
    kubectl: async () => undefined,
    async kubeconfigFor(who) {
      const folder = await mkdtemp(path.join(tmpdir(), 'nightshift-bed-'));
      closing.push(() => rm(folder, { recursive: true }));
      const file = path.join(folder, 'kubeconfig');
      await writeFile(file, kubeconfig({ name: who, url: endpoint.url, caPem: ca.pem, token: tokenOf(who) }));
      return file;
    },
    async asked() {
      return endpoint.calls.flatMap(({ user, verb, resource: asked, namespace, name, status }) => {
        const [key = '', subresource] = asked.split('/');
        const resource = resources.find((one) => one.key === key);
        if (!resource || !(user in GROUPS)) return [];
        return [
          {
            user,
            verb,
            group: resource.group,
            resource: resource.plural,
            status,
            ...(subresource === undefined ? {} : { subresource }),
            ...(namespace === undefined ? {} : { namespace }),
            ...(name === undefined ? {} : { name }),
          },
        ];
      });
    },
    async close() {
      for (const close of closing) await close();
      await endpoint.close();
    },
  };
  await applyManifests(bed);
  return { bed, context, kubernetes };
}
