/** Self-service links with the credentials of this shell: the deployed page and key, and the deployed settings. */
import { linksAt, type SignedLink } from '#functions/adapters/aws/keep-up-links.ts';
import { createMacKey, KmsError } from '#functions/adapters/aws/mac-key.ts';
import { readGeneration } from '#functions/adapters/dynamodb/link-generation.ts';
import { createOverrides } from '#functions/adapters/dynamodb/night.ts';
import type { Table } from '#functions/adapters/dynamodb/table.ts';
import { NightshiftError } from '#functions/shared/errors.ts';
import { readSettings } from '#functions/shared/settings.ts';
import type { EnvironmentConfig } from '#model/config.ts';
import { LINK_KEY_VARIABLE, type NightScheduleSettings, PAGE_VARIABLE } from '#model/settings.ts';
import type { SessionCredentials } from './account-access.ts';
import { callAws } from './aws-call.ts';
import type { AwsClock } from './aws-clock.ts';
import { CloudError } from './errors.ts';

/** Undefined where the stack has no page. */
export async function signDeployedLinks(
  deployed: {
    readonly variables: Readonly<Record<string, string>>;
    readonly credentials: () => Promise<SessionCredentials>;
  },
  at: {
    readonly environmentName: string;
    readonly environment: EnvironmentConfig;
    readonly access: { readonly endpoint?: string };
    readonly clock: AwsClock;
    readonly table: Table;
  },
): Promise<readonly SignedLink[] | undefined> {
  const { variables, credentials } = deployed;
  const { environmentName, environment, access, clock, table } = at;
  const [pageUrl, keyId] = [variables[PAGE_VARIABLE], variables[LINK_KEY_VARIABLE]];
  if (!pageUrl || !keyId) return undefined;
  const { settings } = readSettings<NightScheduleSettings>(variables);
  const [overrides, generation] = await Promise.all([createOverrides(table).all(), readGeneration(table)]);
  const endpoint = access.endpoint ?? process.env['AWS_ENDPOINT_URL_KMS'] ?? process.env['AWS_ENDPOINT_URL'];
  const key = createMacKey({ keyId, region: environment.region, credentials, now: clock.now, endpoint });
  const call = {
    permission: 'kms:GenerateMac',
    resourceArn: keyId,
    resource: 'the key of the links',
    environment,
    environmentName,
  };
  const signing = { settings, pageUrl, key, generation: async () => generation };
  return callAws(call, () => linksAt(clock.now(), overrides, signing).catch(rethrow));
}

/** KMS is called without the SDK: its error by the name that one of the SDK has. */
function rethrow(cause: unknown): never {
  if (cause instanceof KmsError && cause.type)
    throw Object.assign(new Error(cause.message, { cause }), { name: cause.type, $metadata: {} });
  if (cause instanceof NightshiftError) throw new CloudError(cause.message, { cause });
  throw cause;
}
