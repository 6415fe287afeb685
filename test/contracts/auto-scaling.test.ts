/** One Auto Scaling, twice: as the simulation shows it to spot-drain, and behind the AWS protocol. */
import type { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import { anEndpoint } from '@nightshift/lab/test/aws/endpoint.ts';
import { aGroup, aNodegroup, scope, start, type TestWorld } from '@nightshift/lab/test/aws/world.ts';
import { createAws } from '@nightshift/lab/world/aws/index.ts';
import { createContext } from '@nightshift/lab/world/context.ts';
import { describe, expect, test } from 'vitest';
import { createInstanceGroups, createLifecycle } from '#functions/adapters/aws/lifecycle.ts';
import { createSimulatedClock } from '#test/simulation/clock.ts';
import { createAutoScalingApi } from '#test/simulation/drain/auto-scaling-api.ts';

interface Subject {
  readonly world: Pick<TestWorld, 'aws' | 'cluster' | 'context' | 'pass'>;
  readonly client: Pick<AutoScalingClient, 'send'>;
}

async function simulated(): Promise<Subject> {
  const clock = createSimulatedClock(start);
  const context = { ...createContext({ start, seed: 1 }), clock };
  const aws = createAws(context);
  const cluster = aws.addCluster({ ...scope, name: 'develop' });
  const ignore = () => undefined;
  const client = createAutoScalingApi({
    aws,
    scope,
    onRequest: ignore,
    onApplied: ignore,
    onReply: ignore,
    around: async (_call, act) => act(),
  });
  return {
    world: { aws, cluster, context, pass: (seconds) => clock.runUntil(clock.now() + seconds * 1_000) },
    client,
  };
}

async function behindHttp(): Promise<Subject> {
  const { world, autoScaling } = await anEndpoint();
  return { world, client: autoScaling };
}

describe.each([
  ['of the simulation', simulated],
  ['behind HTTP', behindHttp],
])('the Auto Scaling %s', (_name, create) => {
  const HOOK = { name: 'drain', heartbeatTimeoutSeconds: 120, defaultResult: 'ABANDON' } as const;

  async function withWorkers() {
    const subject = await create();
    const { world, client } = subject;
    const workers = aGroup(world as TestWorld, { lifecycleHooks: [HOOK], capacityRebalance: true });
    await world.pass(120);
    const [first = '', second = ''] = workers.instances.keys();
    return {
      world,
      workers,
      first,
      second,
      groups: createInstanceGroups(client, () => world.context.clock.date()),
      lifecycle: createLifecycle(client),
    };
  }

  test('reads the group of an instance, its lifecycle state and type', async () => {
    const { groups, first, workers } = await withWorkers();
    expect(await groups.ofInstance(first)).toEqual({
      place: { zone: workers.instances.get(first)?.view.zone, instanceType: 'm6i.large' },
      group: { name: 'workers', clusters: ['develop'], capacityRebalance: true },
      isTerminating: false,
    });
  });

  test('reads the nodegroup of an instance that EKS manages', async () => {
    const { world, client } = await create();
    aNodegroup(world as TestWorld);
    await world.pass(120);
    const [first = ''] = world.aws.groups(world.cluster)[0]?.instances.keys() ?? [];
    const found = await createInstanceGroups(client, () => world.context.clock.date()).ofInstance(first);
    expect(found?.group).toMatchObject({ clusters: ['develop'], nodegroup: 'app' });
  });

  test('knows no group of a foreign instance, and none by an unknown name', async () => {
    const { groups } = await withWorkers();
    expect(await groups.ofInstance('i-0fedcba9876543210')).toBeUndefined();
    expect(await groups.named('nobody')).toBeUndefined();
  });

  test('reads the times of a hook', async () => {
    const { lifecycle } = await withWorkers();
    const hook = { group: 'workers', name: 'drain', token: '' };
    expect(await lifecycle.times(hook)).toEqual({ heartbeatSeconds: 120, globalSeconds: 12_000 });
    expect(await lifecycle.times({ ...hook, name: 'other' })).toBeUndefined();
    await expect(lifecycle.times({ ...hook, group: 'nobody' })).rejects.toThrow('not found');
  });

  test('completes an action once, and lets a heartbeat for one that is over pass', async () => {
    const { world, lifecycle, first } = await withWorkers();
    world.aws.autoScaling.terminateInstance(scope, first, { decrement: false });
    await world.pass(1);
    const [action] = world.aws.autoScaling.pendingLifecycleActions();
    const hook = { group: 'workers', name: 'drain', token: action?.token ?? '' };
    await lifecycle.heartbeat(hook, first);
    expect(await lifecycle.complete({ ...hook, token: '11111111-2222-4333-8444-555555555555' }, first)).toBe(
      'over',
    );
    expect(await lifecycle.complete(hook, first)).toBe('completed');
    expect(await lifecycle.complete(hook, first)).toBe('over');
    await lifecycle.heartbeat(hook, first);
  });

  test('lets go of an instance once, and starts another in its place', async () => {
    const { world, groups, workers, first } = await withWorkers();
    expect(await groups.replace('workers', first)).toBe('requested');
    expect(await groups.replace('workers', first)).toBe('already-leaving');
    await world.pass(180);
    expect(workers.instances.has(first)).toBe(false);
    expect(workers.desired).toBe(3);
    expect(workers.instances.size).toBe(3);
    await expect(groups.replace('nobody', first)).rejects.toThrow('not found');
  });
});
