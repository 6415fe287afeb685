/**
 * A fake AWS on the loopback with what the command line calls: DynamoDB (dynalite), Lambda's Invoke and STS's GetCallerIdentity. It has a clock of
 * its own and can deny operations.
 */
import { createServer, type IncomingMessage } from 'node:http';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';
import { vi } from 'vitest';
import { createTable, type Table } from '#functions/adapters/dynamodb/table.ts';
import { tableNameOf } from '#model/names.ts';

export interface Invocation {
  readonly function: string;
  readonly type: string;
  readonly payload: unknown;
}

export interface FakeAws {
  readonly url: string;
  readonly invocations: Invocation[];
  /** Operations that are denied: `dynamodb:Query`, `lambda:InvokeFunction`. */
  readonly denied: Set<string>;
  /** Operations that were called, in order. */
  readonly calls: string[];
  /** Whose credentials the commands have. */
  caller: string;
  tableOf(environment: string): Promise<Table>;
  close(): Promise<void>;
}

const REGION = 'ap-northeast-1';

export async function startFakeAws(options: { readonly now: () => Date }): Promise<FakeAws> {
  const invocations: Invocation[] = [];
  const denied = new Set<string>();
  const calls: string[] = [];
  const database = dynalite({ createTableMs: 0 });

  const server = createServer((request, response) => {
    response.setHeader('date', options.now().toUTCString());
    const [, target] = String(request.headers['x-amz-target'] ?? '').split('.');
    const called = /^\/2015-03-31\/functions\/([^/]+)\/invocations/.exec(request.url ?? '')?.[1];
    const isIdentity = !called && target === undefined;
    const operation = called
      ? 'lambda:InvokeFunction'
      : isIdentity
        ? 'sts:GetCallerIdentity'
        : `dynamodb:${target}`;
    calls.push(operation);
    if (denied.has(operation)) {
      response.writeHead(called ? 403 : 400, {
        'content-type': 'application/x-amz-json-1.0',
        'x-amzn-errortype': 'AccessDeniedException',
      });
      const message = `User: arn:aws:iam::111111111111:user/ana is not authorized to perform: ${operation} on resource: x`;
      response.end(
        JSON.stringify({
          __type: 'com.amazon.coral.service#AccessDeniedException',
          Message: message,
          message,
        }),
      );
    } else if (called) {
      void textOf(request).then((body) => {
        invocations.push({
          function: called,
          type: String(request.headers['x-amz-invocation-type']),
          payload: JSON.parse(body),
        });
        response.writeHead(202).end();
      });
    } else if (isIdentity) {
      response.setHeader('content-type', 'text/xml');
      response.end(
        `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>${fake.caller}</Arn><UserId>AROAEXAMPLE:ana</UserId><Account>111111111111</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`,
      );
    } else {
      database.emit('request', request, response);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
  const client = new DynamoDBClient({
    endpoint: url,
    region: REGION,
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
  });

  const fake: FakeAws = {
    url,
    caller: 'arn:aws:sts::111111111111:assumed-role/Developer/ana.smith',
    invocations,
    denied,
    calls,
    async tableOf(environment) {
      const TableName = tableNameOf(environment);
      await client.send(
        new CreateTableCommand({
          TableName,
          BillingMode: 'PAY_PER_REQUEST',
          AttributeDefinitions: [
            { AttributeName: 'pk', AttributeType: 'S' },
            { AttributeName: 'sk', AttributeType: 'S' },
          ],
          KeySchema: [
            { AttributeName: 'pk', KeyType: 'HASH' },
            { AttributeName: 'sk', KeyType: 'RANGE' },
          ],
        }),
      );
      calls.length = 0;
      return createTable(client, TableName);
    },
    close: () =>
      new Promise((resolve) => {
        client.destroy();
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return fake;
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** The same, in the place of AWS for the shell of the test. `leaveFakeAws` ends it. */
export async function enterFakeAws(options: Parameters<typeof startFakeAws>[0]): Promise<FakeAws> {
  const aws = await startFakeAws(options);
  vi.stubEnv('AWS_ENDPOINT_URL', aws.url);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'a');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'b');
  return aws;
}

export async function leaveFakeAws(aws: FakeAws): Promise<void> {
  vi.unstubAllEnvs();
  await aws.close();
}
