/** What night-schedule remembers, in the environment's table: one query reads all of it. */

import {
  EMPTY_MEMO,
  type Memo,
  type Memory,
  type SavedAutoscaler,
  type SavedSize,
  type Store,
  type Versioned,
} from '#functions/night-schedule/ports.ts';
import type { ClusterState } from '#model/cluster-state.ts';
import type { Override } from '#model/schedule.ts';
import type { Item, Table } from './table.ts';
import { LEDGER, NIGHT, OVERRIDE_KEY, STATE_KEY, savedKey } from './table-keys.ts';

const AUTOSCALER_KEY = 'autoscaler#main';
const MEMO_KEY = 'note#memo';
const SAVED_PREFIX = savedKey('');

export function createNightStore(table: Table): Store {
  const write = async <T>(key: string, value: T, over: number | undefined) =>
    (await table.put(NIGHT, key, value, { if: over ?? 'absent' })) !== undefined;

  return {
    async load() {
      const items = await table.list<unknown>(NIGHT);
      const item = <T>(key: string) => items.find((one) => one.key === key) as Item<T> | undefined;
      const versioned = <T>(found: Item<T> | undefined): Versioned<T> | undefined =>
        found && { value: found.value, version: found.version };

      const saved = new Map<string, Versioned<SavedSize>>();
      const corrupt: string[] = [];
      for (const { key, value, version } of items) {
        if (!key.startsWith(SAVED_PREFIX)) continue;
        const group = key.slice(SAVED_PREFIX.length);
        if (isSavedSize(value, group)) saved.set(group, { value, version });
        else corrupt.push(group);
      }
      const state = versioned(item<ClusterState>(STATE_KEY));
      const override = item<Override>(OVERRIDE_KEY)?.value;
      const autoscaler = versioned(item<SavedAutoscaler>(AUTOSCALER_KEY));
      const memo = versioned(item<Memo>(MEMO_KEY));
      return {
        saved,
        corrupt,
        ...(state ? { state } : {}),
        ...(override && isOverride(override) ? { override } : {}),
        ...(autoscaler ? { autoscaler } : {}),
        ...(memo ? { memo: isMemo(memo.value) ? memo : { ...memo, value: EMPTY_MEMO } } : {}),
      } satisfies Memory;
    },
    writeState: (next, over) => write(STATE_KEY, next, over),
    writeSaved: (next, over) => write(savedKey(next.group), next, over),
    clearSaved: (group, over) => table.remove(NIGHT, savedKey(group), over),
    writeAutoscaler: (next, over) => write(AUTOSCALER_KEY, next, over),
    clearAutoscaler: (over) => table.remove(NIGHT, AUTOSCALER_KEY, over),
    writeMemo: (next, over) => write(MEMO_KEY, next, over),
    async writeLedger(entries) {
      for (const entry of entries)
        await table.put(LEDGER, `${entry.date}#${entry.group}#${entry.from}`, entry);
    },
  };
}

/**
 * A dry run may write nothing there, so what was said already is remembered by the process: as long as it is warm,
 * nothing is said twice.
 */
export function createDryRunStore(store: Store): Store {
  let memo: Versioned<Memo> | undefined;
  return {
    ...store,
    async load() {
      const memory = await store.load();
      return memo ? { ...memory, memo } : memory;
    },
    async writeMemo(next) {
      memo = { value: next, version: (memo?.version ?? 0) + 1 };
      return true;
    },
  };
}

const PHASES: readonly SavedSize['phase'][] = [
  'stopping',
  'zeroed',
  'asleep',
  'held',
  'restoring',
  'restored',
];

/** A record that a person edited by hand, or that something else wrote, must never become a group's size. */
function isSavedSize(value: unknown, group: string): value is SavedSize {
  if (!isObject(value) || !isObject(value['size'])) return false;
  const { min, desired, max } = value['size'];
  return (
    value['group'] === group &&
    typeof value['autoScalingGroup'] === 'string' &&
    PHASES.includes(value['phase'] as SavedSize['phase']) &&
    isInstant(value['since']) &&
    (value['asleepSince'] === undefined || isInstant(value['asleepSince'])) &&
    isCount(min) &&
    isCount(desired) &&
    isCount(max) &&
    desired > 0 &&
    min <= desired &&
    desired <= max
  );
}

function isOverride(value: Override): boolean {
  return (
    (value.state === 'awake' || value.state === 'asleep') && isInstant(value.from) && isInstant(value.until)
  );
}

function isMemo(value: unknown): value is Memo {
  return (
    isObject(value) &&
    Array.isArray(value['startSeconds']) &&
    Array.isArray(value['gaps']) &&
    isObject(value['reported'])
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isInstant(value: unknown): boolean {
  return typeof value === 'string' && !Number.isNaN(Date.parse(value));
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0;
}
