/**
 * The slow and plain truth about a zone: offsets as the runtime's Intl has them, and a walk over the wall clock minute
 * by minute. It shares no code with the model.
 */
const MINUTE_MS = 60_000;

/** Minutes east of Greenwich, from the text that Intl prints (`GMT-09:30`). */
export function intlOffset(timeZone: string): (instant: number) => number {
  const format = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' });
  return (instant) => {
    const text = format.format(instant);
    const match = /GMT(?:([+-])(\d\d):(\d\d))?$/.exec(text);
    if (!match) throw new Error(`no offset in ${text}`);
    return (match[1] === '-' ? -1 : 1) * (Number(match[2] ?? 0) * 60 + Number(match[3] ?? 0));
  };
}

export interface OffsetChange {
  /** Epoch minutes: the first minute of the new offset. */
  readonly at: number;
  /** Minutes east of Greenwich. */
  readonly before: number;
  readonly after: number;
}

/** Every change of the offset between two instants (ms), found by halving. No two are closer than ten days. */
export function changesOf(timeZone: string, from: number, to: number): OffsetChange[] {
  const offset = intlOffset(timeZone);
  const changes: OffsetChange[] = [];
  const step = 10 * 1440;
  let low = Math.floor(from / MINUTE_MS);
  let before = offset(low * MINUTE_MS);
  for (let high = low + step; low < to / MINUTE_MS; low = high, high += step) {
    const after = offset(high * MINUTE_MS);
    if (after === before) continue;
    let [left, right] = [low, high];
    while (right - left > 1) {
      const middle = (left + right) >> 1;
      if (offset(middle * MINUTE_MS) === before) left = middle;
      else right = middle;
    }
    changes.push({ at: right, before, after });
    before = after;
  }
  return changes;
}

/** The wall clock of each minute of `[from, to)` (epoch minutes), as minutes since 1970-01-01T00:00 on that clock. */
export function wallClock(from: number, to: number, change: OffsetChange): Int32Array {
  const wall = new Int32Array(to - from);
  for (let minute = from; minute < to; minute++) {
    wall[minute - from] = minute + (minute < change.at ? change.before : change.after);
  }
  return wall;
}

/**
 * For each minute, whether a window from `start` to `end` (wall minutes) is up: the clock has shown its start or more,
 * and has yet to show a time before its end.
 */
export function walk(wall: Int32Array, start: number, end: number): Uint8Array {
  const up = new Uint8Array(wall.length);
  let begun = false;
  for (let minute = 0; minute < wall.length; minute++) {
    if ((wall[minute] as number) >= start) begun = true;
    if (begun) up[minute] = 1;
  }
  let over = true;
  for (let minute = wall.length - 1; minute >= 0; minute--) {
    if ((wall[minute] as number) < end) over = false;
    if (over) up[minute] = 0;
  }
  return up;
}
