/** What one group needs now. Pure; every branch ends in an action and a reason. */
import type { Versioned } from '#functions/shared/versioned.ts';
import type { Action } from '#model/decision.ts';
import type { Desired } from '#model/schedule.ts';
import type { Group } from './ports.ts';
import type { SavedSize, Size } from './records.ts';

export interface GroupStep {
  readonly target: string;
  readonly action: Action;
  readonly reason: string;
  /** Written first; if it cannot be written, nothing else of the step is done. */
  readonly record?: { readonly next: SavedSize | 'clear'; readonly over: number | undefined };
  /** Then the group is given this size. */
  readonly resize?: Size;
  /** The sleep that ends with this step, for the ledger. */
  readonly slept?: { readonly from: string; readonly nodes: number };
  /** A failure that calls for the group's own scaling trouble to be named. */
  readonly askTrouble?: true;
  /** Said once, not every minute. */
  readonly once?: string;
}

export interface GroupSituation {
  readonly group: Group;
  readonly saved: Versioned<SavedSize> | undefined;
  readonly desired: Desired;
  readonly now: Date;
  /** Instance ids whose node is Ready; absent where the Kubernetes API was not asked or did not answer. */
  readonly ready: ReadonlySet<string> | undefined;
  /** The whole cluster was seen asleep in an earlier pass: what grows now was grown by somebody. */
  readonly settled: boolean;
  /** An autoscaler that should be paused is running: what grows now was grown by it. */
  readonly autoscalerRuns: boolean;
  /** When a person's override began that asks for the present state. */
  readonly overrideSince: string | undefined;
  readonly onManualChange: 'respect' | 'enforce';
  readonly stopDeadlineMinutes: number;
  readonly startDeadlineMinutes: number;
}

/** A managed nodegroup keeps its max: EKS refuses one below 1. Zero everywhere keeps a cluster autoscaler out of others. */
export function asleepSize(group: Pick<Group, 'kind' | 'size'>): Size {
  return group.kind === 'managed'
    ? { min: 0, desired: 0, max: group.size.max }
    : { min: 0, desired: 0, max: 0 };
}

export function isAsleepSize(group: Pick<Group, 'size'>): boolean {
  return group.size.min === 0 && group.size.desired === 0;
}

/** What is given back: never less than what runs now, so that nobody's nodes are taken from them in the morning. */
export function restoredSize(saved: Size, now: Size): Size {
  return {
    min: saved.min,
    desired: Math.max(saved.desired, now.desired),
    max: Math.max(saved.max, now.max),
  };
}

export function decideGroup(situation: GroupSituation): GroupStep {
  return situation.desired.state === 'asleep' ? towardsSleep(situation) : towardsWake(situation);
}

function towardsSleep(s: GroupSituation): GroupStep {
  const { group, saved } = s;
  const running = group.instances.length;
  if (!saved) {
    if (isAsleepSize(group))
      return running === 0
        ? none(s, 'at zero already, and not by this tool')
        : none(s, `on its way to zero already: ${count(running, 'instance')} left`);
    if (group.size.desired === 0) return none(s, `desired is 0 already, min is ${group.size.min}: left so`);
    if (s.settled && s.onManualChange === 'respect' && !s.autoscalerRuns)
      return {
        target: group.name,
        action: 'warn',
        reason: `grown to ${group.size.desired} by somebody while the cluster sleeps: left alone until the next change`,
        once: `grown#${group.name}`,
      };
    return {
      target: group.name,
      action: 'stop',
      reason: `${s.desired.reason}; sizes ${sizeText(group.size)} are kept`,
      record: {
        next: {
          group: group.name,
          autoScalingGroup: group.autoScalingGroup,
          ...(group.arn ? { arn: group.arn } : {}),
          size: group.size,
          phase: 'stopping',
          since: s.now.toISOString(),
        },
        over: undefined,
      },
      resize: asleepSize(group),
    };
  }

  const { value: record, version } = saved;
  if (record.autoScalingGroup !== group.autoScalingGroup)
    return {
      target: group.name,
      action: 'ignore',
      reason: `the group was made anew (${group.autoScalingGroup}): the sizes ${sizeText(record.size)} of its predecessor are dropped`,
      record: { next: 'clear', over: version },
    };

  if (!isAsleepSize(group)) {
    const again = (reason: string): GroupStep => ({
      target: group.name,
      action: 'stop',
      reason,
      record: {
        next: {
          ...record,
          phase: 'stopping',
          // The deadline of an unfinished stop goes on counting from its beginning.
          since: record.phase === 'stopping' ? record.since : s.now.toISOString(),
        },
        over: version,
      },
      resize: asleepSize(group),
      ...slept(record),
    });
    switch (record.phase) {
      case 'restoring':
      case 'restored':
        return again(`${s.desired.reason}; sizes ${sizeText(record.size)} are still kept`);
      case 'stopping':
        return again(
          `the stop was not finished: sizes ${sizeText(record.size)} are kept, the group is not at zero`,
        );
      case 'manual':
        if (s.overrideSince !== undefined && s.overrideSince > record.since) return again(s.desired.reason);
        if (s.onManualChange === 'enforce')
          return again('the config enforces the schedule over changes by hand');
        return none(s, `scaled to ${group.size.desired} by somebody: left alone until the next change`);
      default: {
        if (s.autoscalerRuns) return again(`grown to ${group.size.desired} by the autoscaler: stopped again`);
        if (s.onManualChange === 'enforce')
          return again(`grown to ${group.size.desired} by somebody: the config enforces the schedule`);
        return {
          target: group.name,
          action: 'warn',
          reason: `grown to ${group.size.desired} by somebody while it slept: left alone until the next change`,
          record: { next: leftAlone(record, s.now), over: version },
          ...slept(record),
        };
      }
    }
  }

  if (record.phase === 'restoring')
    return {
      target: group.name,
      action: 'stop',
      reason: `${s.desired.reason}; the start that was asked for may still be under way`,
      record: { next: { ...record, phase: 'stopping', since: s.now.toISOString() }, over: version },
    };
  if (record.phase === 'restored' || record.phase === 'manual')
    return {
      target: group.name,
      action: 'stop',
      reason: `${s.desired.reason}; the group is at zero again`,
      record: { next: { ...record, phase: 'zeroed', since: s.now.toISOString() }, over: version },
    };
  if (record.phase === 'asleep') {
    // A group at zero that still gets an instance was launched into just before: it goes by itself.
    return none(
      s,
      running === 0 ? s.desired.reason : `${count(running, 'instance')} appeared and is leaving`,
    );
  }
  if (running === 0 && !isSettled(record, s.now))
    return none(s, 'at zero; an update that is still under way would show within a minute and a half');
  if (running === 0)
    return {
      target: group.name,
      action: 'confirm-stop',
      reason: 'no instance is left',
      record: {
        next: {
          ...record,
          phase: 'asleep',
          since: s.now.toISOString(),
          asleepSince: s.now.toISOString(),
        },
        over: version,
      },
    };
  const minutes = minutesSince(record.since, s.now);
  if (minutes >= s.stopDeadlineMinutes)
    return {
      target: group.name,
      action: 'fail',
      reason: `${count(running, 'instance')} still there ${minutes} min after the stop`,
      askTrouble: true,
      once: `stop-deadline#${group.name}`,
    };
  if (record.phase === 'stopping')
    return {
      target: group.name,
      action: 'none',
      reason: `at zero, ${count(running, 'instance')} left`,
      // The time of the stop stays: the deadline counts from it.
      record: { next: { ...record, phase: 'zeroed' }, over: version },
    };
  return none(s, `${count(running, 'instance')} left`);
}

function towardsWake(s: GroupSituation): GroupStep {
  const { group, saved } = s;
  if (!saved)
    return none(
      s,
      isAsleepSize(group) && group.instances.length === 0
        ? 'at zero, and not by this tool: left so'
        : s.desired.reason,
    );

  const { value: record, version } = saved;
  if (record.autoScalingGroup !== group.autoScalingGroup)
    return {
      target: group.name,
      action: 'ignore',
      reason: `the group was made anew (${group.autoScalingGroup}): the sizes ${sizeText(record.size)} of its predecessor are dropped`,
      record: { next: 'clear', over: version },
    };

  const target = restoredSize(record.size, group.size);
  const restore = (reason: string): GroupStep => ({
    target: group.name,
    action: 'start',
    reason,
    record: {
      next: {
        group: record.group,
        autoScalingGroup: record.autoScalingGroup,
        ...(record.arn ? { arn: record.arn } : {}),
        size: record.size,
        phase: 'restoring',
        since: record.phase === 'restoring' ? record.since : s.now.toISOString(),
      },
      over: version,
    },
    ...(sameSize(target, group.size) ? {} : { resize: target }),
    ...slept(record),
  });

  if (record.phase !== 'restoring' && record.phase !== 'restored')
    return restore(`${s.desired.reason}; sizes ${sizeText(target)} are given back`);
  if (record.phase === 'restoring' && !sameSize(target, group.size))
    return restore(`the start was not finished: sizes ${sizeText(target)} are given back`);

  const wanted = group.size.desired;
  const ready = group.instances.filter((instance) => instance.inService && s.ready?.has(instance.id)).length;
  if (s.ready && ready >= wanted && isSettled(record, s.now))
    return {
      target: group.name,
      action: 'confirm-start',
      reason:
        wanted === 0
          ? 'restored, and since then set to zero by somebody'
          : `${ready} of ${wanted} nodes are Ready`,
      record: { next: 'clear', over: version },
    };
  const minutes = minutesSince(record.since, s.now);
  const seen = s.ready ? `${ready} of ${wanted} nodes are Ready` : 'the Kubernetes API could not be asked';
  if (minutes >= s.startDeadlineMinutes)
    return {
      target: group.name,
      action: 'fail',
      reason: `${seen} ${minutes} min after the start`,
      askTrouble: true,
      once: `start-deadline#${group.name}`,
    };
  if (record.phase === 'restoring')
    return {
      ...none(s, seen),
      // From here on a size that differs is somebody's wish, not an unfinished start.
      record: { next: { ...record, phase: 'restored' }, over: version },
    };
  return none(s, seen);
}

/**
 * EKS applies an update some seconds after it has accepted it. What is seen sooner may be the size from before a stop
 * and a start that came close together; a record that was cleared then would be missing when the stop takes effect.
 */
const SETTLE_MS = 90_000;

function isSettled(record: SavedSize, now: Date): boolean {
  return now.getTime() - Date.parse(record.since) >= SETTLE_MS;
}

function none(s: GroupSituation, reason: string): GroupStep {
  return { target: s.group.name, action: 'none', reason };
}

function leftAlone(record: SavedSize, now: Date): SavedSize {
  const { asleepSince: _ended, ...rest } = record;
  return { ...rest, phase: 'manual', since: now.toISOString() };
}

function slept(record: SavedSize): Pick<GroupStep, 'slept'> {
  return record.asleepSince ? { slept: { from: record.asleepSince, nodes: record.size.desired } } : {};
}

function sameSize(a: Size, b: Size): boolean {
  return a.min === b.min && a.desired === b.desired && a.max === b.max;
}

export function sizeText(size: Size): string {
  return `${size.min}/${size.desired}/${size.max}`;
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}

function minutesSince(iso: string, now: Date): number {
  return Math.floor((now.getTime() - Date.parse(iso)) / 60_000);
}
