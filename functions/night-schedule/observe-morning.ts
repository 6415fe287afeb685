/** The phases of a start: each is stored when it was observed, and people are warned before the start is late. */
import { transitions } from '#model/desired.ts';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '#model/duration.ts';
import type { Plan } from './decide-cluster.ts';
import { LONGEST_LEAD_SECONDS, timeOf } from './decide-desired.ts';
import { phaseOf } from './learn-lead.ts';
import { awaitedInstances, lackingInstances } from './missing-instances.ts';
import type { NightScheduleDeps, Pass } from './pass.ts';
import type { Group } from './ports.ts';
import { minutesMissed, PHASES, predictReady } from './predict-morning.ts';
import type { Morning, MorningPhase } from './records.ts';
import type { Snapshot } from './snapshot.ts';

const KEPT_MORNINGS = 60;
/** What was not reached so long after the start is not awaited any more. */
const LONGEST_MORNING_MS = 3 * HOUR_MS;

interface Observed {
  readonly snapshot: Snapshot;
  readonly plan: Plan;
  /** Every group of the cluster. */
  readonly all: readonly Group[];
}

export async function observeMorning(deps: NightScheduleDeps, pass: Pass, observed: Observed): Promise<void> {
  const { notes, now } = pass;
  const { state } = observed.plan;
  const all = notes.mornings ?? [];
  const last = all.at(-1);
  const isNew = state.phase === 'starting' && !isSameStart(last, state.since);
  const current = isNew ? begun(deps.settings, state.since) : last;
  if (!current) return;
  const before = (isNew ? all : all.slice(0, -1)).map(closed);
  const reached = await withPhases(deps, pass, current, observed);
  const warned = warnOfDelay(deps, pass, reached, { snapshot: observed.snapshot, before });
  const isOver =
    state.phase === 'stopping' ||
    state.phase === 'asleep' ||
    warned.seconds[targetOf(deps.settings)] !== undefined ||
    now.getTime() - Date.parse(warned.asked) > LONGEST_MORNING_MS;
  notes.mornings = [...before, isOver ? closed(warned) : warned].slice(-KEPT_MORNINGS);
}

/** Two passes may begin a start at once: the state is that of one of them, the morning that of the other. */
function isSameStart(last: Morning | undefined, since: string): boolean {
  if (last === undefined || last.asked === since) return last !== undefined;
  return last.isOpen === true && Math.abs(Date.parse(since) - Date.parse(last.asked)) <= MINUTE_MS;
}

const targetOf = ({ readyBy }: NightScheduleDeps['settings']) => phaseOf(readyBy || 'nodes');

/** A start that only an override asks for, far from a start of the schedule, was promised to nobody. */
function begun({ schedule, readyBy }: NightScheduleDeps['settings'], asked: string): Morning {
  const at = Date.parse(asked);
  // One that begins late was promised for the time of the schedule all the same.
  const from = new Date(at - HOUR_MS);
  const to = new Date(at + LONGEST_LEAD_SECONDS * SECOND_MS);
  const promised = readyBy && transitions(schedule, from, to).findLast((one) => one.to === 'awake')?.at;
  return { asked, ...(promised ? { promised: promised.toISOString() } : {}), seconds: {}, isOpen: true };
}

function closed({ isOpen: _, ...morning }: Morning): Morning {
  return morning;
}

async function withPhases(
  deps: NightScheduleDeps,
  pass: Pass,
  morning: Morning,
  { snapshot, plan, all }: Observed,
): Promise<Morning> {
  const { readyBy, fallbackGroup } = deps.settings;
  const isAwake = plan.state.phase === 'awake';
  const seconds: Record<string, number> = { ...morning.seconds };
  const reach = (phase: MorningPhase, at: Date) => {
    seconds[phase] ??= Math.max(0, Math.round((at.getTime() - Date.parse(morning.asked)) / SECOND_MS));
  };
  if (isAwake || areInstancesInService(snapshot)) reach('instances', pass.now);
  if (isAwake) {
    reach('nodes', pass.now);
    const { at, argocd } = readyBy && readyBy !== 'nodes' ? await readyAt(deps, pass, morning) : {};
    if (argocd) reach('argocd', argocd);
    if (at) reach(targetOf(deps.settings), at);
  }
  const isFilledIn = all.some(({ name, size }) => name === fallbackGroup && size.desired > 0);
  return { ...morning, seconds, ...(isFilledIn && fallbackGroup ? { fallback: fallbackGroup } : {}) };
}

/** When what lies beyond the nodes was ready; absent where it is not yet. */
async function readyAt(
  { settings, readiness }: NightScheduleDeps,
  { now, recorder }: Pass,
  { asked }: Morning,
): Promise<{ readonly at?: Date; readonly argocd?: Date }> {
  const { readyBy, applications = [] } = settings;
  if (typeof readyBy === 'object') return (await readiness?.answers(readyBy.url)) ? { at: now } : {};
  const found = await recorder.guard('applications', async () => readiness?.healthy());
  if (!found) return {};
  const times = applications
    .map((name) => found.applications.get(name) ?? '')
    .filter((time) => time > asked)
    .sort();
  return {
    ...(found.argocd !== undefined && found.argocd > asked ? { argocd: new Date(found.argocd) } : {}),
    ...(times.length === applications.length ? { at: new Date(times.at(-1) ?? now) } : {}),
  };
}

function areInstancesInService({ groups, memory }: Snapshot): boolean {
  return groups.every((group) => lackingInstances(group, memory) === 0);
}

/** Once a morning, as soon as it is expected that the promise will be missed. */
function warnOfDelay(
  { settings }: NightScheduleDeps,
  { now, recorder }: Pass,
  morning: Morning,
  { snapshot, before }: { readonly snapshot: Snapshot; readonly before: readonly Morning[] },
): Morning {
  if (!settings.readyBy || morning.promised === undefined) return morning;
  const promised = new Date(morning.promised);
  const target = targetOf(settings);
  const took = morning.seconds[target];
  if (took !== undefined) return morning;
  const cause = waitsFor(morning, snapshot, target);
  const late = longestWait(morning, now, cause);
  if (now > promised) return { ...morning, late };
  if (morning.announced !== undefined) return morning;
  const missed = minutesMissed(predictReady(morning, before, target, now), promised, now);
  if (missed === undefined) return morning;
  const how = missed.isExpected ? 'will be missed by about' : 'may be missed by up to';
  recorder.record({
    target: settings.cluster,
    action: 'warn',
    reason: `${timeOf(settings.schedule, promised)} ${how} ${missed.minutes} min: waits for ${cause}`,
    facts: { promised: morning.promised, missedByMinutes: missed.minutes },
  });
  return { ...morning, announced: now.toISOString(), late };
}

const WAITED_FOR: { readonly [P in MorningPhase]?: string } = {
  instances: 'instances',
  nodes: 'nodes that were not Ready',
  argocd: 'Argo CD, which did not answer',
};

/** What it waits for now, unless one of the phases before took longer. */
function longestWait({ asked, seconds, late }: Morning, now: Date, cause: string): string {
  let from = 0;
  let longest = { took: 0, phase: 'instances' as MorningPhase };
  for (const phase of PHASES) {
    const at = seconds[phase];
    if (at === undefined) continue;
    if (at - from > longest.took) longest = { took: at - from, phase };
    from = at;
  }
  const waited = (now.getTime() - Date.parse(asked)) / SECOND_MS - from;
  return waited >= longest.took ? cause : (late ?? WAITED_FOR[longest.phase] ?? cause);
}

/** What the phase that is not reached yet waits for, and what a person can do. */
function waitsFor(
  { seconds, fallback }: Morning,
  { groups, memory }: Snapshot,
  target: MorningPhase,
): string {
  if (seconds['instances'] === undefined) {
    const lacking = groups
      .filter((group) => lackingInstances(group, memory) > 0)
      .map(
        (group) =>
          `${lackingInstances(group, memory)} of ${awaitedInstances(group, memory)} instances of ${group.name}`,
      );
    const help = fallback
      ? `the fallback group ${fallback} fills in`
      : 'look at the scaling activities of the group; a fallbackGroup would fill in';
    return `${lacking.join(', ') || 'sizes to be restored'} (${help})`;
  }
  if (seconds['nodes'] === undefined) return 'nodes that are not Ready (kubectl describe node says why)';
  if (target === 'applications' && seconds['argocd'] === undefined)
    return 'Argo CD, which does not answer (nightshift argocd says why)';
  return target === 'url'
    ? 'the URL of readyBy, which does not answer'
    : 'applications that are not Healthy (nightshift argocd lists them)';
}
