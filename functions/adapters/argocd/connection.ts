/** Requests to the Argo CD server with a token that is sent to no other host. */

import type { Secret } from '#functions/adapters/aws/secret.ts';
import { createHttpHost, type HttpHost, type HttpReply, UnreachableError } from '#functions/adapters/http.ts';
import type { Result } from '#functions/branch-deploy/ports.ts';
import { SettingsError } from '#functions/shared/errors.ts';
import type { BranchDeploySettings } from '#model/settings.ts';
import { failureOf, jsonOf } from './reply.ts';

export interface ArgocdServerOptions {
  readonly argocd: Pick<BranchDeploySettings['argocd'], 'ca' | 'insecureLoopback'> & { readonly url: string };
  readonly token: Secret;
  /** For each request; default 10 s. */
  readonly timeoutMs?: number;
}

type Method = 'GET' | 'POST' | 'PATCH';

export interface ArgocdConnection {
  /** The reply as `T`; a failure where it is something else. */
  ask<T>(request: {
    readonly method: Method;
    readonly path: string;
    readonly body?: object;
    readonly as: { readonly name: string; readonly is: (value: unknown) => value is T };
  }): Promise<Result<T>>;
  close(): void;
}

/** Throws `SettingsError` for a URL that a token must not be sent to. */
export function connectArgocd(
  options: ArgocdServerOptions & { readonly maxBodyBytes: number },
): ArgocdConnection {
  const url = checkedUrl(options.argocd);
  const host: HttpHost = createHttpHost({
    url: url.href,
    ...(options.argocd.ca ? { ca: options.argocd.ca } : {}),
    maxBodyBytes: options.maxBodyBytes,
  });
  const timeoutMs = options.timeoutMs ?? 10_000;

  /** A token that is not accepted is read again once: it may have been rotated since. */
  const send = async (method: Method, path: string, body?: object): Promise<HttpReply> => {
    const sendWith = (token: string) =>
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
    const reply = await sendWith(token);
    if (reply.status !== 401) return reply;
    const fresh = await options.token.readAgain();
    return fresh === token ? reply : sendWith(fresh);
  };

  return {
    async ask({ method, path, body, as }) {
      let reply: HttpReply;
      try {
        reply = await send(method, path, body);
      } catch (error) {
        if (!(error instanceof UnreachableError)) throw error;
        return { ok: false, error: { kind: 'transient', outcomeUnknown: true, detail: error.message } };
      }
      if (reply.status < 200 || reply.status > 299) return { ok: false, error: failureOf(url.host, reply) };
      const value = jsonOf(reply.body);
      if (as.is(value)) return { ok: true, value };
      const detail = `${url.host} answered ${reply.status} with something other than ${as.name}`;
      return { ok: false, error: { kind: 'transient', outcomeUnknown: true, detail } };
    },
    close: () => host.close(),
  };
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
