/** An application of the lab behind a load balancer whose listener is a port of the loopback, for the doorbell. */
import { serveListener } from '@nightshift/lab/http/load-balancer.ts';
import type { LoopbackServer } from '@nightshift/lab/http/loopback.ts';
import { defineConfig } from '#model/config.ts';
import { parseListenerArn } from '#model/doorbell.ts';
import { MINUTE_MS } from '#model/duration.ts';
import type { Lab } from './lab.ts';

export const SHOP_HOST = 'shop.develop.example.com';
export const SHOP_LISTENER =
  'arn:aws:elasticloadbalancing:ap-northeast-1:111111111111:listener/app/develop/0123456789abcdef/fedcba9876543210';
/** A cluster with office hours, and the doorbell by rules of the listener. */
export const SHOP_CONFIG = defineConfig({
  schedules: { office: { timeZone: 'Asia/Tokyo', up: ['Mon-Fri 08:00-22:00'] } },
  environments: {
    develop: {
      account: '111111111111',
      region: 'ap-northeast-1',
      cluster: 'develop',
      schedule: 'office',
      selfService: { links: true },
      doorbell: {
        applications: [`https://${SHOP_HOST}/`],
        rules: { listener: SHOP_LISTENER, priorities: '1-5' },
      },
    },
  },
});

/** From the first instance in service until its pods pass their health checks. */
const PODS_MS = 2 * MINUTE_MS;

/** `listener`: an ARN of the account and the region of the lab's first environment, whose cluster has the pods. */
export async function raiseShop(
  lab: Lab,
  { listener, host }: { readonly listener: string; readonly host: string },
): Promise<LoopbackServer> {
  const place = parseListenerArn(listener);
  const [environment] = lab.environments;
  if (!place || !environment) throw new Error(`no listener of an environment of the lab: ${listener}`);
  const { account, region, loadBalancer } = place;
  const { cluster } = environment;
  const { loadBalancers } = lab.aws;
  const { clock } = lab.context;
  const inService = () =>
    lab.aws.instances(cluster).filter(({ lifecycleState }) => lifecycleState === 'InService');
  let readySince: number | undefined;
  lab.aws.onChange(() => {
    readySince = inService().length === 0 ? undefined : (readySince ?? clock.now());
  });
  const application = loadBalancers.addTargetGroup({
    account,
    region,
    name: 'shop',
    type: 'ip',
    health: () =>
      inService().map(({ id }) => ({
        id,
        state: clock.now() - (readySince ?? 0) > PODS_MS ? 'healthy' : 'initial',
      })),
  });
  const balancer = loadBalancers.addLoadBalancer({ account, region, name: 'develop', arn: loadBalancer });
  loadBalancers.addListener(balancer, { arn: listener });
  loadBalancers.createRule({ account, region }, listener, {
    priority: 100,
    conditions: [{ field: 'host-header', values: [host] }],
    targetGroups: [application.arn],
  });
  return serveListener({
    aws: lab.aws,
    context: lab.context,
    run: lab.assembly,
    listener,
    application: ({ path }) => ({
      status: 200,
      body: `<!doctype html><title>Shop</title><h1>The shop itself</h1><p id="path">${path}</p>`,
    }),
  });
}
