/**
 * Accepts requests of the console's own page only. Other pages in the same browser can send requests to 127.0.0.1, and
 * can point a name of theirs at it (DNS rebinding). Pure.
 */
import { timingSafeEqual } from 'node:crypto';

export interface RequestHeaders {
  readonly method: string;
  readonly host: string | undefined;
  readonly origin: string | undefined;
  /** `Sec-Fetch-Site`. Absent in old browsers and in curl. */
  readonly fetchSite: string | undefined;
  readonly contentType: string | undefined;
  /** From the cookie. */
  readonly token: string | undefined;
}

export interface Refusal {
  readonly status: 401 | 403 | 415;
  readonly reason: string;
}

/** Why the request is refused; undefined when it is accepted. */
export function refuseRequest(
  request: RequestHeaders,
  own: { readonly port: number; readonly token: string },
): Refusal | undefined {
  const hosts = [`127.0.0.1:${own.port}`, `localhost:${own.port}`];
  if (!request.host || !hosts.includes(request.host)) {
    return { status: 403, reason: 'requests must be sent to 127.0.0.1' };
  }
  if (request.origin !== undefined && request.origin !== `http://${request.host}`) {
    return { status: 403, reason: 'the request came from another page' };
  }
  const writes = request.method !== 'GET' && request.method !== 'HEAD';
  if (writes) {
    if (request.origin === undefined) return { status: 403, reason: 'the Origin header is missing' };
    if (request.fetchSite !== undefined && request.fetchSite !== 'same-origin') {
      return { status: 403, reason: 'the request came from another page' };
    }
  }
  if (!isToken(request.token, own.token)) {
    return {
      status: 401,
      reason: 'open the address that "nightshift console" printed: it contains the access token',
    };
  }
  // A form on another page cannot send this type.
  if (writes && request.contentType !== 'application/json')
    return { status: 415, reason: 'the content type must be application/json' };
  return undefined;
}

/** Compares in constant time. */
export function isToken(given: string | undefined, token: string): boolean {
  if (given === undefined) return false;
  const one = Buffer.from(given);
  const other = Buffer.from(token);
  return one.length === other.length && timingSafeEqual(one, other);
}
