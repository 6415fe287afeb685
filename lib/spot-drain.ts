/** The spot-drain capability: drains nodes that AWS is about to interrupt. The only capability of production. */
import { Duration } from 'aws-cdk-lib';
import { type EventPattern, type IRuleTarget, Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { Construct } from 'constructs';
import type { SpotDrainSettings } from '#model/settings.ts';
import { type ScheduledTrigger, TRIGGER_SOURCE } from '#model/trigger.ts';
import { autoScalingGroupArn, clusterArn, selfManagedGroupsOf } from './arns.ts';
import { checkedEnvironment } from './checked-environment.ts';
import { ClusterAccess } from './cluster-access.ts';
import { DrainWatchdog } from './drain-watchdog.ts';
import {
  instanceGoing,
  rebalanceRecommendation,
  scheduledChange,
  spotInterruption,
  terminateActionOf,
  terminateLifecycleAction,
} from './event-patterns.ts';
import { applyBoundary, type CapabilityProps, NightshiftFunction } from './nightshift-function.ts';
import type { StateTable } from './state-table.ts';

/** The two minutes of an interruption notice, and time to record the result. A longer drain continues at a later tick. */
const TIMEOUT = Duration.minutes(3);

/** The environment, its table and its topics. */
export type SpotDrainProps = CapabilityProps;

/**
 * The function that drains nodes, the rules for its five kinds of events, its watchdog, and a tick every five minutes. Throws for
 * `replaceEarly` in production.
 */
export class SpotDrain extends Construct {
  /** The function, with its role, log and dead-letter queue. */
  readonly function: NightshiftFunction;

  constructor(scope: Construct, id: string, props: SpotDrainProps) {
    super(scope, id);
    const { table } = props;
    const environment = checkedEnvironment(props);
    const settings = environment.settings.spotDrain;
    const detaching = settings.replaceEarly
      ? 'remove drain.replaceEarly'
      : settings.onScheduledChange === 'replace'
        ? 'set drain.onScheduledChange to "wait" or "drain"'
        : undefined;
    if (settings.production && detaching)
      throw new Error(
        `${settings.environment} is a production environment, where no function may detach instances: ${detaching}`,
      );

    applyBoundary(this, environment.config);
    this.function = new NightshiftFunction(this, 'Drain', {
      ...props,
      environment,
      settings,
      capability: 'spot-drain',
      memory: 512,
      timeout: TIMEOUT,
      // After two minutes the instance of a notice is gone.
      maxEventAge: Duration.minutes(2),
      retryAttempts: 1,
    });
    this.#permit(settings, table);
    // A dry run claims nothing.
    const watchdog = settings.dryRun
      ? []
      : [
          new DrainWatchdog(this, 'Watchdog', { environment: settings.environment, function: this.function })
            .target,
        ];
    new ClusterAccess(this, 'Access', { cluster: settings.cluster, to: this.function });

    this.#onEvent(
      'SpotInterruption',
      'AWS interrupts a spot instance in two minutes',
      spotInterruption,
      watchdog,
    );
    this.#onEvent(
      'Rebalance',
      'a spot instance has an elevated risk of interruption',
      rebalanceRecommendation,
    );
    this.#onEvent(
      'Terminate',
      'an Auto Scaling group waits for a lifecycle hook before a termination',
      terminateLifecycleAction,
    );
    if (watchdog.length > 0)
      new Rule(this, 'TerminateWatch', {
        description: 'the same, of hooks that spot-drain completes: starts the watchdog',
        eventPattern: terminateActionOf(settings.hooks),
        targets: watchdog,
      });
    this.#onEvent(
      'ScheduledChange',
      'AWS has scheduled a retirement or reboot of instances',
      scheduledChange,
    );
    this.#onEvent('InstanceGoing', 'an instance stops or terminates', instanceGoing);
    this.#onTick();
  }

  #onEvent(
    id: string,
    description: string,
    eventPattern: EventPattern,
    others: readonly IRuleTarget[] = [],
  ): void {
    new Rule(this, id, {
      description,
      eventPattern,
      targets: [
        new LambdaFunction(this.function.lambda, {
          deadLetterQueue: this.function.deadLetters,
          maxEventAge: Duration.minutes(2),
          retryAttempts: 10,
        }),
        ...others,
      ],
    });
  }

  /** A rule, not EventBridge Scheduler: a test asserts that the stack of production has no schedules. */
  #onTick(): void {
    const input = {
      source: TRIGGER_SOURCE,
      trigger: 'tick',
      schedule: 'spot-drain-tick',
    } satisfies ScheduledTrigger;
    new Rule(this, 'Tick', {
      description: 'continues drains and removes cordons that are no longer needed',
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
    // Production has no night: nobody who writes there could make its drains wait.
    const nights = settings.production ? [] : (['night'] as const);
    const reads = { get: ['drain', ...nights], list: ['drain'] } as const;
    // A dry run gets no other permissions, so that IAM refuses every change as well.
    if (settings.dryRun) {
      table.permit(this.function, { ...reads, write: ['decision'] });
      return;
    }
    table.permit(this.function, {
      ...reads,
      // The pause is one of them.
      get: [...reads.get, 'override'],
      write: ['drain', 'decision'],
      remove: ['drain'],
    });
    this.function.allow({
      sid: 'AnswerLifecycleActions',
      actions: ['autoscaling:CompleteLifecycleAction', 'autoscaling:RecordLifecycleActionHeartbeat'],
      resources: [groups],
      conditions: selfManagedGroupsOf(cluster),
      wildcardReason: groupReason,
    });
    if (settings.replaceEarly || settings.onScheduledChange === 'replace')
      this.function.allow({
        sid: 'AskForReplacement',
        actions: ['autoscaling:DetachInstances'],
        resources: [groups],
        conditions: selfManagedGroupsOf(cluster),
        wildcardReason: groupReason,
      });
  }
}
