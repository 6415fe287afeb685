/** `bill`: what is still billed while a cluster sleeps, as counted things; money only where a price is known with its source. */
import type { LoadedConfig } from '#lib/config-file.ts';
import type { DevelopmentEnvironmentConfig } from '#model/config.ts';
import { RefusedError } from '../errors.ts';
import type { Io } from '../io.ts';
import { type NamedEnvironment, queryEach, selectEnvironments } from '../select-environments.ts';
import { columns, environmentTitle, paintOf, plain } from '../text.ts';
import { observeBill } from './observe-bill.ts';
import { type StandingRow, standingRows } from './standing.ts';

export interface BillOptions {
  readonly environment?: string;
  readonly json?: boolean;
}

interface Bill {
  readonly named: NamedEnvironment;
  readonly rows: readonly StandingRow[];
}

/** True when everything could be counted. */
export async function bill(loaded: LoadedConfig, options: BillOptions, io: Io): Promise<boolean> {
  const environments = selectEnvironments(loaded, options.environment).filter(
    ({ environment }) => environment.schedule,
  );
  if (environments.length === 0)
    throw new RefusedError(
      `"${options.environment}" has no schedule: it is never stopped, so all of it costs at night`,
    );
  const { results, complete } = await queryEach(io, environments, async (named): Promise<Bill> => {
    const rows = standingRows(
      named.environment as DevelopmentEnvironmentConfig,
      await observeBill(named, io),
    );
    return { named, rows };
  });
  if (options.json) io.out(JSON.stringify(results.map(toJson), null, 2));
  else io.out(results.map((one) => formatBill(one, io)).join('\n\n'));
  return complete && results.every(({ rows }) => rows.every(({ missing }) => missing === undefined));
}

/** One sum for each currency: they are not added up. */
function sumsOf(rows: readonly StandingRow[]): Readonly<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (const { cost } of rows) if (cost) sums[cost.currency] = (sums[cost.currency] ?? 0) + cost.perHour;
  return sums;
}

const money = (amount: number, currency: string) => `${amount.toFixed(3)} ${currency}`;

function formatBill({ named, rows }: Bill, io: Io): string {
  const paint = paintOf(io.color);
  const [head = '', ...body] = columns(
    [
      ['  billed while it sleeps', 'count', 'an hour', ''],
      ...rows.map(({ what, count, detail, cost, missing }) => [
        `  ${plain(what)}`,
        count === undefined ? '?' : String(count),
        cost ? money(cost.perHour, cost.currency) : '-',
        plain(missing ? `not counted: ${missing.reason}` : [detail, cost?.source].filter(Boolean).join('; ')),
      ]),
    ],
    [1, 2],
  );
  const sums = Object.entries(sumsOf(rows)).map(([currency, amount]) => money(amount, currency));
  const unpriced = rows.filter(({ count = 0, cost }) => count > 0 && !cost).map(({ what }) => what);
  return [
    environmentTitle(named, paint),
    paint.bold(head),
    ...body,
    ...(sums.length > 0 ? [`  priced: ${sums.join(' and ')} an hour`] : []),
    ...(unpriced.length > 0 ? [`  counted without a price: ${plain(unpriced.join(', '))}`] : []),
    '  other clusters in the VPC may share its gateways and load balancers; Classic Load Balancers are not counted',
  ].join('\n');
}

function toJson({ named, rows }: Bill) {
  return { environment: named.name, rows, perHour: sumsOf(rows) };
}
