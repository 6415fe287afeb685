/** `npm run lab`: keeps the lab up, from now on and at the speed of the wall clock, for kubectl, the AWS CLI and curl. */
import { userInfo } from 'node:os';
import { parseArgs } from 'node:util';
import { serveConsole } from '#cli/console/server.ts';
import { accessText, keepUp } from '#demo/access.ts';
import { startLab } from '#demo/lab.ts';
import { plansOf } from '#demo/sample/story.ts';
import { createTimeline, type Timeline } from '#demo/sample/timeline.ts';
import { labDirectory, main } from '#demo/terminal.ts';
import { begin, optionsOr } from './begin.ts';
import { labIo } from './lab-io.ts';

const HELP = `Keeps a small AWS, Kubernetes and Argo CD up on this machine, made from your config, with the functions of
your stacks running on it. Prints how to reach it; Ctrl-C ends it.

  npm run lab
  npm run lab -- --from 2026-12-01T21:55:00+09:00     begin at another time

NIGHTSHIFT_CONFIG=path uses another config. The kubeconfigs and the CA are written to .lab/.
`;

await main(async () => {
  const options = parse(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const { loaded, assemblyDir, screen, signal } = await begin({ quiet: false });

  let timeline: Timeline | undefined;
  const lab = await startLab({
    config: loaded.config,
    assemblyDir,
    start: options.from,
    directory: await labDirectory(),
    onDecision: (decision) => timeline?.decision(decision),
  });
  try {
    const page = await serveConsole({ loaded, io: labIo(lab, userInfo().username) });
    screen.write(accessText(lab, page.url, screen.colors));
    timeline = createTimeline(screen, {
      timeZone:
        plansOf(loaded.config, options.from).find(({ schedule }) => schedule)?.schedule?.timeZone ??
        Intl.DateTimeFormat().resolvedOptions().timeZone,
      environments: lab.environments.map(({ name }) => name),
    });
    await keepUp(lab, signal).finally(() => page.close());
    timeline.line('The lab ends.');
    return 0;
  } finally {
    await lab.close();
  }
});

function parse(args: string[]): { from: Date; help: boolean } {
  return optionsOr(HELP, () => {
    const { values } = parseArgs({
      args,
      options: { from: { type: 'string' }, help: { type: 'boolean', default: false, short: 'h' } },
    });
    const from = values.from === undefined ? new Date() : new Date(values.from);
    if (Number.isNaN(from.getTime()))
      throw new Error(`'${values.from}' is not a time: write 2026-12-01T21:55:00+09:00`);
    return { from, help: values.help };
  });
}
