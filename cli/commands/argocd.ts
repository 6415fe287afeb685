/** Commands of Argo CD, with the operator's own token. */
import { DURATION_EXAMPLES } from '#model/when.ts';
import { type DriftOptions, drift } from '../drift.ts';
import { createRolloutIo, DEFAULT_TIMEOUT, type RolloutOptions, rollout } from '../rollout.ts';
import { command, type Invocation, JSON_OPTION } from './invocation.ts';

export function addArgocdCommands(invocation: Invocation): void {
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

const SERVER_OPTION = 'Argo CD server (default: ARGOCD_SERVER, or the URL in the config)';

const CA_OPTION = 'PEM file of a private CA';
