/** `manifests/argocd` as users apply it. */
import { readFile } from 'node:fs/promises';
import { parseAllDocuments } from 'yaml';
import type { ApiObject } from '#test/conformance/servers/argo-cd-objects.ts';
import { DESTINATION, TEAMS } from './stage.ts';

export interface Project extends ApiObject {
  readonly spec: {
    readonly sourceRepos: readonly string[];
    readonly roles: readonly { readonly name: string; readonly policies: readonly string[] }[];
  };
}

export async function sampleProject(): Promise<Project> {
  const [project] = await documentsOf('project');
  return project as Project;
}

/**
 * The Role and its binding, in Argo CD's namespace and once more in that of a team; and the same with `get` alone,
 * for the group `nightshift:reader`.
 */
export async function rbacObjects(): Promise<readonly ApiObject[]> {
  const objects = await documentsOf('branch-deploy');
  const inTeams = objects.map((object) => ({
    ...object,
    metadata: { ...object.metadata, namespace: TEAMS },
  }));
  const name = 'reader';
  const inNamespace = { name, namespace: 'argocd' };
  return [
    ...objects,
    ...inTeams,
    ...(await documentsOf('application-policy')),
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: inNamespace,
      rules: [{ apiGroups: ['argoproj.io'], resources: ['applications'], verbs: ['get'] }],
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: inNamespace,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'nightshift:reader' }],
    },
  ];
}

/** `manifests/applications`, in the namespace of the applications. */
export async function livePodsObjects(): Promise<readonly ApiObject[]> {
  const objects = await documentsOf('live-pods', 'applications');
  return objects.map((object) => ({
    ...object,
    metadata: { ...object.metadata, namespace: DESTINATION },
  }));
}

async function documentsOf(file: string, folder = 'argocd'): Promise<readonly ApiObject[]> {
  const text = await readFile(new URL(`../../../manifests/${folder}/${file}.yaml`, import.meta.url), 'utf8');
  return parseAllDocuments(text).map((document) => document.toJS() as ApiObject);
}
