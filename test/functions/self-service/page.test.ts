import { describe, expect, test } from 'vitest';
import { revokeLinks } from '#functions/adapters/dynamodb/link-generation.ts';
import { requestOf } from '#functions/self-service/event.ts';
import type { Decision } from '#model/decision.ts';
import { AWAKE, aForm, aPage, EVENING, MORNING, STOP, UNTIL } from './a-page.ts';

describe('a link', () => {
  test('shows state, next change and the ends to choose from, and a GET changes nothing', async () => {
    const page = await aPage();
    const { statusCode, body } = await page.ask({ query: `l=${await page.sign()}` });
    expect(statusCode).toBe(200);
    expect(body).toContain('The cluster of develop');
    expect(body).toContain('</svg>Up</p>');
    expect(body).toContain('Stops at 22:00');
    expect([...body.matchAll(/<b>([^<]+)<\/b>/g)].map(([, time]) => time)).toEqual([
      '22:30',
      '23:00',
      '23:30',
      '00:00 (Thu)',
      '01:00 (Thu)',
      '02:00 (Thu)',
    ]);
    expect(body).toContain(`value="${UNTIL}" required checked`);
    expect(await page.overrides()).toEqual([]);
    expect(page.decisions).toEqual([]);
  });

  test('keeps the cluster up with a POST, in the name that was typed and by the id of the link', async () => {
    const page = await aPage();
    const query = `l=${await page.sign()}`;
    const { statusCode, body } = await page.ask({ method: 'POST', query, form: aForm() });
    expect(statusCode).toBe(200);
    expect(body).toContain('Kept up until 23:30');
    expect(await page.overrides()).toEqual([
      {
        id: `link#${STOP}#1`,
        state: 'awake',
        from: EVENING.toISOString(),
        until: UNTIL,
        author: 'link/k3v9x2ab',
        via: 'link',
        label: 'Ana',
        reason: 'release 4.2',
      },
    ]);
    expect(page.decisions).toMatchObject([
      {
        capability: 'self-service',
        action: 'override',
        target: 'develop',
        author: 'link/k3v9x2ab',
        via: 'link',
        label: 'Ana',
      },
    ]);
  });

  test('that is sent again changes nothing, and says until when it is kept up', async () => {
    const page = await aPage();
    const query = `l=${await page.sign()}`;
    await page.ask({ method: 'POST', query, form: aForm() });
    const { body } = await page.ask({ method: 'POST', query, form: aForm({ name: 'Ben' }) });
    expect(body).toContain('Already kept up until 23:30 by Ana');
    expect(await page.overrides()).toHaveLength(1);
  });

  test('offers only ends after the one until which somebody keeps it up, and what is more than that', async () => {
    const page = await aPage({ prices: { currency: 'USD', perNodeHour: { '*': 0.05 } } });
    await withNodes(page, 4);
    const query = `l=${await page.sign()}`;
    await page.ask({ method: 'POST', query, form: aForm() });
    const { body } = await page.ask({ query });
    const offered = [...body.matchAll(/<b>([^<]+)<\/b><span><span>([^<]+)<\/span>/g)].map(([, at, used]) => [
      at,
      used,
    ]);
    expect(offered).toEqual([
      ['00:00 (Thu)', '2 node-hours'],
      ['01:00 (Thu)', '6 node-hours'],
      ['02:00 (Thu)', '10 node-hours'],
    ]);
    expect(body).toMatch(/value="2026-11-25T15:00:00.000Z" required checked/);
    await page.ask({ method: 'POST', query, form: aForm({ until: '2026-11-25T17:00:00.000Z' }) });
    expect((await page.ask({ query })).body).toContain('The link allows no later time');
  });

  test('works so many times a night, also when all are sent at once', async () => {
    const page = await aPage({ perNight: 2 });
    const query = `l=${await page.sign()}`;
    const ends = ['14:00', '14:30', '15:00', '16:00', '17:00'];
    const replies = await Promise.all(
      ends.map((end) =>
        page.ask({ method: 'POST', query, form: aForm({ until: `2026-11-25T${end}:00.000Z` }) }),
      ),
    );
    expect((await page.overrides()).length).toBe(2);
    expect(replies.filter(({ statusCode }) => statusCode === 429).length).toBeGreaterThan(0);
    const { statusCode, body } = await page.ask({
      method: 'POST',
      query: `l=${await page.sign({ id: 'another1' })}`,
      form: aForm({ until: '2026-11-25T16:30:00.000Z' }),
    });
    if (statusCode === 429) expect(body).toContain('The 2 requests of this night are used');
    expect((await page.overrides()).length).toBe(2);
  });

  test('of a later warning of the same night begins no new count', async () => {
    const page = await aPage({ perNight: 1 });
    const form = aForm({ until: '2026-11-25T14:00:00.000Z' });
    await page.ask({ method: 'POST', query: `l=${await page.sign()}`, form });
    // 22:50: the warning of the stop at 23:00, to which the first was postponed.
    page.at('2026-11-25T13:50:00Z');
    const [line = ''] = await page.links(aWarning('2026-11-25T14:00:00.000Z'));
    const { statusCode } = await page.ask({ method: 'POST', query: queryIn(line), form: aForm() });
    expect(statusCode).toBe(429);
    expect(await page.overrides()).toHaveLength(1);
  });

  test('has what kubectl has left of the requests of the night', async () => {
    const page = await aPage({ perNight: 1 });
    const override = {
      state: 'awake',
      from: '2026-11-25T12:40:00.000Z',
      until: '2026-11-25T13:10:00.000Z',
    } as const;
    const by = { author: 'kubectl', via: 'kubectl', label: 'ben', reason: 'a release' } as const;
    await page.store.addIfAbsent({ id: `kubectl#${STOP}#4711`, ...override, ...by }, EVENING);
    const reply = await page.ask({ method: 'POST', query: `l=${await page.sign()}`, form: aForm() });
    expect(reply.statusCode).toBe(429);
    expect(reply.body).toContain('The 1 requests of this night are used');
  });

  test('keeps up what somebody has stopped since: an older request is not in force', async () => {
    const page = await aPage();
    const awake = {
      state: 'awake',
      from: '2026-11-25T12:00:00.000Z',
      until: '2026-11-25T16:00:00.000Z',
    } as const;
    const asleep = {
      state: 'asleep',
      from: '2026-11-25T12:30:00.000Z',
      until: '2026-11-25T18:00:00.000Z',
    } as const;
    const by = { author: 'assumed-role/Operator/eva', reason: 'costs' };
    await page.store.addIfAbsent({ id: 'a', ...awake, ...by }, EVENING);
    await page.store.addIfAbsent({ id: 'b', ...asleep, ...by }, EVENING);
    const query = `l=${await page.sign()}`;
    expect((await page.ask({ query })).body).not.toContain('Kept up until 01:00');
    const { body } = await page.ask({ method: 'POST', query, form: aForm() });
    expect(body).toContain('Kept up until 23:30');
    expect(body).not.toContain('Already');
  });

  test('starts the cluster again in the night, with the time until it is ready', async () => {
    const page = await aPage();
    await page.table.save('night', 'state', {
      phase: 'asleep',
      desired: 'asleep',
      reason: 'outside office hours',
      since: '2026-11-25T13:04:00Z',
      until: MORNING,
      groups: ['app'],
    });
    page.at('2026-11-25T15:02:00Z');
    const query = `l=${await page.sign({ action: 'wake', minutes: 60 })}`;
    const shown = await page.ask({ query });
    expect(shown.body).toContain('Start it now?');
    expect(shown.body).toContain('ready in about 7 min');
    const until = '2026-11-25T16:05:00.000Z';
    const { body } = await page.ask({ method: 'POST', query, form: aForm({ until }) });
    expect(body).toContain('Kept up until 01:05');
    expect(body).toContain('ready in about 7 min');
  });

  test('says when it will be ready by what the last starts took until the nodes were Ready', async () => {
    const page = await aPage();
    await page.table.save('night', 'state', { ...AWAKE, phase: 'asleep', desired: 'asleep', until: MORNING });
    await page.table.save('night', 'note#mornings', [
      { asked: '2026-11-23T23:00:00Z', seconds: { instances: 200, nodes: 540 } },
      { asked: '2026-11-24T23:00:00Z', seconds: { instances: 190, nodes: 480 } },
    ]);
    page.at('2026-11-25T15:02:00Z');
    const { body } = await page.ask({ query: `l=${await page.sign({ action: 'wake', minutes: 60 })}` });
    expect(body).toContain('ready in about 11 min');
  });

  test('shows the progress of a start as it was observed, and nothing that was not', async () => {
    const page = await aPage();
    await page.table.save('night', 'state', {
      ...AWAKE,
      phase: 'starting',
      since: '2026-11-25T15:02:00Z',
      until: '2026-11-25T16:05:00.000Z',
    });
    const query = `l=${await page.sign({ action: 'wake', minutes: 60 })}&view=state`;
    page.at('2026-11-25T15:06:00Z');
    const stepsIn = (body: string) =>
      [...body.matchAll(/<li class="(\w+)"><span>([^<]+)<\/span> <span>([^<]+)<\/span>/g)].map((step) =>
        step.slice(1),
      );
    expect(stepsIn((await page.ask({ query })).body)).toEqual([]);
    await page.table.save('night', 'note#mornings', [
      { asked: '2026-11-25T15:02:00Z', seconds: { instances: 130 }, isOpen: true },
    ]);
    expect(stepsIn((await page.ask({ query })).body)).toEqual([
      ['reached', 'Start requested', '00:02'],
      ['reached', 'Machines are running', '00:04'],
      ['ahead', 'Ready for your pods', 'not yet'],
    ]);
  });

  test('shows what the time costs, by the nodes before the last stop, in money where prices are known', async () => {
    const page = await aPage({ prices: { currency: 'USD', perNodeHour: { '*': 0.05 } } });
    await withNodes(page, 4);
    const { body } = await page.ask({ query: `l=${await page.sign()}` });
    expect(body).toContain('<b>23:30</b><span><span>6 node-hours</span> <span>0.30 USD</span> </span>');
  });
});

describe('a link is refused with a page that a person understands', () => {
  const tampered = (link: string) => {
    const [body = '', mac = ''] = link.split('.');
    const parts = JSON.parse(Buffer.from(body, 'base64url').toString('utf8')) as unknown[];
    parts[6] = 12;
    return `${Buffer.from(JSON.stringify(parts)).toString('base64url')}.${mac}`;
  };
  const cases: readonly (readonly [
    string,
    (page: Awaited<ReturnType<typeof aPage>>) => Promise<string>,
    number,
    string,
  ])[] = [
    ['when it is missing', async () => '', 403, 'This link does not work'],
    [
      'when it is cut off',
      async (page) => `l=${(await page.sign()).slice(0, -3)}`,
      403,
      'This link does not work',
    ],
    [
      'when it was altered',
      async (page) => `l=${tampered(await page.sign())}`,
      403,
      'This link does not work',
    ],
    [
      'when its last character was altered, in bits that mean nothing',
      async (page) => {
        const link = await page.sign();
        const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
        return `l=${link.slice(0, -1)}${alphabet[alphabet.indexOf(link.at(-1) ?? '') + 1]}`;
      },
      403,
      'This link does not work',
    ],
    [
      'when another key has signed it',
      async (page) => `l=${await page.signByAnotherKey()}`,
      403,
      'This link does not work',
    ],
    [
      'when it is for another environment',
      async (page) => `l=${await page.sign({ environment: 'staging' })}`,
      403,
      'This link is for another cluster',
    ],
    [
      'when it is for production',
      async (page) => `l=${await page.sign({ environment: 'production' })}`,
      403,
      'This link is for another cluster',
    ],
    [
      'when its night is over',
      async (page) => `l=${await page.sign({ expires: '2026-11-25T12:49:59.000Z' })}`,
      410,
      'This link has expired',
    ],
    ['when it is far too long', async () => `l=${'a'.repeat(5_000)}`, 403, 'This link does not work'],
    [
      'when its body is no link',
      async () => `l=${Buffer.from('[1]').toString('base64url')}.${'a'.repeat(43)}`,
      403,
      'This link does not work',
    ],
  ];
  for (const [when, queryOf, status, title] of cases)
    test(when, async () => {
      const page = await aPage();
      const query = await queryOf(page);
      for (const method of ['GET', 'POST']) {
        const { statusCode, body } = await page.ask({
          method,
          query,
          ...(method === 'POST' ? { form: aForm() } : {}),
        });
        expect(statusCode).toBe(status);
        expect(body).toContain(`<h1>${title}</h1>`);
        expect(body).not.toContain('develop');
      }
      expect(await page.overrides()).toEqual([]);
    });

  test('at once when an operator revoked it, and a newer one works', async () => {
    const page = await aPage();
    const old = `l=${await page.sign()}`;
    expect((await page.ask({ query: old })).statusCode).toBe(200);
    const generation = await revokeLinks(page.table, 'assumed-role/Operator/eva', EVENING);
    const { statusCode, body } = await page.ask({ method: 'POST', query: old, form: aForm() });
    expect(statusCode).toBe(410);
    expect(body).toContain('This link was revoked');
    expect(await page.overrides()).toEqual([]);
    expect((await page.ask({ query: `l=${await page.sign({ generation })}` })).statusCode).toBe(200);
  });

  test('before KMS or the table is asked, where that needs neither: a flood of them costs nothing', async () => {
    const page = await aPage();
    const expired = await page.sign({ expires: '2026-11-25T12:00:00.000Z' });
    const before = page.front.calls.length;
    for (const query of ['', 'l=x', `l=${expired}`]) await page.ask({ query });
    expect(page.front.calls.length).toBe(before);
  });
});

describe('a form is shown again with what was typed', () => {
  test.for([
    ['without an end', { until: '' }, 'Choose until when.'],
    ['with an end that is no time', { until: 'tomorrow' }, 'Choose until when.'],
    ['with an end that has passed', { until: '2026-11-25T12:50:00.000Z' }, 'This time has passed'],
    ['with an end beyond the bound', { until: '2026-11-25T17:00:00.001Z' }, 'later than the link allows'],
    ['with an end years ahead', { until: '2099-01-01T00:00:00.000Z' }, 'later than the link allows'],
    ['without a name', { name: '  ' }, 'Write your name.'],
    ['with a name that nobody sees', { name: '\u200d\u3164' }, 'Write your name.'],
    ['with a name of control characters', { name: 'Ana\u0007' }, 'cannot be shown'],
    ['with a name that turns the direction of text', { name: 'Ana\u202e' }, 'cannot be shown'],
    ['with a very long name', { name: 'a'.repeat(61) }, 'too long'],
    ['with a reason on two lines', { reason: 'one\ntwo' }, 'on one line'],
    ['with a very long reason', { reason: 'a'.repeat(201) }, 'too long'],
  ] as const)('%s', async ([, fields, problem]) => {
    const page = await aPage();
    const query = `l=${await page.sign()}`;
    const { statusCode, body } = await page.ask({ method: 'POST', query, form: aForm(fields) });
    expect(statusCode).toBe(422);
    expect(body).toContain(problem);
    expect(body).toContain('Nothing was changed yet');
    expect(await page.overrides()).toEqual([]);
  });

  test('without a reason where the config requires one', async () => {
    const page = await aPage({ requireReason: true });
    const query = `l=${await page.sign()}`;
    const { body } = await page.ask({ method: 'POST', query, form: aForm({ reason: '' }) });
    expect(body).toContain('your team requires one');
    expect(body).toContain('value="Ana"');
    expect(await page.overrides()).toEqual([]);
  });
});

describe('the page', () => {
  test('shows markup that somebody typed as text', async () => {
    const page = await aPage();
    const query = `l=${await page.sign()}`;
    await page.ask({ method: 'POST', query, form: aForm({ name: '<script>x</script>"' }) });
    const { body } = await page.ask({ query });
    expect(body).not.toContain('<script');
    expect(body).toContain('&#60;script&#62;x&#60;/script&#62;&#34;');
  });

  test('takes nothing from the host of a stranger and leads nowhere else', async () => {
    const page = await aPage();
    const query = `l=${await page.sign()}&next=https://evil.example&redirect=//evil.example`;
    const headers = {
      host: 'evil.example',
      'x-forwarded-host': 'evil.example',
      referer: 'https://evil.example/',
    };
    for (const asked of [{ query }, { method: 'POST', query, form: aForm() }]) {
      const reply = await page.ask({ ...asked, headers });
      expect(reply.statusCode).toBe(200);
      expect(reply.headers).not.toHaveProperty('location');
      expect(JSON.stringify(reply)).not.toContain('evil.example');
    }
  });

  test('is Japanese where the browser prefers it, and is never loaded into a frame or a cache', async () => {
    const page = await aPage();
    const { body, headers } = await page.ask({
      query: `l=${await page.sign()}`,
      headers: { 'accept-language': 'fr, ja;q=0.9, en;q=0.8' },
    });
    expect(body).toContain('<html lang="ja">');
    expect(body).toContain('停止を延ばしますか？');
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
    expect(headers['content-security-policy']).toContain("default-src 'none'");
    // An icon of its own: a browser would ask the function for one.
    expect(headers['content-security-policy']).toContain('img-src data:;');
    expect(headers['cache-control']).toBe('no-store');
    expect(headers['referrer-policy']).toBe('no-referrer');
  });

  test('has at most 30 KB and no script', async () => {
    const page = await aPage();
    const { body } = await page.ask({
      query: `l=${await page.sign()}`,
      headers: { 'accept-language': 'ja' },
    });
    expect(Buffer.byteLength(body)).toBeLessThanOrEqual(30_000);
    expect(body).not.toContain('<script');
  });

  test('refuses other methods, and a link that only explains changes nothing', async () => {
    const page = await aPage();
    const query = `l=${await page.sign({ action: 'why' })}`;
    expect((await page.ask({ method: 'DELETE', query })).statusCode).toBe(405);
    expect((await page.ask({ method: 'POST', query, form: aForm() })).statusCode).toBe(405);
    expect((await page.ask({ query })).body).toContain('What was decided lately');
    expect(await page.overrides()).toEqual([]);
  });
});

test('a payload that no function URL sends is no request', () => {
  for (const payload of [
    undefined,
    null,
    'x',
    [],
    {},
    { version: '1.0' },
    { version: '2.0', requestContext: {} },
  ])
    expect(requestOf(payload)).toBeUndefined();
  const long = { version: '2.0', requestContext: { http: { method: 'POST' } }, body: 'a'.repeat(10_000) };
  expect(requestOf(long)).toBeUndefined();
});

describe('the links of a warning', () => {
  test('open the page: two ends, a start later in the night, and why', async () => {
    const page = await aPage();
    const lines = await page.links(aWarning(STOP));
    expect(lines.map((line) => line.replace(/https:.*/, '…'))).toEqual([
      'Keep it up until 23:00 (Asia/Tokyo), or choose another time: …',
      'Keep it up until 00:00 (Asia/Tokyo), or choose another time: …',
      'Start it again later in the night: …',
      'Why, and what comes next: …',
    ]);
    for (const line of lines) {
      const query = queryIn(line);
      expect((await page.ask({ query })).statusCode).toBe(200);
      page.at('2026-11-26T13:00:00Z');
      expect((await page.ask({ query })).statusCode).toBe(410);
      page.at(EVENING);
    }
  });

  test('come with a deploy that waits for the morning, and start the cluster', async () => {
    const page = await aPage();
    const deferred = {
      time: '2026-11-25T15:02:00.000Z',
      environment: 'develop',
      capability: 'branch-deploy',
      target: 'default/api',
      action: 'defer',
      reason: 'the cluster is asleep',
      trigger: 'build',
    } as const;
    page.at(deferred.time);
    const lines = await page.links(deferred);
    expect(lines.map((line) => line.replace(/https:.*/, '…'))).toEqual([
      'Start the cluster now, and deploy it: …',
    ]);
    const query = queryIn(lines[0] ?? '');
    const until = '2026-11-25T16:05:00.000Z';
    expect((await page.ask({ method: 'POST', query, form: aForm({ until }) })).body).toContain(
      'Kept up until 01:05',
    );
    // By day it waits for something else; and what was deployed needs no link.
    expect(await page.links({ ...deferred, time: '2026-11-25T03:00:00.000Z' })).toEqual([]);
    expect(await page.links({ ...deferred, action: 'deployed' })).toEqual([]);
  });

  test('are those of its own night: the last one ends with the next start', async () => {
    const page = await aPage();
    const [line = ''] = await page.links(aWarning(STOP));
    const body = /l=([^.]+)\./.exec(line)?.[1] ?? '';
    expect(JSON.parse(Buffer.from(body, 'base64url').toString('utf8'))).toContain(MORNING);
  });
});

function aWarning(stop: string): Decision {
  return {
    time: new Date(Date.parse(stop) - 10 * 60_000).toISOString(),
    environment: 'develop',
    capability: 'night-schedule',
    target: 'develop',
    action: 'warn',
    reason: 'stops soon',
    trigger: 'tick',
    stop,
  };
}

/** Of the link in a line of a notification. */
function queryIn(line: string): string {
  return new URL(line.replace(/.*: (?=https)/, '')).search.slice(1);
}

/** So many ran until the last stop. */
function withNodes(page: Awaited<ReturnType<typeof aPage>>, nodes: number): Promise<void> {
  const stretch = { from: '2026-11-24T13:04:00Z', to: '2026-11-24T15:00:00Z', nodes };
  const counted = { asleepMinutes: 116, gapMinutes: 0, nodeMinutesSaved: 116 * nodes };
  return page.table.save('ledger', '2026-11-24#app', {
    date: '2026-11-24',
    group: 'app',
    stretches: [{ ...stretch, ...counted }],
  });
}
