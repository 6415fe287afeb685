/** The environment's table as the functions open it: without the SDK, which a cold start would load. */
import { environmentCredentials } from '#functions/adapters/aws/environment-credentials.ts';
import { createSmallTable, type SmallTableOptions } from './small-table.ts';
import type { Table } from './table-port.ts';

/**
 * A small function has a fraction of a processor: less would fail by its own slowness. Four attempts end within 25 s, which a
 * call by the SDK may take too. A stop writes for many groups at once, a tick the names of many nodes.
 */
const FOR_WORK = { timeoutMs: 6_000, maxSockets: 50 };
/** Somebody waits for the page: four attempts end before its function does. A page asks little at once. */
const FOR_A_PAGE = { timeoutMs: 3_000, maxSockets: 8 };

export function openTable({
  isForPage = false,
  ...options
}: Pick<SmallTableOptions, 'name' | 'region' | 'now'> & { readonly isForPage?: boolean }): Table {
  return createSmallTable({
    ...options,
    ...(isForPage ? FOR_A_PAGE : FOR_WORK),
    credentials: environmentCredentials(process.env),
    endpoint: process.env['AWS_ENDPOINT_URL_DYNAMODB'] ?? process.env['AWS_ENDPOINT_URL'],
  });
}
