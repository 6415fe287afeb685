/** Keeps what an invocation said and what failed in it, without holding up the work. */

import { messageOf } from '#functions/shared/errors.ts';
import type { DecisionTrail } from '#functions/shared/observability.ts';
import type { SpotDrainSettings } from '#model/settings.ts';
import type { Clock } from './ports.ts';
import { decisionOf, type Said } from './report.ts';

export interface Failure {
  readonly target: string;
  readonly error: unknown;
}

export interface Journal {
  /** Records a decision; it is written in the background. */
  say(said: Said): void;
  /** Something failed; the work goes on. It is recorded, and thrown at the end. */
  fail(target: string, error: unknown): void;
  /** Runs it, and keeps its failure. */
  guard<T>(target: string, work: () => Promise<T>): Promise<T | undefined>;
  /** Waits until everything is written. */
  close(): Promise<readonly Failure[]>;
}

export function createJournal(
  ports: {
    readonly settings: Pick<SpotDrainSettings, 'environment'>;
    readonly trail: DecisionTrail;
    readonly clock: Clock;
  },
  trigger: string,
): Journal {
  const failures: Failure[] = [];
  const writing: Promise<void>[] = [];
  const journal: Journal = {
    say(said) {
      const decision = decisionOf(ports.settings.environment, ports.clock.now(), said);
      writing.push(
        ports.trail.record([decision]).catch((error: unknown) => {
          failures.push({ target: 'decision log', error });
        }),
      );
    },
    fail(target, error) {
      failures.push({ target, error });
      journal.say({ target, action: 'fail', reason: messageOf(error), trigger });
    },
    async guard(target, work) {
      try {
        return await work();
      } catch (error) {
        journal.fail(target, error);
        return undefined;
      }
    },
    async close() {
      await Promise.all(writing);
      return failures;
    },
  };
  return journal;
}
