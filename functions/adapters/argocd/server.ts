/** Argo CD through its API server. */
import { createHttpHost, type HttpHost, type HttpReply, UnreachableError } from '#functions/adapters/http.ts';
import type { Secret } from '#functions/adapters/secret.ts';
import { APPLICATION_NAME } from '#functions/branch-deploy/admit.ts';
import type { Answer, ApplicationView, Argocd } from '#functions/branch-deploy/ports.ts';
import { SettingsError } from '#functions/shared/errors.ts';
import type { ApplicationSettings, BranchDeploySettings } from '#model/settings.ts';
import { DEPLOY_INFO, isApplication, viewOf } from './application.ts';
import { jsonOf, troubleOf } from './reply.ts';

export interface ArgocdServerOptions {
  readonly argocd: Pick<BranchDeploySettings['argocd'], 'url' | 'ca' | 'insecureLoopback'>;
  readonly token: Secret;
  /** For each request; default 10 s. */
  readonly timeoutMs?: number;
}

/** etcd keeps objects of 1.5 MB: more is no Application. */
const MAX_BODY_BYTES = 4 * 1024 * 1024;

/** Throws `SettingsError` for a URL that a token must not be sent to. */
export function createArgocdServer(options: ArgocdServerOptions): Argocd & { close(): void } {
  const url = checkedUrl(options.argocd);
  const host: HttpHost = createHttpHost({
    url: url.href,
    ...(options.argocd.ca ? { ca: options.argocd.ca } : {}),
    maxBodyBytes: MAX_BODY_BYTES,
  });
  const timeoutMs = options.timeoutMs ?? 10_000;

  /** A refused token is read once more: it may have been rotated since. */
  const ask = async (method: 'GET' | 'POST', path: string, body?: object): Promise<HttpReply> => {
    const send = (token: string) =>
      host.request({
        method,
        path,
        timeoutMs,
        headers: {
          accept: 'application/json',
          authorization: `Bearer ${token}`,
          'user-agent': 'eks-nightshift',
          // Exactly so: with a charset behind it the server answers 415.
          ...(body ? { 'content-type': 'application/json' } : {}),
        },
        ...(body ? { body: JSON.stringify(body) } : {}),
      });
    const token = await options.token.read();
    const reply = await send(token);
    if (reply.status !== 401) return reply;
    const fresh = await options.token.readAgain();
    return fresh === token ? reply : send(fresh);
  };

  const answer = async (asking: () => Promise<HttpReply>): Promise<Answer<ApplicationView>> => {
    let reply: HttpReply;
    try {
      reply = await asking();
    } catch (error) {
      if (!(error instanceof UnreachableError)) throw error;
      return { ok: false, trouble: { kind: 'passing', unclear: true, detail: error.message } };
    }
    if (reply.status < 200 || reply.status > 299) return { ok: false, trouble: troubleOf(url.host, reply) };
    const value = jsonOf(reply.body);
    if (isApplication(value)) return { ok: true, value: viewOf(value) };
    const detail = `${url.host} answered ${reply.status} with something that is not an Application`;
    return { ok: false, trouble: { kind: 'passing', unclear: true, detail } };
  };

  return {
    async read(application, { refresh = false } = {}) {
      if (!isApplicationName(application.name)) return invalidName(application);
      const query = new URLSearchParams({
        project: application.project,
        ...(application.namespace ? { appNamespace: application.namespace } : {}),
        ...(refresh ? { refresh: 'normal' } : {}),
      });
      return answer(() => ask('GET', `${pathOf(application)}?${query}`));
    },

    async sync(application, deployId, { revision } = {}) {
      if (!isApplicationName(application.name)) return invalidName(application);
      return answer(() =>
        ask('POST', `${pathOf(application)}/sync`, {
          name: application.name,
          project: application.project,
          ...(application.namespace ? { appNamespace: application.namespace } : {}),
          ...(revision ? { revision } : {}),
          prune: application.prune,
          // An empty list would take the application's own options away.
          ...(application.syncOptions.length > 0 ? { syncOptions: { items: application.syncOptions } } : {}),
          infos: [{ name: DEPLOY_INFO, value: deployId }],
        }),
      );
    },

    close: () => host.close(),
  };
}

function pathOf(application: ApplicationSettings): string {
  return `/api/v1/applications/${encodeURIComponent(application.name)}`;
}

export function invalidName(application: ApplicationSettings): Answer<never> {
  const detail = `${JSON.stringify(application.name.slice(0, 120))} is no name of an application: correct it in the config`;
  return { ok: false, trouble: { kind: 'invalid', detail } };
}

export function isApplicationName(name: string): boolean {
  return APPLICATION_NAME.test(name);
}

function checkedUrl(argocd: ArgocdServerOptions['argocd']): URL {
  const url = URL.parse(argocd.url);
  if (!url || !['https:', 'http:'].includes(url.protocol)) {
    throw new SettingsError(`argocd.url is ${JSON.stringify(argocd.url)}: write https://host`);
  }
  if (url.username || url.password || url.search || url.hash) {
    throw new SettingsError(`argocd.url at ${url.host} holds more than host and path: write https://host`);
  }
  if (url.protocol === 'http:') {
    const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(url.hostname);
    if (!argocd.insecureLoopback || !loopback) {
      throw new SettingsError(
        `argocd.url is ${url.origin}: the token would travel in the clear, write https:// (http:// is for the loopback, with insecureLoopback)`,
      );
    }
  }
  return url;
}
