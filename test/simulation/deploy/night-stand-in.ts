/** The part of night-schedule that a deploy can observe. */
import { NIGHT, STATE_KEY } from '#functions/adapters/dynamodb/table-keys.ts';
import type { ClusterState } from '#model/cluster-state.ts';
import { desiredAt } from '#model/desired.ts';
import type { Desired, Schedule } from '#model/schedule.ts';
import type { SimulatedClock } from '../clock.ts';
import { overrideIn, overridesIn } from '../overrides.ts';
import type { MemoryTable } from '../table.ts';

/** From the desired state awake to nodes that are Ready. */
const START_MS = 3 * 60_000;
const PASS_EVERY_MS = 20_000;

export function startNight(schedule: Schedule | undefined, clock: SimulatedClock, table: MemoryTable) {
  const state = () => table.read<ClusterState>(NIGHT, STATE_KEY);
  if (schedule) {
    const desiredState = createDesired(schedule, table);
    const pass = () => {
      const now = clock.date();
      const desired = desiredState(now);
      const before = state();
      const phase = phaseAt(now, desired, before);
      if (before?.phase === phase) return;
      const next: ClusterState = {
        phase,
        desired: desired.state,
        reason: desired.reason,
        since: now.toISOString(),
        groups: [],
      };
      void table.through().save(NIGHT, STATE_KEY, next);
    };
    pass();
    clock.world.every(PASS_EVERY_MS, pass);
  }
  return { state };
}

/** Remembers the last state until its `until`, as long as the override is the same. */
function createDesired(schedule: Schedule, table: MemoryTable): (now: Date) => Desired {
  let last: (Desired & { readonly override: string | undefined }) | undefined;
  return (now) => {
    const override = overrideIn(table, now)?.id;
    if (!last || last.override !== override || now.getTime() >= (last.until?.getTime() ?? 0))
      last = { ...desiredAt(schedule, now, overridesIn(table)), override };
    return last;
  };
}

function phaseAt(now: Date, desired: Desired, before: ClusterState | undefined): ClusterState['phase'] {
  if (desired.state === 'asleep') return 'asleep';
  if (!before || before.phase === 'awake') return 'awake';
  const isUp = before.phase === 'starting' && now.getTime() - Date.parse(before.since) >= START_MS;
  return isUp ? 'awake' : 'starting';
}
