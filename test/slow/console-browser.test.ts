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
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await served?.close();
    await lab?.close();
    rmSync(directory, { recursive: true });
  });

  const pass = (minutes: number) => lab.context.clock.runUntil(lab.context.clock.now() + minutes * MINUTE);
  const card = (name: string) => page.locator(`[data-environment=${name}]`);
  const violations = async () => {
    await page.evaluate(axe.source);
    const { violations: found, passes } = await page.evaluate(() =>
      (globalThis as unknown as { axe: typeof axe }).axe.run(),
    );
    expect(passes.length).toBeGreaterThan(10);
    return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  };

  test('shows the state of each cluster, its reason and its next transition', async () => {
    const develop = card('develop');
    await develop.getByText('Stops').waitFor();
    expect(await develop.locator('.phase').textContent()).toBe('awake');
    expect(await develop.textContent()).toMatch(/Tue,? 24 Nov,? 22:00/);
    expect(await develop.getByRole('img', { name: /^plan: .*asleep from/ }).count()).toBe(1);
    expect(await page.locator('.hint').count()).toBe(0);
    expect(page.url()).not.toContain('token');
  });

  test('has no buttons for production, and shows why an environment is unreachable', async () => {
    expect(await card('production').locator('form').count()).toBe(0);
    await card('production').getByText('never stopped').first().waitFor();
    await card('elsewhere').getByRole('alert').waitFor();
    expect(await card('elsewhere').textContent()).toContain(
      'deploy the stack, or use credentials of account 999999999999',
    );
  });

  test('refuses an override without a reason, or with an end too far ahead, and says why', async () => {
    const develop = card('develop');
    await develop.getByLabel('Until, or duration').fill('2h');
    await develop.getByRole('button', { name: 'Keep up until' }).click();
    await develop.getByRole('alert').filter({ hasText: 'enter a reason' }).waitFor();
    await develop.getByLabel('Reason').fill('release');
    await develop.getByLabel('Until, or duration').fill('9d');
    await develop.getByRole('button', { name: 'Keep up until' }).click();
    await develop.getByRole('alert').filter({ hasText: 'more than 7 days ahead' }).waitFor();
  });

  test('keeps the cluster up past its hours by keyboard, and stops it when the override is cancelled', async () => {
    const develop = card('develop');
    await develop.getByLabel('Until, or duration').fill('2h');
    await develop.getByLabel('Reason').fill('release');
    await develop.getByRole('button', { name: 'Keep up until' }).focus();
    await page.keyboard.press('Enter');
    await develop.getByText('Override: awake').waitFor();
    await pass(15);
    const running = () => lab.aws.groups(lab.environments[0]!.cluster).map(({ desired }) => desired);
    expect(Math.min(...running())).toBeGreaterThan(0);

    await develop.getByRole('button', { name: 'Cancel the override' }).click();
    await develop.getByText('Override: awake').waitFor({ state: 'detached' });
    await pass(25);
    expect(Math.max(...running())).toBe(0);
    await develop.locator('.phase.asleep').waitFor();
    expect(await develop.getByRole('img', { name: /^workers: .*stopping from/ }).count()).toBe(1);
  });

  test('shows the decisions about what was clicked', async () => {
    await card('develop')
      .getByRole('button', { name: /^workers/ })
      .click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('confirm-stop workers').waitFor();
    expect(await violations()).toEqual([]);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
  });

  test('is accessible in light and dark, and fits a phone', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await violations()).toEqual([]);
    }
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
    expect(await violations()).toEqual([]);
  });

  test('causes no error in the browser, and sends requests only to the console', async () => {
    expect(errors).toEqual([]);
    const hosts = await page.evaluate(() =>
      performance.getEntriesByType('resource').map(({ name }) => new URL(name).host),
    );
    expect(new Set(hosts)).toEqual(new Set([new URL(served.url).host]));
  });
});
