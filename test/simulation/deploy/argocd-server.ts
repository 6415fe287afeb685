/** The lab's Argo CD server as the adapter over HTTPS shows it, without HTTPS. */

import { ArgocdError, type ArgocdWorld, httpStatusOf } from '@nightshift/lab/world/argocd/index.ts';
import { DEPLOY_INFO, viewOf } from '#functions/adapters/argocd/application.ts';
import { failureOf } from '#functions/adapters/argocd/reply.ts';
import { invalidName, pathOf } from '#functions/adapters/argocd/server.ts';
import { createServerImages } from '#functions/adapters/argocd/server-images.ts';
import type { ApplicationView, Argocd, ArgocdFailure, Result } from '#functions/branch-deploy/ports.ts';
import { isApplicationName } from '#functions/branch-deploy/record.ts';
import type { ApplicationSettings } from '#model/settings.ts';
import { InjectedError } from '../faults.ts';
import { createLabConnection } from './argocd-connection.ts';

/** Called for requests that reach Argo CD, before they take effect, and for its replies. */
export interface ArgocdObserver {
  read(application: ApplicationSettings): void;
  sync(application: ApplicationSettings): void;
  synced(application: ApplicationSettings): void;
  shown(application: ApplicationSettings, view: ApplicationView): void;
}

export interface ArgocdServerOptions {
  readonly argocd: ArgocdWorld;
  /** A warm function caches it, and reads it again when it was refused. */
  readonly token: { cached(): string; readAgain(): Promise<string> };
  readonly isDown: () => boolean;
  readonly observer: ArgocdObserver;
  readonly around: <T>(call: string, act: () => T) => Promise<Awaited<T>>;
}

const NO_REPLY = {
  ok: false,
  error: { kind: 'transient', outcomeUnknown: true, detail: 'no reply came' },
} as const;

function injected({ message }: InjectedError): ArgocdFailure {
  const outcomeUnknown = !message.endsWith('throttled');
  return { kind: 'transient', detail: message, ...(outcomeUnknown && { outcomeUnknown }) };
}

export function createArgocdServerWire(options: ArgocdServerOptions): Argocd {
  const { argocd, observer } = options;
  type Caller = ReturnType<ArgocdWorld['authenticate']>;

  /** A refused token is read once more. */
  const send = async (
    call: string,
    act: (caller: Caller) => ApplicationView,
    token = options.token.cached(),
  ): Promise<Result<ApplicationView>> => {
    let result: Result<ApplicationView>;
    try {
      result = await options.around(call, (): Result<ApplicationView> => {
        if (options.isDown()) return NO_REPLY;
        try {
          return { ok: true, value: act(argocd.authenticate(token)) };
        } catch (error) {
          if (!(error instanceof ArgocdError)) throw error;
          const body = JSON.stringify({ error: error.message, code: error.code, message: error.message });
          const status = httpStatusOf(error.code);
          return { ok: false, error: failureOf('argocd', { status, headers: {}, body }) };
        }
      });
    } catch (error) {
      if (!(error instanceof InjectedError)) throw error;
      return { ok: false, error: injected(error) };
    }
    if (result.ok || result.error.kind !== 'unauthorized') return result;
    const fresh = await options.token.readAgain();
    return fresh === token ? result : send(call, act, fresh);
  };

  const images = createServerImages(createLabConnection({ argocd, token: options.token.cached }), pathOf);
  /** Requests beside the Application: with the same token, and the same faults. */
  const beside = async <T>(
    call: string,
    act: () => Promise<Result<T>>,
    isAgain = false,
  ): Promise<Result<T>> => {
    let result: Result<T>;
    try {
      result = await options.around(call, () => (options.isDown() ? NO_REPLY : act()));
    } catch (error) {
      if (!(error instanceof InjectedError)) throw error;
      result = { ok: false, error: injected(error) };
    }
    if (result.ok || result.error.kind !== 'unauthorized' || isAgain) return result;
    await options.token.readAgain();
    return beside(call, act, true);
  };

  return {
    pods: (application) => beside(`argocd.pods ${application.name}`, () => images.pods(application)),
    restart: (application, workload, at) =>
      beside(`argocd.restart ${workload.name}`, () => images.restart(application, workload, at)),
    setImages: (application, built, source) =>
      beside(`argocd.set-images ${application.name}`, () => images.setImages(application, built, source)),
    read(application, { refresh = false } = {}) {
      if (!isApplicationName(application.name)) return Promise.resolve(invalidName(application));
      return send(`argocd.read ${application.name}`, (caller) => {
        observer.read(application);
        const view = viewOf(argocd.get(caller, queryOf(application), refresh ? 'normal' : undefined));
        observer.shown(application, view);
        return view;
      });
    },
    sync(application, deployId, { revision, prune = false } = {}) {
      if (!isApplicationName(application.name)) return Promise.resolve(invalidName(application));
      return send(`argocd.sync ${application.name}`, (caller) => {
        observer.sync(application);
        const object = argocd.sync(caller, {
          ...queryOf(application),
          ...(revision ? { revision } : {}),
          prune: application.prune ?? prune,
          ...(application.syncOptions.length > 0 ? { syncOptions: { items: application.syncOptions } } : {}),
          infos: [{ name: DEPLOY_INFO, value: deployId }],
        });
        observer.synced(application);
        return viewOf(object);
      });
    },
  };
}

function queryOf(application: ApplicationSettings) {
  return {
    name: application.name,
    project: application.project,
    ...(application.namespace ? { appNamespace: application.namespace } : {}),
  };
}
