/** The environment's DynamoDB table. */
import { DefaultStackSynthesizer, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import { AnyPrincipal, Effect, PolicyDocument, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { tableNameOf } from '#model/names.ts';
import type { Partition } from '#model/partitions.ts';
import { checkedEnvironment, type EnvironmentProps } from './checked-environment.ts';
import type { PermissionGrantee } from './permission.ts';

/** The environment whose state it is. */
export type StateTableProps = EnvironmentProps;

/**
 * Stores sizes, overrides, deploys, claims and decisions. It is retained when the stack is deleted, and deleted when the
 * first deploy of its stack is rolled back: then the deploy can be repeated.
 */
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
      // The sizes of a stopped group are stored only here: they must survive the stack. Deletion protection would also
      // block the rollback of a failed first deploy (decision 0045).
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
      resourcePolicy: onlyCloudFormationDeletes(Stack.of(this)),
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

/** Denies `DeleteTable` to everyone but CloudFormation, which deletes the table only when its creation is rolled back. */
function onlyCloudFormationDeletes(stack: Stack): PolicyDocument {
  const { synthesizer, partition } = stack;
  // The synthesizer's ARN is a text for Fn::Sub.
  const executionRole =
    synthesizer instanceof DefaultStackSynthesizer
      ? synthesizer.cloudFormationExecutionRoleArn.replace(/\$\{AWS::Partition\}/, partition)
      : undefined;
  return new PolicyDocument({
    statements: [
      new PolicyStatement({
        sid: 'OnlyCloudFormationDeletes',
        effect: Effect.DENY,
        principals: [new AnyPrincipal()],
        actions: ['dynamodb:DeleteTable'],
        // The policy belongs to the table: its ARN here would be a reference of the table to itself.
        resources: ['*'],
        conditions: {
          // With the caller's credentials the key names CloudFormation; with a role of its own there is no such key.
          'ForAllValues:StringNotEquals': { 'aws:CalledVia': ['cloudformation.amazonaws.com'] },
          ...(executionRole ? { ArnNotEquals: { 'aws:PrincipalArn': executionRole } } : {}),
        },
      }),
    ],
  });
}

/** Partition names by operation: get one item, list, write, remove. */
export interface PartitionAccess {
  readonly get?: readonly Partition[];
  readonly list?: readonly Partition[];
  readonly write?: readonly Partition[];
  readonly remove?: readonly Partition[];
}
