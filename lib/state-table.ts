/** The environment's table: sizes, overrides, deploys, leases and decisions. It outlives the stack. */
import { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';
import { tableNameOf } from '#model/names.ts';
import type { Partition } from '#model/partitions.ts';
import type { NightshiftFunction } from './nightshift-function.ts';

export interface StateTableProps {
  readonly environment: string;
}

export class StateTable extends Construct {
  readonly table: Table;
  /** The name in plain, also where `table.tableName` is a reference. */
  readonly name: string;

  constructor(scope: Construct, id: string, props: StateTableProps) {
    super(scope, id);
    this.name = tableNameOf(props.environment);
    this.table = new Table(this, 'Table', {
      tableName: this.name,
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      sortKey: { name: 'sk', type: AttributeType.STRING },
      timeToLiveAttribute: 'expires',
      billingMode: BillingMode.PAY_PER_REQUEST,
      encryption: TableEncryption.DEFAULT,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      // A sleeping group's sizes are here and nowhere else: they must survive the stack.
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
  }

  /**
   * Lets a function into partitions of the table (`functions/adapters/dynamodb/table-keys.ts`), verb by verb: what one function
   * has written down, the sizes above all, no other can overwrite.
   */
  permit(to: NightshiftFunction, partitions: PartitionAccess): void {
    const verbs = [
      { sid: 'GetState', action: 'dynamodb:GetItem', names: partitions.get },
      { sid: 'ListState', action: 'dynamodb:Query', names: partitions.list },
      { sid: 'WriteState', action: 'dynamodb:PutItem', names: partitions.write },
      { sid: 'RemoveState', action: 'dynamodb:DeleteItem', names: partitions.remove },
    ];
    for (const { sid, action, names = [] } of verbs)
      if (names.length > 0)
        to.allow({
          sid,
          actions: [action],
          resources: [this.table.tableArn],
          conditions: { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': [...names] } },
        });
  }
}

/** The partitions that a function reads one item of, lists, writes into, and removes items from. */
export interface PartitionAccess {
  readonly get?: readonly Partition[];
  readonly list?: readonly Partition[];
  readonly write?: readonly Partition[];
  readonly remove?: readonly Partition[];
}
