/** The command line: its commands, options, help and exit codes. Each command is implemented in its own file. */
import { Command, CommanderError } from 'commander';
import { ConfigError, type LoadedConfig, loadConfig, UnknownEnvironmentError } from '#lib/config-file.ts';
import { fileProblem } from '#lib/file-problem.ts';
import { DURATION_EXAMPLES, UNTIL_EXAMPLES } from '#model/when.ts';
import { completionScript, SHELLS } from './completion.ts';
import type { DoctorOptions } from './doctor/doctor.ts';
import { type DriftOptions, drift } from './drift.ts';
import { CloudError, RefusedError } from './errors.ts';
import { DEFAULT_SINCE, type ExplainOptions, explain } from './explain.ts';
import { type FleetOptions, fleetStatus, STATES } from './fleet-status.ts';
import type { InitOptions } from './init/init.ts';
import type { Io } from './io.ts';
import { printLinks } from './link.ts';
import { DEFAULT_MORNINGS_DAYS, type MorningsOptions, mornings } from './mornings.ts';
import { DEFAULT_NIGHTS_DAYS, type NightsOptions, nights } from './nights.ts';
import type { OverrideCommand, OverrideOptions, OverrideRequest } from './override.ts';
import { cancelMany, overrideMany } from './override-many.ts';
import { type PauseRequest, pauseEnvironment } from './pause.ts';
import { DEFAULT_DAYS, type PlanOptions, plan } from './plan/plan.ts';
import type { PolicyOptions } from './policy.ts';
import type { RestoreOptions } from './restore.ts';
import type { RetireOptions } from './retire.ts';
import { revokeSentLinks } from './revoke-links.ts';
import { createRolloutIo, DEFAULT_TIMEOUT, type RolloutOptions, rollout } from './rollout.ts';
import { DEFAULT_SAVINGS_DAYS, type SavingsOptions, savings } from './savings.ts';
import type { EnvironmentFilter } from './select-environments.ts';
import { status } from './status.ts';
import type { TemplateOptions } from './template/template.ts';
import { forTerminal } from './text.ts';
import { packageVersion } from './version.ts';
import { DEFAULT_WATCH_SECONDS, watch, watchSeconds } from './watch.ts';

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
    if (
      error instanceof ConfigError ||
      error instanceof UnknownEnvironmentError ||
      error instanceof RefusedError
    ) {
      io.err(`nightshift: ${error.message}`);
      return EXIT.refused;
    }
    const problem = fileProblem(error);
    if (problem !== undefined) {
      io.err(`nightshift: ${problem}`);
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
  addNightCommands(invocation);
  addOverrideCommands(invocation);
  addDecisionCommands(invocation);
  addRestore(invocation);
  addRetire(invocation);
  addDoctorAndConsole(invocation);
  addArgocdCommands(invocation);
  addInit(invocation);
  addDiscover(invocation);
  addHandovers(invocation);
  addCompletion(invocation);
  return program;
}

function addReportCommands(invocation: Invocation): void {
  const { program, io } = invocation;
  command(
    program,
    'plan',
    'list the upcoming starts and stops with their reasons; offline, needs no AWS access',
    [
      'nightshift plan --days 14',
      'nightshift plan --from 2026-12-24 --environment develop',
      'nightshift plan develop --steps',
    ],
  )
    .argument('[environment]', 'only this environment')
    .option('-d, --days <number>', `number of days (default: ${DEFAULT_DAYS})`)
    .option('-f, --from <date>', 'start date in the time zone of the schedule, or an instant (default: now)')
    .option('-e, --environment <name>', 'only this environment')
    .option('--tag <name=value>', TAG_OPTION, collect)
    .option('--account <id>', ACCOUNT_OPTION)
    .option('--each', 'list each start and stop with its reason')
    .option('--steps', 'what a stop and a start do, and in which order')
    .option('--json', JSON_OPTION)
    .option('--svg <file>', 'also write the days as an SVG picture')
    .option('--ics <file>', 'also write starts and stops as a calendar file')
    .action(async (environment: string | undefined, options: PlanOptions) =>
      plan(await invocation.config(), { ...(environment ? { environment } : {}), ...options }, io),
    );

  command(
    program,
    'status',
    'show all clusters in a table, those with a problem first; or one of them in detail',
    [
      'nightshift status',
      'nightshift status --tag team=web --state asleep --watch',
      'nightshift status develop --json',
    ],
  )
    .argument('[environment]', 'only this environment, in detail')
    .option('--tag <name=value>', TAG_OPTION, collect)
    .option('--account <id>', ACCOUNT_OPTION)
    .option('--state <state>', `only clusters in this state: ${STATES.join(', ')}`)
    .option(
      '-w, --watch [seconds]',
      `show it again every so many seconds (default: ${DEFAULT_WATCH_SECONDS})`,
    )
    .option('--json', JSON_OPTION)
    .action((name: string | undefined, options: StatusOptions) => showStatus(invocation, name, options));
}

function addNightCommands(invocation: Invocation): void {
  const { program, io } = invocation;
  command(
    program,
    'mornings',
    'show when the last mornings were ready, what was promised, and what they waited for',
    ['nightshift mornings --days 30', 'nightshift mornings --environment develop --advice'],
  )
    .option('-d, --days <number>', `number of days (default: ${DEFAULT_MORNINGS_DAYS})`)
    .option('-e, --environment <name>', 'only this environment')
    .option('--advice', 'what would have made the starts shorter, from their observed phases')
    .option('--json', JSON_OPTION)
    .action(async (options: MorningsOptions) =>
      invocation.finish({ complete: await mornings(await invocation.config(), options, io) }),
    );

  command(
    program,
    'nights',
    'show how long the last stops took until everything slept, and what they waited for',
    ['nightshift nights --days 14', 'nightshift nights --environment develop --json'],
  )
    .option('-d, --days <number>', `number of days (default: ${DEFAULT_NIGHTS_DAYS})`)
    .option('-e, --environment <name>', 'only this environment')
    .option('--json', JSON_OPTION)
    .action(async (options: NightsOptions) =>
      invocation.finish({ complete: await nights(await invocation.config(), options, io) }),
    );
}

interface StatusOptions extends FleetOptions {
  readonly watch?: string | true;
}

async function showStatus(
  invocation: Invocation,
  name: string | undefined,
  options: StatusOptions,
): Promise<void> {
  const { io } = invocation;
  const loaded = await invocation.config();
  const show = async (out: Io) =>
    name === undefined ? fleetStatus(loaded, options, out) : status(loaded, name, options, out);
  if (options.watch === undefined) {
    invocation.finish({ complete: await show(io) });
    return;
  }
  const seconds = watchSeconds(options.watch);
  if (options.json) throw new RefusedError('--watch and --json: use one of them');
  const interrupted = new AbortController();
  process.once('SIGINT', () => interrupted.abort());
  const draw = async () => {
    const lines: string[] = [];
    const collected: Io = { ...io, out: (text) => lines.push(text), err: (text) => lines.push(text) };
    await show(collected).catch((error: unknown) => {
      if (!(error instanceof CloudError)) throw error;
      lines.push(error.message);
    });
    return lines.join('\n');
  };
  await watch(draw, { seconds, signal: interrupted.signal, io });
}

/** For an option that may be given several times. */
function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
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
      'nightshift keep-up --tag team=web --for 2h',
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

type OverrideCommandOptions = Omit<OverrideRequest, 'command' | 'environment'> &
  OverrideOptions &
  EnvironmentFilter;

function addOverrideCommands(invocation: Invocation): void {
  const { program, io } = invocation;
  for (const { name, description, examples } of OVERRIDES) {
    command(program, name, description, examples)
      .argument('[environment]', 'environment name in the config; or several by --tag or --account')
      .option('--tag <name=value>', TAG_OPTION, collect)
      .option('--account <id>', ACCOUNT_OPTION)
      .option('-u, --until <time>', `end of the override: ${UNTIL_EXAMPLES}`)
      .option('-f, --for <duration>', `duration of the override: ${DURATION_EXAMPLES}`)
      .option('-r, --reason <text>', 'reason, shown to everybody')
      .option('-a, --author <name>', `name shown beside your AWS identity (default: ${io.user})`)
      .option('--replace', 'end the overrides of others')
      .option('--json', JSON_OPTION)
      .action(
        async (environment: string | undefined, { json, tag, account, ...request }: OverrideCommandOptions) =>
          invocation.finish(
            await overrideMany(
              await invocation.config(),
              { ...request, command: name, environment },
              {
                ...(json ? { json } : {}),
                ...(tag ? { tag } : {}),
                ...(account === undefined ? {} : { account }),
              },
              io,
            ),
          ),
      );
  }
  addPause(invocation);
  addLinks(invocation);
  command(program, 'cancel', 'cancel the active override', [
    'nightshift cancel develop',
    'nightshift cancel --tag team=web',
  ])
    .argument('[environment]', 'environment name in the config; or several by --tag or --account')
    .option('--tag <name=value>', TAG_OPTION, collect)
    .option('--account <id>', ACCOUNT_OPTION)
    .option('--json', JSON_OPTION)
    .action(async (name: string | undefined, options: OverrideOptions & EnvironmentFilter) =>
      invocation.finish(await cancelMany(await invocation.config(), name, options, io)),
    );
}

/** Of self-service. */
function addLinks(invocation: Invocation): void {
  const { program, io } = invocation;
  command(
    program,
    'link',
    'print signed links with which somebody without AWS credentials keeps it up tonight',
    ['nightshift link develop'],
  )
    .argument('<environment>', 'environment name in the config')
    .option('--json', JSON_OPTION)
    .action(async (name: string, options: { json?: boolean }) =>
      printLinks(await invocation.config(), name, options, io),
    );
  command(program, 'revoke-links', 'refuse every self-service link that was sent so far', [
    'nightshift revoke-links develop',
  ])
    .argument('<environment>', 'environment name in the config')
    .option('--json', JSON_OPTION)
    .action(async (name: string, options: { json?: boolean }) =>
      revokeSentLinks(await invocation.config(), name, options, io),
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
    .option(
      '--time-zone <zone>',
      'zone of the schedule, for the dates of the saved node-hours (default: UTC)',
    )
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
    'doorbell-ingress',
    'print the Ingress with which the AWS Load Balancer Controller forwards to the doorbell; offline',
    [
      'nightshift doorbell-ingress develop --target-group arn:aws:elasticloadbalancing:… | kubectl apply -f -',
    ],
  )
    .argument('<environment>', 'environment name in the config')
    .requiredOption('--target-group <arn>', 'the output DoorbellTargetGroupArn of the stack')
    .option('--namespace <name>', 'namespace of the Ingress (default: default)')
    .action(async (name: string, options: { targetGroup: string; namespace?: string }) => {
      const { printDoorbellIngress } = await import('./doorbell-ingress.ts');
      printDoorbellIngress(await invocation.config(), name, options, io);
    });

  command(
    program,
    'console',
    'serve a web page on this machine that shows each cluster and its decisions, with buttons for keep-up, wake, sleep and cancel',
    ['nightshift console', 'nightshift console --port 8022', 'nightshift console --demo'],
  )
    .option('-p, --port <number>', 'port on 127.0.0.1 (default: a free one)')
    .option('--demo', 'show a recorded day at 60 times its speed; needs no config and no AWS access')
    .action(async ({ demo, ...options }: { port?: string; demo?: boolean }) => {
      const { showConsole, showDemo } = await import('./console/show-console.ts');
      const interrupted = new Promise<void>((resolve) => process.once('SIGINT', () => resolve()));
      if (demo) await showDemo(options, io, interrupted);
      else await showConsole(await invocation.config(), options, io, interrupted);
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

/** Makes a project in the current folder. */
function addInit(invocation: Invocation): void {
  const { program, io } = invocation;
  command(
    program,
    'init',
    'write config, CDK app and manifests into this folder, after a look at your clusters; never overwrites without asking',
    ['nightshift init --region ap-northeast-1 --ci github', 'nightshift init --yes'],
  )
    .option('-y, --yes', 'ask nothing and look at nothing: write a sample; offline')
    .option('--region <name>', 'look in this region; may be repeated (default: AWS_REGION)', collect)
    .option('--profile <name>', 'look with this profile of the AWS config')
    .option('--ci <kind>', 'also write a job for pull requests that runs plan and cdk diff: github or gitlab')
    .action(async (options: InitOptions) => {
      const [{ init }, { observeAccount }] = await Promise.all([
        import('./init/init.ts'),
        import('./init/observe-account.ts'),
      ]);
      await init(options, {
        ...createRolloutIo(io),
        folder: process.cwd(),
        timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
        observe: (region, access) => observeAccount(region, access, io.now),
      });
    });
}

/** Writes the lock file of the clusters that have the tag. */
function addDiscover(invocation: Invocation): void {
  const { program, io } = invocation;
  command(
    program,
    'discover',
    'find the clusters with the tag of the config in its accounts, and write them into nightshift.lock.json to review and commit',
    ['nightshift discover && git diff nightshift.lock.json'],
  ).action(async () => {
    const [{ discover }, { listTaggedClusters }] = await Promise.all([
      import('./discover.ts'),
      import('./init/observe-account.ts'),
    ]);
    const complete = await discover(program.opts<{ config?: string }>().config, {
      ...io,
      listClusters: listTaggedClusters,
    });
    invocation.finish({ complete });
  });
}

/** What is handed to others: policies, and the stack as files. */
function addHandovers(invocation: Invocation): void {
  const { program, io } = invocation;
  command(
    program,
    'policy',
    'print the least IAM policy for a person: reader, developer (overrides), operator (doctor, restore) or deployer; offline',
    [
      'nightshift policy developer --environment develop',
      'nightshift policy operator --account 111111111111',
    ],
  )
    .argument('<role>', 'reader, developer, operator or deployer')
    .option('-e, --environment <name>', 'only this environment')
    .option('--tag <name=value>', TAG_OPTION, collect)
    .option('--account <id>', ACCOUNT_OPTION)
    .action(async (role: string, options: PolicyOptions) => {
      const { printPolicy } = await import('./policy.ts');
      printPolicy(await invocation.config(), role, options, io);
    });

  command(
    program,
    'template',
    'write the CloudFormation template of an environment, the zips of its functions and an example for Terraform; offline',
    ['nightshift template develop', 'nightshift template develop --out terraform/nightshift'],
  )
    .argument('<environment>', 'environment name in the config')
    .option('-o, --out <folder>', 'where to write (default: nightshift-<environment>)')
    .action(async (name: string, options: TemplateOptions) => {
      const { writeTemplate } = await import('./template/template.ts');
      await writeTemplate(await invocation.config(), name, options, io);
    });
}

/** Completion, and what its scripts call. */
function addCompletion(invocation: Invocation): void {
  const { program, io } = invocation;
  command(program, 'completion', 'print a completion script for a shell', [
    'eval "$(npx nightshift completion bash)"',
  ])
    .argument('<shell>', SHELLS.join(', '))
    .action((shell: string) => io.out(completionScript(program, shell)));
  program
    .command('__environments', { hidden: true })
    .action(async () => io.out(Object.keys((await invocation.config()).config.environments).join('\n')));
}

const TAG_OPTION = 'only environments with this tag; may be repeated';
const ACCOUNT_OPTION = 'only environments of this AWS account';
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
