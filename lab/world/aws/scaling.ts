/**
 * Brings an Auto Scaling group to its desired capacity: launches, terminations, replacements and the activities that
 * record them. A group is reconciled a few seconds after a change, and again only while work remains.
 */
import { createActivities } from './activities.ts';
import type { Capacity } from './capacity.ts';
import { type Ec2Internals, userInitiated } from './ec2.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Activity, AutoScalingGroup, Instance } from './model.ts';
import { chooseVictims, isStaying, type Placement, place, type Shortage } from './placement.ts';
import { isoSeconds, type State } from './state.ts';
import { createWarmPools } from './warm-pool.ts';

const causeOf = {
  rebalance: (now: number) =>
    `At ${isoSeconds(now)} an instance was taken out of service in response to an EC2 instance rebalance recommendation.`,
  interruption: (now: number) =>
    `At ${isoSeconds(now)} an instance was taken out of service in response to an EC2 instance interruption notice.`,
};

export interface Scaling {
  /** The desired capacity was changed; `sentence` is the cause in the activities. */
  requested(group: AutoScalingGroup, sentence: string): void;
  /** Schedules a reconciliation of the group. */
  touch(group: AutoScalingGroup): void;
  /** Terminates through the group's hooks. Undefined if it is already terminating. */
  terminate(instance: Instance, cause: string): Activity | undefined;
  /** Detaches the instance: it keeps running, and no hook runs. */
  detach(instance: Instance, cause: string): Activity;
  /** A rebalance recommendation or interruption: with capacity rebalancing the replacement is launched now. */
  atRisk(instance: Instance): void;
  /** After a launch failed or succeeded: for the health of a managed nodegroup. */
  onLaunchOutcome(listener: (group: AutoScalingGroup, failure: string | undefined) => void): void;
}

const RETRY_FIRST = 20_000;
const RETRY_LONGEST = 120_000;
export function createScaling(
  state: State,
  ec2: Ec2Internals,
  lifecycle: Lifecycle,
  capacity: Capacity,
): Scaling {
  const scheduled = new Map<AutoScalingGroup, number>();
  const causes = new Map<AutoScalingGroup, string>();
  const failures = new Map<AutoScalingGroup, number>();
  /** Instances to terminate once their replacement is in service. */
  const replaced = new Map<AutoScalingGroup, Set<Instance>>();
  const outcomeListeners: ((group: AutoScalingGroup, failure: string | undefined) => void)[] = [];
  const clock = state.context.clock;
  const activities = createActivities(state);

  const touch = (group: AutoScalingGroup, delay = state.between(3_000, 7_000)) => {
    const at = state.now() + delay;
    const known = scheduled.get(group);
    if (known !== undefined && known <= at) return;
    scheduled.set(group, at);
    clock.at(at, () => {
      if (scheduled.get(group) !== at) return;
      scheduled.delete(group);
      reconcile(group);
    });
  };

  const warmPools = createWarmPools(state, { ec2, lifecycle, capacity, activities, touch });

  const reconcile = (group: AutoScalingGroup) => {
    const atRiskHere = replaced.get(group) ?? new Set();
    const staying = [...group.instances.values()].filter(isStaying);
    const fresh = staying.filter((instance) => !atRiskHere.has(instance));
    const missing = group.desired - fresh.length;
    if (missing > 0) launchMissing(group, missing, fresh.length);
    else if (missing < 0) shrink(group, -missing, fresh);
    else causes.delete(group);
    const inService = fresh.filter((instance) => instance.lifecycleState === 'InService').length;
    if (inService >= group.desired) {
      for (const instance of [...atRiskHere]) terminate(instance, causeOf.rebalance(state.now()));
    }
    warmPools.reconcile(group);
  };

  const launchMissing = (group: AutoScalingGroup, missing: number, from: number) => {
    if (group.suspended.has('Launch')) return;
    const now = isoSeconds(state.now());
    for (let index = 0; index < missing; index++) {
      const cause = `${causes.get(group) ?? ''}At ${now} an instance was started in response to a difference between desired and actual capacity, increasing the capacity from ${from} to ${from + missing}.`;
      const warm = warmPools.take(group);
      if (warm) {
        useWarm(group, cause, warm);
        continue;
      }
      const found = place(group, capacity, ec2.freeAddresses);
      if ('message' in found) {
        fail(group, cause, found);
        return;
      }
      failures.delete(group);
      launch(group, cause, found);
    }
  };

  const launch = (group: AutoScalingGroup, cause: string, found: Placement) => {
    const instance = ec2.launch({ group, ...found });
    group.instances.set(instance.id, instance);
    activities.begin(group, {
      kind: 'launch',
      instance,
      description: `Launching a new EC2 instance: ${instance.id}`,
      cause,
      statusCode: 'PreInService',
      progress: 30,
    });
    state.changed();
  };

  /** An instance of the warm pool becomes a member. */
  const useWarm = (group: AutoScalingGroup, cause: string, instance: Instance) => {
    instance.lifecycleState = 'Pending';
    group.instances.set(instance.id, instance);
    activities.begin(group, {
      kind: 'launch',
      instance,
      description: `Launching a new EC2 instance from warm pool: ${instance.id}`,
      cause,
      statusCode: 'PreInService',
      progress: 30,
    });
    if (instance.state === 'running')
      clock.after(state.between(1_000, 3_000), () => {
        ec2.joinCluster(instance);
        arrive(instance);
      });
    else ec2.start(instance);
    state.changed();
  };

  const fail = (group: AutoScalingGroup, cause: string, { message, zone }: Shortage) => {
    const activity = activities.begin(group, {
      kind: 'launch',
      instance: undefined,
      description: `Launching a new EC2 instance.  Status Reason: ${message}`,
      cause,
      statusCode: 'PreInService',
      progress: 0,
      zone,
    });
    activities.end(activity, { code: 'Failed', instance: undefined, message });
    const times = (failures.get(group) ?? 0) + 1;
    failures.set(group, times);
    for (const listener of outcomeListeners) listener(group, message);
    touch(group, Math.min(RETRY_LONGEST, RETRY_FIRST * 2 ** (times - 1)));
  };

  const shrink = (group: AutoScalingGroup, surplus: number, staying: readonly Instance[]) => {
    if (group.suspended.has('Terminate')) return;
    const now = isoSeconds(state.now());
    const chosen = chooseVictims(group, staying, surplus);
    for (const instance of chosen) {
      warmPools.reserves(instance);
      terminate(
        instance,
        `${causes.get(group) ?? ''}At ${now} an instance was taken out of service in response to a difference between desired and actual capacity, shrinking the capacity from ${staying.length} to ${staying.length - surplus}. At ${now} instance ${instance.id} was selected for termination.`,
      );
    }
    causes.delete(group);
  };

  const terminate = (instance: Instance, cause: string): Activity | undefined => {
    if (!isStaying(instance)) return undefined;
    const { group } = instance;
    endLaunch(instance, 'Cancelled');
    lifecycle.drop(instance);
    replaced.get(group)?.delete(instance);
    instance.lifecycleState = 'Terminating';
    const activity = activities.begin(group, {
      kind: 'terminate',
      instance,
      description: `Terminating EC2 instance: ${instance.id}`,
      cause,
      statusCode: 'InProgress',
      progress: 0,
    });
    if (
      [...group.hooks.values()].some((hook) => hook.transition === 'autoscaling:EC2_INSTANCE_TERMINATING')
    ) {
      instance.lifecycleState = 'Terminating:Wait';
      activity.statusCode = 'MidLifecycleAction';
    }
    lifecycle.wait(instance, 'autoscaling:EC2_INSTANCE_TERMINATING', () => {
      if (activity.statusCode === 'MidLifecycleAction') instance.lifecycleState = 'Terminating:Proceed';
      activity.statusCode = 'InProgress';
      activity.progress = 60;
      if (warmPools.returns(instance)) {
        endMembership(instance);
        warmPools.accept(instance);
      } else if (instance.state === 'terminated') leave(instance);
      else ec2.terminate(instance, userInitiated);
      state.changed();
    });
    state.changed();
    return activity;
  };

  const leave = (instance: Instance) => {
    instance.lifecycleState = 'Terminated';
    endMembership(instance);
  };

  const endMembership = (instance: Instance) => {
    const { group } = instance;
    group.instances.delete(instance.id);
    const activity = activities.open(instance, 'terminate');
    if (activity) activities.end(activity, { code: 'Successful', instance });
    touch(group);
    state.changed();
  };

  const detach = (instance: Instance, cause: string): Activity => {
    const { group } = instance;
    replaced.get(group)?.delete(instance);
    instance.lifecycleState = 'Detaching';
    const activity = activities.begin(group, {
      kind: 'detach',
      instance,
      description: `Detaching EC2 instance: ${instance.id}`,
      cause,
      statusCode: 'InProgress',
      progress: 50,
    });
    clock.after(state.between(5_000, 15_000), () => {
      instance.lifecycleState = 'Detached';
      group.instances.delete(instance.id);
      activities.end(activity, { code: 'Successful', instance });
      state.changed();
    });
    touch(group);
    state.changed();
    return activity;
  };

  /** The instance runs: its launch hooks, then service. */
  const arrive = (instance: Instance) => {
    const { group } = instance;
    if (instance.lifecycleState !== 'Pending') return;
    const activity = activities.open(instance, 'launch');
    const hooked = [...group.hooks.values()].some(
      (hook) => hook.transition === 'autoscaling:EC2_INSTANCE_LAUNCHING',
    );
    if (hooked) {
      instance.lifecycleState = 'Pending:Wait';
      if (activity) activity.statusCode = 'MidLifecycleAction';
    }
    lifecycle.wait(instance, 'autoscaling:EC2_INSTANCE_LAUNCHING', (result) => {
      if (!instance.lifecycleState.startsWith('Pending')) return;
      if (result === 'ABANDON') {
        abandonLaunch(instance, `Lifecycle hook abandoned launch of instance ${instance.id}.`);
        return;
      }
      instance.lifecycleState = 'InService';
      endLaunch(instance, 'Successful');
      for (const listener of outcomeListeners) listener(group, undefined);
      if (replaced.get(group)?.size) touch(group);
      state.changed();
    });
  };

  const abandonLaunch = (instance: Instance, message: string) => {
    endLaunch(instance, 'Failed', message);
    terminate(
      instance,
      `At ${isoSeconds(state.now())} an instance was taken out of service in response to a failed launch.`,
    );
    touch(instance.group);
  };

  const endLaunch = (instance: Instance, code: 'Successful' | 'Failed' | 'Cancelled', message?: string) => {
    const activity = activities.open(instance, 'launch');
    if (activity) activities.end(activity, { code, instance, ...(message ? { message } : {}) });
  };

  /** The EC2 health check: a member that no longer runs is replaced. It looks about twice a minute. */
  const checkHealth = (instance: Instance) => {
    const { group } = instance;
    if (instance.state === 'pending' || instance.state === 'running') return;
    if (instance.lifecycleState.startsWith('Pending')) {
      if (isStaying(instance)) {
        abandonLaunch(
          instance,
          `Instance became unhealthy while waiting for instance to be in InService state. Termination Reason: ${(instance.stateReason ?? userInitiated).message}`,
        );
      }
      return;
    }
    if (!isStaying(instance) || group.suspended.has('HealthCheck')) return;
    instance.health = 'Unhealthy';
    state.changed();
    if (group.suspended.has('ReplaceUnhealthy')) return;
    const now = isoSeconds(state.now());
    causes.set(
      group,
      `At ${now} an instance was launched in response to an unhealthy instance needing to be replaced. `,
    );
    terminate(
      instance,
      `At ${now} an instance was taken out of service in response to an EC2 health check indicating it has been terminated or stopped.`,
    );
    touch(group);
  };

  ec2.onState((instance) => {
    if (instance.group.instances.get(instance.id) !== instance) return;
    switch (instance.state) {
      case 'running':
        arrive(instance);
        break;
      case 'shutting-down':
      case 'stopping':
        if (isStaying(instance)) clock.after(state.between(15_000, 30_000), () => checkHealth(instance));
        break;
      case 'terminated':
        if (instance.lifecycleState === 'Terminating' || instance.lifecycleState === 'Terminating:Proceed')
          leave(instance);
        break;
      default:
    }
  });

  return {
    touch,
    terminate,
    detach,
    onLaunchOutcome: (listener) => void outcomeListeners.push(listener),
    requested(group, sentence) {
      causes.set(group, `${sentence} `);
      failures.delete(group);
      touch(group);
    },
    atRisk(instance) {
      const { group } = instance;
      if (!group.capacityRebalance || instance.lifecycleState !== 'InService') return;
      if (instance.interruption) {
        // No time to wait for the replacement.
        terminate(instance, causeOf.interruption(state.now()));
      } else {
        const set = replaced.get(group) ?? new Set();
        replaced.set(group, set);
        set.add(instance);
      }
      touch(group);
    },
  };
}
