/** RBAC authorization from the role and binding objects. */
import type { PolicyRule, Subject } from 'kubernetes-types/rbac/v1.d.ts';
import type { Store } from './store.ts';

export interface User {
  readonly username: string;
  readonly groups: readonly string[];
  readonly uid?: string;
}

export interface ResourceAction {
  readonly verb: string;
  readonly group: string;
  /** Plural. */
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
}

export interface PathAction {
  readonly verb: string;
  readonly path: string;
}

export interface Authorizer {
  /** Cluster roles first, then those of the namespace. */
  (user: User, action: ResourceAction | PathAction): boolean;
  /** The rules that hold for the user in the namespace. */
  rulesFor(user: User, namespace: string): PolicyRule[];
}

/** The group that passes every check, as in a real cluster. */
export const MASTERS = 'system:masters';

export function createAuthorizer(store: Store): Authorizer {
  const clusterRole = (name: string) => store.get('clusterroles.rbac.authorization.k8s.io', undefined, name);

  const clusterRules = (user: User): PolicyRule[] =>
    store
      .all('clusterrolebindings.rbac.authorization.k8s.io')
      .filter((binding) => binding.subjects?.some((subject) => isSubject(user, subject)))
      .flatMap((binding) => clusterRole(binding.roleRef.name)?.rules ?? []);

  const namespaceRules = (user: User, namespace: string): PolicyRule[] =>
    store
      .all('rolebindings.rbac.authorization.k8s.io')
      .filter(
        (binding) =>
          binding.metadata.namespace === namespace &&
          binding.subjects?.some((subject) => isSubject(user, subject, namespace)),
      )
      .flatMap((binding) =>
        binding.roleRef.kind === 'ClusterRole'
          ? (clusterRole(binding.roleRef.name)?.rules ?? [])
          : (store.get('roles.rbac.authorization.k8s.io', namespace, binding.roleRef.name)?.rules ?? []),
      );

  const authorizer = (user: User, action: ResourceAction | PathAction): boolean => {
    if (user.groups.includes(MASTERS)) return true;
    if ('path' in action) return clusterRules(user).some((rule) => allowsPath(rule, action));
    if (clusterRules(user).some((rule) => allowsResource(rule, action))) return true;
    return (
      action.namespace !== undefined &&
      namespaceRules(user, action.namespace).some((rule) => allowsResource(rule, action))
    );
  };
  return Object.assign(authorizer, {
    rulesFor: (user: User, namespace: string) => [
      ...(user.groups.includes(MASTERS)
        ? [
            { apiGroups: ['*'], resources: ['*'], verbs: ['*'] },
            { nonResourceURLs: ['*'], verbs: ['*'] },
          ]
        : []),
      ...clusterRules(user),
      ...namespaceRules(user, namespace),
    ],
  });
}

function isSubject(user: User, subject: Subject, bindingNamespace?: string): boolean {
  if (subject.kind === 'User') return subject.name === user.username;
  if (subject.kind === 'Group') return user.groups.includes(subject.name);
  if (subject.kind !== 'ServiceAccount') return false;
  const namespace = subject.namespace ?? bindingNamespace;
  return user.username === `system:serviceaccount:${namespace}:${subject.name}`;
}

function allowsResource(rule: PolicyRule, action: ResourceAction): boolean {
  const resource = action.subresource ? `${action.resource}/${action.subresource}` : action.resource;
  return (
    has(rule.verbs, action.verb) &&
    has(rule.apiGroups, action.group) &&
    (rule.resources ?? []).some(
      (one) => one === '*' || one === resource || (action.subresource && one === `*/${action.subresource}`),
    ) &&
    (!rule.resourceNames?.length ||
      (action.name !== undefined && action.name !== '' && rule.resourceNames.includes(action.name)))
  );
}

function allowsPath(rule: PolicyRule, action: PathAction): boolean {
  return (
    has(rule.verbs, action.verb) &&
    (rule.nonResourceURLs ?? []).some(
      (url) =>
        url === '*' || url === action.path || (url.endsWith('*') && action.path.startsWith(url.slice(0, -1))),
    )
  );
}

function has(list: readonly string[] | undefined, value: string): boolean {
  return list?.some((one) => one === '*' || one === value) ?? false;
}
