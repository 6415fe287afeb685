/** A notice about one instance: found out, decided, claimed, worked on. */

import type { DecisionRecorder } from '#functions/shared/decision-recorder.ts';
import { NightshiftError } from '#functions/shared/errors.ts';
import type { Versioned } from '#functions/shared/versioned.ts';
import { isCompleting, judgeClaim, type Wish } from './claim.ts';
import { type DrainPlan, decide, type Plan } from './decide.ts';
import type { Notice } from './event.ts';
import { type Found, locate, locateRest } from './locate.ts';
import type { Claim, ClaimedHook } from './records.ts';
import { restore } from './restore.ts';
import { completeHooks, type Invocation, type RunPorts, settleOrGoOn, work } from './work.ts';

type Effective = Exclude<Plan, { do: 'nothing' } | { do: 'restore' }>;

/** How often a claim is read again when others write to it at the same time. */
const MOST_RACES = 10;
/** Who takes a claim over while its hooks are being completed would complete them again: it looks again so often. */
const COMPLETION_LOOKS = 8;
const COMPLETION_LOOK_MS = 250;
/** Where a hook's own times could not be read: short, so that its heartbeats come often. */
const UNKNOWN_HEARTBEAT_SECONDS = 60;

export async function respond(
  ports: RunPorts,
  invocation: Invocation,
  recorder: DecisionRecorder,
  notice: Notice,
): Promise<void> {
  if (notice.kind === 'health-closed') return restore(ports, recorder, notice);
  const leave = ports.gate.enter();
  try {
    await answer(ports, invocation, recorder, notice, leave);
  } finally {
    leave();
  }
}

/** `cordoned` is called when the node bears its marks. */
async function answer(
  ports: RunPorts,
  invocation: Invocation,
  recorder: DecisionRecorder,
  notice: Notice,
  cordoned: () => void,
): Promise<void> {
  const { settings } = ports;
  const heardAt = ports.clock.now();
  const first = await locate(settings.cluster, notice, ports);
  const found = first.partial && settings.dryRun ? await locateWhole(ports, notice, first) : first;
  if (found.hookError !== undefined) recorder.failed(`hook ${notice.hook?.name}`, found.hookError);
  if (found.stateError !== undefined) recorder.failed('state of the night', found.stateError);
  const plan = planOf(ports, recorder, notice, found);
  const target = found.node?.name ?? notice.instanceId;
  const facts = { instanceId: notice.instanceId, cause: notice.kind };
  if (plan.do === 'nothing' || plan.do === 'restore') {
    const action = plan.do === 'nothing' ? plan.action : 'none';
    return recorder.record({ target, action, reason: plan.reason, trigger: notice.trigger, facts });
  }
  if (settings.dryRun) {
    const { do: action, reason } = plan;
    return recorder.record({ target, action, reason, trigger: notice.trigger, facts });
  }

  const claimed = await claim(ports, invocation, wishOf(notice, plan, found), found);
  switch (claimed.do) {
    case 'end':
    case 'join':
      return recorder.record({
        target,
        action: 'ignore',
        reason: claimed.reason,
        trigger: notice.trigger,
        facts,
      });
    case 'complete':
      await completeHooks(ports, recorder, claimed.held, { target, trigger: notice.trigger });
      return;
    case 'take': {
      const { held, before } = claimed;
      let replacing: Promise<void> | undefined;
      const learn = async () => {
        const late = await learnRest(ports, recorder, notice, found, held);
        replacing = replaceEarly(ports, recorder, notice, late.plan, late.found);
        return late.held;
      };
      await Promise.all([
        keepCordon(ports, recorder, notice, plan, target, before),
        found.partial ? undefined : replaceEarly(ports, recorder, notice, plan, found),
        work(ports, invocation, recorder, held, {
          target,
          reason: plan.reason,
          ...(found.partial ? { heardAt, learn } : {}),
          cordoned,
          ...(found.node ? { node: found.node } : {}),
        }),
      ]);
      await replacing;
    }
  }
}

/** The node is cordoned: what else there is to know may change how it is drained, and is written to the claim. */
async function learnRest(
  ports: RunPorts,
  recorder: DecisionRecorder,
  notice: Notice,
  found: Found,
  held: Versioned<Claim>,
): Promise<{ readonly plan: Plan; readonly found: Found; readonly held: Versioned<Claim> | undefined }> {
  const whole = await locateWhole(ports, notice, found);
  const { stateError } = whole;
  if (stateError !== undefined) recorder.failed('state of the night', stateError);
  const plan = decide(ports.settings, notice, whole);
  const isSame = plan.do !== 'drain' || plan.night === held.value.night;
  const settled = isSame
    ? held
    : await settleOrGoOn(ports, recorder, held, (claim) => ({ ...claim, ...urgencyOf(plan) }));
  return { plan, found: whole, held: settled };
}

async function locateWhole(
  ports: RunPorts,
  notice: Notice,
  found: Found,
): Promise<Found & { readonly stateError?: unknown }> {
  if (!found.node) return found;
  const { replaceEarly } = ports.settings;
  return { ...found, ...(await locateRest(notice, found.node, ports, { replaceEarly })) };
}

/** What could not be found out does not keep a lifecycle action of ours from being completed. */
function planOf(ports: RunPorts, recorder: DecisionRecorder, notice: Notice, found: Found): Plan {
  const { cluster } = ports.settings;
  if (found.nodeError === undefined) {
    if (!found.node && found.groupError !== undefined) throw found.groupError;
    return decide(ports.settings, notice, found);
  }
  const ours = found.group?.clusters.includes(cluster) && !found.group.nodegroup;
  if (!ours || !notice.hook) throw found.nodeError;
  recorder.failed(`node of ${notice.instanceId}`, found.nodeError);
  return {
    do: 'complete',
    reason: 'the node could not be found out, and the lifecycle action must not be left open',
  };
}

function wishOf(notice: Notice, plan: Effective, found: Found): Wish {
  const hooks: ClaimedHook[] = notice.hook
    ? [
        {
          ...notice.hook,
          since: notice.at.toISOString(),
          heartbeatSeconds: found.hookTimes?.heartbeatSeconds ?? UNKNOWN_HEARTBEAT_SECONDS,
          completed: false,
        },
      ]
    : [];
  const drained = plan.do === 'drain' ? plan : undefined;
  return {
    instanceId: notice.instanceId,
    cause: notice.kind,
    depth: plan.do === 'complete' ? 'none' : plan.do,
    ...urgencyOf(drained),
    until: (drained?.until ?? notice.at).toISOString(),
    trigger: notice.trigger,
    hooks,
    noticedAt: notice.at.toISOString(),
    ...(found.node ? { node: found.node.name } : {}),
    ...(drained?.deadline ? { deadline: drained.deadline.toISOString() } : {}),
  };
}

function urgencyOf(plan: DrainPlan | undefined): Pick<Claim, 'force' | 'night'> {
  return { force: plan?.force ?? false, night: plan?.night ?? false };
}

type Claimed =
  | { readonly do: 'end' | 'join'; readonly reason: string }
  | { readonly do: 'complete'; readonly held: Versioned<Claim> }
  /** `before`: somebody had claimed the instance already. */
  | { readonly do: 'take'; readonly held: Versioned<Claim>; readonly before: boolean };

/** Of several invocations that speak of one instance at once, one takes it. */
async function claim(
  ports: RunPorts,
  invocation: Invocation,
  wish: Wish,
  { known }: Pick<Found, 'known'>,
): Promise<Claimed> {
  const { claims, clock } = ports;
  const worker = { owner: invocation.id, leaseUntil: invocation.endsAt };
  // What was read a moment ago is only written over if it is still there.
  let held = known ? known.claim : await claims.read(wish.instanceId);
  let looks = 0;
  for (let races = 0; races < MOST_RACES; ) {
    if (held && isCompleting(held.value, clock.now()) && looks < COMPLETION_LOOKS) {
      looks++;
      await clock.sleep(COMPLETION_LOOK_MS);
      held = await claims.read(wish.instanceId);
      continue;
    }
    const judgement = judgeClaim(held?.value, wish, worker, clock.now());
    if (judgement.do === 'end') return judgement;
    const written = held
      ? await claims.replace(judgement.claim, held.version)
      : await claims.create(judgement.claim, clock.now());
    if (written) {
      if (judgement.do === 'join') return judgement;
      return { do: judgement.do, held: written, before: held !== undefined };
    }
    races++;
    held = await claims.read(wish.instanceId);
  }
  throw new NightshiftError(
    `the claim of ${wish.instanceId} was written ${MOST_RACES} times by others: try again`,
  );
}

async function keepCordon(
  ports: RunPorts,
  recorder: DecisionRecorder,
  notice: Notice,
  plan: Effective,
  node: string,
  before: boolean,
): Promise<void> {
  const undo = plan.do === 'complete' ? undefined : plan.undo;
  await recorder.guard(`cordon of ${notice.instanceId}`, async () => {
    // Only an earlier claim can have left one that is to be undone.
    if (undo === undefined) return before ? ports.cordons.remove(notice.instanceId) : undefined;
    const onReturn = undo === 'on-return';
    const due = onReturn
      ? (plan.do === 'drain' && plan.deadline) || notice.at
      : new Date(notice.at.getTime() + undo.afterMinutes * 60_000);
    return ports.cordons.put({
      instanceId: notice.instanceId,
      node,
      undo: onReturn ? 'return' : 'time',
      due: due.toISOString(),
      trigger: notice.trigger,
    });
  });
}

async function replaceEarly(
  ports: RunPorts,
  recorder: DecisionRecorder,
  notice: Notice,
  plan: Plan,
  found: Found,
): Promise<void> {
  const group = found.group?.name;
  if (plan.do !== 'drain' || !plan.replace || !group) return;
  await recorder.guard(`replacement in ${group}`, async () => {
    const how = await ports.groups.replace(group, notice.instanceId);
    recorder.record({
      target: group,
      action: how === 'asked' ? 'replace' : 'none',
      reason: `${plan.reason}, and the group ${how === 'asked' ? 'starts another now' : 'was letting go of it by itself'}`,
      trigger: notice.trigger,
      facts: { instanceId: notice.instanceId },
    });
  });
}
