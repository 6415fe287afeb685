/**
 * One level-triggered pass: observe, decide, apply. Transitions of the schedule, the tick and a person's override all
 * start it; none of them is needed for the outcome.
 */
import type { Reported } from '#functions/shared/decision-recorder.ts';
import { NightshiftError } from '#functions/shared/errors.ts';
import type { ClusterState } from '#model/cluster-state.ts';
import type { Decision } from '#model/decision.ts';
import { DAY_MINUTES, DAY_MS } from '#model/duration.ts';
import { holidayWarning } from '#model/plan.ts';
import { stateChange } from '#model/published-event.ts';
import type { Desired } from '#model/schedule.ts';
import { wallAt } from '#model/zone.ts';
import { applyAutoscaler, applyStage } from './apply.ts';
import { karpenterIn } from './decide-autoscaler.ts';
import { decideCluster, mayReport, type Plan } from './decide-cluster.ts';
import { decideDesired, stopToWarnOf, timeOf } from './decide-desired.ts';
import { seen } from './ledger.ts';
import { needsSwitch } from './needs-switch.ts';
import {
  hasWarmPool,
  isRaised,
  needsAutoscaler,
  needsNodes,
  needsRunning,
  observeAutoscaler,
  observeNodes,
  select,
} from './observe.ts';
import { observeConfiguredSizes } from './observe-configured-sizes.ts';
import {
  type NightScheduleDeps,
  NONE_LISTED,
  notesOf,
  overOf,
  type Pass,
  STATE_NOT_WRITTEN,
  startPass,
  UNLISTED_PREFIX,
  writeNotes,
} from './pass.ts';
import type { Group, KeepUpRequest, Memory } from './ports.ts';
import { minutesOverdue, type Policy, policyOf, type Snapshot } from './snapshot.ts';

export type { NightScheduleDeps } from './pass.ts';

/** Why this pass takes place: the id of the event, and whether a person asked for it. */
export interface Cause {
  readonly trigger: string;
  readonly byPerson: boolean;
}

/** What a pass decided, and whether another one is due before the next tick. */
export interface PassEnd {
  readonly decisions: readonly Decision[];
  /** The nodes of a start may be Ready before the next tick. */
  readonly isSoonReady: boolean;
}

/** Throws `PartialFailureError` at the end, after everything else was done, where a part of the pass failed. */
export async function run(given: NightScheduleDeps, cause: Cause): Promise<readonly Decision[]> {
  return (await reconcile(given, cause)).decisions;
}

/** The same, for whoever may call again before the next tick. */
export async function reconcile(given: NightScheduleDeps, cause: Cause): Promise<PassEnd> {
  const begun = await begin(given, given.now());
  if (!begun) return { decisions: [], isSoonReady: false };
  const { deps, memory, all } = begun;
  const now = noEarlierThan(memory.state?.value.since, given.now());
  const { settings } = deps;
  const start = { lead: await lead(settings, memory, now), before: memory.state?.value.desired };
  const desired = decideDesired(settings.schedule, now, memory.overrides, start);

  const notes = notesOf(memory);
  const reported: Reported = new Map(Object.entries(notes.reported ?? {}));
  const pass = startPass(deps, { now, trigger: cause.trigger, reported, notes, memory });
  const { recorder } = pass;
  begun.report(pass);
  const lacking = mayLackGroups(pass, all) ? await import('./missing-groups.ts') : undefined;
  const blocked = memory.foreign
    ? `${memory.foreign} was saved for another cluster: nothing is changed; deploy its config again and wake it, or use nightshift restore`
    : all.length === 0 && !lacking?.isTrulyEmpty(pass) && lacking?.NO_GROUP_IS_LISTED;
  if (blocked) {
    recorder.failed(settings.cluster, new NightshiftError(blocked));
    return finish(deps, pass);
  }
  const unlisted = (await lacking?.dropGone(deps, pass, all)) ?? [];
  const { groups: selected, released, missing } = select(all, settings, memory);
  const pools = hasWarmPool(selected, memory) ? await import('./decide-warm-pool.ts') : undefined;
  const isPoolKept = pools && settings.warmPools === 'keep';
  const ours = isPoolKept ? selected.map(pools.withoutKeptInstances) : selected;
  const groups = await observeGroups(deps, pass, ours, desired);
  const ready = needsNodes(memory, desired.state)
    ? await observeNodes(deps.nodes, recorder, settings.cluster)
    : undefined;
  const autoscaler =
    deps.autoscaler &&
    settings.autoscaler &&
    needsAutoscaler({ memory, groups, desired: desired.state, now, kind: settings.autoscaler.kind })
      ? await observeAutoscaler(deps.autoscaler, recorder)
      : undefined;
  const running = needsRunning({ memory, groups, released, desired, now }, settings)
    ? await observeRunning(deps, pass, all, selected)
    : undefined;
  const snapshot = { now, desired, memory, groups, released, missing, unlisted, ready, autoscaler, running };
  const plan = await planFor(snapshot, { ...policyOf(settings), decideWarmPool: pools?.decideWarmPool });
  if (cause.byPerson)
    recorder.record({ target: settings.cluster, action: 'override', reason: desired.reason });
  warn(deps, pass, desired);
  notes.seen = seen(notes.seen, now, all.length);
  await apply(deps, pass, plan, { all, groups });
  if (!settings.dryRun) await observeStart(deps, pass, { snapshot, plan, all });
  const unlaunched = desired.state === 'awake' && karpenterIn(autoscaler)?.unlaunched;
  if (unlaunched) {
    const { freeProvisioning } = await import('./free-provisioning.ts');
    await freeProvisioning(deps, pass, unlaunched);
  }
  await switchRules(deps, pass, plan);
  if (settings.suspendCronJobs || memory.cronJobs.size > 0) {
    const { applyCronJobs } = await import('./apply-cron-jobs.ts');
    await applyCronJobs(deps, pass, desired.state, minutesOverdue(snapshot, settings, 'awake') !== undefined);
  }
  if (given.settings.dryRun) {
    const { rehearse } = await import('./dry-run.ts');
    notes['dry-run'] = rehearse(notes['dry-run'], { now, desired, plan, groups });
  }
  if (minutesOverdue(snapshot, settings, desired.state) !== undefined) {
    // Loaded only then: most starts need none of it.
    const { reportOverdue } = await import('./report-overdue.ts');
    reportOverdue(deps, pass, snapshot, plan);
  }
  return finish(deps, pass, plan);
}

/** Clocks differ by seconds: who reads what another pass has begun does not decide for an instant before that. */
function noEarlierThan(since: string | undefined, now: Date): Date {
  const aheadMs = since === undefined ? 0 : Date.parse(since) - now.getTime();
  return aheadMs > 0 && aheadMs < CLOCKS_DIFFER_MS ? new Date(now.getTime() + aheadMs) : now;
}

const CLOCKS_DIFFER_MS = 30_000;

async function planFor(snapshot: Snapshot, policy: Policy): Promise<Plan> {
  if (!mayReport(snapshot, policy)) return decideCluster(snapshot, policy);
  return decideCluster(snapshot, { ...policy, ...(await import('./decide-reports.ts')) });
}

async function observeStart(
  deps: NightScheduleDeps,
  pass: Pass,
  observed: { readonly snapshot: Snapshot; readonly plan: Plan; readonly all: readonly Group[] },
): Promise<void> {
  if (observed.plan.state.phase === 'starting' || pass.notes.mornings?.at(-1)?.isOpen)
    await (await import('./observe-morning.ts')).observeMorning(deps, pass, observed);
  if (isReportDue(deps.settings, pass.now)) (await import('./report-morning.ts')).reportMorning(deps, pass);
}

/** In the hour after its time: a pass of it may be lost, and it is recorded once. */
function isReportDue({ morningReport, schedule }: NightScheduleDeps['settings'], now: Date): boolean {
  if (morningReport === undefined) return false;
  const minute = wallAt(schedule.timeZone, now.getTime()) % DAY_MINUTES;
  return minute >= morningReport && minute < morningReport + 60;
}

async function finish(deps: NightScheduleDeps, pass: Pass, plan?: Plan): Promise<PassEnd> {
  await writeNotes(deps, pass, plan);
  await pass.recorder.close();
  const { decisions } = pass.recorder;
  if (plan?.state.phase !== 'starting' || deps.settings.dryRun) return { decisions, isSoonReady: false };
  const { isSoonReady } = await import('./follow-start.ts');
  return { decisions, isSoonReady: isSoonReady(pass.notes.mornings ?? [], pass.now) };
}

/** What is stored, the groups, and what people ask for: with the pause and the request that hold in this pass. */
async function begin(given: NightScheduleDeps, now: Date) {
  const [loaded, all, asked] = await Promise.all([
    given.store.load(),
    given.groups.list(),
    given.keepUpRequests?.read().catch((error: unknown) => ({ error })),
  ]);
  // The stack is being removed, and the night is given back. A dry run stops nothing.
  if (loaded.notes.retired?.value.since && !given.settings.dryRun) return undefined;
  const onPause = loaded.pause && (await import('./pause.ts'));
  const { deps, memory } = onPause?.underPause(given, loaded, now) ?? { deps: given, memory: loaded };
  // Where it cannot be written the night goes on, and the next tick tries again.
  const requested = await request(deps, memory, asked, now).catch((error: unknown) => ({
    memory,
    record: ({ recorder }: Pass) => recorder.failed(KEEP_UP, error),
  }));
  return {
    deps,
    all,
    memory: requested?.memory ?? memory,
    report(pass: Pass) {
      requested?.record(pass);
      if (asked && 'error' in asked) pass.recorder.failed(KEEP_UP, asked.error);
      if (deps.paused) onPause?.announcePause(deps, pass);
    },
  };
}

/** In a failure to read it. */
const KEEP_UP = 'configmap nightshift/keep-up';

/** A new version of the ConfigMap `keep-up`: what it asks for holds in this pass. During a pause it waits. */
async function request(
  deps: NightScheduleDeps,
  memory: Memory,
  asked: KeepUpRequest | { readonly error: unknown } | undefined,
  now: Date,
) {
  const { keepUp } = deps.settings;
  if (!keepUp || deps.paused || !asked || 'error' in asked) return undefined;
  if (memory.notes['keep-up']?.value.version === asked.version) return undefined;
  const { takeRequest, recordRequest } = await import('./keep-up-request.ts');
  const { store, settings } = deps;
  const decided = await takeRequest(
    { store, settings: { ...settings, keepUp } },
    asked,
    memory.overrides,
    now,
  );
  const overrides = decided.kind === 'keep-up' ? [...memory.overrides, decided.override] : memory.overrides;
  return {
    memory: { ...memory, overrides },
    record: (pass: Pass) => recordRequest(deps, pass, asked, decided),
  };
}

/** A group is not listed, or was not in an earlier pass. */
function mayLackGroups({ memory, reported }: Pass, all: readonly Group[]): boolean {
  const isListed = (group: string) => all.some(({ name }) => name === group);
  const wasMissed = [...reported.keys()].some(
    (key) => key === NONE_LISTED || key.startsWith(UNLISTED_PREFIX),
  );
  const isShorter = all.length < (memory.notes.seen?.value.groups ?? 0);
  return all.length === 0 || isShorter || wasMissed || ![...memory.saved.keys()].every(isListed);
}

/** Who waits for a sleeping application gets a page meanwhile. */
async function switchRules({ doorbell, ...deps }: NightScheduleDeps, pass: Pass, { state }: Plan) {
  const { doorbell: rules } = deps.settings;
  if (!doorbell || !rules) return;
  if (overOf(pass.memory, 'doorbell') === 'corrupt') {
    // Rules may be there: the next pass finds out.
    pass.notes.doorbell = {
      phase: 'placing',
      since: pass.now.toISOString(),
      ...rules,
      hosts: [...rules.hosts],
    };
    return;
  }
  if (!needsSwitch(deps.settings, pass.notes.doorbell, state.phase)) return;
  const { switchDoorbell } = await import('./switch-doorbell.ts');
  await switchDoorbell({ ...deps, doorbell }, pass, state);
}

/** Seconds that a start begins before the schedule's time, learned from the mornings. */
async function lead(settings: NightScheduleDeps['settings'], memory: Memory, now: Date) {
  if (!settings.readyBy) return undefined;
  const { leadAt } = await import('./learn-lead.ts');
  return leadAt(settings, memory.notes.mornings?.value ?? [], now).seconds;
}

/** In the morning with the sizes that EKS has configured, where those of Auto Scaling may be a rollout's. */
async function observeGroups(
  deps: NightScheduleDeps,
  { memory, recorder }: Pass,
  groups: readonly Group[],
  desired: Desired,
): Promise<readonly Group[]> {
  if (desired.state !== 'awake' || !groups.some((group) => isRaised(group, memory))) return groups;
  return observeConfiguredSizes(groups, memory, deps.groups, recorder);
}

async function observeRunning(
  { nodes, settings }: NightScheduleDeps,
  { memory, recorder }: Pass,
  all: readonly Group[],
  stopped: readonly Group[],
) {
  const observed = await import('./observe-running.ts');
  return observed.observeRunning({ nodes, recorder, settings, memory }, all, stopped);
}

/** What people should know in time: the stop that comes, and holidays that are known for a few weeks only. */
function warn(
  { settings }: NightScheduleDeps,
  { now, memory, notes, recorder }: Pass,
  desired: Desired,
): void {
  const { schedule, cluster: target, environment } = settings;
  const stop = stopToWarnOf(schedule, now, memory.overrides, desired, settings.warnMinutes);
  if (stop && notes.warned?.stop !== stop.toISOString()) {
    const reason = `stops at ${timeOf(schedule, stop)}; to keep it up: npx nightshift keep-up ${environment} --for 2h`;
    recorder.record({ target, action: 'warn', reason, facts: { stop: stop.toISOString() } });
    notes.warned = { stop: stop.toISOString() };
  }
  const holidays = holidayWarning(schedule.calendar, now);
  if (holidays && recorder.isNews('holidays', DAY_MS))
    recorder.record({ target, action: 'warn', reason: holidays });
}

interface ObservedGroups {
  readonly all: readonly Group[];
  readonly groups: readonly Group[];
}

async function apply(
  deps: NightScheduleDeps,
  pass: Pass,
  plan: Plan,
  observed: ObservedGroups,
): Promise<void> {
  const { settings, store } = deps;
  const { memory, now, notes, recorder } = pass;
  const context = { ports: deps, recorder, now, gaps: notes.seen?.gaps ?? [] };
  const isNewState = !settings.dryRun && !isSameState(memory.state?.value, plan.state);
  /** False where another pass came first. */
  const saveState = async () => {
    const isSaved = await store.writeState(plan.state, overOf(memory, 'state'));
    const { events } = deps;
    // Whoever misses the event has the tick.
    if (isSaved && events && memory.state?.value.phase !== plan.state.phase)
      await recorder.guard('events', () => events([stateChange(settings, plan.state, now)]));
    return isSaved;
  };

  // Others learn of a stop before its first node goes; of an outcome only after it was written down.
  const isInTransition = plan.state.phase === 'stopping' || plan.state.phase === 'starting';
  if (isInTransition && isNewState && !(await saveState())) {
    // Loaded only then: most starts need none of it.
    const { reportStateNotWritten } = await import('./report-state-not-written.ts');
    return reportStateNotWritten(deps, pass);
  }
  pass.reported.delete(STATE_NOT_WRITTEN);
  await applyAutoscaler(context, plan.before);
  const isPaused = plan.before.every((step) =>
    recorder.failures.every(({ target }) => target !== step.target),
  );
  if (isPaused || plan.isLate) {
    for (const stage of plan.stages) {
      const work = applyStage(context, stage, observed.groups);
      if (work) await work;
    }
    await applyAutoscaler(context, plan.after);
    const { fallbackGroup } = settings;
    const fallback = fallbackGroup && observed.all.find((group) => group.name === fallbackGroup);
    if (fallback) {
      const { applyFallback } = await import('./apply-fallback.ts');
      await applyFallback(context, pass, plan, { fallback, groups: observed.groups });
    }
  }
  if (isInTransition || recorder.failures.length > 0) return;
  if (isNewState && (await saveState()) && plan.confirmed) recorder.record(plan.confirmed);
}

function isSameState(a: ClusterState | undefined, b: ClusterState): boolean {
  return (
    a !== undefined &&
    a.phase === b.phase &&
    a.desired === b.desired &&
    a.reason === b.reason &&
    a.until === b.until &&
    a.asleepSince === b.asleepSince &&
    a.groups.length === b.groups.length &&
    a.groups.every((name, index) => name === b.groups[index])
  );
}
