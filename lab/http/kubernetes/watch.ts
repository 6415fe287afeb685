/** Watches: a stream of changes, one JSON object a line, until the client or the time-out ends it. */
import type { ServerResponse } from 'node:http';
import type { Kubernetes } from '#lab/world/kubernetes/index.ts';
import type { KubeObject } from '#lab/world/kubernetes/objects.ts';
import { groupVersion, type Resource } from '#lab/world/kubernetes/resources.ts';
import { parseFieldSelector, parseLabelSelector } from '#lab/world/kubernetes/selectors.ts';
import { StatusError } from '#lab/world/kubernetes/status.ts';
import type { Change } from '#lab/world/kubernetes/store.ts';
import { tableOf } from './tables.ts';

/** How long a watch lasts when the client names no time, in real seconds; the server draws 30 to 60 minutes. */
const DEFAULT_SECONDS = 45 * 60;

export function serveWatch(
  kubernetes: Kubernetes,
  request: {
    readonly resource: Resource;
    readonly namespace?: string | undefined;
    readonly name?: string | undefined;
    readonly query: URLSearchParams;
    readonly asTable: boolean;
    readonly now: () => number;
  },
  response: ServerResponse,
): void {
  const { resource, query } = request;
  const { store } = kubernetes.api;
  const matches = matcher(request);
  let rows = 0;
  const send = (type: string, object: unknown) => response.write(`${JSON.stringify({ type, object })}\n`);
  const show = (type: string, object: KubeObject) => {
    if (!request.asTable) return send(type, object);
    const table = tableOf(resource, [object], {
      now: request.now(),
      includeObject: query.get('includeObject'),
      metadata: { resourceVersion: object.metadata.resourceVersion },
      headless: rows++ > 0,
    });
    return send(type, table);
  };
  const pass = ({ type, resource: changed, object, previous }: Change) => {
    if (changed.key !== resource.key) return;
    const was = type !== 'ADDED' && previous !== undefined && matches(previous);
    const is = type !== 'DELETED' && matches(object);
    if (is) show(was ? 'MODIFIED' : 'ADDED', object);
    else if (was) show('DELETED', object);
  };

  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' });
  response.flushHeaders();
  const from = query.get('resourceVersion');
  const initial = query.get('sendInitialEvents') === 'true' || !from || from === '0';
  try {
    if (initial) {
      for (const object of store.all(resource.key) as readonly KubeObject[])
        if (matches(object)) show('ADDED', object);
    } else for (const change of store.since(resource, Number(from))) pass(change);
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    send('ERROR', error.status);
    response.end();
    return;
  }
  if (query.get('sendInitialEvents') === 'true') {
    send('BOOKMARK', {
      kind: resource.kind,
      apiVersion: groupVersion(resource),
      metadata: {
        resourceVersion: String(store.version()),
        annotations: { 'k8s.io/initial-events-end': 'true' },
      },
    });
  }
  const stop = store.subscribe(pass);
  const seconds = Number(query.get('timeoutSeconds') ?? '0') || DEFAULT_SECONDS;
  const timer = setTimeout(() => response.end(), seconds * 1_000);
  response.on('close', () => {
    clearTimeout(timer);
    stop();
  });
}

function matcher(request: {
  readonly resource: Resource;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly query: URLSearchParams;
}): (object: KubeObject) => boolean {
  const labelText = request.query.get('labelSelector');
  const fieldText = request.query.get('fieldSelector');
  const label = labelText ? parseLabelSelector(labelText) : undefined;
  const field = fieldText ? parseFieldSelector(request.resource, fieldText) : undefined;
  return (object) =>
    (request.namespace === undefined || object.metadata.namespace === request.namespace) &&
    (request.name === undefined || object.metadata.name === request.name) &&
    (!label || label(object.metadata.labels)) &&
    (!field || field.matches(object));
}
