/** Authentication and authorization of a request. */
import type { IncomingMessage } from 'node:http';
import type { Kubernetes, User } from '#lab/world/kubernetes/index.ts';
import { failure, forbidden, unauthorized } from '#lab/world/kubernetes/status.ts';
import type { ApiRequest } from './request.ts';

export interface Authentication {
  /** Authenticates a bearer token as EKS does; undefined refuses it. */
  readonly authenticate: (token: string) => User | undefined | Promise<User | undefined>;
  /** A token of the operator's own, with all rights: for kubectl. */
  readonly operatorToken?: string;
}

/** The user of the token, or the impersonated one. Throws 401, and 403 for a forbidden impersonation. */
export async function identify(
  incoming: IncomingMessage,
  options: Authentication,
  kubernetes: Kubernetes,
): Promise<User> {
  const user = await userOf(incoming, options);
  const other = incoming.headers['impersonate-user'];
  if (typeof other !== 'string' || other === '') return user;
  const groups = [incoming.headers['impersonate-group'] ?? []]
    .flat()
    .flatMap((one) => one.split(','))
    .map((one) => one.trim());
  for (const [resource, name] of [['users', other], ...groups.map((one) => ['groups', one])] as const) {
    const action = { verb: 'impersonate', group: '', resource: resource ?? '', name: name ?? '' };
    if (!kubernetes.authorize(user, action)) {
      throw forbidden(
        { group: '', plural: action.resource },
        action.name,
        `User "${user.username}" cannot impersonate resource "${resource}" in API group "" at the cluster scope`,
      );
    }
  }
  return { username: other, groups: [...groups, 'system:authenticated'] };
}

async function userOf(incoming: IncomingMessage, options: Authentication): Promise<User> {
  const header = incoming.headers.authorization;
  if (header === undefined) return { username: 'system:anonymous', groups: ['system:unauthenticated'] };
  const token = /^Bearer +(\S+) *$/i.exec(header)?.[1];
  if (token === undefined) throw unauthorized();
  const user =
    options.operatorToken !== undefined && token === options.operatorToken
      ? { username: 'operator', groups: ['system:masters'] }
      : await options.authenticate(token);
  if (!user) throw unauthorized();
  return { ...user, groups: [...user.groups, 'system:authenticated'] };
}

/** Throws 403 with the API server's message. */
export function checkAccess(
  kubernetes: Pick<Kubernetes, 'authorize'>,
  user: User,
  request: ApiRequest,
): void {
  if ('path' in request) {
    if (kubernetes.authorize(user, { path: request.path, verb: request.verb })) return;
    throw failure(
      403,
      'Forbidden',
      `forbidden: User "${user.username}" cannot ${request.verb} path "${request.path}"`,
      {},
    );
  }
  const { group, plural, namespace, name, subresource } =
    'review' in request
      ? { group: request.group, plural: request.review, ...nothing }
      : 'unknown' in request
        ? { ...nothing, ...request }
        : { ...nothing, ...request, group: request.resource.group, plural: request.resource.plural };
  const allowed = kubernetes.authorize(user, {
    verb: request.verb,
    group,
    resource: plural,
    ...(subresource === undefined ? {} : { subresource }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
  });
  if (allowed) return;
  const requested = subresource === undefined ? plural : `${plural}/${subresource}`;
  const where = namespace === undefined ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  throw forbidden(
    { group, plural },
    name ?? '',
    `User "${user.username}" cannot ${request.verb} resource "${requested}" in API group "${group}" ${where}`,
  );
}

const nothing: { namespace?: string; name?: string; subresource?: string } = {};
