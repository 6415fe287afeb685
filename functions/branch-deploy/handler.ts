/** Composition root of branch-deploy: an event of a build, or a tick. */
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import { connectArgocdOf } from '#functions/adapters/argocd/connect.ts';
import { lazyBuilds, lazyRegistry } from '#functions/adapters/aws/lazy-clients.ts';
import { lazyLinks } from '#functions/adapters/aws/lazy-links.ts';
import { lazyNotifier } from '#functions/adapters/aws/lazy-notifier.ts';
import { openEventBus, withEvents } from '#functions/adapters/aws/open-event-bus.ts';
import { saveDecisions } from '#functions/adapters/dynamodb/decision-log.ts';
import { createDesiredDeploys } from '#functions/adapters/dynamodb/desired-deploys.ts';
import { createNightReader, createOverrides } from '#functions/adapters/dynamodb/night.ts';
import { openTable } from '#functions/adapters/dynamodb/open-table.ts';
import { lazyStatuses } from '#functions/adapters/forges/lazy-statuses.ts';
import { SettingsError } from '#functions/shared/errors.ts';
import { createDecisionTrail, createLogger } from '#functions/shared/observability.ts';
import { readSettings } from '#functions/shared/settings.ts';
import type { BranchDeploySettings } from '#model/settings.ts';
import { parseEvent } from './event.ts';
import type { BranchDeployPorts } from './ports.ts';
import { run } from './run.ts';

const { settings, table: tableName } = readSettings<BranchDeploySettings>();
// Synth refuses it and no policy allows it; this is the third lock.
if (settings.production !== false)
  throw new SettingsError(`${settings.environment} is a production environment: it is rolled out by hand`);

const now = () => new Date();
const table = openTable({ name: tableName, region: settings.region, now });
const logger = createLogger('branch-deploy');
const notify = withEvents(
  lazyNotifier({ settings, now, linksFor: lazyLinks({ settings, table, now }) }),
  openEventBus(settings, now),
);
const ports: BranchDeployPorts = {
  argocd: connectArgocdOf(settings, now),
  builds: lazyBuilds(),
  registry: lazyRegistry(settings),
  deploys: createDesiredDeploys(table),
  night: { read: createNightReader(table).read, addOverride: createOverrides(table).add },
  trail: createDecisionTrail(logger, saveDecisions(table), notify),
  statuses: lazyStatuses(settings.status, now),
  seen: new Set(),
  reported: new Map(),
  now,
  pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  random: Math.random,
};

export const handler = middy<unknown, void>()
  .use(injectLambdaContext(logger))
  .handler((event: unknown, _context: Context) => run(parseEvent(event), settings, ports));
