/** Middleware of the console: security headers, and the access token. */
import type { Context, MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { getCookie, setCookie } from 'hono/cookie';
import { secureHeaders } from 'hono/secure-headers';
import { isToken, type RequestHeaders, refuseRequest } from './request-guard.ts';

/** The page loads nothing from elsewhere, and no other page can embed or read it. */
export function securityHeaders(): MiddlewareHandler {
  return secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'"],
      connectSrc: ["'self'"],
      imgSrc: ["'self'", 'data:'],
      baseUri: ["'none'"],
      formAction: ["'none'"],
      frameAncestors: ["'none'"],
    },
    referrerPolicy: 'no-referrer',
    crossOriginResourcePolicy: 'same-origin',
    crossOriginOpenerPolicy: 'same-origin',
    strictTransportSecurity: false,
  });
}

/** The form has four short fields, and a target is a name. */
const MOST_BYTES = 4_096;
const LONGEST_ADDRESS = 1_024;

/** Also of a body whose length is not announced. */
export function limitRequests(): MiddlewareHandler {
  const bodies = bodyLimit({
    maxSize: MOST_BYTES,
    onError: (context) => context.json({ error: `a request has at most ${MOST_BYTES} bytes` }, 413),
  });
  return async (context, next) => {
    if (context.req.url.length > LONGEST_ADDRESS)
      return context.json({ error: `an address has at most ${LONGEST_ADDRESS} characters` }, 414);
    return bodies(context, next);
  };
}

/** Takes the token from the address once and moves it into a cookie; every other request needs the cookie. */
export function requireToken(own: { readonly port: number; readonly token: string }): MiddlewareHandler {
  const cookie = `nightshift-${own.port}`;
  return async (context, next) => {
    context.header('cache-control', 'no-store');
    const given = context.req.path === '/' ? context.req.query('token') : undefined;
    const refusal = refuseRequest(headersOf(context, given ?? getCookie(context, cookie)), own);
    if (refusal) return context.text(`nightshift console: ${refusal.reason}\n`, refusal.status);
    if (given !== undefined && isToken(given, own.token)) {
      setCookie(context, cookie, own.token, { httpOnly: true, sameSite: 'Strict', path: '/' });
      // Removes the token from the address bar.
      return context.redirect('/', 303);
    }
    return next();
  };
}

function headersOf(context: Context, token: string | undefined): RequestHeaders {
  const header = (name: string) => context.req.header(name);
  return {
    method: context.req.method,
    host: header('host'),
    origin: header('origin'),
    fetchSite: header('sec-fetch-site'),
    contentType: header('content-type'),
    token,
  };
}
