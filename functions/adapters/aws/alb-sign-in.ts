/**
 * Who an Application Load Balancer says has signed in: the JWT of its header `x-amzn-oidc-data`, ES256. Its signer, expiry,
 * issuer and client are in the JWT's header, and its parts are padded, which the libraries for JWTs refuse; so it is read
 * here, and Node's own crypto checks the signature. Loaded only where an environment has `signIn`.
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-authenticate-users.html
 */
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { createHttpHost } from '#functions/adapters/http.ts';
import type { SignIn, SignInVerifier } from '#functions/self-service/ports.ts';
import { NightshiftError } from '#functions/shared/errors.ts';
import { isPlainText } from '#model/plain-text.ts';
import { isRecord } from '#model/record-schema.ts';
import { domainOf } from '#model/region.ts';
import type { SignInSettings } from '#model/settings.ts';

export interface AlbSignInOptions extends SignInSettings {
  readonly region: string;
  readonly now: () => Date;
  /** Instead of the host of the public keys: `AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2`. */
  readonly endpoint?: string | undefined;
}

/** A load balancer limits it to 11 KB with the claims. */
const LONGEST_TOKEN = 16_384;
const LONGEST_ADDRESS = 254;
const TIMEOUT_MS = 3_000;
/** A load balancer has few; it changes them from time to time. */
const MOST_KEYS = 20;
const REFUSED: SignIn = { ok: false };

export function createAlbSignIn(options: AlbSignInOptions): SignInVerifier {
  const { loadBalancer, issuer, clientId, now } = options;
  const keyOf = publicKeys(options);
  return {
    async verify(token) {
      const parsed = token === undefined ? undefined : parse(token);
      if (!parsed) return REFUSED;
      const { header, claims } = parsed;
      const { alg, kid, signer, exp, iss, client } = header;
      // Before the key is fetched: what is not for this page costs no request.
      if (alg !== 'ES256' || signer !== loadBalancer || iss !== issuer || client !== clientId) return REFUSED;
      if (typeof exp !== 'number' || exp * 1000 <= now().getTime()) return REFUSED;
      if (typeof kid !== 'string' || !/^[A-Za-z0-9-]{1,64}$/.test(kid)) return REFUSED;
      const key = await keyOf(kid);
      const isSigned =
        key !== undefined &&
        verify('sha256', parsed.signedText, { key, dsaEncoding: 'ieee-p1363' }, parsed.signature);
      return isSigned ? signInOf(claims) : REFUSED;
    },
  };
}

/** An address that the issuer calls unverified is nobody's. */
function signInOf({ email, email_verified: isVerified }: Readonly<Record<string, unknown>>): SignIn {
  if (typeof email !== 'string' || email.length > LONGEST_ADDRESS) return REFUSED;
  if (!/^[^\s@]+@[^\s@]+$/.test(email) || !isPlainText(email)) return REFUSED;
  return isVerified === false || isVerified === 'false' ? REFUSED : { ok: true, address: email };
}

interface ParsedToken {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
  /** With the padding, as it was signed. */
  readonly signedText: Buffer;
  readonly signature: Buffer;
}

function parse(token: string): ParsedToken | undefined {
  const parts = token.length > LONGEST_TOKEN ? [] : token.split('.');
  const [head, body, code] = parts;
  if (parts.length !== 3 || head === undefined || body === undefined || code === undefined) return undefined;
  const [header, claims, signature] = [jsonIn(head), jsonIn(body), bytesIn(code)];
  if (!header || !claims || signature?.length !== 64) return undefined;
  return { header, claims, signedText: Buffer.from(`${head}.${body}`, 'ascii'), signature };
}

function jsonIn(part: string): Readonly<Record<string, unknown>> | undefined {
  const bytes = bytesIn(part);
  try {
    const value: unknown = bytes && JSON.parse(bytes.toString('utf8'));
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Base64url without padding, or with exactly as much as it needs. `Buffer` reads anything. */
function bytesIn(part: string): Buffer | undefined {
  const [, text = '', padding = ''] = /^([A-Za-z0-9_-]*)(={0,2})$/.exec(part) ?? [];
  if (text === '' || (padding !== '' && (text.length + padding.length) % 4 !== 0)) return undefined;
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : undefined;
}

/** Undefined for a key that does not exist. Throws where the keys cannot be reached. */
function publicKeys({ region, endpoint }: AlbSignInOptions): (kid: string) => Promise<KeyObject | undefined> {
  const host = createHttpHost({ url: endpoint ?? hostOf(region) });
  const known = new Map<string, KeyObject>();
  return async (kid) => {
    const found = known.get(kid);
    if (found) return found;
    const { status, body } = await host.request({ method: 'GET', path: `/${kid}`, timeoutMs: TIMEOUT_MS });
    if (status === 403 || status === 404) return undefined;
    if (status !== 200)
      throw new NightshiftError(`the public keys of the load balancer could not be read: ${status}`);
    const key = createPublicKey(body);
    if (known.size >= MOST_KEYS) known.clear();
    known.set(kid, key);
    return key;
  };
}

function hostOf(region: string): string {
  return region.startsWith('us-gov-')
    ? `https://s3-${region}.amazonaws.com/aws-elb-public-keys-prod-${region}`
    : `https://public-keys.auth.elb.${region}.${domainOf(region)}`;
}
