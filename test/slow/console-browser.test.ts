/** The page in a real browser, on the lab: what it shows, and what a click does to the cluster. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import axe from 'axe-core';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCloud } from '#cli/cloud.ts';
import { type Console, serveConsole } from '#cli/console/server.ts';
import { type Lab, startLab } from '#demo/lab.ts';
import { loadConfig } from '#lib/config-file.ts';
import { NightshiftApp } from '#lib/nightshift-app.ts';
import type { NightshiftConfig } from '#model/config.ts';
import * as thirty from '#test/cli/console/thirty-environments.ts';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) => existsSync(path));
if (!CHROMIUM) console.warn('skipped: there is no chromium in /usr/bin (apt-get install chromium)');

/** 21:55 on Tuesday in Tokyo: the stop is near. */
const START = new Date('2026-11-24T12:55:00Z');
const MINUTE = 60_000;
const place = { account: '111111111111', region: 'ap-northeast-1' };
const config: NightshiftConfig = {
  schedules: { office: { timeZone: 'Asia/Tokyo', up: ['Mon-Fri 08:00-22:00'] } },
  environments: {
    develop: { ...place, cluster: 'develop', schedule: 'office' },
    production: { ...place, cluster: 'production', production: true },
    elsewhere: { ...place, account: '999999999999', cluster: 'elsewhere', schedule: 'office' },
  },
};

describe.skipIf(!CHROMIUM)('the console in a browser', () => {
  const directory = mkdtempSync(join(tmpdir(), 'nightshift-console-'));
  let lab: Lab;
  let served: Console;
  let browser: Browser;
  let page: Page;
  const errors: string[] = [];

  beforeAll(async () => {
    const deployed = {
      ...config,
      environments: {
        develop: config.environments['develop']!,
        production: config.environments['production']!,
      },
    };
    const assemblyDir = join(directory, 'out');
    new NightshiftApp({ config: deployed, now: START, outdir: assemblyDir }).synth();
    lab = await startLab({ config: deployed, assemblyDir, start: START });
    await pass(2);
    const path = join(directory, 'nightshift.config.json');
    writeFileSync(path, JSON.stringify(config));
    const now = () => new Date(lab.context.clock.now());
    served = await serveConsole({
      loaded: await loadConfig(path),
      every: 200,
      io: {
        now,
        user: 'ana',
        cloud: (name, environment) =>
          createCloud(name, environment, now, {
            endpoint: lab.front.url,
            credentials: lab.environments[0]!.operator,
          }),
      },
    });
    browser = await chromium.launch({ executablePath: CHROMIUM!, args: ['--no-sandbox'] });
    page = await (await browser.newContext({ viewport: { width: 1200, height: 900 } })).newPage();
    page.on('pageerror', (error) => errors.push(error.message));
    await page.goto(served.url);
  });

  afterAll(async () => {
    await browser?.close();
    await served?.close();
    await lab?.close();
    rmSync(directory, { recursive: true });
  });

  const pass = (minutes: number) => lab.context.clock.runUntil(lab.context.clock.now() + minutes * MINUTE);
  const row = (name: string) => page.locator(`[data-environment=${name}]`);
  const open = async (name: string) => {
    const button = row(name).locator('.row-button');
    if ((await button.getAttribute('aria-expanded')) === 'false') await button.click();
    return row(name);
  };
  const violations = async () => {
    await page.evaluate(axe.source);
    const { violations: found, passes } = await page.evaluate(() =>
      (globalThis as unknown as { axe: typeof axe }).axe.run(),
    );
    expect(passes.length).toBeGreaterThan(10);
    return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  };

  test('shows all environments in rows, those that need a person first', async () => {
    await row('develop').getByText('stops 22:00 Tokyo').waitFor();
    await row('elsewhere').getByText('unreachable').waitFor();
    const names = await page
      .locator('.rows > li')
      .evaluateAll((rows) => rows.map((one) => one.dataset.environment));
    expect(names).toEqual(['elsewhere', 'develop', 'production']);
    expect(page.url()).not.toContain('token');
  });

  test('opens one row with the state, its reason, its next transition and its day', async () => {
    const develop = await open('develop');
    await develop
      .getByText(/^awake$/)
      .last()
      .waitFor();
    expect(await develop.textContent()).toMatch(/stops Tue,? 24 Nov,? 22:00/);
    expect(await develop.textContent()).toContain('times in Asia/Tokyo');
    expect(await develop.getByRole('img', { name: /^Plan: .*asleep, / }).count()).toBe(1);
    expect(await page.locator('.hint').count()).toBe(0);
    await open('production');
    expect(await page.locator('.detail').count()).toBe(1);
  });

  test('has no buttons for production, and shows why an environment is unreachable', async () => {
    const production = await open('production');
    expect(await production.locator('form').count()).toBe(0);
    await production.getByText('no override can reach it').waitFor();
    const elsewhere = await open('elsewhere');
    await elsewhere.getByRole('alert').waitFor();
    expect(await elsewhere.textContent()).toContain(
      'deploy the stack, or use credentials of account 999999999999',
    );
  });

  test('marks what is required, and refuses an end too far ahead in its own words', async () => {
    const develop = await open('develop');
    await develop.getByRole('button', { name: 'Keep awake' }).click();
    await develop.getByText('Choose until when').waitFor();
    await develop.getByText('Enter a reason').waitFor();
    await develop.getByLabel('Reason (required)').fill('release');
    await develop.getByLabel('Until (required)').fill('9d');
    await develop.getByRole('button', { name: 'Keep awake' }).click();
    const alert = develop.getByRole('alert').filter({ hasText: 'more than 7 days ahead' });
    await alert.waitFor();
    expect(await alert.textContent()).not.toContain('--');
  });

  test('keeps the cluster up past its hours by keyboard, and stops it when the override is cancelled', async () => {
    const develop = await open('develop');
    await develop.getByRole('button', { name: '+2 h' }).click();
    expect(await develop.getByLabel('Until (required)').inputValue()).toBe('2026-11-25 00:00');
    await develop.getByLabel('Reason (required)').fill('release');
    await page.keyboard.press('Enter');
    await develop.getByText('override: awake').waitFor();
    await pass(15);
    const running = () => lab.aws.groups(lab.environments[0]!.cluster).map(({ desired }) => desired);
    expect(Math.min(...running())).toBeGreaterThan(0);

    await develop.getByRole('button', { name: 'Cancel the override' }).click();
    await develop.getByText('override: awake').waitFor({ state: 'detached' });
    await pass(25);
    expect(Math.max(...running())).toBe(0);
    await develop.locator('.phase.asleep').waitFor();
    expect(await develop.getByRole('img', { name: /^workers: .*stopping, / }).count()).toBe(1);
    await develop.getByRole('button', { name: 'Wake now' }).waitFor();
  });

  test('shows the decisions about what was clicked, filters them, and can always be closed', async () => {
    const develop = await open('develop');
    await develop.getByRole('button', { name: /^workers/ }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('confirm-stop workers').waitFor();
    await dialog.getByRole('combobox', { name: 'every action' }).selectOption('stop');
    await dialog.getByText('confirm-stop workers').waitFor({ state: 'detached' });
    await dialog.getByText('stop workers').waitFor();
    expect(await violations()).toEqual([]);
    await dialog.getByRole('button', { name: 'Close' }).click();
    await dialog.waitFor({ state: 'hidden' });
  });

  test('is used by keys: / searches, j and k move, Enter opens, Escape closes, ? lists them', async () => {
    await page.keyboard.press('Escape');
    await page.keyboard.press('/');
    await page.keyboard.type('develop');
    await row('production').waitFor({ state: 'detached' });
    await page.getByRole('searchbox', { name: 'Search' }).fill('');
    await page.keyboard.press('Escape');
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await page.keyboard.press('k');
    await page.keyboard.press('Enter');
    await page.locator('.detail').waitFor();
    expect(await page.locator('.opened').getAttribute('data-environment')).toBe('elsewhere');
    await page.keyboard.press('Escape');
    await page.locator('.detail').waitFor({ state: 'detached' });
    await page.keyboard.press('?');
    await page.getByRole('dialog').getByText('next and previous environment').waitFor();
    await page.keyboard.press('Escape');
  });

  test('shows only those of a state that is pressed, and all again once Escape leaves the search', async () => {
    await page.locator('.count.bad').click();
    await row('develop').waitFor({ state: 'detached' });
    expect(await page.locator('.count.bad').getAttribute('aria-pressed')).toBe('true');
    expect(await page.title()).toMatch(/^\(1\) /);
    await page.keyboard.press('/');
    await page.keyboard.press('Escape');
    await row('develop').waitFor();
  });

  test('opens the environment that its address names, and its decisions by the key l', async () => {
    await open('develop');
    expect(new URL(page.url()).hash).toBe('#develop');
    await page.reload();
    await page.locator('.opened[data-environment=develop]').waitFor();
    await page.keyboard.press('l');
    await page.getByRole('dialog').getByText('Decisions in develop').waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    await page.locator('.detail').waitFor({ state: 'detached' });
    expect(new URL(page.url()).hash).toBe('');
  });

  test('speaks Japanese, and remembers it', async () => {
    await page.getByRole('button', { name: '日本語' }).click();
    await page.getByText('3 環境').waitFor();
    await page.reload();
    await page.getByText('3 環境').waitFor();
    expect(await page.locator('html').getAttribute('lang')).toBe('ja');
    await page.getByRole('button', { name: 'English' }).click();
    await page.getByText('3 environments').waitFor();
  });

  test('is accessible in light and dark, opened and closed, and fits a phone', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await open('develop');
      expect(await violations()).toEqual([]);
      await page.keyboard.press('Escape');
      expect(await violations()).toEqual([]);
    }
    await page.setViewportSize({ width: 360, height: 740 });
    await open('develop');
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
    expect(await violations()).toEqual([]);
    await page.setViewportSize({ width: 1200, height: 900 });
  });

  test('causes no error in the browser, and sends requests only to the console', async () => {
    expect(errors).toEqual([]);
    const hosts = await page.evaluate(() =>
      performance.getEntriesByType('resource').map(({ name }) => new URL(name).host),
    );
    expect(new Set(hosts)).toEqual(new Set([new URL(served.url).host]));
  });

  test('is visibly old, with its buttons off, once it is disconnected', async () => {
    await open('develop');
    await served.close();
    await page.getByText('Disconnected: what you see is from').waitFor();
    expect(await page.locator('main.stale').count()).toBe(1);
    expect(await row('develop').getByRole('button', { name: 'Wake now' }).isDisabled()).toBe(true);
    expect(await violations()).toEqual([]);
  });
});

describe.skipIf(!CHROMIUM)('thirty environments in a browser', () => {
  let served: Console;
  let browser: Browser;

  beforeAll(async () => {
    served = await serveConsole({ loaded: { config: thirty.config, path: 'thirty' }, io: thirty.io });
    browser = await chromium.launch({ executablePath: CHROMIUM!, args: ['--no-sandbox'] });
  });

  afterAll(async () => {
    await browser?.close();
    await served?.close();
  });

  const opened = async (width: number, height: number, colorScheme: 'light' | 'dark') => {
    const context = await browser.newContext({ viewport: { width, height }, colorScheme });
    const page = await context.newPage();
    await page.goto(served.url);
    await page.waitForFunction('document.querySelectorAll(".row-button").length === 30');
    return page;
  };
  const violationsOf = async (page: Page) => {
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate(() =>
      (globalThis as unknown as { axe: typeof axe }).axe.run(),
    );
    return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
  };

  test('fit on one screen, with the failures on top', async () => {
    const page = await opened(1440, 900, 'light');
    expect(await page.evaluate('document.documentElement.scrollHeight')).toBeLessThanOrEqual(900);
    const urgent = await page.locator('.row-button.failing .name').allTextContents();
    expect(urgent).toEqual(
      await page
        .locator('.row-button .name')
        .allTextContents()
        .then((all) => all.slice(0, 3)),
    );
    await page.context().close();
  });

  test('are printed in the colours of paper, without controls, on as few pages as there are rows for', async () => {
    const page = await opened(718, 1040, 'dark');
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(255, 255, 255)');
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(718);
    expect(await page.evaluate('document.documentElement.scrollHeight')).toBeLessThanOrEqual(2 * 1040);
    expect(await page.locator('header button.quiet').first().isVisible()).toBe(false);
    await page.getByText(/^as of /).waitFor();
    const inks = await page
      .locator('.row-button .phase')
      .evaluateAll((all) => [...new Set(all.map((one) => getComputedStyle(one).color))]);
    // That of `awake` in the light palette, which is dark enough on paper.
    expect(inks).toContain('rgb(30, 107, 66)');
    await page.context().close();
  });

  test('show sixty mornings, each as a mark that is not cut off, and say how many were in time', async () => {
    for (const width of [390, 1440]) {
      const page = await opened(width, 900, 'light');
      await page.locator('.row-button').nth(5).click();
      const figure = page.locator('figure.promise');
      await figure.getByText('57 of 60 mornings ready in time').waitFor();
      expect(await figure.getByRole('img', { name: '57 of 60 mornings ready in time' }).count()).toBe(1);
      expect(await figure.locator('rect.missed').count()).toBe(3);
      const marks = await figure.locator('rect').evaluateAll((all) => {
        const frame = all[0]?.closest('svg')?.getBoundingClientRect();
        return all.map((one) => {
          const { left, right, bottom } = one.getBoundingClientRect();
          return frame !== undefined && left >= 0 && right <= frame.right + 1 && bottom <= frame.bottom + 1;
        });
      });
      expect(marks).toHaveLength(60);
      expect(marks).not.toContain(false);
      await page.getByRole('button', { name: '日本語' }).click();
      await figure.getByText('朝 60 回のうち 57 回は時刻どおり').waitFor();
      expect(await violationsOf(page)).toEqual([]);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
      await page.context().close();
    }
  });

  test('show no hours that would cover the dates on a phone', async () => {
    const page = await opened(390, 844, 'light');
    await page.locator('.row-button').nth(1).click();
    await page.locator('.axis .date').first().waitFor();
    const boxes = await page.locator('.axis text').evaluateAll((all) =>
      all
        .map((one) => one.getBoundingClientRect())
        .filter(({ width }) => width > 0)
        .map(({ left, right }) => [left, right]),
    );
    const sorted = boxes.sort(([a = 0], [b = 0]) => a - b);
    for (const [index, [left = 0]] of sorted.entries())
      expect(left).toBeGreaterThanOrEqual(sorted[index - 1]?.[1] ?? 0);
    await page.context().close();
  });

  test.for([
    [1440, 'light'],
    [1440, 'dark'],
    [390, 'light'],
    [390, 'dark'],
  ] as const)('are accessible in every state at %i pixels, %s', async ([width, scheme]) => {
    const page = await opened(width, 900, scheme);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    expect(await violationsOf(page)).toEqual([]);
    // One of each state.
    for (const name of Object.keys(thirty.config.environments).slice(0, 10)) {
      await page.locator(`[data-environment="${name}"] .row-button`).click();
      await page.locator('.detail').waitFor();
      expect(await violationsOf(page), name).toEqual([]);
    }
    await page.context().close();
  });
});
