/** Whether a pass has anything to do about the doorbell's rules. Pure. */
import type { ClusterState } from '#model/cluster-state.ts';
import type { DoorbellRules, NightScheduleSettings } from '#model/settings.ts';
import type { Notes } from './records.ts';

/** False in a quiet pass: then nothing is asked of the load balancer. */
export function needsSwitch(
  { doorbell, dryRun }: Pick<NightScheduleSettings, 'doorbell' | 'dryRun'>,
  note: Notes['doorbell'] | undefined,
  phase: ClusterState['phase'],
): boolean {
  if (!doorbell || dryRun) return false;
  if (phase === 'asleep')
    return !(note && isOf(note, doorbell) && (note.phase === 'placed' || note.phase === 'refused'));
  if (note === undefined || note.phase === 'removed') return false;
  // They stay until the start is confirmed, and while a start is given up for another stop.
  return phase === 'awake' || note.phase === 'removing';
}

/** Whether the note is about what the config names now. */
export function isOf(note: Notes['doorbell'], { listener, from, to, hosts }: DoorbellRules): boolean {
  return (
    note.listener === listener &&
    note.from === from &&
    note.to === to &&
    note.hosts.length === hosts.length &&
    note.hosts.every((host) => hosts.includes(host))
  );
}
