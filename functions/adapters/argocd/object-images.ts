/**
 * Live pods, restarts and image overrides through the Kubernetes API, for applications that run in the cluster of their
 * Application objects. Loaded when a deploy has images.
 */
import type { KubernetesClient } from '#functions/adapters/kubernetes/client.ts';
import type { ArgocdFailure, LivePod, Result, Workload } from '#functions/branch-deploy/ports.ts';
import type { BuiltImage } from '#functions/branch-deploy/record.ts';
import type { ApplicationObject } from './application.ts';
import { overridePatch } from './override-patch.ts';
import { isPod, isRestartable, livePodOf } from './pods.ts';

type Client = Pick<KubernetesClient, 'request'>;

interface WorkloadObject {
  readonly spec?: {
    readonly selector?: {
      readonly matchLabels?: Readonly<Record<string, string>>;
      readonly matchExpressions?: readonly {
        readonly key: string;
        readonly operator: string;
        readonly values?: readonly string[];
      }[];
    };
  };
}

/** Argo CD's names of the cluster in which it runs. */
const IN_CLUSTER = ['https://kubernetes.default.svc', 'in-cluster'];

export async function podsOf(
  client: Client,
  { spec, status }: ApplicationObject,
): Promise<Result<readonly LivePod[]>> {
  const { server, name } = spec?.destination ?? {};
  if (!IN_CLUSTER.includes(server || name || ''))
    return failure('forbidden', 'the pods of another cluster cannot be read through the Kubernetes API');
  const live: LivePod[] = [];
  for (const { group = '', version = '', kind = '', namespace = '', name = '' } of status?.resources ?? []) {
    if (!isRestartable({ group, kind }) || ![version, namespace, name].every(isName)) continue;
    const workload = { group, version, kind, namespace, name };
    const { body } = await client.request<WorkloadObject>({ method: 'GET', path: pathOf(workload) });
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`;
    const query = { labelSelector: selectorOf(body) };
    const pods = await client.request<{ readonly items?: readonly unknown[] }>({
      method: 'GET',
      path,
      query,
    });
    for (const pod of pods.body.items ?? []) {
      const found = isPod(pod) ? livePodOf(pod, workload) : undefined;
      if (found) live.push(found);
    }
  }
  return { ok: true, value: live };
}

/** As `kubectl rollout restart` does it. */
export async function restartWorkload(client: Client, workload: Workload, at: Date): Promise<void> {
  const annotations = { 'kubectl.kubernetes.io/restartedAt': at.toISOString() };
  const body =
    workload.kind === 'Rollout'
      ? { spec: { restartAt: at.toISOString() } }
      : { spec: { template: { metadata: { annotations } } } };
  await client.request({
    method: 'PATCH',
    path: pathOf(workload),
    contentType: 'application/merge-patch+json',
    body,
  });
}

export async function patchImages(
  client: Client,
  path: string,
  application: ApplicationObject,
  { images, source }: { readonly images: readonly BuiltImage[]; readonly source: number },
): Promise<void> {
  await client.request({
    method: 'PATCH',
    path,
    contentType: 'application/json-patch+json',
    body: overridePatch(application, images, source),
  });
}

/** Whoever can write the status of an Application names these: none of them may lead to another path. */
const isName = (text: string) => text.length <= 253 && /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(text);

const PLURALS: Readonly<Record<string, string>> = {
  Deployment: 'deployments',
  StatefulSet: 'statefulsets',
  DaemonSet: 'daemonsets',
  Rollout: 'rollouts',
};

function pathOf({ group, version, kind, namespace, name }: Workload): string {
  return `/apis/${group}/${version}/namespaces/${encodeURIComponent(namespace)}/${PLURALS[kind]}/${encodeURIComponent(name)}`;
}

function selectorOf({ spec }: WorkloadObject): string {
  const { matchLabels = {}, matchExpressions = [] } = spec?.selector ?? {};
  const labels = Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`);
  const expressions = matchExpressions.map(({ key, operator, values = [] }) => {
    if (operator === 'Exists') return key;
    if (operator === 'DoesNotExist') return `!${key}`;
    return `${key} ${operator === 'In' ? 'in' : 'notin'} (${values.join(',')})`;
  });
  return [...labels, ...expressions].join(',');
}

function failure(kind: ArgocdFailure['kind'], detail: string): { ok: false; error: ArgocdFailure } {
  return { ok: false, error: { kind, detail } };
}
