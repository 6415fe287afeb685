/** The rules of a listener through Elastic Load Balancing. Loaded lazily. */
import {
  CreateRuleCommand,
  DeleteRuleCommand,
  DescribeRulesCommand,
  type DescribeRulesCommandOutput,
  DescribeTagsCommand,
  DescribeTargetHealthCommand,
  ElasticLoadBalancingV2Client,
  type Rule,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import type { ListenerRule, ListenerRules } from '#functions/night-schedule/ports.ts';
import { NightshiftError } from '#functions/shared/errors.ts';
import { parseListenerArn } from '#model/doorbell.ts';
import { awsClientDefaults } from './clients.ts';
import { errorName } from './errors.ts';
import { withTimeLimit } from './time-limit.ts';

/**
 * Tags of the AWS Load Balancer Controller, and of the one of EKS Auto Mode: the managed policy AmazonEKSLoadBalancingPolicy
 * (version 10) lets it create a listener with these keys only.
 */
const CONTROLLER_TAGS = [
  'elbv2.k8s.aws/',
  'ingress.k8s.aws/',
  'ingress.eks.amazonaws.com/',
  'gateway.eks.amazonaws.com.alb/',
];
const PAGE_SIZE = 400;
/** More rules than a load balancer can have: a service that answers so is not Elastic Load Balancing. */
const MOST_PAGES = 20;

/** `client`: default one of its own. */
export function createListenerRules(
  client: Pick<ElasticLoadBalancingV2Client, 'send'> = createElbClient(),
): ListenerRules {
  return {
    async list(listener) {
      const rules: ListenerRule[] = [];
      let marker: string | undefined;
      for (let pages = 0; pages < MOST_PAGES; pages++) {
        const input = { ListenerArn: listener, PageSize: PAGE_SIZE, ...(marker ? { Marker: marker } : {}) };
        const reply: DescribeRulesCommandOutput | 'gone' = await client
          .send(new DescribeRulesCommand(input))
          .catch(unlessNamed(['ListenerNotFound'], 'gone' as const));
        if (reply === 'gone') return 'gone';
        if (!Array.isArray(reply.Rules))
          throw new NightshiftError('elastic load balancing answered DescribeRules without its list');
        rules.push(...reply.Rules.map(ruleOf));
        marker = reply.NextMarker;
        if (!marker) return rules;
      }
      throw new NightshiftError(`DescribeRules has more than ${MOST_PAGES} pages`);
    },

    async controllerTag(listener) {
      const place = parseListenerArn(listener);
      if (!place) throw new NightshiftError(`${listener} is no ARN of a listener`);
      const { TagDescriptions } = await client.send(
        new DescribeTagsCommand({ ResourceArns: [listener, place.loadBalancer] }),
      );
      if (!Array.isArray(TagDescriptions))
        throw new NightshiftError('elastic load balancing answered DescribeTags without its list');
      const keys = TagDescriptions.flatMap(({ Tags = [] }) => Tags.map(({ Key = '' }) => Key));
      return keys.find((key) => CONTROLLER_TAGS.some((prefix) => key.startsWith(prefix)));
    },

    async create(listener, { host, priority, targetGroup }) {
      const input = {
        ListenerArn: listener,
        Priority: priority,
        Conditions: [{ Field: 'host-header', HostHeaderConfig: { Values: [host] } }],
        Actions: [{ Type: 'forward' as const, TargetGroupArn: targetGroup }],
      };
      return client
        .send(new CreateRuleCommand(input))
        .then(() => 'created' as const)
        .catch(unlessNamed(['PriorityInUse'], 'taken' as const))
        .catch(unlessNamed(['TooManyRules'], 'full' as const))
        .catch(unlessNamed(['ListenerNotFound'], 'gone' as const));
    },

    async remove(rule) {
      await client
        .send(new DeleteRuleCommand({ RuleArn: rule }))
        .catch(unlessNamed(['RuleNotFound'], undefined));
    },

    async areHealthy(targetGroups) {
      for (const targetGroup of targetGroups) {
        const reply = await client
          .send(new DescribeTargetHealthCommand({ TargetGroupArn: targetGroup }))
          .catch(unlessNamed(['TargetGroupNotFound'], 'gone' as const));
        const states = reply === 'gone' ? [] : (reply.TargetHealthDescriptions ?? []);
        // A Lambda function has no health check unless somebody switches it on.
        const isUp = states.some(
          ({ TargetHealth: health }) =>
            health?.State === 'healthy' || health?.Reason === 'Target.HealthCheckDisabled',
        );
        if (!isUp) return false;
      }
      return true;
    },
  };
}

export function createElbClient(): ElasticLoadBalancingV2Client {
  return withTimeLimit(new ElasticLoadBalancingV2Client(awsClientDefaults()));
}

/** The SDK adds `Exception` to the codes of the service. */
function unlessNamed<T>(names: readonly string[], value: T): (error: unknown) => T {
  return (error) => {
    if (names.includes(errorName(error).replace(/Exception$/, ''))) return value;
    throw error;
  };
}

function ruleOf({ RuleArn: arn, Priority, Conditions = [], Actions = [], IsDefault }: Rule): ListenerRule {
  const priority = Number(Priority);
  if (arn === undefined || !(IsDefault || Number.isInteger(priority)))
    throw new NightshiftError(
      'elastic load balancing answered DescribeRules with a rule without ARN or priority',
    );
  return {
    arn,
    ...(IsDefault ? {} : { priority }),
    hosts: Conditions.filter(({ Field }) => Field === 'host-header').flatMap(
      ({ Values, HostHeaderConfig }) => HostHeaderConfig?.Values ?? Values ?? [],
    ),
    targetGroups: Actions.flatMap(({ TargetGroupArn, ForwardConfig }) => [
      ...(TargetGroupArn ? [TargetGroupArn] : []),
      ...(ForwardConfig?.TargetGroups ?? []).flatMap((group) => group.TargetGroupArn ?? []),
    ]),
  };
}
