/** What one pass works with: what it read, and what it leaves for later passes. */
import {
  createDecisionRecorder,
  type DecisionRecorder,
  type Reported,
} from '#functions/shared/decision-recorder.ts';
import type { DecisionTrail } from '#functions/shared/observability.ts';
import { DAY_MS, HOUR_MS } from '#model/duration.ts';
import type { PublishEvents } from '#model/published-event.ts';
import type { ApplyPorts } from './apply-context.ts';
import type { Plan } from './decide-cluster.ts';
import type { KeepUpRequests, ListenerRules, Memory, Nodes, Over, Readiness } from './ports.ts';
import { NOTE_NAMES, type NoteName, type Notes } from './records.ts';

/** In `reported`, before the name of a group: since when it is not listed. */
export const UNLISTED_PREFIX = 'gone#';
/** In `reported`: since when no group at all is listed. */
export const NONE_LISTED = 'no-group-is-listed-since';

export interface NightScheduleDeps extends ApplyPorts {
  readonly nodes: Nodes;
  /** Asked only while a start with such a `readyBy` is observed. */
  readonly readiness?: Readiness;
  /** Absent where nobody may keep the cluster up with kubectl. */
  readonly keepUpRequests?: KeepUpRequests | undefined;
  /** With `targetGroup`, the ARN of the doorbell's: absent where the stack has none. */
  readonly doorbell?: { readonly rules: ListenerRules; readonly targetGroup: string } | undefined;
  readonly trail: DecisionTrail;
  /** Others learn of each change of state. Absent: no events are put. */
  readonly events?: PublishEvents | undefined;
  /** Nothing is changed now: why, and until when. */
  readonly paused?: string;
  readonly now: () => Date;
}

/** Among what was reported: since when another pass writes the state first. */
export const STATE_NOT_WRITTEN = 'state-not-written-since';

export type PassNotes = { -readonly [N in NoteName]?: Notes[N] };

/** What one pass writes to and reads from. */
export interface Pass {
  readonly now: Date;
  readonly memory: Memory;
  /** As they were read, and as the pass changes them. */
  readonly notes: PassNotes;
  readonly recorder: DecisionRecorder;
  readonly reported: Reported;
}

export function startPass(
  { settings, trail, paused }: NightScheduleDeps,
  given: Omit<Pass, 'recorder'> & { readonly trigger: string },
): Pass {
  const { environment, dryRun } = settings;
  const recorder = createDecisionRecorder({
    environment,
    capability: 'night-schedule',
    trigger: given.trigger,
    now: () => given.now,
    trail,
    dryRun,
    paused,
    isBatch: true,
    failuresOnceWithinMs: HOUR_MS,
    reported: given.reported,
  });
  return { ...given, recorder };
}

export async function writeNotes(
  { store }: NightScheduleDeps,
  { now, memory, notes, reported }: Pass,
  plan?: Plan,
) {
  const before = notes.reported ?? {};
  const isChanged = reported.size !== Object.keys(before).length;
  if (isChanged || [...reported].some(([key, at]) => before[key] !== at)) {
    const recent = [...reported].filter(([, at]) => now.getTime() - Date.parse(at) < 2 * DAY_MS);
    notes.reported = Object.fromEntries(recent);
  }
  const isLedgerWritten = plan?.stages.some((stage) => stage.some((step) => step.slept)) ?? false;
  const current = notes.seen;
  if (isLedgerWritten && current && current.gaps.length > 0) notes.seen = { ...current, gaps: [] };
  const changed = NOTE_NAMES.filter((what) => notes[what] !== memory.notes[what]?.value);
  await Promise.all(changed.map((what) => store.writeNote(what, notes[what] as never, overOf(memory, what))));
}

export function notesOf({ notes }: Memory): PassNotes {
  const values = NOTE_NAMES.flatMap((what) => (notes[what] ? [[what, notes[what].value] as const] : []));
  return Object.fromEntries(values);
}

/** Over what the state, or a note, is written. */
export function overOf({ state, notes, corrupt }: Memory, what: 'state' | NoteName): Over {
  const isCorrupt = corrupt.some(({ kind, name }) =>
    what === 'state' ? kind === what : kind === 'note' && name === what,
  );
  if (isCorrupt) return 'corrupt';
  return (what === 'state' ? state : notes[what])?.version ?? 'absent';
}
