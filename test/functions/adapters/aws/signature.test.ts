/** Our signatures are those of the SDK's signer, whatever is signed. */
import { Sha256 } from '@smithy/core/checksum';
import { SignatureV4 } from '@smithy/signature-v4';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  presignedPath,
  type RequestToSign,
  type Signing,
  signedHeaders,
} from '#functions/adapters/aws/signature.ts';

const aText = fc.string({ unit: 'grapheme', maxLength: 30 });
const aSigning: fc.Arbitrary<Signing> = fc.record({
  service: fc.constantFrom('dynamodb', 'sts', 'eks', 'states', 'events', 'kms'),
  region: fc.constantFrom('ap-northeast-1', 'us-gov-west-1', 'cn-north-1'),
  credentials: fc.record(
    {
      accessKeyId: fc.stringMatching(/^AKIA[A-Z0-9]{16}$/),
      secretAccessKey: fc.stringMatching(/^[A-Za-z0-9/+]{40}$/),
      sessionToken: fc.stringMatching(/^[A-Za-z0-9/+]{1,60}={0,2}$/),
    },
    { requiredKeys: ['accessKeyId', 'secretAccessKey'] },
  ),
  date: fc.date({ min: new Date('2026-01-01'), max: new Date('2100-01-01'), noInvalidDate: true }),
});
/** A value of a header is printable; two blanks in a row count as one. */
const aHeader = fc.stringMatching(/^[!-~][ -~]{0,20}[!-~]$/);
const aRequest: fc.Arbitrary<RequestToSign> = fc.record({
  method: fc.constantFrom('GET', 'POST'),
  path: fc
    .array(aText.map((text) => encodeURIComponent(text.replaceAll('.', ''))).filter(Boolean), {
      maxLength: 3,
    })
    .map((parts) => `/${parts.join('/')}`),
  headers: fc
    .dictionary(fc.stringMatching(/^x-k8s-[a-z]{1,8}$/), aHeader, { maxKeys: 3 })
    .map((more) => ({ ...more, host: 'example.amazonaws.com:8443', 'content-type': 'application/json' })),
  body: aText,
});

const aQuery = fc.dictionary(
  fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,9}$/).filter((name) => !/^x-amz-/i.test(name)),
  aText,
  { maxKeys: 4 },
);

function signerOf({ date: _, ...options }: Signing) {
  return new SignatureV4({ ...options, sha256: Sha256, applyChecksum: false });
}

const address = { protocol: 'https:', hostname: 'example.amazonaws.com' };

test('the signature of a request is that of the SDK', async () => {
  await fc.assert(
    fc.asyncProperty(aRequest, aSigning, async (request, signing) => {
      const { authorization, ...headers } = signedHeaders(request, signing);
      const theirs = await signerOf(signing).sign(
        { ...address, ...request, headers },
        { signingDate: signing.date },
      );
      expect(authorization).toBe(theirs.headers['authorization']);
      expect(headers).toMatchObject(request.headers);
    }),
    { numRuns: 300 },
  );
});

test('the query of a presigned request is that of the SDK', async () => {
  await fc.assert(
    fc.asyncProperty(aRequest, aQuery, aSigning, async ({ body: _, ...request }, query, signing) => {
      const theirs = await signerOf(signing).presign(
        { ...address, ...request, query, headers: { ...request.headers } },
        { signingDate: signing.date, expiresIn: 60 },
      );
      const path = presignedPath({ ...request, query }, { ...signing, expiresSeconds: 60 });
      const url = new URL(path, 'https://example.amazonaws.com');
      expect(url.pathname).toBe(request.path);
      expect(Object.fromEntries(url.searchParams)).toEqual(theirs.query);
    }),
    { numRuns: 300 },
  );
});
