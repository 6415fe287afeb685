/** The time of AWS: the wrong clock of a laptop must not date an override. */

export interface AwsClock {
  /** The time of AWS; until the first response, that of this machine. */
  now(): Date;
  /** Takes the time from the `Date` header of a response. */
  synchronize(response: unknown): void;
}

export function createAwsClock(localNow: () => Date): AwsClock {
  let offsetMs = 0;
  return {
    // The header has whole seconds: a smaller difference means nothing.
    now: () => new Date(localNow().getTime() + (Math.abs(offsetMs) < 2_000 ? 0 : offsetMs)),
    synchronize(response) {
      const { headers } = response as { headers?: Record<string, string> };
      const awsTime = Date.parse(headers?.['date'] ?? '');
      if (!Number.isNaN(awsTime)) offsetMs = awsTime - localNow().getTime();
    },
  };
}
