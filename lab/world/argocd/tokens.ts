import { createHmac, timingSafeEqual } from 'node:crypto';

/** Claims of an Argo CD token. Times are seconds since the epoch. */
export interface Claims {
  readonly iss: 'argocd';
  /** `proj:<project>:<role>` or an account's name. */
  readonly sub: string;
  readonly iat: number;
  readonly nbf: number;
  readonly exp?: number;
  readonly jti: string;
}

const HEADER = encode({ alg: 'HS256', typ: 'JWT' });

export function signToken(claims: Claims, key: string): string {
  const content = `${HEADER}.${encode(claims)}`;
  const token = `${content}.${signatureOf(content, key)}`;
  lastRight = { token, key, claims };
  return token;
}

/**
 * Reads a token as golang-jwt does. Throws an error whose message is the one that Argo CD passes on after
 * `invalid session: `.
 */
export function readToken(token: string, key: string, now: number): Claims {
  if (lastRight?.token !== token || lastRight.key !== key)
    lastRight = { token, key, claims: verified(token, key) };
  const { claims } = lastRight;
  const seconds = now / 1000;
  if (claims.exp !== undefined && seconds >= claims.exp)
    throw new Error('token has invalid claims: token is expired');
  if (claims.nbf !== undefined && seconds < claims.nbf)
    throw new Error('token has invalid claims: token is not valid yet');
  return claims;
}

/** Cache of the last valid token: callers use the same one repeatedly. */
let lastRight: { readonly token: string; readonly key: string; readonly claims: Claims } | undefined;

function verified(token: string, key: string): Claims {
  const [head = '', body = '', signature = '', ...rest] = token.split('.');
  if (rest.length > 0) throw new Error('token is malformed: token contains an invalid number of segments');
  const header = decode(head) as { alg?: string };
  const claims = decode(body) as Partial<Claims>;
  if (claims.iss !== 'argocd') throw new Error('SSO is not configured');
  if (header.alg !== 'HS256')
    throw new Error(
      `token is unverifiable: error while executing keyfunc: unexpected signing method: ${header.alg}`,
    );
  if (!isSigned(`${head}.${body}`, signature, key))
    throw new Error('token signature is invalid: signature is invalid');
  return claims as Claims;
}

function isSigned(content: string, signature: string, key: string): boolean {
  const expected = Buffer.from(signatureOf(content, key));
  const given = Buffer.from(signature);
  return expected.length === given.length && timingSafeEqual(expected, given);
}

function signatureOf(content: string, key: string): string {
  return createHmac('sha256', key).update(content).digest('base64url');
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function decode(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
  } catch {
    throw new Error('token is malformed: could not JSON decode header: invalid character');
  }
}
