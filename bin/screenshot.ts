/**
 * Takes the screenshot of the console for the README: an evening on the lab with your config. One cluster was stopped at
 * the end of its hours, another is kept up by an override, one merge was deployed and another is deferred.
 *
 *   node bin/screenshot.ts [docs/console.png]
 *
 * And those of the page of self-service, and of the doorbell: node bin/screenshot.ts self-service|doorbell [docs]
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { serveConsole } from '#cli/console/server.ts';
import { setOverride } from '#cli/override.ts';
import { startLab } from '#demo/lab.ts';
import { synthesize } from '#demo/synthesize.ts';
import { loadConfig } from '#lib/config-file.ts';
import { scheduleOf } from '#lib/settings/schedule.ts';
import { transitions } from '#model/desired.ts';
import { labIo } from './lab-io.ts';
import { shootDoorbell } from './screenshot-doorbell.ts';
import { shootSelfService } from './screenshot-self-service.ts';

const MINUTE = 60_000;
const file = process.argv[2] ?? 'docs/console.png';
const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((one) => existsSync(one));
if (!executablePath) throw new Error('no chromium in /usr/bin: apt-get install chromium');
if (file === 'self-service') {
  await shootSelfService(executablePath, process.argv[3] ?? 'docs');
  process.exit();
}

if (file === 'doorbell') {
  await shootDoorbell(executablePath, process.argv[3] ?? 'docs');
  process.exit();
}

const loaded = await loadConfig();
const sleeping = Object.entries(loaded.config.environments).filter(([, { schedule }]) => schedule);
const [first, second] = sleeping;
if (!first?.[1].schedule) throw new Error('no environment in the config has a schedule');
const now = new Date();
const evening = transitions(
  scheduleOf(loaded.config, first[1].schedule, now),
  now,
  new Date(now.getTime() + 14 * 86_400_000),
).find(({ to }) => to === 'asleep')?.at;
if (!evening) throw new Error('the schedule has no stop in the next two weeks');

const directory = mkdtempSync(path.join(tmpdir(), 'nightshift-screenshot-'));
const assemblyDir = path.join(directory, 'out');
await synthesize({ configPath: loaded.path, directory: assemblyDir });
const lab = await startLab({
  config: loaded.config,
  assemblyDir,
  start: new Date(evening.getTime() - 20 * MINUTE),
});
const { clock } = lab.context;
const io = labIo(lab, 'ana');
const pass = (minutes: number) => clock.runUntil(clock.now() + minutes * MINUTE);
const merge = (index: number) => {
  const build = first[1].deploy?.builds[index];
  if (!build) return;
  const { repository, branch } = build;
  lab.codebuild.push({ repository, ref: `refs/heads/${branch}`, message: 'merge' });
};

try {
  await pass(2);
  merge(0);
  await pass(8);
  if (second)
    await setOverride(
      loaded,
      { command: 'keep-up', environment: second[0], for: '2h', reason: 'load test of the release' },
      {},
      io,
    );
  await pass(60);
  merge(1);
  await pass(15);
  const served = await serveConsole({ loaded, io });
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage({ viewport: { width: 1240, height: 600 } });
    await page.goto(served.url);
    for (const name of Object.keys(loaded.config.environments))
      await page.locator(`[data-environment=${name}] .phase`).waitFor();
    await page.locator(`[data-environment=${first[0]}] .row-button`).click();
    await page.getByText('Loading').waitFor({ state: 'detached' });
    await page.screenshot({ path: file, fullPage: true });
  } finally {
    await browser.close();
    await served.close();
  }
} finally {
  await lab.close();
  rmSync(directory, { recursive: true });
}
process.stdout.write(`${file}\n`);
