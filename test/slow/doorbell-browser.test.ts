/**
 * A sleeping application in a real browser, on the lab: from the waiting page to the application's own answer, through
 * the rules of a load balancer that night-schedule puts in place and removes; and the button of a chat before it.
 */
import { existsSync } from 'node:fs';
import { buttonsOf, press } from '@nightshift/lab/http/chatbot.ts';
import type { LoopbackServer } from '@nightshift/lab/http/loopback.ts';
import axe from 'axe-core';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { raiseShop } from '#demo/sleeping-shop.ts';
import type { NightshiftConfig } from '#model/config.ts';
import { aRunningLab, type RunningLab } from '#test/a-running-lab.ts';
import { LISTENER } from '#test/infra/environments.ts';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) => existsSync(path));
if (!CHROMIUM) console.warn('skipped: there is no chromium in /usr/bin (apt-get install chromium)');

/** 21:25 on Tuesday in Tokyo: the warning comes at 21:30. */
const START = new Date('2026-11-24T12:25:00Z');
const HOST = 'shop.develop.example.com';
const place = { account: '111111111111', region: 'ap-northeast-1' };
const config: NightshiftConfig = {
  schedules: { office: { timeZone: 'Asia/Tokyo', up: ['Mon-Fri 08:00-22:00'] } },
  environments: {
    develop: {
      ...place,
      cluster: 'develop',
      schedule: 'office',
      notify: { warning: [] },
      selfService: { links: true, perNight: 5 },
      doorbell: {
        applications: [`https://${HOST}/`],
        rules: { listener: LISTENER, priorities: '1-5' },
        chat: { slack: [{ workspace: 'T07EA123LEP', channel: 'C07EZ1ABC23' }] },
        hours: 1,
      },
    },
  },
};

describe.skipIf(!CHROMIUM)('a sleeping application', () => {
  let running: RunningLab;
  let port: LoopbackServer;
  let browser: Browser;
  const denied: string[] = [];

  beforeAll(async () => {
    running = await aRunningLab({
      config,
      start: START,
      onAuthorize: ({ action }, refusal) => {
        if (refusal !== undefined) denied.push(`${action}: ${refusal}`);
      },
    });
    port = await raiseShop(running.lab, { listener: LISTENER, host: HOST });
    browser = await chromium.launch({
      executablePath: CHROMIUM!,
      args: ['--no-sandbox', `--host-resolver-rules=MAP ${HOST}:80 127.0.0.1:${port.port}`],
    });
  });

  afterAll(async () => {
    await browser?.close();
    await port?.close();
    await running?.close();
  });

  const ours = () =>
    running.lab.aws.loadBalancers
      .rules(place, LISTENER)
      .filter(({ priority }) => priority !== 'default' && priority < 100);
  const settled = async (isDone: () => boolean, minutes: number) => {
    for (let minute = 0; minute < minutes && !isDone(); minute++) await running.pass(1);
    expect(isDone()).toBe(true);
  };
  const open = async (
    width: number,
    javaScriptEnabled = true,
  ): Promise<{ context: BrowserContext; page: Page }> => {
    const context = await browser.newContext({ viewport: { width, height: 900 }, javaScriptEnabled });
    const page = await context.newPage();
    return { context, page };
  };
  const violations = async (page: Page) => {
    // The policy of the page lets no foreign script run: the evaluation of a test is none.
    await page.evaluate(axe.source);
    const { violations: found, passes } = await page.evaluate(() =>
      (globalThis as unknown as { axe: typeof axe }).axe.run(),
    );
    expect(passes.length).toBeGreaterThan(8);
    return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  };
  const fits = (page: Page) =>
    page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth);

  test('was announced with a button of a chat, which keeps the cluster up', async () => {
    await running.pass(10);
    const topic = running.lab.aws.messaging
      .topics()
      .find(({ name }) => name === 'nightshift-develop-warning')!;
    const message = (JSON.parse(topic.messages[0]!.message) as { default: string }).default;
    const channel = running.lab.assembly.deployments[0]!.channels[0]!;
    const buttons = buttonsOf(channel, message)!;
    expect(buttons.map(({ text }) => text)).toEqual(['Keep it up 1 h longer, or wake it']);
    const parts = { run: running.lab.assembly, context: running.lab.context, channel };
    expect((await press(parts, buttons[0]!)).posted).toContain('develop is kept up until Tue 23:00');
    const changed = { ...buttons[0]!, variables: { ...buttons[0]!.variables, nightshift: 'production' } };
    expect((await press(parts, changed)).posted).toContain('nothing was changed');
    await running.pass(30);
    expect(running.lab.aws.instances(running.lab.environments[0]!.cluster).length).toBeGreaterThan(0);
    // The other notifications have no button.
    const others = topic.messages
      .slice(1)
      .map((one) => (JSON.parse(one.message) as { default: string }).default);
    expect(others.length).toBeGreaterThan(0);
    for (const other of others.filter((one) => !one.includes('enableCustomActions')))
      expect(buttonsOf(channel, other)).toEqual([]);
    expect(others.some((one) => !one.includes('enableCustomActions'))).toBe(true);
  });

  test.each([390, 1440])('at %i px leads from the waiting page to its own answer', async (width) => {
    await settled(() => ours().length === 1, 200);
    const { context, page } = await open(width);
    const errors: string[] = [];
    page.on('pageerror', ({ message }) => errors.push(message));
    const first = await page.goto(`http://${HOST}/cart?item=7`);
    expect(first?.status()).toBe(503);
    expect((await first!.body()).length).toBeLessThanOrEqual(30_000);
    await page.getByRole('heading', { name: 'develop sleeps until Wed 08:00' }).waitFor();
    expect(await violations(page)).toEqual([]);
    expect(await fits(page)).toBe(true);
    // An open page wakes nothing.
    await running.pass(5);
    expect(ours()).toHaveLength(1);

    await page.getByLabel('Your name (optional)').fill('Ana');
    await page.getByRole('button', { name: 'Wake it' }).click();
    await page.getByRole('heading', { name: 'develop is starting' }).waitFor();
    expect(await violations(page)).toEqual([]);
    expect(await fits(page)).toBe(true);
    await settled(
      () =>
        running.lab.decisions.some(
          ({ action, capability }) => action === 'switch' && capability === 'night-schedule',
        ) && ours().length === 0,
      30,
    );
    await page.getByRole('heading', { name: 'The shop itself' }).waitFor({ timeout: 180_000 });
    expect(await page.locator('#path').textContent()).toBe('/cart');
    expect(errors).toEqual([]);
    await context.close();
    // It stops by itself.
    await settled(() => ours().length === 1, 120);
  });

  test('works without script', async () => {
    await settled(() => ours().length === 1, 120);
    const { context, page } = await open(390, false);
    await page.goto(`http://${HOST}/`);
    await page.getByRole('button', { name: 'Wake it' }).click();
    await page.getByRole('heading', { name: 'develop is starting' }).waitFor();
    await settled(() => ours().length === 0, 30);
    await page.getByRole('link', { name: 'Check again' }).click();
    await page.getByRole('heading', { name: 'The shop itself' }).waitFor();
    await context.close();
  });

  test('asked for nothing that its policies deny, and nothing failed', () => {
    expect(denied).toEqual([]);
    expect(running.lab.decisions.filter(({ action }) => action === 'fail')).toEqual([]);
  });
});
