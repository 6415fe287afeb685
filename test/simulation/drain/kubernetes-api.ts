/** The lab's Kubernetes as the function's own client sees it, without HTTP: the same requests, the same refusals. */

import type { WorldContext } from '@nightshift/lab/world/interfaces.ts';
import { type EvictionInput, evict, runAtOnce } from '@nightshift/lab/world/kubernetes/eviction.ts';
import { type Kubernetes, type ObjectInput, StatusError } from '@nightshift/lab/world/kubernetes/index.ts';
import { parseLabelSelector } from '@nightshift/lab/world/kubernetes/selectors.ts';
import type { DeleteOptions } from 'kubernetes-types/meta/v1.d.ts';
import { UnreachableError } from '#functions/adapters/http.ts';
import type { KubernetesClient, KubernetesRequest } from '#functions/adapters/kubernetes/client.ts';
import { KubernetesError, MalformedReplyError } from '#functions/adapters/kubernetes/errors.ts';
import type { FaultKind } from '../faults.ts';
import { faultError, refusal } from '../kubernetes-errors.ts';

/** The requests of spot-drain to Kubernetes; every other request is `unexpected`. */
export type ClusterRequest =
  | { readonly kind: 'read' | 'note' }
  | { readonly kind: 'patch-node'; readonly node: string; readonly body: unknown }
  | { readonly kind: 'evict' | 'delete'; readonly namespace: string; readonly pod: string }
  | { readonly kind: 'unexpected'; readonly request: string };

export interface KubernetesApiOptions {
  readonly context: WorldContext;
  readonly kubernetes: Kubernetes;
  /** Called before a request takes effect. */
  readonly onRequest: (request: ClusterRequest) => void;
  /** What an admission webhook says to an eviction: its status, while it denies. */
  readonly denial?: () => 400 | 403 | 500 | undefined;
  readonly around: <T>(
    call: string,
    act: () => T,
    errorOf: (kind: FaultKind, message: string) => Error,
  ) => Promise<T>;
}

const NODE = /^\/api\/v1\/nodes\/([^/]+)$/;
const POD = /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/]+)$/;
const EVICTION = /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/]+)\/eviction$/;
const DAEMON_SET = /^\/apis\/apps\/v1\/namespaces\/([^/]+)\/daemonsets\/([^/]+)$/;
const EVENTS = '/api/v1/namespaces/default/events';
const ON_NODE = 'spec.nodeName=';

/** As the API server words it: a webhook chooses its status. */
function denied(request: string, status: number): KubernetesError {
  const detail = 'admission webhook "guard.example.com" denied the request: not now';
  return new KubernetesError({ request, status, reason: status === 403 ? 'Forbidden' : '', detail });
}

/** A page of a proxy in between, as the client reads it: it is no object of Kubernetes, and its 404 shows nothing. */
function fromProxy(request: string, count: number): Error {
  return count % 4 === 0
    ? new MalformedReplyError(`kubernetes answered ${request} with something that is no JSON`)
    : new KubernetesError({ request, status: 404, detail: '<html>not found</html>' });
}

export function createKubernetesApi(options: KubernetesApiOptions): KubernetesClient {
  const { context, kubernetes, onRequest } = options;
  const { api } = kubernetes;
  let serverErrors = 0;

  const serve = (request: KubernetesRequest): unknown => {
    const { method, path, body } = request;
    switch (method) {
      case 'GET': {
        const [, node] = NODE.exec(path) ?? [];
        if (node) return api.get('nodes', undefined, node);
        const [, namespace, daemonSet] = DAEMON_SET.exec(path) ?? [];
        if (daemonSet) return api.get('daemonsets.apps', namespace, daemonSet);
        break;
      }
      case 'PATCH': {
        const [, node] = NODE.exec(path) ?? [];
        if (!node) break;
        onRequest({ kind: 'patch-node', node, body });
        return api.patch('nodes', undefined, node, body, { type: 'strategic' });
      }
      case 'POST': {
        if (path === EVENTS) return api.create('events', 'default', body as ObjectInput);
        const [, namespace = '', pod] = EVICTION.exec(path) ?? [];
        if (!pod) break;
        onRequest({ kind: 'evict', namespace, pod });
        const status = options.denial?.();
        if (status) throw denied(`POST ${path}`, status);
        return runAtOnce(
          evict(api, context, { namespace, name: pod, body: body as EvictionInput, dryRun: false }),
        );
      }
      case 'DELETE': {
        const [, namespace = '', pod] = POD.exec(path) ?? [];
        if (!pod) break;
        onRequest({ kind: 'delete', namespace, pod });
        return api.delete('pods', namespace, pod, body as DeleteOptions);
      }
    }
    onRequest({ kind: 'unexpected', request: `${method} ${path}` });
    throw new KubernetesError({ request: `${method} ${path}`, status: 404, reason: 'NotFound' });
  };

  const listed = (path: string, query: Readonly<Record<string, string | undefined>>): readonly unknown[] => {
    if (path === '/api/v1/nodes') {
      const matches = parseLabelSelector(query['labelSelector'] ?? '');
      return api.store.all('nodes').filter(({ metadata }) => matches(metadata.labels));
    }
    if (path === '/apis/storage.k8s.io/v1/volumeattachments')
      return api.store.all('volumeattachments.storage.k8s.io');
    const fields = query['fieldSelector'] ?? '';
    if (path === '/api/v1/pods' && fields.startsWith(ON_NODE))
      return kubernetes.podsOn(fields.slice(ON_NODE.length));
    onRequest({ kind: 'unexpected', request: `LIST ${path}` });
    return [];
  };

  const through = async <T>(
    name: string,
    act: () => T,
    signal: AbortSignal | undefined,
    isRefusal: boolean,
  ): Promise<T> => {
    const result = await options.around(
      name,
      () => {
        if (signal?.aborted) throw new UnreachableError(`${name}: aborted`);
        try {
          return act();
        } catch (error) {
          throw error instanceof StatusError ? refusal(name, error) : error;
        }
      },
      (kind, message) =>
        kind === 'server-error' && ++serverErrors % 2 === 0
          ? fromProxy(name, serverErrors)
          : faultError(kind, name, message, isRefusal),
    );
    if (signal?.aborted) throw new UnreachableError(`${name}: aborted`);
    return result;
  };

  return {
    prepare: () => undefined,
    request: <T>(request: KubernetesRequest) =>
      through(
        `${request.method} ${request.path}`,
        () => ({ status: request.method === 'POST' ? 201 : 200, body: serve(request) as T }),
        request.signal,
        true,
      ),
    list: <T>(path: string, query: Readonly<Record<string, string | undefined>> = {}, each = {}) =>
      through(
        `LIST ${path}`,
        () => listed(path, query) as T[],
        (each as { signal?: AbortSignal }).signal,
        false,
      ),
    close: () => undefined,
  };
}
