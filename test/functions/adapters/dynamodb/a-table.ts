/** A table of the lab's DynamoDB, behind the SDK's own client, for the tests of what is kept in it. */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createDynamoDb } from '@nightshift/lab/http/aws/services/dynamodb.ts';
import { createSmallTable } from '#functions/adapters/dynamodb/small-table.ts';
import { createTable, type Table } from '#functions/adapters/dynamodb/table.ts';

const SCOPE = { account: '111111111111', region: 'ap-northeast-1' };

export interface ATable {
  /** Through the SDK. */
  readonly table: Table;
  /** By signed requests. */
  readonly small: Table;
  readonly client: DynamoDBClient;
  close(): Promise<void>;
}

/** `answer` may answer in place of DynamoDB: true where it did. */
export async function aTable(
  answer: (
    operation: string,
    response: ServerResponse,
    apply: () => Promise<unknown>,
  ) => Promise<boolean> = async () => false,
): Promise<ATable> {
  const dynamo = createDynamoDb();
  const server = createServer(async (request, response) => {
    const body = await buffer(request);
    const apply = () => dynamo.ask(SCOPE, { headers: request.headers, body });
    const operation = String(request.headers['x-amz-target']).split('.').at(-1) ?? '';
    if (await answer(operation, response, apply)) return;
    const { status, headers, body: reply } = await apply();
    response.writeHead(status, headers).end(reply);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const client = new DynamoDBClient({
    endpoint: `http://127.0.0.1:${port}`,
    region: SCOPE.region,
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
  });
  await dynamo.createTable({ ...SCOPE, name: 'nightshift' });
  return {
    table: createTable(client, 'nightshift'),
    small: createSmallTable({
      name: 'nightshift',
      region: SCOPE.region,
      credentials: async () => ({ accessKeyId: 'a', secretAccessKey: 'b' }),
      now: () => new Date(),
      endpoint: `http://127.0.0.1:${port}`,
      timeoutMs: 3_000,
      maxSockets: 8,
    }),
    client,
    close: async () => {
      client.destroy();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
