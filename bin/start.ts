/** `npm start`: the sample day on the lab, from the artifacts that would be deployed. */
import { userInfo } from 'node:os';
import { parseArgs } from 'node:util';
import { serveConsole } from '#cli/console/server.ts';
import { accessText, keepUp } from '#demo/access.ts';
import { reportText } from '#demo/sample/report.ts';
import { playSampleDay } from '#demo/sample/sample-day.ts';
import { createTimeline, type Timeline } from '#demo/sample/timeline.ts';
import { labDirectory, main } from '#demo/terminal.ts';
import { begin, optionsOr } from './begin.ts';
import { labIo } from './lab-io.ts';

const HELP = `Plays a day of your clusters on this machine: an evening stop, a merge at night, the morning start, spot
interruptions, deploys, a holiday. Nothing leaves the machine.

  npm start                       watch the day, then keep the lab up
  npm start -- --exit             end after the day; exit code 1 if anything did not end as the config says
  npm start -- --exit --json      print the decision records as NDJSON and nothing else

  --exit      end after the day
  --json      decision records only, one per line; implies --exit
  --help      this text

NIGHTSHIFT_CONFIG=path plays the day with another config.
`;

await main(async () => {
  const options = parse(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const { loaded, assemblyDir, screen, signal } = await begin({ quiet: options.json });
  const now = new Date();

  let timeline: Timeline | undefined;
  let progress: NodeJS.Timeout | undefined;
  const { lab, summary } = await playSampleDay({
    config: loaded.config,
    assemblyDir,
    now,
    signal,
    ...(options.exit || options.json ? {} : { directory: await labDirectory() }),
    onReady(lab, story) {
      if (options.json) return;
      const environments = lab.environments.map(({ name }) => name);
      const shown = createTimeline(screen, { timeZone: story.timeZone, environments });
      timeline = shown;
      progress = setInterval(() => {
        const at = lab.context.clock.now();
        const share = (at - story.start.getTime()) / (story.end.getTime() - story.start.getTime());
        const { invocations } = lab.assembly.counts();
        shown.progress(new Date(at), `${Math.floor(share * 100)} % of the day, ${invocations} invocations`);
      }, 250);
    },
    onDecision(decision) {
      if (!options.json) timeline?.decision(decision);
      else if (decision.action !== 'none') process.stdout.write(`${JSON.stringify(decision)}\n`);
    },
    onBeat: (environment, at, text) => timeline?.beat(environment, at, text),
  }).finally(() => clearInterval(progress));

  try {
    if (!summary) {
      timeline?.line('Interrupted.');
      return 130;
    }
    if (!options.json) timeline?.line(reportText(summary, screen.colors));
    else for (const problem of summary.problems) console.error(problem);
    if (!options.exit && !options.json && !signal.aborted) {
      const page = await serveConsole({ loaded, io: labIo(lab, userInfo().username) });
      screen.write(accessText(lab, page.url, screen.colors));
      await keepUp(lab, signal).finally(() => page.close());
    }
    return summary.problems.length === 0 ? 0 : 1;
  } finally {
    await lab.close();
  }
});

function parse(args: string[]): { exit: boolean; json: boolean; help: boolean } {
  const boolean = { type: 'boolean', default: false } as const;
  return optionsOr(HELP, () => {
    const { values } = parseArgs({
      args,
      options: { exit: boolean, json: boolean, help: { ...boolean, short: 'h' } },
    });
    return values;
  });
}
