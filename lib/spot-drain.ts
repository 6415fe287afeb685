/** The spot-drain capability: gets pods off nodes that AWS is about to take. The only one that production has. */
import { Duration } from 'aws-cdk-lib';
import { type EventPattern, Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { Construct } from 'constructs';
import type { SpotDrainSettings } from '#model/settings.ts';
import { type ScheduledTrigger, TRIGGER_SOURCE } from '#model/trigger.ts';
import { autoScalingGroupArn, clusterArn, selfManagedGroupsOf } from './arns.ts';
import { ClusterAccess } from './cluster-access.ts';
import {
  instanceGoing,
  rebalanceRecommendation,
  scheduledChange,
  spotInterruption,
  terminateLifecycleAction,
} from './event-patterns.ts';
import { type CapabilityProps, NightshiftFunction } from './nightshift-function.ts';
import type { StateTable } from './state-table.ts';

export type SpotDrainProps = CapabilityProps<SpotDrainSettings>;

export class SpotDrain extends Construct {
  readonly function: NightshiftFunction;

  constructor(scope: Construct, id: string, props: SpotDrainProps) {
    super(scope, id);
    const { settings, table } = props;
    if (settings.production && settings.replaceEarly)
      throw new Error(
        `${settings.environment} is a production environment: drain.replaceEarly would let a function take instances out of its groups`,
      );

    this.function = new NightshiftFunction(this, 'Drain', {
      ...props,
      capability: 'spot-drain',
      memory: 512,
      // The two minutes of a notice and some seconds to write down what happened. A longer drain goes on in a later call.
      timeout: Duration.minutes(3),
      // After two minutes a notice is of no use any more.
      maxEventAge: Duration.minutes(2),
      retryAttempts: 1,
    });
    this.#permit(settings, table);
    new ClusterAccess(this, 'Access', { cluster: settings.cluster, to: this.function });

    this.#onEvent('SpotInterruption', 'AWS takes a spot instance back in two minutes', spotInterruption);
    this.#onEvent('Rebalance', 'a spot instance is likely to be taken back', rebalanceRecommendation);
    this.#onEvent('Terminate', 'an Auto Scaling group waits with a termination', terminateLifecycleAction);
    this.#onEvent('ScheduledChange', 'AWS plans to retire or restart instances', scheduledChange);
    this.#onEvent('InstanceGoing', 'an instance stops or terminates', instanceGoing);
    this.#onTick();
  }

  #onEvent(id: string, description: string, eventPattern: EventPattern): void {
    new Rule(this, id, {
      description,
      eventPattern,
      targets: [
        new LambdaFunction(this.function.lambda, {
          deadLetterQueue: this.function.deadLetters,
          maxEventAge: Duration.minutes(2),
          retryAttempts: 10,
        }),
      ],
    });
  }

  /** A rule, not a schedule of EventBridge Scheduler: production's stack holds none of those, and a test says so. */
  #onTick(): void {
    const input = {
      source: TRIGGER_SOURCE,
      trigger: 'tick',
      schedule: 'spot-drain-tick',
    } satisfies ScheduledTrigger;
    new Rule(this, 'Tick', {
      description: 'looks for cordons to undo and drains to go on with',
      schedule: Schedule.expression('rate(5 minutes)'),
      targets: [
        new LambdaFunction(this.function.lambda, {
          event: RuleTargetInput.fromObject(input),
          deadLetterQueue: this.function.deadLetters,
          maxEventAge: Duration.minutes(2),
          retryAttempts: 1,
        }),
      ],
    });
  }

  #permit(settings: SpotDrainSettings, table: StateTable): void {
    const { cluster } = settings;
    const groups = autoScalingGroupArn(this, '*');
    const groupReason =
      'The ARN of a group holds an id that is unknown at synth; the condition limits it to self-managed groups of the cluster.';
    this.function.allow({
      sid: 'SeeCluster',
      actions: ['eks:DescribeCluster'],
      resources: [clusterArn(this, cluster)],
    });
    this.function.allow({
      sid: 'SeeGroups',
      actions: [
        'autoscaling:DescribeAutoScalingInstances',
        'autoscaling:DescribeAutoScalingGroups',
        'autoscaling:DescribeLifecycleHooks',
      ],
      resources: ['*'],
      wildcardReason: 'Auto Scaling does not take a resource for its Describe actions.',
    });
    const reads = { get: ['drain', 'night'], list: ['drain'] } as const;
    // In a dry run the account refuses the rest as well.
    if (settings.dryRun) {
      table.permit(this.function, { ...reads, write: ['decision'] });
      return;
    }
    table.permit(this.function, { ...reads, write: ['drain', 'decision'], remove: ['drain'] });
    this.function.allow({
      sid: 'AnswerLifecycleActions',
      actions: ['autoscaling:CompleteLifecycleAction', 'autoscaling:RecordLifecycleActionHeartbeat'],
      resources: [groups],
      conditions: selfManagedGroupsOf(cluster),
      wildcardReason: groupReason,
    });
    if (settings.replaceEarly)
      this.function.allow({
        sid: 'AskForReplacement',
        actions: ['autoscaling:DetachInstances'],
        resources: [groups],
        conditions: selfManagedGroupsOf(cluster),
        wildcardReason: groupReason,
      });
  }
}
