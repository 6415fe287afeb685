/** The notes of one pass: as they were read, and what it has changed in them. */
import type { Memory, Over } from './ports.ts';
import { NOTE_NAMES, type NoteName, type Notes } from './records.ts';

export interface PassNotes {
  get<N extends NoteName>(what: N): Notes[N] | undefined;
  set<N extends NoteName>(what: N, next: Notes[N]): void;
  /** Those that were set to something else than was read. */
  changed(): readonly NoteName[];
}

export function createNotes({ notes }: Pick<Memory, 'notes'>): PassNotes {
  const current: { -readonly [N in NoteName]?: Notes[N] } = {};
  for (const what of NOTE_NAMES) if (notes[what]) current[what] = notes[what].value as never;
  return {
    get: (what) => current[what],
    set(what, next) {
      current[what] = next;
    },
    changed: () => NOTE_NAMES.filter((what) => current[what] !== notes[what]?.value),
  };
}

/** Over what the state, or a note, is written. */
export function overOf({ state, notes, corrupt }: Memory, what: 'state' | NoteName): Over {
  const isCorrupt = corrupt.some(({ kind, name }) =>
    what === 'state' ? kind === what : kind === 'note' && name === what,
  );
  if (isCorrupt) return 'corrupt';
  return (what === 'state' ? state : notes[what])?.version ?? 'absent';
}
