/** Commands around the removal of a stack. */
import { DURATION_EXAMPLES } from '#model/when.ts';
import type { RestoreOptions } from '../restore.ts';
import type { RetireOptions } from '../retire.ts';
import { command, type Invocation } from './invocation.ts';

export function addRestore(invocation: Invocation): void {
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
      const { createRestoreIo, restoreFromTable } = await import('../restore.ts');
      invocation.finish({ healthy: await restoreFromTable(options, createRestoreIo(io)) });
    });
}

export function addRetire(invocation: Invocation): void {
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
      const { createRestoreIo } = await import('../restore.ts');
      const { retire } = await import('../retire.ts');
      const healthy = await retire(await invocation.config(), name, options, {
        ...createRestoreIo(io),
        cloud: io.cloud,
      });
      invocation.finish({ healthy });
    });
}
