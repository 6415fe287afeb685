/** The command line: what there is to say, and what it answers. The commands themselves are in the files beside. */
import { Command, CommanderError } from 'commander';
import { ConfigError, type LoadedConfig, loadConfig } from '#lib/config-file.ts';
import { DURATION_EXAMPLES, UNTIL_EXAMPLES } from '#model/when.ts';
import type { Examined } from './doctor/doctor.ts';
import { type DriftOptions, drift } from './drift.ts';
import { DEFAULT_SINCE, type ExplainOptions, explain } from './explain.ts';
import { CloudError, type Io, RefusedError } from './io.ts';
import { cancelOverride, type OverrideOptions, setOverride, type Wish } from './override.ts';
import { DEFAULT_DAYS, type PlanOptions, plan } from './plan.ts';
import { createRolloutIo, DEFAULT_TIMEOUT, type RolloutOptions, rollout } from './rollout.ts';
import { DEFAULT_SAVINGS_DAYS, type SavingsOptions, savings } from './savings.ts';
import { status } from './status.ts';

export const EXIT = { done: 0, refused: 1, cloud: 2 } as const;

/** Runs one command and gives its exit code. What is no mistake of the user's and no answer of AWS's is thrown. */
export async function run(args: readonly string[], io: Io): Promise<number> {
  let code: number = EXIT.done;
  const program = createProgram(io, {
    answered(complete) {
      if (!complete) code = EXIT.cloud;
    },
    examined({ healthy, complete }) {
      if (!complete) code = EXIT.cloud;
      if (!healthy) code = EXIT.refused;
    },
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.refused;
    if (error instanceof ConfigError || error instanceof RefusedError) {
      io.err(`nightshift: ${error.message}`);
      return EXIT.refused;
    }
    if (error instanceof CloudError) {
      io.err(error.message.replace(/^/gm, 'nightshift: '));
      return EXIT.cloud;
    }
    throw error;
  }
}

interface Outcome {
  answered(complete: boolean): void;
  examined(result: Examined): void;
}

function createProgram(io: Io, { answered, examined }: Outcome): Command {
  const program = new Command('nightshift')
    .description('Looks into the night shift of EKS clusters, and keeps a cluster up when people stay late.')
    .option('-c, --config <path>', 'the config file (default: NIGHTSHIFT_CONFIG, or nightshift.config.ts)')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.out(text.replace(/\n$/, '')),
      writeErr: (text) => io.err(text.replace(/\n$/, '')),
      outputError: (text, write) => write(text.replace(/^error: /, 'nightshift: ')),
    })
    .helpCommand(true)
    .addHelpText('after', `\n${HELP}`);
  const config = (): Promise<LoadedConfig> => loadConfig(program.opts<{ config?: string }>().config);

  command(
    program,
    'plan',
    'the coming starts and stops of each environment, each with its reason; asks nobody',
    ['nightshift plan --days 14', 'nightshift plan --from 2026-12-24 --environment develop'],
  )
    .option('-d, --days <number>', `how many days (default: ${DEFAULT_DAYS})`)
    .option('-f, --from <date>', 'from this date in the zone of the schedule, or instant (default: now)')
    .option('-e, --environment <name>', 'this environment only')
    .option('--json', 'one JSON document')
    .action(async (options: PlanOptions) => plan(await config(), options, io));

  command(program, 'status', 'what each cluster is now, what comes next, and the override that stands', [
    'nightshift status',
    'nightshift status develop --json',
  ])
    .argument('[environment]', 'this environment only')
    .option('--json', 'one JSON document')
    .action(async (name: string | undefined, options: { json?: boolean }) =>
      answered(await status(await config(), name, options, io)),
    );

  const wishes: readonly [Wish, string, readonly string[]][] = [
    [
      'keep-up',
      'keeps a cluster up beyond its hours',
      [
        'nightshift keep-up develop --until 23:00 --reason "release"',
        'nightshift keep-up develop --until 2026-12-01T23:00+09:00',
      ],
    ],
    ['wake', 'wakes a cluster now', ['nightshift wake develop --for 2h --reason "incident"']],
    ['sleep', 'puts a cluster to sleep now', ['nightshift sleep develop --until "Mon 08:00"']],
  ];
  for (const [wish, description, examples] of wishes) {
    command(program, wish, description, examples)
      .argument('<environment>', 'its name in the config')
      .option('-u, --until <time>', `until when: ${UNTIL_EXAMPLES}`)
      .option('-f, --for <duration>', `for how long: ${DURATION_EXAMPLES}`)
      .option('-r, --reason <text>', 'why, for the others')
      .option('-a, --author <name>', `who (default: ${io.user})`)
      .option('--json', 'one JSON document')
      .action(async (name: string, options: OverrideOptions) =>
        setOverride(await config(), wish, name, options, io),
      );
  }

  command(program, 'cancel', 'takes an override back', ['nightshift cancel develop'])
    .argument('<environment>', 'its name in the config')
    .option('--json', 'one JSON document')
    .action(async (name: string, options: { json?: boolean }) =>
      cancelOverride(await config(), name, options, io),
    );

  command(program, 'explain', 'what was decided about a target, and why', [
    'nightshift explain web-spot --since 1d',
    'nightshift explain api --environment develop --json',
  ])
    .argument(
      '<target>',
      'a nodegroup, node, application or build, or an environment for all of its decisions',
    )
    .option('-e, --environment <name>', 'this environment only')
    .option('-s, --since <duration>', `how far back: ${DURATION_EXAMPLES} (default: ${DEFAULT_SINCE})`)
    .option('--json', 'one JSON document')
    .action(async (target: string, options: ExplainOptions) =>
      answered(await explain(await config(), target, options, io)),
    );

  command(program, 'savings', 'node-hours that were slept, and their price where one is set', [
    'nightshift savings --days 31',
    'nightshift savings --environment develop --daily',
  ])
    .option('-d, --days <number>', `how many days (default: ${DEFAULT_SAVINGS_DAYS})`)
    .option('-e, --environment <name>', 'this environment only')
    .option('--daily', 'each date by itself')
    .option('--json', 'one JSON document')
    .action(async (options: SavingsOptions) => answered(await savings(await config(), options, io)));

  command(
    program,
    'doctor',
    'is the cluster fit to sleep and to wake? Each finding says why it matters and what to do; changes nothing',
    ['nightshift doctor develop', 'nightshift doctor --json'],
  )
    .argument('[environment]', 'this environment only')
    .option('--json', 'one JSON document')
    .action(async (name: string | undefined, options: { json?: boolean }) => {
      const { doctor } = await import('./doctor/doctor.ts');
      examined(await doctor(await config(), name, options, io));
    });

  command(
    program,
    'console',
    'a page on this machine: what each cluster does and why, and buttons for keep-up, wake, sleep and cancel',
    ['nightshift console', 'nightshift console --port 8022'],
  )
    .option('-p, --port <number>', 'of 127.0.0.1 (default: one that is free)')
    .action(async (options: { port?: string }) => {
      const { showConsole } = await import('./console/console.ts');
      const interrupted = new Promise<void>((resolve) => process.once('SIGINT', () => resolve()));
      await showConsole(await config(), options, io, interrupted);
    });

  command(
    program,
    'rollout',
    'syncs one Argo CD application by hand and waits for the verdict; the only way into production',
    [
      'nightshift rollout production api',
      'nightshift rollout production api --revision v1.4.0 --timeout 10m',
    ],
  )
    .argument('<environment>', 'its name in the config')
    .argument('<application>', 'its name in Argo CD')
    .option('-r, --revision <commit>', 'a commit, tag or branch (default: what the application tracks)')
    .option('-p, --project <name>', 'its Argo CD project (default: default)')
    .option('-n, --namespace <name>', 'the namespace of the Application')
    .option('-s, --server <url>', 'the Argo CD server (default: ARGOCD_SERVER, or what the config says)')
    .option('--ca <file>', 'the PEM of a private CA')
    .option('--prune', 'delete what is no longer in the repository')
    .option('--yes-production', 'instead of typing the confirmation')
    .option(
      '-t, --timeout <duration>',
      `how long to wait: ${DURATION_EXAMPLES} (default: ${DEFAULT_TIMEOUT})`,
    )
    .option('--json', 'one JSON document')
    .action(async (name: string, application: string, options: RolloutOptions) =>
      rollout(await config(), name, application, options, createRolloutIo(io)),
    );

  command(
    program,
    'drift',
    'which Argo CD applications are OutOfSync, and since when; production too, and changes nothing',
    ['nightshift drift develop', 'nightshift drift production --limit 4h --json'],
  )
    .argument('[environment]', 'its name in the config; may be left out where there is one Argo CD for all')
    .option('-p, --project <name>', 'this Argo CD project only')
    .option(
      '-l, --limit <duration>',
      `what is too long: ${DURATION_EXAMPLES} (default: deploy.driftMinutes, or 1h)`,
    )
    .option('-s, --server <url>', 'the Argo CD server (default: ARGOCD_SERVER, or what the config says)')
    .option('--ca <file>', 'the PEM of a private CA')
    .option('--json', 'one JSON document')
    .action(async (name: string | undefined, options: DriftOptions) =>
      examined({
        healthy: await drift(await config(), name, options, createRolloutIo(io)),
        complete: true,
      }),
    );

  return program;
}

/** A subcommand with examples in its help. */
function command(program: Command, name: string, description: string, examples: readonly string[]): Command {
  return program
    .command(name)
    .description(description)
    .addHelpText('after', `\nExamples:\n${examples.map((example) => `  $ ${example}`).join('\n')}`);
}

const HELP = `Examples:
  $ nightshift plan --days 14
  $ nightshift keep-up develop --until 23:00 --reason "release"
  $ nightshift explain web-spot

Times without an offset are read on the clock of the environment's schedule.
plan asks nobody. rollout and drift use your own token, ARGOCD_AUTH_TOKEN. All others use the AWS credentials of this
shell; AWS_ENDPOINT_URL names another endpoint.

Exit codes: 0 done; 1 the config or the request is wrong, or doctor or drift found what is wrong; 2 AWS refused or could not be asked.`;
