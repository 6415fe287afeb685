/** The page of self-service in a real browser, on the lab: from the link in a mail to the cluster that stays up. */
import { existsSync } from 'node:fs';
import axe from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { aLateEvening } from './a-late-evening.ts';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) => existsSync(path));
if (!CHROMIUM) console.warn('skipped: there is no chromium in /usr/bin (apt-get install chromium)');

const PHONE = { width: 390, height: 844 };
const DESKTOP = { width: 1280, height: 900 };

describe.skipIf(!CHROMIUM)('the page of a link', () => {
  let evening: Awaited<ReturnType<typeof aLateEvening>>;
  let browser: Browser;
  let address = '';

  beforeAll(async () => {
    evening = await aLateEvening({ links: true, perNight: 10 });
    // 21:50: the stop comes in ten minutes.
    await evening.until('2026-11-25T12:50:00Z');
    address = [...evening.links().values()][0] ?? '';
    browser = await chromium.launch({
      executablePath: CHROMIUM!,
      args: ['--no-sandbox'],
      proxy: { server: evening.lab.proxyUrl },
    });
  });
  afterAll(async () => {
    await browser?.close();
    await evening?.close();
  });

  const open = async (options: BrowserContextOptions = {}): Promise<Page> => {
    const context = await browser.newContext({ viewport: PHONE, ignoreHTTPSErrors: true, ...options });
    const page = await context.newPage();
    await page.goto(address);
    return page;
  };
  /** axe runs beside the page, whose policy forbids every script. */
  const violations = async (page: Page) => {
    const copy = await (await browser.newContext({ viewport: PHONE, bypassCSP: true })).newPage();
    await copy.emulateMedia({
      colorScheme: await page.evaluate(() =>
        matchMedia('(prefers-color-scheme:dark)').matches ? 'dark' : 'light',
      ),
    });
    await copy.setContent(await page.content());
    await copy.evaluate(axe.source);
    const { violations: found, passes } = await copy.evaluate(() =>
      (globalThis as unknown as { axe: typeof axe }).axe.run(),
    );
    await copy.context().close();
    expect(passes.length).toBeGreaterThan(10);
    return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  };

  test.for([
    ['phone, light', { viewport: PHONE, colorScheme: 'light' }],
    ['phone, dark', { viewport: PHONE, colorScheme: 'dark' }],
    ['desktop, light', { viewport: DESKTOP, colorScheme: 'light' }],
    ['desktop, dark', { viewport: DESKTOP, colorScheme: 'dark' }],
    ['phone, Japanese', { viewport: PHONE, locale: 'ja-JP' }],
  ] as const)('has no violation of axe and fits: %s', async ([, options]) => {
    const page = await open(options);
    expect(await violations(page)).toEqual([]);
    const { scroll, width } = await page.evaluate(() => ({
      scroll: document.documentElement.scrollWidth,
      width: innerWidth,
    }));
    expect(scroll).toBeLessThanOrEqual(width);
    // A finger meets what it aims at.
    for (const target of await page.locator('label:has(input), button, input:not([type=radio])').all())
      expect((await target.boundingBox())?.height).toBeGreaterThanOrEqual(44);
    await page.context().close();
  });

  test('is Japanese where the browser is, and English everywhere else', async () => {
    const japanese = await open({ locale: 'ja-JP' });
    expect(await japanese.locator('html').getAttribute('lang')).toBe('ja');
    expect(await japanese.locator('h2').first().textContent()).toBe('停止を延ばしますか？');
    await japanese.context().close();
    const french = await open({ locale: 'fr-FR' });
    expect(await french.locator('html').getAttribute('lang')).toBe('en');
    await french.context().close();
  });

  test('is dark where the person wants it', async () => {
    const grounds = [];
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await open({ colorScheme });
      grounds.push(await page.evaluate(() => getComputedStyle(document.body).backgroundColor));
      await page.context().close();
    }
    expect(new Set(grounds).size).toBe(2);
  });

  test('has at most 30 KB in one reply, and loads nothing else', async () => {
    const context = await browser.newContext({ viewport: PHONE, ignoreHTTPSErrors: true });
    const page = await context.newPage();
    const requests: string[] = [];
    page.on('request', (request) => requests.push(request.url()));
    const response = await page.goto(address);
    expect((await response?.body())?.byteLength).toBeLessThanOrEqual(30_000);
    expect(requests.filter((url) => !url.endsWith('/favicon.ico'))).toEqual([address]);
    await context.close();
  });

  test('is used with the keyboard alone, without script, and the cluster stays up', async () => {
    const page = await open({ javaScriptEnabled: false });
    // The suggested end has the focus first; an arrow chooses the next one.
    await page.keyboard.press('Tab');
    await page.keyboard.press('ArrowDown');
    const chosen = page.locator('label:has(:checked) b');
    expect(await chosen.textContent()).toBe('23:30');
    await page.keyboard.press('Tab');
    await page.keyboard.type('Ana');
    await page.keyboard.press('Tab');
    await page.keyboard.type('release 4.2');
    await page.keyboard.press('Tab');
    expect(await page.locator('button:focus-visible').count()).toBe(1);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Kept up until 23:30' }).waitFor();
    expect(evening.lab.decisions.filter(({ action }) => action === 'override')).toMatchObject([
      { author: expect.stringMatching(/^link\//), via: 'link', label: 'Ana' },
    ]);
    await page.getByRole('link', { name: 'Show the state' }).click();
    await page.getByText('Kept up until 23:30 by Ana').waitFor();
    await page.context().close();
    await evening.until('2026-11-25T13:20:00Z');
    expect(evening.sizes().some(({ desired }) => desired > 0)).toBe(true);
  });

  test('says what is missing, keeps what was typed, and has no violation then either', async () => {
    const page = await open();
    await page.locator('form').evaluate((form: HTMLFormElement) => {
      form.noValidate = true;
    });
    await page.getByLabel('Reason').fill('release 4.2');
    await page.getByRole('button').click();
    await page.getByRole('alert').getByText('Write your name.').waitFor();
    expect(await page.getByLabel('Reason').inputValue()).toBe('release 4.2');
    expect(await violations(page)).toEqual([]);
    await page.context().close();
  });

  test('of a link that was altered says so, without a violation', async () => {
    const context = await browser.newContext({ viewport: PHONE, ignoreHTTPSErrors: true });
    const page = await context.newPage();
    await page.goto(address.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')));
    expect(await page.locator('h1').textContent()).toBe('This link does not work');
    expect(await violations(page)).toEqual([]);
    await context.close();
  });

  test('shows the start as it was observed', async () => {
    // 23:45: stopped again.
    await evening.until('2026-11-25T14:45:00Z');
    const page = await open();
    await page.getByLabel('Your name').fill('Ben');
    await page.getByRole('button', { name: 'Start it' }).click();
    await page.getByText(/ready in about \d+ min/).waitFor();
    await evening.pass(2);
    await page.getByRole('link', { name: 'Show how far it is' }).click();
    await page.getByText('Start requested').waitFor();
    expect(await violations(page)).toEqual([]);
    await evening.pass(12);
    await page.getByRole('link', { name: 'Show again' }).click();
    await page.locator('.phase.awake').waitFor();
    await page.context().close();
  });
});
