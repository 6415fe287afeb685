/**
 * Who may talk to the console: only the page that it served itself. Other pages of the same browser can send requests
 * to 127.0.0.1, and a name of theirs can be made to point there (DNS rebinding). Pure.
 */
import { timingSafeEqual } from 'node:crypto';

export interface Asked {
  readonly method: string;
  readonly host: string | undefined;
  readonly origin: string | undefined;
  /** What the browser says about where the request comes from. Absent in old browsers and in curl. */
  readonly fetchSite: string | undefined;
  readonly contentType: string | undefined;
  /** Of the cookie. */
  readonly token: string | undefined;
}

/** Why the request is refused, with its status; undefined where it may pass. */
export function refuse(
  asked: Asked,
  own: { readonly port: number; readonly token: string },
): { readonly status: 401 | 403 | 415; readonly why: string } | undefined {
  const hosts = [`127.0.0.1:${own.port}`, `localhost:${own.port}`];
  if (!asked.host || !hosts.includes(asked.host)) {
    return { status: 403, why: 'the console answers to 127.0.0.1 only' };
  }
  if (asked.origin !== undefined && asked.origin !== `http://${asked.host}`) {
    return { status: 403, why: 'another page asked for this' };
  }
  const writes = asked.method !== 'GET' && asked.method !== 'HEAD';
  if (writes) {
    if (asked.origin === undefined) return { status: 403, why: 'a change needs an Origin' };
    if (asked.fetchSite !== undefined && asked.fetchSite !== 'same-origin') {
      return { status: 403, why: 'another page asked for this' };
    }
  }
  if (!isToken(asked.token, own.token)) {
    return {
      status: 401,
      why: 'open the address that "nightshift console" printed: it holds the key to this page',
    };
  }
  // A form of another page cannot send this type.
  if (writes && asked.contentType !== 'application/json')
    return { status: 415, why: 'send application/json' };
  return undefined;
}

/** In constant time. */
export function isToken(given: string | undefined, token: string): boolean {
  if (given === undefined) return false;
  const one = Buffer.from(given);
  const other = Buffer.from(token);
  return one.length === other.length && timingSafeEqual(one, other);
}
