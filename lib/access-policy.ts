/** The least policy of each role of people: what the command line, the console and the CDK call for one environment. */
import type { AccessRole, EnvironmentConfig } from '#model/config.ts';
import type { Capability } from '#model/decision.ts';
import { alarmTopicOf, functionNameOf, linkKeyAliasOf, tableNameOf } from '#model/names.ts';
import { LEDGER, NIGHT, OVERRIDE } from '#model/partitions.ts';
import { partitionOf } from '#model/region.ts';
import type { Permission } from './permission.ts';

export const ACCESS_ROLES: readonly AccessRole[] = ['reader', 'developer', 'operator', 'deployer'];

/** The qualifier of a usual `cdk bootstrap`. */
const BOOTSTRAP_QUALIFIER = 'hnb659fds';

/** The statements of a role. `docs/access.md` explains the roles. */
export function accessPermissions(
  role: AccessRole,
  name: string,
  environment: EnvironmentConfig,
): readonly Permission[] {
  const arns = arnsOf(name, environment);
  if (role === 'deployer') return [deployStacks(environment, arns.arn)];
  const reads = readerPermissions(arns);
  if (role === 'reader') return reads;
  const canBeOverridden = !environment.production && environment.schedule !== undefined;
  const overrides = canBeOverridden ? overridePermissions(arns) : [];
  if (role === 'developer') return [...reads, ...overrides];
  return [
    ...reads,
    ...overrides,
    ...doctorPermissions(environment, arns),
    ...(environment.production ? [] : restorePermissions(environment, arns)),
    ...(!environment.production && environment.selfService?.links ? [linkPermission(name, arns)] : []),
  ];
}

/** An IAM policy document. */
export function accessPolicyDocument(permissions: readonly Permission[]): object {
  return {
    Version: '2012-10-17',
    Statement: permissions.map(({ sid, actions, resources, conditions }) => ({
      Sid: sid,
      Effect: 'Allow',
      Action: actions,
      Resource: resources,
      ...(conditions ? { Condition: conditions } : {}),
    })),
  };
}

type Arns = ReturnType<typeof arnsOf>;

function arnsOf(name: string, { account, region, cluster }: EnvironmentConfig) {
  const arn = (service: string, resource: string) =>
    `arn:${partitionOf(region)}:${service}:${service === 'iam' ? '' : region}:${account}:${resource}`;
  const functionArn = (capability: Parameters<typeof functionNameOf>[1]) =>
    arn('lambda', `function:${functionNameOf(name, capability)}`);
  return {
    arn,
    functionArn,
    table: arn('dynamodb', `table/${tableNameOf(name)}`),
    nightSchedule: functionArn('night-schedule'),
    cluster: arn('eks', `cluster/${cluster}`),
    alarms: arn('sns', alarmTopicOf(name)),
  };
}

function readerPermissions({ table, nightSchedule }: Arns): readonly Permission[] {
  return [
    { sid: 'ReadState', actions: ['dynamodb:GetItem', 'dynamodb:Query'], resources: [table] },
    { sid: 'ReadDeployedSettings', actions: ['lambda:GetFunctionConfiguration'], resources: [nightSchedule] },
  ];
}

/** Whoever may invoke the function could forge its events: an override takes effect at its next tick, within a minute. */
function overridePermissions({ table }: Arns): readonly Permission[] {
  return [
    {
      sid: 'WriteOverrides',
      actions: ['dynamodb:PutItem', 'dynamodb:DeleteItem'],
      resources: [table],
      conditions: inPartition(OVERRIDE),
    },
  ];
}

/** Whoever may read the state sees night-schedule anyway. */
function otherFunctionsOf(environment: EnvironmentConfig): readonly Capability[] {
  const hasPages = !environment.production;
  return [
    'spot-drain',
    ...(environment.deploy ? (['branch-deploy'] as const) : []),
    ...(hasPages && environment.selfService ? (['self-service'] as const) : []),
    ...(hasPages && environment.doorbell ? (['doorbell'] as const) : []),
  ];
}

function doctorPermissions(environment: EnvironmentConfig, arns: Arns): readonly Permission[] {
  const { cluster } = environment;
  const { arn, functionArn, alarms } = arns;
  const argocd = environment.deploy?.argocd;
  const secret = argocd?.tokenSecret;
  const projects = (environment.deploy?.builds ?? []).map(({ project }) =>
    arn('codebuild', `project/${project}`),
  );
  const idReason = 'their ARNs end in ids that EKS assigns';
  return [
    {
      sid: 'SeeCluster',
      actions: ['eks:DescribeCluster', 'eks:ListAccessEntries'],
      resources: [arns.cluster],
    },
    ...limitsAndTables(arn),
    {
      sid: 'SeeClusterParts',
      actions: [
        'eks:DescribeNodegroup',
        'eks:DescribeAccessEntry',
        ...(argocd?.capability ? ['eks:DescribeCapability'] : []),
      ],
      resources: [
        arn('eks', `nodegroup/${cluster}/*`),
        arn('eks', `access-entry/${cluster}/*`),
        ...(argocd?.capability ? [arn('eks', `capability/${cluster}/*`)] : []),
      ],
      wildcardReason: idReason,
    },
    {
      sid: 'SeeGroupsAndNetwork',
      actions: [
        'autoscaling:DescribeAutoScalingGroups',
        'autoscaling:DescribeScalingActivities',
        'ec2:DescribeInstances',
        'ec2:DescribeInstanceTypes',
        'ec2:DescribeSubnets',
        // `nightshift bill` counts what stands at night.
        ...(environment.production
          ? []
          : ['ec2:DescribeNatGateways', 'ec2:DescribeVolumes', 'elasticloadbalancing:DescribeLoadBalancers']),
        ...(environment.network ? ['ec2:DescribeVpcEndpoints', 'ec2:DescribeRouteTables'] : []),
      ],
      resources: ['*'],
      wildcardReason: 'AWS supports no resource for these actions',
    },
    ...listenerPermissions(environment),
    {
      sid: 'SeeFunctions',
      actions: ['lambda:GetFunctionConfiguration'],
      resources: otherFunctionsOf(environment).map(functionArn),
    },
    { sid: 'SeeAlarmTopic', actions: ['sns:GetTopicAttributes'], resources: [alarms] },
    ...(projects.length > 0
      ? [{ sid: 'SeeProjects', actions: ['codebuild:BatchGetProjects'], resources: projects }]
      : []),
    ...(secret
      ? [
          {
            sid: 'ReadArgocdToken',
            actions: ['secretsmanager:GetSecretValue'],
            resources: [
              secret.startsWith('arn:') ? secret : arn('secretsmanager', `secret:${secret}-??????`),
            ],
            wildcardReason: 'Secrets Manager appends six characters to the name',
          },
        ]
      : []),
  ];
}

/** What the check `doorbell` reads. */
function listenerPermissions(environment: EnvironmentConfig): readonly Permission[] {
  if (environment.production || !environment.doorbell?.rules) return [];
  return [
    {
      sid: 'SeeListener',
      actions: ['elasticloadbalancing:DescribeRules', 'elasticloadbalancing:DescribeTags'],
      resources: ['*'],
      wildcardReason: 'Elastic Load Balancing supports no resource for these actions',
    },
  ];
}

/** What the checks `lambda-concurrency` and `saved-sizes` read. */
function limitsAndTables(arn: Arns['arn']): readonly Permission[] {
  return [
    {
      sid: 'SeeTablesAndLimits',
      actions: ['dynamodb:ListTables', 'lambda:GetAccountSettings'],
      resources: ['*'],
      wildcardReason: 'AWS supports no resource for these actions',
    },
    {
      sid: 'ReadLeftTables',
      actions: ['dynamodb:Query'],
      resources: [arn('dynamodb', `table/${tableNameOf('*')}`)],
      conditions: inPartition(NIGHT),
      wildcardReason: 'the names of environments that were renamed or removed are unknown',
    },
  ];
}

/** What `nightshift restore` changes when no function does it. */
function restorePermissions({ cluster }: EnvironmentConfig, { arn, table }: Arns): readonly Permission[] {
  return [
    {
      sid: 'WriteRestored',
      actions: ['dynamodb:PutItem', 'dynamodb:DeleteItem'],
      resources: [table],
      conditions: inPartition(NIGHT, LEDGER),
    },
    {
      sid: 'ResizeNodegroups',
      actions: ['eks:UpdateNodegroupConfig'],
      resources: [arn('eks', `nodegroup/${cluster}/*`)],
      wildcardReason: 'their ARNs end in ids that EKS assigns',
    },
    {
      sid: 'ResizeSelfManagedGroups',
      actions: ['autoscaling:UpdateAutoScalingGroup', 'autoscaling:PutWarmPool'],
      resources: [arn('autoscaling', 'autoScalingGroup:*:autoScalingGroupName/*')],
      conditions: {
        StringEquals: { [`aws:ResourceTag/kubernetes.io/cluster/${cluster}`]: 'owned' },
        Null: { 'aws:ResourceTag/eks:nodegroup-name': 'true' },
      },
      wildcardReason: 'limited to groups with the tag of the cluster',
    },
  ];
}

/** What `nightshift link` signs with. */
function linkPermission(name: string, { arn }: Arns): Permission {
  return {
    sid: 'SignLinks',
    actions: ['kms:GenerateMac'],
    resources: [arn('kms', 'key/*')],
    conditions: { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': [linkKeyAliasOf(name)] } },
    wildcardReason: 'KMS chooses the id of a key; limited to the one with the alias of the links',
  };
}

/** The CDK works with the roles of its bootstrap, which have the permissions for the stacks. */
function deployStacks({ account, region }: EnvironmentConfig, arn: Arns['arn']): Permission {
  const roles = ['deploy-role', 'file-publishing-role', 'lookup-role'];
  return {
    sid: 'UseBootstrapRoles',
    actions: ['sts:AssumeRole'],
    resources: roles.map((role) =>
      arn('iam', `role/cdk-${BOOTSTRAP_QUALIFIER}-${role}-${account}-${region}`),
    ),
  };
}

function inPartition(...partitions: readonly string[]): NonNullable<Permission['conditions']> {
  return {
    'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': [...partitions] },
    Null: { 'dynamodb:LeadingKeys': 'false' },
  };
}
