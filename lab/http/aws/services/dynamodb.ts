/**
 * DynamoDB is dynalite, in this process: one store per account and region, called without a port. The AWS
 * endpoint has verified the signature before; dynalite only checks that there is one.
 */
import { EventEmitter } from 'node:events';
import type { Server } from 'node:http';
import dynalite from 'dynalite';
import type { Scope } from '../../../world/aws/index.ts';
import type { WireReply } from '../protocols.ts';
import { type AwsService, RawReply } from '../service.ts';

export interface DynamoDb {
  ask(
    scope: Scope,
    request: {
      readonly headers: Readonly<Record<string, string | string[] | undefined>>;
      readonly body: Buffer;
    },
  ): Promise<WireReply>;
  /** A table with the string keys `pk` and `sk`, billed on demand; active when this resolves. */
  createTable(table: Scope & { readonly name: string }): Promise<void>;
}

export function createDynamoDb(): DynamoDb {
  const stores = new Map<string, Server>();

  const storeOf = ({ account, region }: Scope): Server => {
    const key = `${account}/${region}`;
    const known = stores.get(key);
    if (known) return known;
    const store = withAccount(account, region, () =>
      dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 }),
    );
    stores.set(key, store);
    return store;
  };

  const askDynalite: DynamoDb['ask'] = (scope, { headers, body }) =>
    new Promise((resolve) => {
      const request = Object.assign(new EventEmitter(), { method: 'POST', url: '/', headers });
      storeOf(scope).emit('request', request, replyInto(resolve));
      if (body.length > 0) request.emit('data', body);
      request.emit('end');
    });

  const ask: DynamoDb['ask'] = async (scope, request) => {
    const reply = await askDynalite(scope, request);
    const key = keyOfRefused(reply, request.body);
    if (!key) return reply;
    const { Item } = await call(scope, 'GetItem', { ...key, ConsistentRead: true });
    return Item ? withItem(reply, Item) : reply;
  };

  const call = async (scope: Scope, operation: string, input: object) => {
    const reply = await askDynalite(scope, {
      headers: {
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': `DynamoDB_20120810.${operation}`,
        'x-amz-date': '20000101T000000Z',
        authorization:
          'AWS4-HMAC-SHA256 Credential=lab/20000101/lab/dynamodb/aws4_request, SignedHeaders=host, Signature=lab',
      },
      body: Buffer.from(JSON.stringify(input)),
    });
    if (reply.status !== 200) throw new Error(`${operation} was refused: ${reply.body}`);
    return JSON.parse(reply.body.toString()) as { Table?: { TableStatus?: string }; Item?: object };
  };

  return {
    ask,
    async createTable({ name, ...scope }) {
      await call(scope, 'CreateTable', {
        TableName: name,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [
          { AttributeName: 'pk', AttributeType: 'S' },
          { AttributeName: 'sk', AttributeType: 'S' },
        ],
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
      });
      for (;;) {
        const { Table } = await call(scope, 'DescribeTable', { TableName: name });
        if (Table?.TableStatus === 'ACTIVE') return;
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    },
  };
}

/**
 * dynalite does not know `ReturnValuesOnConditionCheckFailure`. Where a write asks for the item that made its condition
 * fail, this is that item's key. (DynamoDB takes the item in the same instant; here another write may come between.)
 */
function keyOfRefused(reply: WireReply, body: Buffer): object | undefined {
  if (reply.status !== 400 || !String(reply.body).includes('#ConditionalCheckFailedException'))
    return undefined;
  const asked = JSON.parse(body.toString()) as {
    readonly ReturnValuesOnConditionCheckFailure?: string;
    readonly TableName: string;
    readonly Key?: object;
    readonly Item?: { readonly pk: unknown; readonly sk: unknown };
  };
  if (asked.ReturnValuesOnConditionCheckFailure !== 'ALL_OLD') return undefined;
  const Key = asked.Key ?? { pk: asked.Item?.pk, sk: asked.Item?.sk };
  return { TableName: asked.TableName, Key };
}

function withItem(reply: WireReply, Item: object): WireReply {
  const body = JSON.stringify({ ...(JSON.parse(String(reply.body)) as object), Item });
  const { 'x-amz-crc32': _, 'content-length': __, ...headers } = reply.headers;
  return { ...reply, headers: { ...headers, 'content-length': String(Buffer.byteLength(body)) }, body };
}

export function dynamoDbService(dynamo: DynamoDb): AwsService {
  return {
    service: 'dynamodb',
    protocol: 'json-1.0',
    target: 'DynamoDB_20120810',
    resource({ account, region, parameters }) {
      const table = parameters['TableName'];
      if (typeof table !== 'string') return undefined;
      return table.startsWith('arn:') ? table : `arn:aws:dynamodb:${region}:${account}:table/${table}`;
    },
    async handle(request) {
      const { status, headers, body } = await dynamo.ask(request, request);
      return new RawReply(body, { status, headers });
    },
  };
}

/** The part of a server's response that dynalite uses. */
function replyInto(resolve: (reply: WireReply) => void) {
  const headers: Record<string, string> = {};
  return {
    statusCode: 200,
    contentType: '',
    setHeader(name: string, value: string | number) {
      headers[name.toLowerCase()] = String(value);
    },
    end(body = '') {
      resolve({ status: this.statusCode, headers, body });
    },
  };
}

/** dynalite reads the account and region of its ARNs from the environment, once, when a store is made. */
function withAccount<T>(account: string, region: string, make: () => T): T {
  const before = { AWS_ACCOUNT_ID: process.env['AWS_ACCOUNT_ID'], AWS_REGION: process.env['AWS_REGION'] };
  process.env['AWS_ACCOUNT_ID'] = account;
  process.env['AWS_REGION'] = region;
  try {
    return make();
  } finally {
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}
