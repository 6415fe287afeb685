/** A bed on a real Karpenter, from the programs of `KARPENTER_ASSETS` and `KUBEBUILDER_ASSETS`. */

import { setTimeout as wait } from 'node:timers/promises';
import { createHttpHost } from '#functions/adapters/http.ts';
import { createKubernetesClient } from '#functions/adapters/kubernetes/client.ts';
import { startControlPlane } from '#test/conformance/servers/control-plane.ts';
import { type Kubelets, startKubelets } from '#test/conformance/servers/control-plane-kubelet.ts';
import { type Karpenter, startKarpenter } from '#test/conformance/servers/karpenter.ts';
import { untilSeen } from '#test/conformance/servers/until-seen.ts';
import { GROUPS, type Who } from '../kubernetes/bed.ts';
import { applyManifests, askingOf } from '../kubernetes/setup.ts';
import type { KarpenterBed } from './bed.ts';

const PATIENCE_MS = 60_000;

export interface Assets {
  readonly kubernetes: string;
  readonly karpenter: string;
}

export interface RealKarpenterBed extends KarpenterBed {
  /** A file for kubectl, with which everything is allowed. */
  readonly kubeconfig: string;
}

export async function aRealKarpenterBed(assets: Assets): Promise<RealKarpenterBed> {
  const closing: (() => unknown)[] = [];
  const close = async () => {
    for (const one of closing.reverse()) await one();
  };
  try {
    const plane = await startControlPlane({ assets: assets.kubernetes, users: GROUPS });
    closing.push(() => plane.close());
    const kubelets: Kubelets = await startKubelets(plane);
    closing.push(() => kubelets.close());
    const host = createHttpHost({ url: plane.url, ca: plane.ca, trust: 'only' });
    closing.push(() => host.close());
    const ask = askingOf(host, (who) => plane.tokenOf(who));
    const karpenter: Karpenter = await startKarpenter({ assets: assets.karpenter, plane, kubelets });
    closing.push(() => karpenter.close());
    await applyManifests({ ask });
    let namespaces = 0;
    const until: KarpenterBed['until'] = (what, look) =>
      untilSeen(what, look, { patienceMs: PATIENCE_MS, everyMs: 100 });
    return {
      software: `Karpenter ${karpenter.version} on Kubernetes ${plane.version}`,
      instanceType: 'c-1x-amd64-linux',
      podCpu: '600m',
      kubeconfig: await plane.kubeconfigFor('admin'),
      nodeClassRef: karpenter.nodeClassRef,
      ask,
      until,
      clientFor(who: Who, options = {}) {
        const client = createKubernetesClient({
          cluster: 'conformance',
          region: 'local',
          describeCluster: async () => ({ endpoint: plane.url, ca: plane.ca }),
          token: async () => plane.tokenOf(who),
          ...options,
        });
        closing.push(() => client.close());
        return client;
      },
      async addNamespace() {
        const name = `place-${++namespaces}`;
        const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
        await ask('admin', { method: 'POST', path: '/api/v1/namespaces', body });
        const path = `/api/v1/namespaces/${name}/serviceaccounts/default`;
        await until(`${name} has a service account`, async () => {
          const { status } = await ask('admin', { method: 'GET', path });
          return status === 200;
        });
        return name;
      },
      now: () => new Date(),
      pass: (seconds) => wait(seconds * 1_000),
      async withoutKarpenter(work) {
        karpenter.suspend();
        try {
          return await work();
        } finally {
          karpenter.resume();
        }
      },
      asked: () => plane.audit(),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
