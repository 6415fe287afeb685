/** The event bus of a function, as its settings say, and decisions as events on it. */
import type { Decision } from '#model/decision.ts';
import { eventOfDecision, type PublishEvents } from '#model/published-event.ts';
import type { CommonSettings } from '#model/settings.ts';
import { environmentCredentials } from './environment-credentials.ts';
import { createEventBus } from './event-bus.ts';

/** Undefined in a dry run, which may put none, and where the config says so. */
export function openEventBus(
  { region, dryRun, events }: CommonSettings,
  now: () => Date,
): PublishEvents | undefined {
  if (dryRun || events === false) return undefined;
  return createEventBus({
    region,
    credentials: environmentCredentials(process.env),
    now,
    endpoint: process.env['AWS_ENDPOINT_URL_EVENTBRIDGE'] ?? process.env['AWS_ENDPOINT_URL'],
  });
}

type Send = (decisions: readonly Decision[]) => Promise<void>;

/** To people, and to the event bus: one that fails does not stop the other. */
export function withEvents(notify: Send | undefined, publish: PublishEvents | undefined): Send | undefined {
  if (!publish) return notify;
  return async (decisions) => {
    const events = decisions.flatMap((decision) => eventOfDecision(decision) ?? []);
    const results = await Promise.allSettled([notify?.(decisions), publish(events)]);
    const failed = results.find((one) => one.status === 'rejected');
    if (failed) throw failed.reason;
  };
}
