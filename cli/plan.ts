/** `plan`: upcoming starts and stops, from the config alone. Offline, needs no AWS access. */

import type { LoadedConfig } from '#lib/config-file.ts';
import { scheduleOf } from '#lib/settings.ts';
import { desiredAt } from '#model/desired.ts';
import { DAY_MS } from '#model/duration.ts';
import { ownValue } from '#model/own-value.ts';
import { formatLocal, formatOffset, holidayWarning, type PlanEntry, planOf } from '#model/plan.ts';
import type { Schedule } from '#model/schedule.ts';
import { parseFrom } from '#model/when.ts';
import { formatWindows } from '#model/window.ts';
import { offsetAt } from '#model/zone.ts';
import { RefusedError } from './errors.ts';
import type { Io } from './io.ts';
import { type NamedEnvironment, selectEnvironments } from './select-environments.ts';
import { dryRunMark, localTime, type Paint, paintOf } from './text.ts';

export const DEFAULT_DAYS = 7;
const MAX_DAYS = 1100;

export interface PlanOptions {
  readonly days?: string;
  readonly from?: string;
  readonly environment?: string;
  readonly json?: boolean;
}

export function plan(loaded: LoadedConfig, options: PlanOptions, io: Io): void {
  const range = { days: daysOf(options.days), from: options.from, now: io.now() };
  const plans = selectEnvironments(loaded, options.environment).map((named) =>
    planEnvironment(loaded, named, range),
  );
  if (options.json) {
    io.out(JSON.stringify(plans.map(toJson), null, 2));
  } else {
    const paint = paintOf(io.color);
    io.out(plans.map((one) => formatPlan(one, paint)).join('\n\n'));
  }
  for (const { warning, name } of plans) if (warning) io.err(`nightshift: warning: ${name}: ${warning}`);
}

interface PlanRange {
  readonly days: number;
  /** As the user wrote it; undefined for now. */
  readonly from: string | undefined;
  readonly now: Date;
}

interface EnvironmentPlan {
  readonly name: string;
  readonly named: NamedEnvironment;
  readonly schedule?: Schedule;
  readonly from: Date;
  readonly to: Date;
  readonly entries: readonly PlanEntry[];
  readonly warning?: string;
}

function planEnvironment(
  loaded: LoadedConfig,
  named: NamedEnvironment,
  { days, from: fromText, now }: PlanRange,
): EnvironmentPlan {
  const { name, environment } = named;
  const timeZone = ownValue(loaded.config.schedules, environment.schedule ?? '')?.timeZone ?? 'UTC';
  const from = fromOf(fromText, timeZone, now);
  // A plan for the past needs the holidays of the past.
  const expandedAt = from < now ? from : now;
  const schedule =
    environment.schedule === undefined
      ? undefined
      : scheduleOf(loaded.config, environment.schedule, expandedAt);
  const to = new Date(from.getTime() + days * DAY_MS);
  if (!schedule) return { name, named, from, to, entries: [] };
  const warning = holidayWarning(schedule.calendar, to);
  return {
    name,
    named,
    schedule,
    from,
    to,
    entries: planOf(schedule, new Date(from.getTime() - 1), to),
    ...(warning ? { warning } : {}),
  };
}

function formatPlan({ name, named, schedule, from, to, entries }: EnvironmentPlan, paint: Paint): string {
  if (!schedule) {
    const why = named.environment.production ? 'production' : 'no schedule';
    return `${dryRunMark(named.environment, paint)}${paint.bold(name)}: never stopped (${why})`;
  }
  const { timeZone, calendar } = schedule;
  const initial = desiredAt(schedule, from, []);
  const head = [
    `${dryRunMark(named.environment, paint)}${paint.bold(name)}: ${schedule.name}, up ${formatWindows(schedule.up)} (${timeZone}, UTC${formatOffset(offsetAt(timeZone, from.getTime()))})`,
    ...(calendar ? [`calendar ${calendar.name}`] : []),
    ...(!named.environment.production && named.environment.readyBy
      ? ['started early to be ready at the start']
      : []),
  ].join(', ');
  const range = `  from ${localTime(timeZone, from)} to ${localTime(timeZone, to)}; initially ${initial.state}: ${initial.reason}`;
  const lines = entries.map((entry) => {
    const kind = entry.kind.padEnd(5);
    const color = { start: paint.green, stop: paint.blue, skip: paint.yellow, clock: paint.yellow }[
      entry.kind
    ];
    return `  ${localTime(timeZone, entry.at)}  ${color(kind)}  ${entry.reason}`;
  });
  return [head, paint.dim(range), ...(lines.length > 0 ? lines : ['  no changes'])].join('\n');
}

function toJson({ name, named, schedule, from, to, entries, warning }: EnvironmentPlan) {
  const timeZone = schedule?.timeZone ?? 'UTC';
  return {
    environment: name,
    production: named.environment.production ?? false,
    ...(named.environment.dryRun ? { dryRun: true } : {}),
    ...(schedule ? { schedule: schedule.name, timeZone } : {}),
    from: from.toISOString(),
    to: to.toISOString(),
    ...(schedule ? { state: desiredAt(schedule, from, []).state } : {}),
    entries: entries.map(({ at, kind, reason, source }) => ({
      at: at.toISOString(),
      local: formatLocal(timeZone, at),
      kind,
      reason,
      source,
    })),
    ...(warning ? { warning } : {}),
  };
}

function daysOf(text: string | undefined): number {
  const days = Number(text ?? DEFAULT_DAYS);
  if (Number.isInteger(days) && days >= 1 && days <= MAX_DAYS) return days;
  throw new RefusedError(`--days ${text}: use a whole number from 1 to ${MAX_DAYS}, like --days 14`);
}

function fromOf(text: string | undefined, timeZone: string, now: Date): Date {
  if (text === undefined) return now;
  const parsed = parseFrom(text, timeZone);
  if ('problem' in parsed) throw new RefusedError(`--from ${text}: ${parsed.problem}`);
  return new Date(parsed.at);
}
