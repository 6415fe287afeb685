/** Elastic Load Balancing, API version 2015-12-01, as far as the rules of a listener and the list of what is billed need it. */
import { AwsError, type AwsWorld, page } from '../../../world/aws/index.ts';
import type { LoadBalancer, Rule } from '../../../world/aws/load-balancers.ts';
import { type Parameters, parametersOf } from '../parameters.ts';
import { type AwsRequest, type AwsService, type Reply, unknownOperation } from '../service.ts';

type Operation = (aws: AwsWorld, request: AwsRequest, input: Parameters) => Reply;

export function elasticLoadBalancingService(aws: AwsWorld): AwsService {
  return {
    service: 'elasticloadbalancing',
    protocol: 'query',
    namespace: 'http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/',
    resource({ operation, parameters }) {
      const arn = operation.startsWith('Describe')
        ? undefined
        : (parameters['ListenerArn'] ?? parameters['RuleArn']);
      return typeof arn === 'string' ? arn : undefined;
    },
    handle(request) {
      const operation = operations[request.operation];
      return operation ? operation(aws, request, parametersOf(request)) : unknownOperation;
    },
  };
}

const invalidMarker = () => new AwsError('ValidationError', 'The marker is not valid');

const operations: Readonly<Record<string, Operation>> = {
  DescribeLoadBalancers(aws, request, input) {
    const [arns, names] = [input.texts('LoadBalancerArns'), input.texts('Names')];
    const all = aws.loadBalancers.list(request);
    const missing =
      arns?.find((arn) => !all.some((one) => one.arn === arn)) ??
      names?.find((name) => !all.some((one) => one.name === name));
    if (missing !== undefined)
      throw new AwsError('LoadBalancerNotFound', `Load balancers '[${missing}]' not found`);
    const found = all.filter(
      ({ arn, name }) => (arns?.includes(arn) ?? true) && (names?.includes(name) ?? true),
    );
    const size = input.pageSize('PageSize', 400, 400);
    const { items, nextToken } = page(found, size, input.optionalText('Marker'), invalidMarker);
    return { LoadBalancers: items.map(loadBalancerOut), NextMarker: nextToken };
  },
  DescribeRules(aws, request, input) {
    const found = aws.loadBalancers.rules(request, input.text('ListenerArn'));
    const size = input.pageSize('PageSize', 400, 400);
    const { items, nextToken } = page(found, size, input.optionalText('Marker'), invalidMarker);
    return { Rules: items.map(ruleOut), NextMarker: nextToken };
  },
  CreateRule(aws, request, input) {
    const conditions = (input.structures('Conditions') ?? []).map((given) => {
      const one = parametersOf({ parameters: given });
      const values = one.texts('Values') ?? one.structure('HostHeaderConfig')?.texts('Values');
      return { field: one.text('Field'), values: values ?? [] };
    });
    const actions = (input.structures('Actions') ?? []).map((given) => parametersOf({ parameters: given }));
    if (actions.length !== 1 || actions[0]?.text('Type') !== 'forward')
      throw new AwsError('InvalidLoadBalancerAction', 'the lab takes one action of the type forward');
    const rule = aws.loadBalancers.createRule(request, input.text('ListenerArn'), {
      priority: input.integer('Priority'),
      conditions,
      targetGroups: actions.map((action) => action.text('TargetGroupArn')),
    });
    return { Rules: [ruleOut(rule)] };
  },
  DeleteRule(aws, request, input) {
    aws.loadBalancers.deleteRule(request, input.text('RuleArn'));
    return {};
  },
  DescribeTags(aws, request, input) {
    const arns = input.texts('ResourceArns') ?? [];
    if (arns.length === 0 || arns.length > 20)
      throw new AwsError('ValidationError', 'From 1 to 20 resource ARNs must be specified');
    return {
      TagDescriptions: arns.map((arn) => ({
        ResourceArn: arn,
        Tags: [...aws.loadBalancers.tags(request, arn)].map(([Key, Value]) => ({ Key, Value })),
      })),
    };
  },
  DescribeTargetHealth(aws, request, input) {
    const group = aws.loadBalancers.targetGroup(request, input.text('TargetGroupArn'));
    const targets =
      group.type === 'lambda'
        ? [{ id: group.functionArn, state: 'unavailable', reason: 'Target.HealthCheckDisabled' }]
        : group.health();
    return {
      TargetHealthDescriptions: targets.map(({ id, state, reason }) => ({
        Target: { Id: id },
        TargetHealth: { State: state, Reason: reason },
      })),
    };
  },
};

function loadBalancerOut({ arn, name, type, vpc }: LoadBalancer) {
  return {
    LoadBalancerArn: arn,
    LoadBalancerName: name,
    Type: type,
    Scheme: 'internet-facing',
    State: { Code: 'active' },
    IpAddressType: 'ipv4',
    VpcId: vpc,
  };
}

function ruleOut({ arn, priority, conditions, targetGroups }: Rule) {
  const isDefault = priority === 'default';
  return {
    RuleArn: arn,
    // A number as text.
    Priority: String(priority),
    Conditions: conditions.map(({ field, values }) => ({
      Field: field,
      Values: values,
      ...(field === 'host-header' ? { HostHeaderConfig: { Values: values } } : {}),
      ...(field === 'path-pattern' ? { PathPatternConfig: { Values: values } } : {}),
    })),
    Actions:
      targetGroups.length > 0
        ? targetGroups.map((TargetGroupArn) => ({
            Type: 'forward',
            TargetGroupArn,
            ForwardConfig: {
              TargetGroups: [{ TargetGroupArn, Weight: 1 }],
              TargetGroupStickinessConfig: { Enabled: false },
            },
          }))
        : [{ Type: 'fixed-response', FixedResponseConfig: { StatusCode: '404' } }],
    IsDefault: isDefault,
  };
}
