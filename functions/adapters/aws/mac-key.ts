/**
 * The KMS key that signs links: two small signed requests, without the SDK's client. KMS answers a code that is not the
 * key's with an error, `KMSInvalidMacException`, and never with "false".
 */
import type { HttpReply } from '#functions/adapters/http.ts';
import { NightshiftError } from '#functions/shared/errors.ts';
import { isRecord } from '#model/record-schema.ts';
import type { AwsCredentials } from './signature.ts';
import { createSignedRequests, jsonRequest } from './signed-requests.ts';

export interface MacKeyOptions {
  /** ARN. */
  readonly keyId: string;
  readonly region: string;
  readonly credentials: () => Promise<AwsCredentials>;
  readonly now: () => Date;
  /** Instead of KMS's own host: `AWS_ENDPOINT_URL`. */
  readonly endpoint?: string | undefined;
}

export interface MacKey {
  /** The code of a text of at most 4,096 bytes, base64url. */
  sign(text: string): Promise<string>;
  isValid(text: string, mac: string): Promise<boolean>;
}

/** KMS answered with an error of this type, such as `AccessDeniedException`. */
export class KmsError extends NightshiftError {
  override name = 'KmsError';
  readonly type: string | undefined;

  constructor(message: string, type: string | undefined) {
    super(message);
    this.type = type;
  }
}

const TIMEOUT_MS = 2_000;
const MOST_ATTEMPTS = 3;
const ALGORITHM = 'HMAC_SHA_256';

export function createMacKey(options: MacKeyOptions): MacKey {
  const { keyId } = options;
  const send = createSignedRequests({ ...options, service: 'kms' });

  const call = async (operation: string, input: object): Promise<HttpReply> => {
    const fields = { KeyId: keyId, MacAlgorithm: ALGORITHM, ...input };
    const request = jsonRequest(`TrentService.${operation}`, fields, {
      version: '1.1',
      timeoutMs: TIMEOUT_MS,
    });
    for (let attempts = 1; ; attempts++) {
      const outcome = await send(request).catch((error: unknown) => ({ error }));
      const isTransient =
        'error' in outcome || outcome.status >= 500 || /Throttling/.test(errorOf(outcome) ?? '');
      if (isTransient && attempts < MOST_ATTEMPTS) continue;
      if ('error' in outcome)
        throw new NightshiftError(`kms could not be reached for ${operation}`, { cause: outcome.error });
      return outcome;
    }
  };

  return {
    async sign(text) {
      const reply = await call('GenerateMac', { Message: base64(text) });
      const mac = reply.status === 200 ? fieldIn(reply, 'Mac') : undefined;
      if (typeof mac !== 'string') throw refusal('GenerateMac', reply);
      return Buffer.from(mac, 'base64').toString('base64url');
    },
    async isValid(text, mac) {
      const input = { Message: base64(text), Mac: Buffer.from(mac, 'base64url').toString('base64') };
      const reply = await call('VerifyMac', input);
      if (reply.status === 200 && fieldIn(reply, 'MacValid') === true) return true;
      if (errorOf(reply) === 'KMSInvalidMacException') return false;
      throw refusal('VerifyMac', reply);
    },
  };
}

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}

function fieldIn({ body }: HttpReply, name: string): unknown {
  try {
    const value: unknown = JSON.parse(body);
    return isRecord(value) ? value[name] : undefined;
  } catch {
    return undefined;
  }
}

/** `__type` may come with the name space of the service before it. */
function errorOf(reply: HttpReply): string | undefined {
  const type = reply.status === 200 ? undefined : fieldIn(reply, '__type');
  return typeof type === 'string' ? type.split('#').at(-1) : undefined;
}

function refusal(operation: string, reply: HttpReply): KmsError {
  const text = `kms answered ${reply.status} to ${operation}: ${reply.body.slice(0, 400)}`;
  return new KmsError(text, errorOf(reply));
}
