/**
 * One level-triggered pass: read the world, decide, act. Edges of the schedule, the tick and a person's override all
 * call it; none of them is needed for the outcome.
 */
import pMap from 'p-map';
import { messageOf, PartialFailureError } from '#functions/shared/errors.ts';
import type { DecisionTrail } from '#functions/shared/observability.ts';
import type { ClusterState } from '#model/cluster-state.ts';
import type { Decision } from '#model/decision.ts';
import { holidayWarning } from '#model/plan.ts';
import type { Override } from '#model/schedule.ts';
import type { NightScheduleSettings } from '#model/settings.ts';
import { type AutoscalerStep, decideCluster, type Plan } from './decide-cluster.ts';
import { decideDesired, leadSeconds, stopToWarnOf, timeOf } from './decide-desired.ts';
import { decideFallback, isCapacityShort, lacking } from './decide-fallback.ts';
import { type GroupStep, isAsleepSize } from './decide-group.ts';
import { ledgerEntries, seen } from './ledger.ts';
import {
  type Autoscaler,
  type AutoscalerView,
  EMPTY_MEMO,
  type Group,
  type Groups,
  type Memo,
  type Memory,
  type Nodes,
  type Store,
} from './ports.ts';

export interface NightScheduleDeps {
  readonly settings: NightScheduleSettings;
  readonly groups: Groups;
  readonly nodes: Nodes;
  readonly store: Store;
  readonly trail: DecisionTrail;
  /** Absent where the config names no autoscaler. */
  readonly autoscaler?: Autoscaler;
  readonly now: () => Date;
  /** Milliseconds until the invocation is cut off: no new step is begun in the last ten seconds. */
  readonly remaining: () => number;
}

/** Why this pass takes place: the id of the event, and whether a person asked for it. */
export interface Cause {
  readonly trigger: string;
  readonly byPerson: boolean;
}

const CONCURRENCY = 10;
const RESERVE_MS = 10_000;
const REPEAT_REPORT_MS = 60 * 60_000;
const DAY_MS = 86_400_000;
/** While asleep the autoscaler is looked at when something grew, and otherwise every so many minutes. */
const LOOK_AT_AUTOSCALER_MINUTES = 5;

export async function run(deps: NightScheduleDeps, cause: Cause): Promise<readonly Decision[]> {
  const { settings, store } = deps;
  const now = deps.now();
  const failures: { target: string; error: unknown }[] = [];
  const decisions: Decision[] = [];
  const decided = (target: string, action: Decision['action'], reason: string) =>
    decisions.push({
      time: now.toISOString(),
      environment: settings.environment,
      capability: 'night-schedule',
      target,
      action,
      reason: settings.dryRun && action !== 'none' ? `dry run, nothing was changed: ${reason}` : reason,
      trigger: cause.trigger,
    });
  const failed = (target: string, error: unknown) => {
    failures.push({ target, error });
    decided(target, 'fail', messageOf(error));
  };

  const [memory, all] = await Promise.all([store.load(), deps.groups.list()]);
  const overrides: readonly Override[] = memory.override ? [memory.override] : [];
  const desired = decideDesired(settings.schedule, now, overrides, {
    readyBy: settings.readyBy,
    lead: leadSeconds(memory.memo?.value),
    before: memory.state?.value.desired,
  });
  const { groups, released, missing } = select(all, settings, memory);
  const fallback = all.find((group) => group.name === settings.fallbackGroup);

  const ready = await readyNodes(deps, memory, desired.state, failed);
  const autoscaler = await lookAtAutoscaler(deps, memory, groups, desired.state, now, failed);
  const hostGroup = settings.autoscaler?.hostGroup;
  const plan = decideCluster(
    { now, desired, groups, released, missing, memory, ready, autoscaler },
    {
      onManualChange: settings.onManualChange,
      stopDeadlineMinutes: settings.stopDeadlineMinutes,
      startDeadlineMinutes: settings.startDeadlineMinutes,
      warnMinutes: settings.warnMinutes,
      ...(hostGroup === undefined ? {} : { hostGroup }),
    },
  );

  const memoBefore = memory.memo?.value ?? EMPTY_MEMO;
  let memo = seen(memoBefore, now);
  const gaps = memo.gaps;
  if (cause.byPerson) decided(settings.cluster, 'override', desired.reason);

  const stop = stopToWarnOf(settings.schedule, now, overrides, desired, settings.warnMinutes);
  if (stop && memo.warnedOf !== stop.toISOString()) {
    decided(
      settings.cluster,
      'warn',
      `stops at ${timeOf(settings.schedule, stop)}; to keep it up: npx nightshift keep-up ${settings.environment} --for 2h`,
    );
    memo = { ...memo, warnedOf: stop.toISOString() };
  }

  const isNews = (once: string | undefined, every = REPEAT_REPORT_MS): boolean => {
    if (once === undefined) return true;
    const last = memo.reported[once];
    if (last !== undefined && now.getTime() - Date.parse(last) < every) return false;
    const recent = Object.entries(memo.reported).filter(
      ([, at]) => now.getTime() - Date.parse(at) < 2 * DAY_MS,
    );
    memo = { ...memo, reported: { ...Object.fromEntries(recent), [once]: now.toISOString() } };
    return true;
  };

  const holidays = holidayWarning(settings.schedule.calendar, now);
  if (holidays && isNews('holidays', DAY_MS)) decided(settings.cluster, 'warn', holidays);

  const byName = new Map([...groups, ...(fallback ? [fallback] : [])].map((group) => [group.name, group]));
  const mayBegin = () => deps.remaining() > RESERVE_MS;

  const takeGroup = async (step: GroupStep) => {
    try {
      const group = byName.get(step.target);
      if (settings.dryRun || !group) {
        if (isNews(step.once ?? (settings.dryRun ? `dry#${step.target}#${step.action}` : undefined)))
          decided(step.target, step.action, step.reason);
        return;
      }
      if (step.action === 'fail') {
        if (!isNews(step.once)) return;
        const trouble = step.askTrouble ? await deps.groups.trouble(group) : undefined;
        decided(
          step.target,
          'fail',
          trouble ? `${step.reason}; its last failed activity says: ${trouble}` : step.reason,
        );
        return;
      }
      if (step.resize && !mayBegin()) {
        decided(step.target, 'none', 'the time of this pass is used up: the next one goes on');
        return;
      }
      if (step.slept)
        await store.writeLedger(
          ledgerEntries({ group: group.name, ...step.slept, to: now }, gaps, settings.schedule.timeZone),
        );
      if (step.record) {
        const { next, over } = step.record;
        const written =
          next === 'clear'
            ? over === undefined || (await store.clearSaved(group.name, over))
            : await store.writeSaved(next, over);
        if (!written) {
          decided(step.target, 'none', 'another pass was quicker');
          return;
        }
      }
      if (step.resize) {
        const outcome = await deps.groups.resize(group, step.resize, intentOf(group, step, now));
        if (outcome === 'busy') {
          decided(step.target, 'none', 'another update of the group runs: the next pass tries again');
          return;
        }
        if (outcome === 'gone') {
          decided(step.target, 'ignore', 'the group was deleted');
          return;
        }
      }
      if (isNews(step.once)) decided(step.target, step.action, step.reason);
    } catch (error) {
      failed(step.target, error);
    }
  };

  const takeAutoscaler = async (step: AutoscalerStep) => {
    try {
      if (!settings.dryRun && deps.autoscaler) {
        if (step.record) {
          const { next, over } = step.record;
          const written =
            next === 'clear'
              ? over === undefined || (await store.clearAutoscaler(over))
              : await store.writeAutoscaler(next, over);
          if (!written) return void decided(step.target, 'none', 'another pass was quicker');
        }
        if (step.pause) await deps.autoscaler.pause(step.pause);
        if (step.resume) await deps.autoscaler.resume(step.resume);
      }
      decided(step.target, step.action, step.reason);
    } catch (error) {
      failed(step.target, error);
    }
  };

  const shortages = async () => {
    if (plan.state.phase !== 'starting') return [];
    const startedAt = (name: string) => {
      const record = memory.saved.get(name)?.value;
      return record?.phase === 'restored' || record?.phase === 'restoring' ? record.since : undefined;
    };
    const short: { group: string; missing: number }[] = [];
    for (const group of lacking(groups, startedAt, now)) {
      try {
        if (isCapacityShort(await deps.groups.trouble(group)))
          short.push({ group: group.name, missing: group.size.desired - group.instances.length });
      } catch (error) {
        failed(group.name, error);
      }
    }
    return short;
  };

  const saveState = async (next: ClusterState) => {
    if (settings.dryRun || sameState(memory.state?.value, next)) return;
    await store.writeState(next, memory.state?.version);
  };

  // Others learn of a stop before its first node goes; of an outcome only after it was written down.
  const inTransition = plan.state.phase === 'stopping' || plan.state.phase === 'starting';
  if (inTransition) await saveState(plan.state);
  for (const step of plan.before) await takeAutoscaler(step);
  const pauseFailed = plan.before.some((step) => failures.some((failure) => failure.target === step.target));
  if (!pauseFailed) {
    for (const stage of plan.stages) await pMap(stage, takeGroup, { concurrency: CONCURRENCY });
    for (const step of plan.after) await takeAutoscaler(step);
    if (fallback) await takeGroup(decideFallback(fallback, plan.state.phase, await shortages()));
  }
  if (!inTransition && failures.length === 0) {
    await saveState(plan.state);
    memo = withStart(memo, memory.state?.value, plan, now);
  }

  if (!settings.dryRun && memo !== memoBefore) {
    const flushed = plan.stages.flat().some((step) => step.slept) ? { ...memo, gaps: [] } : memo;
    await store.writeMemo(flushed, memory.memo?.version);
  }
  await deps.trail.record(decisions);
  if (failures.length > 0) throw new PartialFailureError(failures);
  return decisions;
}

function select(all: readonly Group[], settings: NightScheduleSettings, memory: Memory) {
  const wanted = settings.nodegroups;
  const isStopped = (group: Group) =>
    group.name !== settings.fallbackGroup &&
    !settings.keep.includes(group.name) &&
    (wanted === 'all' || wanted.includes(group.name));
  const released = new Set(
    all.filter((group) => !isStopped(group) && memory.saved.has(group.name)).map((group) => group.name),
  );
  const missing = wanted === 'all' ? [] : wanted.filter((name) => !all.some((group) => group.name === name));
  return { groups: all.filter((group) => isStopped(group) || released.has(group.name)), released, missing };
}

/** Asked only while a restore waits to be confirmed, or an autoscaler waits for its host. */
async function readyNodes(
  deps: NightScheduleDeps,
  memory: Memory,
  desired: 'awake' | 'asleep',
  failed: (target: string, error: unknown) => void,
): Promise<ReadonlySet<string> | undefined> {
  const awaited =
    [...memory.saved.values()].some(({ value }) => ['restoring', 'restored'].includes(value.phase)) ||
    memory.autoscaler !== undefined;
  if (!awaited) return undefined;
  if (
    desired === 'asleep' &&
    ![...memory.saved.values()].some(({ value }) => value.phase === 'restored' || value.phase === 'restoring')
  )
    return undefined;
  try {
    return await deps.nodes.ready();
  } catch (error) {
    failed(deps.settings.cluster, error);
    return undefined;
  }
}

async function lookAtAutoscaler(
  deps: NightScheduleDeps,
  memory: Memory,
  groups: readonly Group[],
  desired: 'awake' | 'asleep',
  now: Date,
  failed: (target: string, error: unknown) => void,
): Promise<AutoscalerView | 'unknown' | undefined> {
  if (!deps.autoscaler) return undefined;
  const quiet =
    desired === 'awake'
      ? memory.autoscaler === undefined
      : memory.state?.value.phase === 'asleep' &&
        groups.every((group) => isAsleepSize(group)) &&
        now.getUTCMinutes() % LOOK_AT_AUTOSCALER_MINUTES !== 0;
  if (quiet) return undefined;
  try {
    return await deps.autoscaler.observe();
  } catch (error) {
    failed(deps.settings.autoscaler?.kind ?? 'autoscaler', error);
    return 'unknown';
  }
}

function withStart(memo: Memo, before: ClusterState | undefined, plan: Plan, now: Date): Memo {
  if (before?.phase !== 'starting' || plan.state.phase !== 'awake') return memo;
  const seconds = Math.round((now.getTime() - Date.parse(before.since)) / 1000);
  return { ...memo, startSeconds: [...memo.startSeconds, seconds].slice(-5) };
}

/** The same step tried again by the SDK is one request; the same step of another night is another. */
function intentOf(group: Group, step: GroupStep, now: Date): string {
  const since = typeof step.record?.next === 'object' ? step.record.next.since : now.toISOString();
  return JSON.stringify([group.autoScalingGroup, step.resize, since, step.record?.over ?? 0]);
}

function sameState(a: ClusterState | undefined, b: ClusterState): boolean {
  return (
    a !== undefined &&
    a.phase === b.phase &&
    a.desired === b.desired &&
    a.reason === b.reason &&
    a.until === b.until &&
    a.groups.join('\n') === b.groups.join('\n')
  );
}
