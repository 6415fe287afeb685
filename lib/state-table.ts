/** The environment's table: sizes, overrides, deploys, leases and decisions. It outlives the stack. */
import { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';

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
}
