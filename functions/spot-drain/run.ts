/** One invocation: an event is parsed, and answered; what failed is thrown at the end. */

import { createDecisionRecorder } from '#functions/shared/decision-recorder.ts';
import { NightshiftError } from '#functions/shared/errors.ts';
import { HOUR_MS } from '#model/duration.ts';
import { isWarning } from './decide.ts';
import { type Notice, type Parsed, parseEvent } from './event.ts';
import type { Context, Invocation, Ports } from './ports.ts';
import { respond } from './respond.ts';
import { tick } from './tick.ts';
import { uncordonAfterChange } from './undo-cordon.ts';
import { watch } from './watch.ts';

/** Throws `PartialFailureError` where anything failed that was not expected: the invocation is retried. */
export async function run(ports: Ports, invocation: Invocation, payload: unknown): Promise<void> {
  const { account, region, environment } = ports.settings;
  const startedAt = ports.clock.now();
  const parsed = parseEvent(payload, { account, region, now: startedAt });
  const recorder = createDecisionRecorder({
    environment,
    capability: 'spot-drain',
    trigger: parsed.trigger,
    now: () => ports.clock.now(),
    trail: ports.trail,
    dryRun: ports.settings.dryRun,
    ...(ports.reported ? { reported: ports.reported } : {}),
    // A tick repeats what the one before it failed at.
    ...(parsed.kind === 'tick' ? { failuresOnceWithinMs: HOUR_MS } : {}),
  });
  const event = parsed.kind === 'watchdog' ? parsed.event : payload;
  const context: Context = { ...ports, invocation, startedAt, recorder, event };
  await withReserve(context, answer(context, parsed));
  await recorder.close();
}

async function answer(context: Context, parsed: Parsed): Promise<void> {
  switch (parsed.kind) {
    case 'ignored':
      context.recorder.record(parsed);
      break;
    case 'tick':
      await tick(context);
      break;
    case 'watchdog':
      await watch(context, parsed);
      break;
    case 'notices':
      // One Health event can name several instances: each is handled by itself.
      for (const notice of parsed.notices) context.gate.enter(notice);
      await Promise.all(parsed.notices.map((notice) => handle(context, notice)));
  }
}

/** Whatever hangs, there is time left to record that it does. */
async function withReserve(
  { clock, invocation, recorder, settings }: Context,
  work: Promise<void>,
): Promise<void> {
  const leftMs = invocation.endsAt.getTime() - RESERVE_MS - clock.now().getTime();
  const alarm = clock.alarm(Math.max(0, leftMs));
  const isOver = await Promise.race([work.then(() => false), alarm.rang.then(() => true)]);
  alarm.ring();
  if (!isOver) return;
  work.catch(() => undefined);
  recorder.failed(
    settings.cluster,
    new NightshiftError(`the time of the invocation ${invocation.id} is over, and its work is not`),
  );
}

/** The last seconds of an invocation. */
const RESERVE_MS = 3_000;

async function handle(context: Context, notice: Notice): Promise<void> {
  try {
    if (isWarning(notice)) await respond(context, notice);
    else await uncordonAfterChange(context, notice);
  } catch (error) {
    context.recorder.failed(notice.instanceId, error);
  } finally {
    context.gate.leave(notice);
  }
}
