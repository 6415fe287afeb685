/** The lab's Argo CD as the adapters hear it over HTTPS, without HTTPS. */
import { answerArgocd } from '@nightshift/lab/http/argocd/server.ts';
import type { ArgocdWorld } from '@nightshift/lab/world/argocd/index.ts';
import type { ArgocdConnection } from '#functions/adapters/argocd/connection.ts';
import { failureOf, jsonOf } from '#functions/adapters/argocd/reply.ts';

export function createLabConnection(options: {
  readonly argocd: ArgocdWorld;
  readonly token: () => string;
}): ArgocdConnection {
  return {
    async ask({ method, path, body, as }) {
      const [pathname = '', query = ''] = path.split('?');
      const reply = answerArgocd({
        argocd: options.argocd,
        method,
        path: pathname,
        rawQuery: query,
        headers: { authorization: `Bearer ${options.token()}`, 'content-type': 'application/json' },
        body: body ? JSON.stringify(body) : '',
      });
      const text = String(reply.body);
      if (reply.status > 299)
        return { ok: false, error: failureOf('argocd', { status: reply.status, headers: {}, body: text }) };
      const value = jsonOf(text);
      if (as.is(value)) return { ok: true, value };
      return { ok: false, error: { kind: 'transient', detail: `something other than ${as.name}` } };
    },
    close: () => undefined,
  };
}
