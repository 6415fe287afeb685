/** Lists: selectors, pages with expiring tokens. */
import type { KubeObject } from './objects.ts';
import type { Resource } from './resources.ts';
import { parseFieldSelector, parseLabelSelector } from './selectors.ts';
import { badRequest, expired, failure } from './status.ts';
import type { Store } from './store.ts';

export interface ListOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly limit?: number;
  readonly continue?: string;
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: string;
}

export interface ListResult<T = KubeObject> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

const TOO_OLD =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.';

/** `rv` is -1 in the token that continues an expired list with whatever is there now. */
interface Token {
  v: 'meta.k8s.io/v1';
  rv: number;
  start: string;
}

export function createListing(store: Store): (resource: Resource, options: ListOptions) => ListResult {
  return (resource, options) => {
    const matches = matcher(resource, options);
    const token = options.continue ? parseToken(options.continue) : undefined;
    if (token && options.resourceVersion && options.resourceVersion !== '0')
      throw badRequest('specifying resource version is not allowed when using continue');
    const requested = Number(options.resourceVersion ?? 0);
    if (Number.isNaN(requested))
      throw badRequest(`resourceVersion: Invalid value: "${options.resourceVersion}"`);
    if (requested > store.version()) {
      throw failure(
        504,
        'Timeout',
        `Timeout: Too large resource version: ${requested}, current: ${store.version()}`,
        {
          causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
          retryAfterSeconds: 1,
        },
      );
    }
    // A list "as of any version" comes from the server's cache, which knows no pages.
    if (!token && (!options.limit || options.resourceVersion === '0')) {
      const items = candidates(store, resource, options).filter(matches);
      return { items, resourceVersion: String(store.version()) };
    }
    // What fits into one page needs no snapshot for the next.
    const indexed = token ? undefined : onNode(store, resource, options);
    if (indexed) {
      const items = indexed.filter(matches);
      if (items.length <= (options.limit ?? 0)) return { items, resourceVersion: String(store.version()) };
    }
    const { version, objects } = snapshotOf(store, resource, token);
    return page(objects.filter(matches), version, options.limit ?? 0, token);
  };
}

function matcher(resource: Resource, options: ListOptions): (object: KubeObject) => boolean {
  const label = options.labelSelector ? parseLabelSelector(options.labelSelector) : undefined;
  const field = options.fieldSelector ? parseFieldSelector(resource, options.fieldSelector) : undefined;
  const { namespace } = options;
  return (object) =>
    (namespace === undefined || object.metadata.namespace === namespace) &&
    (!field || field.matches(object)) &&
    (!label || label(object.metadata.labels));
}

function candidates(store: Store, resource: Resource, options: ListOptions): KubeObject[] {
  return onNode(store, resource, options) ?? ([...store.all(resource.key)] as KubeObject[]);
}

/** The pods of one node from an index, if the field selector fixes the node. */
function onNode(store: Store, resource: Resource, options: ListOptions): KubeObject[] | undefined {
  const nodeName =
    options.fieldSelector && resource.key === 'pods'
      ? parseFieldSelector(resource, options.fieldSelector).nodeName
      : undefined;
  if (nodeName === undefined) return undefined;
  return (store.podsOn(nodeName) as KubeObject[]).sort((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1));
}

function snapshotOf(store: Store, resource: Resource, token: Token | undefined) {
  if (!token) return store.snapshot(resource);
  if (token.rv < 0) return { version: store.version(), objects: store.all(resource.key) as KubeObject[] };
  const objects = store.at(resource, token.rv);
  if (!objects) throw expired(TOO_OLD, writeToken({ ...token, rv: -1 }));
  return { version: token.rv, objects };
}

function page(matching: readonly KubeObject[], version: number, limit: number, token?: Token): ListResult {
  const rest = token ? matching.filter((object) => orderOf(object) >= token.start) : matching;
  const items = limit > 0 ? rest.slice(0, limit) : rest;
  const next = rest[items.length];
  return {
    items,
    resourceVersion: String(version),
    ...(next
      ? {
          continue: writeToken({ v: 'meta.k8s.io/v1', rv: token?.rv ?? version, start: orderOf(next) }),
          remainingItemCount: rest.length - items.length,
        }
      : {}),
  };
}

function orderOf(object: KubeObject): string {
  return `${object.metadata.namespace ?? ''}/${object.metadata.name}`;
}

function writeToken(token: Token): string {
  return Buffer.from(JSON.stringify(token)).toString('base64url');
}

function parseToken(text: string): Token {
  try {
    const token = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as Token;
    if (token.v === 'meta.k8s.io/v1' && typeof token.rv === 'number' && typeof token.start === 'string')
      return token;
  } catch (cause) {
    throw Object.assign(
      badRequest('invalid continue token: continue key is not valid: illegal base64 data'),
      { cause },
    );
  }
  throw badRequest(
    'invalid continue token: continue key is not valid: incorrect encoded start resourceVersion',
  );
}
