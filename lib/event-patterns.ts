/** The events that a function is called for. Written out, so that they can be read beside what AWS documents. */
import type { EventPattern } from 'aws-cdk-lib/aws-events';

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

/** Instance retirement, reboots and the like that AWS plans. */
export const scheduledChange: EventPattern = {
  source: ['aws.health'],
  detailType: ['AWS Health Event'],
  detail: { service: ['EC2'], eventTypeCategory: ['scheduledChange'] },
};

/**
 * An instance begins to go. `stopped` and `terminated` follow within minutes and say nothing new, and `pending` and
 * `running` are no concern of a drain: they would only double the invocations.
 */
export const instanceGoing: EventPattern = {
  source: ['aws.ec2'],
  detailType: ['EC2 Instance State-change Notification'],
  detail: { state: ['stopping', 'shutting-down'] },
};

/** The end of a build of one of these projects. A build in progress has nothing to deploy yet. */
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
