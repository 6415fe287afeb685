/** Composition root of self-service: the page behind the signed links. */
import { createHash } from 'node:crypto';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import { environmentCredentials } from '#functions/adapters/aws/environment-credentials.ts';
import { lazyNotifier } from '#functions/adapters/aws/lazy-notifier.ts';
import { createMacKey } from '#functions/adapters/aws/mac-key.ts';
import { saveDecisions } from '#functions/adapters/dynamodb/decision-log.ts';
import { openTable } from '#functions/adapters/dynamodb/open-table.ts';
import { createSelfServiceStore } from '#functions/adapters/dynamodb/self-service-store.ts';
import { messageOf, SettingsError } from '#functions/shared/errors.ts';
import { createDecisionTrail, createLogger, DECISION_MESSAGE } from '#functions/shared/observability.ts';
import { readSettings } from '#functions/shared/settings.ts';
import { LINK_PARAMETER } from '#model/keep-up-link.ts';
import { LINK_KEY_VARIABLE, type SelfServiceSettings } from '#model/settings.ts';
import { requestOf } from './event.ts';
import { type Page, type PageReply, replyOf } from './page/page.ts';
import { STYLE } from './page/style.ts';
import { respond } from './respond.ts';

const { settings, table: tableName } = readSettings<SelfServiceSettings>();
// Synth refuses it and no policy allows it; this is the third lock.
if (settings.production !== false)
  throw new SettingsError(`${settings.environment} is a production environment: it has no self-service`);
const keyId = process.env[LINK_KEY_VARIABLE];
if (!keyId) throw new SettingsError(`${LINK_KEY_VARIABLE} is not set: deploy the stack again`);

const now = () => new Date();
const table = openTable({ name: tableName, region: settings.region, now, isForPage: true });
const logger = createLogger('self-service');
/** Loaded only where there is a sign-in. */
const signIn =
  settings.signIn &&
  (await import('#functions/adapters/aws/alb-sign-in.ts')).createAlbSignIn({
    ...settings.signIn,
    region: settings.region,
    now,
    endpoint: process.env['AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2'],
  });
const ports = {
  settings,
  mac: createMacKey({
    keyId,
    region: settings.region,
    credentials: environmentCredentials(process.env),
    now,
    endpoint: process.env['AWS_ENDPOINT_URL_KMS'] ?? process.env['AWS_ENDPOINT_URL'],
  }),
  signIn,
  store: createSelfServiceStore(table),
  trail: createDecisionTrail(logger, saveDecisions(table), lazyNotifier({ settings, now })),
  now,
};
const styleHash = createHash('sha256').update(STYLE).digest('base64');

export const handler = middy<unknown, PageReply>()
  .use(injectLambdaContext(logger))
  .handler(async (event: unknown, context: Context) => {
    const request = requestOf(event);
    // Somebody waits for a page: a failure is recorded, where an alarm counts it, and answered.
    const page: Page = await respond(ports, request).catch((error: unknown) => {
      logger.error(DECISION_MESSAGE, { error: error as Error, decision: failure(error, context) });
      return { kind: 'failed' };
    });
    const reply = replyOf(page, contextOf(request), styleHash);
    const sent = request?.method === 'HEAD' ? { ...reply, body: '' } : reply;
    return request?.through === 'load-balancer' ? forLoadBalancer(sent) : sent;
  });

/** It takes a reply with both fields; the words are its own. */
function forLoadBalancer(reply: PageReply): PageReply {
  const { statusCode } = reply;
  const words = statusCode < 400 ? 'OK' : 'Refused';
  return { ...reply, statusDescription: `${statusCode} ${words}`, isBase64Encoded: false };
}

function contextOf(request: ReturnType<typeof requestOf>) {
  const { environment, timeZone, maxHours, requireReason, prices } = settings;
  return {
    environment,
    timeZone,
    maxHours,
    requireReason,
    ...(prices ? { prices } : {}),
    language: request?.language ?? 'en',
    address: request?.parameters.get(LINK_PARAMETER) ?? '',
  } as const;
}

function failure(error: unknown, { awsRequestId }: Context) {
  return {
    time: now().toISOString(),
    environment: settings.environment,
    capability: 'self-service',
    target: settings.cluster,
    action: 'fail',
    reason: messageOf(error),
    trigger: awsRequestId,
  };
}
