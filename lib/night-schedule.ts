/** The night-schedule capability: stops the nodegroups of a cluster at night and restores them in the morning. */
import { ArnFormat, CfnResource, Duration, Stack } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { functionNameOf } from '#model/names.ts';
import type { NightScheduleSettings } from '#model/settings.ts';
import { autoScalingGroupArn, clusterArn, nodegroupArn, selfManagedGroupsOf } from './arns.ts';
import { checkedEnvironment } from './checked-environment.ts';
import { ClusterAccess } from './cluster-access.ts';
import { applyBoundary, type CapabilityProps, NightshiftFunction } from './nightshift-function.ts';
import { transitionsOf } from './schedule-transitions.ts';
import type { StateTable } from './state-table.ts';
import { Timer } from './timer.ts';

/** The environment, its table and its topics. */
export type NightScheduleProps = CapabilityProps;

/**
 * The function that stops and starts the nodegroups, with a schedule for each transition and a tick every minute. Throws
 * for a production environment.
 */
export class NightSchedule extends Construct {
  /** The function, with its role, log and dead-letter queue. */
  readonly function: NightshiftFunction;

  constructor(scope: Construct, id: string, props: NightScheduleProps) {
    super(scope, id);
    const { table } = props;
    const environment = checkedEnvironment(props);
    const settings = environment.settings.nightSchedule;
    if (environment.config.production)
      throw new Error(`${environment.name} is a production environment, which is never stopped`);
    if (!settings)
      throw new Error(`${environment.name} has no schedule in its config: without one it is never stopped`);

    if (settings.schedule.calendar?.until)
      Stack.of(this).addMetadata(
        'nightshift:holidays',
        'names and dates of public holidays in the settings of night-schedule are made from date-holidays (https://github.com/commenthol/date-holidays), CC BY-SA 3.0',
      );
    applyBoundary(this, environment.config);
    this.function = new NightshiftFunction(this, 'Pass', {
      ...props,
      environment,
      settings,
      capability: 'night-schedule',
      memory: 256,
      // A start is followed for most of a minute; then a slow last pass has time to end.
      timeout: Duration.seconds(90),
      maxEventAge: Duration.minutes(5),
      retryAttempts: 1,
    });
    this.#permit(settings, table);
    const access = new ClusterAccess(this, 'Access', { cluster: settings.cluster, to: this.function });
    const restore = this.#restoreOnRemoval(settings);
    // What it depends on is deleted after it: its permissions and what it reads.
    restore.node.addDependency(this.function, access, table);

    const timer = new Timer(this, 'Timer', { environment: settings.environment, target: this.function });
    for (const { time, expression } of transitionsOf(settings.schedule.up))
      timer.call(`night-schedule-edge-${time}`, {
        trigger: 'edge',
        expression,
        timeZone: settings.schedule.timeZone,
        description: `a transition of the schedule ${settings.schedule.name} in ${settings.environment}`,
        maxEventAge: Duration.minutes(5),
        retryAttempts: 2,
      });
    timer.call('night-schedule-tick', {
      trigger: 'tick',
      expression: 'rate(1 minute)',
      description: `checks that ${settings.environment} is as its schedule says`,
      maxEventAge: Duration.minutes(1),
      retryAttempts: 3,
    });
    // What depends on it is deleted before it: no tick stops again what it restores.
    timer.node.addDependency(restore);
  }

  /**
   * When the stack goes, CloudFormation has the function give the night back; when its properties change while something
   * sleeps, the function refuses. Not `CustomResource`: that writes the timeout as text, which CloudFormation takes for invalid.
   */
  #restoreOnRemoval({ cluster, dryRun, doorbell }: NightScheduleSettings): CfnResource {
    return new CfnResource(this, 'Restore', {
      type: 'Custom::NightRestore',
      properties: {
        ServiceToken: this.function.lambda.functionArn,
        ServiceTimeout: Duration.minutes(20).toSeconds(),
        cluster,
        dryRun: String(dryRun),
        ...(doorbell && !dryRun ? { doorbell: doorbell.listener } : {}),
      },
    });
  }

  #permit(settings: NightScheduleSettings, table: StateTable): void {
    const { cluster } = settings;
    this.function.allow({
      sid: 'SeeGroups',
      actions: [
        'autoscaling:DescribeAutoScalingGroups',
        // Why instances are missing: a missed deadline names it. A dry run has no deadlines.
        ...(settings.dryRun ? [] : ['autoscaling:DescribeScalingActivities']),
      ],
      resources: ['*'],
      wildcardReason: 'Auto Scaling does not take a resource for its Describe actions.',
    });
    // A dry run starts no nodes, so it needs the cluster only for the autoscaler and CronJobs.
    if (!settings.dryRun || settings.autoscaler || settings.suspendCronJobs)
      this.function.allow({
        sid: 'SeeCluster',
        actions: ['eks:DescribeCluster'],
        resources: [clusterArn(this, cluster)],
      });
    // A dry run writes its notes and gets no other permissions, so that IAM refuses every change as well.
    if (settings.dryRun) {
      table.permit(this.function, { list: ['night', 'override'], write: ['night', 'decision'] });
      return;
    }
    table.permit(this.function, {
      get: ['ledger'],
      // When the applications were Healthy, which branch-deploy stores.
      list: ['night', 'override', ...(settings.readyBy === 'applications' ? (['deploy'] as const) : [])],
      write: ['night', 'ledger', 'decision', ...(settings.keepUp ? (['override'] as const) : [])],
      remove: ['night'],
    });
    this.function.allow({
      sid: 'ContinueRestore',
      actions: ['lambda:InvokeFunction'],
      // A literal: the policy is a dependency of the function in a VPC.
      resources: [
        Stack.of(this).formatArn({
          service: 'lambda',
          resource: 'function',
          resourceName: functionNameOf(settings.environment, 'night-schedule'),
          arnFormat: ArnFormat.COLON_RESOURCE_NAME,
        }),
      ],
    });
    this.function.allow({
      sid: 'ResizeSelfManagedGroups',
      // Also with warm pools that are kept: one that was switched off before is restored.
      actions: ['autoscaling:UpdateAutoScalingGroup', 'autoscaling:PutWarmPool'],
      resources: [autoScalingGroupArn(this, '*')],
      conditions: selfManagedGroupsOf(cluster),
      wildcardReason:
        'The ARN of a group holds an id that is unknown at synth; the condition limits it to self-managed groups of the cluster.',
    });
    if (settings.autoscaler?.kind === 'auto-mode' && settings.autoscaler.builtIn)
      this.#permitBuiltInPools(settings);
    this.function.allow({
      sid: 'ResizeNodegroups',
      // A rollout raises the sizes that Auto Scaling shows; those that somebody configured are read from EKS.
      actions: ['eks:DescribeNodegroup', 'eks:UpdateNodegroupConfig'],
      resources: [nodegroupArn(this, cluster, '*')],
      wildcardReason: 'The ARN of a nodegroup ends in an id that is unknown at synth; the cluster is named.',
    });
  }

  /** Auto Mode stays enabled: disabling it would delete load balancers. */
  #permitBuiltInPools({ cluster }: NightScheduleSettings): void {
    const enabled = 'true';
    this.function.allow({
      sid: 'SwitchBuiltInNodePools',
      actions: ['eks:UpdateClusterConfig'],
      resources: [clusterArn(this, cluster)],
      conditions: {
        Bool: {
          'eks:computeConfigEnabled': enabled,
          'eks:elasticLoadBalancingEnabled': enabled,
          'eks:blockStorageEnabled': enabled,
        },
      },
    });
    this.function.allow({
      sid: 'PassNodeRole',
      actions: ['iam:PassRole'],
      resources: [
        Stack.of(this).formatArn({ service: 'iam', region: '', resource: 'role', resourceName: '*' }),
      ],
      conditions: { StringEquals: { 'iam:PassedToService': 'eks.amazonaws.com' } },
      wildcardReason:
        'The node role of EKS Auto Mode is unknown at synth, and EKS refuses another one than that of the cluster; the condition limits it to EKS.',
    });
  }
}
