/** `npm start`: plays the sample day on the lab, with the artifacts that would be deployed. */
import { userInfo } from 'node:os';
import { parseArgs } from 'node:util';
import { serveConsole } from '#cli/console/server.ts';
import { setOverride } from '#cli/override.ts';
import { accessText, keepUp } from '#demo/access.ts';
import { introductionText } from '#demo/sample/introduction.ts';
import { reportText } from '#demo/sample/report.ts';
import { playSampleDay } from '#demo/sample/sample-day.ts';
import { createTimeline, type Timeline } from '#demo/sample/timeline.ts';
import { labDirectory, main } from '#demo/terminal.ts';
import { labIo } from './lab-io.ts';
import { parseOptions, prepareRun } from './prepare-run.ts';

const HELP = `Plays a day of your clusters on this machine: the evening stop, a merge at night, the morning start, spot
interruptions, deploys, a holiday. Sends nothing over the network.

  npm start                       play the day, then keep the lab running
  npm start -- --exit             stop after the day; exit code 1 if a result differs from the config
  npm start -- --exit --json      print only the decision records, as NDJSON
  npm start -- --platform         play it on the clusters of examples/platform, as its templates and manifests say

  --exit      stop after the day
  --json      print only decision records, one per line; implies --exit
  --platform  nodegroups, subnets, access entries, add-ons and the service of examples/platform
  --help      print this text

NIGHTSHIFT_CONFIG=path uses another config; not with --platform.
`;

await main(async () => {
  const options = parse(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const { json: quiet, platform } = options;
  const { loaded, assemblyDir, gitops, screen, signal } = await prepareRun({ quiet, platform });
  const now = new Date();

  let timeline: Timeline | undefined;
  let progress: NodeJS.Timeout | undefined;
  const { lab, summary } = await playSampleDay({
    config: loaded.config,
    assemblyDir,
    now,
    signal,
    ...(gitops ? { gitops } : {}),
    ...(options.exit || options.json ? {} : { directory: await labDirectory() }),
    onReady(lab, plan) {
      if (options.json) return;
      const environments = lab.environments.map(({ name }) => name);
      const shown = createTimeline(screen, { timeZone: plan.timeZone, environments });
      timeline = shown;
      shown.line(introductionText(plan, lab.notPlayed, screen.live ? screen.columns : undefined));
      progress = setInterval(() => {
        const at = lab.context.clock.now();
        const share = (at - plan.start.getTime()) / (plan.end.getTime() - plan.start.getTime());
        const { invocations } = lab.assembly.counts();
        shown.progress(new Date(at), `${Math.floor(share * 100)} % of the day, ${invocations} invocations`);
      }, 250);
    },
    onDecision(decision) {
      if (!options.json) timeline?.decision(decision);
      else if (decision.action !== 'none') process.stdout.write(`${JSON.stringify(decision)}\n`);
    },
    onEvent: (environment, at, text) => timeline?.event(environment, at, text),
    async wake(lab, environment) {
      timeline?.event(
        environment,
        lab.context.clock.date(),
        `a developer: npx nightshift wake ${environment} --for 4h`,
      );
      const request = {
        command: 'wake',
        environment,
        for: '4h',
        reason: 'demonstration for a customer',
      } as const;
      await setOverride(loaded, request, {}, labIo(lab, userInfo().username));
    },
  }).finally(() => clearInterval(progress));

  try {
    if (!summary) {
      timeline?.line('Interrupted.');
      return 130;
    }
    if (!options.json)
      timeline?.line(reportText(summary, screen.colors, screen.live ? screen.columns : undefined));
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

function parse(args: string[]): { exit: boolean; json: boolean; platform: boolean; help: boolean } {
  const boolean = { type: 'boolean', default: false } as const;
  return parseOptions(HELP, () => {
    const { values } = parseArgs({
      args,
      options: { exit: boolean, json: boolean, platform: boolean, help: { ...boolean, short: 'h' } },
    });
    return values;
  });
}
