/** What one pass decides, what failed, and what it leaves for later passes. */

import { messageOf } from '#functions/shared/errors.ts';
import type { Decision } from '#model/decision.ts';
import { DAY_MS, HOUR_MS } from '#model/duration.ts';
import type { Memo } from './ports.ts';

const REPEAT_AFTER_MS = HOUR_MS;

export interface Journal {
  readonly decisions: readonly Decision[];
  readonly failures: readonly { readonly target: string; readonly error: unknown }[];
  decided(target: string, action: Decision['action'], reason: string): void;
  /** A failure of one target: the others go on, and the pass ends loudly. */
  failed(target: string, error: unknown): void;
  /** Whether it was not said lately; then it counts as said now. Without a name everything is news. */
  isNews(once: string | undefined, every?: number): boolean;
  memo(): Memo;
  remember(change: Partial<Memo>): void;
}

export function createJournal(
  pass: {
    readonly now: Date;
    readonly environment: string;
    readonly dryRun: boolean;
    readonly trigger: string;
  },
  before: Memo,
): Journal {
  const decisions: Decision[] = [];
  const failures: { target: string; error: unknown }[] = [];
  let memo = before;
  const time = pass.now.toISOString();
  const age = (at: string) => pass.now.getTime() - Date.parse(at);

  const decided: Journal['decided'] = (target, action, reason) => {
    decisions.push({
      time,
      environment: pass.environment,
      capability: 'night-schedule',
      target,
      action,
      reason: pass.dryRun && action !== 'none' ? `dry run, nothing was changed: ${reason}` : reason,
      trigger: pass.trigger,
    });
  };

  return {
    decisions,
    failures,
    decided,
    failed(target, error) {
      failures.push({ target, error });
      decided(target, 'fail', messageOf(error));
    },
    isNews(once, every = REPEAT_AFTER_MS) {
      if (once === undefined) return true;
      const last = memo.reported[once];
      if (last !== undefined && age(last) < every) return false;
      const recent = Object.entries(memo.reported).filter(([, at]) => age(at) < 2 * DAY_MS);
      memo = { ...memo, reported: { ...Object.fromEntries(recent), [once]: time } };
      return true;
    },
    memo: () => memo,
    remember(change) {
      memo = { ...memo, ...change };
    },
  };
}
