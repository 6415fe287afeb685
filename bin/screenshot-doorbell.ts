/** The picture of the doorbell's page: a sleeping application at night on the lab, before and after the press. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { startLab } from '#demo/lab.ts';
import { raiseShop, SHOP_CONFIG, SHOP_HOST, SHOP_LISTENER } from '#demo/sleeping-shop.ts';
import { NightshiftApp } from '#lib/nightshift-app.ts';

/** 21:55 on a Tuesday in Tokyo. */
const START = new Date('2026-11-24T12:55:00Z');
const PHONE = { width: 390, height: 540 };

/** Writes `<folder>/doorbell.png`. */
export async function shootDoorbell(executablePath: string, folder: string): Promise<void> {
  const directory = mkdtempSync(path.join(tmpdir(), 'nightshift-screenshot-'));
  const assemblyDir = path.join(directory, 'out');
  new NightshiftApp({ config: SHOP_CONFIG, now: START, outdir: assemblyDir }).synth();
  const lab = await startLab({ config: SHOP_CONFIG, assemblyDir, start: START });
  const until = (time: string) => lab.context.clock.runUntil(Date.parse(time));
  const port = await raiseShop(lab, { listener: SHOP_LISTENER, host: SHOP_HOST });
  const browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', `--host-resolver-rules=MAP ${SHOP_HOST}:80 127.0.0.1:${port.port}`],
  });
  try {
    await until('2026-11-24T17:00:00Z');
    const context = await browser.newContext({ viewport: PHONE, colorScheme: 'light' });
    const page = await context.newPage();
    await page.goto(`http://${SHOP_HOST}/`);
    const before = await page.screenshot();
    await page.getByLabel('Your name').fill('Ana');
    await page.getByRole('button', { name: 'Wake it' }).click();
    await page.locator('.steps').waitFor();
    await until('2026-11-24T17:02:30Z');
    await page.getByRole('link', { name: 'Check again' }).click();
    await page.locator('.reached').nth(1).waitFor();
    await shootSideBySide(browser, [before, await page.screenshot()], path.join(folder, 'doorbell.png'));
  } finally {
    await browser.close();
    await port.close();
    await lab.close();
    rmSync(directory, { recursive: true });
  }
}

async function shootSideBySide(browser: Browser, pictures: readonly Buffer[], file: string): Promise<void> {
  const page = await browser.newPage();
  const images = pictures.map(
    (picture) => `<img src="data:image/png;base64,${picture.toString('base64')}" alt="">`,
  );
  await page.setContent(
    `<style>body{margin:0;background:#fff}div{display:inline-flex;gap:16px;padding:16px}img{border:1px solid #c9d0d8;border-radius:12px}</style><div>${images.join('')}</div>`,
  );
  await page.locator('div').screenshot({ path: file });
}
