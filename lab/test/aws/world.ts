/** A small account for the tests of the lab's AWS: one cluster in Tokyo, time standing still until it is let go. */
import { type AwsWorld, createAws, type EksCluster } from '#lab/world/aws/index.ts';
import { createContext } from '#lab/world/context.ts';
import type { AwsEvent, InstanceView, WorldContext } from '#lab/world/seams.ts';

export const account = '111111111111';
export const region = 'ap-northeast-1';
export const scope = { account, region };
export const start = new Date('2026-11-24T00:00:00Z');

export interface TestWorld {
  readonly aws: AwsWorld;
  readonly context: WorldContext;
  readonly cluster: EksCluster;
  readonly events: AwsEvent[];
  readonly running: InstanceView[];
  readonly gone: InstanceView[];
  /** Lets virtual time pass. */
  pass(seconds: number): Promise<void>;
  eventsOf(detailType: string): readonly AwsEvent[];
}

export function aWorld(
  options: { subnetBits?: number; addressesPerNode?: number; seed?: number } = {},
): TestWorld {
  const context = createContext({ start, seed: options.seed ?? 1 });
  const aws = createAws(context);
  const events: AwsEvent[] = [];
  const running: InstanceView[] = [];
  const gone: InstanceView[] = [];
  context.signals.on('event', (event) => events.push(event));
  context.signals.on('instance-running', (view) => running.push(view));
  context.signals.on('instance-gone', (view) => gone.push(view));
  const cluster = aws.addCluster({
    ...scope,
    name: 'develop',
    ...(options.subnetBits ? { subnetBits: options.subnetBits } : {}),
    ...(options.addressesPerNode ? { addressesPerNode: options.addressesPerNode } : {}),
  });
  return {
    aws,
    context,
    cluster,
    events,
    running,
    gone,
    pass: (seconds) => context.clock.runUntil(context.clock.now() + seconds * 1000),
    eventsOf: (detailType) => events.filter((event) => event['detail-type'] === detailType),
  };
}

export function aNodegroup(
  world: TestWorld,
  overrides: Partial<Parameters<AwsWorld['addNodegroup']>[1]> = {},
) {
  return world.aws.addNodegroup(world.cluster, {
    name: 'app',
    min: 1,
    desired: 3,
    max: 6,
    instanceTypes: ['m6i.large'],
    capacityType: 'SPOT',
    ...overrides,
  });
}

export function aGroup(
  world: TestWorld,
  overrides: Partial<Parameters<AwsWorld['addAutoScalingGroup']>[1]> = {},
) {
  return world.aws.addAutoScalingGroup(world.cluster, {
    name: 'workers',
    min: 1,
    desired: 3,
    max: 6,
    instanceTypes: ['m6i.large'],
    spotPercent: 100,
    ...overrides,
  });
}
