/**
 * Makes the picture of the terminal for the README: what `npm start` prints of one environment, from its evening stop to the
 * deploy of the morning, on a terminal of 80 columns. The decisions are those of the recorded day (`bin/record-day.ts`), which
 * `npm start` played.
 *
 *   node bin/picture-day.ts [docs/day.svg]
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import picocolors from 'picocolors';
import type { RecordedDay } from '#cli/console/demo/recorded-day.ts';
import { planDay } from '#demo/sample/day-plan.ts';
import { introductionText } from '#demo/sample/introduction.ts';
import { createTimeline } from '#demo/sample/timeline.ts';
import { terminalPicture } from '#demo/terminal-picture.ts';
import { type Decision, decisionSchema } from '#model/decision.ts';
import { isValid } from '#model/record-schema.ts';

const RECORDED = 'cli/console/demo/recorded-day.json.gz';
const COLUMNS = 80;
/** Before the recorded day, as in `bin/record-day.ts`. */
const PLANNED = new Date('2026-11-22T00:00:00Z');
const file = process.argv[2] ?? 'docs/day.svg';

const { config, writes } = JSON.parse(gunzipSync(readFileSync(RECORDED)).toString()) as RecordedDay;
const plan = planDay(config, PLANNED);
const shown = plan.wake?.environment;
const decisions = writes
  .flatMap(({ partition, environment, value }): readonly Decision[] =>
    partition === 'decision' && environment === shown && isValid(decisionSchema, value) ? [value] : [],
  )
  .toSorted((a, b) => a.time.localeCompare(b.time));
const deferred = decisions.findIndex(({ action }) => action === 'defer');
const end = decisions.findIndex(({ action }, index) => action === 'deployed' && index > deferred);
if (deferred < 0 || end < 0) throw new Error(`${RECORDED} has no deploy that waited for the morning`);

let text = '$ npm start\n';
const timeline = createTimeline(
  {
    columns: COLUMNS,
    live: true,
    colors: picocolors.createColors(true),
    write: (part) => {
      text += part;
    },
  },
  { timeZone: plan.timeZone, environments: Object.keys(config.environments) },
);
timeline.line(introductionText(plan, [], COLUMNS));
for (const decision of decisions.slice(0, end + 1)) timeline.decision(decision);
const title = `npm start: the rows of ${shown}, from the evening stop to the deploy of the morning`;
writeFileSync(file, terminalPicture(`${text}…\n`, COLUMNS, title));
process.stdout.write(`${file}\n`);
