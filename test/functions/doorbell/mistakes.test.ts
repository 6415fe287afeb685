/** Deliberate mistakes in what wakes the cluster, and in what a thousand browsers cost: the checks must find each. */
import { expect, test } from 'vitest';
import { aDoorbell, FORM, HARMLESS, type Mistaken, ORIGIN } from './a-doorbell.ts';

const PRESS = new Map(Object.entries(FORM));

/** The harmless requests that wake the cluster. */
async function woken(mistaken: Mistaken): Promise<readonly string[]> {
  const found: string[] = [];
  for (const [name, asked] of HARMLESS) {
    const doorbell = await aDoorbell({}, {}, mistaken);
    await doorbell.ask(asked);
    if ((await doorbell.overrides()).length > 0) found.push(name);
  }
  return found;
}

test('no harmless request wakes the cluster', async () => {
  expect(await woken({})).toEqual([]);
});

test.each<[string, NonNullable<Mistaken['request']>, string]>([
  [
    'every GET is a press',
    (request) => (request.method === 'GET' ? { ...request, method: 'POST', form: PRESS } : request),
    'a health check',
  ],
  [
    'the address counts as a form',
    (request) =>
      request.method === 'GET' ? { ...request, method: 'POST', form: request.parameters } : request,
    'a GET with the form in its address',
  ],
  [
    'the method does not count',
    (request) => (request.method === 'PUT' ? { ...request, method: 'POST' } : request),
    'a PUT',
  ],
  ['every POST is a press', (request) => ({ ...request, form: PRESS }), 'a POST of the application'],
  [
    'the site of a form does not count',
    ({ origin: _, ...request }) => ({ ...request, isCrossSite: false }),
    'a form of another site',
  ],
])('it is found that %s', async (_, request, name) => {
  expect(await woken({ request })).toContain(name);
});

/** Overrides of so many presses, and reads of as many browsers that wait. */
async function crowd(size: number, mistaken: Mistaken = {}) {
  const doorbell = await aDoorbell({}, {}, mistaken);
  const everyone = (asked: Parameters<typeof doorbell.ask>[0]) =>
    Promise.all(Array.from({ length: size }, () => doorbell.ask(asked)));
  await everyone({ method: 'POST', form: FORM, headers: ORIGIN });
  await doorbell.ask();
  const before = doorbell.reads();
  await everyone({});
  return { overrides: (await doorbell.overrides()).length, reads: doorbell.reads() - before };
}

test('a thousand presses are one request, and a thousand browsers read nothing again', async () => {
  expect(await crowd(1000)).toEqual({ overrides: 1, reads: 0 });
});

test('it is found that each browser reads the table', async () => {
  const { reads } = await crowd(100, { store: (store) => ({ ...store, freshNight: store.night }) });
  expect(reads).toBe(100);
});

test('it is found that each press is a request of its own', async () => {
  let presses = 0;
  const { overrides } = await crowd(100, {
    store: (store) => ({
      ...store,
      freshNight: store.night,
      addIfAbsent: (override, now) => store.addIfAbsent({ ...override, id: `press-${presses++}` }, now),
    }),
  });
  expect(overrides).toBeGreaterThan(1);
});
