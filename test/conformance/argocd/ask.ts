import type { HttpHost, HttpReply } from '#functions/adapters/http.ts';
import type { Stage } from './stage.ts';

const TIMEOUT_MS = 30_000;

/** One request as the stage describes it. A body that is text is sent as it is. */
export function askOn(host: HttpHost, request: Parameters<Stage['ask']>[0]): Promise<HttpReply> {
  const { method = 'GET', path, token, body, headers = {} } = request;
  return host.request({
    method,
    path,
    timeoutMs: TIMEOUT_MS,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
}
