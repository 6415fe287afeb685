/**
 * One level-triggered pass: read the world, decide, act. Edges of the schedule, the tick and a person's override all
 * call it; none of them is needed for the outcome.
 */
import { PartialFailureError } from '#functions/shared/errors.ts';
import type { DecisionTrail } from '#functions/shared/observability.ts';
import type { ClusterState } from '#model/cluster-state.ts';
import type { Decision } from '#model/decision.ts';
import { DAY_MS } from '#model/duration.ts';
import { holidayWarning } from '#model/plan.ts';
import type { Desired, Override } from '#model/schedule.ts';
import { decideCluster, type Plan } from './decide-cluster.ts';
import { decideDesired, leadSeconds, stopToWarnOf, timeOf } from './decide-desired.ts';
import { decideFallback, isCapacityShort, lacking } from './decide-fallback.ts';
import { createJournal, type Journal } from './journal.ts';
import { seen } from './ledger.ts';
import { lookAtAutoscaler, lookAtNodes, needsAutoscaler, needsNodes, select } from './look.ts';
import { EMPTY_MEMO, type Group, type Groups, type Memory, type Nodes } from './ports.ts';
import { type TakePorts, takeAutoscaler, takeStage } from './take.ts';

export interface NightScheduleDeps extends TakePorts {
  readonly nodes: Nodes;
  readonly trail: DecisionTrail;
  readonly now: () => Date;
}

/** Why this pass takes place: the id of the event, and whether a person asked for it. */
export interface Cause {
  readonly trigger: string;
  readonly byPerson: boolean;
}

/** Throws `PartialFailureError` at the end, after everything else was done, where a part of the pass failed. */
export async function run(deps: NightScheduleDeps, cause: Cause): Promise<readonly Decision[]> {
  const { settings, store } = deps;
  const now = deps.now();
  const [memory, all] = await Promise.all([store.load(), deps.groups.list()]);
  const overrides = memory.override ? [memory.override] : [];
  const desired = decideDesired(settings.schedule, now, overrides, {
    readyBy: settings.readyBy,
    lead: leadSeconds(memory.memo?.value),
    before: memory.state?.value.desired,
  });

  const memoBefore = memory.memo?.value ?? EMPTY_MEMO;
  const { environment, dryRun } = settings;
  const journal = createJournal({ now, environment, dryRun, trigger: cause.trigger }, seen(memoBefore, now));
  const { groups, released, missing } = select(all, settings, memory);
  const ready = needsNodes(memory, desired.state)
    ? await lookAtNodes(deps.nodes, journal, settings.cluster)
    : undefined;
  const autoscaler =
    deps.autoscaler && needsAutoscaler({ memory, groups, desired: desired.state, now })
      ? await lookAtAutoscaler(deps.autoscaler, journal)
      : undefined;
  const plan = decideCluster(
    { now, desired, groups, released, missing, memory, ready, autoscaler },
    {
      onManualChange: settings.onManualChange,
      stopDeadlineMinutes: settings.stopDeadlineMinutes,
      startDeadlineMinutes: settings.startDeadlineMinutes,
      hostGroup: settings.autoscaler?.hostGroup,
    },
  );
  if (cause.byPerson) journal.decided(settings.cluster, 'override', desired.reason);
  warn(deps, journal, now, overrides, desired);
  await carryOut(deps, journal, plan, { all, groups, memory, now });

  if (journal.memo() !== memoBefore) {
    const hasFlushed = plan.stages.some((stage) => stage.some((step) => step.slept));
    const memo = journal.memo();
    await store.writeMemo(hasFlushed ? { ...memo, gaps: [] } : memo, memory.memo?.version);
  }
  await deps.trail.record(journal.decisions);
  if (journal.failures.length > 0) throw new PartialFailureError(journal.failures);
  return journal.decisions;
}

/** What people should know in time: the stop that comes, and holidays that are known for a few weeks only. */
function warn(
  { settings }: NightScheduleDeps,
  journal: Journal,
  now: Date,
  overrides: readonly Override[],
  desired: Desired,
): void {
  const { schedule, cluster, environment } = settings;
  const stop = stopToWarnOf(schedule, now, overrides, desired, settings.warnMinutes);
  if (stop && journal.memo().warnedOf !== stop.toISOString()) {
    journal.decided(
      cluster,
      'warn',
      `stops at ${timeOf(schedule, stop)}; to keep it up: npx nightshift keep-up ${environment} --for 2h`,
    );
    journal.remember({ warnedOf: stop.toISOString() });
  }
  const holidays = holidayWarning(schedule.calendar, now);
  if (holidays && journal.isNews('holidays', DAY_MS)) journal.decided(cluster, 'warn', holidays);
}

interface Scene {
  readonly all: readonly Group[];
  readonly groups: readonly Group[];
  readonly memory: Memory;
  readonly now: Date;
}

async function carryOut(deps: NightScheduleDeps, journal: Journal, plan: Plan, scene: Scene): Promise<void> {
  const { settings, store } = deps;
  const { memory, now } = scene;
  const taking = { ports: deps, journal, now, gaps: journal.memo().gaps };
  const isNewState = !settings.dryRun && !isSameState(memory.state?.value, plan.state);
  /** False where another pass was quicker. */
  const saveState = () => store.writeState(plan.state, memory.state?.version);

  // Others learn of a stop before its first node goes; of an outcome only after it was written down.
  const isInTransition = plan.state.phase === 'stopping' || plan.state.phase === 'starting';
  if (isInTransition && isNewState && !(await saveState()))
    return journal.decided(settings.cluster, 'none', 'another pass was quicker');
  for (const step of plan.before) await takeAutoscaler(taking, step);
  const isPaused = plan.before.every((step) =>
    journal.failures.every(({ target }) => target !== step.target),
  );
  if (isPaused || plan.isLate) {
    for (const stage of plan.stages) {
      const work = takeStage(taking, stage, scene.groups);
      if (work) await work;
    }
    for (const step of plan.after) await takeAutoscaler(taking, step);
    const { fallbackGroup } = settings;
    const fallback = fallbackGroup && scene.all.find((group) => group.name === fallbackGroup);
    if (fallback) {
      const short = plan.state.phase === 'starting' ? await shortages(deps.groups, journal, scene) : [];
      await takeStage(taking, [decideFallback(fallback, plan.state.phase, short)], [fallback]);
    }
  }
  if (isInTransition || journal.failures.length > 0) return;
  if (isNewState) await saveState();
  const before = memory.state?.value;
  if (before?.phase !== 'starting' || plan.state.phase !== 'awake') return;
  const seconds = Math.round((now.getTime() - Date.parse(before.since)) / 1000);
  journal.remember({ startSeconds: [...journal.memo().startSeconds, seconds].slice(-5) });
}

/** Groups whose nodes do not come because AWS has none to give. */
async function shortages(groups: Groups, journal: Journal, { groups: ours, memory, now }: Scene) {
  const startedAt = (name: string) => {
    const record = memory.saved.get(name)?.value;
    return record?.phase === 'restored' || record?.phase === 'restoring' ? record.since : undefined;
  };
  const short: { group: string; missing: number }[] = [];
  for (const group of lacking(ours, startedAt, now)) {
    try {
      if (isCapacityShort(await groups.trouble(group)))
        short.push({ group: group.name, missing: group.size.desired - group.instances.length });
    } catch (error) {
      journal.failed(group.name, error);
    }
  }
  return short;
}

function isSameState(a: ClusterState | undefined, b: ClusterState): boolean {
  return (
    a !== undefined &&
    a.phase === b.phase &&
    a.desired === b.desired &&
    a.reason === b.reason &&
    a.until === b.until &&
    a.groups.length === b.groups.length &&
    a.groups.every((name, index) => name === b.groups[index])
  );
}
