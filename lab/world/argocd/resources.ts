/** What Argo CD shows and does beyond the Application: the tree of live objects, a live object, the action `restart`. */
import type { LivePodObject, Workloads } from '../interfaces.ts';
import type { Application } from './application.ts';
import { ArgocdError } from './errors.ts';

export interface TreeNode {
  readonly group?: string;
  readonly version: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly parentRefs?: readonly {
    readonly group: string;
    readonly kind: string;
    readonly namespace: string;
    readonly name: string;
    readonly uid: string;
  }[];
  readonly images?: readonly string[];
}

export interface ResourceQuery {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly namespace: string;
  readonly resourceName: string;
}

/** Deployments with their ReplicaSets and pods. */
export function treeOf({ live }: Application, workloads: Workloads): readonly TreeNode[] {
  return [...live.values()].flatMap(({ namespace, name }) => {
    const deployment = {
      group: 'apps',
      kind: 'Deployment',
      namespace,
      name,
      uid: `deployment/${namespace}/${name}`,
    };
    const pods = workloads.pods?.(namespace, name) ?? [];
    const sets = new Map(pods.map(({ replicaSet }) => [replicaSet.uid, replicaSet]));
    return [
      { ...deployment, version: 'v1', resourceVersion: '1' },
      ...[...sets.values()].map((set) => ({
        group: 'apps',
        version: 'v1',
        kind: 'ReplicaSet',
        namespace,
        name: set.name,
        uid: set.uid,
        resourceVersion: '1',
        parentRefs: [deployment],
      })),
      ...pods.map(({ pod, replicaSet }) => ({
        version: 'v1',
        kind: 'Pod',
        namespace,
        name: pod.metadata.name,
        uid: pod.metadata.uid,
        resourceVersion: pod.metadata.resourceVersion,
        parentRefs: [{ group: 'apps', kind: 'ReplicaSet', namespace, ...replicaSet }],
        images: imagesOf(pod),
      })),
    ];
  });
}

/** Images of live pods: `status.summary.images`. Empty at zero replicas, and both versions during a rollout. */
export function liveImages(application: Application, workloads: Workloads): readonly string[] {
  const nodes = treeOf(application, workloads);
  return [...new Set(nodes.flatMap(({ images }) => images ?? []))].sort();
}

/** Throws `ArgocdError` 3 for an object that is not in the tree. */
export function livePod(application: Application, workloads: Workloads, query: ResourceQuery): LivePodObject {
  for (const { namespace, name } of application.live.values()) {
    if (namespace !== query.namespace || query.kind !== 'Pod') continue;
    const found = workloads
      .pods?.(namespace, name)
      .find(({ pod }) => pod.metadata.name === query.resourceName);
    if (found) return found.pod;
  }
  throw notInTree(application, query);
}

/** Throws `ArgocdError` 3 for anything but a live Deployment. */
export function restart(application: Application, workloads: Workloads, query: ResourceQuery): void {
  const isLive = [...application.live.values()].some(
    ({ namespace, name }) => namespace === query.namespace && name === query.resourceName,
  );
  if (!isLive || query.kind !== 'Deployment' || !workloads.restart) throw notInTree(application, query);
  workloads.restart(query.namespace, query.resourceName);
}

function notInTree({ object }: Application, { kind, group, resourceName }: ResourceQuery): ArgocdError {
  return new ArgocdError(
    'invalidArgument',
    `${kind} ${group} ${resourceName} not found as part of application ${object.metadata.name}`,
  );
}

function imagesOf({ spec }: LivePodObject): string[] {
  return [...(spec.initContainers ?? []), ...spec.containers].flatMap(({ image }) => (image ? [image] : []));
}
