/** Observes the listener that the doorbell's rules are put on. */
import type { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import { createListenerRules } from '#functions/adapters/aws/listener-rules.ts';
import type { EnvironmentConfig } from '#model/config.ts';
import type { ListenerFacts } from '../facts.ts';
import type { Observation } from '../observation.ts';
import { observe } from './observe.ts';

/** Undefined where the config names none. The client is loaded only then. */
export async function observeListener(
  environment: EnvironmentConfig,
  createClient: () => Promise<Pick<ElasticLoadBalancingV2Client, 'send'>>,
): Promise<Observation<ListenerFacts> | undefined> {
  const arn = environment.production ? undefined : environment.doorbell?.rules?.listener;
  if (arn === undefined) return undefined;
  const rules = createListenerRules(await createClient());
  return observe('elasticloadbalancing:DescribeRules', async () => {
    const found = await rules.list(arn);
    if (found === 'gone') return { rules: 'gone' };
    const controllerTag = await rules.controllerTag(arn);
    return { rules: found, ...(controllerTag ? { controllerTag } : {}) };
  });
}
