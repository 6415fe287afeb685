import {
  CreateRuleCommand,
  DeleteRuleCommand,
  DescribeRulesCommand,
  DescribeTagsCommand,
  DescribeTargetHealthCommand,
  ElasticLoadBalancingV2Client,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { describe, expect, test } from 'vitest';
import { anEndpoint } from './endpoint.ts';
import { account, region } from './world.ts';

const scope = { account, region };

async function aListener() {
  const lab = await anEndpoint();
  const client = new ElasticLoadBalancingV2Client(lab.config());
  const { loadBalancers } = lab.world.aws;
  const group = loadBalancers.addTargetGroup({
    ...scope,
    name: 'page',
    type: 'lambda',
    functionArn: `arn:aws:lambda:${region}:${account}:function:page`,
    isPermitted: true,
  });
  const balancer = loadBalancers.addLoadBalancer({ ...scope, name: 'web', tags: { team: 'web' } });
  const listener = loadBalancers.addListener(balancer, { tags: { 'elbv2.k8s.aws/cluster': 'develop' } });
  const create = (changes: object = {}) =>
    client.send(
      new CreateRuleCommand({
        ListenerArn: listener,
        Priority: 5,
        Conditions: [{ Field: 'host-header', HostHeaderConfig: { Values: ['*.example.com'] } }],
        Actions: [{ Type: 'forward', TargetGroupArn: group.arn }],
        ...changes,
      }),
    );
  return { ...lab, client, loadBalancers, group, balancer, listener, create };
}

describe('rules of a listener', () => {
  test('are created, listed in the order of their priority, and deleted', async () => {
    const { client, listener, create, loadBalancers, group } = await aListener();
    const { Rules } = await create();
    await create({ Priority: 1, Conditions: [{ Field: 'path-pattern', Values: ['/health'] }] });
    const listed = await client.send(new DescribeRulesCommand({ ListenerArn: listener }));
    expect(listed.Rules?.map(({ Priority }) => Priority)).toEqual(['1', '5', 'default']);
    expect(listed.Rules?.[1]?.Actions?.[0]?.ForwardConfig?.TargetGroups?.[0]?.TargetGroupArn).toBe(group.arn);
    expect(loadBalancers.route(listener, { host: 'SHOP.example.com', path: '/' })?.priority).toBe(5);
    expect(loadBalancers.route(listener, { host: 'example.com', path: '/' })?.priority).toBe('default');
    expect(loadBalancers.route(listener, { host: 'example.com', path: '/health' })?.priority).toBe(1);
    await client.send(new DeleteRuleCommand({ RuleArn: Rules![0]!.RuleArn! }));
    await expect(client.send(new DeleteRuleCommand({ RuleArn: Rules![0]!.RuleArn! }))).rejects.toMatchObject({
      name: 'RuleNotFoundException',
    });
  });

  test.each([
    ['PriorityInUse', {}],
    [
      'ListenerNotFound',
      { ListenerArn: `arn:aws:elasticloadbalancing:${region}:${account}:listener/app/x/0/0` },
    ],
    ['ValidationError', { Priority: 50_001 }],
    ['ValidationError', { Priority: 6, Conditions: [] }],
    [
      'TargetGroupNotFound',
      {
        Priority: 6,
        Actions: [
          {
            Type: 'forward',
            TargetGroupArn: `arn:aws:elasticloadbalancing:us-east-1:${account}:targetgroup/page/0`,
          },
        ],
      },
    ],
  ])('are refused with %s', async (code, changes) => {
    const { create } = await aListener();
    await create();
    await expect(create(changes)).rejects.toMatchObject({
      name: expect.stringMatching(`^${code}(Exception)?$`),
    });
  });

  test('are a hundred at most, and a target group belongs to one load balancer', async () => {
    const { create, loadBalancers, group } = await aListener();
    for (let n = 0; n < 100; n++) await create({ Priority: 100 + n });
    await expect(create()).rejects.toMatchObject({ name: 'TooManyRulesException' });
    const other = loadBalancers.addListener(loadBalancers.addLoadBalancer({ ...scope, name: 'other' }));
    await expect(create({ ListenerArn: other })).rejects.toMatchObject({
      name: 'TargetGroupAssociationLimitException',
    });
    expect(group.type).toBe('lambda');
  });
});

test('tags are those of listener and load balancer, and a function has no health check', async () => {
  const { client, listener, balancer, group } = await aListener();
  const { TagDescriptions } = await client.send(
    new DescribeTagsCommand({ ResourceArns: [listener, balancer] }),
  );
  expect(TagDescriptions?.map(({ Tags }) => Tags?.map(({ Key }) => Key))).toEqual([
    ['elbv2.k8s.aws/cluster'],
    ['team'],
  ]);
  const health = await client.send(new DescribeTargetHealthCommand({ TargetGroupArn: group.arn }));
  expect(health.TargetHealthDescriptions?.[0]?.TargetHealth).toEqual({
    State: 'unavailable',
    Reason: 'Target.HealthCheckDisabled',
  });
});

test('a function that does not let Elastic Load Balancing in is no target', async () => {
  const { loadBalancers } = await aListener();
  expect(() =>
    loadBalancers.addTargetGroup({
      ...scope,
      name: 'page',
      type: 'lambda',
      functionArn: 'f',
      isPermitted: false,
    }),
  ).toThrow('does not have permission to invoke');
});
