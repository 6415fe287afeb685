/** The rules of the doorbell on the lab's load balancer, through whole passes, with a kill at each step. */
import { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import { serveAws } from '@nightshift/lab/http/aws/server.ts';
import { createAws } from '@nightshift/lab/world/aws/index.ts';
import type { TargetHealth } from '@nightshift/lab/world/aws/load-balancers.ts';
import { createContext } from '@nightshift/lab/world/context.ts';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createListenerRules } from '#functions/adapters/aws/listener-rules.ts';
import { createNightStore } from '#functions/adapters/dynamodb/night-store.ts';
import { noteKey, NIGHT as PARTITION } from '#functions/adapters/dynamodb/table-keys.ts';
import { type CustomResourceReply, handleCustomResource } from '#functions/night-schedule/custom-resource.ts';
import {
  type CustomResourceRequest,
  customResourceRequestOf,
} from '#functions/night-schedule/custom-resource-request.ts';
import type { NightScheduleDeps } from '#functions/night-schedule/pass.ts';
import type { ListenerRules } from '#functions/night-schedule/ports.ts';
import { run } from '#functions/night-schedule/run.ts';
import type { NightScheduleSettings } from '#model/settings.ts';
import { aGroup, MORNING, NIGHT, someSettings } from './builders.ts';
import { aWorld, CrashError } from './memory-ports.ts';

const scope = { account: '111111111111', region: 'ap-northeast-1' };
const HOST = 'shop.develop.example.com';
const MINUTE = 60_000;

interface Options {
  readonly hosts?: readonly string[];
  readonly range?: readonly [number, number];
  readonly listenerTags?: Readonly<Record<string, string>>;
  readonly balancerTags?: Readonly<Record<string, string>>;
  readonly targetRegion?: string;
}

/** A cluster of one group behind a load balancer whose rule of priority 100 is the application's. */
async function aSite({
  hosts = [HOST],
  range = [1, 3],
  listenerTags,
  balancerTags,
  targetRegion,
}: Options = {}) {
  const aws = createAws(createContext({ start: NIGHT, seed: 5 }));
  const endpoint = await serveAws({ aws });
  onTestFinished(() => endpoint.close());
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
  const rules: ListenerRules = {
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
  let settings: NightScheduleSettings = someSettings({
    doorbell: { listener, from: range[0], to: range[1], hosts },
  });
  const deps = (now: Date): NightScheduleDeps => ({
    ...world.ports,
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

const HEALTHY: readonly TargetHealth[] = [{ id: 'i-2', state: 'healthy' }];
const NOT_YET: readonly TargetHealth[] = [
  { id: 'i-2', state: 'initial', reason: 'Elb.InitialHealthChecking' },
];

describe('the rules of the doorbell', () => {
  test('are in place when the stop is confirmed, and gone when the application has healthy targets again', async () => {
    const site = await aSite();
    await site.pass(NIGHT);
    expect(site.route()).toBe(site.application.arn);
    site.targets([]);
    await site.passes(new Date(NIGHT.getTime() + MINUTE), 4);
    expect(site.route()).toBe(site.doorbell.arn);
    expect(site.ours().map(({ priority }) => priority)).toEqual([1]);

    site.targets(NOT_YET);
    await site.passes(MORNING, 6);
    expect(site.route()).toBe(site.doorbell.arn);
    site.targets(HEALTHY);
    await site.passes(new Date(MORNING.getTime() + 6 * MINUTE), 3);
    expect(site.ours()).toEqual([]);
    expect(site.route()).toBe(site.application.arn);
    expect(site.switches()).toEqual([
      "the cluster sleeps: requests get the doorbell's page (rule of priority 1)",
      'the cluster is awake; the application has healthy targets: requests go to it again',
    ]);
    expect(site.failures()).toEqual([]);
  });

  test('cost no call of the load balancer while the cluster sleeps or is up without a change', async () => {
    const site = await aSite();
    await site.passes(NIGHT, 6);
    const asleep = site.elbCalls().length;
    await site.passes(new Date(NIGHT.getTime() + 10 * MINUTE), 5);
    expect(site.elbCalls().length).toBe(asleep);
    await site.passes(MORNING, 8);
    const awake = site.elbCalls().length;
    await site.passes(new Date(MORNING.getTime() + 30 * MINUTE), 5);
    expect(site.elbCalls().length).toBe(awake);
  });

  test('go to an application that never answers after ten minutes, with the reason', async () => {
    const site = await aSite();
    site.targets([]);
    await site.passes(NIGHT, 6);
    site.targets([{ id: 'i-2', state: 'unhealthy', reason: 'Target.ResponseCodeMismatch' }]);
    await site.passes(MORNING, 8);
    expect(site.ours()).toHaveLength(1);
    await site.passes(new Date(MORNING.getTime() + 8 * MINUTE), 10);
    expect(site.ours()).toEqual([]);
    expect(site.switches().at(-1)).toContain('no healthy target after 10 min');
  });

  test('leave a rule that somebody else put on a priority of the range alone, and take the next', async () => {
    const site = await aSite();
    const foreign = site.aws.loadBalancers.createRule(scope, site.listener, {
      priority: 1,
      conditions: [{ field: 'path-pattern', values: ['/health'] }],
      targetGroups: [site.application.arn],
    });
    await site.passes(NIGHT, 6);
    expect(site.ours().map(({ priority }) => priority)).toEqual([2]);
    site.targets(HEALTHY);
    await site.passes(MORNING, 8);
    expect(site.ours()).toEqual([]);
    expect(site.aws.loadBalancers.rules(scope, site.listener).map(({ arn }) => arn)).toContain(foreign.arn);
  });

  test('are reported once where no priority of the range is free', async () => {
    const site = await aSite({ range: [1, 1] });
    site.aws.loadBalancers.createRule(scope, site.listener, {
      priority: 1,
      conditions: [{ field: 'path-pattern', values: ['/health'] }],
      targetGroups: [site.application.arn],
    });
    await site.passes(NIGHT, 10);
    expect(site.failures()).toEqual([
      `no waiting page: no priority is free for ${HOST}: somebody else's rules use the range, choose another in doorbell.rules.priorities`,
    ]);
    expect(site.world.size('workers').desired).toBe(0);
  });

  test.each([
    ['listenerTags', 'ingress.k8s.aws/stack'],
    ['listenerTags', 'elbv2.k8s.aws/cluster'],
    ['balancerTags', 'elbv2.k8s.aws/cluster'],
  ] as const)('are refused with the reason where the %s have %s', async (where, tag) => {
    const site = await aSite({ [where]: { [tag]: 'develop' } });
    await site.passes(NIGHT, 8);
    expect(site.ours()).toEqual([]);
    expect(site.failures()).toEqual([
      `no waiting page: the listener has the tag ${tag}: its controller deletes the rules of others; use doorbell.ingress instead`,
    ]);
  });

  test('are refused where the listener is gone, and the night goes on', async () => {
    const site = await aSite();
    site.aws.loadBalancers.removeListener(site.listener);
    await site.passes(NIGHT, 8);
    expect(site.failures()).toEqual([
      'no waiting page: the listener does not exist: correct doorbell.rules.listener in the config',
    ]);
    await site.passes(MORNING, 8);
    expect(site.world.size('workers').desired).toBeGreaterThan(0);
    expect(site.failures()).toHaveLength(1);
  });

  test('are refused where the target group is of another region', async () => {
    const site = await aSite({ targetRegion: 'us-east-1' });
    await site.passes(NIGHT, 8);
    expect(site.failures()).toEqual([expect.stringContaining("is not of the listener's region")]);
    expect(site.elbCalls()).not.toContain('CreateRule');
  });

  test('are refused where the rules of the application come first', async () => {
    const site = await aSite({ range: [200, 220] });
    await site.passes(NIGHT, 8);
    expect(site.failures()).toEqual([
      expect.stringContaining('the rule of priority 100 takes the requests of'),
    ]);
  });

  test('are reported where the quota of rules is used', async () => {
    const site = await aSite();
    for (let n = 0; n < 99; n++)
      site.aws.loadBalancers.createRule(scope, site.listener, {
        priority: 1000 + n,
        conditions: [{ field: 'path-pattern', values: [`/${n}`] }],
        targetGroups: [site.application.arn],
      });
    await site.passes(NIGHT, 8);
    expect(site.failures()).toEqual([
      expect.stringContaining('the quota of rules of the load balancer is used'),
    ]);
  });

  test('move with the config while the cluster sleeps', async () => {
    const site = await aSite({ hosts: [HOST, 'api.develop.example.com'], range: [1, 5] });
    await site.passes(NIGHT, 6);
    expect(site.ours().map(({ priority }) => priority)).toEqual([1, 2]);
    site.configure({ from: 50, to: 60, hosts: [HOST] });
    await site.passes(new Date(NIGHT.getTime() + 10 * MINUTE), 4);
    expect(site.ours().map(({ priority }) => priority)).toEqual([50]);
    site.targets(HEALTHY);
    await site.passes(MORNING, 8);
    expect(site.ours()).toEqual([]);
  });

  test('are found again where the note about them cannot be read', async () => {
    const site = await aSite();
    await site.passes(NIGHT, 6);
    await site.world.table.through().save(PARTITION, noteKey('doorbell'), { phase: 'nonsense' });
    site.targets(HEALTHY);
    await site.passes(MORNING, 8);
    expect(site.ours()).toEqual([]);
    const calls = site.elbCalls().length;
    await site.pass(new Date(MORNING.getTime() + 20 * MINUTE));
    expect(site.elbCalls().length).toBe(calls);
  });

  test('stay while a start is given up for another stop', async () => {
    const site = await aSite();
    site.targets([]);
    await site.passes(NIGHT, 6);
    expect(site.ours()).toHaveLength(1);
    await site.pass(MORNING);
    await site.passes(new Date(NIGHT.getTime() + 24 * 60 * MINUTE), 6);
    expect(site.ours()).toHaveLength(1);
  });
});

describe('after a kill', () => {
  // Two hosts: two rules are created and removed.
  const steps = { list: 3, create: 2, remove: 2, note: 3 };
  const cases = Object.entries(steps).flatMap(([step, times]) =>
    [true, false].flatMap((before) =>
      Array.from({ length: times }, (_, skip) => [step, before, skip] as const),
    ),
  );
  test.each(cases)(
    'at %s (before: %s, after %i others) no rule is left behind',
    async (step, before, skip) => {
      const site = await aSite({ hosts: [HOST, 'api.develop.example.com'], range: [1, 5] });
      let left = skip;
      let kills = 0;
      let isDead = false;
      site.world.hook = (call, isBefore) => {
        // Nothing that the killed process does takes effect any more.
        if (isDead) throw new CrashError(call);
        const isStep = step === 'note' ? /note.*doorbell/i.test(call) : call === `rules.${step}`;
        if (kills > 0 || !isStep || isBefore !== before || left-- > 0) return;
        kills++;
        isDead = true;
        throw new CrashError(call);
      };
      const killable = async (from: Date) => {
        for (let minute = 0; minute < 10; minute++) {
          isDead = false;
          await site.pass(new Date(from.getTime() + minute * MINUTE)).catch(() => undefined);
        }
      };
      site.targets([]);
      await killable(NIGHT);
      expect(
        site
          .ours()
          .map((rule) => rule.conditions[0]?.values[0])
          .sort(),
      ).toEqual(['api.develop.example.com', HOST]);
      site.targets(HEALTHY);
      await killable(MORNING);
      expect(kills).toBe(1);
      expect(site.ours()).toEqual([]);
      expect(site.route()).toBe(site.application.arn);
      const calls = site.elbCalls().length;
      await site.pass(new Date(MORNING.getTime() + 20 * MINUTE));
      expect(site.elbCalls().length).toBe(calls);
    },
  );
});

describe('the removal of the stack at night', () => {
  const aRequest = () =>
    customResourceRequestOf({
      RequestType: 'Delete',
      ResponseURL: 'https://bucket.example.com/answer?signature=x',
      RequestId: 'request-1',
      StackId: 'stack',
      LogicalResourceId: 'Restore',
      PhysicalResourceId: 'nightshift-develop-night',
      ResourceProperties: { cluster: 'develop', dryRun: 'false' },
    })!;

  test.each([false, true])(
    'removes the rules before CloudFormation deletes their target group (retired without restore: %s)',
    async (restoresNothing) => {
      const site = await aSite();
      await site.passes(NIGHT, 6);
      expect(site.ours()).toHaveLength(1);
      if (restoresNothing)
        await site.world.ports.store.writeNote(
          'retired',
          { since: NIGHT.toISOString(), restoresNothing: true },
          'absent',
        );
      expect(await site.remove(aRequest())).toMatchObject([{ status: 'SUCCESS' }]);
      expect(site.ours()).toEqual([]);
    },
  );

  test('fails with the reason where a rule cannot be removed', async () => {
    const site = await aSite();
    await site.passes(NIGHT, 6);
    site.endpoint.faults.add({
      service: 'elasticloadbalancing',
      operation: 'DeleteRule',
      kind: 'access-denied',
    });
    const [reply] = await site.remove(aRequest());
    expect(reply?.status).toBe('FAILED');
    expect(reply?.reason).toContain('the rules of the doorbell on');
    expect(await site.remove({ ...aRequest(), id: 'request-2' })).toMatchObject([{ status: 'SUCCESS' }]);
    expect(site.ours()).toEqual([]);
  });
});
