/** Live pods, restarts and image overrides through the Argo CD server. Loaded when a deploy has images. */
import type { Argocd, LivePod, Result, Workload } from '#functions/branch-deploy/ports.ts';
import * as s from '#model/record-schema.ts';
import { isRecord } from '#model/record-schema.ts';
import type { ApplicationSettings } from '#model/settings.ts';
import { isApplication } from './application.ts';
import type { ArgocdConnection } from './connection.ts';
import { overridePatch } from './override-patch.ts';
import { isPod, isRestartable, livePodOf } from './pods.ts';
import { jsonOf } from './reply.ts';

const text = s.optional(s.string);
const NODE = s.object({
  group: text,
  version: text,
  kind: text,
  namespace: text,
  name: text,
  uid: text,
  resourceVersion: text,
  parentRefs: s.optional(s.nullable(s.listOf(s.object({ uid: text })))),
  images: s.optional(s.nullable(s.listOf(s.string))),
});
type Node = s.TypeOf<typeof NODE>;
type PathOf = (application: ApplicationSettings) => string;

const TREE = s.object({ nodes: s.optional(s.nullable(s.listOf(NODE))) });
const MANIFEST = s.object({ manifest: s.string });
const isTree = (value: unknown): value is s.TypeOf<typeof TREE> => s.isValid(TREE, value);
const isManifest = (value: unknown): value is s.TypeOf<typeof MANIFEST> => s.isValid(MANIFEST, value);

/** So many pods are read at once. */
const AT_ONCE = 8;
/** Pods that are remembered while they do not change. */
const MOST_REMEMBERED = 500;

type Images = Pick<Argocd, 'pods' | 'restart' | 'setImages'>;

/** Reads pods, and remembers them while they do not change. */
function createPodReader(connection: ArgocdConnection, pathOf: PathOf) {
  const remembered = new Map<string, LivePod | 'ended'>();
  return async (
    application: ApplicationSettings,
    node: Node,
    workload: Workload | undefined,
  ): Promise<Result<LivePod | undefined>> => {
    const key = `${node.uid}@${node.resourceVersion}`;
    const known = node.resourceVersion ? remembered.get(key) : undefined;
    if (known) return { ok: true, value: known === 'ended' ? undefined : known };
    const query = new URLSearchParams({
      ...scopeOf(application),
      namespace: node.namespace ?? '',
      resourceName: node.name ?? '',
      version: node.version ?? 'v1',
      group: node.group ?? '',
      kind: 'Pod',
    });
    const path = `${pathOf(application)}/resource?${query}`;
    const reply = await connection.ask({ method: 'GET', path, as: { name: 'a resource', is: isManifest } });
    if (!reply.ok) return isGone(reply.error.kind) ? { ok: true, value: undefined } : reply;
    const object: unknown = jsonOf(reply.value.manifest);
    if (!isPod(object))
      return { ok: false, error: { kind: 'transient', detail: `Argo CD shows no pod as ${node.name}` } };
    const pod = livePodOf(object, workload);
    if (remembered.size >= MOST_REMEMBERED) remembered.clear();
    remembered.set(key, pod ?? 'ended');
    return { ok: true, value: pod };
  };
}

export function createServerImages(connection: ArgocdConnection, pathOf: PathOf): Images {
  const readPod = createPodReader(connection, pathOf);
  return {
    async pods(application) {
      const path = `${pathOf(application)}/resource-tree?${new URLSearchParams(scopeOf(application))}`;
      const tree = await connection.ask({ method: 'GET', path, as: { name: 'a resource tree', is: isTree } });
      if (!tree.ok) return tree;
      const nodes = tree.value.nodes ?? [];
      const byUid = new Map(nodes.map((node) => [node.uid, node]));
      const pods = nodes.filter(({ kind, group }) => kind === 'Pod' && !group);
      const live: LivePod[] = [];
      for (let start = 0; start < pods.length; start += AT_ONCE) {
        const some = pods.slice(start, start + AT_ONCE);
        const read = some.map((node) => readPod(application, node, workloadOf(node, byUid)));
        for (const pod of await Promise.all(read)) {
          if (!pod.ok) return pod;
          if (pod.value) live.push(pod.value);
        }
      }
      return { ok: true, value: live };
    },

    async restart(application, { namespace, name: resourceName, group, version, kind }) {
      const resource = { namespace, resourceName, group, version, kind };
      const reply = await connection.ask({
        method: 'POST',
        path: `${pathOf(application)}/resource/actions/v2`,
        body: { ...scopeOf(application), name: application.name, ...resource, action: 'restart' },
        as: { name: 'an object', is: isRecord },
      });
      return reply.ok ? { ok: true, value: undefined } : reply;
    },

    async setImages(application, images, source) {
      const path = `${pathOf(application)}?${new URLSearchParams(scopeOf(application))}`;
      const found = await connection.ask({
        method: 'GET',
        path,
        as: { name: 'an Application', is: isRecord },
      });
      if (!found.ok) return found;
      const patch = JSON.stringify(overridePatch(found.value, images, source));
      const reply = await connection.ask({
        method: 'PATCH',
        path: pathOf(application),
        body: { ...scopeOf(application), name: application.name, patch, patchType: 'json' },
        as: { name: 'an Application', is: isApplication },
      });
      return reply.ok ? { ok: true, value: undefined } : reply;
    },
  };
}

function scopeOf({ project, namespace }: ApplicationSettings) {
  return { project, ...(namespace ? { appNamespace: namespace } : {}) };
}

/** The topmost owner that can be restarted. */
function workloadOf(node: Node, byUid: ReadonlyMap<string | undefined, Node>): Workload | undefined {
  let found: Workload | undefined;
  let current: Node | undefined = node;
  for (let steps = 0; current && steps < 5; steps++) {
    const { group = '', version = '', kind = '', namespace = '', name = '' }: Node = current;
    if (isRestartable({ group, kind })) found = { group, version, kind, namespace, name };
    current = byUid.get(current.parentRefs?.[0]?.uid);
  }
  return found;
}

/** Between the tree and this request. */
const isGone = (kind: string) => kind === 'missing' || kind === 'permanent';
