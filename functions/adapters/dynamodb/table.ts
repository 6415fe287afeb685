/** The environment's table through the SDK, for the command line: it has credentials from wherever the SDK finds them. */
import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DeleteItemCommandInput,
  type DynamoDBClient,
  GetItemCommand,
  type GetItemCommandInput,
  PutItemCommand,
  type PutItemCommandInput,
  QueryCommand,
  type QueryCommandInput,
} from '@aws-sdk/client-dynamodb';
import { ConditionFailedError, createTableOver, type Operation, type TableReply } from './table-over.ts';
import type { Table } from './table-port.ts';

export type { CountOptions, ListOptions, Row, SaveOptions, Table } from './table-port.ts';

type Client = Pick<DynamoDBClient, 'send'>;

export function createTable(client: Client, name: string): Table {
  return createTableOver(async (operation, input) => {
    try {
      return await sent(client, operation, input);
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      throw new ConditionFailedError(error.Item, error.$metadata.attempts ?? 1, error);
    }
  }, name);
}

function sent(client: Client, operation: Operation, input: object): Promise<TableReply> {
  switch (operation) {
    case 'GetItem':
      return client.send(new GetItemCommand(input as GetItemCommandInput));
    case 'Query':
      return client.send(new QueryCommand(input as QueryCommandInput));
    case 'PutItem':
      return client.send(new PutItemCommand(input as PutItemCommandInput)).then(() => ({}));
    case 'DeleteItem':
      return client.send(new DeleteItemCommand(input as DeleteItemCommandInput)).then(() => ({}));
  }
}
