import { createPublicKey, verify } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { serveAlbSignIn } from '#lab/http/alb-sign-in.ts';

const NOW = new Date('2026-11-24T12:00:00Z');

async function aLoadBalancer() {
  const alb = await serveAlbSignIn({
    arn: 'arn:of-the-load-balancer',
    targetGroup: 'arn:of-the-group',
    issuer: 'https://id.example.com',
    clientId: 'page',
    now: () => NOW,
  });
  onTestFinished(() => alb.close());
  return alb;
}

test('the token is padded, and its header names the load balancer, the issuer, the client and the expiry', async () => {
  const alb = await aLoadBalancer();
  const parts = alb.tokenOf({ email: 'ana@example.com' }).split('.');
  expect(parts.every((part) => part.length % 4 === 0)).toBe(true);
  expect(parts[2]).toMatch(/==$/);
  const header = JSON.parse(Buffer.from(parts[0] ?? '', 'base64url').toString('utf8'));
  expect(header).toMatchObject({
    alg: 'ES256',
    signer: 'arn:of-the-load-balancer',
    iss: 'https://id.example.com',
    client: 'page',
    exp: NOW.getTime() / 1000 + 120,
  });
  const reply = await fetch(`${alb.keysUrl}/${header.kid}`);
  const key = createPublicKey(await reply.text());
  const text = Buffer.from(`${parts[0]}.${parts[1]}`);
  const signature = Buffer.from(parts[2] ?? '', 'base64url');
  expect(verify('sha256', text, { key, dsaEncoding: 'ieee-p1363' }, signature)).toBe(true);
  expect((await fetch(`${alb.keysUrl}/another`)).status).toBe(403);
});

test('what a client sends in such a header is dropped, and a form arrives as base64', async () => {
  const alb = await aLoadBalancer();
  const event = alb.eventOf({
    method: 'POST',
    query: 'l=a%20b&x=1',
    headers: { 'X-Amzn-Oidc-Data': 'forged', 'content-type': 'application/x-www-form-urlencoded' },
    body: 'name=Ana',
  });
  expect(event).toMatchObject({
    requestContext: { elb: { targetGroupArn: 'arn:of-the-group' } },
    httpMethod: 'POST',
    queryStringParameters: { l: 'a%20b', x: '1' },
    body: Buffer.from('name=Ana').toString('base64'),
    isBase64Encoded: true,
  });
  expect(JSON.stringify(event)).not.toContain('forged');
});
