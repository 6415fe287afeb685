/** Loads what puts events with the first event: a quiet pass has none. */
import type { Decision } from '#model/decision.ts';
import { eventOfDecision, type PublishEvents } from '#model/published-event.ts';
import type { CommonSettings } from '#model/settings.ts';
import { environmentCredentials } from './environment-credentials.ts';

/** Undefined in a dry run, which may put none, and where the config says so. */
export function lazyEventBus(
  { region, dryRun, events }: CommonSettings,
  now: () => Date,
): PublishEvents | undefined {
  if (dryRun || events === false) return undefined;
  let bus: Promise<PublishEvents> | undefined;
  return async (all) => {
    if (all.length === 0) return;
    bus ??= import('./event-bus.ts').then(({ createEventBus }) =>
      createEventBus({
        region,
        credentials: environmentCredentials(process.env),
        now,
        endpoint: process.env['AWS_ENDPOINT_URL_EVENTBRIDGE'] ?? process.env['AWS_ENDPOINT_URL'],
      }),
    );
    await (await bus)(all);
  };
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
