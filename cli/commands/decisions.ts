/** Commands about what was decided, and what it saved. */
import { DURATION_EXAMPLES } from '#model/when.ts';
import { DEFAULT_SINCE, type ExplainOptions, explain } from '../explain.ts';
import { DEFAULT_SAVINGS_DAYS, type SavingsOptions, savings } from '../savings.ts';
import { command, type Invocation, JSON_OPTION } from './invocation.ts';

export function addDecisionCommands(invocation: Invocation): void {
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
