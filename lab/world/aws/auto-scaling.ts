/** Auto Scaling below its API: groups, sizes, suspended processes, detached and terminated instances. */
import { AwsError } from './error.ts';
import {
  groupOf,
  hookOf,
  type Lifecycle,
  type LifecycleHookOptions,
  type LifecycleTarget,
} from './lifecycle.ts';
import type { Activity, AutoScalingGroup, EksCluster, Instance, LifecycleAction, Scope } from './model.ts';
import { isStaying } from './placement.ts';
import type { Scaling } from './scaling.ts';
import { isoSeconds, keyOf, type State } from './state.ts';
import { deleteWarmPool, putWarmPool, type WarmPoolOptions } from './warm-pool.ts';

export interface AutoScalingGroupOptions {
  readonly name: string;
  readonly min: number;
  readonly desired: number;
  readonly max: number;
  readonly instanceTypes: readonly string[];
  /** 0 to 100. Default 0. */
  readonly spotPercent?: number;
  readonly lifecycleHooks?: readonly LifecycleHookOptions[];
  /** Default: all zones of the cluster. */
  readonly zones?: readonly string[];
  readonly capacityRebalance?: boolean;
  readonly warmPool?: WarmPoolOptions;
  /** Labels that the nodes register with, beside the well-known ones. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Beside `kubernetes.io/cluster/<name>`=`owned` and the Cluster Autoscaler's. */
  readonly tags?: Readonly<Record<string, string>>;
}

export interface AutoScaling {
  /** In the order of their names. Unknown names are left out, as in AWS. */
  groups(scope: Scope, names?: readonly string[]): readonly AutoScalingGroup[];
  group(scope: Scope, name: string): AutoScalingGroup;
  /** Members of groups and of warm pools, with those that are going. */
  instances(scope: Scope, ids?: readonly string[]): readonly Instance[];
  /** In progress first, then the newest first. */
  activities(scope: Scope, group?: string): readonly Activity[];
  updateGroup(scope: Scope, name: string, change: GroupChange): void;
  setDesiredCapacity(
    scope: Scope,
    name: string,
    change: { readonly desired: number; readonly honorCooldown?: boolean },
  ): void;
  terminateInstance(scope: Scope, instanceId: string, options: { readonly decrement: boolean }): Activity;
  /** All or none. They keep running; without `decrement` the group launches replacements. */
  detachInstances(
    scope: Scope,
    name: string,
    what: { readonly instanceIds: readonly string[]; readonly decrement: boolean },
  ): readonly Activity[];
  suspend(scope: Scope, name: string, processes?: readonly string[]): void;
  resume(scope: Scope, name: string, processes?: readonly string[]): void;
  setInstanceProtection(scope: Scope, name: string, ids: readonly string[], isProtected: boolean): void;
  putLifecycleHook(scope: Scope, group: string, hook: LifecycleHookOptions): void;
  putWarmPool(scope: Scope, group: string, change: WarmPoolOptions): void;
  deleteWarmPool(scope: Scope, group: string, options: { readonly force: boolean }): void;
  completeLifecycleAction(scope: Scope, target: LifecycleTarget & { readonly result: string }): void;
  recordLifecycleActionHeartbeat(scope: Scope, target: LifecycleTarget): void;
  pendingLifecycleActions(): readonly LifecycleAction[];
}

export interface GroupChange {
  readonly min?: number;
  readonly desired?: number;
  readonly max?: number;
}

export const processes = [
  'Launch',
  'Terminate',
  'AddToLoadBalancer',
  'AlarmNotification',
  'AZRebalance',
  'HealthCheck',
  'InstanceRefresh',
  'ReplaceUnhealthy',
  'ScheduledActions',
] as const;

export interface GroupBuilder {
  add(cluster: EksCluster, options: AutoScalingGroupOptions): AutoScalingGroup;
}

export function createAutoScaling(
  state: State,
  scaling: Scaling,
  lifecycle: Lifecycle,
): { readonly api: AutoScaling; readonly builder: GroupBuilder } {
  const api: AutoScaling = {
    group: (scope, name) => groupOf(state, scope, name),
    groups(scope, names) {
      const all = [...state.groups.values()].filter(
        (group) =>
          group.account === scope.account &&
          group.region === scope.region &&
          (!names || names.includes(group.name) || names.includes(group.arn)),
      );
      return all.sort((a, b) => (a.name < b.name ? -1 : 1));
    },
    instances: (scope, ids) =>
      api
        .groups(scope)
        .flatMap((group) => [...group.instances.values(), ...(group.warmPool?.instances.values() ?? [])])
        .filter((instance) => !ids || ids.includes(instance.id)),
    activities(scope, name) {
      // An unknown group is refused here, unlike in DescribeAutoScalingGroups.
      const groups = name === undefined ? api.groups(scope) : [groupOf(state, scope, name)];
      const all = groups.flatMap((group) => group.activities);
      const open = (activity: Activity) => (activity.endedAt === undefined ? 0 : 1);
      return all.sort((a, b) => open(a) - open(b) || b.startedAt - a.startedAt);
    },
    updateGroup(scope, name, change) {
      const group = groupOf(state, scope, name);
      const min = change.min ?? group.min;
      const max = change.max ?? group.max;
      for (const [what, value] of [
        ['MinSize', min],
        ['MaxSize', max],
        ['DesiredCapacity', change.desired ?? 0],
      ] as const) {
        if (!Number.isInteger(value) || value < 0)
          throw invalid(`${what} must be an integer of at least 0, not ${value}`);
      }
      if (max < min) {
        throw invalid(`Max bound, ${max}, must be greater than or equal to min bound, ${min}`);
      }
      const { desired = Math.min(Math.max(group.desired, min), max) } = change;
      if (desired < min || desired > max) {
        throw invalid(
          `Desired capacity:${desired} must be between the specified min size:${min} and max size:${max}`,
        );
      }
      const before = group.desired;
      Object.assign(group, { min, max, desired });
      scaling.requested(
        group,
        `At ${isoSeconds(state.now())} a user request update of AutoScalingGroup constraints to min: ${min}, max: ${max}, desired: ${desired} changing the desired capacity from ${before} to ${desired}.`,
      );
      state.changed();
    },
    setDesiredCapacity(scope, name, { desired, honorCooldown }) {
      const group = groupOf(state, scope, name);
      if (!Number.isInteger(desired) || desired < 0)
        throw invalid(`DesiredCapacity must be an integer of at least 0, not ${desired}`);
      if (desired > group.max) {
        throw invalid(
          `New SetDesiredCapacity value ${desired} is above max value ${group.max} for the AutoScalingGroup.`,
        );
      }
      if (desired < group.min) {
        throw invalid(
          `New SetDesiredCapacity value ${desired} is below min value ${group.min} for the AutoScalingGroup.`,
        );
      }
      if (honorCooldown && state.now() - group.lastActivityEndedAt < group.cooldownSeconds * 1000) {
        throw new AwsError(
          'ScalingActivityInProgress',
          `Scaling activity is in progress and the cooldown of ${group.cooldownSeconds} seconds is not over.`,
        );
      }
      const before = group.desired;
      group.desired = desired;
      scaling.requested(
        group,
        `At ${isoSeconds(state.now())} a user request explicitly set group desired capacity changing the desired capacity from ${before} to ${desired}.`,
      );
      state.changed();
    },
    terminateInstance(scope, instanceId, { decrement }) {
      const instance = api.instances(scope, [instanceId])[0];
      if (!instance) {
        throw invalid(`Instance Id not found - No managed instance found for instance ID: ${instanceId}`);
      }
      const { group } = instance;
      if (!isStaying(instance)) {
        throw invalid(`Instance ${instanceId} is already being terminated: it is ${instance.lifecycleState}`);
      }
      if (decrement && group.desired <= group.min) {
        throw invalid(
          `Currently, desiredSize equals minSize (${group.min}). Terminating instance without replacement will violate group's min size constraint. Either set shouldDecrementDesiredCapacity flag to false or lower group's min size.`,
        );
      }
      const now = isoSeconds(state.now());
      const before = group.desired;
      if (decrement) group.desired = before - 1;
      const activity = scaling.terminate(
        instance,
        decrement
          ? `At ${now} instance ${instanceId} was taken out of service in response to a user request, shrinking the capacity from ${before} to ${before - 1}.`
          : `At ${now} instance ${instanceId} was taken out of service in response to a user request.`,
      );
      scaling.touch(group);
      if (!activity) throw new TypeError(`instance ${instanceId} was not terminated`);
      return activity;
    },
    detachInstances(scope, name, { instanceIds, decrement }) {
      const group = groupOf(state, scope, name);
      if (instanceIds.length === 0) throw invalid('instanceIds must name at least one instance');
      if (instanceIds.length > 20) {
        throw invalid(
          'List exceeds the maximum number of instances to detach. Please retry your request with fewer instances.',
        );
      }
      const leaving = [...new Set(instanceIds)].map((id) => {
        const instance = group.instances.get(id);
        if (!instance) throw invalid(`The instance ${id} is not part of Auto Scaling group ${group.name}.`);
        if (instance.lifecycleState !== 'InService')
          throw invalid(`The instance ${id} is not in InService or Standby.`);
        return instance;
      });
      if (decrement && group.desired - leaving.length < group.min) {
        const count = `${leaving.length} instance${leaving.length === 1 ? '' : 's'}`;
        throw invalid(
          `AutoScalingGroup ${group.name} has min-size=${group.min}, max-size=${group.max}, and desired-size=${group.desired}. To detach ${count}, please update the AutoScalingGroup sizes appropriately.`,
        );
      }
      return leaving.map((instance) => {
        const cause = `At ${isoSeconds(state.now())} instance ${instance.id} was detached in response to a user request`;
        if (!decrement) return scaling.detach(instance, `${cause}.`);
        const before = group.desired;
        group.desired = before - 1;
        return scaling.detach(instance, `${cause}, shrinking the capacity from ${before} to ${before - 1}.`);
      });
    },
    suspend(scope, name, chosen = processes) {
      const group = groupOf(state, scope, name);
      for (const process of known(chosen))
        group.suspended.set(process, `User suspended at ${isoSeconds(state.now())}`);
      state.changed();
    },
    resume(scope, name, chosen = processes) {
      const group = groupOf(state, scope, name);
      for (const process of known(chosen)) group.suspended.delete(process);
      scaling.touch(group);
      state.changed();
    },
    setInstanceProtection(scope, name, ids, isProtected) {
      const group = groupOf(state, scope, name);
      for (const id of ids) {
        const instance = group.instances.get(id);
        if (!instance) throw invalid(`The instance ${id} is not part of Auto Scaling group ${name}.`);
        instance.protectedFromScaleIn = isProtected;
      }
    },
    putLifecycleHook(scope, name, hook) {
      groupOf(state, scope, name).hooks.set(hook.name, hookOf(hook));
    },
    putWarmPool(scope, name, change) {
      const group = groupOf(state, scope, name);
      putWarmPool(group, change);
      scaling.touch(group);
      state.changed();
    },
    deleteWarmPool(scope, name, { force }) {
      const group = groupOf(state, scope, name);
      deleteWarmPool(group, force);
      scaling.touch(group);
      state.changed();
    },
    completeLifecycleAction: (scope, target) => lifecycle.complete(scope, target),
    recordLifecycleActionHeartbeat: (scope, target) => lifecycle.heartbeat(scope, target),
    pendingLifecycleActions: () => lifecycle.pending(),
  };

  const builder: GroupBuilder = {
    add(cluster, options) {
      const { account, region } = cluster;
      const key = keyOf(cluster, options.name);
      if (state.groups.has(key)) {
        throw new AwsError(
          'AlreadyExists',
          `AutoScalingGroup by this name already exists - A group with the name ${options.name} already exists`,
        );
      }
      if (!(0 <= options.min && options.min <= options.desired && options.desired <= options.max)) {
        throw new TypeError(
          `group ${options.name} needs 0 <= min <= desired <= max, not ${options.min}, ${options.desired}, ${options.max}`,
        );
      }
      const zones = options.zones ?? cluster.zones;
      const strange = zones.find((zone) => !cluster.zones.includes(zone));
      if (strange !== undefined)
        throw new TypeError(
          `zone ${strange} is none of cluster ${cluster.name}: ${cluster.zones.join(', ')}`,
        );
      const group: AutoScalingGroup = {
        account,
        region,
        cluster,
        name: options.name,
        arn: `arn:aws:autoscaling:${region}:${account}:autoScalingGroup:${state.context.uuid()}:autoScalingGroupName/${options.name}`,
        createdAt: state.now(),
        nodegroup: undefined,
        min: options.min,
        desired: options.desired,
        max: options.max,
        zones,
        instanceTypes: options.instanceTypes,
        spotPercent: options.spotPercent ?? 0,
        capacityRebalance: options.capacityRebalance ?? false,
        labels: options.labels ?? {},
        tags: {
          [`kubernetes.io/cluster/${cluster.name}`]: 'owned',
          [`k8s.io/cluster-autoscaler/${cluster.name}`]: 'owned',
          'k8s.io/cluster-autoscaler/enabled': 'true',
          ...options.tags,
        },
        cooldownSeconds: 300,
        hooks: new Map((options.lifecycleHooks ?? []).map((hook) => [hook.name, hookOf(hook)])),
        suspended: new Map(),
        instances: new Map(),
        warmPool: undefined,
        activities: [],
        lastActivityEndedAt: Number.NEGATIVE_INFINITY,
      };
      if (options.warmPool) putWarmPool(group, options.warmPool);
      state.groups.set(key, group);
      cluster.groups.set(group.name, group);
      scaling.requested(
        group,
        `At ${isoSeconds(state.now())} a user request created an AutoScalingGroup changing the desired capacity from 0 to ${group.desired}.`,
      );
      state.changed();
      return group;
    },
  };

  return { api, builder };
}

function known(chosen: readonly string[]): readonly string[] {
  const strange = chosen.find((process) => !(processes as readonly string[]).includes(process));
  if (strange !== undefined) throw invalid(`Invalid scaling process: ${strange}`);
  return chosen;
}

function invalid(message: string): AwsError {
  return new AwsError('ValidationError', message);
}
