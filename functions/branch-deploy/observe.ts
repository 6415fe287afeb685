/** What Argo CD shows of one application, with its live pods where the images of a build are to be found in them. */
import type { ApplicationSettings } from '#model/settings.ts';
import { isOf } from './images.ts';
import type { ApplicationView, DeployContext, LivePod, Registry, Result } from './ports.ts';
import type { ApplicationRecord } from './record.ts';

export async function observe(
  application: ApplicationSettings,
  record: ApplicationRecord,
  { argocd, registry }: Pick<DeployContext, 'argocd' | 'registry'>,
  options: { readonly refresh?: boolean },
): Promise<Result<ApplicationView>> {
  const read = await argocd.read(application, options);
  if (!read.ok || !needsPods(record, read.value)) return read;
  const pods = await argocd.pods(application);
  if (pods.ok)
    return { ok: true, value: { ...read.value, pods: await withPlatforms(pods.value, record, registry) } };
  // Without the right to see pods, Argo CD's summary of their images has to do.
  return pods.error.kind === 'forbidden' || pods.error.kind === 'missing' ? read : pods;
}

/** Only where the pods can decide: nothing is running, and the rollout is under way or over. */
function needsPods({ requested }: ApplicationRecord, { pendingOperation, health }: ApplicationView): boolean {
  const hasImages = requested.some(({ images }) => images?.length);
  return hasImages && !pendingOperation && (health === 'Healthy' || health === 'Progressing');
}

/**
 * A pod may run an index whose platform was built, or the other way round; only the registry knows. It is asked about
 * what the record does not have already.
 */
async function withPlatforms(
  pods: readonly LivePod[],
  { requested }: ApplicationRecord,
  registry: Registry,
): Promise<readonly LivePod[]> {
  const built = requested.flatMap(({ images = [] }) => images);
  const found = new Map<string, readonly string[]>();
  for (const { image, digests } of pods.flatMap(({ containers }) => containers)) {
    const [digest] = digests;
    const bound = built.find((one) => isOf(image, one));
    if (!digest || !bound || found.has(digest) || bound.digests?.includes(digest)) continue;
    if (!registry.has(bound.repository)) continue;
    found.set(
      digest,
      (await registry.digests({ repository: bound.repository, version: digest })) ?? [digest],
    );
  }
  if (found.size === 0) return pods;
  return pods.map((pod) => ({
    ...pod,
    containers: pod.containers.map((container) => ({
      ...container,
      digests: found.get(container.digests[0] ?? '') ?? container.digests,
    })),
  }));
}
