/** Requests of people without AWS credentials: what they may write, and how many of one night. Pure. */
import type { Override } from './schedule.ts';

/** Characters. */
export const NAME_LIMIT = 60;
export const REASON_LIMIT = 200;
export const NO_REASON = 'no reason given';

export type RequestVia = 'link' | 'kubectl';

/** The id of the override: `night` is the stop by the schedule that the night began with. */
export function requestId(via: RequestVia, night: string, key: string | number): string {
  return `${via}#${night}#${key}`;
}

/**
 * Of the page and the chat, each with its own way beside it: one id for each request of the night that kubectl has left, so
 * that of two requests at once only one can have it. One of kubectl that comes in the same second is not counted.
 */
export function freeIds(
  night: string,
  perNight: number,
  overrides: readonly Pick<Override, 'id'>[],
): readonly string[] {
  const left = Math.max(0, perNight - requestsOf('kubectl', night, overrides));
  const used = new Set(overrides.map(({ id }) => id));
  return Array.from({ length: left }, (_, index) => requestId('link', night, index + 1)).filter(
    (id) => !used.has(id),
  );
}

/** How many of the overrides were requested on that way in that night, ended or not. */
export function requestsOf(
  via: RequestVia,
  night: string,
  overrides: readonly Pick<Override, 'id'>[],
): number {
  const prefix = requestId(via, night, '');
  return overrides.filter(({ id }) => id.startsWith(prefix)).length;
}
