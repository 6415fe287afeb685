/** One cluster, twice: as the simulation shows it to spot-drain, and behind HTTPS with RBAC, tokens and all. */

import { createContext } from '@nightshift/lab/world/context.ts';
import { createKubernetes, type Kubernetes } from '@nightshift/lab/world/kubernetes/index.ts';
import { describe } from 'vitest';
import { createDrainCluster } from '#functions/adapters/kubernetes/drain-cluster.ts';
import type { Cluster } from '#functions/spot-drain/ports.ts';
import { aLabCluster, INSTANCE } from '#test/functions/adapters/kubernetes/a-lab-cluster.ts';
import { createSimulatedClock } from '#test/simulation/clock.ts';
import { createKubernetesApi } from '#test/simulation/drain/kubernetes-api.ts';
import { drainClusterContract, type Subject } from './drain-cluster.ts';

async function simulated(): Promise<Subject> {
  const start = new Date('2026-11-24T01:00:00Z');
  const clock = createSimulatedClock(start);
  const context = { ...createContext({ start, seed: 7 }), clock };
  const { cluster, account, region } = INSTANCE;
  const kubernetes = createKubernetes(context, { cluster, account, region });
  context.signals.emit('instance-running', INSTANCE);
  const pass = (seconds: number) => clock.runUntil(clock.now() + seconds * 1_000);
  await pass(120);
  const client = createKubernetesApi({
    context,
    kubernetes,
    onRequest: () => undefined,
    around: async (_call, act) => act(),
  });
  return subjectOf(createDrainCluster(client), kubernetes, pass, async () => undefined);
}

async function overHttps(): Promise<Subject> {
  const lab = await aLabCluster();
  return subjectOf(createDrainCluster(lab.client), lab.kubernetes, lab.pass, lab.close);
}

function subjectOf(
  cluster: Cluster,
  kubernetes: Kubernetes,
  pass: (seconds: number) => Promise<void>,
  close: () => Promise<void>,
): Subject {
  const namespace = 'default';
  return {
    cluster,
    instanceId: INSTANCE.id,
    namespace,
    async addPods(budget) {
      kubernetes.addDeployment({ name: 'web', replicas: 2, terminationGracePeriodSeconds: 5 });
      if (budget) kubernetes.addPdb({ name: 'web', matchLabels: { app: 'web' }, ...budget });
      await pass(60);
    },
    async addDaemonSet(name) {
      kubernetes.addDaemonSet({ name, namespace });
      return kubernetes.api.get('daemonsets.apps', namespace, name).metadata.uid;
    },
    async until(what, look) {
      for (let seconds = 0; seconds < 60; seconds++) {
        if (await look()) return;
        await pass(1);
      }
      throw new Error(`after a minute it is not so that ${what}`);
    },
    close,
  };
}

describe.each([
  ['of the simulation', simulated],
  ['behind HTTPS', overHttps],
])('the cluster %s', (_name, create) => {
  drainClusterContract(create);
});
