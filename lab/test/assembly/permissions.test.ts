import { describe, expect, test } from 'vitest';
import type { Deployment, RoleSpec, Statement } from '#lab/assembly/deployment.ts';
import { createAuthorize } from '#lab/assembly/permissions.ts';
import { createAws } from '#lab/world/aws/index.ts';
import { createContext } from '#lab/world/context.ts';

const ACCOUNT = '111111111111';
const REGION = 'ap-northeast-1';
const allow = (actions: string[], resources: string[], conditions = {}): Statement => ({
  effect: 'Allow',
  actions,
  resources,
  conditions,
});

/** What a role with these statements is refused, as `because …`. */
function aWorld(statements: readonly Statement[]) {
  const context = createContext({ start: new Date('2026-11-24T00:00:00Z'), seed: 1 });
  const aws = createAws(context);
  const cluster = aws.addCluster({ account: ACCOUNT, region: REGION, name: 'develop' });
  aws.addNodegroup(cluster, {
    name: 'workers',
    min: 1,
    desired: 1,
    max: 2,
    instanceTypes: ['m6i.large'],
    capacityType: 'SPOT',
  });
  aws.addAutoScalingGroup(cluster, {
    name: 'batch',
    min: 1,
    desired: 1,
    max: 2,
    instanceTypes: ['m6i.large'],
  });
  aws.putSecret({ account: ACCOUNT, region: REGION, name: 'nightshift/argocd', value: 'token' });
  const role: RoleSpec = {
    name: 'role',
    arn: `arn:aws:iam::${ACCOUNT}:role/role`,
    account: ACCOUNT,
    trusted: [],
    statements,
    managedPolicies: [],
  };
  const authorize = createAuthorize([{ roles: [role] } as unknown as Deployment], aws);
  const principal = aws.addPrincipal({ arn: role.arn, account: ACCOUNT });
  const managed = cluster.nodegroups.get('workers')?.group.name ?? '';
  return {
    managed,
    ask: (action: string, parameters: Record<string, unknown> = {}) =>
      authorize({ principal, action, resource: '*', region: REGION, parameters }),
    askAs: (arn: string, action: string) =>
      authorize({
        principal: aws.addPrincipal({ arn, account: ACCOUNT }),
        action,
        resource: '*',
        region: REGION,
        parameters: {},
      }),
  };
}

describe('a role of the assembly', () => {
  test('may do what a policy allows on that resource, and nothing else', () => {
    const { ask } = aWorld([
      allow(['eks:DescribeCluster'], [`arn:aws:eks:${REGION}:${ACCOUNT}:cluster/develop`]),
    ]);
    expect(ask('eks:DescribeCluster', { name: 'develop' })).toBeUndefined();
    expect(ask('eks:DescribeCluster', { name: 'production' })).toContain('no identity-based policy allows');
    expect(ask('eks:DeleteCluster', { name: 'develop' })).toContain('no identity-based policy allows');
  });

  test('may change the nodegroups of its cluster whose ARN ends in an id', () => {
    const { ask } = aWorld([
      allow(['eks:UpdateNodegroupConfig'], [`arn:aws:eks:${REGION}:${ACCOUNT}:nodegroup/develop/*/*`]),
    ]);
    expect(ask('eks:UpdateNodegroupConfig', { name: 'develop', nodegroupName: 'workers' })).toBeUndefined();
    expect(ask('eks:UpdateNodegroupConfig', { name: 'other', nodegroupName: 'workers' })).toBeDefined();
  });

  test('may not write the group of a managed nodegroup if a condition on its tags denies it', () => {
    const { ask, managed } = aWorld([
      allow(
        ['autoscaling:UpdateAutoScalingGroup'],
        [`arn:aws:autoscaling:${REGION}:${ACCOUNT}:autoScalingGroup:*:*/*`],
        {
          StringEquals: { 'aws:ResourceTag/kubernetes.io/cluster/develop': 'owned' },
          Null: { 'aws:ResourceTag/eks:nodegroup-name': 'true' },
        },
      ),
    ]);
    expect(ask('autoscaling:UpdateAutoScalingGroup', { AutoScalingGroupName: 'batch' })).toBeUndefined();
    expect(ask('autoscaling:UpdateAutoScalingGroup', { AutoScalingGroupName: managed })).toBeDefined();
    expect(ask('autoscaling:UpdateAutoScalingGroup', { AutoScalingGroupName: 'nobody' })).toBeDefined();
  });

  test('may switch the NodePools of EKS Auto Mode, and not Auto Mode itself', () => {
    const enabled = 'true';
    const { ask } = aWorld([
      allow(['eks:UpdateClusterConfig'], [`arn:aws:eks:${REGION}:${ACCOUNT}:cluster/develop`], {
        Bool: {
          'eks:computeConfigEnabled': enabled,
          'eks:elasticLoadBalancingEnabled': enabled,
          'eks:blockStorageEnabled': enabled,
        },
      }),
    ]);
    const request = (isEnabled: boolean) => ({
      name: 'develop',
      computeConfig: { enabled: isEnabled, nodePools: [] },
      kubernetesNetworkConfig: { elasticLoadBalancing: { enabled: isEnabled } },
      storageConfig: { blockStorage: { enabled: isEnabled } },
    });
    expect(ask('eks:UpdateClusterConfig', request(true))).toBeUndefined();
    expect(ask('eks:UpdateClusterConfig', request(false))).toBeDefined();
    expect(ask('eks:UpdateClusterConfig', { ...request(true), name: 'production' })).toBeDefined();
    expect(
      ask('eks:UpdateClusterConfig', { name: 'develop', computeConfig: { enabled: true } }),
    ).toBeDefined();
  });

  test('may write only the partitions of the table that it is given', () => {
    const table = `arn:aws:dynamodb:${REGION}:${ACCOUNT}:table/nightshift`;
    const { ask } = aWorld([
      allow(['dynamodb:PutItem', 'dynamodb:Query'], [table], {
        'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': ['drain'] },
      }),
    ]);
    const put = (pk: string) => ask('dynamodb:PutItem', { TableName: 'nightshift', Item: { pk: { S: pk } } });
    const query = (pk: string) =>
      ask('dynamodb:Query', {
        TableName: 'nightshift',
        KeyConditionExpression: 'pk = :pk AND begins_with(sk, :sk)',
        ExpressionAttributeValues: { ':pk': { S: pk }, ':sk': { S: 'x' } },
      });
    expect(put('drain')).toBeUndefined();
    expect(put('night')).toBeDefined();
    expect(query('drain')).toBeUndefined();
    expect(query('night')).toBeDefined();
    expect(ask('dynamodb:PutItem', { TableName: 'other', Item: { pk: { S: 'drain' } } })).toBeDefined();
  });

  test('may read a secret by its name, less the six characters that are added to it', () => {
    const { ask } = aWorld([
      allow(
        ['secretsmanager:GetSecretValue'],
        [`arn:aws:secretsmanager:${REGION}:${ACCOUNT}:secret:nightshift/argocd-??????`],
      ),
    ]);
    expect(ask('secretsmanager:GetSecretValue', { SecretId: 'nightshift/argocd' })).toBeUndefined();
    expect(ask('secretsmanager:GetSecretValue', { SecretId: 'nightshift/argocd-production' })).toBeDefined();
  });

  test('is refused all of a call when one of its resources is not allowed', () => {
    const { ask } = aWorld([
      allow(['codebuild:BatchGetBuilds'], [`arn:aws:codebuild:${REGION}:${ACCOUNT}:project/api`]),
    ]);
    const arn = `arn:aws:codebuild:${REGION}:${ACCOUNT}:build/api:1`;
    expect(ask('codebuild:BatchGetBuilds', { ids: ['api:1', arn] })).toBeUndefined();
    expect(ask('codebuild:BatchGetBuilds', { ids: ['api:1', 'web:1'] })).toBeDefined();
  });

  test('is refused by a deny, whatever else allows it', () => {
    const deny: Statement = { effect: 'Deny', actions: ['eks:*'], resources: ['*'], conditions: {} };
    const { ask } = aWorld([allow(['*'], ['*']), deny]);
    expect(ask('eks:DescribeCluster', { name: 'develop' })).toContain('explicit deny');
    expect(ask('ec2:DescribeInstances')).toBeUndefined();
  });

  test('may always ask who it is', () => {
    expect(aWorld([]).ask('sts:GetCallerIdentity')).toBeUndefined();
  });

  test('with a condition that the lab does not support stops the lab', () => {
    const { ask } = aWorld([allow(['*'], ['*'], { DateGreaterThan: { 'aws:CurrentTime': '2026' } })]);
    expect(() => ask('ec2:DescribeInstances')).toThrow('DateGreaterThan');
  });
});

test('allows everything to a principal that is not a role of the assembly', () => {
  const { askAs } = aWorld([]);
  expect(askAs(`arn:aws:iam::${ACCOUNT}:user/operator`, 'eks:DeleteCluster')).toBeUndefined();
});
