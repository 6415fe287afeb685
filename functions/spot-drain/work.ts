/** What is done to a claimed instance: its node is marked and drained, and its lifecycle actions are completed at the very end. */

import type { DecisionRecorder, Reported } from '#functions/shared/decision-recorder.ts';
import type { DecisionTrail } from '#functions/shared/observability.ts';
import { retry } from '#functions/shared/retry.ts';
import type { Versioned } from '#functions/shared/versioned.ts';
import type { SpotDrainSettings } from '#model/settings.ts';
import { hasOpenHook } from './claim.ts';
import { type DrainReport, drain } from './drain.ts';
import { AccessRefusedError, isTrouble } from './errors.ts';
import type { Gate } from './gate.ts';
import type { LocatePorts } from './locate.ts';
import { note } from './note.ts';
import type { Clock, Cordons, Node, NodeNames } from './ports.ts';
import type { Claim } from './records.ts';
import { leftOf, reportDrain, tallyOf } from './report.ts';

export interface RunPorts extends LocatePorts {
  readonly settings: SpotDrainSettings;
  readonly cordons: Cordons;
  readonly names: NodeNames;
  readonly trail: DecisionTrail;
  /** What this process has reported of what lasts. */
  readonly reported?: Reported;
  /** Of this process. */
  readonly gate: Gate;
}

export interface Invocation {
  readonly id: string;
  /** When Lambda ends it. */
  readonly endsAt: Date;
}

export interface Task {
  /** For the records: the node's name, or the instance's id where there is no node. */
  readonly target: string;
  readonly reason: string;
  readonly node?: Node;
  /** When this invocation heard of the notice; absent where it goes on with an earlier one. */
  readonly heardAt?: Date;
  /** The node bears its marks. */
  readonly cordoned?: () => void;
  /** Finds out, between the cordon and the drain, what the cordon did not need. Undefined: another invocation goes on. */
  readonly learn?: () => Promise<Versioned<Claim> | undefined>;
}

/** Kept of an invocation for what comes after the drain: reports and lifecycle actions. */
const RESERVE_MS = 10_000;
/** A notice that came late still gets so long, because instances do not go on the second; and so does the last look of a drain. */
const LEAST_DRAIN_MS = 15_000;
/** While everything is being stopped no budget is freed elsewhere: waiting for one would only cost. */
const NIGHT_PATIENCE_MS = 10_000;
/** How long a drain waits for the cordons of others: twice what its own cordon took, within these bounds. */
const OTHERS_MS = { least: 500, most: 5_000 };
/** Who has less left than this until the instance goes does not wait for others. */
const AMPLE_MS = 60_000;
/** So long an API server may be away before a mark is given up. */
const TROUBLE_PATIENCE_MS = 30_000;
/** The tick comes every five minutes; a hook must live longer than that without a heartbeat, or its drain is not paused. */
const PAUSABLE_HEARTBEAT_SECONDS = 360;

export async function work(
  ports: RunPorts,
  invocation: Invocation,
  recorder: DecisionRecorder,
  taken: Versioned<Claim>,
  task: Task,
): Promise<void> {
  const { clock } = ports;
  const { node } = task;
  const state = { failed: false };
  let held = taken;
  let report: DrainReport | undefined;
  if (node && held.value.depth !== 'none') {
    try {
      if (await markNode(ports, invocation, recorder, held.value, { ...task, node })) {
        task.cordoned?.();
        await Promise.all([ports.gate.open(), letOthersCordon(held.value, task.heardAt, clock)]);
        sayCordon(recorder, held.value, { ...task, node });
        const next = task.learn ? await task.learn() : held;
        if (!next) return;
        held = next;
        report = await drainNode(ports, invocation, recorder, held.value, { ...task, node });
      }
    } catch (error) {
      state.failed = true;
      recorder.failed(task.target, error);
    }
  }
  if (report?.end === 'taken') return;
  if (report?.refused !== undefined) state.failed = true;

  const tally = report ? tallyOf(report, held.value.tally) : held.value.tally;
  let pause = false;
  const settled = await settleOrGoOn(ports, recorder, held, (claim) => {
    // The newest claim: a lifecycle action may have been added to it.
    pause = report?.end === 'time' && mayPause(claim, clock.now());
    return {
      ...claim,
      state: pause ? 'paused' : state.failed ? 'failed' : 'done',
      // While hooks are open this invocation is still at it.
      leaseUntil: pause || !hasOpenHook(claim) ? clock.now().toISOString() : claim.leaseUntil,
      ...(tally ? { tally } : {}),
      ...(pause ? {} : { doneAt: clock.now().toISOString() }),
      ...(pause || state.failed ? {} : { left: report ? leftOf(report) : 0 }),
    };
  });
  if (!settled) return;
  if (report && tally) {
    if (pause) {
      await heartbeatAll(ports, recorder, settled.value);
      const reason = `${leftOf(report)} pods are still on the node: the next tick goes on`;
      recorder.record({
        target: task.target,
        action: 'wait',
        reason,
        trigger: held.value.trigger,
        facts: { instanceId: held.value.instanceId },
      });
      return;
    }
    const facts = { node: task.target, claim: settled.value, report, tally, now: clock.now() };
    for (const said of reportDrain(facts)) recorder.record(said);
    await noteEnd(ports, recorder, task, report, settled.value);
    if (report.refused !== undefined) recorder.failed(task.target, new AccessRefusedError(report.refused));
  }
  await completeHooks(ports, recorder, settled, { target: task.target, trigger: held.value.trigger });
}

/** Completes every open hook of the claim with CONTINUE, also those that were added while it did. */
export async function completeHooks(
  ports: RunPorts,
  recorder: DecisionRecorder,
  held: Versioned<Claim>,
  about: { readonly target: string; readonly trigger: string },
): Promise<void> {
  const { instanceId } = held.value;
  let current: Versioned<Claim> | undefined = held;
  while (current && hasOpenHook(current.value)) {
    const before: Versioned<Claim> = current;
    const completed = new Set<string>();
    for (const hook of before.value.hooks) {
      if (hook.completed) continue;
      await recorder.guard(`hook ${hook.name}`, async () => {
        const how = await ports.lifecycle.complete(hook, instanceId);
        completed.add(hook.token);
        recorder.record({
          target: about.target,
          action: 'complete',
          reason: `the lifecycle action of the group ${hook.group} ${how === 'completed' ? 'may go on' : 'was over already'}`,
          trigger: about.trigger,
          facts: { instanceId, group: hook.group, hook: hook.name, outcome: how },
        });
      });
    }
    current = await recorder.guard(`claim of ${instanceId}`, () =>
      settle(ports, before, (claim) => ({
        ...claim,
        hooks: claim.hooks.map((hook) => (completed.has(hook.token) ? { ...hook, completed: true } : hook)),
        leaseUntil: ports.clock.now().toISOString(),
      })),
    );
    // What could not be completed is for the retry and the tick.
    if (completed.size === 0) return;
  }
}

/** False where the node is gone. */
async function markNode(
  ports: RunPorts,
  invocation: Invocation,
  recorder: DecisionRecorder,
  claim: Claim,
  { node }: Task & { readonly node: Node },
): Promise<boolean> {
  const { cause, trigger } = claim;
  const depth = claim.depth === 'drain' ? 'drain' : 'cordon';
  const since = new Date(claim.noticedAt);
  const how = await patiently(ports, invocation, () => ports.cluster.mark(node, { depth, cause, since }));
  if (how === 'gone')
    recorder.record({ target: node.name, action: 'none', reason: 'the node is gone', trigger });
  return how === 'marked';
}

/**
 * In a storm many nodes get their notice within a second: what was evicted from the first would be placed on the next,
 * and evicted once more. A node that has time to spare waits until the others are cordoned as well. How long its own
 * cordon took tells how many they are.
 */
async function letOthersCordon({ deadline }: Claim, heardAt: Date | undefined, clock: Clock): Promise<void> {
  const now = clock.now().getTime();
  if (!heardAt || deadline === undefined || Date.parse(deadline) - now < AMPLE_MS) return;
  const took = now - heardAt.getTime();
  await clock.sleep(Math.min(OTHERS_MS.most, Math.max(OTHERS_MS.least, 2 * took)));
}

/** Not with the mark itself: what is written down takes its time from the cordons that are still to come. */
function sayCordon(
  recorder: DecisionRecorder,
  { instanceId, cause, trigger }: Claim,
  { node, reason }: Task & { readonly node: Node },
): void {
  const facts = { instanceId, cause };
  recorder.record({ target: node.name, action: 'cordon', reason, trigger, facts });
}

async function drainNode(
  ports: RunPorts,
  invocation: Invocation,
  recorder: DecisionRecorder,
  claim: Claim,
  task: Task & { readonly node: Node },
): Promise<DrainReport | undefined> {
  const { cluster, clock } = ports;
  const { node } = task;
  const noted = note(cluster, recorder, node, claim.trigger, {
    type: 'Normal',
    reason: 'NightshiftCordon',
    message: `cordoned: ${task.reason}`,
    at: clock.now(),
  });
  if (claim.depth === 'cordon') {
    await noted;
    return undefined;
  }
  const now = clock.now().getTime();
  const until = Math.min(
    Math.max(Date.parse(claim.until), now + LEAST_DRAIN_MS),
    invocation.endsAt.getTime() - RESERVE_MS,
  );
  const report = await drain(
    {
      node: node.name,
      from: new Date(claim.noticedAt),
      until: new Date(until),
      force: claim.force,
      ...(claim.night ? { heldPatienceMs: NIGHT_PATIENCE_MS } : {}),
      stillOurs: keepClaim(ports, recorder, claim),
      ...(claim.deadline
        ? {
            deadline: new Date(
              Math.min(Date.parse(claim.deadline), invocation.endsAt.getTime() - RESERVE_MS),
            ),
          }
        : {}),
    },
    { cluster, clock },
  );
  await noted;
  return report;
}

/** Reads the claim now and then: who owns it, and which hooks need a heartbeat. */
function keepClaim(ports: RunPorts, recorder: DecisionRecorder, claim: Claim): () => Promise<boolean> {
  const beaten = new Map<string, number>();
  return async () => {
    const fresh = await recorder.guard(`claim of ${claim.instanceId}`, () =>
      ports.claims.read(claim.instanceId),
    );
    if (!fresh) return true;
    if (fresh.value.owner !== claim.owner) return false;
    const now = ports.clock.now().getTime();
    const due = fresh.value.hooks.filter((hook) => {
      if (hook.completed) return false;
      const last = beaten.get(hook.token) ?? Date.parse(hook.since);
      return now - last >= (hook.heartbeatSeconds * 1_000) / 3;
    });
    await Promise.all(
      due.map((hook) =>
        recorder.guard(`heartbeat of ${hook.name}`, async () => {
          await ports.lifecycle.heartbeat(hook, claim.instanceId);
          beaten.set(hook.token, now);
        }),
      ),
    );
    return true;
  };
}

/** The deadline is far and nothing is lost by going on with the next tick. */
function mayPause(claim: Claim, now: Date): boolean {
  return (
    claim.deadline === undefined &&
    !claim.night &&
    now.getTime() < Date.parse(claim.until) &&
    claim.hooks.every((hook) => hook.completed || hook.heartbeatSeconds >= PAUSABLE_HEARTBEAT_SECONDS)
  );
}

/** The last heartbeat before a pause must carry the hook to the next tick. */
async function heartbeatAll(ports: RunPorts, recorder: DecisionRecorder, claim: Claim): Promise<void> {
  await Promise.all(
    claim.hooks
      .filter((hook) => !hook.completed)
      .map((hook) =>
        recorder.guard(`heartbeat of ${hook.name}`, () => ports.lifecycle.heartbeat(hook, claim.instanceId)),
      ),
  );
}

/**
 * Writes the claim over what is there now, unless another invocation has taken it: then undefined. Hooks that were
 * added meanwhile are kept, because `change` is given the newest claim.
 */
async function settle(
  ports: RunPorts,
  held: Versioned<Claim>,
  change: (claim: Claim) => Claim,
): Promise<Versioned<Claim> | undefined> {
  let current: Versioned<Claim> | undefined = held;
  while (current) {
    if (current.value.owner !== held.value.owner) return undefined;
    const written = await ports.claims.replace(change(current.value), current.version);
    if (written) return written;
    current = await ports.claims.read(held.value.instanceId);
  }
  return undefined;
}

/** A table that cannot be written does not keep a lifecycle action from being completed. */
export async function settleOrGoOn(
  ports: RunPorts,
  recorder: DecisionRecorder,
  held: Versioned<Claim>,
  change: (claim: Claim) => Claim,
): Promise<Versioned<Claim> | undefined> {
  try {
    return await settle(ports, held, change);
  } catch (error) {
    recorder.failed(`claim of ${held.value.instanceId}`, error);
    return { ...held, value: change(held.value) };
  }
}

/** `kubectl describe node` shows it. */
async function noteEnd(
  ports: RunPorts,
  recorder: DecisionRecorder,
  task: Task,
  report: DrainReport,
  claim: Claim,
): Promise<void> {
  const { node } = task;
  if (!node) return;
  const left = leftOf(report);
  const loss = left > 0 && !claim.night;
  await note(ports.cluster, recorder, node, claim.trigger, {
    type: loss ? 'Warning' : 'Normal',
    reason: loss ? 'NightshiftDrainIncomplete' : 'NightshiftDrained',
    message: left > 0 ? `drained, and ${left} pods were still on the node` : 'drained',
    at: ports.clock.now(),
  });
}

/** Tries again while the API server fails for now, for as long as it makes sense in this invocation. */
function patiently<T>(ports: RunPorts, invocation: Invocation, call: () => Promise<T>): Promise<T> {
  const { clock } = ports;
  const until = Math.min(
    clock.now().getTime() + TROUBLE_PATIENCE_MS,
    invocation.endsAt.getTime() - RESERVE_MS,
  );
  return retry(call, { until: new Date(until), clock, isTransient: isTrouble });
}
