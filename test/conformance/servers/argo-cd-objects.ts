/** What an Argo CD finds in its namespace when it starts: its resource definitions and its configuration. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'yaml';
import type { KubernetesClient } from '#functions/adapters/kubernetes/client.ts';

export interface ApiObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string } & Readonly<
    Record<string, unknown>
  >;
  readonly [field: string]: unknown;
}

/** Of kinds that the conformance suites create. */
const PLURALS: Readonly<Record<string, string>> = {
  Application: 'applications',
  AppProject: 'appprojects',
  ClusterRole: 'clusterroles',
  ClusterRoleBinding: 'clusterrolebindings',
  ConfigMap: 'configmaps',
  CustomResourceDefinition: 'customresourcedefinitions',
  Namespace: 'namespaces',
  Role: 'roles',
  RoleBinding: 'rolebindings',
  Secret: 'secrets',
  Service: 'services',
  ValidatingAdmissionPolicy: 'validatingadmissionpolicies',
  ValidatingAdmissionPolicyBinding: 'validatingadmissionpolicybindings',
  ValidatingWebhookConfiguration: 'validatingwebhookconfigurations',
};

const RESOURCE_DEFINITIONS = ['application-crd.yaml', 'applicationset-crd.yaml', 'appproject-crd.yaml'];

/** `/apis/argoproj.io/v1alpha1/namespaces/argocd/applications`, and the object's name behind it. */
export function pathsOf(object: ApiObject): { readonly collection: string; readonly item: string } {
  const { apiVersion, kind, metadata } = object;
  const plural = PLURALS[kind];
  if (plural === undefined) throw new Error(`no path is known for a ${kind}: add it to the list`);
  const group = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const place = metadata.namespace === undefined ? '' : `/namespaces/${metadata.namespace}`;
  const collection = `${group}${place}/${plural}`;
  return { collection, item: `${collection}/${metadata.name}` };
}

export async function createObject(client: KubernetesClient, object: ApiObject): Promise<void> {
  await client.request({ method: 'POST', path: pathsOf(object).collection, body: object });
}

/** `kubectl apply -k manifests/crds` of the release, from the folder in which they are; returns when they are served. */
export async function createDefinitions(
  client: KubernetesClient,
  folder: string,
  files: readonly string[] = RESOURCE_DEFINITIONS,
): Promise<void> {
  for (const file of files) {
    const definition = parse(await readFile(path.join(folder, file), 'utf8')) as ApiObject;
    await createObject(client, definition);
    const { item } = pathsOf(definition);
    for (;;) {
      const { body } = await client.request<Definition>({ method: 'GET', path: item });
      const conditions = body.status?.conditions ?? [];
      if (conditions.some(({ type, status }) => type === 'Established' && status === 'True')) break;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

interface Definition {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

export interface ConfigurationOptions {
  readonly namespace: string;
  readonly certificate: { readonly key: string; readonly cert: string };
  /** Names of local accounts that may have API keys. */
  readonly accounts: readonly string[];
  /** Lines of Argo CD's RBAC, `argocd-rbac-cm`. */
  readonly policies: readonly string[];
}

/** The objects that an installation brings, as far as a small one needs them. */
export function configurationOf(options: ConfigurationOptions): readonly ApiObject[] {
  const metadata = (name: string) => ({
    name,
    namespace: options.namespace,
    // Argo CD looks at objects that are marked as its own and at no others.
    labels: { 'app.kubernetes.io/part-of': 'argocd', 'app.kubernetes.io/name': name },
  });
  const configMap = (name: string, data: Readonly<Record<string, string>> = {}): ApiObject => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: metadata(name),
    data,
  });
  return [
    configMap(
      'argocd-cm',
      Object.fromEntries(options.accounts.map((account) => [`accounts.${account}`, 'apiKey'])),
    ),
    configMap('argocd-rbac-cm', { 'policy.csv': options.policies.join('\n') }),
    configMap('argocd-ssh-known-hosts-cm'),
    configMap('argocd-tls-certs-cm'),
    configMap('argocd-gpg-keys-cm'),
    { apiVersion: 'v1', kind: 'Secret', metadata: metadata('argocd-secret'), type: 'Opaque' },
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: metadata('argocd-server-tls'),
      type: 'kubernetes.io/tls',
      stringData: { 'tls.crt': options.certificate.cert, 'tls.key': options.certificate.key },
    },
    {
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'AppProject',
      metadata: { name: 'default', namespace: options.namespace },
      spec: {
        sourceRepos: ['*'],
        destinations: [{ server: '*', namespace: '*' }],
        clusterResourceWhitelist: [{ group: '*', kind: '*' }],
      },
    },
  ];
}
