import type { Decision } from '#model/decision.ts';
import { DAY_MS } from '#model/duration.ts';
import type { Table } from './table.ts';
import { DECISION } from './table-keys.ts';

const KEPT_DAYS = 90;

/** Keeps decisions in the table, in the order of time, for 90 days. */
export function createDecisionLog(table: Table): { keep(decisions: readonly Decision[]): Promise<void> } {
  return {
    async keep(decisions) {
      await Promise.all(
        decisions.map((decision, index) =>
          table.put(
            DECISION,
            `${decision.time}#${decision.capability}#${decision.target}#${index}`,
            decision,
            {
              expires: new Date(Date.parse(decision.time) + KEPT_DAYS * DAY_MS),
            },
          ),
        ),
      );
    },
  };
}
