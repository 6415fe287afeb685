/**
 * The AWS of the comparison: moto, and in front of it what moto has no way to know. The cluster's endpoint is that of the real
 * kube-apiserver, and whoever listens plays the executions of Step Functions.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { freePort } from '#test/conformance/servers/control-plane-program.ts';

export interface Account {
  /** `AWS_ENDPOINT_URL` */
  readonly url: string;
  /** Called with the input of each execution that is started, until the next call. */
  onExecution(listener: (input: ExecutionInput) => void): void;
  createTable(name: string, region: string): Promise<void>;
  /** From then on DescribeCluster answers with it. */
  serve(cluster: { readonly endpoint: string; readonly ca: string }): void;
  close(): Promise<void>;
}

export interface ExecutionInput {
  readonly delaySeconds: number;
  readonly check: unknown;
}

export const CREDENTIALS = { accessKeyId: 'peers', secretAccessKey: 'secret' };
const READY_MS = 60_000;

/** `program`: moto_server, by its name or path. */
export async function startAccount(program: string): Promise<Account> {
  const port = await freePort();
  const moto = spawn(program, ['-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
  const failed = once(moto, 'error').then(([error]) => {
    throw new Error(`${program} did not start: put moto_server on the PATH, or name it in MOTO_SERVER`, {
      cause: error,
    });
  });
  await Promise.race([failed, untilAnswered(`http://127.0.0.1:${port}/moto-api/`)]);
  failed.catch(() => undefined);
  let cluster = { endpoint: '', ca: '' };
  let listener = (_input: ExecutionInput): void => undefined;
  const front = http.createServer((request, response) => {
    const answer = answerOf(request, cluster);
    if (answer) {
      void text(request).then((body) => {
        const { input } = JSON.parse(body || '{}') as { readonly input?: string };
        if (input !== undefined) listener(JSON.parse(input) as ExecutionInput);
        response.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
      });
      return;
    }
    const { method, url: path, headers } = request;
    const onward = http.request({ port, method, path, headers, agent }, (reply) => {
      response.writeHead(reply.statusCode ?? 502, reply.headers);
      reply.pipe(response);
    });
    onward.on('error', () => response.writeHead(502).end());
    request.pipe(onward);
  });
  const agent = new http.Agent({ keepAlive: true });
  front.listen(0, '127.0.0.1');
  await once(front, 'listening');
  const url = `http://127.0.0.1:${(front.address() as AddressInfo).port}`;
  return {
    url,
    onExecution: (next) => {
      listener = next;
    },
    createTable: (name, region) => createTable(url, name, region),
    serve: (served) => {
      cluster = served;
    },
    async close() {
      front.close();
      front.closeAllConnections();
      agent.destroy();
      moto.kill('SIGTERM');
      await once(moto, 'close');
    },
  };
}

function answerOf(
  { method, url = '', headers }: http.IncomingMessage,
  { endpoint, ca }: { readonly endpoint: string; readonly ca: string },
): unknown {
  const name = /^\/clusters\/([^/?]+)$/.exec(url)?.[1];
  if (method === 'GET' && name !== undefined) {
    const certificateAuthority = { data: Buffer.from(ca).toString('base64') };
    return { cluster: { name, status: 'ACTIVE', endpoint, certificateAuthority } };
  }
  if (headers['x-amz-target'] === 'AWSStepFunctions.StartExecution')
    return { executionArn: 'arn:aws:states:::execution:peers', startDate: Date.now() / 1_000 };
  return undefined;
}

async function createTable(endpoint: string, TableName: string, region: string): Promise<void> {
  const client = new DynamoDBClient({ endpoint, region, credentials: CREDENTIALS });
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
  client.destroy();
}

async function untilAnswered(url: string): Promise<void> {
  const end = performance.now() + READY_MS;
  for (;;) {
    const isUp = await fetch(url).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isUp) return;
    if (performance.now() > end) throw new Error(`moto did not answer within ${READY_MS / 1_000} s`);
    await wait(200);
  }
}
