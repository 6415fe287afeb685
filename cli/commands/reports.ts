/** Commands that report: the plan, the state, mornings, nights and the bill. */
import type { BillOptions } from '../bill/bill.ts';
import { CloudError, RefusedError } from '../errors.ts';
import { type FleetOptions, fleetStatus, STATES } from '../fleet-status.ts';
import type { Io } from '../io.ts';
import { DEFAULT_MORNINGS_DAYS, type MorningsOptions, mornings } from '../mornings.ts';
import { DEFAULT_NIGHTS_DAYS, type NightsOptions, nights } from '../nights.ts';
import { DEFAULT_DAYS, type PlanOptions, plan } from '../plan/plan.ts';
import { status } from '../status.ts';
import { DEFAULT_WATCH_SECONDS, watch, watchSeconds } from '../watch.ts';
import { ACCOUNT_OPTION, collect, command, type Invocation, JSON_OPTION, TAG_OPTION } from './invocation.ts';

export function addReportCommands(invocation: Invocation): void {
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

export function addNightCommands(invocation: Invocation): void {
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

  command(
    program,
    'bill',
    'count what is still billed while a cluster sleeps: control plane, gateways, volumes, what has no schedule',
    ['nightshift bill', 'nightshift bill --environment develop --json'],
  )
    .option('-e, --environment <name>', 'only this environment')
    .option('--json', JSON_OPTION)
    .action(async (options: BillOptions) => {
      const { bill } = await import('../bill/bill.ts');
      invocation.finish({ complete: await bill(await invocation.config(), options, io) });
    });
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
