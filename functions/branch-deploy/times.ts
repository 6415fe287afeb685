/** How often and how long. */
export const TIMES = {
  /** An invocation waits so long for a verdict; later ticks go on. */
  waitMs: 25_000,
  /** Lost events are looked for in every such minute of the hour. */
  lookEveryMinutes: 5,
  /** A build that ended longer ago was not lost, it is history. */
  lookBackMs: 3 * 86_400_000,
  /** Between the syncs that a tick starts: a cluster that has just woken is busy enough. */
  staggerMs: 2_000,
  /** Syncs that one tick may start; the others follow with the next. */
  perTick: 10,
  /** How long the cluster is woken for a deploy, where `whenAsleep` says so. */
  wakeMs: 2 * 3_600_000,
  /** Every so many minutes the applications are looked at for drift. */
  driftEveryMinutes: 15,
  /** The applications are looked at for so long after the night; then the morning is over. */
  morningMs: 2 * 3_600_000,
  /** A verdict that was reached so long ago and not said was reached by a process that died. */
  forgottenMs: 3 * 60_000,
} as const;
