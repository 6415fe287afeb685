/** `savings`: node-hours saved while asleep, from the ledger of observations. Time without an observation is a gap. */

import { type CountedEntry, withRunningNight } from '#functions/night-schedule/running-night.ts';
import type { LoadedConfig } from '#lib/config-file.ts';
import type { DevelopmentEnvironmentConfig } from '#model/config.ts';
import { formatDate } from '#model/date.ts';
import { DAY_MINUTES } from '#model/duration.ts';
import { nodePrice } from '#model/node-price.ts';
import { ownValue } from '#model/own-value.ts';
import { wallAt } from '#model/zone.ts';
import { RefusedError } from './errors.ts';
import type { Io } from './io.ts';
import { type NamedEnvironment, queryEach, selectEnvironments } from './select-environments.ts';
import { columns, paintOf, plain } from './text.ts';

export const DEFAULT_SAVINGS_DAYS = 30;
const MAX_DAYS = 3660;

export interface SavingsOptions {
  readonly environment?: string;
  readonly days?: string;
  readonly daily?: boolean;
  readonly json?: boolean;
}

/** Hours of one group, on one date or over the whole range. */
export interface Saving {
  readonly environment: string;
  readonly group: string;
  readonly date?: string;
  readonly asleepHours: number;
  /** Hours asleep without an observation: not counted as saved. */
  readonly gapHours: number;
  readonly nodeHoursSaved: number;
  readonly money?: number;
  readonly currency?: string;
  /** It sleeps still: the figures grow. */
  readonly running?: true;
}

/** True when every environment was reachable. */
export async function savings(loaded: LoadedConfig, options: SavingsOptions, io: Io): Promise<boolean> {
  const days = daysOf(options.days);
  const environments = selectEnvironments(loaded, options.environment).filter(
    ({ environment }) => environment.schedule,
  );
  if (environments.length === 0) {
    throw new RefusedError(
      `"${options.environment}" has no schedule: it is never stopped, so nothing is saved`,
    );
  }
  const { results, complete } = await queryEach(io, environments, async (one) => {
    const cloud = await io.cloud(one.name, one.environment);
    const timeZone = ownValue(loaded.config.schedules, one.environment.schedule ?? '')?.timeZone ?? 'UTC';
    const firstDate = (now: Date) =>
      formatDate(Math.floor(wallAt(timeZone, now.getTime()) / DAY_MINUTES) - days + 1);
    const localFirst = firstDate(io.now());
    const [entries, night] = await Promise.all([cloud.ledger(localFirst), cloud.night()]);
    const now = cloud.now();
    const first = firstDate(now);
    const counted = withRunningNight(first === localFirst ? entries : await cloud.ledger(first), night, {
      now,
      timeZone,
      first,
    });
    return sumSavings(one, counted, options.daily ?? false);
  });
  const found = results.flat();
  if (options.json) io.out(JSON.stringify(found, null, 2));
  else
    io.out(
      found.length > 0 ? formatSavings(found, days, io) : `no savings recorded in the last ${days} days`,
    );
  return complete;
}

/** One row for each group, or for each group and date. */
export function sumSavings(
  { name, environment }: NamedEnvironment,
  entries: readonly CountedEntry[],
  daily: boolean,
): Saving[] {
  const prices = (environment as DevelopmentEnvironmentConfig).prices;
  const byKey = new Map<string, CountedEntry[]>();
  for (const entry of entries) {
    const key = daily ? `${entry.date} ${entry.group}` : entry.group;
    byKey.set(key, [...(byKey.get(key) ?? []), entry]);
  }
  return [...byKey.values()].map((list) => {
    const [{ group, date }] = list as [CountedEntry];
    const hours = (of: (entry: CountedEntry) => number) =>
      list.reduce((total, entry) => total + of(entry), 0) / 60;
    const nodeHoursSaved = hours((entry) => entry.nodeMinutesSaved);
    const price = nodePrice(prices, group);
    return {
      environment: name,
      group,
      ...(daily ? { date } : {}),
      asleepHours: hours((entry) => entry.asleepMinutes),
      gapHours: hours((entry) => entry.gapMinutes),
      nodeHoursSaved,
      ...(prices && price !== undefined ? { money: nodeHoursSaved * price, currency: prices.currency } : {}),
      ...(list.some(({ isRunning }) => isRunning) ? { running: true as const } : {}),
    };
  });
}

function formatSavings(found: readonly Saving[], days: number, io: Io): string {
  const paint = paintOf(io.color);
  const number = (value: number) => value.toFixed(1);
  const money = (amount: number | undefined, currency: string | undefined) =>
    amount === undefined ? '-' : `${amount.toFixed(2)} ${currency}`;
  const rows = found.map((one) => [
    one.environment,
    plain(one.group),
    one.date ?? `last ${days} days`,
    number(one.asleepHours),
    number(one.gapHours),
    `${number(one.nodeHoursSaved)}${one.running ? '*' : ''}`,
    money(one.money, one.currency),
  ]);
  const total = (of: (one: Saving) => number) => found.reduce((all, one) => all + of(one), 0);
  const totals = [...new Set(found.flatMap(({ currency }) => currency ?? []))].map(
    (currency) =>
      `${money(
        total((one) => (one.currency === currency ? (one.money ?? 0) : 0)),
        currency,
      )}`,
  );
  const [head = '', ...body] = columns(
    [['environment', 'group', 'date', 'asleep h', 'gap h', 'node-hours', 'saved'], ...rows],
    [3, 4, 5, 6],
  );
  const gap = total((one) => one.gapHours);
  return [
    paint.bold(head),
    ...body,
    `total ${number(total((one) => one.nodeHoursSaved))} node-hours${totals.length > 0 ? `, ${totals.join(', ')}` : ''}`,
    ...(found.some(({ running }) => running) ? ['* sleeps still: counted until now'] : []),
    ...(gap > 0 ? [`${number(gap)} h asleep were not observed and are not counted`] : []),
    ...(totals.length === 0 ? ['set prices in an environment to see the cost saved'] : []),
  ].join('\n');
}

function daysOf(text: string | undefined): number {
  const days = Number(text ?? DEFAULT_SAVINGS_DAYS);
  if (Number.isInteger(days) && days >= 1 && days <= MAX_DAYS) return days;
  throw new RefusedError(`--days ${text}: use a whole number from 1 to ${MAX_DAYS}, like --days 30`);
}
