/** What one group needs now. Pure; every branch ends in an action and a reason. */
import type { Versioned } from '#functions/shared/versioned.ts';
import type { Action } from '#model/decision.ts';
import { MINUTE_MS } from '#model/duration.ts';
import type { Desired } from '#model/schedule.ts';
import type { Group } from './ports.ts';
import type { SavedSize, Size, WarmPool } from './records.ts';

export interface GroupStep {
  readonly target: string;
  readonly action: Action;
  readonly reason: string;
  /** Written first; if it cannot be written, nothing else of the step is done. */
  readonly record?: { readonly next: SavedSize | 'clear'; readonly over: number | undefined };
  /** Then the group is resized. */
  readonly resize?: Size;
  /** Instead of a resize: its warm pool becomes so. */
  readonly warmPool?: WarmPool | 'off';
  /** The sleep that ends with this step, for the ledger. */
  readonly slept?: { readonly from: string; readonly nodes: number };
  /** The group's last failed scaling activity since then (ISO 8601) is added to the reason. */
  readonly explainFailuresSince?: string;
  /** Recorded once an hour under this key, not every minute. */
  readonly once?: string;
  /** Instead of once an hour. */
  readonly onceWithinMs?: number;
  /** Past the deadline, how long the transition takes already: it is a failure if this step does not complete it. */
  readonly late?: string;
  /** First the sizes are read from EKS: a rollout raises those of the Auto Scaling group while it runs. */
  readonly readConfiguredSize?: true;
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
  /** When the stop or the start of the cluster began that is not complete yet. */
  readonly transitionSince?: string | undefined;
  readonly onManualChange: 'respect' | 'enforce';
  readonly stopDeadlineMinutes: number;
  readonly startDeadlineMinutes: number;
  readonly warmPools?: 'stop' | 'keep' | undefined;
  readonly decideWarmPool?: ((s: GroupSituation, step: GroupStep) => GroupStep) | undefined;
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

/** Instances that cost money, of the warm pool too. */
export function runningIn(group: Pick<Group, 'instances' | 'warmInstances'>): number {
  return group.instances.length + (group.warmInstances ?? 0);
}

/**
 * What somebody changed at night is theirs. A stop sets min and desired to zero: what is more survives the morning. It leaves
 * the max of a managed nodegroup alone: another one, higher or lower, is somebody's. That of a self-managed group is set to
 * zero, so that somebody had to raise it to start a node: it is not lowered by that.
 */
export function restoredSize(saved: Size, { kind, size: now }: Pick<Group, 'kind' | 'size'>): Size {
  const max = kind === 'managed' ? now.max : Math.max(saved.max, now.max);
  return {
    min: Math.min(Math.max(saved.min, now.min), max),
    desired: Math.min(Math.max(saved.desired, now.desired), max),
    max,
  };
}

type Saved = Versioned<SavedSize>;

export function decideGroup(s: GroupSituation): GroupStep {
  const ofSizes = decide(s);
  const decided = s.decideWarmPool?.(s, ofSizes) ?? ofSizes;
  const late = decided.resize || decided.record || decided.warmPool ? lateness(s) : undefined;
  return late === undefined ? decided : { ...decided, late };
}

/** How long the transition takes already, where that is past its deadline. */
function lateness({ desired, saved, now, ...s }: GroupSituation): string | undefined {
  const isStop = desired.state === 'asleep';
  const record = saved?.value;
  const since = record?.phase === (isStop ? 'stopping' : 'restoring') ? record.since : s.transitionSince;
  if (since === undefined) return undefined;
  const minutes = minutesSince(since, now);
  if (minutes < (isStop ? s.stopDeadlineMinutes : s.startDeadlineMinutes)) return undefined;
  return `the ${isStop ? 'stop' : 'start'} is not complete after ${minutes} min`;
}

function decide(s: GroupSituation): GroupStep {
  const { group, desired, saved } = s;
  if (!saved) return desired.state === 'asleep' ? firstStop(s) : none(s, reasonToRun(s));
  if (!isSameGroup(saved.value, group))
    return step(
      s,
      'ignore',
      `the group was created again (${group.arn ?? group.autoScalingGroup}): the saved sizes ${sizeText(saved.value.size)} of its predecessor are dropped`,
      { record: { next: 'clear', over: saved.version } },
    );
  if (desired.state === 'awake') return start(s, saved);
  return isAsleepSize(group) ? finishStop(s, saved) : stopAgain(s, saved);
}

/** The ARN holds an id that a new group of the same name does not have. */
export function isSameGroup(record: SavedSize, group: Group): boolean {
  if (record.arn !== undefined && group.arn !== undefined) return record.arn === group.arn;
  return record.autoScalingGroup === group.autoScalingGroup;
}

/** In the reason of a group that needs nothing. */
export const NOT_OURS = 'but not stopped by this tool';

function reasonToRun({ group, desired }: GroupSituation): string {
  return isAsleepSize(group) && runningIn(group) === 0 ? `at zero, ${NOT_OURS}: unchanged` : desired.reason;
}

/** Nothing is saved yet. */
function firstStop(s: GroupSituation): GroupStep {
  const { group, now } = s;
  const { size } = group;
  const running = runningIn(group);
  if (isAsleepSize(group))
    return none(
      s,
      running === 0
        ? `already at zero, ${NOT_OURS}`
        : `already scaling to zero: ${count(running, 'instance')} left`,
    );
  if (size.desired === 0) return none(s, `desired is already 0, min is ${size.min}: unchanged`);
  if (s.settled && s.onManualChange === 'respect' && !s.autoscalerRuns)
    return step(
      s,
      'warn',
      `scaled up to ${size.desired} by somebody while the cluster sleeps: left alone until the next transition`,
      { once: `grown#${group.name}` },
    );
  const next: SavedSize = {
    group: group.name,
    autoScalingGroup: group.autoScalingGroup,
    ...(group.arn ? { arn: group.arn } : {}),
    size,
    phase: 'stopping',
    since: now.toISOString(),
  };
  return step(s, 'stop', `${s.desired.reason}; sizes ${sizeText(size)} are saved`, {
    record: { next, over: undefined },
    ...zeroing(group),
  });
}

function zeroing(group: Group): Pick<GroupStep, 'resize' | 'readConfiguredSize'> {
  return {
    resize: asleepSize(group),
    ...(group.kind === 'managed' ? { readConfiguredSize: true } : {}),
  };
}

/** The group was at zero when its warm pool was stopped: its sizes of today are those to restore. */
function ofPoolOnly({ size }: SavedSize): boolean {
  return size.desired === 0;
}

/** The group is not at zero although its sizes are saved. */
function stopAgain(s: GroupSituation, saved: Saved): GroupStep {
  const { value: record } = saved;
  // The ledger gets the sleep with this step, and not again with the next.
  const { asleepSince: _ended, ...rest } = record;
  const { desired } = s.group.size;
  const again = (reason: string) =>
    step(s, 'stop', reason, {
      // The deadline of an incomplete stop counts from its beginning.
      ...moveTo(
        s,
        { ...saved, value: ofPoolOnly(record) ? { ...rest, size: s.group.size } : rest },
        'stopping',
        record.phase === 'stopping' ? record.since : undefined,
      ),
      ...zeroing(s.group),
      ...slept(record),
    });
  const isEnforced = s.onManualChange === 'enforce';
  switch (record.phase) {
    case 'restoring':
    case 'restored':
      return again(`${s.desired.reason}; sizes ${sizeText(record.size)} are still saved`);
    case 'stopping':
      return again(
        `the stop is incomplete: sizes ${sizeText(record.size)} are saved, but the group is not at zero`,
      );
    case 'manual':
      if (s.overrideSince !== undefined && s.overrideSince > record.since) return again(s.desired.reason);
      if (isEnforced) return again('the config enforces the schedule over manual changes');
      return none(s, `scaled to ${desired} by somebody: left alone until the next transition`);
    default: {
      if (s.autoscalerRuns) return again(`scaled up to ${desired} by the autoscaler: stopped again`);
      if (isEnforced) return again(`scaled up to ${desired} by somebody: the config enforces the schedule`);
      return step(
        s,
        'warn',
        `scaled up to ${desired} by somebody while it slept: left alone until the next transition`,
        { ...moveTo(s, { ...saved, value: rest }, 'manual'), ...slept(record) },
      );
    }
  }
}

/** The group is at zero, and its sizes are saved. */
function finishStop(s: GroupSituation, saved: Saved): GroupStep {
  const { value: record } = saved;
  const running = runningIn(s.group);
  switch (record.phase) {
    case 'restoring':
      return step(
        s,
        'stop',
        `${s.desired.reason}; the requested start may still be in progress`,
        moveTo(s, saved, 'stopping'),
      );
    case 'restored':
    case 'manual':
      return step(s, 'stop', `${s.desired.reason}; the group is at zero again`, moveTo(s, saved, 'zeroed'));
    case 'asleep':
      return running === 0 ? none(s, s.desired.reason) : stopIsOpenAgain(s, saved);
    default:
      return running === 0 ? confirmStop(s, saved) : awaitStop(s, saved);
  }
}

/** A group at zero has an instance again: one that was launched just before ends by itself; any other is late one day. */
function stopIsOpenAgain(s: GroupSituation, saved: Saved): GroupStep {
  const { asleepSince: _ended, ...rest } = saved.value;
  return step(s, 'none', `${leftIn(s.group)} appeared while it slept, at zero: its end is awaited`, {
    ...moveTo(s, { ...saved, value: rest }, 'zeroed'),
    ...slept(saved.value),
  });
}

function confirmStop(s: GroupSituation, saved: Saved): GroupStep {
  if (!isSettled(saved.value, s.now))
    return none(s, 'at zero; an update that is still in progress would show within 90 seconds');
  const asleepSince = s.now.toISOString();
  return step(
    s,
    'confirm-stop',
    'no instance is left',
    moveTo(s, { ...saved, value: { ...saved.value, asleepSince } }, 'asleep'),
  );
}

function awaitStop(s: GroupSituation, saved: Saved): GroupStep {
  const { value: record } = saved;
  const left = leftIn(s.group);
  const minutes = minutesSince(record.since, s.now);
  if (minutes >= s.stopDeadlineMinutes)
    return step(s, 'fail', `${left} still there ${minutes} min after the stop`, {
      explainFailuresSince: record.since,
      once: `stop-deadline#${s.group.name}`,
    });
  if (record.phase === 'zeroed') return none(s, `${left} left`);
  // The time of the stop stays: the deadline counts from it.
  return step(s, 'none', `at zero, ${left} left`, moveTo(s, saved, 'zeroed', record.since));
}

function leftIn(group: Group): string {
  const warm = group.warmInstances ?? 0;
  const ofPool = warm > 0 ? `${count(warm, 'instance')} of its warm pool` : undefined;
  if (ofPool === undefined) return count(group.instances.length, 'instance');
  return group.instances.length > 0 ? `${count(group.instances.length, 'instance')} and ${ofPool}` : ofPool;
}

function start(s: GroupSituation, saved: Saved): GroupStep {
  const { value: record } = saved;
  const size = restoredSize(record.size, s.group);
  const isComplete = sameSize(size, s.group.size);
  const { asleepSince: _ended, ...rest } = record;
  const lowered = size.max < record.size.max ? ` (somebody lowered max from ${record.size.max})` : '';
  const restore = (reason: string) =>
    step(s, 'start', `${reason}; sizes ${sizeText(size)} are restored${lowered}`, {
      ...moveTo(
        s,
        { ...saved, value: rest },
        'restoring',
        record.phase === 'restoring' ? record.since : undefined,
      ),
      ...(isComplete ? {} : { resize: size }),
      ...slept(record),
    });
  if (record.phase !== 'restoring' && record.phase !== 'restored') return restore(s.desired.reason);
  if (record.phase === 'restoring' && !isComplete) return restore('the start is incomplete');
  return awaitNodes(s, saved);
}

function awaitNodes(s: GroupSituation, saved: Saved): GroupStep {
  const { value: record, version } = saved;
  const { desired } = s.group.size;
  const ready = s.group.instances.filter(({ id, inService }) => inService && s.ready?.has(id)).length;
  const observed = s.ready
    ? `${ready} of ${desired} nodes are Ready`
    : 'the request to the Kubernetes API failed';
  if (s.ready && ready >= desired && isSettled(record, s.now))
    return step(
      s,
      'confirm-start',
      desired === 0 && record.size.desired > 0 ? 'restored, then set to zero by somebody' : observed,
      {
        record: { next: 'clear', over: version },
      },
    );
  const minutes = minutesSince(record.since, s.now);
  if (minutes >= s.startDeadlineMinutes)
    return step(s, 'fail', `${observed} ${minutes} min after the start`, {
      explainFailuresSince: record.since,
      once: `start-deadline#${s.group.name}`,
    });
  if (record.phase === 'restored') return none(s, observed);
  // From here on a size that differs was set by somebody, and is no incomplete start.
  return step(s, 'none', observed, moveTo(s, saved, 'restored', record.since));
}

/**
 * EKS applies an update some seconds after it has accepted it. What is observed sooner may be the size from before a
 * stop and a start that came close together; a record cleared then would be missing when the stop takes effect.
 */
const SETTLE_MS = 90_000;

export function isSettled(record: Pick<SavedSize, 'since'>, now: Date): boolean {
  return now.getTime() - Date.parse(record.since) >= SETTLE_MS;
}

function step(
  { group }: GroupSituation,
  action: Action,
  reason: string,
  rest: Omit<GroupStep, 'target' | 'action' | 'reason'> = {},
): GroupStep {
  return { target: group.name, action, reason, ...rest };
}

function none(s: GroupSituation, reason: string): GroupStep {
  return step(s, 'none', reason);
}

/** The saved sizes in another phase, which began now by default. */
function moveTo(
  { now }: GroupSituation,
  { value, version }: Saved,
  phase: SavedSize['phase'],
  since = now.toISOString(),
): Pick<GroupStep, 'record'> {
  return { record: { next: { ...value, phase, since }, over: version } };
}

function slept(record: SavedSize): Pick<GroupStep, 'slept'> {
  return record.asleepSince ? { slept: { from: record.asleepSince, nodes: record.size.desired } } : {};
}

export function sameSize(a: Size, b: Size): boolean {
  return a.min === b.min && a.desired === b.desired && a.max === b.max;
}

export function sizeText(size: Size): string {
  return `${size.min}/${size.desired}/${size.max}`;
}

export function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}

function minutesSince(iso: string, now: Date): number {
  return Math.floor((now.getTime() - Date.parse(iso)) / MINUTE_MS);
}
