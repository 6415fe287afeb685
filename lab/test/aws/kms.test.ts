import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createAws } from '#lab/world/aws/index.ts';
import { createContext } from '#lab/world/context.ts';

const at = { account: '111111111111', region: 'eu-west-1' };
const id = '01234567-89ab-4def-8123-456789abcdef';
const message = Buffer.from('a text');

function aKey() {
  const aws = createAws(createContext({ start: new Date('2026-11-24T12:00:00Z'), seed: 1 }));
  aws.macKeys.add({ ...at, id });
  return aws.macKeys;
}

describe('a key for message authentication codes', () => {
  test('verifies the code that it computed, by id or ARN', () => {
    const keys = aKey();
    const mac = keys.generate(at, id, 'HMAC_SHA_256', message);
    expect(mac).toHaveLength(32);
    keys.verify(at, `arn:aws:kms:eu-west-1:111111111111:key/${id}`, 'HMAC_SHA_256', message, mac);
  });

  test('throws for any other code: it never answers false', () => {
    const keys = aKey();
    const mac = keys.generate(at, id, 'HMAC_SHA_256', message);
    const foreign = createHmac('sha256', 'another').update(message).digest();
    for (const other of [foreign, mac.subarray(0, 31), Buffer.concat([mac, Buffer.from([0])])])
      expect(() => keys.verify(at, id, 'HMAC_SHA_256', message, other)).toThrow(
        expect.objectContaining({ code: 'KMSInvalidMacException' }),
      );
    expect(() => keys.verify(at, id, 'HMAC_SHA_256', Buffer.from('another text'), mac)).toThrow();
  });

  test.for([
    ['of another region', { ...at, region: 'us-east-1' }, id, 'HMAC_SHA_256', 'NotFoundException'],
    ['of another account', { ...at, account: '222222222222' }, id, 'HMAC_SHA_256', 'NotFoundException'],
    ['of another spec', at, id, 'HMAC_SHA_512', 'InvalidKeyUsageException'],
    ['with an unknown algorithm', at, id, 'MD5', 'ValidationException'],
  ] as const)('%s is refused', ([, scope, keyId, algorithm, code]) => {
    expect(() => aKey().generate(scope, keyId, algorithm, message)).toThrow(
      expect.objectContaining({ code }),
    );
  });
});
