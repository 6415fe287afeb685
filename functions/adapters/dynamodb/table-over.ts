/**
 * The environment's DynamoDB table: every item has a partition (`pk`), a key (`sk`), its value as JSON text and a
 * version. The layout of keys is in `table-keys.ts`. Writes that guard a promise are conditional; an item that is ever
 * written conditionally is always written so, because an unconditional write restarts its version.
 *
 * The SDK repeats a write whose reply was lost, and the repetition then fails the condition that its own first attempt
 * has changed. Such a write counts as ours: DynamoDB answers a failed condition with the item that is there
 * (`ALL_OLD`, which needs no permission to read), and where that is exactly what was sent, it was sent by us.
 */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { NightshiftError } from '#functions/shared/errors.ts';
import type { Expected } from '#functions/shared/versioned.ts';
import type { CountOptions, Row, Table } from './table-port.ts';

export type Item = Record<string, AttributeValue>;
export type Operation = 'GetItem' | 'Query' | 'PutItem' | 'DeleteItem';

export interface TableReply {
  readonly Item?: Item | undefined;
  readonly Items?: readonly Item[] | undefined;
  readonly LastEvaluatedKey?: Item | undefined;
  readonly Count?: number | undefined;
}

/** One call of DynamoDB, repeated where that may help. Throws `ConditionFailedError` where its condition is not met. */
export type SendToTable = (
  operation: Operation,
  input: Readonly<Record<string, unknown>> & { readonly TableName: string },
) => Promise<TableReply>;

export class ConditionFailedError extends NightshiftError {
  override name = 'ConditionFailedError';
  /** What is there, as DynamoDB says. */
  readonly item: Item | undefined;
  /** More than one: an earlier attempt may have taken effect. */
  readonly attempts: number;

  constructor(item: Item | undefined, attempts: number, cause?: unknown) {
    super('the condition of a write to the table is not met', { cause });
    this.item = item;
    this.attempts = attempts;
  }
}

export function createTableOver(send: SendToTable, name: string): Table {
  const keyOf = (pk: string, sk: string) => ({ pk: { S: pk }, sk: { S: sk } });

  return {
    async get(partition, key) {
      const reply = await send('GetItem', {
        TableName: name,
        Key: keyOf(partition, key),
        ConsistentRead: true,
      });
      return reply.Item && rowOf(reply.Item);
    },

    async list(partition, options = {}) {
      const rows: Row[] = [];
      let from: Item | undefined;
      const condition = options.prefix ? ' AND begins_with(sk, :sk)' : options.after ? ' AND sk > :sk' : '';
      const bound = options.prefix ?? options.after;
      do {
        const reply: TableReply = await send('Query', {
          TableName: name,
          ConsistentRead: true,
          KeyConditionExpression: `pk = :pk${condition}`,
          ExpressionAttributeValues: { ':pk': { S: partition }, ...(bound ? { ':sk': { S: bound } } : {}) },
          ScanIndexForward: !options.descending,
          ...(options.limit ? { Limit: options.limit - rows.length } : {}),
          ...(from ? { ExclusiveStartKey: from } : {}),
        });
        // A partition without an item has an empty list: a reply without one is none of DynamoDB.
        if (!Array.isArray(reply.Items))
          throw new NightshiftError('dynamodb answered Query with a reply without its items');
        for (const item of reply.Items) rows.push(rowOf(item));
        const next = reply.LastEvaluatedKey;
        if (next && from && next['sk']?.S === from['sk']?.S)
          throw new NightshiftError(`dynamodb answered with the page after ${from['sk']?.S} once more`);
        from = next;
      } while (from && (options.limit === undefined || rows.length < options.limit));
      return rows;
    },

    async count(partition, options) {
      const reply = await send('Query', { TableName: name, ...countOf(partition, options) });
      return reply.Count ?? 0;
    },

    async saveIf(partition, key, value, expected, options = {}) {
      const version = expected === 'absent' ? 1 : expected + 1;
      const item = itemOf(keyOf(partition, key), value, version, options.expires);
      try {
        await send('PutItem', { TableName: name, Item: item, ...conditionOf(expected, options.now) });
        return { value, version };
      } catch (error) {
        if (!(error instanceof ConditionFailedError)) throw error;
        return isRepeated(error) && isSame(error.item, item) ? { value, version } : undefined;
      }
    },

    async removeIf(partition, key, version) {
      try {
        await send('DeleteItem', {
          TableName: name,
          Key: keyOf(partition, key),
          ...conditionOf(version),
        });
        return true;
      } catch (error) {
        if (!(error instanceof ConditionFailedError)) throw error;
        return isRepeated(error) && error.item === undefined;
      }
    },

    async save(partition, key, value, options = {}) {
      const item = itemOf(keyOf(partition, key), value, 1, options.expires);
      await send('PutItem', { TableName: name, Item: item });
    },

    async remove(partition, key) {
      await send('DeleteItem', { TableName: name, Key: keyOf(partition, key) });
    },
  };
}

function countOf(partition: string, { prefix, containing, lacking, limit }: CountOptions) {
  return {
    ConsistentRead: true,
    Select: 'COUNT',
    KeyConditionExpression: 'pk = :pk AND begins_with(sk, :sk)',
    FilterExpression: 'contains(#value, :containing) AND NOT contains(#value, :lacking)',
    ExpressionAttributeNames: { '#value': 'value' },
    ExpressionAttributeValues: {
      ':pk': { S: partition },
      ':sk': { S: prefix },
      ':containing': { S: containing },
      ':lacking': { S: lacking },
    },
    Limit: limit,
  } as const;
}

function rowOf(item: Item): Row {
  const version = Number(item['version']?.N);
  const isVersioned = Number.isInteger(version) && version > 0;
  return {
    key: item['sk']?.S ?? '',
    value: isVersioned ? parsed(item['value']?.S) : undefined,
    version: isVersioned ? version : 0,
  };
}

function parsed(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}

function itemOf(key: Item, value: unknown, version: number, expires: Date | undefined): Item {
  return {
    ...key,
    value: { S: JSON.stringify(value) },
    version: { N: String(version) },
    ...(expires ? { expires: { N: seconds(expires) } } : {}),
  };
}

function conditionOf(expected: Expected, now?: Date) {
  const asked = { ReturnValuesOnConditionCheckFailure: 'ALL_OLD' } as const;
  if (expected !== 'absent')
    return {
      ...asked,
      ConditionExpression: '#version = :version',
      ExpressionAttributeNames: { '#version': 'version' },
      ExpressionAttributeValues: { ':version': { N: String(expected) } },
    };
  if (!now) return { ...asked, ConditionExpression: 'attribute_not_exists(pk)' };
  return {
    ...asked,
    // An attribute that is not there compares as false.
    ConditionExpression: 'attribute_not_exists(pk) OR expires <= :now',
    ExpressionAttributeValues: { ':now': { N: seconds(now) } },
  };
}

function isRepeated({ attempts }: ConditionFailedError): boolean {
  return attempts > 1;
}

/** Two writers may send the same value; only where no attribute differs is it unknown whose it is. */
function isSame(there: Item | undefined, sent: Item): boolean {
  return ['value', 'version', 'expires'].every((name) => {
    const [one, other] = [there?.[name], sent[name]];
    return one?.S === other?.S && one?.N === other?.N;
  });
}

/** DynamoDB's time to live counts in seconds since the epoch. */
function seconds(date: Date): string {
  return String(Math.ceil(date.getTime() / 1000));
}
