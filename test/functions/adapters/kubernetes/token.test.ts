import { createHash, createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { AwsCredentials } from '#functions/adapters/aws/signature.ts';
import { createTokenSource } from '#functions/adapters/kubernetes/token.ts';

const CREDENTIALS: AwsCredentials = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  sessionToken: 'IQoJb3JpZ2luX2VjE+/=',
};
const NOON = new Date('2026-08-27T12:00:00.750Z');

describe('the bearer token of an EKS cluster', () => {
  test('is the prefix and the unpadded base64url of a URL', async () => {
    const token = await mint();
    expect(token).toMatch(/^k8s-aws-v1\.[A-Za-z0-9_-]+$/);
    expect(urlOf(token).origin).toBe('https://sts.ap-northeast-1.amazonaws.com');
  });

  test('asks for the caller and holds only the query parameters that the authenticator accepts', async () => {
    const query = urlOf(await mint()).searchParams;
    expect([...query.keys()].map((name) => name.toLowerCase()).sort()).toEqual([
      'action',
      'version',
      'x-amz-algorithm',
      'x-amz-credential',
      'x-amz-date',
      'x-amz-expires',
      'x-amz-security-token',
      'x-amz-signature',
      'x-amz-signedheaders',
    ]);
    expect(query.get('Action')).toBe('GetCallerIdentity');
    expect(query.get('Version')).toBe('2011-06-15');
    expect(query.get('X-Amz-Expires')).toBe('60');
    expect(query.get('X-Amz-Date')).toBe('20260827T120000Z');
    expect(query.get('X-Amz-Security-Token')).toBe(CREDENTIALS.sessionToken);
  });

  test('signs the name of the cluster', async () => {
    expect(urlOf(await mint()).searchParams.get('X-Amz-SignedHeaders')).toBe('host;x-k8s-aws-id');
  });

  test('carries the signature that Signature Version 4 prescribes', async () => {
    const url = urlOf(await mint());
    expect(url.searchParams.get('X-Amz-Signature')).toBe(signatureOf(url, 'develop'));
    expect(url.searchParams.get('X-Amz-Signature')).not.toBe(signatureOf(url, 'staging'));
  });

  test('has no security token where the credentials have none', async () => {
    const { accessKeyId, secretAccessKey } = CREDENTIALS;
    const url = urlOf(await mint({ credentials: async () => ({ accessKeyId, secretAccessKey }) }));
    expect(url.searchParams.has('X-Amz-Security-Token')).toBe(false);
    expect(url.searchParams.get('X-Amz-Signature')).toBe(signatureOf(url, 'develop'));
  });

  test('names the host of the Chinese partition there', async () => {
    expect(urlOf(await mint({ region: 'cn-north-1' })).host).toBe('sts.cn-north-1.amazonaws.com.cn');
  });

  test('is kept for less than 14 minutes and then minted anew', async () => {
    let now = NOON;
    const source = createTokenSource(options({ now: () => now }));
    const first = await source();
    now = new Date(NOON.getTime() + 14 * 60_000 - 1);
    expect(await source()).toBe(first);
    now = new Date(NOON.getTime() + 14 * 60_000);
    expect(await source()).not.toBe(first);
  });

  test('is minted anew on request, and when the clock went backwards', async () => {
    let now = NOON;
    const source = createTokenSource(options({ now: () => now }));
    const first = await source();
    now = new Date(NOON.getTime() + 1_000);
    const second = await source({ fresh: true });
    expect(second).not.toBe(first);
    expect(await source()).toBe(second);
    now = new Date(NOON.getTime() - 60_000);
    expect(await source()).not.toBe(second);
  });

  test('is not remembered where minting failed', async () => {
    let fails = true;
    const source = createTokenSource(
      options({
        credentials: async () => {
          if (fails) throw new Error('no credentials');
          return CREDENTIALS;
        },
      }),
    );
    await expect(source()).rejects.toThrow('no credentials');
    fails = false;
    expect(await source()).toMatch(/^k8s-aws-v1\./);
  });
});

type Options = Parameters<typeof createTokenSource>[0];

function options(overrides: Partial<Options> = {}): Options {
  return {
    cluster: 'develop',
    region: 'ap-northeast-1',
    credentials: async () => CREDENTIALS,
    now: () => NOON,
    ...overrides,
  };
}

function mint(overrides: Partial<Options> = {}): Promise<string> {
  return createTokenSource(options(overrides))();
}

function urlOf(token: string): URL {
  return new URL(Buffer.from(token.slice('k8s-aws-v1.'.length), 'base64url').toString('utf8'));
}

/** Signature Version 4 written out, as the documentation of AWS describes it for a presigned URL. */
function signatureOf(url: URL, cluster: string): string {
  const encode = (text: string) =>
    encodeURIComponent(text).replace(
      /[!'()*]/g,
      (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
    );
  const query = [...url.searchParams]
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&');
  const canonical = [
    'GET',
    '/',
    query,
    `host:${url.host}`,
    `x-k8s-aws-id:${cluster}`,
    '',
    'host;x-k8s-aws-id',
    createHash('sha256').update('').digest('hex'),
  ].join('\n');
  const date = url.searchParams.get('X-Amz-Date') ?? '';
  const scope = `${date.slice(0, 8)}/ap-northeast-1/sts/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', date, scope, createHash('sha256').update(canonical).digest('hex')].join(
    '\n',
  );
  const hmac = (key: string | Buffer, data: string) => createHmac('sha256', key).update(data).digest();
  const key = [date.slice(0, 8), 'ap-northeast-1', 'sts', 'aws4_request'].reduce<string | Buffer>(
    hmac,
    `AWS4${CREDENTIALS.secretAccessKey}`,
  );
  return hmac(key, text).toString('hex');
}
