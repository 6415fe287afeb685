/** What is observed in the world during a night, for the checks at its end. */
import { type AutoScalingGroup, configuredSizes } from '@nightshift/lab/world/aws/index.ts';
import type { Decision } from '#model/decision.ts';
import { HOUR_MS } from '#model/duration.ts';
import type { Violation } from '../outcome.ts';

/** What was observed in the world during the night, for the checkers. */
export interface Observations {
  /** A request to scale a group to zero took effect before its size was saved. */
  readonly zeroedUnsaved: string[];
  /** Saved sizes that were changed or removed before the restore was complete in the world. */
  readonly sizesLost: string[];
  /** Confirmations of a state that the world did not have. */
  readonly unobserved: string[];
  /** Changes of a group without a decision that names it. */
  readonly unexplained: string[];
  /** Passes that met an error and succeeded. */
  readonly swallowed: string[];
  /** What is wrong with NodePools, NodeClaims and CronJobs. */
  readonly kubernetes: Violation[];
  readonly counts: Record<
    'stops' | 'starts' | 'confirmedStops' | 'confirmedStarts' | 'passes' | 'failedPasses' | 'crashes',
    number
  >;
}

export function noObservations(): Observations {
  return {
    zeroedUnsaved: [],
    sizesLost: [],
    unobserved: [],
    unexplained: [],
    swallowed: [],
    kubernetes: [],
    counts: {
      stops: 0,
      starts: 0,
      confirmedStops: 0,
      confirmedStarts: 0,
      passes: 0,
      failedPasses: 0,
      crashes: 0,
    },
  };
}

export interface Observed {
  readonly observations: Observations;
  readonly groupOf: (name: string) => AutoScalingGroup | undefined;
  readonly readyIn: (group: AutoScalingGroup) => number;
  readonly when: () => string;
  /** All that were recorded so far. */
  readonly decisions: readonly Decision[];
}

/** Compares decisions with the state of the world at this moment. */
export function observeDecisions(
  { observations, groupOf, readyIn, when, decisions }: Observed,
  made: readonly Decision[],
  changed: ReadonlySet<string>,
): void {
  for (const decision of made) {
    if (decision.action === 'confirm-stop') {
      const group = groupOf(decision.target);
      observations.counts.confirmedStops += 1;
      const left = group ? group.instances.size + (group.warmPool?.instances.size ?? 0) : 0;
      if (left > 0)
        observations.unobserved.push(
          `${when()} a decision says that ${decision.target} is asleep, and it has ${left} instances`,
        );
    }
    if (decision.action === 'confirm-start') {
      const group = groupOf(decision.target);
      observations.counts.confirmedStarts += 1;
      const desired = group?.nodegroup ? configuredSizes(group.nodegroup).desired : group?.desired;
      if (group && desired !== undefined && readyIn(group) < desired)
        observations.unobserved.push(
          `${when()} a decision says that ${decision.target} is awake, and ${readyIn(group)} of ${desired} nodes are Ready`,
        );
    }
  }
  // The same request that fails once more in the same way is recorded once an hour.
  const since = Date.parse(made.at(-1)?.time ?? '') - HOUR_MS;
  const isRepeated = ({ action, reason, time }: Decision) =>
    action === 'fail' && reason.startsWith('groups.') && Date.parse(time) > since;
  const explains = (decision: Decision, name: string) =>
    decision.target === name && decision.reason !== '' && (made.includes(decision) || isRepeated(decision));
  for (const name of changed)
    if (!decisions.some((decision) => explains(decision, name)))
      observations.unexplained.push(`${when()} ${name} was resized and no decision says why`);
}
