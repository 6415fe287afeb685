/** `manifests`: the RBAC of branch-deploy for exactly the Applications that the config binds; offline. */
import { environmentOf, type LoadedConfig } from '#lib/config-file.ts';
import type { ApplicationConfig, EnvironmentConfig } from '#model/config.ts';
import { applicationPolicy, groupOf, nameOf, type SetImage } from './application-policy.ts';
import { RefusedError } from './errors.ts';
import type { Io } from './io.ts';

const NAMESPACE = 'argocd';
const LABELS = { 'app.kubernetes.io/part-of': 'eks-nightshift' };

export function printManifests(loaded: LoadedConfig, name: string, io: Pick<Io, 'out'>): void {
  const environment = environmentOf(loaded, name);
  const applications = bindingsOf(name, environment);
  // In a hub each environment has a group of its own.
  const scope = environment.deploy?.argocd.cluster === undefined ? undefined : name;
  const items = [
    ...rolesOf(applications, scope),
    ...applicationPolicy({
      images: imagesOf(applications),
      ...(scope === undefined ? {} : { environment: scope }),
    }),
  ].map(labelled);
  io.out(JSON.stringify({ apiVersion: 'v1', kind: 'List', items }, null, 2));
}

type Application = Exclude<ApplicationConfig, string>;

function bindingsOf(name: string, { production, deploy }: EnvironmentConfig): readonly Application[] {
  if (production)
    throw new RefusedError(
      `"${name}" is a production environment, which has no branch-deploy: kubectl apply -k manifests/production is all it needs`,
    );
  const way = deploy?.argocd.through ?? (deploy?.argocd.capability ? 'kubernetes' : 'server');
  if (!deploy || way !== 'kubernetes')
    throw new RefusedError(
      `"${name}" does not deploy through the Kubernetes API (deploy.argocd.through): kubectl apply -k manifests is all it needs`,
    );
  return deploy.builds
    .flatMap(({ applications }) => applications)
    .map((application) => (typeof application === 'string' ? { name: application } : application));
}

function rolesOf(applications: readonly Application[], scope: string | undefined): readonly object[] {
  const role = nameOf(scope);
  const names = new Map<string, Set<string>>();
  for (const { name, namespace = NAMESPACE } of applications)
    names.set(namespace, (names.get(namespace) ?? new Set()).add(name));
  return [...names].flatMap(([namespace, bound]) => [
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: role, namespace },
      rules: [
        {
          apiGroups: ['argoproj.io'],
          resources: ['applications'],
          resourceNames: [...bound].sort(),
          verbs: ['get', 'patch'],
        },
      ],
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name: role, namespace },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: role },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: groupOf(scope) }],
    },
  ]);
}

/** The images that branch-deploy sets on the Application itself; of the others it changes no spec. */
function imagesOf(applications: readonly Application[]): readonly SetImage[] {
  return applications.flatMap((application) =>
    'bring' in application && application.bring === 'parameter' ? (application.images ?? []) : [],
  );
}

function labelled(object: object): object {
  const { metadata } = object as { readonly metadata: object };
  return { ...object, metadata: { ...metadata, labels: LABELS } };
}
