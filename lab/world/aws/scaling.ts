/**
 * How an Auto Scaling group comes to its desired capacity: launches, terminations, replacements and the activities that
 * tell of them. A group is looked at a few seconds after something changed, and again only while something is left to do.
 */
import { addressShortageMessage, type Capacity, shortageMessage } from './capacity.ts';
import { arnOf, type Ec2Internals, userInitiated } from './ec2.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Activity, AutoScalingGroup, CapacityType, Instance, Subnet } from './model.ts';
import { isoSeconds, type State } from './state.ts';

const causeOf = {
  rebalance: (now: number) =>
    `At ${isoSeconds(now)} an instance was taken out of service in response to an EC2 instance rebalance recommendation.`,
  interruption: (now: number) =>
    `At ${isoSeconds(now)} an instance was taken out of service in response to an EC2 instance interruption notice.`,
};

export interface Scaling {
  /** Somebody changed the desired capacity; `sentence` becomes the cause of what follows. */
  requested(group: AutoScalingGroup, sentence: string): void;
  /** Look at the group soon. */
  touch(group: AutoScalingGroup): void;
  /** Through the group's terminate hooks. Undefined where it is going already. */
  terminate(instance: Instance, cause: string): Activity | undefined;
  /** Spot told that the instance is at risk: with capacity rebalancing its replacement is launched now. */
  atRisk(instance: Instance): void;
  /** After a launch failed or succeeded: for the health of a managed nodegroup. */
  onLaunchOutcome(listener: (group: AutoScalingGroup, failure: string | undefined) => void): void;
}

const RETRY_FIRST = 20_000;
const RETRY_LONGEST = 120_000;
/** Real groups keep six weeks; this is more than any day of the lab makes. */
const ACTIVITIES_KEPT = 1_000;

/** Members that count towards the desired capacity. */
export function isStaying(instance: Instance): boolean {
  return !instance.lifecycleState.startsWith('Terminat');
}

export function createScaling(
  state: State,
  ec2: Ec2Internals,
  lifecycle: Lifecycle,
  capacity: Capacity,
): Scaling {
  const looks = new Map<AutoScalingGroup, number>();
  const causes = new Map<AutoScalingGroup, string>();
  const failures = new Map<AutoScalingGroup, number>();
  /** Instances that leave as soon as a replacement is in service. */
  const replaced = new Map<AutoScalingGroup, Set<Instance>>();
  const outcomeListeners: ((group: AutoScalingGroup, failure: string | undefined) => void)[] = [];
  const clock = state.context.clock;

  const touch = (group: AutoScalingGroup, delay = state.between(3_000, 7_000)) => {
    const at = state.now() + delay;
    const known = looks.get(group);
    if (known !== undefined && known <= at) return;
    looks.set(group, at);
    clock.at(at, () => {
      if (looks.get(group) !== at) return;
      looks.delete(group);
      look(group);
    });
  };

  const look = (group: AutoScalingGroup) => {
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
  };

  const launchMissing = (group: AutoScalingGroup, missing: number, from: number) => {
    if (group.suspended.has('Launch')) return;
    const now = isoSeconds(state.now());
    for (let index = 0; index < missing; index++) {
      const cause = `${causes.get(group) ?? ''}At ${now} an instance was started in response to a difference between desired and actual capacity, increasing the capacity from ${from} to ${from + missing}.`;
      const wanted = nextLaunch(group);
      const withAddresses = wanted.subnets.filter((subnet) => ec2.freeAddresses(subnet) > 0);
      const found = firstAvailable(capacity, group, { ...wanted, subnets: withAddresses });
      if (!found) {
        fail(group, cause, wanted, withAddresses.length > 0);
        return;
      }
      failures.delete(group);
      launch(group, cause, found);
    }
  };

  const launch = (group: AutoScalingGroup, cause: string, found: Placement) => {
    const instance = ec2.launch({ group, ...found });
    group.instances.set(instance.id, instance);
    record(group, {
      kind: 'launch',
      instance,
      description: `Launching a new EC2 instance: ${instance.id}`,
      cause,
      statusCode: 'PreInService',
      progress: 30,
    });
    state.changed();
  };

  const fail = (group: AutoScalingGroup, cause: string, wanted: Wanted, addressesLeft: boolean) => {
    const zone = wanted.subnets[0]?.zone ?? '';
    const type = wanted.types[0] ?? '';
    const message = addressesLeft
      ? shortageMessage({ type, zone, capacityType: wanted.capacityType })
      : addressShortageMessage(wanted.subnets[0]?.id ?? '');
    const activity = record(group, {
      kind: 'launch',
      instance: undefined,
      description: `Launching a new EC2 instance.  Status Reason: ${message}`,
      cause,
      statusCode: 'Failed',
      progress: 100,
      statusMessage: message,
      zone,
    });
    activity.endedAt = state.now();
    state.emit(group, {
      source: 'aws.autoscaling',
      detailType: 'EC2 Instance Launch Unsuccessful',
      resources: [group.arn],
      detail: activityDetail(activity, undefined),
    });
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
    endLaunch(instance, 'Cancelled', undefined);
    lifecycle.drop(instance);
    replaced.get(group)?.delete(instance);
    instance.lifecycleState = 'Terminating';
    const activity = record(group, {
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
      if (instance.state === 'terminated') leave(instance);
      else ec2.terminate(instance, userInitiated);
      state.changed();
    });
    state.changed();
    return activity;
  };

  const leave = (instance: Instance) => {
    const { group } = instance;
    instance.lifecycleState = 'Terminated';
    group.instances.delete(instance.id);
    const activity = openActivity(instance, 'terminate');
    if (activity) {
      end(activity, 'Successful', undefined);
      state.emit(group, {
        source: 'aws.autoscaling',
        detailType: 'EC2 Instance Terminate Successful',
        resources: [group.arn, arnOf(instance)],
        detail: activityDetail(activity, instance),
      });
    }
    touch(group);
    state.changed();
  };

  /** The instance runs: its launch hooks, then service. */
  const arrive = (instance: Instance) => {
    const { group } = instance;
    if (instance.lifecycleState !== 'Pending') return;
    const activity = openActivity(instance, 'launch');
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
      endLaunch(instance, 'Successful', undefined);
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

  const endLaunch = (instance: Instance, code: Activity['statusCode'], message: string | undefined) => {
    const activity = openActivity(instance, 'launch');
    if (!activity) return;
    end(activity, code, message);
    const { group } = instance;
    if (code === 'Cancelled') return;
    state.emit(group, {
      source: 'aws.autoscaling',
      detailType:
        code === 'Successful' ? 'EC2 Instance Launch Successful' : 'EC2 Instance Launch Unsuccessful',
      resources: [group.arn, arnOf(instance)],
      detail: activityDetail(activity, instance),
    });
  };

  const end = (activity: Activity, code: Activity['statusCode'], message: string | undefined) => {
    activity.statusCode = code;
    activity.statusMessage = message;
    activity.progress = 100;
    activity.endedAt = state.now();
    activity.group.lastActivityEndedAt = state.now();
  };

  const openActivity = (instance: Instance, kind: Activity['kind']) =>
    instance.group.activities.find(
      (activity) =>
        activity.instanceId === instance.id && activity.kind === kind && activity.endedAt === undefined,
    );

  const record = (group: AutoScalingGroup, what: ActivityStart): Activity => {
    const zone = what.instance?.view.zone ?? what.zone ?? '';
    const subnet =
      what.instance?.subnet.id ??
      group.cluster.subnets.find((candidate) => candidate.zone === zone)?.id ??
      '';
    const activity: Activity = {
      id: state.context.uuid(),
      group,
      kind: what.kind,
      instanceId: what.instance?.id,
      description: what.description,
      cause: what.cause.slice(0, 1023),
      startedAt: state.now(),
      details: JSON.stringify({ 'Subnet ID': subnet, 'Availability Zone': zone }),
      endedAt: undefined,
      statusCode: what.statusCode,
      statusMessage: what.statusMessage?.slice(0, 255),
      progress: what.progress,
    };
    group.activities.unshift(activity);
    if (group.activities.length > ACTIVITIES_KEPT) group.activities.length = ACTIVITIES_KEPT;
    return activity;
  };

  /** The EC2 health check: a member that no longer runs is replaced. It looks about twice a minute. */
  const checkHealth = (instance: Instance) => {
    const { group } = instance;
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

interface ActivityStart {
  readonly kind: Activity['kind'];
  readonly instance: Instance | undefined;
  readonly description: string;
  readonly cause: string;
  readonly statusCode: Activity['statusCode'];
  readonly progress: number;
  readonly statusMessage?: string;
  readonly zone?: string;
}

interface Wanted {
  readonly capacityType: CapacityType;
  /** In the order of preference. */
  readonly subnets: readonly Subnet[];
  readonly types: readonly string[];
}

interface Placement {
  readonly subnet: Subnet;
  readonly type: string;
  readonly capacityType: CapacityType;
}

/** Zones with the fewest members first; on-demand until its share of the desired capacity is met. */
function nextLaunch(group: AutoScalingGroup): Wanted {
  const staying = [...group.instances.values()].filter(isStaying);
  const inZone = (zone: string) => staying.filter((instance) => instance.view.zone === zone).length;
  const onDemand = staying.filter((instance) => instance.view.capacityType === 'ON_DEMAND').length;
  return {
    capacityType: onDemand < onDemandTarget(group, staying.length + 1) ? 'ON_DEMAND' : 'SPOT',
    subnets: group.cluster.subnets
      .filter((subnet) => group.zones.includes(subnet.zone))
      .toSorted((a, b) => inZone(a.zone) - inZone(b.zone)),
    types: group.instanceTypes,
  };
}

/** Auto Scaling rounds in favour of on-demand instances. */
function onDemandTarget(group: AutoScalingGroup, size: number): number {
  return Math.ceil((size * (100 - group.spotPercent)) / 100);
}

function firstAvailable(capacity: Capacity, group: AutoScalingGroup, wanted: Wanted): Placement | undefined {
  for (const subnet of wanted.subnets) {
    for (const type of wanted.types) {
      const { capacityType } = wanted;
      if (capacity.available({ region: group.region, zone: subnet.zone, type, capacityType }))
        return { subnet, type, capacityType };
    }
  }
  return undefined;
}

/**
 * The default termination policy: from the zone with the most members, what brings the rest nearer to its share of
 * spot, then the oldest. Unhealthy members go first.
 */
function chooseVictims(
  group: AutoScalingGroup,
  staying: readonly Instance[],
  count: number,
): readonly Instance[] {
  const left = staying.filter((instance) => !instance.protectedFromScaleIn);
  const chosen: Instance[] = [];
  while (chosen.length < count && left.length > 0) {
    const remaining = staying.filter((instance) => !chosen.includes(instance));
    const inZone = new Map<string, number>();
    for (const { view } of remaining) inZone.set(view.zone, (inZone.get(view.zone) ?? 0) + 1);
    const onDemand = remaining.filter(({ view }) => view.capacityType === 'ON_DEMAND').length;
    const surplusType: CapacityType =
      onDemand > onDemandTarget(group, remaining.length - 1) ? 'ON_DEMAND' : 'SPOT';
    const rank = (instance: Instance) => [
      instance.health === 'Unhealthy' ? 0 : 1,
      -(inZone.get(instance.view.zone) ?? 0),
      instance.view.capacityType === surplusType ? 0 : 1,
      instance.launchedAt,
    ];
    left.sort((a, b) => compare(rank(a), rank(b)));
    const victim = left.shift();
    if (victim) chosen.push(victim);
  }
  return chosen;
}

function compare(a: readonly number[], b: readonly number[]): number {
  const index = a.findIndex((value, position) => value !== b[position]);
  return index < 0 ? 0 : (a[index] ?? 0) - (b[index] ?? 0);
}

function activityDetail(activity: Activity, instance: Instance | undefined) {
  return {
    StatusCode: activity.statusCode === 'Successful' ? 'InProgress' : activity.statusCode,
    AutoScalingGroupName: activity.group.name,
    ActivityId: activity.id,
    Details: JSON.parse(activity.details) as unknown,
    RequestId: activity.id,
    StatusMessage: activity.statusMessage ?? '',
    EndTime: new Date(activity.endedAt ?? activity.startedAt).toISOString(),
    EC2InstanceId: instance?.id ?? '',
    StartTime: new Date(activity.startedAt).toISOString(),
    Cause: activity.cause,
    Description: activity.description,
    Origin: activity.kind === 'launch' ? 'EC2' : 'AutoScalingGroup',
    Destination: activity.kind === 'launch' ? 'AutoScalingGroup' : 'EC2',
  };
}
