/** The environment's DynamoDB table. */
import { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';
import { tableNameOf } from '#model/names.ts';
import type { Partition } from '#model/partitions.ts';
import { checkedEnvironment, type EnvironmentProps } from './checked-environment.ts';
import type { PermissionGrantee } from './permission.ts';

/** The environment whose state it is. */
export type StateTableProps = EnvironmentProps;

/** Stores sizes, overrides, deploys, claims and decisions. It is retained when the stack is deleted. */
export class StateTable extends Construct {
  readonly table: Table;
  /** The environment's name in the config. */
  readonly environment: string;
  /** The name as a literal; `table.tableName` is a reference. */
  readonly name: string;

  constructor(scope: Construct, id: string, props: StateTableProps) {
    super(scope, id);
    this.environment = checkedEnvironment(props).name;
    this.name = tableNameOf(this.environment);
    this.table = new Table(this, 'Table', {
      tableName: this.name,
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      sortKey: { name: 'sk', type: AttributeType.STRING },
      timeToLiveAttribute: 'expires',
      billingMode: BillingMode.PAY_PER_REQUEST,
      encryption: TableEncryption.DEFAULT,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      // The sizes of a stopped group are stored only here: they must survive the stack.
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
  }

  /**
   * Grants access to partitions of the table (`functions/adapters/table-keys.ts`), by operation: no other function can
   * overwrite the saved sizes.
   */
  permit(to: PermissionGrantee, partitions: PartitionAccess): void {
    const operations = [
      { sid: 'GetState', action: 'dynamodb:GetItem', names: partitions.get },
      { sid: 'ListState', action: 'dynamodb:Query', names: partitions.list },
      { sid: 'WriteState', action: 'dynamodb:PutItem', names: partitions.write },
      { sid: 'RemoveState', action: 'dynamodb:DeleteItem', names: partitions.remove },
    ];
    for (const { sid, action, names = [] } of operations)
      if (names.length > 0)
        to.allow({
          sid,
          actions: [action],
          resources: [this.table.tableArn],
          conditions: { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': [...names] } },
        });
  }
}

/** Partition names by operation: get one item, list, write, remove. */
export interface PartitionAccess {
  readonly get?: readonly Partition[];
  readonly list?: readonly Partition[];
  readonly write?: readonly Partition[];
  readonly remove?: readonly Partition[];
}
