/** Lengths of time: in milliseconds, as instants are counted, and in minutes, as the wall clock is. */

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** A day on the wall clock. On a day on which the clock is changed, more or less time passes. */
export const DAY_MINUTES = 24 * 60;
