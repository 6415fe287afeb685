/** The generation of the links: whoever revokes links raises it. */
import { FIRST_GENERATION, linkGenerationSchema } from '#model/keep-up-link.ts';
import { recordsOf } from './records.ts';
import { LINKS_KEY, OVERRIDE } from './table-keys.ts';
import type { Table } from './table-port.ts';

/** Throws `CorruptRecordError` where the record cannot be read: no link is valid then. */
export async function readGeneration(table: Table): Promise<number> {
  const records = recordsOf(table, OVERRIDE, linkGenerationSchema);
  // Listed, because night-schedule lists its overrides and needs no further permission.
  const [row] = await table.list(OVERRIDE, { prefix: LINKS_KEY });
  return row ? records.fromRow(row).value.generation : FIRST_GENERATION;
}

/** Returns the new generation: every link that was sent before is refused from now on. */
export async function revokeLinks(table: Table, author: string, now: Date): Promise<number> {
  const generation = (await readGeneration(table)) + 1;
  const records = recordsOf(table, OVERRIDE, linkGenerationSchema);
  await records.save(LINKS_KEY, { generation, since: now.toISOString(), author });
  return generation;
}
