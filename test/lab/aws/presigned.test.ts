import { PresignedUrlError, verifyPresigned } from '@nightshift/lab/http/aws/presigned.ts';
import { account, aWorld, region } from '@nightshift/lab/test/aws/world.ts';
import { describe, expect, it } from 'vitest';
import { createTokenSource } from '#functions/adapters/kubernetes/token.ts';

const roleArn = `arn:aws:iam::${account}:role/service/spot-drain`;

async function aToken(options: { cluster?: string; region?: string } = {}) {
  const world = aWorld();
  const principal = world.aws.addPrincipal({ account, arn: roleArn, sessionName: 'drain' });
  const token = await createTokenSource({
    cluster: options.cluster ?? 'develop',
    region: options.region ?? region,
    credentials: async () => principal,
    now: () => world.context.clock.date(),
  })();
  const url = Buffer.from(token.slice('k8s-aws-v1.'.length), 'base64url').toString();
  const check = (changed = url, headers: Record<string, string> = { 'x-k8s-aws-id': 'develop' }) =>
    verifyPresigned(world.aws, changed, headers);
  return { world, principal, url, check };
}

describe('the authenticator', () => {
  it('knows the caller of a token by role and session', async () => {
    const { check, principal, world } = await aToken();
    expect(check()).toEqual({
      account,
      callerArn: `arn:aws:sts::${account}:assumed-role/spot-drain/drain`,
      principalArn: roleArn,
      userId: principal.accessKeyId && expect.stringMatching(/^AROA.*:drain$/),
      sessionName: 'drain',
      accessKeyId: principal.accessKeyId,
      expiresAt: world.context.clock.now() + 15 * 60_000,
    });
  });

  it('honours a token for fifteen minutes by the virtual clock, whatever X-Amz-Expires says', async () => {
    const { check, world, url } = await aToken();
    expect(url).toContain('X-Amz-Expires=60');
    await world.pass(15 * 60);
    expect(() => check()).not.toThrow();
    await world.pass(1);
    expect(() => check()).toThrow('Signature expired');
  });

  it('refuses a token made for another cluster', async () => {
    const { check } = await aToken({ cluster: 'production' });
    expect(() => check()).toThrow('does not match');
  });

  it.each([
    [
      'a parameter that the SDK added',
      (url: string) => `${url}&x-id=GetCallerIdentity`,
      'non-whitelisted query parameter "x-id"',
    ],
    ['a doubled parameter', (url: string) => `${url}&Action=GetCallerIdentity`, 'multiple values'],
    [
      'another action',
      (url: string) => url.replace('GetCallerIdentity', 'GetSessionToken'),
      'unexpected action',
    ],
    ['another host', (url: string) => url.replace('amazonaws.com', 'example.com'), 'unexpected hostname'],
    [
      'another region than it was signed for',
      (url: string) => url.replace('sts.ap-northeast-1', 'sts.us-east-1'),
      'scoped to us-east-1/sts',
    ],
    ['plain http', (url: string) => url.replace('https:', 'http:'), 'unexpected scheme'],
    ['no path', (url: string) => url.replace('/?', '?'), 'unexpected scheme or path'],
    ['a path', (url: string) => url.replace('/?', '/x?'), 'unexpected scheme or path'],
    ['a long life', (url: string) => url.replace('X-Amz-Expires=60', 'X-Amz-Expires=86400'), 'X-Amz-Expires'],
    [
      'no signed cluster header',
      (url: string) => url.replace('%3Bx-k8s-aws-id', ''),
      'did not sign the x-k8s-aws-id',
    ],
    [
      'a changed signature',
      (url: string) => url.replace(/X-Amz-Signature=../, 'X-Amz-Signature=zz'),
      'does not match',
    ],
    [
      'an unknown key',
      (url: string) => url.replace(/ASI[0-9A-F]+/, 'ASIAUNKNOWN'),
      'security token included in the request is invalid',
    ],
    ['something that is no URL', () => 'hello', 'unexpected scheme'],
  ])('refuses a token with %s', async (_what, change, message) => {
    const { check, url } = await aToken();
    const changed = change(url);
    expect(changed).not.toBe(url);
    expect(() => check(changed)).toThrow(PresignedUrlError);
    expect(() => check(changed)).toThrow(message);
  });
});
