/** Argo CD's Application objects as the function's own Kubernetes client sees them, without HTTP. */

import type { ApplicationObject, ArgocdWorld, Operation } from '@nightshift/lab/world/argocd/index.ts';
import { StatusError } from '@nightshift/lab/world/kubernetes/index.ts';
import type { Registry } from '@nightshift/lab/world/kubernetes/registry.ts';
import { viewOf } from '#functions/adapters/argocd/application.ts';
import { UnreachableError } from '#functions/adapters/http.ts';
import type { KubernetesClient, KubernetesRequest } from '#functions/adapters/kubernetes/client.ts';
import type { ApplicationSettings } from '#model/settings.ts';
import type { FaultKind } from '../faults.ts';
import { faultError, refusal } from '../kubernetes-errors.ts';
import type { ArgocdObserver } from './argocd-server.ts';
import { checkRights } from './rights.ts';

export interface ApplicationObserver extends ArgocdObserver {
  /** The role does not allow it. `why` is the message of the API server. */
  refused(why: string): void;
  /** A sync was written: with or without the version that was read, and perhaps in place of another operation. */
  written(
    application: ApplicationSettings,
    how: { readonly isBlind: boolean; readonly over?: Operation },
  ): void;
}

export interface ApplicationsApiOptions {
  readonly api: Registry;
  readonly argocd: ArgocdWorld;
  readonly isDown: () => boolean;
  readonly observer: ApplicationObserver;
  readonly around: <T>(
    call: string,
    act: () => T,
    errorOf: (kind: FaultKind, message: string) => Error,
  ) => Promise<Awaited<T>>;
}

const APPLICATIONS = 'applications.argoproj.io';
const PATH = /^\/apis\/argoproj\.io\/v1alpha1\/namespaces\/([^/]+)\/applications\/([^/]+)$/;

export function createApplicationsApi(options: ApplicationsApiOptions): Pick<KubernetesClient, 'request'> {
  const { api, argocd, observer } = options;

  const check = ({ method, path }: KubernetesRequest): void => {
    try {
      checkRights(method, path);
    } catch (error) {
      if (error instanceof StatusError) observer.refused(error.message);
      throw error;
    }
  };

  const serve = (request: KubernetesRequest): ApplicationObject => {
    check(request);
    const { method, path, body } = request;
    const [, namespace = '', name = ''] = PATH.exec(path) ?? [];
    if (!name || (method !== 'GET' && method !== 'PATCH'))
      throw new Error(`${method} ${path} is no request of branch-deploy`);
    // Without watched workloads the controller does not notice by itself that a rollout is over.
    argocd.settle();
    const found = api.get(APPLICATIONS, namespace, name) as unknown as ApplicationObject;
    const application = asSettings(found);
    observer.read(application);
    const { operation, metadata } = (body ?? {}) as Partial<ApplicationObject>;
    const syncs = method === 'PATCH' && operation !== undefined;
    const over = found.operation;
    if (syncs) observer.sync(application);
    const object =
      method === 'GET'
        ? found
        : (api.patch(APPLICATIONS, namespace, name, body, { type: 'merge' }) as unknown as ApplicationObject);
    if (syncs) {
      observer.written(application, { isBlind: !metadata?.resourceVersion, ...(over ? { over } : {}) });
      observer.synced(application);
    }
    observer.shown(application, viewOf(object));
    return object;
  };

  return {
    request: <T>(request: KubernetesRequest) => {
      const name = `${request.method} ${request.path}`;
      return options.around(
        name,
        () => {
          if (options.isDown()) throw new UnreachableError(`${name}: no reply came`);
          try {
            return { status: 200, body: serve(request) as T };
          } catch (error) {
            throw error instanceof StatusError ? refusal(name, error) : error;
          }
        },
        (kind, message) => faultError(kind, name, message, true),
      );
    },
  };
}

function asSettings({ metadata, spec }: ApplicationObject): ApplicationSettings {
  return { name: metadata.name, project: spec.project, prune: false, syncOptions: [] };
}
