/** Reads the table of an environment of the lab, as its operator. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Lab, LabEnvironment } from '#demo/lab.ts';
import { createTable, type Table } from '#functions/adapters/dynamodb/table.ts';

/** Undefined where the environment has no night. */
export async function readTable<T>(
  lab: Lab,
  environment: LabEnvironment,
  read: (table: Table) => Promise<T>,
): Promise<T | undefined> {
  const { config, cluster, operator } = environment;
  const deployment = lab.assembly.deployments.find(
    ({ stack, accessEntries }) =>
      stack.account === config.account &&
      stack.region === config.region &&
      accessEntries.some((entry) => entry.cluster === cluster.name),
  );
  const [table] = deployment?.tables ?? [];
  if (!table || config.production || !config.schedule) return undefined;
  const { accessKeyId, secretAccessKey } = operator;
  const client = new DynamoDBClient({
    region: config.region,
    endpoint: lab.front.url,
    credentials: { accessKeyId, secretAccessKey },
  });
  try {
    return await read(createTable(client, table.name));
  } finally {
    client.destroy();
  }
}
