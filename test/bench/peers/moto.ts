/** moto's server: the table of the functions, Auto Scaling, EC2 and SQS. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EC2Client, RunInstancesCommand } from '@aws-sdk/client-ec2';
import { createSignedRequests, jsonRequest } from '#functions/adapters/aws/signed-requests.ts';
import { aTableOf } from '#test/conformance/aws/an-account.ts';
import {
  freePort,
  startProgram,
  untilReady,
  withPrograms,
} from '#test/conformance/servers/control-plane-program.ts';

const REGION = 'ap-northeast-1';
const READY_MS = 60_000;
const SQS_MS = 10_000;
const AMI = 'ami-12c6146b';

export interface Moto {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  /** `5.1.2`, or `of an unknown version`. */
  readonly version: string;
  createTable(name: string): Promise<void>;
  /** With the names that EC2 gives them. */
  runInstances(count: number): Promise<readonly { readonly instanceId: string; readonly name: string }[]>;
  /** Its URL. */
  createQueue(): Promise<string>;
  send(queue: string, body: string): Promise<void>;
  close(): Promise<void>;
}

/** From the PATH. */
export function startMoto(): Promise<Moto> {
  return withPrograms('moto', async (_folder, programs, close) => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const flags = ['--host', '127.0.0.1', '--port', String(port)];
    programs.push(startProgram('', 'moto_server', flags, { priority: 'usual' }));
    await untilReady('moto_server', async () => (await fetch(`${url}/moto-api/`)).ok, programs, READY_MS);
    const config = {
      endpoint: url,
      region: REGION,
      credentials: { accessKeyId: 'bench', secretAccessKey: 'secret' },
    };
    const [dynamo, ec2] = [new DynamoDBClient(config), new EC2Client(config)];
    const sqs = createSignedRequests({
      service: 'sqs',
      region: REGION,
      credentials: async () => config.credentials,
      now: () => new Date(),
      endpoint: url,
    });
    const ask = async (operation: string, input: object) => {
      const { status, body } = await sqs(
        jsonRequest(`AmazonSQS.${operation}`, input, { version: '1.0', timeoutMs: SQS_MS }),
      );
      if (status !== 200) throw new Error(`moto answered ${status} to ${operation}: ${body}`);
      return JSON.parse(body) as { readonly QueueUrl?: string };
    };
    let queues = 0;
    return {
      url,
      version: await versionOf(),
      async createTable(name) {
        await aTableOf({ dynamo }, name);
      },
      async runInstances(count) {
        const { Instances = [] } = await ec2.send(
          new RunInstancesCommand({
            ImageId: AMI,
            InstanceType: 'm7g.large',
            MinCount: count,
            MaxCount: count,
          }),
        );
        return Instances.map(({ InstanceId = '', PrivateDnsName = '' }) => ({
          instanceId: InstanceId,
          name: PrivateDnsName,
        }));
      },
      async createQueue() {
        const { QueueUrl = '' } = await ask('CreateQueue', { QueueName: `peers-${++queues}` });
        return QueueUrl;
      },
      async send(queue, body) {
        await ask('SendMessage', { QueueUrl: queue, MessageBody: body });
      },
      async close() {
        dynamo.destroy();
        ec2.destroy();
        await close();
      },
    };
  });
}

/** Of the Python that runs it. */
async function versionOf(): Promise<string> {
  try {
    for (const folder of (process.env['PATH'] ?? '').split(path.delimiter)) {
      const script = await readFile(path.join(folder, 'moto_server'), 'utf8').catch(() => undefined);
      const python = script?.match(/^#!(\S+)/)?.[1];
      if (python === undefined) continue;
      const question = 'from importlib.metadata import version; print(version("moto"))';
      return (await promisify(execFile)(python, ['-c', question])).stdout.trim();
    }
  } catch {
    // Started by something else than a script of Python.
  }
  return 'of an unknown version';
}
