/**
 * Makes the picture of the terminal for the README: the rows of one environment, from its evening stop to the deploy of the
 * morning, on a terminal of 80 columns.
 *
 *   node bin/picture-day.ts [docs/day.svg]
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import picocolors from 'picocolors';
import { introductionText } from '#demo/sample/introduction.ts';
import { playSampleDay } from '#demo/sample/sample-day.ts';
import { createTimeline, type Screen, type Timeline } from '#demo/sample/timeline.ts';
import { synthesize } from '#demo/synthesize.ts';
import { terminalPicture } from '#demo/terminal-picture.ts';
import { loadConfig } from '#lib/config-file.ts';

/** The picture is the same whenever it is made, as the recorded day of the console is. */
const NOW = new Date('2026-11-22T00:00:00Z');
const COLUMNS = 80;
const file = process.argv[2] ?? 'docs/day.svg';

const loaded = await loadConfig();
const directory = mkdtempSync(path.join(tmpdir(), 'nightshift-picture-'));
const assemblyDir = path.join(directory, 'out');
const end = new AbortController();
let text = '$ npm start\n';
const screen: Screen = {
  columns: COLUMNS,
  live: true,
  colors: picocolors.createColors(true),
  write: (part) => {
    text += part;
  },
};
let timeline: Timeline | undefined;
let shown: string | undefined;
let deferred = false;
try {
  await synthesize({ configPath: loaded.path, directory: assemblyDir });
  const { lab } = await playSampleDay({
    config: loaded.config,
    assemblyDir,
    now: NOW,
    signal: end.signal,
    onReady(started, plan) {
      shown = plan.wake?.environment;
      const environments = started.environments.map(({ name }) => name);
      timeline = createTimeline(screen, { timeZone: plan.timeZone, environments });
      timeline.line(introductionText(plan, [], COLUMNS));
    },
    onDecision(decision) {
      if (decision.environment !== shown || end.signal.aborted) return;
      timeline?.decision(decision);
      if (decision.action === 'defer') deferred = true;
      if (decision.action === 'deployed' && deferred) end.abort();
    },
    onEvent(environment, at, what) {
      if (environment === shown && !end.signal.aborted) timeline?.event(environment, at, what);
    },
  });
  await lab.close();
} finally {
  rmSync(directory, { recursive: true });
}
if (!end.signal.aborted) throw new Error('the day has no deploy that waited for the morning');
const title = `npm start: the rows of ${shown}, from the evening stop to the deploy of the morning`;
writeFileSync(file, terminalPicture(`${text}…\n`, COLUMNS, title));
process.stdout.write(`${file}\n`);
