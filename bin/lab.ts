/** `npm run lab`: runs the lab in real time until it is interrupted, for kubectl, the AWS CLI and curl. */
import { userInfo } from 'node:os';
import { parseArgs } from 'node:util';
import { serveConsole } from '#cli/console/server.ts';
import { accessText, keepUp } from '#demo/access.ts';
import { startLab } from '#demo/lab.ts';
import { environmentPlans } from '#demo/sample/day-plan.ts';
import { createTimeline, type Timeline } from '#demo/sample/timeline.ts';
import { scheduleWarning } from '#demo/schedule-warning.ts';
import { labDirectory, main } from '#demo/terminal.ts';
import { labIo } from './lab-io.ts';
import { parseOptions, prepareRun } from './prepare-run.ts';

const HELP = `Runs an emulated AWS, Kubernetes and Argo CD on this machine, created from your config, with the functions of
your stacks. Prints how to access it; Ctrl-C stops it.

  npm run lab
  npm run lab -- --from 2026-12-01T21:55:00+09:00     start at another time
  npm run lab -- --platform                           with the clusters of examples/platform

NIGHTSHIFT_CONFIG=path uses another config; not with --platform. Kubeconfigs and the CA are written to .lab/.
`;

await main(async () => {
  const options = parse(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const { platform } = options;
  const { loaded, assemblyDir, gitops, screen, signal } = await prepareRun({ quiet: false, platform });

  let timeline: Timeline | undefined;
  const lab = await startLab({
    config: loaded.config,
    assemblyDir,
    start: options.from,
    ...(gitops ? { gitops } : {}),
    directory: await labDirectory(),
    onDecision: (decision) => timeline?.decision(decision),
  });
  try {
    const page = await serveConsole({ loaded, io: labIo(lab, userInfo().username) });
    const timeZone =
      environmentPlans(loaded.config, options.from).find(({ schedule }) => schedule)?.schedule?.timeZone ??
      Intl.DateTimeFormat().resolvedOptions().timeZone;
    screen.write(accessText(lab, page.url, screen.colors));
    screen.write(scheduleWarning(loaded.config, options.from, timeZone));
    timeline = createTimeline(screen, {
      timeZone,
      environments: lab.environments.map(({ name }) => name),
    });
    await keepUp(lab, signal).finally(() => page.close());
    timeline.line('The lab has stopped.');
    return 0;
  } finally {
    await lab.close();
  }
});

function parse(args: string[]): { from: Date; platform: boolean; help: boolean } {
  return parseOptions(HELP, () => {
    const { values } = parseArgs({
      args,
      options: {
        from: { type: 'string' },
        platform: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false, short: 'h' },
      },
    });
    const from = values.from === undefined ? new Date() : new Date(values.from);
    if (Number.isNaN(from.getTime()))
      throw new Error(`'${values.from}' is not a valid time: use for example 2026-12-01T21:55:00+09:00`);
    return { from, platform: values.platform, help: values.help };
  });
}
