/** Parses a request as the API server's RequestInfo does. */
import { type Resource, resources } from '#lab/world/kubernetes/resources.ts';

export interface ResourceRequest {
  readonly resource: Resource;
  /** `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`. */
  readonly verb: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly subresource?: string;
}

/** A path that is no resource: `/version`, `/apis/apps/v1`. */
export interface PathRequest {
  readonly path: string;
  readonly verb: string;
}

export interface ReviewRequest {
  readonly review:
    | 'selfsubjectaccessreviews'
    | 'selfsubjectrulesreviews'
    | 'selfsubjectreviews'
    | 'subjectaccessreviews';
  readonly group: string;
  readonly verb: string;
}

const reviews: Readonly<Record<string, string>> = {
  selfsubjectaccessreviews: 'authorization.k8s.io',
  selfsubjectrulesreviews: 'authorization.k8s.io',
  subjectaccessreviews: 'authorization.k8s.io',
  selfsubjectreviews: 'authentication.k8s.io',
};

export interface Unknown {
  readonly unknown: true;
  readonly verb: string;
  readonly group: string;
  readonly plural: string;
  readonly namespace?: string;
  readonly name?: string;
}

export type ApiRequest = ResourceRequest | PathRequest | ReviewRequest | Unknown;

export function readRequest(method: string, url: URL): ApiRequest {
  const parts = url.pathname.split('/').filter((part) => part !== '');
  const head = parts[0] === 'api' ? 2 : 3;
  if ((parts[0] !== 'api' && parts[0] !== 'apis') || parts.length <= head)
    return { path: url.pathname, verb: method.toLowerCase() };
  const group = parts[0] === 'api' ? '' : (parts[1] ?? '');
  const version = parts[head - 1];
  let rest = parts.slice(head).map(decodeURIComponent);
  let namespace: string | undefined;
  // /namespaces/x is the namespace itself, and so are its own subresources.
  if (rest[0] === 'namespaces' && rest.length > 2 && rest[2] !== 'status' && rest[2] !== 'finalize') {
    namespace = rest[1];
    rest = rest.slice(2);
  }
  const [plural = '', name, subresource] = rest;
  const watching = url.searchParams.get('watch');
  const isWatch = watching === 'true' || watching === '1';
  const verb = verbOf(method, name !== undefined, isWatch);
  if (reviews[plural] === group && version === 'v1')
    return { review: plural as ReviewRequest['review'], group, verb };
  const resource = resources.find(
    (one) => one.group === group && one.version === version && one.plural === plural,
  );
  const where = {
    verb,
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
  };
  if (!resource || (subresource && !resource.subresources.includes(subresource)) || rest.length > 3)
    return { unknown: true, group, plural, ...where };
  return { resource, ...where, ...(subresource === undefined ? {} : { subresource }) };
}

function verbOf(method: string, named: boolean, watching: boolean): string {
  switch (method) {
    case 'GET':
    case 'HEAD':
      return watching ? 'watch' : named ? 'get' : 'list';
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return named ? 'delete' : 'deletecollection';
    default:
      return method.toLowerCase();
  }
}
