/** What people wait for in the morning beyond the nodes. Loaded only while a start is observed. */
import { ARGOCD_ANSWERED, healthySchema } from '#functions/branch-deploy/record.ts';
import type { Readiness } from '#functions/night-schedule/ports.ts';
import { recordsOf } from './dynamodb/records.ts';
import type { Table } from './dynamodb/table.ts';
import { DEPLOY, HEALTHY_PREFIX } from './dynamodb/table-keys.ts';
import { createHttpHost, UnreachableError } from './http.ts';

/** An application that answers later than this is not ready for people. */
const ANSWER_MS = 5_000;

export function createReadiness(table: Table): Readiness {
  const records = recordsOf(table, DEPLOY, healthySchema);
  return {
    async healthy() {
      // An item that cannot be read is an application that was not observed: branch-deploy writes it again.
      const { found } = records.fromRows(await table.list(DEPLOY, { prefix: HEALTHY_PREFIX }));
      const applications = new Map(found.map(({ value }) => [value.application, value.at]));
      return { applications, argocd: applications.get(ARGOCD_ANSWERED) };
    },
    async answers(url) {
      const { origin, pathname, search } = new URL(url);
      const host = createHttpHost({ url: origin });
      try {
        const path = `${pathname}${search}`;
        const { status } = await host.request({ method: 'GET', path, timeoutMs: ANSWER_MS });
        return status < 400;
      } catch (error) {
        if (error instanceof UnreachableError) return false;
        throw error;
      } finally {
        host.close();
      }
    },
  };
}
