import type { Decision } from '#model/decision.ts';
import type { Table } from './table.ts';
import { DECISION, decisionKey } from './table-keys.ts';

const KEPT_DAYS = 90;

/** Keeps decisions in the table, in the order of time, for 90 days. */
export function createDecisionLog(table: Table): { keep(decisions: readonly Decision[]): Promise<void> } {
  // Of one instant: in the order in which this process made them, and never over those of another process.
  const processId = crypto.randomUUID().slice(0, 8);
  let made = 0;
  const next = () => `${String(made++).padStart(6, '0')}-${processId}`;
  return {
    async keep(decisions) {
      await Promise.all(
        decisions.map((decision) =>
          table.save(DECISION, decisionKey(decision.time, decision.capability, next()), decision, {
            expires: new Date(Date.parse(decision.time) + KEPT_DAYS * 86_400_000),
          }),
        ),
      );
    },
  };
}
