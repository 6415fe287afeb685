/** The IAM of the controllers, evaluated request by request: what they need, and what must be refused. */
import type { RoleSpec, Statement } from '@nightshift/lab/assembly/deployment.ts';
import { refusal } from '@nightshift/lab/assembly/permissions.ts';
import { describe, expect, test } from 'vitest';
import {
  autoscaledGroups,
  autoscalerPolicy,
  externalDnsPolicy,
  loadBalancerPolicy,
  type PodPermission,
} from '../../examples/platform/constructs/pod-policies.ts';
import { nightshift } from './a-platform.ts';

const REGION = 'ap-northeast-1';
const develop = { account: '111111111111', region: REGION, cluster: 'develop' };

function roleOf(permissions: readonly PodPermission[]): RoleSpec {
  const list = (value: unknown) => [value].flat().map(String);
  const statements = permissions.map(({ statement }): Statement => {
    const { Effect, Action, Resource, Condition = {} } = statement.toStatementJson();
    return { effect: Effect, actions: list(Action), resources: list(Resource), conditions: Condition };
  });
  return { name: 'pod', arn: 'pod', account: develop.account, trusted: [], managedPolicies: [], statements };
}

type Context = Readonly<Record<string, readonly string[]>>;
const allowed = (role: RoleSpec, action: string, resource: string, context: Context = {}) =>
  refusal(role, action, { resources: [resource], context }) === undefined;

describe('ExternalDNS', () => {
  const zone = 'arn:aws:route53:::hostedzone/ZDEVELOP';
  const role = roleOf(externalDnsPolicy(zone));
  const change = (actions: readonly string[], types: readonly string[], where = zone) =>
    allowed(role, 'route53:ChangeResourceRecordSets', where, {
      'route53:ChangeResourceRecordSetsActions': actions,
      'route53:ChangeResourceRecordSetsRecordTypes': types,
    });

  test('creates and changes the records of its zone', () => {
    expect(change(['CREATE', 'UPSERT'], ['A', 'TXT'])).toBe(true);
    expect(allowed(role, 'route53:ListResourceRecordSets', zone)).toBe(true);
    expect(allowed(role, 'route53:ListHostedZones', '*')).toBe(true);
  });

  test('deletes no record, alone or among others', () => {
    expect(change(['DELETE'], ['A'])).toBe(false);
    expect(change(['UPSERT', 'DELETE'], ['A'])).toBe(false);
  });

  test('changes no delegation, no other zone, and nothing whose kind of change is unknown', () => {
    expect(change(['UPSERT'], ['NS'])).toBe(false);
    expect(change(['UPSERT'], ['A'], 'arn:aws:route53:::hostedzone/ZPRODUCTION')).toBe(false);
    expect(allowed(role, 'route53:ChangeResourceRecordSets', zone)).toBe(false);
    expect(allowed(role, 'route53:DeleteHostedZone', zone)).toBe(false);
  });
});

describe('Cluster Autoscaler', () => {
  const group = (name: string) =>
    `arn:aws:autoscaling:${REGION}:111111111111:autoScalingGroup:0a1b:autoScalingGroupName/eks-${name}-0a1b`;
  const tags = (cluster: string, nodegroup: string) => ({
    'aws:ResourceTag/eks:cluster-name': [cluster],
    'aws:ResourceTag/eks:nodegroup-name': [nodegroup],
  });
  const roleIn = (name: string) =>
    roleOf(
      autoscalerPolicy(
        { ...develop, cluster: name },
        autoscaledGroups(nightshift.environments[name] as never),
      ),
    );
  const resizes = (role: RoleSpec, cluster: string, nodegroup: string) =>
    ['SetDesiredCapacity', 'TerminateInstanceInAutoScalingGroup'].map((action) =>
      allowed(role, `autoscaling:${action}`, group(nodegroup), tags(cluster, nodegroup)),
    );

  test('resizes the spot group of its cluster, and not the fallback group of nightshift', () => {
    expect(resizes(roleIn('develop'), 'develop', 'spot')).toEqual([true, true]);
    expect(resizes(roleIn('develop'), 'develop', 'on-demand')).toEqual([false, false]);
  });

  test('resizes both groups in production, which has no fallback', () => {
    expect(resizes(roleIn('production'), 'production', 'on-demand')).toEqual([true, true]);
  });

  test('touches neither production from develop nor a group without tags', () => {
    expect(resizes(roleIn('develop'), 'production', 'spot')).toEqual([false, false]);
    expect(allowed(roleIn('develop'), 'autoscaling:SetDesiredCapacity', group('x'))).toBe(false);
  });

  test('changes no size that nightshift saves, and deletes nothing', () => {
    for (const action of [
      'autoscaling:UpdateAutoScalingGroup',
      'autoscaling:DeleteAutoScalingGroup',
      'eks:UpdateNodegroupConfig',
      'ec2:TerminateInstances',
    ])
      expect(allowed(roleIn('develop'), action, '*', tags('develop', 'spot'))).toBe(false);
  });
});

describe('the load balancer controller', () => {
  const role = roleOf(loadBalancerPolicy(develop));
  const elb = (rest: string) => `arn:aws:elasticloadbalancing:${REGION}:111111111111:${rest}`;
  const balancer = elb('loadbalancer/app/k8s-platform/0a1b');
  const rule = elb('listener-rule/app/k8s-platform/0a1b/2c3d/4e5f');
  const group = `arn:aws:ec2:${REGION}:111111111111:security-group/sg-0a1b`;
  const of = (cluster: string) => ({ 'aws:ResourceTag/elbv2.k8s.aws/cluster': [cluster] });
  const asking = (cluster: string) => ({ 'aws:RequestTag/elbv2.k8s.aws/cluster': [cluster] });
  const changes = [
    ['elasticloadbalancing:DeleteLoadBalancer', balancer],
    ['elasticloadbalancing:ModifyRule', rule],
    ['elasticloadbalancing:CreateRule', elb('listener/app/k8s-platform/0a1b/2c3d')],
    ['elasticloadbalancing:RegisterTargets', elb('targetgroup/k8s-api/0a1b')],
    ['ec2:DeleteSecurityGroup', group],
    ['ec2:AuthorizeSecurityGroupIngress', group],
  ] as const;

  test('creates what carries the tag of its cluster', () => {
    expect(allowed(role, 'elasticloadbalancing:CreateLoadBalancer', balancer, asking('develop'))).toBe(true);
    expect(allowed(role, 'elasticloadbalancing:CreateLoadBalancer', balancer, asking('production'))).toBe(
      false,
    );
    expect(allowed(role, 'elasticloadbalancing:CreateLoadBalancer', balancer)).toBe(false);
    expect(allowed(role, 'ec2:CreateSecurityGroup', group, asking('develop'))).toBe(true);
  });

  test.for(changes)('%s: of its own cluster only', ([action, resource]) => {
    expect(allowed(role, action, resource, of('develop'))).toBe(true);
    expect(allowed(role, action, resource, of('production'))).toBe(false);
    expect(allowed(role, action, resource)).toBe(false);
  });

  test('takes over nothing by tagging it', () => {
    expect(
      allowed(role, 'elasticloadbalancing:AddTags', balancer, { ...of('production'), ...asking('develop') }),
    ).toBe(false);
    const creating = { ...asking('develop'), 'elasticloadbalancing:CreateAction': ['CreateLoadBalancer'] };
    expect(allowed(role, 'elasticloadbalancing:AddTags', balancer, creating)).toBe(true);
    expect(allowed(role, 'ec2:CreateTags', group, asking('develop'))).toBe(false);
  });

  test('opens the security group of the nodes of its cluster', () => {
    const nodes = (cluster: string) => ({ [`aws:ResourceTag/kubernetes.io/cluster/${cluster}`]: ['owned'] });
    expect(allowed(role, 'ec2:AuthorizeSecurityGroupIngress', group, nodes('develop'))).toBe(true);
    expect(allowed(role, 'ec2:AuthorizeSecurityGroupIngress', group, nodes('production'))).toBe(false);
    expect(allowed(role, 'ec2:DeleteSecurityGroup', group, nodes('develop'))).toBe(false);
  });

  test('creates no role and no web firewall', () => {
    for (const action of ['iam:CreateServiceLinkedRole', 'wafv2:AssociateWebACL', 'shield:DeleteProtection'])
      expect(allowed(role, action, '*')).toBe(false);
  });
});
