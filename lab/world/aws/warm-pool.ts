/**
 * The warm pool of an Auto Scaling group: prepared instances that wait beside the group, stopped or running. Its size is what
 * may be prepared minus the group's desired capacity: a group that scales to zero fills its pool.
 */
import type { Activities } from './activities.ts';
import type { Capacity } from './capacity.ts';
import { type Ec2Internals, userInitiated } from './ec2.ts';
import { AwsError } from './error.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { AutoScalingGroup, Instance, WarmPool } from './model.ts';
import { place } from './placement.ts';
import { isoSeconds, type State } from './state.ts';

export interface WarmPoolOptions {
  /** Default 0. */
  readonly min?: number;
  /** Of the group and its pool together; default, and -1: the group's max. */
  readonly maxPrepared?: number;
  /** Default `Stopped`. */
  readonly state?: WarmPool['state'];
  /** Default false. */
  readonly reuse?: boolean;
}

export interface WarmPools {
  /** Launches into the pool what is missing, and terminates what is too much. */
  reconcile(group: AutoScalingGroup): void;
  /** An instance that is ready to leave the pool; it is no member of the pool any more. */
  take(group: AutoScalingGroup): Instance | undefined;
  /** Whether an instance that the group scales in returns to the pool. If so, its place is reserved. */
  reserves(instance: Instance): boolean;
  /** Whether its reserved place is still there; otherwise the instance terminates. */
  returns(instance: Instance): boolean;
  /** It is no member of its group any more. */
  accept(instance: Instance): void;
}

/** How many instances the pool is to have now. */
export function poolSize({ warmPool: pool, max, desired }: AutoScalingGroup): number {
  if (!pool || pool.deletion) return 0;
  return Math.max(pool.min, (pool.maxPrepared ?? max) - desired, 0);
}

/** What is omitted stays as it is. */
export function putWarmPool(group: AutoScalingGroup, change: WarmPoolOptions): void {
  const before = group.warmPool;
  const refuse = (message: string) => new AwsError('ValidationError', message);
  const { min = before?.min ?? 0, maxPrepared = before?.maxPrepared ?? -1 } = change;
  if (!Number.isInteger(min) || min < 0) throw refuse(`MinSize must be an integer of at least 0, not ${min}`);
  if (!Number.isInteger(maxPrepared) || maxPrepared < -1)
    throw refuse(`MaxGroupPreparedCapacity must be an integer of at least -1, not ${maxPrepared}`);
  if (maxPrepared >= 0 && maxPrepared < min)
    throw refuse(`MaxGroupPreparedCapacity, ${maxPrepared}, must not be less than MinSize, ${min}`);
  if (before?.deletion)
    throw new AwsError('ScalingActivityInProgress', `The warm pool of ${group.name} is being deleted`);
  group.warmPool = {
    min,
    maxPrepared: maxPrepared < 0 ? undefined : maxPrepared,
    state: change.state ?? before?.state ?? 'Stopped',
    reuse: change.reuse ?? before?.reuse ?? false,
    deletion: undefined,
    instances: before?.instances ?? new Map(),
    returning: before?.returning ?? new Set(),
  };
}

/** Its instances terminate first, except with `force`. */
export function deleteWarmPool(group: AutoScalingGroup, force: boolean): void {
  const pool = group.warmPool;
  if (!pool) throw new AwsError('ValidationError', `No warm pool found for group ${group.name}`);
  const isBusy = group.activities.some(({ endedAt }) => endedAt === undefined);
  if (isBusy && !force)
    throw new AwsError(
      'ScalingActivityInProgress',
      `The group ${group.name} has scaling activities in progress`,
    );
  pool.deletion = force ? 'forced' : 'waits';
}

const RETRY = 60_000;

export function createWarmPools(
  state: State,
  parts: {
    readonly ec2: Ec2Internals;
    readonly lifecycle: Lifecycle;
    readonly capacity: Capacity;
    readonly activities: Activities;
    readonly touch: (group: AutoScalingGroup, delay?: number) => void;
  },
): WarmPools {
  const { ec2, lifecycle, capacity, activities, touch } = parts;

  const launch = (group: AutoScalingGroup, pool: WarmPool): boolean => {
    const cause = `At ${isoSeconds(state.now())} an instance was launched into the warm pool.`;
    const found = place(group, capacity, ec2.freeAddresses);
    if ('message' in found) {
      const activity = activities.begin(group, {
        kind: 'launch',
        instance: undefined,
        description: `Launching a new EC2 instance into warm pool.  Status Reason: ${found.message}`,
        cause,
        statusCode: 'PreInService',
        progress: 0,
        zone: found.zone,
      });
      activities.end(activity, { code: 'Failed', instance: undefined, message: found.message });
      touch(group, RETRY);
      return false;
    }
    const instance = ec2.launch({ group, ...found, lifecycleState: 'Warmed:Pending' });
    pool.instances.set(instance.id, instance);
    activities.begin(group, {
      kind: 'launch',
      instance,
      description: `Launching a new EC2 instance into warm pool: ${instance.id}`,
      cause,
      statusCode: 'PreInService',
      progress: 30,
    });
    return true;
  };

  const terminate = (instance: Instance) => {
    if (instance.lifecycleState.startsWith('Warmed:Terminating')) return;
    const open = activities.open(instance, 'launch');
    if (open) activities.end(open, { code: 'Cancelled', instance });
    lifecycle.drop(instance);
    instance.lifecycleState = 'Warmed:Terminating';
    activities.begin(instance.group, {
      kind: 'terminate',
      instance,
      description: `Terminating EC2 instance: ${instance.id}`,
      cause: `At ${isoSeconds(state.now())} an instance was taken out of the warm pool in response to a difference between desired and actual capacity of the pool.`,
      statusCode: 'InProgress',
      progress: 0,
    });
    const end = () => {
      if (instance.state === 'terminated') leave(instance);
      else ec2.terminate(instance, userInitiated);
    };
    if (instance.group.warmPool?.deletion === 'forced') end();
    else lifecycle.wait(instance, 'autoscaling:EC2_INSTANCE_TERMINATING', end);
  };

  const leave = (instance: Instance) => {
    const { group } = instance;
    instance.lifecycleState = 'Warmed:Terminated';
    group.warmPool?.instances.delete(instance.id);
    const activity = activities.open(instance, 'terminate');
    if (activity) activities.end(activity, { code: 'Successful', instance });
    touch(group);
    state.changed();
  };

  /** The instance was prepared: it is stopped, or waits as it runs. */
  const rest = (instance: Instance) => {
    const { group } = instance;
    if (!instance.lifecycleState.startsWith('Warmed:Pending')) return;
    if (group.warmPool?.state === 'Running') ready(instance, 'Warmed:Running');
    else ec2.stop(instance, userInitiated);
  };

  const ready = (instance: Instance, as: Instance['lifecycleState']) => {
    instance.lifecycleState = as;
    const activity = activities.open(instance, 'launch');
    if (activity) activities.end(activity, { code: 'Successful', instance });
    touch(instance.group);
    state.changed();
  };

  ec2.onState((instance) => {
    const pool = instance.group.warmPool;
    if (pool?.instances.get(instance.id) !== instance) return;
    const isPending = instance.lifecycleState === 'Warmed:Pending';
    if (instance.state === 'running' && isPending)
      lifecycle.wait(instance, 'autoscaling:EC2_INSTANCE_LAUNCHING', (result) =>
        result === 'ABANDON' ? terminate(instance) : rest(instance),
      );
    if (instance.state === 'stopped' && isPending)
      ready(instance, pool.state === 'Hibernated' ? 'Warmed:Hibernated' : 'Warmed:Stopped');
    if (instance.state === 'terminated') leave(instance);
  });

  const staying = ({ instances }: WarmPool) =>
    [...instances.values()].filter(({ lifecycleState }) => !lifecycleState.startsWith('Warmed:Terminating'));

  return {
    reconcile(group) {
      const pool = group.warmPool;
      if (!pool) return;
      const there = staying(pool);
      const missing = poolSize(group) - there.length - pool.returning.size;
      for (const instance of there.slice(missing < 0 ? missing : there.length)) terminate(instance);
      if (pool.deletion && pool.instances.size === 0) group.warmPool = undefined;
      if (group.suspended.has('Launch')) return;
      for (let index = 0; index < missing; index++) if (!launch(group, pool)) return;
    },
    take(group) {
      const pool = group.warmPool;
      if (!pool || pool.deletion) return undefined;
      const instance = [...pool.instances.values()].find(({ lifecycleState }) => READY.has(lifecycleState));
      if (instance) pool.instances.delete(instance.id);
      return instance;
    },
    reserves({ group, ...instance }) {
      const pool = group.warmPool;
      if (!pool?.reuse || staying(pool).length + pool.returning.size >= poolSize(group)) return false;
      pool.returning.add(instance.id);
      return true;
    },
    returns(instance) {
      const pool = instance.group.warmPool;
      if (!pool?.returning.delete(instance.id)) return false;
      return pool.reuse && !pool.deletion && instance.state === 'running';
    },
    accept(instance) {
      instance.group.warmPool?.instances.set(instance.id, instance);
      ec2.leaveCluster(instance);
      instance.lifecycleState = 'Warmed:Pending';
      rest(instance);
    },
  };
}

const READY: ReadonlySet<string> = new Set(['Warmed:Stopped', 'Warmed:Running', 'Warmed:Hibernated']);
