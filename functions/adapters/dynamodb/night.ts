/** What the other capabilities, and people, read and request of the night. night-schedule itself has its own store. */
import { CorruptRecordError } from '#functions/shared/errors.ts';
import { type ClusterState, clusterStateSchema } from '#model/cluster-state.ts';
import { DAY_MS } from '#model/duration.ts';
import { isValid } from '#model/record-schema.ts';
import { type Override, overrideSchema, type Pause, pauseSchema } from '#model/schedule.ts';
import { recordsOf } from './records.ts';
import { isOverrideKey, NIGHT, OVERRIDE, PAUSE_KEY, STATE_KEY } from './table-keys.ts';
import type { Row, Table } from './table-port.ts';

export interface NightReader {
  /** Absent where the environment has no schedule. Throws `CorruptRecordError` where it cannot be read. */
  state(): Promise<ClusterState | undefined>;
  /** The state and every override, ended or not. What cannot be read is named, and counts as absent. */
  read(): Promise<NightView>;
  /** The last pause, ended or not. Throws `CorruptRecordError` where it cannot be read. */
  pause(): Promise<Pause | undefined>;
}

export interface NightView {
  readonly state?: ClusterState;
  readonly overrides: readonly Override[];
  /** The last one, ended or not. */
  readonly pause?: Pause;
  /** `night | state` */
  readonly corrupt: readonly string[];
}

export function createNightReader(table: Table): NightReader {
  const states = recordsOf(table, NIGHT, clusterStateSchema);
  const overrides = recordsOf(table, OVERRIDE, overrideSchema);
  const pauses = recordsOf(table, OVERRIDE, pauseSchema);
  const state = async () => (await states.get(STATE_KEY))?.value;
  return {
    state,
    pause: async () => (await pauses.get(PAUSE_KEY))?.value,
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
      const sorted = overrides.fromRows(rows.filter(isOverride), idOf);
      const pause = pauses.fromRows(rows.filter(isPause));
      return {
        ...(current ? { state: current } : {}),
        overrides: sorted.found.map(({ value }) => value),
        ...(pause.found[0] ? { pause: pause.found[0].value } : {}),
        corrupt: [...corrupt, ...sorted.corrupt, ...pause.corrupt],
      };
    },
  };
}

const isOverride = ({ key }: Row) => isOverrideKey(key);
const isPause = ({ key }: Row) => key === PAUSE_KEY;
/** Under another key no command would cancel it. */
const idOf = ({ id }: Override) => id;

/** An override that has ended stays for a while, to explain decisions. */
const OVERRIDE_DAYS = 7;

export function expiryOf({ until }: Pick<Override, 'until'>): Date {
  return new Date(Date.parse(until) + OVERRIDE_DAYS * DAY_MS);
}

export interface Overrides {
  /** All that can be read, ended or not. */
  all(): Promise<readonly Override[]>;
  add(override: Override): Promise<void>;
  remove(id: string): Promise<void>;
  /** Also those that cannot be read, and a pause that cannot. A pause that can be read stays. */
  removeAll(): Promise<void>;
  /** The last pause, ended or not; undefined too where it cannot be read. */
  pause(): Promise<Pause | undefined>;
  /** Of several pauses the last counts. */
  savePause(pause: Pause): Promise<void>;
}

export function createOverrides(table: Table): Overrides {
  const overrides = recordsOf(table, OVERRIDE, overrideSchema);
  const pauses = recordsOf(table, OVERRIDE, pauseSchema);
  return {
    async all() {
      const rows = (await table.list(OVERRIDE)).filter(isOverride);
      return overrides.fromRows(rows, idOf).found.map(({ value }) => value);
    },
    // Its id is its own: nothing is written over.
    add: (override) => overrides.save(override.id, override, { expires: expiryOf(override) }),
    remove: (id) => overrides.remove(id),
    async removeAll() {
      for (const row of await table.list(OVERRIDE))
        if (isOverride(row) || !isValid(pauseSchema, row.value)) await overrides.remove(row.key);
    },
    async pause() {
      const rows = (await table.list(OVERRIDE)).filter(isPause);
      return pauses.fromRows(rows).found[0]?.value;
    },
    savePause: (pause) => pauses.save(PAUSE_KEY, pause, { expires: expiryOf(pause) }),
  };
}
