/** A bed on a real control plane, from the programs of `KUBEBUILDER_ASSETS`, with the RBAC of manifests/ applied. */

import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { createClock } from '#functions/adapters/clock.ts';
import { createHttpHost } from '#functions/adapters/http.ts';
import { createKubernetesClient } from '#functions/adapters/kubernetes/client.ts';
import { type ControlPlane, startControlPlane } from '#test/conformance/servers/control-plane.ts';
import { startKubelets } from '#test/conformance/servers/control-plane-kubelet.ts';
import { untilSeen } from '#test/conformance/servers/until-seen.ts';
import { type Bed, GROUPS, type Who } from './bed.ts';
import { addCustomResources, addNarrowPriority, applyManifests, askingOf } from './setup.ts';

const PATIENCE_MS = 60_000;
/** Its default is five minutes: so long would a test of pages that are too old take. */
const COMPACTION_SECONDS = 3;

export async function aRealBed(assets: string): Promise<Bed> {
  const plane = await startControlPlane({
    assets,
    users: GROUPS,
    flags: [`--etcd-compaction-interval=${COMPACTION_SECONDS}s`],
  });
  const kubelets = await startKubelets(plane);
  const host = createHttpHost({ url: plane.url, ca: plane.ca, trust: 'only' });
  const clients: { close(): void }[] = [host];
  let nodes = 0;
  let namespaces = 0;
  const bed: Bed = {
    software: `Kubernetes ${plane.version}`,
    clientFor(who, options = {}) {
      const client = createKubernetesClient({ ...clientOptions(plane, who), ...options });
      clients.push(client);
      return client;
    },
    tokenOf: (who) => plane.tokenOf(who),
    ask: askingOf(host, (who) => plane.tokenOf(who)),
    async addNode(labels = {}) {
      const number = ++nodes;
      const node = {
        name: `ip-10-0-0-${number}.ap-northeast-1.compute.internal`,
        instanceId: `i-${String(number).padStart(17, '0')}`,
        zone: 'ap-northeast-1a',
      };
      await kubelets.add({ ...node, labels });
      return { ...node, instanceType: 'm7g.large' };
    },
    async addNamespace() {
      const name = `place-${++namespaces}`;
      await bed.ask('admin', {
        method: 'POST',
        path: '/api/v1/namespaces',
        body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
      });
      const path = `/api/v1/namespaces/${name}/serviceaccounts/default`;
      await bed.until(`${name} has a service account`, async () => {
        const { status } = await bed.ask('admin', { method: 'GET', path });
        return status === 200;
      });
      return name;
    },
    until: (what, look) => untilSeen(what, look, { patienceMs: PATIENCE_MS, everyMs: 50 }),
    async withoutControllers(doing) {
      plane.suspend('kube-controller-manager');
      try {
        return await doing();
      } finally {
        plane.resume('kube-controller-manager');
      }
    },
    live: (doing) => doing(),
    clock: createClock(),
    async crowded(doing) {
      await addNarrowPriority(bed);
      return doing();
    },
    // A round of the compaction forgets what was there at the round before.
    forgetPages: () => wait(3 * COMPACTION_SECONDS * 1_000),
    kubectl: () => findKubectl(assets),
    kubeconfigFor: (who) => plane.kubeconfigFor(who),
    asked: () => plane.audit(),
    async close() {
      for (const client of clients) client.close();
      await kubelets.close().finally(() => plane.close());
    },
  };
  await addCustomResources(bed);
  await applyManifests(bed);
  return bed;
}

/** The one beside the servers, or the one that is installed. */
async function findKubectl(assets: string): Promise<string | undefined> {
  for (const program of [path.join(assets, 'kubectl'), 'kubectl']) {
    const { error } = spawnSync(program, ['version', '--client'], { stdio: 'ignore' });
    if (!error) return program;
  }
  return undefined;
}

function clientOptions(plane: ControlPlane, who: Who) {
  return {
    cluster: 'conformance',
    region: 'ap-northeast-1',
    describeCluster: async () => ({ endpoint: plane.url, ca: plane.ca }),
    token: async () => plane.tokenOf(who),
  };
}
