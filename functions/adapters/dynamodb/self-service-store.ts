/** What self-service reads of the night, and the overrides that it adds. */
import type { Morning } from '#functions/night-schedule/records.ts';
import type { SelfServiceStore, ShownDecision } from '#functions/self-service/ports.ts';
import { DAY_MS } from '#model/duration.ts';
import * as s from '#model/record-schema.ts';
import { overrideSchema } from '#model/schedule.ts';
import { createLedger } from './ledger.ts';
import { readGeneration } from './link-generation.ts';
import { createNightReader, expiryOf } from './night.ts';
import { recordsOf } from './records.ts';
import { packedMorningsSchema, unpackedMornings } from './stored-mornings.ts';
import { DECISION, NIGHT, noteKey, OVERRIDE } from './table-keys.ts';
import type { Table } from './table-port.ts';

/** The number of nodes is that of the last stop, which may be before a week of holidays. */
const LEDGER_DAYS = 14;
const MOST_DECISIONS = 20;
/** Of all capabilities together: those of the night are among them. */
const MOST_READ = 200;

const shownDecision: s.Schema<ShownDecision> = s.object({
  time: s.instant,
  capability: s.oneOf('night-schedule', 'self-service'),
  target: s.text,
  reason: s.text,
});

export function createSelfServiceStore(table: Table): SelfServiceStore {
  const reader = createNightReader(table);
  const overrides = recordsOf(table, OVERRIDE, overrideSchema);
  const mornings = recordsOf(table, NIGHT, packedMorningsSchema);
  const ledger = createLedger(table);
  const shownDecisions = recordsOf(table, DECISION, shownDecision);

  return {
    async night(now) {
      const firstDate = new Date(now.getTime() - LEDGER_DAYS * DAY_MS).toISOString().slice(0, 10);
      const [view, generation, starts, { entries }] = await Promise.all([
        reader.read(),
        readGeneration(table),
        mornings.get(noteKey('mornings')),
        ledger.since(firstDate),
      ]);
      return {
        ...(view.state ? { state: view.state } : {}),
        overrides: view.overrides,
        ...(view.pause ? { pause: view.pause } : {}),
        generation,
        mornings: starts ? (unpackedMornings(starts.value) as readonly Morning[]) : [],
        // Oldest first: the last entry of a group counts.
        nodes: Object.fromEntries(entries.map(({ group, nodes }) => [group, nodes])),
      };
    },

    async decisions(now) {
      const after = new Date(now.getTime() - DAY_MS).toISOString();
      const rows = await table.list(DECISION, { after, limit: MOST_READ, descending: true });
      return shownDecisions
        .fromRows(rows)
        .found.map(({ value }) => value)
        .slice(0, MOST_DECISIONS);
    },

    async addIfAbsent(override, now) {
      const saved = await overrides.saveIf(override.id, override, 'absent', {
        expires: expiryOf(override),
        now,
      });
      return saved !== undefined;
    },
  };
}
