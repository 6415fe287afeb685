/** What a pass observed, and by which rules it decides. */

import { MINUTE_MS } from '#model/duration.ts';
import type { Desired } from '#model/schedule.ts';
import type { NightScheduleSettings } from '#model/settings.ts';
import type { GroupSituation, GroupStep } from './decide-group.ts';
import type { Running } from './observe-running.ts';
import type { AutoscalerView, CorruptItem, Group, Memory } from './ports.ts';

export interface Policy {
  readonly onManualChange: 'respect' | 'enforce';
  readonly stopDeadlineMinutes: number;
  readonly startDeadlineMinutes: number;
  /** The group on which the autoscaler runs: stopped last, started first. */
  readonly hostGroup?: string | undefined;
  /** Groups that are stopped last and started first as well. */
  readonly stopLast?: readonly string[] | undefined;
  /** Of the autoscaler that is configured. */
  readonly autoscalerKind?: 'cluster-autoscaler' | 'karpenter' | 'auto-mode' | undefined;
  /** Default true: drains of Karpenter end past budgets, within the deadline of the stop. */
  readonly forceAtNight?: boolean | undefined;
  /** NodePools that the config names; all when left out. */
  readonly nodePools?: readonly string[] | undefined;
  /** Default `stop`. */
  readonly warmPools?: 'stop' | 'keep' | undefined;
  /** Present where a group has a warm pool, or one is saved. */
  readonly decideWarmPool?: ((s: GroupSituation, step: GroupStep) => GroupStep) | undefined;
  /** Present where people may have to correct something themselves. */
  readonly reportsOf?: ((snapshot: Snapshot, policy: Policy) => readonly GroupStep[]) | undefined;
  /** The name of the cluster. */
  readonly cluster?: string | undefined;
}

export function policyOf(settings: NightScheduleSettings): Policy {
  const { autoscaler } = settings;
  const { forceAtNight, nodePools } = autoscaler?.kind === 'cluster-autoscaler' ? {} : (autoscaler ?? {});
  return {
    ...settings,
    hostGroup: autoscaler?.kind === 'auto-mode' ? undefined : autoscaler?.hostGroup,
    autoscalerKind: autoscaler?.kind,
    forceAtNight,
    nodePools,
  };
}

export interface Snapshot {
  readonly now: Date;
  readonly desired: Desired;
  /** The groups that this environment stops, and the released ones. */
  readonly groups: readonly Group[];
  /** Groups that sleep although the config does not stop them any more: they are woken. */
  readonly released: ReadonlySet<string>;
  /** Names that the config asks for and the account does not have. */
  readonly missing: readonly string[];
  /** Groups with saved sizes that the last replies lack. */
  readonly unlisted?: readonly string[] | undefined;
  readonly memory: Memory;
  readonly ready: ReadonlySet<string> | undefined;
  /** Absent where none is configured or needed, `unknown` where the request failed. */
  readonly autoscaler: AutoscalerView | 'unknown' | undefined;
  /** What runs besides; absent where it was not observed, `unknown` where that failed. */
  readonly running?: Running | 'unknown' | undefined;
}

/** How long a stop or a start takes that is past its deadline, in minutes; otherwise undefined. */
export function minutesOverdue(
  { desired, memory, now }: Pick<Snapshot, 'desired' | 'memory' | 'now'>,
  policy: Pick<Policy, 'stopDeadlineMinutes' | 'startDeadlineMinutes'>,
  to: Desired['state'],
): number | undefined {
  const state = memory.state?.value;
  if (desired.state !== to || state?.phase !== (to === 'asleep' ? 'stopping' : 'starting')) return undefined;
  const minutes = Math.floor((now.getTime() - Date.parse(state.since)) / MINUTE_MS);
  return minutes >= (to === 'asleep' ? policy.stopDeadlineMinutes : policy.startDeadlineMinutes)
    ? minutes
    : undefined;
}

/** The groups, or the objects of the autoscaler, whose record cannot be read. */
export function corruptNames({ corrupt }: Memory, kind: CorruptItem['kind']): readonly string[] {
  return corrupt.filter((item) => item.kind === kind).map(({ name }) => name);
}

/** The cluster was observed asleep in this sleep: what grows from then on was grown by somebody. */
export function settledSince({ state }: Memory): string | undefined {
  if (state?.value.desired !== 'asleep') return undefined;
  return state.value.asleepSince ?? (state.value.phase === 'asleep' ? state.value.since : undefined);
}
