/** Observes tables of environments that the config does not have any more, and in which something is still saved. */
import { type DynamoDBClient, paginateListTables } from '@aws-sdk/client-dynamodb';
import { createTable } from '#functions/adapters/dynamodb/table.ts';
import {
  AUTOSCALER_PREFIX,
  CRON_JOB_PREFIX,
  NIGHT,
  SAVED_PREFIX,
} from '#functions/adapters/dynamodb/table-keys.ts';
import type { LoadedConfig } from '#lib/config-file.ts';
import { tableNameOf } from '#model/names.ts';
import { isRecord } from '#model/record-schema.ts';
import type { NamedEnvironment } from '../../select-environments.ts';
import type { LeftTable } from '../facts.ts';
import type { Observation } from '../observation.ts';
import { observe } from './observe.ts';

/** Those of this cluster; and, reported once for an account and region, those of others. */
export function observeLeftTables(
  client: DynamoDBClient,
  { config }: LoadedConfig,
  { name, environment }: NamedEnvironment,
): Promise<Observation<readonly LeftTable[]>> {
  const { account, region, cluster } = environment;
  const here = Object.entries(config.environments).filter(
    ([, one]) => one.account === account && one.region === region,
  );
  const known = new Set(here.map(([one]) => tableNameOf(one)));
  const isFirst = here[0]?.[0] === name;
  return observe('dynamodb:ListTables', async () => {
    const left: LeftTable[] = [];
    for await (const { TableNames = [] } of paginateListTables({ client }, {}))
      for (const table of TableNames)
        if (table.startsWith(tableNameOf('')) && !known.has(table)) {
          const found = await savedIn(client, table);
          if (found.items.length > 0 && (isFirst || found.clusters.includes(cluster))) left.push(found);
        }
    return left;
  });
}

async function savedIn(client: DynamoDBClient, table: string): Promise<LeftTable> {
  const rows = await createTable(client, table).list(NIGHT);
  const saved = rows.filter(({ key }) =>
    [SAVED_PREFIX, AUTOSCALER_PREFIX, CRON_JOB_PREFIX].some((prefix) => key.startsWith(prefix)),
  );
  const clusters = saved.flatMap(({ key, value }) => {
    if (key.startsWith(SAVED_PREFIX)) return key.slice(SAVED_PREFIX.length).split('/')[0] ?? [];
    return isRecord(value) && typeof value['cluster'] === 'string' ? value['cluster'] : [];
  });
  return { table, clusters: [...new Set(clusters)].sort(), items: saved.map(({ key }) => key) };
}
