/** What the other capabilities, and people, read and request of the night. night-schedule itself has its own store. */
import { CorruptRecordError } from '#functions/shared/errors.ts';
import { type ClusterState, clusterStateSchema } from '#model/cluster-state.ts';
import { DAY_MS } from '#model/duration.ts';
import { type Override, overrideSchema } from '#model/schedule.ts';
import { recordsOf } from './records.ts';
import type { Table } from './table.ts';
import { NIGHT, OVERRIDE, STATE_KEY } from './table-keys.ts';

export interface NightReader {
  /** Absent where the environment has no schedule. Throws `CorruptRecordError` where it cannot be read. */
  state(): Promise<ClusterState | undefined>;
  /** The state and every override, ended or not. What cannot be read is named, and counts as absent. */
  read(): Promise<NightView>;
}

export interface NightView {
  readonly state?: ClusterState;
  readonly overrides: readonly Override[];
  /** `night | state` */
  readonly corrupt: readonly string[];
}

export function createNightReader(table: Table): NightReader {
  const states = recordsOf(table, NIGHT, clusterStateSchema);
  const overrides = recordsOf(table, OVERRIDE, overrideSchema);
  const state = async () => (await states.get(STATE_KEY))?.value;
  return {
    state,
    async read() {
      const corrupt: string[] = [];
      const [current, rows] = await Promise.all([
        state().catch((error: unknown) => {
          if (!(error instanceof CorruptRecordError)) throw error;
          corrupt.push(error.item);
          return undefined;
        }),
        table.list(OVERRIDE),
      ]);
      const sorted = overrides.fromRows(rows, idOf);
      return {
        ...(current ? { state: current } : {}),
        overrides: sorted.found.map(({ value }) => value),
        corrupt: [...corrupt, ...sorted.corrupt],
      };
    },
  };
}

/** Under another key no command would cancel it. */
const idOf = ({ id }: Override) => id;

/** An override that has ended stays for a while, to explain decisions. */
const OVERRIDE_DAYS = 7;

export interface Overrides {
  /** All that can be read, ended or not. */
  all(): Promise<readonly Override[]>;
  add(override: Override): Promise<void>;
  remove(id: string): Promise<void>;
  /** Also those that cannot be read. */
  removeAll(): Promise<void>;
}

export function createOverrides(table: Table): Overrides {
  const overrides = recordsOf(table, OVERRIDE, overrideSchema);
  return {
    async all() {
      return overrides.fromRows(await table.list(OVERRIDE), idOf).found.map(({ value }) => value);
    },
    // Its id is its own: nothing is written over.
    add: (override) =>
      overrides.save(override.id, override, {
        expires: new Date(Date.parse(override.until) + OVERRIDE_DAYS * DAY_MS),
      }),
    remove: (id) => overrides.remove(id),
    async removeAll() {
      for (const { key } of await table.list(OVERRIDE)) await overrides.remove(key);
    },
  };
}
