/**
 * The environment's DynamoDB table: every item has a partition (`pk`), a key (`sk`) and its value as a document.
 * The layout of keys is in `table-keys.ts`. Writes that guard a promise are conditional; an item that is ever written
 * conditionally is always written so, because an unconditional write starts its version anew.
 */
import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
} from '@aws-sdk/client-dynamodb';

export interface Item<T> {
  readonly key: string;
  readonly value: T;
  /** Goes up with every write: pass it as `ifVersion` to write only over what was read. */
  readonly version: number;
}

export interface WriteOptions {
  /** `absent`: only if no item is there (an expired one counts as absent). A number: only over this version. */
  readonly if?: 'absent' | number;
  /** The item may be removed after this time, and counts as absent from then on. */
  readonly expires?: Date;
  /** Needed with `if: 'absent'` where items expire: the time at which "expired" is judged. */
  readonly now?: Date;
}

export interface Table {
  get<T>(partition: string, key: string): Promise<Item<T> | undefined>;
  /** All items of the partition whose key begins with `prefix`, in key order; newest last. */
  list<T>(
    partition: string,
    options?: { prefix?: string; after?: string; limit?: number; descending?: boolean },
  ): Promise<readonly Item<T>[]>;
  /** The new version, or undefined where the condition did not hold. */
  put<T>(partition: string, key: string, value: T, options?: WriteOptions): Promise<number | undefined>;
  /** False where `ifVersion` was given and did not match. */
  remove(partition: string, key: string, ifVersion?: number): Promise<boolean>;
}

export function createTable(client: Pick<DynamoDBClient, 'send'>, name: string): Table {
  const keyOf = (pk: string, sk: string) => ({ pk: { S: pk }, sk: { S: sk } });
  const itemOf = <T>(item: Record<string, { S?: string; N?: string }>): Item<T> => ({
    key: item['sk']?.S ?? '',
    value: JSON.parse(item['value']?.S ?? 'null') as T,
    version: Number(item['version']?.N ?? 0),
  });

  return {
    async get<T>(partition: string, key: string) {
      const reply = await client.send(
        new GetItemCommand({ TableName: name, Key: keyOf(partition, key), ConsistentRead: true }),
      );
      return reply.Item ? itemOf<T>(reply.Item as never) : undefined;
    },

    async list<T>(
      partition: string,
      options: { prefix?: string; after?: string; limit?: number; descending?: boolean } = {},
    ) {
      const items: Item<T>[] = [];
      let from: Record<string, never> | undefined;
      const condition = options.prefix ? ' AND begins_with(sk, :sk)' : options.after ? ' AND sk > :sk' : '';
      const bound = options.prefix ?? options.after;
      do {
        const reply = await client.send(
          new QueryCommand({
            TableName: name,
            ConsistentRead: true,
            KeyConditionExpression: `pk = :pk${condition}`,
            ExpressionAttributeValues: { ':pk': { S: partition }, ...(bound ? { ':sk': { S: bound } } : {}) },
            ScanIndexForward: !options.descending,
            ...(options.limit ? { Limit: options.limit - items.length } : {}),
            ...(from ? { ExclusiveStartKey: from } : {}),
          }),
        );
        for (const item of reply.Items ?? []) items.push(itemOf<T>(item as never));
        from = reply.LastEvaluatedKey as Record<string, never> | undefined;
      } while (from && (options.limit === undefined || items.length < options.limit));
      return items;
    },

    async put(partition, key, value, options = {}) {
      const version = typeof options.if === 'number' ? options.if + 1 : 1;
      const condition =
        options.if === undefined
          ? {}
          : options.if === 'absent'
            ? options.now
              ? {
                  ConditionExpression:
                    // An attribute that is not there compares as false.
                    'attribute_not_exists(pk) OR expires <= :now',
                  ExpressionAttributeValues: { ':now': { N: seconds(options.now) } },
                }
              : { ConditionExpression: 'attribute_not_exists(pk)' }
            : {
                ConditionExpression: '#version = :version',
                ExpressionAttributeNames: { '#version': 'version' },
                ExpressionAttributeValues: { ':version': { N: String(options.if) } },
              };
      try {
        await client.send(
          new PutItemCommand({
            TableName: name,
            Item: {
              ...keyOf(partition, key),
              value: { S: JSON.stringify(value) },
              version: { N: String(version) },
              ...(options.expires ? { expires: { N: seconds(options.expires) } } : {}),
            },
            ...condition,
          }),
        );
        return version;
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return undefined;
        throw error;
      }
    },

    async remove(partition, key, ifVersion) {
      try {
        await client.send(
          new DeleteItemCommand({
            TableName: name,
            Key: keyOf(partition, key),
            ...(ifVersion === undefined
              ? {}
              : {
                  ConditionExpression: '#version = :version',
                  ExpressionAttributeNames: { '#version': 'version' },
                  ExpressionAttributeValues: { ':version': { N: String(ifVersion) } },
                }),
          }),
        );
        return true;
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return false;
        throw error;
      }
    },
  };
}

/** DynamoDB's time to live counts in seconds since the epoch. */
function seconds(date: Date): string {
  return String(Math.ceil(date.getTime() / 1000));
}
