/** The decisions of the functions, as their log lines carry them. */
import { DECISION_MESSAGE } from '#functions/shared/observability.ts';
import type { Decision } from '#model/decision.ts';

/** The record in a log line whose message is `decision`. */
export function decisionIn(line: string): Decision | undefined {
  if (!line.startsWith('{') || !line.includes(`"${DECISION_MESSAGE}"`)) return undefined;
  try {
    const entry = JSON.parse(line) as { message?: unknown; decision?: Decision };
    return entry.message === DECISION_MESSAGE ? entry.decision : undefined;
  } catch {
    return undefined; // a line that only looks like JSON is an ordinary log line
  }
}
