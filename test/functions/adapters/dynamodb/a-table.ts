/** A table of the lab's DynamoDB, behind the SDK's own client, for the tests of what is kept in it. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createDynamoDb } from '@nightshift/lab/http/aws/services/dynamodb.ts';
import { createTable, type Table } from '#functions/adapters/dynamodb/table.ts';

const SCOPE = { account: '111111111111', region: 'ap-northeast-1' };

export async function aTable(): Promise<{ table: Table; client: DynamoDBClient; close(): Promise<void> }> {
  const dynamo = createDynamoDb();
  const server = createServer(async (request, response) => {
    const { status, headers, body } = await dynamo.ask(SCOPE, {
      headers: request.headers,
      body: await buffer(request),
    });
    response.writeHead(status, headers).end(body);
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
    client,
    close: async () => {
      client.destroy();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
