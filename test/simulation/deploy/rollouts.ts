import type { Workloads } from '@nightshift/lab/world/interfaces.ts';

/** Deployments whose pods are Ready some seconds after a new image. */
export function createRollouts(
  clock: { now(): number },
  rolloutSeconds: number,
): Workloads & { readonly images: ReadonlyMap<string, string> } {
  const applied = new Map<string, { readonly image: string; readonly at: number }>();
  const images = new Map<string, string>();
  const health: Workloads['health'] = (namespace, name) => {
    const found = applied.get(`${namespace}/${name}`);
    if (!found) return 'Missing';
    return clock.now() - found.at < rolloutSeconds * 1_000 ? 'Progressing' : 'Healthy';
  };
  return {
    images,
    apply({ namespace, name, image }) {
      const key = `${namespace}/${name}`;
      if (applied.get(key)?.image === image) return;
      applied.set(key, { image, at: clock.now() });
      images.set(key, image);
    },
    health,
    available: (namespace, name) => health(namespace, name) === 'Healthy',
  };
}
