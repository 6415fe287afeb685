/** The environment's table: sizes, overrides, deploys, leases and decisions. It outlives the stack. */
import { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';
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
    this.name = `nightshift-${props.environment}`;
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
   * Lets a function read and write partitions of the table (`functions/adapters/table-keys.ts`): what one function
   * has written down, the sizes above all, no other can overwrite.
   */
  permit(
    to: NightshiftFunction,
    partitions: { readonly reads: readonly string[]; readonly writes: readonly string[] },
  ): void {
    const within = (names: readonly string[]) => ({
      'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': [...names] },
    });
    to.allow({
      sid: 'ReadState',
      actions: ['dynamodb:GetItem', 'dynamodb:Query'],
      resources: [this.table.tableArn],
      conditions: within(partitions.reads),
    });
    to.allow({
      sid: 'WriteState',
      actions: ['dynamodb:PutItem', 'dynamodb:DeleteItem'],
      resources: [this.table.tableArn],
      conditions: within(partitions.writes),
    });
  }
}
