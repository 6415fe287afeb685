/** Composition root of night-schedule: one pass per invocation, whatever invoked it. */
import { setTimeout } from 'node:timers/promises';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import { createAutoScalingClient } from '#functions/adapters/aws/clients.ts';
import { createGroups } from '#functions/adapters/aws/groups.ts';
import { lazyBuiltInPools } from '#functions/adapters/aws/lazy-built-in-pools.ts';
import { lazyLinks } from '#functions/adapters/aws/lazy-links.ts';
import { lazyListenerRules } from '#functions/adapters/aws/lazy-listener-rules.ts';
import { lazyNotifier } from '#functions/adapters/aws/lazy-notifier.ts';
import { openEventBus, withEvents } from '#functions/adapters/aws/open-event-bus.ts';
import { saveDecisions } from '#functions/adapters/dynamodb/decision-log.ts';
import { createNightStore } from '#functions/adapters/dynamodb/night-store.ts';
import { openTable } from '#functions/adapters/dynamodb/open-table.ts';
import { lazyCluster } from '#functions/adapters/kubernetes/lazy-cluster.ts';
import {
  lazyAutoscaler,
  lazyCronJobs,
  lazyKeepUpRequests,
  lazyNodes,
} from '#functions/adapters/kubernetes/night-cluster.ts';
import { lazyReadiness } from '#functions/adapters/lazy-readiness.ts';
import { SettingsError } from '#functions/shared/errors.ts';
import { createDecisionTrail, createLogger } from '#functions/shared/observability.ts';
import { readSettings } from '#functions/shared/settings.ts';
import type { NightScheduleSettings } from '#model/settings.ts';
import { causeOf, isOfCloudFormation } from './event.ts';
import { type Cause, reconcile } from './run.ts';

const { settings, table: tableName } = readSettings<NightScheduleSettings>();
// Synth refuses it and no policy allows it; this is the third lock.
if (settings.production !== false)
  throw new SettingsError(`${settings.environment} is a production environment: it is never stopped`);

const now = () => new Date();
const table = openTable({ name: tableName, region: settings.region, now });
const realStore = createNightStore(table, settings.cluster);
const store = settings.dryRun
  ? (await import('#functions/adapters/dynamodb/dry-run-store.ts')).createDryRunStore(realStore)
  : realStore;
const logger = createLogger('night-schedule');
const events = openEventBus(settings, now);
const notify = withEvents(
  lazyNotifier({ settings, now, linksFor: lazyLinks({ settings, table, now }) }),
  events,
);
const kubernetes = lazyCluster(settings, now);
const builtIn = lazyBuiltInPools(settings.cluster);
const ports = {
  settings,
  groups: createGroups({ autoScaling: createAutoScalingClient() }, settings.cluster),
  nodes: lazyNodes(kubernetes),
  store,
  readiness: lazyReadiness(table),
  events,
  doorbell: lazyListenerRules(settings),
  trail: createDecisionTrail(logger, saveDecisions(table), notify),
  // Also without a config: one that was paused must be resumed.
  autoscaler: lazyAutoscaler(kubernetes, settings.autoscaler, builtIn),
  cronJobs: lazyCronJobs(kubernetes, settings.suspendCronJobs?.selector),
  keepUpRequests: settings.keepUp && lazyKeepUpRequests(kubernetes),
  now,
};

export const handler = middy<unknown, void>()
  .use(injectLambdaContext(logger))
  .handler(async (event: unknown, context: Context) => {
    const remaining = () => context.getRemainingTimeInMillis();
    if (isOfCloudFormation(event)) {
      const { answerCloudFormation } = await import('./custom-resource-root.ts');
      const isAnswered = await answerCloudFormation(
        { ...ports, table, kubernetes, builtIn, remaining, functionName: context.functionName },
        event,
      );
      if (isAnswered) return;
    }
    const cause = causeOf(event);
    const pass = async (by: Cause) => (await reconcile({ ...ports, remaining }, by)).isSoonReady;
    if (!(await pass(cause))) return;
    const { followStart } = await import('./follow-start.ts');
    await followStart(() => pass({ ...cause, byPerson: false }), { now, wait: setTimeout });
  });
