/** A cluster behind the lab's load balancer, over the real client of Elastic Load Balancing. */
import { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import { serveAws } from '@nightshift/lab/http/aws/server.ts';
import { createAws } from '@nightshift/lab/world/aws/index.ts';
import type { TargetHealth } from '@nightshift/lab/world/aws/load-balancers.ts';
import { createContext } from '@nightshift/lab/world/context.ts';
import { onTestFinished } from 'vitest';
import { createListenerRules } from '#functions/adapters/aws/listener-rules.ts';
import { createNightStore } from '#functions/adapters/dynamodb/night-store.ts';
import { type CustomResourceReply, handleCustomResource } from '#functions/night-schedule/custom-resource.ts';
import type { CustomResourceRequest } from '#functions/night-schedule/custom-resource-request.ts';
import type { NightScheduleDeps } from '#functions/night-schedule/pass.ts';
import type { ListenerRules } from '#functions/night-schedule/ports.ts';
import { run } from '#functions/night-schedule/run.ts';
import type { NightScheduleSettings } from '#model/settings.ts';
import { aGroup, NIGHT, someSettings } from './builders.ts';
import { aWorld, CrashError } from './memory-ports.ts';

export const scope = { account: '111111111111', region: 'ap-northeast-1' };
export const HOST = 'shop.develop.example.com';
export const MINUTE = 60_000;

export interface SiteOptions {
  readonly hosts?: readonly string[];
  readonly range?: readonly [number, number];
  readonly listenerTags?: Readonly<Record<string, string>>;
  readonly balancerTags?: Readonly<Record<string, string>>;
  readonly targetRegion?: string;
  /** Deliberate mistakes: what the program uses instead of the real ports. */
  readonly mutate?: (ports: SitePorts) => SitePorts;
}

/** What the doorbell's part of a pass uses. */
export interface SitePorts {
  readonly rules: ListenerRules;
  readonly store: NightScheduleDeps['store'];
}

/** A cluster of one group behind a load balancer whose rule of priority 100 is the application's. */
export async function aSite({
  hosts = [HOST],
  range = [1, 3],
  listenerTags,
  balancerTags,
  targetRegion,
  mutate = (ports) => ports,
}: SiteOptions = {}) {
  const aws = createAws(createContext({ start: NIGHT, seed: 5 }));
  const endpoint = await serveAws({ aws });
  let isOpen = true;
  const close = async () => {
    if (isOpen) await endpoint.close();
    isOpen = false;
  };
  onTestFinished(close);
  const principal = aws.addPrincipal({
    arn: `arn:aws:iam::${scope.account}:role/night`,
    account: scope.account,
    anyTime: true,
  });
  const client = new ElasticLoadBalancingV2Client({
    endpoint: endpoint.url,
    region: scope.region,
    credentials: principal,
    maxAttempts: 1,
  });
  const { loadBalancers } = aws;
  let health: readonly TargetHealth[] = [{ id: 'i-1', state: 'healthy' }];
  const application = loadBalancers.addTargetGroup({
    ...scope,
    name: 'shop',
    type: 'instance',
    health: () => health,
  });
  const doorbell = loadBalancers.addTargetGroup({
    ...scope,
    ...(targetRegion ? { region: targetRegion } : {}),
    name: 'nightshift-develop',
    type: 'lambda',
    functionArn: 'arn:aws:lambda:ap-northeast-1:111111111111:function:nightshift-develop-doorbell',
    isPermitted: true,
  });
  const balancer = loadBalancers.addLoadBalancer({
    ...scope,
    name: 'develop',
    ...(balancerTags ? { tags: balancerTags } : {}),
  });
  const listener = loadBalancers.addListener(balancer, listenerTags ? { tags: listenerTags } : {});
  for (const [index, host] of hosts.entries())
    loadBalancers.createRule(scope, listener, {
      priority: 100 + index,
      conditions: [{ field: 'host-header', values: [host] }],
      targetGroups: [application.arn],
    });
  const world = aWorld([aGroup()]);
  const real = createListenerRules(client);
  const honest: ListenerRules = {
    ...real,
    create: (...given) => hooked('create', () => real.create(...given)),
    remove: (...given) => hooked('remove', () => real.remove(...given)),
    list: (...given) => hooked('list', () => real.list(...given)),
  };
  const hooked = async <T>(name: string, act: () => Promise<T>): Promise<T> => {
    world.hook(`rules.${name}`, true);
    const result = await act();
    world.hook(`rules.${name}`, false);
    return result;
  };
  const { rules, store } = mutate({ rules: honest, store: world.ports.store });
  let settings: NightScheduleSettings = someSettings({
    doorbell: { listener, from: range[0], to: range[1], hosts },
  });
  const deps = (now: Date): NightScheduleDeps => ({
    ...world.ports,
    store,
    settings,
    doorbell: { rules, targetGroup: doorbell.arn },
    now: () => now,
    remaining: () => 60_000,
  });
  const pass = async (now: Date) => {
    try {
      await run(deps(now), { trigger: 'tick', byPerson: false });
    } catch (error) {
      if (!(error instanceof CrashError)) throw error;
    } finally {
      world.settle();
    }
  };
  const passes = async (from: Date, count: number) => {
    for (let minute = 0; minute < count; minute++) await pass(new Date(from.getTime() + minute * MINUTE));
  };
  return {
    aws,
    world,
    endpoint,
    /** Before the end of the test, where it needs many sites. */
    close,
    listener,
    balancer,
    application,
    doorbell,
    pass,
    passes,
    async remove(request: CustomResourceRequest): Promise<readonly CustomResourceReply[]> {
      const replies: CustomResourceReply[] = [];
      let now = new Date(NIGHT.getTime() + 20 * MINUTE);
      const { autoscaler, ...ports } = world.ports;
      await handleCustomResource(
        {
          ...ports,
          settings,
          doorbell: { rules, targetGroup: doorbell.arn },
          autoscalersOf: (saved) => [{ autoscaler, saved }],
          load: (cluster) => createNightStore(world.table.through(), cluster).load(),
          now: () => now,
          sleep: async (ms) => {
            now = new Date(now.getTime() + ms);
            world.settle();
          },
          remaining: () => 60_000,
          reply: async (_request, reply) => void replies.push(reply),
          continueLater: async () => undefined,
        },
        request,
      );
      return replies;
    },
    configure: (changes: Partial<NonNullable<NightScheduleSettings['doorbell']>>) => {
      settings = { ...settings, doorbell: { ...settings.doorbell!, ...changes } };
    },
    targets: (next: readonly TargetHealth[]) => {
      health = next;
    },
    ours: () =>
      loadBalancers.rules(scope, listener).filter(({ targetGroups }) => targetGroups.includes(doorbell.arn)),
    route: (host = HOST) => loadBalancers.route(listener, { host, path: '/' })?.targetGroups[0],
    failures: () => world.decisions.filter(({ action }) => action === 'fail').map(({ reason }) => reason),
    switches: () => world.decisions.filter(({ action }) => action === 'switch').map(({ reason }) => reason),
    elbCalls: () =>
      endpoint.calls
        .filter(({ service }) => service === 'elasticloadbalancing')
        .map(({ operation }) => operation),
  };
}

export const HEALTHY: readonly TargetHealth[] = [{ id: 'i-2', state: 'healthy' }];
export const NOT_YET: readonly TargetHealth[] = [
  { id: 'i-2', state: 'initial', reason: 'Elb.InitialHealthChecking' },
];
