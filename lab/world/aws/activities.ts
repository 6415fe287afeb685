/** Scaling activities of a group, and their completion events. */
import { arnOf } from './ec2.ts';
import type { Activity, AutoScalingGroup, Instance } from './model.ts';
import type { State } from './state.ts';

export interface Activities {
  begin(group: AutoScalingGroup, what: ActivityStart): Activity;
  /** The one that is not yet over. */
  open(instance: Instance, kind: Activity['kind']): Activity | undefined;
  /** Completes it and emits the launch or termination event, unless it was cancelled. */
  end(
    activity: Activity,
    outcome: {
      readonly code: 'Successful' | 'Failed' | 'Cancelled';
      readonly instance: Instance | undefined;
      readonly message?: string;
    },
  ): void;
}

export interface ActivityStart {
  readonly kind: Activity['kind'];
  readonly instance: Instance | undefined;
  readonly description: string;
  readonly cause: string;
  readonly statusCode: Activity['statusCode'];
  readonly progress: number;
  readonly zone?: string;
}

/** Real groups keep six weeks; this is more than any day of the lab makes. */
const KEPT = 1_000;

export function createActivities(state: State): Activities {
  return {
    begin(group, what) {
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
        details: { 'Subnet ID': subnet, 'Availability Zone': zone },
        endedAt: undefined,
        statusCode: what.statusCode,
        statusMessage: undefined,
        progress: what.progress,
      };
      group.activities.unshift(activity);
      if (group.activities.length > KEPT) group.activities.length = KEPT;
      return activity;
    },
    open: (instance, kind) =>
      instance.group.activities.find(
        (activity) =>
          activity.instanceId === instance.id && activity.kind === kind && activity.endedAt === undefined,
      ),
    end(activity, { code, instance, message }) {
      const { group } = activity;
      activity.statusCode = code;
      activity.statusMessage = message?.slice(0, 255);
      activity.progress = 100;
      activity.endedAt = state.now();
      group.lastActivityEndedAt = state.now();
      if (code === 'Cancelled' || activity.kind === 'detach') return;
      const what = activity.kind === 'launch' ? 'Launch' : 'Terminate';
      state.emit(group, () => ({
        source: 'aws.autoscaling',
        detailType: `EC2 Instance ${what} ${code === 'Successful' ? 'Successful' : 'Unsuccessful'}`,
        resources: instance ? [group.arn, arnOf(instance)] : [group.arn],
        detail: detailOf(activity, instance),
      }));
    },
  };
}

function detailOf(activity: Activity, instance: Instance | undefined) {
  return {
    StatusCode: activity.statusCode === 'Successful' ? 'InProgress' : activity.statusCode,
    AutoScalingGroupName: activity.group.name,
    ActivityId: activity.id,
    Details: activity.details,
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
