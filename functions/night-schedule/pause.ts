/** What a pause of the environment means for a pass. No start loads it without one. */
import { createDryRunStore } from '#functions/adapters/dynamodb/dry-run-store.ts';
import type { Versioned } from '#functions/shared/versioned.ts';
import { DAY_MS } from '#model/duration.ts';
import { endOfPause, isPaused, pausedText } from '#model/pause.ts';
import type { Pause } from '#model/schedule.ts';
import type { NightScheduleDeps, Pass } from './pass.ts';
import type { Memory } from './ports.ts';
import type { SavedSize } from './records.ts';

/** While it lasts the pass decides and records only, like a dry run. Afterwards the deadlines count from its end. */
export function underPause(
  deps: NightScheduleDeps,
  memory: Memory,
  now: Date,
): { readonly deps: NightScheduleDeps; readonly memory: Memory } {
  const { pause } = memory;
  if (!pause) return { deps, memory };
  if (!isPaused(pause, now)) return { deps, memory: afterPause(memory, pause, now) };
  const { settings, store } = deps;
  return {
    deps: {
      ...deps,
      paused: pausedText(pause),
      settings: { ...settings, dryRun: true },
      store: createDryRunStore(store),
    },
    memory,
  };
}

/** Once a day, so that nobody waits for nodes that nobody starts. */
export function announcePause({ settings }: NightScheduleDeps, { memory, recorder }: Pass): void {
  if (!recorder.isNews(`pause#${memory.pause?.from}`, DAY_MS)) return;
  const { environment, cluster: target } = settings;
  const reason = `no capability acts on ${environment}; to end the pause: npx nightshift pause ${environment} --cancel`;
  recorder.record({ target, action: 'warn', reason });
}

/** A stop or a start that stood still during the pause is no failure for that. */
function afterPause(memory: Memory, pause: Pause, now: Date): Memory {
  const end = endOfPause(pause);
  if (Date.parse(pause.from) > now.getTime()) return memory;
  const later = (since: string) => (Date.parse(since) < end.getTime() ? end.toISOString() : since);
  const { state, saved } = memory;
  const isMoving = state?.value.phase === 'stopping' || state?.value.phase === 'starting';
  return {
    ...memory,
    ...(isMoving ? { state: { ...state, value: { ...state.value, since: later(state.value.since) } } } : {}),
    saved: new Map(
      [...saved].map(([group, record]): [string, Versioned<SavedSize>] => [
        group,
        WAITING.includes(record.value.phase)
          ? { ...record, value: { ...record.value, since: later(record.value.since) } }
          : record,
      ]),
    ),
  };
}

/** Phases with a deadline. */
const WAITING: readonly SavedSize['phase'][] = ['stopping', 'zeroed', 'restoring', 'restored'];
