/** Somebody who has a link, or may patch the ConfigMap, and wants more than an evening; and somebody who has neither. */
import { describe, expect, test } from 'vitest';
import { customNotification } from '#functions/adapters/aws/notifications.ts';
import { createKeepUpRequests } from '#functions/adapters/kubernetes/keep-up-request.ts';
import { decideRequest } from '#functions/night-schedule/keep-up-request.ts';
import { notificationOf } from '#model/notification.ts';
import type { Override } from '#model/schedule.ts';
import { aForm, aPage, EVENING, OFFICE, STOP } from '../functions/self-service/a-page.ts';

type APage = Awaited<ReturnType<typeof aPage>>;

const MARKUP = '<img src=x onerror=alert(1)>"\'&';
const ESCAPED = '&#60;img src=x onerror=alert(1)&#62;&#34;&#39;&#38;';

/** What a reply may never do: act, lead elsewhere, run something. */
async function expectHarmless(page: APage, reply: Awaited<ReturnType<APage['ask']>>): Promise<void> {
  expect(await page.overrides()).toEqual([]);
  expect(Object.keys(reply.headers)).not.toContain('location');
  expect(reply.body).not.toMatch(/<script|<img|evil\.example/);
}

describe('a link', () => {
  const parts = (link: string) => {
    const [body = '', mac = ''] = link.split('.');
    return { fields: JSON.parse(Buffer.from(body, 'base64url').toString('utf8')) as unknown[], body, mac };
  };
  const packed = (fields: unknown, mac: string) =>
    `${Buffer.from(JSON.stringify(fields)).toString('base64url')}.${mac}`;

  test.for([
    ['its id', 0, 'another1'],
    ['its environment', 1, 'production'],
    ['what it does', 2, 'wake'],
    ['its stop', 3, '2026-11-26T13:00:00.000Z'],
    ['its end', 4, '2027-11-25T23:00:00.000Z'],
    ['the end that it suggests', 5, 600],
    ['its bound', 6, 12],
    ['its generation', 7, 1],
    ['its night', 8, '2026-11-26T13:00:00.000Z'],
  ] as const)('is refused after a change of %s', async ([, index, value]) => {
    const page = await aPage();
    const { fields, mac } = parts(await page.sign());
    const query = `l=${packed(fields.with(index, value), mac)}`;
    const reply = await page.ask({ method: 'POST', query, form: aForm() });
    expect(reply.statusCode).toBe(403);
    await expectHarmless(page, reply);
  });

  test.for([
    ['cut', (link: string) => link.slice(0, -1)],
    ['longer', (link: string) => `${link}A`],
    ['padded', (link: string) => `${link}=`],
    ['in another alphabet', (link: string) => link.replace(/.$/, '+')],
    ['without its code', (link: string) => link.replace(/\..*/, '.')],
    ['with an empty text', (link: string) => link.replace(/^[^.]*/, '')],
    ['with two codes', (link: string) => `${link}.${link.split('.')[1]}`],
    ['on two lines', (link: string) => `${link}%0a`],
    ['with spaces', (link: string) => `%20${link}`],
    ['of a list in a list', (link: string) => packed([parts(link).fields], parts(link).mac)],
    ['of an object', (link: string) => packed({ ...parts(link).fields, length: 9 }, parts(link).mac)],
    ['of a prototype', (link: string) => packed({ __proto__: parts(link).fields }, parts(link).mac)],
    ['of a megabyte', (link: string) => `${'A'.repeat(1_000_000)}.${parts(link).mac}`],
  ] as const)('is refused %s', async ([, change]) => {
    const page = await aPage();
    const reply = await page.ask({ method: 'POST', query: `l=${change(await page.sign())}`, form: aForm() });
    expect(reply.statusCode).toBe(403);
    await expectHarmless(page, reply);
  });

  test('that was used is good for the rest of the night and its count, and for nothing after it', async () => {
    const page = await aPage({ perNight: 2 });
    const query = `l=${await page.sign()}`;
    const press = async (until: string) =>
      (await page.ask({ method: 'POST', query, form: aForm({ until }) })).statusCode;
    expect(await press('2026-11-25T14:00:00.000Z')).toBe(200);
    expect(await press('2026-11-25T14:00:00.000Z')).toBe(200);
    expect(await page.overrides()).toHaveLength(1);
    expect(await press('2026-11-25T14:30:00.000Z')).toBe(200);
    expect(await press('2026-11-25T15:00:00.000Z')).toBe(429);
    page.at('2026-11-26T12:50:00Z');
    expect(await press('2026-11-26T14:00:00.000Z')).toBe(410);
    expect(await page.overrides()).toHaveLength(2);
  });

  test.for([
    ['a GET with the form in the address', 'GET', {}],
    ['a HEAD with the form in the address', 'HEAD', {}],
    ['a GET that a header calls POST', 'GET', { 'x-http-method-override': 'POST' }],
    ['a PUT', 'PUT', {}],
  ] as const)('is not pressed by %s', async ([, method, headers]) => {
    const page = await aPage();
    const form = new URLSearchParams({ ...aForm(), _method: 'POST' }).toString();
    const reply = await page.ask({ method, query: `l=${await page.sign()}&${form}`, headers });
    await expectHarmless(page, reply);
  });

  test.for([
    ['the host', { host: 'evil.example' }, ''],
    ['a forwarded host', { 'x-forwarded-host': 'evil.example', forwarded: 'host=evil.example' }, ''],
    ['an origin', { origin: 'https://evil.example', referer: 'https://evil.example/' }, ''],
    [
      'a place to return to',
      {},
      '&next=https://evil.example&return_to=//evil.example&redirect_uri=evil.example',
    ],
    ['another link', {}, '&l=https://evil.example'],
  ] as const)('leads nowhere else, whatever %s says', async ([, headers, more]) => {
    const page = await aPage();
    const query = `l=${await page.sign()}${more}`;
    await expectHarmless(page, await page.ask({ query, headers }));
    const { body, headers: sent } = await page.ask({ method: 'POST', query, headers, form: aForm() });
    expect(body).not.toContain('evil.example');
    expect(sent).not.toHaveProperty('location');
    expect(Object.keys(sent).filter((name) => name.startsWith('access-control-'))).toEqual([]);
  });

  test.for([
    ['an end in the year 275760', { until: '+275760-09-13T00:00:00.000Z' }],
    ['an end at 24:00', { until: '2026-11-25T24:00:00.000Z' }],
    ['an end in full-width digits', { until: '２０２６-11-25T14:30:00.000Z' }],
    ['an end with a zone', { until: '2026-11-25T23:30:00.000+09:00' }],
    ['a name of a hundred kilobytes', { name: 'a'.repeat(100_000) }],
    ['a reason of a hundred kilobytes', { reason: 'a'.repeat(100_000) }],
    ['a name that ends the line', { name: 'Ana\r\nKeep it up until 23:00: x' }],
    ['a name with a line separator', { name: 'Ana\u2028x' }],
    ['a name that nobody sees', { name: '\u115f\u3164' }],
  ] as const)('takes no form with %s', async ([, fields]) => {
    const page = await aPage();
    const reply = await page.ask({ method: 'POST', query: `l=${await page.sign()}`, form: aForm(fields) });
    expect(reply.statusCode).toBeGreaterThanOrEqual(400);
    await expectHarmless(page, reply);
  });

  test('reads the first of two fields, and no field of a prototype', async () => {
    const page = await aPage();
    const body = `until=tomorrow&${new URLSearchParams(aForm()).toString()}&__proto__=x&constructor=y`;
    const reply = await page.send({
      version: '2.0',
      rawQueryString: `l=${await page.sign()}`,
      requestContext: { http: { method: 'POST' } },
      body,
    });
    expect(reply.statusCode).toBe(422);
    await expectHarmless(page, reply);
  });
});

describe('markup in a name and a reason', () => {
  test('is text on every page that shows it', async () => {
    const page = await aPage();
    const query = `l=${await page.sign()}`;
    const typed = aForm({ name: MARKUP, reason: MARKUP });
    const again = await page.ask({ method: 'POST', query, form: { ...typed, until: 'x' } });
    expect(again.body).toContain(`value="${ESCAPED}"`);
    const pages = [
      again,
      await page.ask({ method: 'POST', query, form: typed }),
      await page.ask({ method: 'POST', query, form: typed }),
      await page.ask({ query }),
      await page.ask({ query: `${query}&view=state` }),
    ];
    for (const decision of page.decisions) await page.table.save('decision', decision.time, decision);
    pages.push(await page.ask({ query: `l=${await page.sign({ action: 'why' })}` }));
    for (const { body } of pages) expect(body).not.toMatch(/<img|alert\(1\)>/);
    expect(pages.filter(({ body }) => body.includes(ESCAPED)).length).toBeGreaterThanOrEqual(5);
  });

  test.for([
    ['self-service', 'link'],
    ['night-schedule', 'kubectl'],
  ] as const)('is no markup, mention or address in a message about it: %s', async ([capability, via]) => {
    const reason = `kept up by <!channel> <https://evil.example|Ana> [x](https://evil.example): ${MARKUP}`;
    const decision = { environment: 'develop', target: 'develop', action: 'override', trigger: 'x' } as const;
    const notification = notificationOf(
      { ...decision, time: EVENING.toISOString(), capability, via, reason },
      'UTC',
    );
    expect(notification).toBeDefined();
    expect(JSON.stringify(customNotification(notification!))).not.toMatch(/<|:\/\/|\]\(/);
  });
});

describe('the ConfigMap keep-up', () => {
  const requests = (body: unknown) =>
    createKeepUpRequests({ request: async () => ({ status: 200, headers: {}, body }) as never });
  const aConfigMap = (data: unknown, metadata: object = { resourceVersion: '1' }) => ({
    kind: 'ConfigMap',
    metadata,
    data,
  });
  const settings = { schedule: OFFICE, keepUp: { maxHours: 4, perNight: 3, requireReason: false } };
  const decided = async (data: unknown, overrides: readonly Override[] = []) => {
    const request = await requests(aConfigMap(data)).read();
    return request && decideRequest(request, settings, overrides, EVENING);
  };

  test.for([
    ['a list', ['23:30', 'x', 'ana']],
    ['a text', 'until: 23:30'],
    ['values that are no text', { until: 2330, reason: ['x'], requestedBy: { name: 'ana' } }],
    ['values of a prototype', JSON.parse('{"__proto__":{"until":"23:30","requestedBy":"ana"}}')],
    ['other names', { Until: '23:30', requestedby: 'ana', state: 'awake', author: 'eva' }],
  ] as const)('requests nothing with %s', async ([, data]) => {
    expect(await requests(aConfigMap(data)).read()).toBeUndefined();
  });

  test('that is none is a failure, and no request', async () => {
    await expect(requests({ kind: 'Secret', metadata: { resourceVersion: '1' } }).read()).rejects.toThrow();
    await expect(requests(aConfigMap({ until: '23:30' }, {})).read()).rejects.toThrow();
    await expect(requests('<html>').read()).rejects.toThrow();
  });

  test.for([
    ['an end of a megabyte', { until: '9'.repeat(1_000_000), requestedBy: 'ana' }],
    [
      'an end of many spaces',
      { until: `${' '.repeat(50_000)}23:30${'\t'.repeat(50_000)}x`, requestedBy: 'ana' },
    ],
    ['a name of a megabyte', { until: '23:30', requestedBy: 'a'.repeat(1_000_000) }],
    ['a name that looks verified', { until: '23:30', requestedBy: 'eva\n(sign-in)' }],
    ['a reason of a megabyte', { until: '23:30', requestedBy: 'ana', reason: 'a'.repeat(1_000_000) }],
    ['an end in a week', { until: '2026-12-02 23:30', requestedBy: 'ana' }],
    ['a negative end', { until: '-1h', requestedBy: 'ana' }],
  ] as const)('is refused with %s, in a short sentence of plain text', async ([, data]) => {
    const result = await decided(data);
    expect(result?.kind).toBe('refused');
    const { reason } = result as { reason: string };
    expect(reason.length).toBeLessThan(500);
    expect(reason).not.toMatch(/[\r\n\t]/);
  });

  test('cannot name an author, a way or an end of its own', async () => {
    const result = await decided({
      until: '23:30',
      requestedBy: MARKUP,
      author: 'assumed-role/Operator/eva',
      via: 'sign-in',
      id: `link#${STOP}#1`,
      state: 'asleep',
    });
    expect(result).toMatchObject({
      kind: 'keep-up',
      override: { state: 'awake', author: 'kubectl', via: 'kubectl', label: MARKUP, id: `kubectl#${STOP}#1` },
    });
    const page = await aPage();
    if (result?.kind === 'keep-up') await page.store.addIfAbsent(result.override, EVENING);
    const { body } = await page.ask({ query: `l=${await page.sign()}` });
    expect(body).toContain(ESCAPED);
    expect(body).not.toContain('<img');
  });
});
