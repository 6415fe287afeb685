/** Composition root of the doorbell: the page of a sleeping application, and the button of a chat. */
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
import { lazyReadiness } from '#functions/adapters/lazy-readiness.ts';
import { STYLE } from '#functions/self-service/page/style.ts';
import { messageOf, SettingsError } from '#functions/shared/errors.ts';
import { createDecisionTrail, createLogger, DECISION_MESSAGE } from '#functions/shared/observability.ts';
import { readSettings } from '#functions/shared/settings.ts';
import { type DoorbellSettings, LINK_KEY_VARIABLE } from '#model/settings.ts';
import { SCRIPT } from './assets.ts';
import { answerChat, type ChatReply } from './chat.ts';
import { eventOf } from './event.ts';
import { type Reply, replyOf } from './page.ts';
import type { DoorbellPorts } from './ports.ts';
import { rememberNight } from './remember-night.ts';
import { type Page, respond } from './respond.ts';

const { settings, table: tableName } = readSettings<DoorbellSettings>();
// Synth refuses it and no policy allows it; this is the third lock.
if (settings.production !== false)
  throw new SettingsError(`${settings.environment} is a production environment: it has no doorbell`);
const keyId = process.env[LINK_KEY_VARIABLE];
if (!keyId) throw new SettingsError(`${LINK_KEY_VARIABLE} is not set: deploy the stack again`);

const now = () => new Date();
const table = openTable({ name: tableName, region: settings.region, now, isForPage: true });
const logger = createLogger('doorbell');
const ports: DoorbellPorts = {
  settings,
  mac: createMacKey({
    keyId,
    region: settings.region,
    credentials: environmentCredentials(process.env),
    now,
    endpoint: process.env['AWS_ENDPOINT_URL_KMS'] ?? process.env['AWS_ENDPOINT_URL'],
  }),
  store: rememberNight(createSelfServiceStore(table)),
  answers: lazyReadiness(table).answers,
  trail: createDecisionTrail(logger, saveDecisions(table), lazyNotifier({ settings, now })),
  now,
};
const hashOf = (text: string) => createHash('sha256').update(text).digest('base64');
const hashes = { styleHash: hashOf(STYLE), scriptHash: hashOf(SCRIPT) };

export const handler = middy<unknown, Reply | ChatReply>()
  .use(injectLambdaContext(logger))
  .handler(async (event: unknown, context: Context) => {
    const request = eventOf(event);
    if (request.kind === 'unknown') {
      logger.warn('ignored', { reason: request.reason });
      return { message: `Nothing was changed: ${request.reason}.` };
    }
    // Somebody waits: a failure is recorded, where an alarm counts it, and answered.
    const failed = (error: unknown) =>
      logger.error(DECISION_MESSAGE, { error: error as Error, decision: failure(error, context) });
    if (request.kind === 'chat')
      return answerChat(ports, request).catch((error: unknown): ChatReply => {
        failed(error);
        return { message: 'This did not work. Wait a minute and try again.' };
      });
    const page = await respond(ports, request).catch((error: unknown): Page => {
      failed(error);
      return { kind: 'failed' };
    });
    return replyOf(page, request, { settings, language: request.language, ...hashes });
  });

function failure(error: unknown, { awsRequestId }: Context) {
  return {
    time: now().toISOString(),
    environment: settings.environment,
    capability: 'doorbell',
    target: settings.cluster,
    action: 'fail',
    reason: messageOf(error),
    trigger: awsRequestId,
  };
}
