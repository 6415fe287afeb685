/** One invocation: what the event says is parsed, decided and done; what failed is thrown at the end. */
import { createDecisionRecorder } from '#functions/shared/decision-recorder.ts';
import { parseEvent } from './event.ts';
import { respond } from './respond.ts';
import { sweep } from './sweep.ts';
import type { Invocation, RunPorts } from './work.ts';

/** Throws `PartialFailureError` where anything failed that was not expected: the invocation is retried. */
export async function run(ports: RunPorts, invocation: Invocation, payload: unknown): Promise<void> {
  const { settings, clock } = ports;
  const parsed = parseEvent(payload, {
    account: settings.account,
    region: settings.region,
    now: clock.now(),
  });
  const recorder = createDecisionRecorder({
    environment: settings.environment,
    capability: 'spot-drain',
    trigger: parsed.trigger,
    now: () => clock.now(),
    trail: ports.trail,
    dryRun: settings.dryRun,
    ...(ports.reported ? { reported: ports.reported } : {}),
  });
  switch (parsed.is) {
    case 'ignored':
      recorder.record(parsed);
      break;
    case 'tick':
      await sweep(ports, invocation, recorder, parsed.trigger);
      break;
    case 'notices':
      // One Health event can name several instances: each is dealt with by itself.
      await Promise.all(
        parsed.notices.map((notice) =>
          recorder.guard(notice.instanceId, () => respond(ports, invocation, recorder, notice)),
        ),
      );
  }
  await recorder.close();
}
