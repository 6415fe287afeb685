/** One invocation: what the event says is parsed, decided and done; what failed is thrown at the end. */
import { PartialFailureError } from '#functions/shared/errors.ts';
import { parseEvent } from './event.ts';
import { createJournal } from './journal.ts';
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
  const journal = createJournal(ports, parsed.trigger);
  switch (parsed.is) {
    case 'ignored':
      journal.say(parsed);
      break;
    case 'tick':
      await sweep(ports, invocation, journal, parsed.trigger);
      break;
    case 'notices':
      // One Health event can name several instances: each is dealt with by itself.
      await Promise.all(
        parsed.notices.map((notice) =>
          journal.guard(notice.instanceId, () => respond(ports, invocation, journal, notice)),
        ),
      );
  }
  const failures = await journal.close();
  if (failures.length > 0) throw new PartialFailureError(failures);
}
