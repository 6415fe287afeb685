/**
 * Puts the rules of the doorbell in place when the cluster sleeps, and removes them when it is awake and its applications
 * answer. The intent is written before the first change and the outcome after it was observed by a later pass, so that
 * whatever a killed pass leaves is found again. Loaded only where something is to be done.
 */
import type { ClusterState } from '#model/cluster-state.ts';
import { parseListenerArn, regionOfTargetGroup } from '#model/doorbell.ts';
import { DAY_MS, MINUTE_MS } from '#model/duration.ts';
import type { DoorbellRules } from '#model/settings.ts';
import { freePriorities, missingHosts, ourRules, shadowedBy, targetGroupsOf } from './decide-doorbell.ts';
import { isOf } from './needs-switch.ts';
import { type NightScheduleDeps, overOf, type Pass } from './pass.ts';
import type { ListenerRule } from './ports.ts';
import type { Notes } from './records.ts';

/** So long after a confirmed start the requests go to the application, whether it answers or not. */
const PATIENCE_MINUTES = 10;

type Deps = NightScheduleDeps & { readonly doorbell: NonNullable<NightScheduleDeps['doorbell']> };
type Note = Notes['doorbell'];

export async function switchDoorbell(deps: Deps, pass: Pass, state: ClusterState): Promise<void> {
  const target = 'doorbell';
  await pass.recorder.guard(target, async () => {
    if (state.phase === 'asleep') await place(deps, pass);
    else await removeWhenAnswered(deps, pass, state);
  });
}

async function place(deps: Deps, pass: Pass): Promise<void> {
  const { rules: port, targetGroup } = deps.doorbell;
  const wanted = deps.settings.doorbell;
  if (!wanted) return;
  const { listener, from, to, hosts } = wanted;
  const before = pass.notes.doorbell;
  if (before && !isOf(before, wanted)) await removeOld(deps, pass, before);
  const isPlacing = before?.phase === 'placing' && isOf(before, wanted);
  if (!isPlacing && !(await writeIntent(deps, pass, { ...wanted, phase: 'placing' }))) return;

  const found = await port.list(listener);
  if (found === 'gone') return refuse(pass, wanted, GONE, isPlacing);
  const missing = missingHosts(hosts, ourRules(found, wanted, targetGroup));
  if (missing.length === 0) {
    if (isPlacing) pass.notes.doorbell = noteOf(wanted, 'placed', pass.now);
    return;
  }
  const refusal = refusalOf(found, wanted, targetGroup) ?? (await controllerOf(deps, listener));
  if (refusal !== undefined) return refuse(pass, wanted, refusal, isPlacing);
  const free = [...freePriorities(found, { from, to })];
  for (const host of missing) {
    const problem = await createRule(deps, pass, { listener, host, free });
    if (problem !== undefined) return refuse(pass, wanted, problem, isPlacing);
  }
}

const GONE = 'the listener does not exist: correct doorbell.rules.listener in the config';

/** What no later pass would change. */
function refusalOf(
  found: readonly ListenerRule[],
  wanted: DoorbellRules,
  targetGroup: string,
): string | undefined {
  const region = regionOfTargetGroup(targetGroup);
  if (region !== parseListenerArn(wanted.listener)?.region)
    return `the target group ${targetGroup} is not of the listener's region: deploy the stack of this environment again`;
  for (const host of wanted.hosts) {
    const priority = shadowedBy(found, host, wanted);
    if (priority !== undefined)
      return `the rule of priority ${priority} takes the requests of ${host} before ${wanted.from}-${wanted.to}: choose priorities below it`;
  }
  return undefined;
}

async function controllerOf({ doorbell }: Deps, listener: string): Promise<string | undefined> {
  const tag = await doorbell.rules.controllerTag(listener);
  return (
    tag &&
    `the listener has the tag ${tag}: its controller deletes the rules of others; use doorbell.ingress instead`
  );
}

/** Why there can be no rule, or undefined where there is one. A priority that was taken meanwhile is passed over. */
async function createRule(
  { doorbell }: Deps,
  { recorder }: Pass,
  { listener, host, free }: { readonly listener: string; readonly host: string; readonly free: number[] },
): Promise<string | undefined> {
  for (let priority = free.shift(); priority !== undefined; priority = free.shift()) {
    const outcome = await doorbell.rules.create(listener, {
      host,
      priority,
      targetGroup: doorbell.targetGroup,
    });
    if (outcome === 'taken') continue;
    if (outcome === 'gone') return GONE;
    if (outcome === 'full')
      return 'the quota of rules of the load balancer is used (100 by default): remove some, or raise it';
    recorder.record({
      target: host,
      action: 'switch',
      reason: `the cluster sleeps: requests get the doorbell's page (rule of priority ${priority})`,
    });
    return undefined;
  }
  return `no priority is free for ${host}: somebody else's rules use the range, choose another in doorbell.rules.priorities`;
}

/** Reported once a day. What was created before stays, and is removed after the start. */
function refuse(
  { recorder, notes, now }: Pass,
  wanted: DoorbellRules,
  reason: string,
  isPlacing: boolean,
): void {
  if (recorder.isNews(`doorbell#${reason}`, DAY_MS))
    recorder.record({ target: 'doorbell', action: 'fail', reason: `no waiting page: ${reason}` });
  // The next pass finds the intent, and writes this over it.
  if (isPlacing) notes.doorbell = noteOf(wanted, 'refused', now);
}

async function removeWhenAnswered(deps: Deps, pass: Pass, state: ClusterState): Promise<void> {
  const note = pass.notes.doorbell;
  if (!note) return;
  const { rules: port, targetGroup } = deps.doorbell;
  const found = await port.list(note.listener);
  const ours = found === 'gone' ? [] : ourRules(found, note, targetGroup);
  if (found === 'gone' || ours.length === 0) {
    if (note.phase === 'removing' || found === 'gone') pass.notes.doorbell = { ...note, phase: 'removed' };
    else await writeIntent(deps, pass, { ...note, phase: 'removing' });
    return;
  }
  const isLate = pass.now.getTime() - Date.parse(state.since) >= PATIENCE_MINUTES * MINUTE_MS;
  const due: { readonly rule: ListenerRule; readonly reason: string }[] = [];
  for (const rule of ours) {
    const groups = rule.hosts.flatMap((host) => targetGroupsOf(found, host, targetGroup));
    // When they are late they go in any case, also where the health cannot be read.
    const isHealthy = await port.areHealthy(groups).catch((error: unknown) => {
      if (!isLate) throw error;
      return false;
    });
    if (isHealthy) due.push({ rule, reason: 'the application has healthy targets: requests go to it again' });
    else if (isLate || state.phase !== 'awake') due.push({ rule, reason: LATE });
  }
  if (due.length === 0) return;
  if (note.phase !== 'removing' && !(await writeIntent(deps, pass, { ...note, phase: 'removing' }))) return;
  for (const { rule, reason } of due) {
    await port.remove(rule.arn);
    const target = rule.hosts.join(', ');
    pass.recorder.record({ target, action: 'switch', reason: `the cluster is awake; ${reason}` });
  }
}

const LATE = `no healthy target after ${PATIENCE_MINUTES} min: requests go to the application all the same, look at its pods and target group`;

/** The config has changed while the cluster slept. */
async function removeOld(deps: Deps, { recorder }: Pass, note: Note): Promise<void> {
  const { rules: port, targetGroup } = deps.doorbell;
  const found = await port.list(note.listener);
  if (found === 'gone') return;
  for (const rule of ourRules(found, note, targetGroup)) {
    await port.remove(rule.arn);
    const target = rule.hosts.join(', ');
    recorder.record({ target, action: 'switch', reason: 'the config has changed: the rule is replaced' });
  }
}

/** False where another pass came first. The note of the pass stays as it was read: it is not written again at the end. */
async function writeIntent(
  { store }: Deps,
  { memory, now }: Pass,
  { phase, ...rules }: DoorbellRules & Pick<Note, 'phase'>,
): Promise<boolean> {
  return store.writeNote('doorbell', noteOf(rules, phase, now), overOf(memory, 'doorbell'));
}

function noteOf({ listener, from, to, hosts }: DoorbellRules, phase: Note['phase'], now: Date): Note {
  return { phase, since: now.toISOString(), listener, from, to, hosts: [...hosts] };
}

/** When the stack goes: every rule of ours, whatever answers. Throws where one cannot be removed. */
export async function removeAllRules(
  { rules, targetGroup }: Deps['doorbell'],
  note: Note | undefined,
): Promise<number> {
  if (!note || note.phase === 'removed') return 0;
  const found = await rules.list(note.listener);
  const ours = found === 'gone' ? [] : ourRules(found, note, targetGroup);
  for (const rule of ours) await rules.remove(rule.arn);
  return ours.length;
}
