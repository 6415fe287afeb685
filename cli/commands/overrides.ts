/** Commands that override the schedule, or pause an environment. */
import { DURATION_EXAMPLES, UNTIL_EXAMPLES } from '#model/when.ts';
import { printLinks } from '../link.ts';
import type { OverrideCommand, OverrideOptions, OverrideRequest } from '../override.ts';
import { cancelMany, overrideMany } from '../override-many.ts';
import { type PauseRequest, pauseEnvironment } from '../pause.ts';
import { revokeSentLinks } from '../revoke-links.ts';
import type { EnvironmentFilter } from '../select-environments.ts';
import { ACCOUNT_OPTION, collect, command, type Invocation, JSON_OPTION, TAG_OPTION } from './invocation.ts';

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

export function addOverrideCommands(invocation: Invocation): void {
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
