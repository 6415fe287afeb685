import { describe, expect, test } from 'vitest';
import { NIGHT, noteKey } from '#functions/adapters/dynamodb/table-keys.ts';
import { eventOf } from '#functions/doorbell/event.ts';
import { linkBody } from '#model/keep-up-link.ts';
import { ASLEEP, aDoorbell, FORM, headerOf, LATE, SHOP, START, STOP } from './a-doorbell.ts';

const ORIGIN = { origin: 'https://shop.develop.example.com' };

describe('a request to a sleeping application', () => {
  test('gets the page with the next start and one button, and wakes nothing', async () => {
    const doorbell = await aDoorbell();
    const reply = await doorbell.ask();
    expect(reply.statusCode).toBe(503);
    expect(reply.statusDescription).toBe('503 Service Unavailable');
    expect(reply.body).toContain('<h1>develop sleeps until Thu 08:00</h1>');
    expect(reply.body.match(/<button>/g)).toHaveLength(1);
    expect(headerOf(reply, 'x-nightshift-doorbell')).toBe('asking');
    expect(headerOf(reply, 'cache-control')).toBe('no-store');
    expect(await doorbell.overrides()).toEqual([]);
    expect(doorbell.decisions).toEqual([]);
  });

  test.each([
    ['a health check', { headers: { 'user-agent': 'ELB-HealthChecker/2.0' } }],
    ['a HEAD', { method: 'HEAD' }],
    ['a POST of the application', { method: 'POST', form: { card: '1' }, headers: ORIGIN }],
    ['a PUT', { method: 'PUT', form: FORM }],
    ['a GET with the form in its address', { url: '/?nightshift=wake&name=Ana' }],
    ['a form of another site', { method: 'POST', form: FORM, headers: { origin: 'https://evil.example' } }],
    [
      'a form without an origin from another site',
      { method: 'POST', form: FORM, headers: { 'sec-fetch-site': 'cross-site' } },
    ],
    ['a form of an opaque origin', { method: 'POST', form: FORM, headers: { origin: 'null' } }],
  ])('%s wakes nothing', async (_, asked) => {
    const doorbell = await aDoorbell();
    const reply = await doorbell.ask(asked);
    expect([403, 503]).toContain(reply.statusCode);
    expect(await doorbell.overrides()).toEqual([]);
  });

  test('is answered in 30 KB, in Japanese where the browser prefers it', async () => {
    const doorbell = await aDoorbell();
    const { body } = await doorbell.ask({ headers: { 'accept-language': 'ja,en;q=0.5' } });
    expect(body).toContain('<html lang="ja">');
    expect(body).toContain('起動する');
    expect(Buffer.byteLength(body)).toBeLessThanOrEqual(30_000);
  });

  test("of a host that is nobody's gets no page where the environment has no application", async () => {
    const doorbell = await aDoorbell({ applications: [] });
    expect((await doorbell.ask()).statusCode).toBe(404);
  });

  test('with multi-value headers is answered with them', async () => {
    const doorbell = await aDoorbell();
    const reply = await doorbell.ask({}, true);
    expect(reply.headers).toBeUndefined();
    expect(reply.multiValueHeaders?.['x-nightshift-doorbell']).toEqual(['asking']);
  });

  test('shows names as text, and leads to no other site', async () => {
    const doorbell = await aDoorbell();
    const reply = await doorbell.ask({
      method: 'POST',
      url: '//evil.example/%22%3E',
      form: FORM,
      headers: ORIGIN,
    });
    expect(reply.statusCode).toBe(303);
    expect(headerOf(reply, 'location')).toBe('/');
  });
});

describe('a press', () => {
  test('wakes the cluster for the hours of the config, as nobody who is verified', async () => {
    const doorbell = await aDoorbell();
    const reply = await doorbell.ask({
      method: 'POST',
      url: '/cart?a=1',
      form: { ...FORM, name: 'Ana' },
      headers: ORIGIN,
    });
    expect(reply.statusCode).toBe(303);
    expect(headerOf(reply, 'location')).toBe('/cart?a=1');
    expect(await doorbell.overrides()).toEqual([
      {
        id: `link#${STOP}#1`,
        state: 'awake',
        from: LATE.toISOString(),
        until: '2026-11-25T19:00:00.000Z',
        author: 'doorbell, unverified',
        via: 'doorbell',
        label: 'Ana',
        reason: 'woken on the page of a sleeping application',
      },
    ]);
    expect(doorbell.decisions).toMatchObject([
      { capability: 'doorbell', action: 'override', via: 'doorbell' },
    ]);
    const page = await doorbell.ask();
    expect(page.body).toContain('<h1>develop is starting</h1>');
    expect(page.body).not.toContain('<button>');
  });

  test('of a thousand people is one request, and the browsers that wait read the table once in two seconds', async () => {
    const doorbell = await aDoorbell();
    await Promise.all(
      Array.from({ length: 1000 }, () => doorbell.ask({ method: 'POST', form: FORM, headers: ORIGIN })),
    );
    expect(await doorbell.overrides()).toHaveLength(1);
    expect(doorbell.decisions).toHaveLength(1);
    await doorbell.ask();
    const before = doorbell.reads();
    const replies = await Promise.all(Array.from({ length: 1000 }, () => doorbell.ask()));
    expect(replies.every(({ body }) => body.includes('is starting'))).toBe(true);
    expect(doorbell.reads() - before).toBe(0);
    const seconds = replies.map(({ body }) => /data-seconds="(\d+)"/.exec(body)?.[1]);
    expect(new Set(seconds).size).toBeGreaterThan(3);
  });

  test('counts with the links of the night, and is refused when they are used', async () => {
    const doorbell = await aDoorbell({ perNight: 1 });
    await doorbell.save({
      id: `link#${STOP}#1`,
      state: 'awake',
      from: '2026-11-25T13:00:00.000Z',
      until: '2026-11-25T14:00:00.000Z',
      author: 'link/k3v9x2ab',
      via: 'link',
      reason: 'release',
    });
    const reply = await doorbell.ask({ method: 'POST', form: FORM, headers: ORIGIN });
    expect(reply.body).toContain('The requests of this night are used');
    expect(doorbell.decisions).toMatchObject([{ action: 'refuse' }]);
    expect(await doorbell.overrides()).toHaveLength(1);
  });

  test('does not overrule a person who stopped the cluster on purpose', async () => {
    const doorbell = await aDoorbell();
    await doorbell.save({
      id: 'by-hand',
      state: 'asleep',
      from: '2026-11-25T15:00:00.000Z',
      until: '2026-11-26T15:00:00.000Z',
      author: 'assumed-role/Developer/ana',
      reason: 'incident',
    });
    const reply = await doorbell.ask({ method: 'POST', form: FORM, headers: ORIGIN });
    expect(reply.body).toContain('Somebody has stopped it on purpose');
    expect(await doorbell.overrides()).toHaveLength(1);
  });

  test('ends with the night', async () => {
    const doorbell = await aDoorbell();
    doorbell.at('2026-11-25T22:30:00Z');
    await doorbell.ask({ method: 'POST', form: FORM, headers: ORIGIN });
    expect((await doorbell.overrides())[0]?.until).toBe(START);
  });

  test.each([
    [{ name: 'x'.repeat(61) }, 'plain text of at most 60 characters'],
    [{ name: 'Ana\u202e' }, 'plain text of at most 60 characters'],
    [{ name: 'Ana' }, 'Write a reason: your team requires one.'],
  ])('with %j is shown what to correct, and changes nothing', async (fields, message) => {
    const doorbell = await aDoorbell({ requireReason: true });
    const reply = await doorbell.ask({ method: 'POST', form: { ...FORM, ...fields }, headers: ORIGIN });
    expect(reply.body).toContain(message);
    expect(await doorbell.overrides()).toEqual([]);
    expect(doorbell.decisions).toEqual([]);
  });
});

describe('with wakes: link', () => {
  const link = {
    id: 'k3v9x2ab',
    environment: 'develop',
    action: 'wake',
    stop: STOP,
    night: STOP,
    expires: START,
    minutes: 60,
    maxHours: 4,
    generation: 0,
  } as const;
  const addressOf = (given = {}) =>
    `/?l=${linkBody({ ...link, ...given }, (text) => Buffer.from(text).toString('base64url'))}.${'A'.repeat(43)}`;
  const valid = { mac: { isValid: async () => true } };

  test('a page without a link has no button, and a press without one changes nothing', async () => {
    const doorbell = await aDoorbell({ wakes: 'link' });
    expect((await doorbell.ask()).body).not.toContain('<button>');
    const reply = await doorbell.ask({ method: 'POST', form: FORM, headers: ORIGIN });
    expect(reply.body).toContain('This page works with a link only');
    expect(await doorbell.overrides()).toEqual([]);
  });

  test('a signed link wakes by its id', async () => {
    const doorbell = await aDoorbell({ wakes: 'link' }, valid);
    expect((await doorbell.ask({ url: addressOf() })).body).toContain('<button>');
    await doorbell.ask({ method: 'POST', url: addressOf(), form: FORM, headers: ORIGIN });
    expect(await doorbell.overrides()).toMatchObject([{ author: 'link/k3v9x2ab', via: 'link' }]);
  });

  test.each([
    ['that was forged', {}, {}],
    ['of another environment', { environment: 'staging' }, valid],
    ['that has expired', { expires: '2026-11-25T16:00:00.000Z' }, valid],
    ['that was revoked', { generation: 7 }, valid],
    ['that only shows why', { action: 'why' }, valid],
  ])('a link %s wakes nothing', async (_, given, ports) => {
    const doorbell = await aDoorbell({ wakes: 'link' }, ports);
    await doorbell.ask({ method: 'POST', url: addressOf(given), form: FORM, headers: ORIGIN });
    expect(await doorbell.overrides()).toEqual([]);
  });
});

describe('the progress', () => {
  const STARTING = { phase: 'starting', desired: 'awake', since: '2026-11-25T17:01:00.000Z' } as const;
  const woken = async (changes = {}, ports = {}) => {
    const doorbell = await aDoorbell(changes, ports);
    await doorbell.ask({ method: 'POST', form: FORM, headers: ORIGIN });
    return doorbell;
  };

  test('shows each step when it was observed, and what was not', async () => {
    const doorbell = await woken();
    await doorbell.state(STARTING);
    await doorbell.table.save(NIGHT, noteKey('mornings'), [
      { asked: STARTING.since, seconds: { instances: 90 }, isOpen: true },
    ]);
    doorbell.at('2026-11-25T17:04:00Z');
    const { body, statusCode } = await doorbell.ask();
    expect(statusCode).toBe(503);
    const steps = [...body.matchAll(/<b>([^<]+)<\/b> <span class="soft">(?:<time[^>]*>)?([^<]+)/g)].map(
      ([, step, at]) => [step, at],
    );
    expect(steps).toEqual([
      ['Start requested', '02:00'],
      ['Start begun', '02:01'],
      ['Instances in service', '02:02'],
      ['Nodes ready', 'not observed yet'],
      ['Application answers', 'not observed yet'],
    ]);
    expect(body).toContain('<noscript><meta http-equiv="refresh"');
  });

  test('gives up with what it saw where the application never answers', async () => {
    const doorbell = await woken();
    await doorbell.state({ ...STARTING, phase: 'awake', since: '2026-11-25T17:05:00.000Z' });
    doorbell.at('2026-11-25T17:45:00Z');
    const { body } = await doorbell.ask();
    expect(body).toContain('develop takes longer than it should');
    expect(body).toContain('The application does not answer. Above is what was observed.');
    expect(Number(/data-seconds="(\d+)"/.exec(body)?.[1])).toBeGreaterThanOrEqual(60);
  });

  test('on a host of its own goes to the application as soon as it answers, and not before', async () => {
    let isUp = false;
    const asked: string[] = [];
    const doorbell = await woken(
      {},
      {
        answers: async (url: string) => {
          asked.push(url);
          return isUp;
        },
      },
    );
    const wake = { headers: { host: 'wake.develop.example.com' } };
    await doorbell.ask(wake);
    expect(asked).toEqual([]);
    await doorbell.state({ ...STARTING, phase: 'awake' });
    doorbell.at('2026-11-25T17:06:00Z');
    expect((await doorbell.ask(wake)).statusCode).toBe(503);
    isUp = true;
    const reply = await doorbell.ask(wake);
    expect([reply.statusCode, headerOf(reply, 'location'), reply.body]).toEqual([303, SHOP, '']);
    const other = await doorbell.ask({ ...wake, url: `/?to=${encodeURIComponent('https://evil.example/')}` });
    expect(other.statusCode).toBe(404);
  });
});

describe('behind CloudFront', () => {
  const headers = { 'x-nightshift-application': SHOP };

  test('the form goes to the function itself, because CloudFront repeats no POST, and from there to the application', async () => {
    const doorbell = await aDoorbell();
    const page = await doorbell.askAddress({ url: '/cart', headers });
    const action = /action="([^"]+)"/.exec(page.body)?.[1]?.replaceAll('&#38;', '&');
    expect(action).toBe(`https://abc.lambda-url.ap-northeast-1.on.aws/?to=${encodeURIComponent(SHOP)}`);
    expect(headerOf(page, 'content-security-policy')).toContain(
      "form-action 'self' https://shop.develop.example.com https://api.develop.example.com https://abc.lambda-url",
    );
    const reply = await doorbell.askAddress({
      method: 'POST',
      url: new URL(action!).pathname + new URL(action!).search,
      form: FORM,
      headers: ORIGIN,
    });
    expect([reply.statusCode, headerOf(reply, 'location')]).toEqual([303, SHOP]);
    expect(await doorbell.overrides()).toHaveLength(1);
  });

  test('a header that names a foreign address is not followed', async () => {
    const doorbell = await aDoorbell();
    const { body } = await doorbell.askAddress({
      headers: { 'x-nightshift-application': 'https://evil.example/' },
    });
    expect(body).not.toContain('evil.example');
  });
});

describe('the button of a chat', () => {
  test('keeps the cluster up from the announced stop on, as "chat, unverified"', async () => {
    const doorbell = await aDoorbell();
    doorbell.at('2026-11-25T12:30:00Z');
    await doorbell.state({ phase: 'awake', desired: 'awake' });
    expect(await doorbell.press(STOP)).toContain('develop is kept up until Thu 00:00');
    expect(await doorbell.overrides()).toMatchObject([
      { author: 'chat, unverified', via: 'chat', until: '2026-11-25T15:00:00.000Z' },
    ]);
    expect(await doorbell.press(STOP)).toContain('already: nothing was changed');
    expect(await doorbell.overrides()).toHaveLength(1);
  });

  test('works under the warning of a stop that was postponed, too', async () => {
    const doorbell = await aDoorbell();
    doorbell.at('2026-11-25T12:30:00Z');
    await doorbell.state({ phase: 'awake', desired: 'awake' });
    await doorbell.press(STOP);
    // 23:30: the warning of the stop at midnight.
    doorbell.at('2026-11-25T14:30:00Z');
    expect(await doorbell.press('2026-11-25T15:00:00.000Z')).toContain('develop is kept up until Thu 01:30');
    expect(await doorbell.overrides()).toHaveLength(2);
  });

  test('wakes it after the stop', async () => {
    const doorbell = await aDoorbell();
    expect(await doorbell.press(STOP)).toContain('If it was stopped, it starts within a minute.');
    expect((await doorbell.overrides())[0]?.until).toBe('2026-11-25T19:00:00.000Z');
  });

  test.each([
    ['another environment', STOP, 'staging', 'This button is of develop'],
    ['another night', '2026-11-18T13:00:00.000Z', 'develop', 'this message is of another night'],
    ['a time that is no stop', '2026-11-25T13:01:00.000Z', 'develop', 'this message is of another night'],
    [
      'a variable that the notification does not have',
      '$nightshiftStop',
      'develop',
      'The message names no stop',
    ],
    ['no stop', '', 'develop', 'The message names no stop'],
  ])('with %s changes nothing, and says why', async (_, stop, environment, message) => {
    const doorbell = await aDoorbell();
    expect(await doorbell.press(stop, environment)).toContain(message);
    expect(await doorbell.overrides()).toEqual([]);
  });
});

test.each([
  [undefined],
  [null],
  ['text'],
  [[]],
  [{}],
  [{ chat: {} }],
  [{ chat: { environment: 1, stop: 2 } }],
  [{ version: '2.0' }],
  [{ requestContext: { elb: {} } }],
])('the event %j is unknown, and no error', (event) => {
  expect(eventOf(event).kind).toBe('unknown');
});

test('a sleep without a next start has a page as well', async () => {
  const doorbell = await aDoorbell({ schedule: { name: 'never', timeZone: 'Asia/Tokyo', up: [] } });
  const { until: _, ...state } = ASLEEP;
  await doorbell.table.save(NIGHT, 'state', state);
  expect((await doorbell.ask()).body).toContain('<h1>develop sleeps</h1>');
});
