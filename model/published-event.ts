/**
 * The events that the functions put on the default event bus of their account and Region, for others to use. The form of
 * a version stays: a later one may add keys to `detail`, and nothing else.
 */
import type { ClusterState } from './cluster-state.ts';
import type { Decision } from './decision.ts';

export const EVENT_VERSION = '1';

export const DETAIL_TYPES = {
  /** The cluster has another phase: `stopping`, `asleep`, `starting` or `awake`. */
  state: 'Nightshift State Change',
  /** A person, or a deploy, overrides the schedule. */
  override: 'Nightshift Override',
  /** What became of a deploy: `deployed`, `unverified`, `superseded` or `fail`. */
  deploy: 'Nightshift Deploy',
  /** What people should know in time, such as a morning that will be late. */
  warning: 'Nightshift Warning',
  /** Something failed. */
  failure: 'Nightshift Failure',
} as const;
export type DetailType = (typeof DETAIL_TYPES)[keyof typeof DETAIL_TYPES];

/** One event: what EventBridge adds (id, account, region, time) is not in it. */
export interface PublishedEvent {
  readonly detailType: DetailType;
  readonly time: string;
  readonly detail: Readonly<Record<string, unknown>> & { readonly version: typeof EVENT_VERSION };
}

/** Puts events on the bus; rejects where one of them was not accepted. */
export type PublishEvents = (events: readonly PublishedEvent[]) => Promise<void>;

/** The state of a cluster after it was written down. */
export function stateChange(
  { environment, cluster }: { readonly environment: string; readonly cluster: string },
  { phase, desired, reason, since, until }: ClusterState,
  now: Date,
): PublishedEvent {
  return {
    detailType: DETAIL_TYPES.state,
    time: now.toISOString(),
    detail: { version: EVENT_VERSION, environment, cluster, phase, desired, reason, since, until },
  };
}

/** Undefined for a decision that is no news for others: a step in between, or one that changed nothing. */
export function eventOfDecision(decision: Decision): PublishedEvent | undefined {
  const detailType = decision['dryRun'] || decision['paused'] ? undefined : detailTypeOf(decision);
  return (
    detailType && {
      detailType,
      time: decision.time,
      detail: { version: EVENT_VERSION, ...decision },
    }
  );
}

function detailTypeOf({ action, capability, outcome }: Decision): DetailType | undefined {
  switch (action) {
    case 'deployed':
    case 'unverified':
    case 'superseded':
      return DETAIL_TYPES.deploy;
    case 'override':
    case 'wake':
      return DETAIL_TYPES.override;
    case 'warn':
      return DETAIL_TYPES.warning;
    case 'fail':
      return capability === 'branch-deploy' && outcome === 'failed'
        ? DETAIL_TYPES.deploy
        : DETAIL_TYPES.failure;
    default:
      return undefined;
  }
}
