/**
 * A real Karpenter on the loopback, with its kwok provider over a real control plane. Its instances are Node objects,
 * which get a kubelet without containers each: they register, are Ready, and run the pods that are bound to them.
 */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Node } from 'kubernetes-types/core/v1.d.ts';
import type { KubernetesClient } from '#functions/adapters/kubernetes/client.ts';
import { isNotFound } from '#functions/adapters/kubernetes/errors.ts';
import { createDefinitions } from './argo-cd-objects.ts';
import type { ControlPlane } from './control-plane.ts';
import type { Kubelets } from './control-plane-kubelet.ts';
import { freePort, type Program, startProgram, untilReady, withPrograms } from './control-plane-program.ts';

export interface KarpenterOptions {
  /** `KARPENTER_ASSETS`: a folder with `karpenter` and the `crds` of its release. */
  readonly assets: string;
  /** With its controllers. */
  readonly plane: ControlPlane;
  readonly kubelets: Kubelets;
}

export interface Karpenter {
  /** `v1.13.0` */
  readonly version: string;
  /** The class that a NodePool's `nodeClassRef` names. */
  readonly nodeClassRef: { readonly group: string; readonly kind: string; readonly name: string };
  /** It stands still until `resume`. */
  suspend(): void;
  resume(): void;
  /** Ends the program; objects and nodes stay. Throws the first thing that went wrong with a node, if any did. */
  close(): Promise<void>;
}

const READY_MS = 180_000;
const NODE_CLASS = { group: 'karpenter.kwok.sh', kind: 'KWOKNodeClass', name: 'default' };
const NODE_CLASSES = '/apis/karpenter.kwok.sh/v1alpha1/kwoknodeclasses';
const KWOK_NODES = '/api/v1/nodes?labelSelector=kwok.x-k8s.io%2Fnode%3Dfake';
/** Between two lists of the nodes. */
const POLL_MS = 200;

export function startKarpenter(options: KarpenterOptions): Promise<Karpenter> {
  return withPrograms('karpenter', (folder, programs, close) => start(options, folder, programs, close));
}

async function start(
  options: KarpenterOptions,
  folder: string,
  programs: Program[],
  close: () => Promise<void>,
): Promise<Karpenter> {
  const { assets, plane, kubelets } = options;
  const admin = plane.clientFor('admin');
  try {
    const crds = path.join(assets, 'crds');
    await createDefinitions(admin, crds, await readdir(crds));
    const { group, kind, name } = NODE_CLASS;
    const body = { apiVersion: `${group}/v1alpha1`, kind, metadata: { name } };
    await admin.request({ method: 'POST', path: NODE_CLASSES, body });

    const [metrics, probes] = [await freePort(), await freePort()];
    const program = startProgram(
      assets,
      'karpenter',
      [
        `--metrics-port=${metrics}`,
        `--health-probe-port=${probes}`,
        '--disable-leader-election=true',
        '--feature-gates=StaticCapacity=true',
      ],
      {
        environment: {
          HOME: folder,
          KUBECONFIG: await plane.kubeconfigFor('admin'),
          SYSTEM_NAMESPACE: 'kube-system',
        },
      },
    );
    programs.push(program);
    const isReady = async () => (await fetch(`http://127.0.0.1:${probes}/readyz`)).status === 200;
    await untilReady('karpenter', isReady, programs, READY_MS);
    const version = versionIn(await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text());
    const nodes = runNodes(admin, kubelets);
    return {
      version,
      nodeClassRef: NODE_CLASS,
      suspend: () => program.suspend(),
      resume: () => program.resume(),
      close: () => close().finally(() => nodes.close().finally(() => admin.close())),
    };
  } catch (error) {
    admin.close();
    throw error;
  }
}

/** Gives each new instance a kubelet, which ends with its Node. */
function runNodes(client: KubernetesClient, kubelets: Kubelets): { close(): Promise<void> } {
  const stop = new AbortController();
  const adopted = new Set<string>();
  const reconcile = async () => {
    const { body } = await client.request<{ items: readonly Node[] }>({ method: 'GET', path: KWOK_NODES });
    const names = body.items.map(({ metadata }) => metadata?.name ?? '');
    for (const name of names.filter((one) => !adopted.has(one))) {
      adopted.add(name);
      await kubelets.adopt(name).catch(unlessGone);
    }
    for (const name of [...adopted].filter((one) => !names.includes(one))) {
      adopted.delete(name);
      kubelets.forget(name);
    }
  };
  const running = (async () => {
    while (!stop.signal.aborted) {
      await reconcile();
      await wait(POLL_MS, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  })();
  // Reported by `close`.
  running.catch(() => undefined);
  return {
    close() {
      stop.abort();
      return running;
    },
  };
}

function unlessGone(error: unknown): void {
  if (!isNotFound(error)) throw error;
}

function versionIn(metrics: string): string {
  const version = /karpenter_build_info\{[^}]*version="([^"]+)"/.exec(metrics)?.[1];
  if (version === undefined) throw new Error('the metrics of karpenter name no version');
  return `v${version}`;
}
