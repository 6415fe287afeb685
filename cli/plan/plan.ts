/** `plan`: upcoming starts and stops, from the config alone. Offline, needs no AWS access. */
import { writeFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import type { LoadedConfig } from '#lib/config-file.ts';
import { scheduleOf } from '#lib/settings/schedule.ts';
import { desiredAt } from '#model/desired.ts';
import { DAY_MS } from '#model/duration.ts';
import { ownValue } from '#model/own-value.ts';
import { formatLocal, formatOffset, holidayWarning, type PlanEntry, planOf } from '#model/plan.ts';
import type { Schedule } from '#model/schedule.ts';
import { parseFrom } from '#model/when.ts';
import { formatWindows } from '#model/window.ts';
import { offsetAt } from '#model/zone.ts';
import { RefusedError } from '../errors.ts';
import type { Io } from '../io.ts';
import { type EnvironmentFilter, type NamedEnvironment, selectEnvironments } from '../select-environments.ts';
import { dryRunMark, localTime, type Paint, paintOf } from '../text.ts';
import { applicationsWithoutImages, WITHOUT_IMAGES } from '../without-images.ts';
import { daysOf, equalDays, hoursUp } from './days.ts';
import { icsOf } from './ics.ts';
import { pictureLines } from './picture.ts';
import { printSteps } from './print-steps.ts';
import { svgOf } from './svg.ts';

export const DEFAULT_DAYS = 7;
const MAX_DAYS = 1100;
const DEFAULT_WIDTH = 120;

export interface PlanOptions extends EnvironmentFilter {
  readonly days?: string;
  readonly from?: string;
  readonly environment?: string;
  /** List each start and stop. */
  readonly each?: boolean;
  /** What a stop and a start do, instead of when. */
  readonly steps?: boolean;
  readonly json?: boolean;
  /** Files to write. */
  readonly svg?: string;
  readonly ics?: string;
}

export function plan(loaded: LoadedConfig, options: PlanOptions, io: Io): void {
  if (options.steps) {
    printSteps(loaded, options, io);
    return;
  }
  const range = { days: dayCountOf(options.days), from: options.from, now: io.now() };
  const plans = selectEnvironments(loaded, options.environment, options).map((named) =>
    planEnvironment(loaded, named, range),
  );
  io.out(textOf(plans, options, range, io));
  const groups = groupPlans(plans);
  if (options.svg !== undefined) writeFileSync(options.svg, svgText(groups, range.days));
  if (options.ics !== undefined) writeFileSync(options.ics, icsText(groups, range.now));
  for (const file of [options.svg, options.ics])
    if (file !== undefined) io.err(`nightshift: written: ${file}`);
  for (const { warning, name, named } of plans) {
    if (warning) io.err(`nightshift: warning: ${name}: ${warning}`);
    const without = applicationsWithoutImages(named.environment.deploy?.builds ?? []);
    if (without.length > 0) io.err(`nightshift: ${name}: ${without.join(', ')}: ${WITHOUT_IMAGES}`);
  }
}

function textOf(
  plans: readonly EnvironmentPlan[],
  { json, each }: PlanOptions,
  { days }: PlanRange,
  io: Io,
): string {
  if (json && each) throw new RefusedError('--json and --each are different outputs: use one of them');
  if (json) return JSON.stringify(plans.map(toJson), null, 2);
  const paint = paintOf(io.color);
  if (each) return plans.map((one) => formatPlan(one, paint)).join('\n\n');
  const width = io.columns ?? DEFAULT_WIDTH;
  return groupPlans(plans)
    .map((group) => formatGroup(group, { days, width, paint }))
    .join('\n\n');
}

function svgText(groups: readonly PlanGroup[], days: number): string {
  return svgOf(
    groups.map(({ names, first }) => ({
      title: `${names.join(', ')}: ${summaryOf(first)}`,
      days: first.schedule ? daysOf(first.schedule, first.from, days) : [],
    })),
  );
}

function icsText(groups: readonly PlanGroup[], now: Date): string {
  return icsOf(
    groups.flatMap(({ names, first }) => (first.schedule ? [{ names, entries: first.entries }] : [])),
    now,
  );
}

/** Environments with the same hours: they are shown once. */
interface PlanGroup {
  readonly names: readonly string[];
  readonly first: EnvironmentPlan;
}

function groupPlans(plans: readonly EnvironmentPlan[]): readonly PlanGroup[] {
  const groups = new Map<string, EnvironmentPlan[]>();
  for (const one of plans) {
    const key = `${one.named.environment.dryRun ?? false} ${summaryOf(one)}`;
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [...groups.values()].flatMap((list) => {
    const [first] = list;
    return first ? [{ names: list.map(({ name }) => name), first }] : [];
  });
}

function formatGroup(
  { names, first }: PlanGroup,
  { days, width, paint }: { readonly days: number; readonly width: number; readonly paint: Paint },
): string {
  const { schedule, named, from } = first;
  const mark = dryRunMark(named.environment, paint);
  const head = `${paint.bold(names.join(', '))}: ${summaryOf(first)}`;
  const lines = wrapped(`${mark}${head}`, width);
  if (!schedule) return lines;
  const planned = daysOf(schedule, from, days);
  const total = days * 24;
  const up = hoursUp(planned);
  return [
    lines,
    ...pictureLines(equalDays(planned), width, paint),
    paint.dim(
      `  ${days} ${days === 1 ? 'day' : 'days'}: up ${up} h, down ${Math.round((total - up) * 10) / 10} h; each start and stop: --each`,
    ),
  ].join('\n');
}

/** Broken at spaces; lines after the first are indented. */
function wrapped(text: string, width: number): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && stripVTControlCharacters(`${last} ${word}`).length <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(lines.length === 0 ? word : `  ${word}`);
  }
  return lines.join('\n');
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

/** `office, up Mon-Fri 08:00-22:00 (Asia/Tokyo, UTC+09:00), calendar japan` */
function summaryOf({ named: { environment }, schedule, from }: EnvironmentPlan): string {
  if (!schedule) return `never stopped (${environment.production ? 'production' : 'no schedule'})`;
  const { timeZone, calendar } = schedule;
  return [
    `${schedule.name}, up ${formatWindows(schedule.up)} (${timeZone}, UTC${formatOffset(offsetAt(timeZone, from.getTime()))})`,
    ...(calendar ? [`calendar ${calendar.name}`] : []),
    ...(!environment.production && environment.readyBy
      ? [
          `started early so that ${typeof environment.readyBy === 'object' ? 'the URL answers' : environment.readyBy === 'applications' ? 'the applications are Healthy' : 'the nodes are Ready'} at the start (how early: nightshift status)`,
        ]
      : []),
    ...(!environment.production && !environment.dryRun && environment.doorbell?.applications
      ? ['a page wakes it on request (doorbell)']
      : []),
  ].join(', ');
}

function formatPlan(one: EnvironmentPlan, paint: Paint): string {
  const { name, named, schedule, from, to, entries } = one;
  const head = `${dryRunMark(named.environment, paint)}${paint.bold(name)}: ${summaryOf(one)}`;
  if (!schedule) return head;
  const { timeZone } = schedule;
  const initial = desiredAt(schedule, from, []);
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

function dayCountOf(text: string | undefined): number {
  const days = Number(text ?? DEFAULT_DAYS);
  if (Number.isInteger(days) && days >= 1 && days <= MAX_DAYS) return days;
  throw new RefusedError(`--days ${text}: use a whole number from 1 to ${MAX_DAYS}, like --days 14`);
}

function fromOf(text: string | undefined, timeZone: string, now: Date): Date {
  if (text === undefined) return now;
  const parsed = parseFrom(text, timeZone, now);
  if ('problem' in parsed) throw new RefusedError(`--from ${text}: ${parsed.problem}`);
  return new Date(parsed.at);
}
