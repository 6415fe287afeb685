/** The only place where a Lambda function is made: its code, role, logs, retries and dead letters. */
import { Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import { Effect, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
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
import type { NetworkConfig } from '#model/config.ts';
import type { Capability } from '#model/decision.ts';
import { functionNameOf } from '#model/names.ts';
import { type CommonSettings, SETTINGS_VARIABLE, TABLE_VARIABLE } from '#model/settings.ts';
import { functionCode } from './bundle/function-code.ts';
import type { Notifications } from './notifications.ts';
import { settingsText } from './settings-text.ts';
import type { StateTable } from './state-table.ts';

/** What every capability is made of. */
export interface CapabilityProps<Settings extends CommonSettings = CommonSettings> {
  readonly settings: Settings;
  readonly table: StateTable;
  /** Where the function runs, for a cluster whose endpoint is private. Default: outside of any VPC. */
  readonly network?: NetworkConfig | undefined;
  /** Whom the function tells what people should know. Default: nobody. */
  readonly notifications?: Notifications | undefined;
  /** Record each run in AWS X-Ray. Default: false. */
  readonly tracing?: boolean | undefined;
}

export interface NightshiftFunctionProps extends CapabilityProps {
  readonly capability: Capability;
  /** MB; `npm run bench -- memory` shows what each size costs and takes. */
  readonly memory: number;
  readonly timeout: Duration;
  /** For events that Lambda takes over from EventBridge: how old one may get, and how often it is tried again. */
  readonly maxEventAge: Duration;
  readonly retryAttempts: number;
}

/** What a function may do. A wildcard in `resources` needs a reason: it is refused without, and kept in the metadata. */
export interface Permission {
  readonly sid: string;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly conditions?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly wildcardReason?: string;
}

/** All variables of a function together, names and values. */
const ENVIRONMENT_LIMIT = 4096;

export class NightshiftFunction extends Construct {
  readonly capability: Capability;
  readonly role: Role;
  readonly lambda: LambdaFunction;
  /** What could not be delivered or failed for good, from every trigger of this function. */
  readonly deadLetters: Queue;
  readonly logGroup: LogGroup;

  constructor(scope: Construct, id: string, props: NightshiftFunctionProps) {
    super(scope, id);
    this.capability = props.capability;
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
    this.deadLetters = new Queue(this, 'DeadLetters', {
      queueName: `${functionName}-dead-letters`,
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });

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
      tracing: props.tracing ? Tracing.ACTIVE : Tracing.DISABLED,
      logGroup: this.logGroup,
      maxEventAge: props.maxEventAge,
      retryAttempts: props.retryAttempts,
      onFailure: { bind: () => ({ destination: this.deadLetters.queueArn }) },
      environment: environmentOf(props),
    });

    // The grant of the CDK's own destination would let it look into the queue as well.
    this.allow({
      sid: 'KeepFailed',
      actions: ['sqs:SendMessage'],
      resources: [this.deadLetters.queueArn],
    });
    if (props.network) this.#placeIn(props.network);
    props.notifications?.permit(this);

    Validations.of(this.lambda).acknowledge({
      id: 'Serverless-LambdaDLQ',
      reason: 'The failure destination takes its place: it keeps the error beside the event.',
    });
    if (props.tracing)
      Validations.of(this.role).acknowledge({
        id: 'AwsSolutions-IAM5[Resource::*]',
        reason: 'X-Ray takes segments without naming a resource.',
      });
    else
      Validations.of(this.lambda).acknowledge({
        id: 'Serverless-LambdaTracing',
        reason:
          'Tracing every tick would cost more than all the rest: the config turns it on (decision 0030).',
      });
    Validations.of(this.deadLetters).acknowledge(
      { id: 'AwsSolutions-SQS3', reason: 'This is the dead-letter queue.' },
      { id: 'Serverless-SQSRedrivePolicy', reason: 'This is the dead-letter queue.' },
    );
  }

  allow(permission: Permission): void {
    const wildcards = permission.resources.filter((resource) => resource.includes('*'));
    if (wildcards.length > 0 && permission.wildcardReason === undefined)
      throw new Error(
        `${permission.sid} of ${this.capability} names ${wildcards.join(', ')}: write the reason for the wildcard`,
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
        id: `AwsSolutions-IAM5[Resource::${inPlain(this, wildcard)}]`,
        reason: permission.wildcardReason ?? '',
      });
  }

  /** By ids, so that synth has to look nothing up. Lambda makes and removes its network interfaces as the role. */
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
      wildcardReason: 'Lambda checks for these permissions on all resources before it joins a VPC.',
    });
    // Lambda looks for the permission when the function is made, so the policy comes first.
    this.lambda.node.addDependency(this.role);
  }
}

/** A reference in an ARN as cdk-nag writes it, `<AWS::Partition>`: an app of somebody else may have no literal there. */
function inPlain(scope: Construct, arn: string): string {
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
  // The table's name is a reference: its final length is that of the name which the table was given.
  const size = [...Object.entries(environment), [TABLE_VARIABLE, props.table.name]]
    .flat()
    .reduce((sum, text) => sum + Buffer.byteLength(text ?? ''), 0);
  if (size > ENVIRONMENT_LIMIT)
    throw new Error(
      `the settings of ${props.capability} in ${props.settings.environment} take ${size} bytes and Lambda allows ${ENVIRONMENT_LIMIT}: name fewer nodegroups, builds or closed days, or split the environment`,
    );
  return { ...environment, [TABLE_VARIABLE]: props.table.table.tableName };
}
