/** The page behind a load balancer where people sign in. */
import { serveAlbSignIn } from '@nightshift/lab/http/alb-sign-in.ts';
import { describe, expect, test } from 'vitest';
import { ALB, aForm, aPage, EVENING, SIGN_IN, UNTIL } from './a-page.ts';

const ANA = { sub: '7f2a', email: 'ana@example.com', email_verified: true };
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
type APage = Awaited<ReturnType<typeof aPage>>;

async function aSignedInPage() {
  const page = await aPage({ signIn: SIGN_IN });
  const query = `l=${await page.sign()}`;
  const post = (claims?: Readonly<Record<string, unknown>>) =>
    page.alb.eventOf(
      { method: 'POST', query, headers: FORM, body: new URLSearchParams(aForm({ name: '' })).toString() },
      claims,
    );
  return { page, query, post };
}

describe('behind a load balancer with OIDC', () => {
  test('the author is the verified address, and no name is asked for', async () => {
    const { page, query, post } = await aSignedInPage();
    const shown = await page.send(page.alb.eventOf({ method: 'GET', query }, ANA));
    expect(shown.statusCode).toBe(200);
    expect(shown.body).toContain('ana@example.com');
    expect(shown.body).not.toContain('id="name"');
    const { statusCode, body } = await page.send(post(ANA));
    expect(statusCode).toBe(200);
    expect(body).toContain('Kept up until 23:30');
    expect(await page.overrides()).toMatchObject([
      { author: 'ana@example.com', via: 'sign-in', until: UNTIL, reason: 'release 4.2' },
    ]);
    expect((await page.overrides())[0]).not.toHaveProperty('label');
    expect(page.decisions).toMatchObject([{ action: 'override', author: 'ana@example.com', via: 'sign-in' }]);
    expect(page.decisions[0]?.reason).not.toContain('not verified');
  });

  test('each public key is fetched once', async () => {
    const { page, query } = await aSignedInPage();
    for (let n = 0; n < 3; n++) await page.send(page.alb.eventOf({ method: 'GET', query }, ANA));
    expect(page.alb.keyRequests).toHaveLength(1);
  });

  test('a link is needed as well', async () => {
    const { page } = await aSignedInPage();
    const { statusCode } = await page.send(page.alb.eventOf({ method: 'GET' }, ANA));
    expect(statusCode).toBe(403);
  });

  const withToken = (page: APage, query: string, token: string) => ({
    ...page.alb.eventOf({ method: 'GET', query }),
    headers: { 'x-amzn-oidc-data': token },
  });
  const other = (token: string, part: number, change: (text: string) => string) =>
    token
      .split('.')
      .map((text, index) => (index === part ? change(text) : text))
      .join('.');

  test.for([
    ['nobody signed in', () => ''],
    ['another load balancer has signed', (page: APage) => page.alb.tokenOf(ANA, { signer: `${ALB}0` })],
    ['another issuer', (page: APage) => page.alb.tokenOf(ANA, { iss: 'https://evil.example' })],
    ['another client', (page: APage) => page.alb.tokenOf(ANA, { client: 'other' })],
    ['it has expired', (page: APage) => page.alb.tokenOf(ANA, { exp: EVENING.getTime() / 1000 })],
    ['it has no expiry', (page: APage) => page.alb.tokenOf(ANA, { exp: 'never' })],
    ['it is not signed by ES256', (page: APage) => page.alb.tokenOf(ANA, { alg: 'none' })],
    ['its key does not exist', (page: APage) => page.alb.tokenOf(ANA, { kid: 'no-such-key' })],
    ['its key is a path', (page: APage) => page.alb.tokenOf(ANA, { kid: '../other-bucket/key' })],
    [
      'the issuer calls the address unverified',
      (page: APage) => page.alb.tokenOf({ ...ANA, email_verified: 'false' }),
    ],
    ['it has no address', (page: APage) => page.alb.tokenOf({ sub: '7f2a' })],
    ['the address is on two lines', (page: APage) => page.alb.tokenOf({ email: 'a@b\nc' })],
    [
      'the claims were changed',
      (page: APage) =>
        other(page.alb.tokenOf(ANA), 1, () =>
          Buffer.from(JSON.stringify({ email: 'eva@example.com' })).toString('base64url'),
        ),
    ],
    [
      'the padding is cut in half',
      (page: APage) => other(page.alb.tokenOf(ANA), 2, (text) => text.slice(0, -1)),
    ],
    ['there is too much padding', (page: APage) => other(page.alb.tokenOf(ANA), 2, (text) => `${text}=`)],
    [
      'the padding is inside',
      (page: APage) => other(page.alb.tokenOf(ANA), 0, (text) => `${text.slice(0, 4)}=${text.slice(4)}`),
    ],
    [
      'it has other characters',
      (page: APage) => other(page.alb.tokenOf(ANA), 1, (text) => `${text.slice(0, -4)}+/==`),
    ],
    ['it has four parts', (page: APage) => `${page.alb.tokenOf(ANA)}.x`],
    ['it is very long', (page: APage) => page.alb.tokenOf({ ...ANA, more: 'a'.repeat(20_000) })],
  ] as const)('is refused with a page that a person understands where %s', async ([, tokenOf]) => {
    const { page, query } = await aSignedInPage();
    const { statusCode, body } = await page.send(withToken(page, query, tokenOf(page)));
    expect(statusCode).toBe(401);
    expect(body).toContain('<h1>You are not signed in</h1>');
    expect(body).not.toContain('develop');
  });

  test('is refused where another key has signed', async () => {
    const { page, query } = await aSignedInPage();
    const forger = await serveAlbSignIn({ ...SIGN_IN, arn: ALB, targetGroup: 'x', now: () => EVENING });
    const [, kid] =
      /"kid":"([^"]+)"/.exec(
        Buffer.from(page.alb.tokenOf(ANA).split('.')[0] ?? '', 'base64url').toString(),
      ) ?? [];
    const { statusCode } = await page.send(withToken(page, query, forger.tokenOf(ANA, { kid })));
    await forger.close();
    expect(statusCode).toBe(401);
  });

  test('whatever is not for this page costs no request for a key', async () => {
    const { page, query } = await aSignedInPage();
    for (const header of [{ signer: 'x' }, { iss: 'x' }, { client: 'x' }, { exp: 1 }, { kid: '../x' }])
      await page.send(withToken(page, query, page.alb.tokenOf(ANA, header)));
    expect(page.alb.keyRequests).toEqual([]);
  });

  test('nobody acts around the load balancer, and no load balancer speaks for a page without a sign-in', async () => {
    const { page, query } = await aSignedInPage();
    const headers = { 'x-amzn-oidc-data': page.alb.tokenOf(ANA) };
    expect((await page.ask({ query, headers })).statusCode).toBe(401);
    const open = await aPage();
    const event = open.alb.eventOf({ method: 'GET', query: `l=${await open.sign()}` }, ANA);
    expect((await open.send(event)).statusCode).toBe(401);
  });
});
