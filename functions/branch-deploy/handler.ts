/** Composition root of branch-deploy: an event of a build, or a tick. */
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import { createArgocd } from '#functions/adapters/argocd/index.ts';
import { createBuilds } from '#functions/adapters/aws/codebuild.ts';
import { createSecret } from '#functions/adapters/aws/secret.ts';
import { awsClientDefaults } from '#functions/adapters/aws-client.ts';
import { createDynamoDbClient } from '#functions/adapters/clients.ts';
import { createCodeBuildClient, createSecretsManagerClient } from '#functions/adapters/deploy-clients.ts';
import { createDecisionLog } from '#functions/adapters/dynamodb/decision-log.ts';
import { createDesiredDeploys } from '#functions/adapters/dynamodb/desired-deploys.ts';
import { createNightReader } from '#functions/adapters/dynamodb/night-reader.ts';
import { createOverrides } from '#functions/adapters/dynamodb/overrides.ts';
import { createTable } from '#functions/adapters/dynamodb/table.ts';
import { createGithubStatuses } from '#functions/adapters/github/commit-status.ts';
import { createNotifier } from '#functions/adapters/notifications.ts';
import { SettingsError } from '#functions/shared/errors.ts';
import { createDecisionTrail, createLogger } from '#functions/shared/observability.ts';
import { readSettings } from '#functions/shared/settings.ts';
import type { BranchDeploySettings } from '#model/settings.ts';
import { parseEvent } from './event.ts';
import { type BranchDeployPorts, run } from './run.ts';
import { createStatusDesk } from './statuses.ts';

const { settings, table: tableName } = readSettings<BranchDeploySettings>();
// Synth refuses it and no policy allows it; this is the third lock.
if (settings.production !== false)
  throw new SettingsError(`${settings.environment} is a production environment: it is rolled out by hand`);

const now = () => new Date();
const table = createTable(createDynamoDbClient(), tableName);
const logger = createLogger('branch-deploy');
const tell = createNotifier({ settings, credentials: awsClientDefaults().credentials, now });
const secrets = createSecretsManagerClient();
const { github } = settings.status ?? {};
const desk =
  github &&
  createStatusDesk({
    environment: settings.environment,
    statuses: createGithubStatuses({ github, token: createSecret(secrets, github.tokenSecret), now }),
    now,
  });
const ports: BranchDeployPorts = {
  argocd: createArgocd(settings, { token: createSecret(secrets, settings.argocd.tokenSecret), now }),
  builds: createBuilds(createCodeBuildClient()),
  deploys: createDesiredDeploys(table),
  night: { read: createNightReader(table).read, addOverride: createOverrides(table).add },
  trail: createDecisionTrail(logger, createDecisionLog(table).keep, tell),
  desk,
  reported: new Map(),
  seen: new Set(),
  now,
  pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  random: Math.random,
};

export const handler = middy<unknown, void>()
  .use(injectLambdaContext(logger))
  .handler(async (event: unknown, _context: Context) => {
    await run(parseEvent(event), settings, ports);
  });
