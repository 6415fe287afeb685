import { Duration, RemovalPolicy, Stack, Token, Validations } from 'aws-cdk-lib';
import {
  Effect,
  ManagedPolicy,
  PermissionsBoundary,
  PolicyStatement,
  Role,
  ServicePrincipal,
} from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import {
  Architecture,
  type CfnFunction,
  Function as LambdaFunction,
  Runtime,
  Tracing,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { EnvironmentConfig, NetworkConfig } from '#model/config.ts';
import type { Capability } from '#model/decision.ts';
import { functionNameOf } from '#model/names.ts';
import { type CommonSettings, SETTINGS_VARIABLE, TABLE_VARIABLE } from '#model/settings.ts';
import { EVENT_SOURCE } from '#model/trigger.ts';
import { functionCode } from './bundle/function-code.ts';
import type { CheckedEnvironment, EnvironmentProps } from './checked-environment.ts';
import { type EncryptionKey, requiredKey, throughServices } from './encryption-key.ts';
import type { Permission, PermissionGrantee } from './permission.ts';
import { settingsText } from './settings/text.ts';
import type { StateTable } from './state-table.ts';

/** What the construct of every capability takes. */
export interface CapabilityProps extends EnvironmentProps {
  /** The environment's table. */
  readonly table: StateTable;
  /** The topics of the environment: required where its config has `notify`. */
  readonly notifications?: PublishGrant | undefined;
  /** Encrypts topics and queues: required where the config has `encryptionKey`. */
  readonly encryptionKey?: EncryptionKey | undefined;
}

/** Topics that a function may publish to. */
export interface PublishGrant {
  /** Allows the function to publish what it has to report. */
  permit(to: NightshiftFunction): void;
}

/** How the function of one capability runs. */
export interface NightshiftFunctionProps extends Omit<CapabilityProps, keyof EnvironmentProps> {
  /** From `checkedEnvironment`. */
  readonly environment: CheckedEnvironment;
  /** Of this capability. */
  readonly settings: CommonSettings;
  /** The folder under `functions`. */
  readonly capability: Capability;
  /** In MB; `npm run bench -- memory` measures cost and duration of each size. */
  readonly memory: number;
  /** The longest invocation. */
  readonly timeout: Duration;
  /** The oldest event that Lambda still processes after an asynchronous invocation. */
  readonly maxEventAge: Duration;
  /** Retries of Lambda after an asynchronous invocation failed: 0 to 2. */
  readonly retryAttempts: number;
  /** Invocations at once, taken from those of the account. Default: as many as there are. */
  readonly reservedConcurrency?: number;
}

/** Limit of Lambda, in bytes, for the names and values of all variables. */
const ENVIRONMENT_LIMIT = 4096;

/** Whoever reaches their pages can invoke them: they put no events that others might act on. */
const OPEN_TO_ALL: ReadonlySet<Capability> = new Set(['self-service', 'doorbell']);

/** The function of one capability. Its role has no permissions but those from `allow`. */
export class NightshiftFunction extends Construct implements PermissionGrantee {
  readonly capability: Capability;
  readonly role: Role;
  readonly lambda: LambdaFunction;
  /** Of the dead-letter queue; undefined where AWS's own is used. */
  readonly encryptionKey: IKey | undefined;
  /** Events of every trigger that could not be delivered or failed permanently. */
  readonly deadLetters: Queue;
  readonly logGroup: LogGroup;

  constructor(scope: Construct, id: string, props: NightshiftFunctionProps) {
    super(scope, id);
    checkPlace(this, props);
    const { tracing = false, network } = props.environment.config;
    this.capability = props.capability;
    this.encryptionKey = requiredKey(props.environment, props.encryptionKey);
    const functionName = functionNameOf(props.settings.environment, props.capability);

    this.role = new Role(this, 'Role', {
      description: `${props.capability} of eks-nightshift for ${props.settings.environment}`,
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
    });
    this.logGroup = new LogGroup(this, 'Logs', {
      logGroupName: `/aws/lambda/${functionName}`,
      retention: RetentionDays.THREE_MONTHS,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.logGroup.grantWrite(this.role);
    this.deadLetters = this.#createDeadLetters(functionName);
    this.lambda = new LambdaFunction(this, 'Function', {
      functionName,
      description: `${props.capability} for the EKS cluster ${props.settings.cluster}`,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      code: functionCode(props.capability),
      handler: 'index.handler',
      role: this.role,
      memorySize: props.memory,
      timeout: props.timeout,
      tracing: tracing ? Tracing.ACTIVE : Tracing.DISABLED,
      logGroup: this.logGroup,
      maxEventAge: props.maxEventAge,
      retryAttempts: props.retryAttempts,
      ...(props.reservedConcurrency ? { reservedConcurrentExecutions: props.reservedConcurrency } : {}),
      onFailure: { bind: () => ({ destination: this.deadLetters.queueArn }) },
      environment: environmentOf(props),
    });

    // The CDK's own destination would also grant reading the queue's attributes.
    this.allow({
      sid: 'KeepFailed',
      actions: ['sqs:SendMessage'],
      resources: [this.deadLetters.queueArn],
    });
    if (this.encryptionKey)
      this.allow({
        sid: 'UseEncryptionKey',
        actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
        resources: [this.encryptionKey.keyArn],
        conditions: throughServices(props.environment.config.region, 'sns', 'sqs'),
      });
    if (putsEvents(props.settings) && !OPEN_TO_ALL.has(props.capability)) this.#permitEvents();
    if (network) this.#placeIn(network);
    props.notifications?.permit(this);
    this.#acknowledgeRules(tracing);
  }

  #createDeadLetters(functionName: string): Queue {
    const queue = new Queue(this, 'DeadLetters', {
      queueName: `${functionName}-dead-letters`,
      ...(this.encryptionKey
        ? { encryption: QueueEncryption.KMS, encryptionMasterKey: this.encryptionKey }
        : { encryption: QueueEncryption.SQS_MANAGED }),
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    Validations.of(queue).acknowledge(
      { id: 'AwsSolutions-SQS3', reason: 'This is the dead-letter queue.' },
      { id: 'Serverless-SQSRedrivePolicy', reason: 'This is the dead-letter queue.' },
    );
    return queue;
  }

  #acknowledgeRules(tracing: boolean): void {
    Validations.of(this.lambda).acknowledge({
      id: 'Serverless-LambdaDLQ',
      reason: 'The failure destination replaces it: it also stores the error.',
    });
    if (tracing)
      Validations.of(this.role).acknowledge({
        id: 'AwsSolutions-IAM5[Resource::*]',
        reason: 'The actions of X-Ray do not support resources.',
      });
    else
      Validations.of(this.lambda).acknowledge({
        id: 'Serverless-LambdaTracing',
        reason:
          'Tracing every tick would cost more than everything else: the config can enable it (decision 0030).',
      });
  }

  /** Adds a statement to the role. Throws for a wildcard without a reason. */
  allow(permission: Permission): void {
    const wildcards = permission.resources.filter((resource) => resource.includes('*'));
    if (wildcards.length > 0 && permission.wildcardReason === undefined)
      throw new Error(
        `${permission.sid} of ${this.capability} has the wildcard ${wildcards.join(', ')}: set wildcardReason`,
      );
    this.role.addToPrincipalPolicy(
      new PolicyStatement({
        sid: permission.sid,
        effect: Effect.ALLOW,
        actions: [...permission.actions],
        resources: [...permission.resources],
        ...(permission.conditions ? { conditions: permission.conditions } : {}),
      }),
    );
    for (const wildcard of wildcards)
      Validations.of(this.role).acknowledge({
        id: `AwsSolutions-IAM5[Resource::${asCdkNagPrints(this, wildcard)}]`,
        reason: permission.wildcardReason ?? '',
      });
  }

  /** The source of builds is another one: no function may announce a build. */
  #permitEvents(): void {
    this.allow({
      sid: 'PutEvents',
      actions: ['events:PutEvents'],
      resources: [
        Stack.of(this).formatArn({ service: 'events', resource: 'event-bus', resourceName: 'default' }),
      ],
      conditions: { StringEquals: { 'events:source': EVENT_SOURCE } },
    });
  }

  /** Uses ids, so that synth needs no lookup. Lambda creates and deletes its network interfaces with this role. */
  #placeIn({ subnets, securityGroups }: NetworkConfig): void {
    (this.lambda.node.defaultChild as CfnFunction).vpcConfig = {
      subnetIds: [...subnets],
      securityGroupIds: [...securityGroups],
    };
    this.allow({
      sid: 'JoinNetwork',
      actions: [
        'ec2:CreateNetworkInterface',
        'ec2:DescribeNetworkInterfaces',
        'ec2:DescribeSubnets',
        'ec2:DeleteNetworkInterface',
        'ec2:AssignPrivateIpAddresses',
        'ec2:UnassignPrivateIpAddresses',
      ],
      resources: ['*'],
      wildcardReason: 'Lambda requires these permissions on all resources before it joins a VPC.',
    });
    // Lambda checks the permission when the function is created, so the policy must exist first.
    this.lambda.node.addDependency(this.role);
  }
}

/** A dry run changes nothing that others would hear of. */
export function putsEvents({ dryRun, events }: Pick<CommonSettings, 'dryRun' | 'events'>): boolean {
  return !dryRun && events !== false;
}

/** Bounds every role below the construct with the policy of the config. */
export function applyBoundary(scope: Construct, { permissionsBoundary }: EnvironmentConfig): void {
  if (permissionsBoundary === undefined) return;
  const policy = ManagedPolicy.fromManagedPolicyArn(scope, 'Boundary', permissionsBoundary);
  PermissionsBoundary.of(scope).apply(policy);
}

/** The stack, the table and the topics must be those of the environment. */
function checkPlace(scope: Construct, { environment, table, notifications }: NightshiftFunctionProps): void {
  const { name, config } = environment;
  const stack = Stack.of(scope);
  for (const place of ['account', 'region'] as const)
    if (!Token.isUnresolved(stack[place]) && stack[place] !== config[place])
      throw new Error(
        `the stack ${stack.stackName} is in the ${place} ${stack[place]}, but the environment ${name} is in ${config[place]}: set env of the stack to that of the environment`,
      );
  if (table.environment !== name)
    throw new Error(`the table of ${table.environment} was given to ${name}: each environment has its own`);
  if (config.notify && !notifications)
    throw new Error(
      `${name} has notify in its config, and no topics: set notifications to a Notifications construct`,
    );
}

/** A reference in an ARN as cdk-nag prints it, `<AWS::Partition>`; in another app the ARN may not be a literal. */
export function asCdkNagPrints(scope: Construct, arn: string): string {
  const resolved: unknown = Stack.of(scope).resolve(arn);
  const parts = (resolved as { 'Fn::Join'?: [string, unknown[]] })['Fn::Join']?.[1] ?? [resolved];
  return parts
    .map((part) => (typeof part === 'string' ? part : `<${(part as { Ref?: string }).Ref ?? 'token'}>`))
    .join('');
}

function environmentOf(props: NightshiftFunctionProps): Record<string, string> {
  const environment = {
    [SETTINGS_VARIABLE]: settingsText(props.settings),
    POWERTOOLS_SERVICE_NAME: props.capability,
    POWERTOOLS_LOG_LEVEL: 'INFO',
  };
  // `tableName` is a reference at synth: the length is that of the name itself.
  const size = [...Object.entries(environment), [TABLE_VARIABLE, props.table.name]]
    .flat()
    .reduce((sum, text) => sum + Buffer.byteLength(text ?? ''), 0);
  if (size > ENVIRONMENT_LIMIT)
    throw new Error(
      `the settings of ${props.capability} in ${props.settings.environment} take ${size} bytes, but Lambda allows ${ENVIRONMENT_LIMIT}: configure fewer nodegroups, builds or closed days, or split the environment`,
    );
  return { ...environment, [TABLE_VARIABLE]: props.table.table.tableName };
}
