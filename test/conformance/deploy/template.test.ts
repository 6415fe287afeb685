/** A CloudFormation written by others creates the stack from the files that `nightshift template` writes. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeTemplate } from '#cli/template/template.ts';
import { loadConfig } from '#lib/config-file.ts';
import type { EnvironmentConfig } from '#model/config.ts';
import sample from '../../../nightshift.config.ts';
import { checkedOn, note } from '../checked-on.ts';
import { type Ministack, startMinistack } from '../servers/ministack.ts';
import { removeUnknown, type Template } from './assembly.ts';

const { account, region } = sample.environments['develop'] as EnvironmentConfig;
const STACK = 'Nightshift-develop';
const BUCKET = 'nightshift-artifacts';
/** CloudFormation takes a longer template from S3 only. */
const LONGEST_BODY = 51_200;

let server: Ministack;
const folder = mkdtempSync(path.join(tmpdir(), 'nightshift-template-'));

beforeAll(async () => {
  server = await startMinistack(process.env['MINISTACK_ASSETS'] ?? '', { account, region });
});
afterAll(async () => {
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
});
checkedOn(() => `ministack ${server.version}`);

const authorization = (service: string) =>
  `AWS4-HMAC-SHA256 Credential=${account}/20261124/${region}/${service}/aws4_request, SignedHeaders=host, Signature=0`;

async function put(key: string, body?: Buffer | string): Promise<void> {
  const response = await fetch(`${server.url}/${BUCKET}${key}`, {
    method: 'PUT',
    headers: { authorization: authorization('s3') },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : new Uint8Array(body) }),
  });
  if (!response.ok) throw new Error(`PUT ${key}: ${response.status} ${await response.text()}`);
}

async function cloudformation(parameters: Record<string, string>): Promise<string> {
  const response = await fetch(server.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      authorization: authorization('cloudformation'),
    },
    body: new URLSearchParams({ Version: '2010-05-15', StackName: STACK, ...parameters }),
  });
  return response.text();
}

async function endOfCreation(): Promise<string> {
  for (const until = Date.now() + 120_000; Date.now() < until; ) {
    const text = await cloudformation({ Action: 'DescribeStacks' });
    const status = /<StackStatus>(\w+)</.exec(text)?.[1] ?? text;
    if (!status.endsWith('_IN_PROGRESS')) return status;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  return 'no end';
}

test('the template and the zips of the command make the stack, without a bootstrap', {
  timeout: 300_000,
}, async (context) => {
  await writeTemplate(
    await loadConfig('nightshift.config.ts'),
    'develop',
    { out: folder },
    {
      out: () => undefined,
      err: () => undefined,
      now: () => new Date('2026-11-24T12:55:00Z'),
      color: false,
      user: 'ana',
      cloud: () => Promise.reject(new Error('AWS was called')),
    },
  );
  const file = path.join(folder, `${STACK}.template.json`);
  const text = readFileSync(file, 'utf8');
  expect(Buffer.byteLength(text)).toBeGreaterThan(LONGEST_BODY);
  const template = JSON.parse(text) as Template;
  const removed = removeUnknown(template);
  note(
    context,
    `of the template ${removed.length} resources were removed, of types that ministack does not know`,
  );

  await put(
    '',
    `<CreateBucketConfiguration><LocationConstraint>${region}</LocationConstraint></CreateBucketConfiguration>`,
  );
  for (const zip of readdirSync(path.join(folder, 'assets')))
    await put(`/nightshift/${zip}`, readFileSync(path.join(folder, 'assets', zip)));
  await put('/nightshift/develop.template.json', JSON.stringify(template));
  const created = await cloudformation({
    Action: 'CreateStack',
    TemplateURL: `${server.url}/${BUCKET}/nightshift/develop.template.json`,
    'Capabilities.member.1': 'CAPABILITY_NAMED_IAM',
    'Parameters.member.1.ParameterKey': 'ArtifactBucket',
    'Parameters.member.1.ParameterValue': BUCKET,
  });
  expect(created).toContain('<StackId>');
  expect(await endOfCreation()).toBe('CREATE_COMPLETE');

  const client = new LambdaClient({
    region,
    endpoint: server.url,
    credentials: { accessKeyId: account, secretAccessKey: 'x' },
  });
  const { Functions = [] } = await client.send(new ListFunctionsCommand({}));
  const own = Functions.filter(({ FunctionName }) => FunctionName?.startsWith('nightshift-develop-'));
  expect(own.map(({ FunctionName }) => FunctionName).sort()).toEqual([
    'nightshift-develop-branch-deploy',
    'nightshift-develop-night-schedule',
    'nightshift-develop-self-service',
    'nightshift-develop-spot-drain',
  ]);
  for (const { CodeSize } of own) expect(CodeSize).toBeGreaterThan(100_000);
});
