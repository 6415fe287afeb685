/** What signed links are made with in a function. Loaded lazily. */
import { readGeneration } from '#functions/adapters/dynamodb/link-generation.ts';
import type { Table } from '#functions/adapters/dynamodb/table.ts';
import { awsClientDefaults } from './clients.ts';
import { createKeepUpLinks, type SettingsOfLinks } from './keep-up-links.ts';
import { createMacKey } from './mac-key.ts';

export function linksOfNight(given: {
  readonly settings: SettingsOfLinks;
  readonly table: Table;
  readonly now: () => Date;
  readonly pageUrl: string;
  readonly keyId: string;
}) {
  const { settings, table, now, pageUrl, keyId } = given;
  const key = createMacKey({
    keyId,
    region: settings.region,
    credentials: awsClientDefaults().credentials,
    now,
    endpoint: process.env['AWS_ENDPOINT_URL_KMS'] ?? process.env['AWS_ENDPOINT_URL'],
  });
  return createKeepUpLinks({ settings, pageUrl, key, generation: () => readGeneration(table) });
}
