/** Puts our events on the default event bus. Without the SDK's client: it is 60 KB, and this is one small operation. */
import { UnreachableError } from '#functions/adapters/http.ts';
import { NightshiftError } from '#functions/shared/errors.ts';
import type { PublishEvents, PublishedEvent } from '#model/published-event.ts';
import { EVENT_SOURCE } from '#model/trigger.ts';
import type { AwsCredentials } from './signature.ts';
import { createSignedRequests, jsonRequest } from './signed-requests.ts';

export interface EventBusOptions {
  readonly region: string;
  readonly credentials: () => Promise<AwsCredentials>;
  readonly now: () => Date;
  /** Instead of the host of EventBridge: `AWS_ENDPOINT_URL`. */
  readonly endpoint?: string | undefined;
}

/** EventBridge did not accept an event: no rule saw it. */
export class EventError extends NightshiftError {
  override name = 'EventError';
}

/** The work does not wait long for it. */
const TIMEOUT_MS = 2_000;
const MOST_ATTEMPTS = 2;
/** EventBridge takes no more with one request. */
const MOST_ENTRIES = 10;

export function createEventBus(options: EventBusOptions): PublishEvents {
  const request = createSignedRequests({ ...options, service: 'events' });
  const put = async (events: readonly PublishedEvent[]): Promise<string | undefined> => {
    try {
      const input = { Entries: events.map(entryOf) };
      const call = jsonRequest('AWSEvents.PutEvents', input, { version: '1.1', timeoutMs: TIMEOUT_MS });
      const { status, body } = await request(call);
      return problemOf(status, body);
    } catch (error) {
      if (error instanceof UnreachableError) return error.message;
      throw error;
    }
  };
  return async (events) => {
    for (let first = 0; first < events.length; first += MOST_ENTRIES) {
      const some = events.slice(first, first + MOST_ENTRIES);
      let problem: string | undefined;
      // An event that is put twice is delivered twice, as EventBridge itself may do: consumers know that.
      for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt++) {
        problem = await put(some);
        if (problem === undefined) break;
      }
      if (problem !== undefined)
        throw new EventError(`${some.length} events were not put on the event bus: ${problem}`);
    }
  };
}

function entryOf({ detailType, time, detail }: PublishedEvent) {
  return {
    Source: EVENT_SOURCE,
    DetailType: detailType,
    Time: Math.floor(Date.parse(time) / 1000),
    Detail: JSON.stringify(detail),
  };
}

/** A refused entry does not refuse the request: the reply counts them. */
function problemOf(status: number, body: string): string | undefined {
  if (status !== 200) return `EventBridge answered ${status}: ${body.slice(0, 200)}`;
  const reply: unknown = JSON.parse(body);
  const failed =
    typeof reply === 'object' && reply !== null && 'FailedEntryCount' in reply
      ? reply.FailedEntryCount
      : undefined;
  return failed === 0 ? undefined : `EventBridge refused ${failed ?? 'some'} of them: ${body.slice(0, 200)}`;
}
