/** A day that was recorded on the lab: what the functions wrote to their tables, and when. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { NightshiftConfig } from '#model/config.ts';

export interface RecordedWrite {
  /** ISO 8601. */
  readonly at: string;
  readonly environment: string;
  readonly partition: string;
  readonly key: string;
  /** Absent where the item was removed. */
  readonly value?: unknown;
}

export interface RecordedDay {
  readonly config: NightshiftConfig;
  readonly from: string;
  readonly to: string;
  /** In the order of time. */
  readonly writes: readonly RecordedWrite[];
}

/** `node bin/record-day.ts` makes the file. */
export function readRecordedDay(): RecordedDay {
  const packed = readFileSync(join(import.meta.dirname, 'recorded-day.json.gz'));
  return JSON.parse(gunzipSync(packed).toString('utf8')) as RecordedDay;
}
