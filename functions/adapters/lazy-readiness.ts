import type { Readiness } from '#functions/night-schedule/ports.ts';
import type { Table } from './dynamodb/table.ts';

/** Loaded with its first call: only a start that is observed needs it. */
export function lazyReadiness(table: Table): Readiness {
  const load = async () => (await import('./readiness.ts')).createReadiness(table);
  return {
    healthy: async () => (await load()).healthy(),
    answers: async (url) => (await load()).answers(url),
  };
}
