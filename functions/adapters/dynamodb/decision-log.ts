import type { Decision } from '#model/decision.ts';
import { DAY_MS } from '#model/duration.ts';
import { DECISION, decisionKey } from './table-keys.ts';
import type { Table } from './table-port.ts';

const RETENTION_DAYS = 90;

/** Saves decisions in the table, in the order of time, for 90 days. */
export function saveDecisions(table: Table): (decisions: readonly Decision[]) => Promise<void> {
  // Of one instant: in the order in which this process made them, and never over those of another process.
  const processId = crypto.randomUUID().slice(0, 8);
  let made = 0;
  const next = () => `${String(made++).padStart(6, '0')}-${processId}`;
  const save = (decision: Decision) =>
    table.save(DECISION, decisionKey(decision.time, decision.capability, next()), decision, {
      expires: new Date(Date.parse(decision.time) + RETENTION_DAYS * DAY_MS),
    });
  return async (decisions) => {
    await Promise.all(decisions.map(save));
  };
}
