/** Self-service from the warning to the stop, over the stacks as they would be deployed. */
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { serveAlbSignIn } from '@nightshift/lab/http/alb-sign-in.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { createCloud } from '#cli/cloud.ts';
import type { Decision } from '#model/decision.ts';
import { nightshift } from '../cli/run-nightshift.ts';
import { aLateEvening, type Got, visitor } from './a-late-evening.ts';
import { withConfigFile } from './with-config-file.ts';

type Evening = Awaited<ReturnType<typeof aLateEvening>>;

/** 23:30 in Tokyo. */
const UNTIL = '2026-11-25T14:30:00.000Z';
const FORM = { until: UNTIL, name: 'Ana', reason: 'release 4.2' };
const awake = (evening: Evening) => evening.sizes().some(({ desired }) => desired > 0);
const made = (evening: Evening, action: Decision['action']) =>
  evening.lab.decisions.filter((decision) => decision.action === action);

/** As an operator of the account. */
const command = ({ lab, config }: Evening, ...line: readonly string[]) => {
  const now = lab.context.clock.date();
  return withConfigFile(config, (file) =>
    nightshift([...line, '--config', file], {
      now,
      cloud: (name, environment) =>
        createCloud(name, environment, () => now, {
          endpoint: lab.front.url,
          credentials: lab.environments[0]!.operator,
        }),
    }),
  );
};

describe('an evening with a link', () => {
  let evening: Evening;
  let visit: ReturnType<typeof visitor>;
  let link = '';
  beforeAll(async () => {
    evening = await aLateEvening({ links: true, maxHours: 4, perNight: 3 });
    visit = visitor(evening.lab);
  });
  afterAll(() => evening?.close());

  test('the warning comes with links', async () => {
    await evening.until('2026-11-25T12:35:00Z');
    expect([...evening.links().keys()]).toEqual([
      'Keep it up until 23:00 (Asia/Tokyo), or choose another time',
      'Keep it up until 00:00 (Asia/Tokyo), or choose another time',
      'Start it again later in the night',
      'Why, and what comes next',
    ]);
    link = [...evening.links().values()][0] ?? '';
  });

  test('a scanner that opens it changes nothing', async () => {
    await evening.until('2026-11-25T12:50:00Z');
    const before = evening.lab.decisions.length;
    const { status, body } = await visit(link);
    expect(status).toBe(200);
    expect(body).toContain('Stops at 22:00');
    expect(evening.lab.decisions.length).toBe(before);
  });

  test('what is refused writes nothing, and says why in words', async () => {
    const refused: readonly (readonly [string, Promise<Got>, number, string])[] = [
      [
        'altered',
        visit(
          link.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')),
          FORM,
        ),
        403,
        'This link does not work',
      ],
      ['without a link', visit(link.replace(/\?.*/, ''), FORM), 403, 'This link does not work'],
      [
        'too late',
        visit(link, { ...FORM, until: '2026-11-25T17:00:01.000Z' }),
        422,
        'later than the link allows',
      ],
      ['without a name', visit(link, { ...FORM, name: '' }), 422, 'Write your name'],
    ];
    for (const [what, reply, status, words] of refused) {
      const got = await reply;
      expect([what, got.status]).toEqual([what, status]);
      expect(got.body).toContain(words);
    }
    expect(made(evening, 'override')).toEqual([]);
  });

  test('a host that is not ours reaches no page', async () => {
    const { status } = await visit(link, undefined, { host: 'evil.example' });
    expect(status).toBe(403);
  });

  test('one press keeps it up, in less than a second, and the team hears of it once', async () => {
    const mails = evening.messages().length;
    const begun = performance.now();
    const { status, body } = await visit(link, FORM);
    console.log(`POST → override written and page shown: ${Math.round(performance.now() - begun)} ms`);
    expect(status).toBe(200);
    expect(body).toContain('Kept up until 23:30');
    expect(made(evening, 'override')).toMatchObject([
      { capability: 'self-service', author: expect.stringMatching(/^link\//), via: 'link', label: 'Ana' },
    ]);
    // Sent again, as a browser does that reloads.
    expect((await visit(link, FORM)).body).toContain('Already kept up until 23:30 by Ana');
    await evening.pass(3);
    const sent = evening.messages().slice(mails);
    expect(sent.filter((mail) => mail.includes('is kept up'))).toHaveLength(1);
    expect(sent.filter((mail) => mail.includes('is kept up'))[0]).toContain('Ana');
  });

  test('the cluster is up after its stop, and stops at the time that was chosen', async () => {
    await evening.until('2026-11-25T13:20:00Z');
    expect(awake(evening)).toBe(true);
    expect(made(evening, 'stop')).toEqual([]);
    await evening.until('2026-11-25T14:45:00Z');
    expect(awake(evening)).toBe(false);
    expect(made(evening, 'confirm-stop').length).toBeGreaterThan(0);
  });

  test('a link of the night starts it again', async () => {
    const wake = evening.links().get('Start it again later in the night') ?? link;
    await evening.until('2026-11-25T15:02:00Z');
    const { body } = await visit(wake, { ...FORM, until: '2026-11-25T16:05:00.000Z' });
    expect(body).toContain('Kept up until 01:05');
    await evening.pass(2);
    expect(awake(evening)).toBe(true);
    expect((await visit(`${wake}&view=state`)).body).toContain('Start requested');
  });

  test('explain shows who asked, how and in what name', async () => {
    const { code, out } = await command(evening, 'explain', 'develop');
    expect(code).toBe(0);
    expect(out).toMatch(
      /kept up until .* by Ana \(link\/[\w-]+\), whose name was typed and not verified: release 4\.2/,
    );
  });

  test('a flood of presses leaves the other functions alone', async () => {
    const replies = await Promise.all(
      Array.from({ length: 30 }, () =>
        visit(link.replace(/l=.{20}/, 'l=aaaaaaaaaaaaaaaaaaaa')).catch(() => undefined),
      ),
    );
    expect(replies.filter((reply) => reply?.status === 200)).toEqual([]);
    const before = evening.lab.assembly.counts().invocations;
    await evening.pass(2);
    expect(evening.lab.assembly.counts().invocations).toBeGreaterThan(before);
    expect(made(evening, 'fail')).toEqual([]);
  });

  test('an operator prints a link to hand on, and whoever gets it can use it', async () => {
    const { code, out } = await command(evening, 'link', 'develop', '--json');
    expect(code).toBe(0);
    const { links } = JSON.parse(out);
    expect(links.map(({ what }: { what: string }) => what)).toEqual([
      'Keep it up until 02:05 (Asia/Tokyo), or choose another time',
      'Keep it up until 03:05 (Asia/Tokyo), or choose another time',
      'Start it again later in the night',
      'Why, and what comes next',
    ]);
    const { status, body } = await visit(links[0].address, { ...FORM, until: '2026-11-25T16:30:00.000Z' });
    expect(status).toBe(200);
    expect(body).toContain('Kept up until 01:30');
    expect(made(evening, 'override').at(-1)).toMatchObject({ author: links[0].author });
  });

  test('whoever may not sign gets no link, and reads which permission is missing', async () => {
    const { lab } = evening;
    const principal = lab.environments[0]!.operator.arn;
    lab.front.faults.add({
      service: 'kms',
      operation: 'GenerateMac',
      principal,
      kind: 'access-denied',
      times: 4,
    });
    const { code, out, err } = await command(evening, 'link', 'develop');
    lab.front.faults.clear();
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(/^nightshift: develop: AWS denied kms:GenerateMac on arn:aws:kms:\S+: allow it for /);
  });

  test('revoked links are refused at once', async () => {
    const { code } = await command(evening, 'revoke-links', 'develop');
    expect(code).toBe(0);
    const { status, body } = await visit(link);
    expect(status).toBe(410);
    expect(body).toContain('This link was revoked');
  });

  test('a link that has expired is refused', async () => {
    await evening.until('2026-11-26T00:00:00Z');
    expect((await visit(link)).status).toBe(410);
  });
});

describe('an evening with a sign-in', () => {
  const signIn = {
    loadBalancer:
      'arn:aws:elasticloadbalancing:ap-northeast-1:111111111111:loadbalancer/app/apps/0123456789abcdef',
    address: 'https://nightshift.example.com/',
    issuer: 'https://id.example.com',
    clientId: 'nightshift',
  };
  const ANA = { sub: '1', email: 'ana@example.com', email_verified: true };
  let evening: Evening;
  let visit: ReturnType<typeof visitor>;
  let link = '';
  beforeAll(async () => {
    evening = await aLateEvening({ links: true, signIn });
    visit = visitor(evening.lab);
    await evening.until('2026-11-25T12:50:00Z');
    link = [...evening.links().values()][0] ?? '';
  });
  afterAll(() => evening?.close());

  /** The header of somebody who has a session of the load balancer. */
  const session = (claims: Readonly<Record<string, unknown>> = ANA) => ({
    cookie: evening.lab.signIns.get('develop')?.signIn(claims) ?? '',
  });

  test('the links lead to the load balancer, which sends a stranger to the identity provider', async () => {
    expect(link).toMatch(/^https:\/\/nightshift\.example\.com\/\?l=/);
    const { status, headers } = await visit(link);
    expect(status).toBe(302);
    expect(headers['location']).toMatch(/^https:\/\/id\.example\.com\/authorize\?/);
  });

  test('a header that a stranger writes signs nobody in', async () => {
    const forged = ['e30=', Buffer.from(JSON.stringify(ANA)).toString('base64url'), 'AAAA'].join('.');
    const { status } = await visit(link, FORM, { 'x-amzn-oidc-data': forged });
    expect(status).toBe(302);
    // Nor does it replace that of the load balancer.
    const { body } = await visit(link, undefined, { ...session(), 'x-amzn-oidc-data': forged });
    expect(body).toContain('ana@example.com');
    expect(made(evening, 'override')).toEqual([]);
  });

  test('a token that another load balancer has signed is refused by the function itself', async () => {
    const { lab } = evening;
    const runner = lab.assembly.find({
      account: '111111111111',
      region: 'ap-northeast-1',
      function: 'nightshift-develop-self-service',
    });
    const other = await serveAlbSignIn({
      arn: signIn.loadBalancer,
      targetGroup: 'arn:of-the-group',
      issuer: signIn.issuer,
      clientId: signIn.clientId,
      now: () => lab.context.clock.date(),
    });
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const body = new URLSearchParams(FORM).toString();
    const query = new URL(link).search.slice(1);
    const event = other.eventOf({ method: 'POST', query, headers: form, body }, ANA);
    const outcome = await runner?.invoke(JSON.stringify(event), lab.context.uuid());
    await other.close();
    expect(outcome?.ok && JSON.parse(outcome.payload)).toMatchObject({ statusCode: 401 });
    expect(made(evening, 'override')).toEqual([]);
  });

  test('whom the provider calls unverified may not press, and a link is needed as well', async () => {
    expect((await visit(link, FORM, session({ ...ANA, email_verified: 'false' }))).status).toBe(401);
    expect((await visit(signIn.address, FORM, session())).status).toBe(403);
  });

  test('whoever has signed in keeps it up in the verified name, and types none', async () => {
    const page = await visit(link, undefined, session());
    expect(page.status).toBe(200);
    expect(page.body).toContain('ana@example.com');
    expect(page.body).not.toContain('name="name"');
    const { status, body } = await visit(link, { until: UNTIL, name: 'Eve', reason: 'release' }, session());
    expect(status).toBe(200);
    expect(body).toContain('Kept up until 23:30');
    expect(made(evening, 'override')).toMatchObject([{ author: 'ana@example.com', via: 'sign-in' }]);
    expect(made(evening, 'override')[0]).not.toHaveProperty('label');
    await evening.until('2026-11-25T13:20:00Z');
    expect(awake(evening)).toBe(true);
  });
});

describe('an evening with kubectl', () => {
  let evening: Evening;
  beforeAll(async () => {
    evening = await aLateEvening({ kubectl: true });
  });
  afterAll(() => evening?.close());

  /** As `kubectl patch configmap keep-up --type merge` sends it. */
  const patch = (data: Readonly<Record<string, string>>) => {
    const file = parse(readFileSync(evening.lab.environments[0]!.kubeconfig, 'utf8'));
    const { server: url, 'certificate-authority-data': authority } = file.clusters[0].cluster;
    const { token } = file.users[0].user;
    const ca = Buffer.from(authority, 'base64').toString('utf8');
    return new Promise<number>((resolve, reject) => {
      const request = https.request(`${url}/api/v1/namespaces/nightshift/configmaps/keep-up`, {
        ca,
        method: 'PATCH',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/merge-patch+json' },
      });
      request.on('error', reject);
      request.on('response', (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode ?? 0));
      });
      request.end(JSON.stringify({ data }));
    });
  };

  test('the stop is kept where nobody asked, and a patch starts the cluster within a minute or two', async () => {
    await evening.until('2026-11-25T13:30:00Z');
    expect(awake(evening)).toBe(false);
    expect(await patch({ until: '01:30', reason: 'hotfix', requestedBy: 'ana' })).toBe(200);
    await evening.pass(1.5);
    expect(awake(evening)).toBe(true);
    expect(made(evening, 'override')).toMatchObject([
      {
        capability: 'night-schedule',
        via: 'kubectl',
        label: 'ana',
        reason: expect.stringMatching(
          /^kept up until 2026-11-25T16:30:00\.000Z by kubectl: ana, unverified: hotfix$/,
        ),
      },
    ]);
    await evening.pass(10);
    expect(made(evening, 'override')).toHaveLength(1);
  });

  test('a value that is not understood is named, and nothing is done', async () => {
    expect(await patch({ until: 'later', reason: 'hotfix', requestedBy: 'ana' })).toBe(200);
    await evening.pass(5);
    expect(made(evening, 'refuse')).toMatchObject([
      { reason: expect.stringContaining('until "later": invalid time') },
    ]);
    expect(made(evening, 'override')).toHaveLength(1);
    expect(made(evening, 'fail')).toEqual([]);
  });
});
