/** Pictures of the page of self-service: a phone at 21:50 on the lab, from the link in the warning to the start at night. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type BrowserContextOptions, chromium } from 'playwright-core';
import { type Lab, startLab } from '#demo/lab.ts';
import { NightshiftApp } from '#lib/nightshift-app.ts';
import { defineConfig } from '#model/config.ts';

const config = defineConfig({
  schedules: { office: { timeZone: 'Asia/Tokyo', up: ['Mon-Fri 08:00-22:00'] } },
  environments: {
    develop: {
      account: '111111111111',
      region: 'ap-northeast-1',
      cluster: 'develop',
      schedule: 'office',
      notify: { warning: ['team@example.com'] },
      prices: { currency: 'USD', perNodeHour: { '*': 0.05 } },
      selfService: { links: true },
    },
  },
});
/** 21:20 on a Tuesday in Tokyo: a night passes first, so that the cost of one is known. */
const START = new Date('2026-11-24T12:20:00Z');
const PHONE = { width: 390, height: 720 };

/** Writes `<folder>/self-service-….png`. */
export async function shootSelfService(executablePath: string, folder: string): Promise<void> {
  const directory = mkdtempSync(path.join(tmpdir(), 'nightshift-screenshot-'));
  const assemblyDir = path.join(directory, 'out');
  new NightshiftApp({ config, now: START, outdir: assemblyDir }).synth();
  const lab = await startLab({ config, assemblyDir, start: START });
  const until = (time: string) => lab.context.clock.runUntil(Date.parse(time));
  const browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox'],
    proxy: { server: lab.proxyUrl },
  });
  const open = async (address: string, options: BrowserContextOptions) => {
    const context = await browser.newContext({ viewport: PHONE, ignoreHTTPSErrors: true, ...options });
    const page = await context.newPage();
    await page.goto(address);
    const shoot = (name: string) =>
      page.screenshot({ path: path.join(folder, `self-service-${name}.png`), fullPage: true });
    return { page, shoot };
  };
  try {
    await until('2026-11-25T12:50:00Z');
    const ask = await open(linkIn(lab, 'Keep it up until 23:00'), { colorScheme: 'light' });
    await ask.page.getByLabel('Your name').fill('Ana');
    await ask.page.getByLabel('Reason').fill('release 4.2');
    await ask.shoot('ask');
    const japanese = await open(linkIn(lab, 'Keep it up until 23:00'), {
      colorScheme: 'dark',
      locale: 'ja-JP',
    });
    await japanese.shoot('ask-ja');
    await ask.page.getByRole('button').click();
    await ask.page.locator('.result').waitFor();
    await ask.shoot('done');
    const wake = linkIn(lab, 'Start it again');
    await until('2026-11-25T15:02:00Z');
    const night = await open(wake, { colorScheme: 'dark' });
    await night.page.getByLabel('Your name').fill('Ben');
    await night.page.getByRole('button').click();
    await until('2026-11-25T15:04:00Z');
    await night.page.getByRole('link', { name: 'Show how far it is' }).click();
    await night.page.locator('.steps').waitFor();
    await night.shoot('start');
  } finally {
    await browser.close();
    await lab.close();
    rmSync(directory, { recursive: true });
  }
}

/** In the last message that has one with these words. */
function linkIn(lab: Lab, words: string): string {
  const topic = lab.aws.messaging.topics().find(({ name }) => name === 'nightshift-develop-warning');
  const lines = (topic?.messages ?? []).flatMap(({ message }) =>
    (JSON.parse(message) as { email: string }).email.split('\n'),
  );
  const line = lines.findLast((one) => one.startsWith(words));
  if (!line) throw new Error(`no message has a link "${words}"`);
  return line.replace(/.*: (?=https)/, '');
}
