/** The CDK deploys the stacks to a CloudFormation written by others, which runs their functions. */
import { spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import {
  DeleteItemCommand,
  DescribeTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
} from '@aws-sdk/client-dynamodb';
import { InvokeCommand, LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EnvironmentConfig, NightshiftConfig } from '#model/config.ts';
import sample from '../../../nightshift.config.ts';
import { configWith, OPTIONS, REFUSED } from '../../infra/options.ts';
import { checkedOn, note } from '../checked-on.ts';
import { type Ministack, startMinistack } from '../servers/ministack.ts';
import { type Assembly, synth, type Template } from './assembly.ts';

const { account, region } = sample.environments['develop'] as EnvironmentConfig;
const STACK = 'Nightshift-develop';
const TABLE = 'nightshift-develop';

let server: Ministack;
const assemblies: Assembly[] = [];

beforeAll(async () => {
  server = await startMinistack(process.env['MINISTACK_ASSETS'] ?? '', { account, region });
});
afterAll(async () => {
  await server?.close();
  for (const { directory } of assemblies) rmSync(directory, { recursive: true, force: true });
});
checkedOn(() => `ministack ${server.version}, aws-cdk ${cdkVersion()}`);

const cdkVersion = () =>
  JSON.parse(readFileSync('node_modules/aws-cdk/package.json', 'utf8')).version as string;
const credentialsOf = (id: string) => ({ accessKeyId: id, secretAccessKey: 'x' });
const clientOptions = (id = account) => ({ region, endpoint: server.url, credentials: credentialsOf(id) });

interface Outcome {
  readonly code: number | null;
  readonly text: string;
}

/** ministack takes the access key's id for the account. */
function cdk(args: readonly string[], id = account): Promise<Outcome> {
  const child = spawn('cdk', [...args, '--no-color'], {
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      AWS_ENDPOINT_URL: server.url,
      AWS_ACCESS_KEY_ID: id,
      AWS_SECRET_ACCESS_KEY: 'x',
      AWS_REGION: region,
      CI: 'true',
    },
  });
  let text = '';
  child.stdout.on('data', (chunk) => (text += chunk));
  child.stderr.on('data', (chunk) => (text += chunk));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, text }));
  });
}

function assembly(config: NightshiftConfig, edit?: (stack: string, template: Template) => void): Assembly {
  const made = synth(config, edit);
  assemblies.push(made);
  return made;
}

const deploy = (made: Assembly, stack = STACK, id = account, ...more: string[]) =>
  cdk(
    [
      'deploy',
      stack,
      '--app',
      made.directory,
      '--require-approval',
      'never',
      '--progress',
      'events',
      ...more,
    ],
    id,
  );

/** CloudFormation's query protocol: the project has no client for it. */
async function cloudformation(action: string, id = account, stack = STACK): Promise<string> {
  const response = await fetch(server.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      authorization: `AWS4-HMAC-SHA256 Credential=${id}/20261124/${region}/cloudformation/aws4_request, SignedHeaders=host, Signature=0`,
    },
    body: new URLSearchParams({ Action: action, StackName: stack, Version: '2010-05-15' }),
  });
  return response.text();
}
const statusOf = async (id = account, stack = STACK) =>
  /<StackStatus>(\w+)</.exec(await cloudformation('DescribeStacks', id, stack))?.[1];

const hasTable = async () => {
  const client = new DynamoDBClient(clientOptions());
  return client.send(new DescribeTableCommand({ TableName: TABLE })).then(
    () => true,
    (error: Error) => (error.name === 'ResourceNotFoundException' ? false : Promise.reject(error)),
  );
};
const functionNames = async (id = account) => {
  const { Functions = [] } = await new LambdaClient(clientOptions(id)).send(new ListFunctionsCommand({}));
  return Functions.map(({ FunctionName }) => FunctionName ?? '').sort();
};

const developOnly = (change: object = {}): NightshiftConfig =>
  ({
    ...sample,
    environments: { develop: { ...sample.environments['develop'], ...change } },
  }) as NightshiftConfig;

/** An alarm that ministack refuses to create, after the table. */
function withFailingResource(_stack: string, { Resources }: Template): void {
  const [table] = Object.entries(Resources).find(([, { Type }]) => Type === 'AWS::DynamoDB::Table') ?? [];
  Resources['Failing'] = {
    Type: 'AWS::CloudWatch::Alarm',
    Properties: {
      ComparisonOperator: 'LessThanThreshold',
      EvaluationPeriods: 1,
      Threshold: 1,
      Metrics: [{ Id: 'a', Expression: '1' }],
    },
    DependsOn: [table ?? ''],
  };
}

const SAVED_KEY = { pk: { S: 'night' }, sk: { S: 'saved#develop/workers' } };

async function saveSizes(): Promise<void> {
  const value = JSON.stringify({
    group: 'workers',
    autoScalingGroup: 'eks-workers',
    size: { min: 1, desired: 3, max: 5 },
    phase: 'asleep',
    since: '2026-11-24T13:05:00.000Z',
  });
  await new DynamoDBClient(clientOptions()).send(
    new PutItemCommand({
      TableName: TABLE,
      Item: { ...SAVED_KEY, value: { S: value }, version: { N: '1' } },
    }),
  );
}

const NO_CONFLICT = 'ministack creates a table in the place of one of the same name.';

async function hasSizes(): Promise<boolean> {
  const { Item } = await new DynamoDBClient(clientOptions()).send(
    new GetItemCommand({ TableName: TABLE, Key: SAVED_KEY }),
  );
  return Item !== undefined;
}

describe('the stack of the sample config', () => {
  let sampled: Assembly;

  test('the account is bootstrapped', async () => {
    const { code, text } = await cdk(['bootstrap', `aws://${account}/${region}`]);
    expect(text).toMatch(/bootstrapped/);
    expect(code).toBe(0);
  });

  test('a first deploy that fails removes its table, and can be repeated', async (context) => {
    const { code, text } = await deploy(assembly(developOnly(), withFailingResource));
    expect(text).toMatch(/metric math/);
    expect(code).not.toBe(0);
    expect(await statusOf()).toBe('ROLLBACK_COMPLETE');
    expect(await hasTable()).toBe(false);

    sampled = assembly(developOnly());
    const again = await deploy(sampled);
    expect(again.text).toContain('✅');
    expect(await statusOf()).toBe('CREATE_COMPLETE');
    expect(await hasTable()).toBe(true);
    note(
      context,
      `Taken out before each deploy, because ministack does not know them: ${[...new Set(sampled.removed.map((line) => line.split(' ').at(-1)))].join(', ')} (${sampled.removed.length} resources; of alarms those on an expression). It evaluates no policies of tables.`,
    );
  });

  test('the custom resource is called, and night-schedule answers it', async () => {
    expect(await cloudformation('DescribeStackResources')).toContain('nightshift-develop-night<');
  });

  test('a second deploy finds nothing to change', async () => {
    const { text } = await deploy(sampled);
    expect(text).toContain('(no changes)');
    const diff = await cdk(['diff', STACK, '--app', sampled.directory, '--fail']);
    expect(diff.code).toBe(0);
  });

  test('a changed config is an update', async () => {
    const { text, code } = await deploy(assembly(developOnly({ warnMinutes: 5 })));
    expect(text).toContain('✅');
    expect(code).toBe(0);
    expect(await statusOf()).toBe('UPDATE_COMPLETE');
  });

  test.for([
    ['cluster', { cluster: 'other' }],
    ['dryRun', { dryRun: true }],
  ] as const)('while something sleeps a changed %s is refused and rolled back', async ([, change]) => {
    await saveSizes();
    const { text, code } = await deploy(assembly(developOnly(change)));
    expect(text).toMatch(/develop is asleep: wake it first/);
    expect(code).not.toBe(0);
    expect(await statusOf()).toBe('UPDATE_ROLLBACK_COMPLETE');
    await new DynamoDBClient(clientOptions()).send(
      new DeleteItemCommand({ TableName: TABLE, Key: SAVED_KEY }),
    );
  });

  test.for([
    ['spot-interruption', 'spot-drain', 1],
    ['rebalance', 'spot-drain', 0],
    ['lifecycle-action', 'spot-drain', 1],
    ['health-retirement', 'spot-drain', 0],
    ['state-change', 'spot-drain', 0],
    ['build-ended', 'branch-deploy', 0],
  ] as const)(
    'the event %s invokes %s once, and starts %i watchdogs',
    async ([name, capability, watchdogs]) => {
      const event = JSON.parse(readFileSync(`test/fuzz/corpus/${name}.json`, 'utf8'));
      const { Rules } = await eventBridge('ListRules', {});
      const targets: string[] = [];
      for (const { Name, EventPattern } of Rules as { Name: string; EventPattern?: string }[]) {
        if (!EventPattern) continue;
        const { Result } = await eventBridge('TestEventPattern', {
          EventPattern,
          Event: JSON.stringify(event),
        });
        if (!Result) continue;
        const { Targets } = await eventBridge('ListTargetsByRule', { Rule: Name });
        targets.push(...(Targets as { Arn: string }[]).map(({ Arn }) => Arn));
      }
      const of = (kind: string) => targets.filter((arn) => arn.includes(kind));
      expect(of(':function:').map((arn) => arn.split(':')[6])).toEqual([`nightshift-develop-${capability}`]);
      expect(of(':stateMachine:')).toHaveLength(watchdogs);
      expect(targets).toHaveLength(1 + watchdogs);
    },
  );

  test.for([
    ['night-schedule', 'night', 'note#seen'],
    ['spot-drain', 'decision', '#spot-drain#'],
    ['branch-deploy', 'decision', '#branch-deploy#'],
  ] as const)('%s runs there, and writes to its table', async ([capability, partition, key]) => {
    await new LambdaClient(clientOptions()).send(
      new InvokeCommand({
        FunctionName: `nightshift-develop-${capability}`,
        Payload: new TextEncoder().encode(JSON.stringify({ source: 'elsewhere' })),
      }),
    );
    const { Items = [] } = await new DynamoDBClient(clientOptions()).send(
      new QueryCommand({
        TableName: TABLE,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': { S: partition } },
      }),
    );
    expect(Items.map(({ sk }) => sk?.S)).toContainEqual(expect.stringContaining(key));
  });

  test('a removal keeps the table, and takes the functions away', async () => {
    const { text, code } = await cdk(['destroy', STACK, '--app', sampled.directory, '--force']);
    expect(text).toContain('destroyed');
    expect(code).toBe(0);
    expect(await hasTable()).toBe(true);
    expect(await functionNames()).toEqual([]);
  });

  test('a deploy over the table that stayed is refused', async (context) => {
    const { code, text } = await deploy(sampled);
    await cdk(['destroy', STACK, '--app', sampled.directory, '--force']);
    if (code === 0) {
      note(context, `${NO_CONFLICT} CloudFormation refuses it as "already exists".`);
      context.skip();
    }
    expect(text).toMatch(/already exist/i);
  });

  test('the table that stayed is imported with its items by --import-existing-resources', async (context) => {
    await saveSizes();
    const { text, code } = await deploy(sampled, STACK, account, '--import-existing-resources');
    expect(text).toContain('✅');
    expect(code).toBe(0);
    const isKept = await hasSizes();
    await cdk(['destroy', STACK, '--app', sampled.directory, '--force']);
    if (!isKept) {
      note(context, `${NO_CONFLICT} The option is accepted, and the table is made anew without its items.`);
      context.skip();
    }
  });
});

describe('other configs', () => {
  test('production is deployed and removed: spot-drain alone', async () => {
    const production = sample.environments['production'] as EnvironmentConfig;
    const made = assembly({ ...sample, environments: { production } });
    const id = production.account;
    await cdk(['bootstrap', `aws://${id}/${region}`], id);
    const { text } = await deploy(made, 'Nightshift-production', id);
    expect(text).toContain('✅');
    expect(await functionNames(id)).toEqual(['nightshift-production-spot-drain']);
    const { code } = await cdk(['destroy', 'Nightshift-production', '--app', made.directory, '--force'], id);
    expect(code).toBe(0);
    expect(await functionNames(id)).toEqual([]);
  });

  test('every option of the config at once is deployed', async () => {
    const every = configWith(
      ...OPTIONS.filter((option) => !option.endsWith('=false') && !REFUSED.includes(option)),
    );
    const id = '777777777777';
    const develop = { ...(every.environments['develop'] as EnvironmentConfig), account: id };
    const text = JSON.stringify({ ...every, environments: { develop } }).replaceAll('111111111111', id);
    const made = assembly(JSON.parse(text) as NightshiftConfig);
    await cdk(['bootstrap', `aws://${id}/${region}`], id);
    const deployed = await deploy(made, STACK, id);
    expect(deployed.text).toContain('✅');
  });
});

async function eventBridge(operation: string, input: object): Promise<Record<string, unknown>> {
  const response = await fetch(server.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': `AWSEvents.${operation}`,
      authorization: `AWS4-HMAC-SHA256 Credential=${account}/20261124/${region}/events/aws4_request, SignedHeaders=host, Signature=0`,
    },
    body: JSON.stringify(input),
  });
  return (await response.json()) as Record<string, unknown>;
}
