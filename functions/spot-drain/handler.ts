/** Composition root of spot-drain: one event, or one tick, per invocation. */
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import { environmentCredentials } from '#functions/adapters/aws/environment-credentials.ts';
import { lazyAutoScaling } from '#functions/adapters/aws/lazy-auto-scaling.ts';
import { lazyNotifier } from '#functions/adapters/aws/lazy-notifier.ts';
import { openEventBus, withEvents } from '#functions/adapters/aws/open-event-bus.ts';
import { createWatchdog } from '#functions/adapters/aws/watchdog.ts';
import { createClock } from '#functions/adapters/clock.ts';
import { saveDecisions } from '#functions/adapters/dynamodb/decision-log.ts';
import { createClaims, createCordons, createNodeNames } from '#functions/adapters/dynamodb/drain-claims.ts';
import { createNightReader } from '#functions/adapters/dynamodb/night.ts';
import { openTable } from '#functions/adapters/dynamodb/open-table.ts';
import { withTransientErrors } from '#functions/adapters/dynamodb/transient.ts';
import { connectCluster } from '#functions/adapters/kubernetes/connect.ts';
import { createDrainCluster } from '#functions/adapters/kubernetes/drain-cluster.ts';
import { createDecisionTrail, createLogger } from '#functions/shared/observability.ts';
import { readSettings } from '#functions/shared/settings.ts';
import { type SpotDrainSettings, WATCHDOG_VARIABLE } from '#model/settings.ts';
import { createCordonGate } from './cordon.ts';
import type { Ports } from './ports.ts';
import { run } from './run.ts';

const { settings, table: tableName } = readSettings<SpotDrainSettings>();

const clock = createClock();
const table = withTransientErrors(openTable({ name: tableName, region: settings.region, now: clock.now }));
const logger = createLogger('spot-drain');
const notify = withEvents(lazyNotifier({ settings, now: clock.now }), openEventBus(settings, clock.now));
const kubernetes = connectCluster(settings, clock.now);
const night = createNightReader(table);
const ports: Ports = {
  settings,
  cluster: createDrainCluster(kubernetes),
  ...lazyAutoScaling(clock.now),
  claims: createClaims(table),
  cordons: createCordons(table),
  names: createNodeNames(table),
  // Production never sleeps, whatever its table says; it can be paused.
  night: settings.production ? { ...night, state: async () => undefined } : night,
  watchdog: createWatchdog({
    stateMachineArn: process.env[WATCHDOG_VARIABLE],
    region: settings.region,
    credentials: environmentCredentials(process.env),
    now: clock.now,
    endpoint: process.env['AWS_ENDPOINT_URL_SFN'] ?? process.env['AWS_ENDPOINT_URL'],
  }),
  reported: new Map(),
  trail: createDecisionTrail(logger, saveDecisions(table), notify),
  clock,
  gate: createCordonGate(clock),
};

export const handler = middy<unknown, void>()
  .use(injectLambdaContext(logger))
  .handler(async (event: unknown, context: Context) => {
    const endsAt = new Date(clock.now().getTime() + context.getRemainingTimeInMillis());
    await run(ports, { id: context.awsRequestId, endsAt }, event);
  });
