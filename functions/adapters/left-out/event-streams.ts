/**
 * Stands in for `@smithy/core/event-streams` in the bundles (15 KB): none of the operations that we call streams
 * events. The exports carry the names that the SDK imports.
 */
const unavailable = (): never => {
  throw new Error('the bundle has no event streams: take @smithy/core/event-streams out of the aliases');
};

export class EventStreamSerde {
  constructor() {
    unavailable();
  }
}

export const eventStreamSerdeProvider = unavailable;
