/**
 * Of the notices that a process has in hand, none begins to drain while the node of another is not yet cordoned: a
 * cordon is one request, and a drain is hundreds.
 */
import type { Alarm, Clock } from './ports.ts';

export interface Gate {
  /** A notice is in hand. The function that is returned says that its node is cordoned, or that it needs none. */
  enter(): () => void;
  /** Resolves when no other is in hand, or after two seconds: one that hangs must not hold up the rest. */
  open(): Promise<void>;
}

const PATIENCE_MS = 2_000;

export function createGate(clock: Pick<Clock, 'alarm'>): Gate {
  const inHand = new Set<symbol>();
  const waiting = new Set<Alarm>();
  return {
    enter() {
      const one = Symbol('notice');
      inHand.add(one);
      return () => {
        inHand.delete(one);
        if (inHand.size === 0) for (const other of waiting) other.ring();
      };
    },
    async open() {
      if (inHand.size === 0) return;
      const opening = clock.alarm(PATIENCE_MS);
      waiting.add(opening);
      await opening.rang;
      waiting.delete(opening);
    },
  };
}
