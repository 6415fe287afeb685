/**
 * Deployments whose pods are there some seconds after a new image or a restart; until then the older ones serve. What a
 * pod runs is what the tag meant when it was started, as with imagePullPolicy Always.
 */
import type { LivePodObject, Workloads } from '@nightshift/lab/world/interfaces.ts';
import type { ImageRegistry } from '@nightshift/lab/world/registry/registry.ts';

export interface Rollouts extends Workloads {
  /** By `<namespace>/<name>`: the image that was applied last. */
  readonly images: Map<string, string>;
  /** Never Healthy. */
  broken: boolean;
  /** False: a tag that was pulled before is not pulled again. */
  pullsAgain: boolean;
}

interface Play {
  readonly uid: string;
  readonly image: string;
  readonly digest: string;
  readonly from: number;
  readonly until?: number;
}

export function createRollouts(
  clock: { now(): number },
  {
    rolloutSeconds,
    images: registry,
  }: { readonly rolloutSeconds: number; readonly images: Pick<ImageRegistry, 'pull'> },
): Rollouts {
  const applied = new Map<string, { image: string; at: number; replicas: number }>();
  const pods = new Map<string, Play[]>();
  const images = new Map<string, string>();
  let count = 0;
  const digestOf = (image: string) => {
    const pulled = registry.pull(image);
    return pulled === undefined || pulled === 'elsewhere' ? `sha256:${'0'.repeat(64)}` : pulled;
  };
  const roll = (key: string, image: string, replicas: number) => {
    const at = clock.now() + (pods.has(key) ? rolloutSeconds * 1000 : 0);
    const before = (pods.get(key) ?? []).filter(
      ({ until = Number.POSITIVE_INFINITY }) => until > clock.now(),
    );
    const pulledBefore = before.find((pod) => pod.image === image)?.digest;
    const digest = (!workloads.pullsAgain && pulledBefore) || digestOf(image);
    const next = Array.from({ length: replicas }, () => ({ uid: `pod-${count++}`, image, digest, from: at }));
    pods.set(key, [...before.map((pod) => ({ ...pod, until: at })), ...next]);
    applied.set(key, { image, at: clock.now(), replicas });
    images.set(key, image);
  };
  const workloads: Rollouts = {
    images,
    broken: false,
    pullsAgain: true,
    apply({ namespace, name, image, replicas }) {
      const key = `${namespace}/${name}`;
      const before = applied.get(key);
      if (before?.image !== image || before.replicas !== replicas) roll(key, image, replicas);
    },
    restart(namespace, name) {
      const key = `${namespace}/${name}`;
      const before = applied.get(key);
      if (before) roll(key, before.image, before.replicas);
    },
    pods(namespace, name) {
      const now = clock.now();
      const live = (pods.get(`${namespace}/${name}`) ?? []).filter(
        ({ from, until = Number.POSITIVE_INFINITY }) => from <= now && until > now,
      );
      return live.map((pod) => ({
        pod: aPod(namespace, pod),
        replicaSet: { name: `${name}-1`, uid: `${name}-1` },
      }));
    },
    health(namespace, name) {
      const found = applied.get(`${namespace}/${name}`);
      if (!found) return 'Missing';
      if (clock.now() - found.at < rolloutSeconds * 1000) return 'Progressing';
      return workloads.broken ? 'Degraded' : 'Healthy';
    },
    available: (namespace, name) => workloads.health(namespace, name) === 'Healthy',
  };
  return workloads;
}

function aPod(namespace: string, { uid, image, digest }: Play): LivePodObject {
  const [name = ''] = image.split('@');
  const imageID = `${name.replace(/:[^:/]*$/, '')}@${digest}`;
  return {
    metadata: { name: uid, namespace, uid, resourceVersion: '1' },
    spec: { containers: [{ name: 'app', image }] },
    status: { phase: 'Running', containerStatuses: [{ name: 'app', imageID }] },
  };
}
