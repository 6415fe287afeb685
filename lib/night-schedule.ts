/** The night-schedule capability: stops the nodegroups of a cluster and brings them back. */
import { Duration } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import type { NightScheduleSettings } from '#model/settings.ts';
import { autoScalingGroupArn, clusterArn, nodegroupArn, selfManagedGroupsOf } from './arns.ts';
import { ClusterAccess } from './cluster-access.ts';
import { type CapabilityProps, NightshiftFunction } from './nightshift-function.ts';
import { edgesOf } from './schedule-edges.ts';
import type { StateTable } from './state-table.ts';
import { Timer } from './timer.ts';

export type NightScheduleProps = CapabilityProps<NightScheduleSettings>;

export class NightSchedule extends Construct {
  readonly function: NightshiftFunction;

  constructor(scope: Construct, id: string, props: NightScheduleProps) {
    super(scope, id);
    const { settings, table } = props;
    if (settings.production)
      throw new Error(`${settings.environment} is a production environment: it is never stopped`);

    this.function = new NightshiftFunction(this, 'Pass', {
      ...props,
      capability: 'night-schedule',
      memory: 256,
      timeout: Duration.seconds(60),
      maxEventAge: Duration.minutes(5),
      retryAttempts: 1,
    });
    this.#permit(settings, table);
    new ClusterAccess(this, 'Access', { cluster: settings.cluster, to: this.function });

    const timer = new Timer(this, 'Timer', { environment: settings.environment, target: this.function });
    for (const edge of edgesOf(settings.schedule.up))
      timer.call(`night-schedule-edge-${edge.time}`, {
        trigger: 'edge',
        expression: edge.expression,
        timeZone: settings.schedule.timeZone,
        description: `an edge of the schedule ${settings.schedule.name} in ${settings.environment}`,
        maxEventAge: Duration.minutes(5),
        retryAttempts: 2,
      });
    timer.call('night-schedule-tick', {
      trigger: 'tick',
      expression: 'rate(1 minute)',
      description: `looks whether ${settings.environment} is what its schedule says`,
      maxEventAge: Duration.minutes(1),
      retryAttempts: 3,
    });
  }

  #permit(settings: NightScheduleSettings, table: StateTable): void {
    const { cluster } = settings;
    this.function.allow({
      sid: 'SeeGroups',
      actions: [
        'autoscaling:DescribeAutoScalingGroups',
        // Why instances are missing is asked only where another group can fill in.
        ...(settings.fallbackGroup ? ['autoscaling:DescribeScalingActivities'] : []),
      ],
      resources: ['*'],
      wildcardReason: 'Auto Scaling does not take a resource for its Describe actions.',
    });
    // A dry run starts no node to wait for: it looks into the cluster for the autoscaler only.
    if (!settings.dryRun || settings.autoscaler)
      this.function.allow({
        sid: 'SeeCluster',
        actions: ['eks:DescribeCluster'],
        resources: [clusterArn(this, cluster)],
      });
    // In a dry run the account refuses the rest as well.
    if (settings.dryRun) {
      table.permit(this.function, { list: ['night', 'override'], write: ['decision'] });
      return;
    }
    table.permit(this.function, {
      get: ['ledger'],
      list: ['night', 'override'],
      write: ['night', 'ledger', 'decision'],
      remove: ['night'],
    });
    this.function.allow({
      sid: 'ResizeSelfManagedGroups',
      actions: ['autoscaling:UpdateAutoScalingGroup'],
      resources: [autoScalingGroupArn(this, '*')],
      conditions: selfManagedGroupsOf(cluster),
      wildcardReason:
        'The ARN of a group holds an id that is unknown at synth; the condition limits it to self-managed groups of the cluster.',
    });
    this.function.allow({
      sid: 'ResizeNodegroups',
      actions: ['eks:UpdateNodegroupConfig'],
      resources: [nodegroupArn(this, cluster, '*')],
      wildcardReason: 'The ARN of a nodegroup ends in an id that is unknown at synth; the cluster is named.',
    });
  }
}
