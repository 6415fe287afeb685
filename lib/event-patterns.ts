/** The event patterns that invoke a function, written as AWS documents them. */
import type { EventPattern } from 'aws-cdk-lib/aws-events';
import { DETAIL_TYPES } from '#model/published-event.ts';
import { ANNOUNCEMENT_SOURCE, EVENT_SOURCE } from '#model/trigger.ts';

export const spotInterruption: EventPattern = {
  source: ['aws.ec2'],
  detailType: ['EC2 Spot Instance Interruption Warning'],
};

export const rebalanceRecommendation: EventPattern = {
  source: ['aws.ec2'],
  detailType: ['EC2 Instance Rebalance Recommendation'],
};

export const terminateLifecycleAction: EventPattern = {
  source: ['aws.autoscaling'],
  detailType: ['EC2 Instance-terminate Lifecycle Action'],
};

/** EKS completes its own hooks, and a nightly stop has one for each node of a managed nodegroup. */
const EKS_HOOKS = ['Terminate-LC-Hook', 'Launch-LC-Hook'];

/** Of hooks that `drain.hooks` names, or of all but EKS's own. A name that ends in `*` is a prefix. */
export function terminateActionOf(hooks: readonly string[] | undefined): EventPattern {
  const isAny = hooks === undefined || hooks.includes('*');
  const named = (hook: string) => (hook.endsWith('*') ? { prefix: hook.slice(0, -1) } : hook);
  return {
    ...terminateLifecycleAction,
    detail: { LifecycleHookName: isAny ? [{ 'anything-but': EKS_HOOKS }] : hooks.map(named) },
  };
}

/** Instance retirements, reboots and other maintenance that AWS schedules. */
export const scheduledChange: EventPattern = {
  source: ['aws.health'],
  detailType: ['AWS Health Event'],
  detail: { service: ['EC2'], eventTypeCategory: ['scheduledChange'] },
};

/**
 * An instance starts to stop or terminate. `stopped` and `terminated` follow within minutes without new information, and
 * `pending` and `running` do not matter to a drain: they would only double the invocations.
 */
export const instanceGoing: EventPattern = {
  source: ['aws.ec2'],
  detailType: ['EC2 Instance State-change Notification'],
  detail: { state: ['stopping', 'shutting-down'] },
};

/** A build of one of these projects has ended. A build in progress has nothing to deploy yet. */
export function buildEnded(projects: readonly string[]): EventPattern {
  return {
    source: ['aws.codebuild'],
    detailType: ['CodeBuild Build State Change'],
    detail: {
      'project-name': [...new Set(projects)].sort(),
      'build-status': ['SUCCEEDED', 'FAILED', 'FAULT', 'TIMED_OUT', 'STOPPED'],
    },
  };
}

/** The cluster of the environment is awake. What another account sends is ignored. */
export function clusterAwake(environment: string, account: string): EventPattern {
  return {
    source: [EVENT_SOURCE],
    detailType: [DETAIL_TYPES.state],
    account: [account],
    detail: { environment: [environment], phase: ['awake'] },
  };
}

/** A build that ran elsewhere announces itself under one of these names. A sender of another account is not heard. */
export function buildAnnounced(names: readonly string[], account: string): EventPattern {
  return { source: [ANNOUNCEMENT_SOURCE], detailType: [...new Set(names)].sort(), account: [account] };
}
