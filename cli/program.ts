/** The command line: its commands, options, help and exit codes. Each command is implemented in its own file. */
import { Command, CommanderError } from 'commander';
import { ConfigError, type LoadedConfig, loadConfig } from '#lib/config-file.ts';
import { DURATION_EXAMPLES, UNTIL_EXAMPLES } from '#model/when.ts';
import type { DoctorOptions } from './doctor/doctor.ts';
import { type DriftOptions, drift } from './drift.ts';
import { CloudError, RefusedError } from './errors.ts';
import { DEFAULT_SINCE, type ExplainOptions, explain } from './explain.ts';
import type { Io } from './io.ts';
import { cancelOverride, type OverrideCommand, type OverrideRequest, setOverride } from './override.ts';
import { type PauseRequest, pauseEnvironment } from './pause.ts';
import { DEFAULT_DAYS, type PlanOptions, plan } from './plan.ts';
import type { RestoreOptions } from './restore.ts';
import type { RetireOptions } from './retire.ts';
import { revokeSentLinks } from './revoke-links.ts';
import { createRolloutIo, DEFAULT_TIMEOUT, type RolloutOptions, rollout } from './rollout.ts';
import { DEFAULT_SAVINGS_DAYS, type SavingsOptions, savings } from './savings.ts';
import { status } from './status.ts';
import { forTerminal } from './text.ts';
import { packageVersion } from './version.ts';

export const EXIT = { done: 0, refused: 1, cloud: 2 } as const;

/** Runs one command and returns its exit code. Throws an unexpected error. */
export async function runCommand(args: readonly string[], terminal: Io): Promise<number> {
  const io = escaping(terminal);
  const invocation = new Invocation(io);
  try {
    await createProgram(invocation).parseAsync(args, { from: 'user' });
    return invocation.exitCode;
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

/** The one place that prints: text of others reaches the terminal as text. */
function escaping(io: Io): Io {
  return {
    ...io,
    out: (text) => io.out(forTerminal(text, io.color)),
    err: (text) => io.err(forTerminal(text, io.color)),
  };
}

/** One command line: its terminal, the config that it names, and its exit code. */
class Invocation {
  readonly io: Io;
  readonly program: Command;
  exitCode: number = EXIT.done;

  constructor(io: Io) {
    this.io = io;
    this.program = new Command('nightshift');
  }

  config(): Promise<LoadedConfig> {
    return loadConfig(this.program.opts<{ config?: string }>().config);
  }

  /** `complete`: every environment was reachable. `healthy`: nothing is wrong. */
  finish({ complete = true, healthy = true }: { complete?: boolean; healthy?: boolean }): void {
    if (!complete) this.exitCode = EXIT.cloud;
    if (!healthy) this.exitCode = EXIT.refused;
  }
}

function createProgram(invocation: Invocation): Command {
  const { program, io } = invocation;
  program
    .description(
      'Shows what eks-nightshift does with your EKS clusters and why, and overrides their schedule.',
    )
    .option('-c, --config <path>', 'config file (default: NIGHTSHIFT_CONFIG, or nightshift.config.ts)')
    .version(packageVersion(), '-V, --version')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.out(text.replace(/\n$/, '')),
      writeErr: (text) => io.err(text.replace(/\n$/, '')),
      outputError: (text, write) => write(text.replace(/^error: /, 'nightshift: ')),
    })
    .helpCommand(true)
    .addHelpText('after', `\n${HELP}`);
  addReportCommands(invocation);
  addOverrideCommands(invocation);
  addDecisionCommands(invocation);
  addRestore(invocation);
  addRetire(invocation);
  addDoctorAndConsole(invocation);
  addArgocdCommands(invocation);
  return program;
}

function addReportCommands(invocation: Invocation): void {
  const { program, io } = invocation;
  command(
    program,
    'plan',
    'list the upcoming starts and stops with their reasons; offline, needs no AWS access',
    ['nightshift plan --days 14', 'nightshift plan --from 2026-12-24 --environment develop'],
  )
    .option('-d, --days <number>', `number of days (default: ${DEFAULT_DAYS})`)
    .option('-f, --from <date>', 'start date in the time zone of the schedule, or an instant (default: now)')
    .option('-e, --environment <name>', 'only this environment')
    .option('--json', JSON_OPTION)
    .action(async (options: PlanOptions) => plan(await invocation.config(), options, io));

  command(program, 'status', 'show the state of each cluster, its next transition and its override', [
    'nightshift status',
    'nightshift status develop --json',
  ])
    .argument('[environment]', 'only this environment')
    .option('--json', JSON_OPTION)
    .action(async (name: string | undefined, options: { json?: boolean }) =>
      invocation.finish({ complete: await status(await invocation.config(), name, options, io) }),
    );
}

const OVERRIDES: readonly {
  readonly name: OverrideCommand;
  readonly description: string;
  readonly examples: readonly string[];
}[] = [
  {
    name: 'keep-up',
    description: 'keep a cluster running past its scheduled stop',
    examples: [
      'nightshift keep-up develop --until 23:00 --reason "release"',
      'nightshift keep-up develop --until 2026-12-01T23:00+09:00',
    ],
  },
  {
    name: 'wake',
    description: 'start a stopped cluster now',
    examples: ['nightshift wake develop --for 2h --reason "incident"'],
  },
  {
    name: 'sleep',
    description: 'stop a cluster now',
    examples: ['nightshift sleep develop --until "Mon 08:00"'],
  },
];

function addOverrideCommands(invocation: Invocation): void {
  const { program, io } = invocation;
  for (const { name, description, examples } of OVERRIDES) {
    command(program, name, description, examples)
      .argument('<environment>', 'environment name in the config')
      .option('-u, --until <time>', `end of the override: ${UNTIL_EXAMPLES}`)
      .option('-f, --for <duration>', `duration of the override: ${DURATION_EXAMPLES}`)
      .option('-r, --reason <text>', 'reason, shown to everybody')
      .option('-a, --author <name>', `name shown beside your AWS identity (default: ${io.user})`)
      .option('--replace', 'end the overrides of others')
      .option('--json', JSON_OPTION)
      .action(
        async (
          environment: string,
          { json, ...request }: Omit<OverrideRequest, 'command' | 'environment'> & { json?: boolean },
        ) =>
          setOverride(
            await invocation.config(),
            { ...request, command: name, environment },
            json ? { json } : {},
            io,
          ),
      );
  }
  addPause(invocation);
  command(program, 'revoke-links', 'refuse every self-service link that was sent so far', [
    'nightshift revoke-links develop',
  ])
    .argument('<environment>', 'environment name in the config')
    .option('--json', JSON_OPTION)
    .action(async (name: string, options: { json?: boolean }) =>
      revokeSentLinks(await invocation.config(), name, options, io),
    );
  command(program, 'cancel', 'cancel the active override', ['nightshift cancel develop'])
    .argument('<environment>', 'environment name in the config')
    .option('--json', JSON_OPTION)
    .action(async (name: string, options: { json?: boolean }) =>
      cancelOverride(await invocation.config(), name, options, io),
    );
}

function addPause(invocation: Invocation): void {
  const { program, io } = invocation;
  command(
    program,
    'pause',
    'let every capability of an environment decide and record only, until an end; production too',
    [
      'nightshift pause develop --for 2h --reason "incident 7"',
      'nightshift pause production --until "Mon 08:00"',
      'nightshift pause develop --cancel',
    ],
  )
    .argument('<environment>', 'environment name in the config')
    .option('-u, --until <time>', `end of the pause: ${UNTIL_EXAMPLES}`)
    .option('-f, --for <duration>', `duration of the pause: ${DURATION_EXAMPLES}`)
    .option('-r, --reason <text>', 'reason, shown to everybody')
    .option('-a, --author <name>', `author (default: ${io.user})`)
    .option('--cancel', 'end the pause now')
    .option('--json', JSON_OPTION)
    .action(async (environment: string, request: Omit<PauseRequest, 'environment'>) =>
      pauseEnvironment(await invocation.config(), { ...request, environment }, io),
    );
}

function addDecisionCommands(invocation: Invocation): void {
  const { program, io } = invocation;
  command(program, 'explain', 'list the decisions about a target with their reasons', [
    'nightshift explain web-spot --since 1d',
    'nightshift explain api --environment develop --json',
  ])
    .argument(
      '<target>',
      'nodegroup, node, application, build or commit; or an environment for all of its decisions',
    )
    .option('-e, --environment <name>', 'only this environment')
    .option('-s, --since <duration>', `how far back: ${DURATION_EXAMPLES} (default: ${DEFAULT_SINCE})`)
    .option('--json', JSON_OPTION)
    .action(async (target: string, options: ExplainOptions) =>
      invocation.finish({ complete: await explain(await invocation.config(), target, options, io) }),
    );

  command(program, 'savings', 'sum up the node-hours saved, and their cost if the config has prices', [
    'nightshift savings --days 31',
    'nightshift savings --environment develop --daily',
  ])
    .option('-d, --days <number>', `number of days (default: ${DEFAULT_SAVINGS_DAYS})`)
    .option('-e, --environment <name>', 'only this environment')
    .option('--daily', 'one row for each date')
    .option('--json', JSON_OPTION)
    .action(async (options: SavingsOptions) =>
      invocation.finish({ complete: await savings(await invocation.config(), options, io) }),
    );
}

function addRestore(invocation: Invocation): void {
  const { program, io } = invocation;
  command(
    program,
    'restore',
    'restore sizes, autoscaler and NodePools from a table that was left, with your own credentials; needs neither the stack nor the config',
    ['nightshift restore --table nightshift-develop --cluster develop --region ap-northeast-1'],
  )
    .requiredOption('--table <name>', 'name of the DynamoDB table')
    .requiredOption('--cluster <name>', 'name of the EKS cluster')
    .requiredOption('--region <name>', 'region of both')
    .option('--force', 'also where night-schedule still runs on this table and may stop the cluster again')
    .option('-t, --timeout <duration>', `how long to wait: ${DURATION_EXAMPLES} (default: 20m)`)
    .action(async (options: RestoreOptions) => {
      const { createRestoreIo, restoreFromTable } = await import('./restore.ts');
      invocation.finish({ healthy: await restoreFromTable(options, createRestoreIo(io)) });
    });
}

function addRetire(invocation: Invocation): void {
  const { program, io } = invocation;
  command(
    program,
    'retire',
    'before a removal: night-schedule does nothing from now on, and what sleeps is restored with your own credentials',
    [
      'nightshift retire develop',
      'nightshift retire develop --no-restore',
      'nightshift retire develop --cancel',
    ],
  )
    .argument('<environment>', 'environment name in the config')
    .option('--no-restore', 'leave what sleeps as it is; the removal of the stack restores nothing either')
    .option('--cancel', 'keep the environment: night-schedule works again')
    .option('-t, --timeout <duration>', `how long to wait: ${DURATION_EXAMPLES} (default: 20m)`)
    .action(async (name: string, options: RetireOptions) => {
      const { createRestoreIo } = await import('./restore.ts');
      const { retire } = await import('./retire.ts');
      const healthy = await retire(await invocation.config(), name, options, {
        ...createRestoreIo(io),
        cloud: io.cloud,
      });
      invocation.finish({ healthy });
    });
}

function addDoctorAndConsole(invocation: Invocation): void {
  const { program, io } = invocation;
  command(
    program,
    'doctor',
    'check whether a cluster can be stopped and started safely; says why each finding matters and how to fix it; read-only',
    [
      'nightshift doctor develop',
      'nightshift doctor --json',
      'nightshift doctor develop --template cdk.out/Platform-develop.template.json',
    ],
  )
    .argument('[environment]', 'only this environment')
    .option('--json', JSON_OPTION)
    .option(
      '-t, --template <path>',
      'check the nodegroups and subnets of a synthesized template instead; offline, needs no AWS access',
    )
    .action(async (name: string | undefined, options: DoctorOptions) => {
      const { doctor } = await import('./doctor/doctor.ts');
      invocation.finish(await doctor(await invocation.config(), name, options, io));
    });

  command(
    program,
    'manifests',
    "print the RBAC of branch-deploy for exactly the config's applications, as a list for kubectl; offline",
    ['nightshift manifests develop | kubectl apply -f -'],
  )
    .argument('<environment>', 'environment name in the config')
    .action(async (name: string) => {
      const { printManifests } = await import('./manifests.ts');
      printManifests(await invocation.config(), name, io);
    });

  command(
    program,
    'console',
    'serve a web page on this machine that shows each cluster and its decisions, with buttons for keep-up, wake, sleep and cancel',
    ['nightshift console', 'nightshift console --port 8022'],
  )
    .option('-p, --port <number>', 'port on 127.0.0.1 (default: a free one)')
    .action(async (options: { port?: string }) => {
      const { showConsole } = await import('./console/show-console.ts');
      const interrupted = new Promise<void>((resolve) => process.once('SIGINT', () => resolve()));
      await showConsole(await invocation.config(), options, io, interrupted);
    });
}

function addArgocdCommands(invocation: Invocation): void {
  const { program, io } = invocation;
  command(
    program,
    'rollout',
    'sync one Argo CD application with your own token and wait until it is Healthy; the only way to deploy to production',
    [
      'nightshift rollout production api',
      'nightshift rollout production api --revision v1.4.0 --timeout 10m',
    ],
  )
    .argument('<environment>', 'environment name in the config')
    .argument('<application>', 'application name in Argo CD')
    .option('-r, --revision <commit>', 'commit, tag or branch (default: the one that the application tracks)')
    .option('-p, --project <name>', 'Argo CD project (default: default)')
    .option('-n, --namespace <name>', 'namespace of the Application')
    .option('-s, --server <url>', SERVER_OPTION)
    .option('--ca <file>', CA_OPTION)
    .option('--prune', 'delete resources that are no longer in the repository')
    .option('--yes-production', 'skip the typed confirmation')
    .option(
      '-t, --timeout <duration>',
      `how long to wait: ${DURATION_EXAMPLES} (default: ${DEFAULT_TIMEOUT})`,
    )
    .option('--json', JSON_OPTION)
    .action(async (environment: string, application: string, options: RolloutOptions) =>
      rollout(await invocation.config(), { ...options, environment, application }, createRolloutIo(io)),
    );

  command(
    program,
    'drift',
    'list the Argo CD applications that are OutOfSync, and since when; read-only, also in production',
    ['nightshift drift develop', 'nightshift drift production --limit 4h --json'],
  )
    .argument('[environment]', 'environment name in the config; optional when all use one Argo CD')
    .option('-p, --project <name>', 'only this Argo CD project')
    .option(
      '-l, --limit <duration>',
      `longest acceptable drift: ${DURATION_EXAMPLES} (default: deploy.driftMinutes, or 1h)`,
    )
    .option('-s, --server <url>', SERVER_OPTION)
    .option('--ca <file>', CA_OPTION)
    .option('--json', JSON_OPTION)
    .action(async (name: string | undefined, options: DriftOptions) =>
      invocation.finish({
        healthy: await drift(await invocation.config(), name, options, createRolloutIo(io)),
      }),
    );
}

/** A subcommand with examples in its help. */
function command(program: Command, name: string, description: string, examples: readonly string[]): Command {
  return program
    .command(name)
    .description(description)
    .addHelpText('after', `\nExamples:\n${examples.map((example) => `  $ ${example}`).join('\n')}`);
}

const JSON_OPTION = 'print one JSON document';
const SERVER_OPTION = 'Argo CD server (default: ARGOCD_SERVER, or the URL in the config)';
const CA_OPTION = 'PEM file of a private CA';

const HELP = `Examples:
  $ nightshift plan --days 14
  $ nightshift keep-up develop --until 23:00 --reason "release"
  $ nightshift explain web-spot

Times without an offset are in the time zone of the environment's schedule.
plan and manifests work offline. rollout and drift use your own Argo CD token, ARGOCD_AUTH_TOKEN. All other commands use the AWS
credentials of this shell; AWS_ENDPOINT_URL sets another endpoint.

Exit codes: 0 done; 1 the config or the request is invalid, or doctor or drift found a problem; 2 AWS or Argo CD denied
the request or is unreachable.`;
