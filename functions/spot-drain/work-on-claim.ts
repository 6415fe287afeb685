/** The work on a node that this invocation has claimed, under a lease, and what follows from its result. */
import type { Versioned } from '#functions/shared/versioned.ts';
import { type DrainResult, hasOpenHook, isCompletionDue } from './claim.ts';
import { completeHooks, saveResult, sendHeartbeats } from './claim-instance.ts';
import { isAsleepOrStopping } from './decide.ts';
import { keepLease, type Lease, type Progress } from './lease.ts';
import { AccessRefusedError, type Context, type Node } from './ports.ts';
import type { Claim } from './records.ts';
import { reportDrain } from './report.ts';

interface About {
  readonly target: string;
  readonly node: Node | undefined;
}

/** `work` resolves with undefined where another invocation has taken the claim. */
export async function workOnClaim(
  context: Context,
  claim: Versioned<Claim>,
  about: About,
  work: (lease: Lease) => Promise<DrainResult | undefined>,
): Promise<void> {
  const lease = keepLease(context, claim);
  let result: DrainResult | undefined;
  try {
    result = await work(lease);
  } catch (error) {
    context.recorder.failed(about.target, error);
    result = { kind: 'failed', isPermanent: error instanceof AccessRefusedError };
  }
  const { claim: newest, progress } = await lease.release();
  if (!result) return;
  const calledOff = await withStopCalledOff(context, { ...newest.value, ...progress });
  const ended = await saveResult(context, newest, result, { ...progress, ...calledOff });
  if (!ended) return;
  await reportDrain(context, about, ended.value, result);
  if (ended.value.state === 'paused') return sendHeartbeats(context, ended.value);
  if (!hasOpenHook(ended.value)) return;
  if (!isCompletionDue(ended.value, result, context.clock.now()))
    return keepOpen(context, ended.value, about);
  await completeHooks(context, ended, { target: about.target, trigger: ended.value.trigger });
}

/**
 * A stop that is called off while the drain runs explains no pod that is lost. An instance that the stop itself has taken
 * has a lifecycle action, and goes nevertheless.
 */
async function withStopCalledOff({ night, recorder }: Context, claim: Claim): Promise<Progress> {
  if (!claim.nightlyStop || claim.hooks.length > 0) return {};
  const isCalledOff = await recorder.guard(
    'state of the night',
    async () => !isAsleepOrStopping(await night.state()),
  );
  return isCalledOff ? { nightlyStop: false } : {};
}

async function keepOpen(context: Context, claim: Claim, { target }: About): Promise<void> {
  const { instanceId, trigger, drainUntil } = claim;
  const reason = `the node is not empty, and the lifecycle action has time until ${drainUntil}: another invocation goes on`;
  context.recorder.record({ target, action: 'wait', reason, trigger, facts: { instanceId } });
  await sendHeartbeats(context, claim);
}
