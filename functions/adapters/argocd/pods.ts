/** From the objects of Kubernetes to live pods, however they were read. */
import type { LivePod, Workload } from '#functions/branch-deploy/ports.ts';
import * as s from '#model/record-schema.ts';

const text = s.optional(s.string);
const listOf = <T>(schema: s.Schema<T>) => s.optional(s.nullable(s.listOf(schema)));
const CONTAINERS = listOf(s.object({ name: s.string, image: text }));
const STATUSES = listOf(s.object({ name: s.string, imageID: text }));

const POD = s.object({
  metadata: s.object({ name: s.string, deletionTimestamp: text }),
  spec: s.object({ containers: CONTAINERS, initContainers: CONTAINERS }),
  status: s.optional(s.object({ phase: text, containerStatuses: STATUSES, initContainerStatuses: STATUSES })),
});
export type PodObject = s.TypeOf<typeof POD>;

export function isPod(value: unknown): value is PodObject {
  return s.isValid(POD, value);
}

/** Undefined for a pod that has ended, or is being deleted: it gets no new requests. */
export function livePodOf(pod: PodObject, workload: Workload | undefined): LivePod | undefined {
  const { metadata, spec, status } = pod;
  if (metadata.deletionTimestamp || status?.phase === 'Succeeded' || status?.phase === 'Failed')
    return undefined;
  const statuses = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])];
  return {
    name: metadata.name,
    ...(workload ? { workload } : {}),
    containers: [...(spec.containers ?? []), ...(spec.initContainers ?? [])].map(({ name, image = '' }) => {
      const imageId = statuses.find((one) => one.name === name)?.imageID ?? '';
      // `docker-pullable://…/api@sha256:…`; a bare `sha256:…` is the id of a config, which no registry knows.
      const digest = /@(sha256:[0-9a-f]{64})$/.exec(imageId)?.[1];
      return { image, started: imageId !== '', digests: digest ? [digest] : [] };
    }),
  };
}

/** What `kubectl rollout restart` and Argo CD's action `restart` can restart. */
export function isRestartable({ group, kind }: { readonly group: string; readonly kind: string }): boolean {
  if (group === 'argoproj.io') return kind === 'Rollout';
  return group === 'apps' && ['Deployment', 'StatefulSet', 'DaemonSet'].includes(kind);
}
