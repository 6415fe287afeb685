/** What night-schedule remembers, in the environment's table: two queries read all of it. */
import type { CorruptItem, Memory, Over, Store } from '#functions/night-schedule/ports.ts';
import {
  cronJobObject,
  NOTE_NAMES,
  type NoteName,
  type Notes,
  noteSchemas,
  objectOf,
  type SavedAutoscaler,
  type SavedCronJob,
  type SavedSize,
  savedAutoscalerSchema,
  savedCronJobSchema,
  savedSizeSchema,
} from '#functions/night-schedule/records.ts';
import { NightshiftError } from '#functions/shared/errors.ts';
import type { Versioned } from '#functions/shared/versioned.ts';
import { type ClusterState, clusterStateSchema } from '#model/cluster-state.ts';
import { isRecord, isValid } from '#model/record-schema.ts';
import { type Override, overrideSchema, type Pause, pauseSchema } from '#model/schedule.ts';
import { createLedger } from './ledger.ts';
import { expiryOf } from './night.ts';
import { type Records, recordsOf } from './records.ts';
import { packedMornings, packedMorningsSchema, unpackedMornings } from './stored-mornings.ts';
import type { Row, Table } from './table.ts';
import {
  AUTOSCALER_PREFIX,
  autoscalerKey,
  CRON_JOB_PREFIX,
  cronJobKey,
  itemName,
  LINKS_KEY,
  NIGHT,
  NOTE_PREFIX,
  noteKey,
  OLD_NIGHT_KEYS,
  OVERRIDE,
  PAUSE_KEY,
  SAVED_PREFIX,
  STATE_KEY,
  savedKey,
} from './table-keys.ts';

export function createNightStore(table: Table, cluster: string): Store {
  const states = recordsOf(table, NIGHT, clusterStateSchema);
  const sizes = recordsOf(table, NIGHT, savedSizeSchema);
  const autoscalers = recordsOf(table, NIGHT, savedAutoscalerSchema);
  const cronJobs = recordsOf(table, NIGHT, savedCronJobSchema);
  const overrides = recordsOf(table, OVERRIDE, overrideSchema);
  const mornings = recordsOf(table, NIGHT, packedMorningsSchema);
  const notesOf = <N extends NoteName>(what: N) => recordsOf<Notes[N]>(table, NIGHT, noteSchemas[what]);

  return {
    async load() {
      const [rows, overrideRows] = await Promise.all([table.list(NIGHT), table.list(OVERRIDE)]);
      refuseOldLayout(rows);
      return memoryOf(cluster, rows, overrideRows);
    },
    writeState: (next, over) => write(states, STATE_KEY, next, over),
    writeSaved: (next, over) => write(sizes, savedKey(cluster, next.group), next, over),
    clearSaved: (group, over) => sizes.removeIf(savedKey(cluster, group), over),
    writeAutoscaler: (next, over) =>
      write(autoscalers, autoscalerKey(objectOf(next)), { ...next, cluster }, over),
    clearAutoscaler: (object, over) => autoscalers.removeIf(autoscalerKey(object), over),
    writeCronJob: (next, over) =>
      write(cronJobs, cronJobKey(cronJobObject(next)), { ...next, cluster }, over),
    clearCronJob: (object, over) => cronJobs.removeIf(cronJobKey(object), over),
    writeNote: (what, next, over) =>
      what === 'mornings'
        ? write(mornings, noteKey(what), packedMornings(next as Notes['mornings']), over)
        : write(notesOf(what), noteKey(what), next, over),
    async addOverride(override) {
      const expires = expiryOf(override);
      return (await overrides.saveIf(override.id, override, 'absent', { expires })) !== undefined;
    },
    writeLedger: createLedger(table).write,
  };
}

/** What cannot be read may have no version to write over. */
async function write<T>(records: Records<T>, key: string, value: T, over: Over): Promise<boolean> {
  if (over !== 'corrupt') return (await records.saveIf(key, value, over)) !== undefined;
  await records.save(key, value);
  return true;
}

function memoryOf(cluster: string, rows: readonly Row[], overrideRows: readonly Row[]): Memory {
  const saved = new Map<string, Versioned<SavedSize>>();
  const autoscaler = new Map<string, Versioned<SavedAutoscaler>>();
  const cronJobs = new Map<string, Versioned<SavedCronJob>>();
  const notes: { -readonly [N in NoteName]?: Versioned<unknown> } = {};
  const overrides: Override[] = [];
  const corrupt: CorruptItem[] = [];
  let state: Versioned<ClusterState> | undefined;
  let pause: Pause | undefined;
  let foreign: string | undefined;

  const ourSizes = savedKey(cluster, '');
  // What an earlier release saved names no cluster.
  const isForeign = (value: { readonly cluster?: string }) => (value.cluster ?? cluster) !== cluster;
  for (const row of rows) {
    const { key, value, version } = row;
    const broken = (kind: CorruptItem['kind'], name: string) =>
      void corrupt.push({ item: itemName(NIGHT, key), kind, name });
    if (key === STATE_KEY) {
      if (isValid(clusterStateSchema, value)) state = { value, version };
      else broken('state', cluster);
    } else if (key.startsWith(ourSizes)) {
      const group = key.slice(ourSizes.length);
      if (isValid(savedSizeSchema, value) && value.group === group) saved.set(group, { value, version });
      else broken('saved', group);
    } else if (key.startsWith(SAVED_PREFIX)) foreign = key;
    else if (key.startsWith(AUTOSCALER_PREFIX)) {
      const object = key.slice(AUTOSCALER_PREFIX.length);
      if (!isValid(savedAutoscalerSchema, value) || objectOf(value) !== object) broken('autoscaler', object);
      else if (isForeign(value)) foreign = key;
      else autoscaler.set(object, { value, version });
    } else if (key.startsWith(CRON_JOB_PREFIX)) {
      const object = key.slice(CRON_JOB_PREFIX.length);
      if (!isValid(savedCronJobSchema, value) || cronJobObject(value) !== object) broken('cronjob', object);
      else if (isForeign(value)) foreign = key;
      else cronJobs.set(object, { value, version });
    } else if (key.startsWith(NOTE_PREFIX)) {
      const what = NOTE_NAMES.find((name) => key === noteKey(name));
      if (!what) continue;
      const note = what === 'mornings' ? unpackedMornings(value) : value;
      if (isValid<unknown>(noteSchemas[what], note)) notes[what] = { value: note, version };
      else broken('note', what);
    }
  }
  for (const { key, value } of overrideRows) {
    if (key === LINKS_KEY) continue;
    if (key === PAUSE_KEY && isValid(pauseSchema, value)) pause = value;
    // Under another key no command could cancel it.
    else if (isValid(overrideSchema, value) && value.id === key) overrides.push(value);
    else corrupt.push({ item: itemName(OVERRIDE, key), kind: 'override', name: key });
  }
  return {
    ...(state ? { state } : {}),
    overrides,
    pause,
    foreign,
    saved,
    autoscaler,
    cronJobs,
    notes: notes as Memory['notes'],
    corrupt,
  };
}

/**
 * A table that 0.1 wrote: its sizes would be overlooked, and a cluster that sleeps would never get its nodes back.
 * Nothing is changed until somebody has decided.
 */
function refuseOldLayout(rows: readonly Row[]): void {
  const old = rows.filter(({ key, value }) => OLD_NIGHT_KEYS.includes(key) || isOldSize(key, value));
  if (old.length === 0) return;
  const items = old.map(({ key }) => itemName(NIGHT, key)).join(', ');
  throw new NightshiftError(
    `the table has the layout of 0.1 (${items}): nothing is changed; wake the cluster with 0.1, or remove these items, as docs/runbook.md says under "The table has an old layout"`,
  );
}

/** Its key held the group alone. */
function isOldSize(key: string, value: unknown): boolean {
  if (!key.startsWith(SAVED_PREFIX)) return false;
  const rest = key.slice(SAVED_PREFIX.length);
  return !rest.includes('/') || (isRecord(value) && value['group'] === rest);
}
