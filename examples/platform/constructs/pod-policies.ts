/**
 * What the controllers of the cluster may do in AWS. Each may change only what carries the tag of its cluster, so a
 * controller of develop cannot touch production, not even in one account.
 */
import { Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { GROUPS } from '../platform-config.ts';

export interface Place {
  readonly account: string;
  readonly region: string;
  readonly cluster: string;
}

/** One statement, with the reason for each resource in it that ends in `*`. */
export interface PodPermission {
  readonly statement: PolicyStatement;
  readonly wildcards: readonly { readonly resource: string; readonly reason: string }[];
}

interface Rule {
  readonly sid: string;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly conditions?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Why its resources may end in `*`. */
  readonly wildcard?: string;
}

const OWN = 'A condition limits it to what carries the tag of the cluster.';
const UNNAMED = 'These actions know no resource.';

function allow({ sid, actions, resources, conditions, wildcard }: Rule): PodPermission {
  return {
    statement: new PolicyStatement({
      sid,
      effect: Effect.ALLOW,
      actions: [...actions],
      resources: [...resources],
      ...(conditions ? { conditions } : {}),
    }),
    wildcards: wildcard
      ? resources.filter((one) => one.endsWith('*')).map((resource) => ({ resource, reason: wildcard }))
      : [],
  };
}

const actionsOf = (service: string, names: readonly string[]) => names.map((name) => `${service}:${name}`);

/** ExternalDNS creates and changes records of one zone. It cannot delete one, and it cannot change a delegation. */
export function externalDnsPolicy(zoneArn: string): readonly PodPermission[] {
  return [
    allow({
      sid: 'UpsertRecords',
      actions: ['route53:ChangeResourceRecordSets'],
      resources: [zoneArn],
      conditions: {
        'ForAllValues:StringEquals': {
          'route53:ChangeResourceRecordSetsActions': ['CREATE', 'UPSERT'],
          'route53:ChangeResourceRecordSetsRecordTypes': ['A', 'AAAA', 'CNAME', 'TXT'],
        },
        // A key that is absent would satisfy ForAllValues.
        Null: {
          'route53:ChangeResourceRecordSetsActions': 'false',
          'route53:ChangeResourceRecordSetsRecordTypes': 'false',
        },
      },
    }),
    allow({
      sid: 'ReadRecords',
      actions: ['route53:ListResourceRecordSets', 'route53:ListTagsForResource'],
      resources: [zoneArn],
    }),
    allow({
      sid: 'FindZones',
      wildcard: 'Route 53 lists all zones or none.',
      actions: ['route53:ListHostedZones', 'route53:ListHostedZonesByName'],
      resources: ['*'],
    }),
  ];
}

/**
 * Cluster Autoscaler: with `groups`, only these nodegroups of the cluster. The fallback group of nightshift is not among
 * them.
 */
export function autoscalerPolicy(
  { account, region, cluster }: Place,
  groups: readonly string[],
): readonly PodPermission[] {
  return [
    allow({
      sid: 'ResizeGroups',
      wildcard: OWN,
      actions: actionsOf('autoscaling', ['SetDesiredCapacity', 'TerminateInstanceInAutoScalingGroup']),
      resources: [`arn:aws:autoscaling:${region}:${account}:autoScalingGroup:*`],
      conditions: {
        StringEquals: {
          'aws:ResourceTag/eks:cluster-name': cluster,
          'aws:ResourceTag/eks:nodegroup-name': [...groups],
        },
      },
    }),
    allow({
      sid: 'ReadNodegroups',
      wildcard: 'The ids of nodegroups end in a part that EKS makes up.',
      actions: ['eks:DescribeNodegroup'],
      resources: [`arn:aws:eks:${region}:${account}:nodegroup/${cluster}/*`],
    }),
    allow({
      sid: 'ReadCapacity',
      wildcard: UNNAMED,
      actions: [
        ...actionsOf('autoscaling', [
          'DescribeAutoScalingGroups',
          'DescribeAutoScalingInstances',
          'DescribeLaunchConfigurations',
          'DescribeScalingActivities',
          'DescribeTags',
        ]),
        ...actionsOf('ec2', [
          'DescribeImages',
          'DescribeInstanceTypes',
          'DescribeLaunchTemplateVersions',
          'GetInstanceTypesFromInstanceRequirements',
        ]),
      ],
      resources: ['*'],
    }),
  ];
}

/** The groups that the autoscaler may resize by day. */
export function autoscaledGroups(environment: {
  readonly production?: boolean;
  readonly fallbackGroup?: string;
}): readonly string[] {
  return Object.values(GROUPS).filter((group) => group !== environment.fallbackGroup);
}

/** The tag that the load balancer controller puts on whatever it creates. */
const OWNER_TAG = 'elbv2.k8s.aws/cluster';

const CHANGES = actionsOf('elasticloadbalancing', [
  'AddTags',
  'RemoveTags',
  'AddListenerCertificates',
  'RemoveListenerCertificates',
  'ModifyListener',
  'ModifyListenerAttributes',
  'ModifyLoadBalancerAttributes',
  'ModifyRule',
  'ModifyTargetGroup',
  'ModifyTargetGroupAttributes',
  'RegisterTargets',
  'DeregisterTargets',
  'SetIpAddressType',
  'SetRulePriorities',
  'SetSecurityGroups',
  'SetSubnets',
  'DeleteListener',
  'DeleteLoadBalancer',
  'DeleteRule',
  'DeleteTargetGroup',
]);

/** AWS Load Balancer Controller, for ALBs of Ingresses; without WAF, Shield and Cognito, which nothing here uses. */
export function loadBalancerPolicy({ account, region, cluster }: Place): readonly PodPermission[] {
  const elb = (resource: string) => `arn:aws:elasticloadbalancing:${region}:${account}:${resource}`;
  const ec2 = (resource: string) => `arn:aws:ec2:${region}:${account}:${resource}`;
  const own = { StringEquals: { [`aws:ResourceTag/${OWNER_TAG}`]: cluster } };
  const asOwn = { StringEquals: { [`aws:RequestTag/${OWNER_TAG}`]: cluster } };
  const balancers = [elb('loadbalancer/app/*'), elb('loadbalancer/net/*')];
  const listeners = [elb('listener/app/*'), elb('listener/net/*')];
  const rules = [elb('listener-rule/app/*'), elb('listener-rule/net/*')];
  const targets = elb('targetgroup/*');
  return [
    ...readLoadBalancing(),
    allow({
      sid: 'CreateOwn',
      wildcard: OWN,
      actions: actionsOf('elasticloadbalancing', ['CreateLoadBalancer', 'CreateTargetGroup']),
      resources: [...balancers, targets],
      conditions: asOwn,
    }),
    allow({
      sid: 'ListenOnOwn',
      wildcard: OWN,
      actions: actionsOf('elasticloadbalancing', ['CreateListener', 'CreateRule']),
      resources: [...balancers, ...listeners],
      conditions: own,
    }),
    allow({
      sid: 'TagNew',
      wildcard: OWN,
      actions: ['elasticloadbalancing:AddTags'],
      resources: [...balancers, targets, ...listeners, ...rules],
      conditions: {
        StringEquals: {
          'elasticloadbalancing:CreateAction': [
            'CreateLoadBalancer',
            'CreateTargetGroup',
            'CreateListener',
            'CreateRule',
          ],
          [`aws:RequestTag/${OWNER_TAG}`]: cluster,
        },
      },
    }),
    allow({
      sid: 'ChangeOwn',
      wildcard: OWN,
      actions: CHANGES,
      resources: [...balancers, targets, ...listeners, ...rules],
      conditions: own,
    }),
    ...securityGroups(ec2, cluster),
  ];
}

function securityGroups(ec2: (resource: string) => string, cluster: string): readonly PodPermission[] {
  const group = ec2('security-group/*');
  const ingress = actionsOf('ec2', ['AuthorizeSecurityGroupIngress', 'RevokeSecurityGroupIngress']);
  return [
    allow({
      sid: 'CreateSecurityGroup',
      wildcard: OWN,
      actions: ['ec2:CreateSecurityGroup'],
      resources: [group],
      conditions: { StringEquals: { [`aws:RequestTag/${OWNER_TAG}`]: cluster } },
    }),
    allow({
      sid: 'InTheVpc',
      wildcard: 'A security group is created in a VPC, which carries no tag of the controller.',
      actions: ['ec2:CreateSecurityGroup'],
      resources: [ec2('vpc/*')],
    }),
    allow({
      sid: 'TagNewSecurityGroup',
      wildcard: OWN,
      actions: ['ec2:CreateTags'],
      resources: [group],
      conditions: {
        StringEquals: {
          'ec2:CreateAction': 'CreateSecurityGroup',
          [`aws:RequestTag/${OWNER_TAG}`]: cluster,
        },
      },
    }),
    allow({
      sid: 'ChangeOwnSecurityGroup',
      wildcard: OWN,
      actions: actionsOf('ec2', ['CreateTags', 'DeleteTags', 'DeleteSecurityGroup']),
      resources: [group],
      conditions: { StringEquals: { [`aws:ResourceTag/${OWNER_TAG}`]: cluster } },
    }),
    allow({
      sid: 'OpenOwnSecurityGroup',
      wildcard: OWN,
      actions: ingress,
      resources: [group],
      conditions: { StringEquals: { [`aws:ResourceTag/${OWNER_TAG}`]: cluster } },
    }),
    // EKS tags the security group of the nodes so.
    allow({
      sid: 'OpenNodes',
      wildcard: OWN,
      actions: ingress,
      resources: [group],
      conditions: { StringEquals: { [`aws:ResourceTag/kubernetes.io/cluster/${cluster}`]: 'owned' } },
    }),
  ];
}

/** None of these actions can be limited to a resource. */
function readLoadBalancing(): readonly PodPermission[] {
  return [
    allow({
      sid: 'ReadLoadBalancing',
      wildcard: UNNAMED,
      actions: [
        ...actionsOf('elasticloadbalancing', [
          'DescribeLoadBalancers',
          'DescribeLoadBalancerAttributes',
          'DescribeListeners',
          'DescribeListenerAttributes',
          'DescribeListenerCertificates',
          'DescribeSSLPolicies',
          'DescribeRules',
          'DescribeTargetGroups',
          'DescribeTargetGroupAttributes',
          'DescribeTargetHealth',
          'DescribeTags',
          'DescribeTrustStores',
        ]),
        ...actionsOf('ec2', [
          'DescribeAccountAttributes',
          'DescribeAddresses',
          'DescribeAvailabilityZones',
          'DescribeInstances',
          'DescribeInternetGateways',
          'DescribeNetworkInterfaces',
          'DescribeRouteTables',
          'DescribeSecurityGroups',
          'DescribeSubnets',
          'DescribeTags',
          'DescribeVpcs',
          'GetSecurityGroupsForVpc',
        ]),
        ...actionsOf('acm', ['ListCertificates', 'DescribeCertificate']),
      ],
      resources: ['*'],
    }),
  ];
}

export function fluentBitPolicy({ account, region }: Place, logGroup: string): readonly PodPermission[] {
  const arn = `arn:aws:logs:${region}:${account}:log-group:${logGroup}`;
  return [
    allow({
      sid: 'WriteLogs',
      wildcard: 'The streams of one log group.',
      actions: actionsOf('logs', ['CreateLogStream', 'DescribeLogStreams', 'PutLogEvents']),
      resources: [`${arn}:*`],
    }),
  ];
}

/** Grafana shows nightshift's own figures, which are metrics of CloudWatch: they have no ARN. */
export function grafanaPolicy(): readonly PodPermission[] {
  return [
    allow({
      sid: 'ReadMetrics',
      wildcard: UNNAMED,
      actions: actionsOf('cloudwatch', ['GetMetricData', 'ListMetrics', 'DescribeAlarms']),
      resources: ['*'],
    }),
  ];
}
