/** `nights`: how long the last stops took until everything slept, and what they waited for last. From the decisions. */
import type { LoadedConfig } from '#lib/config-file.ts';
import { scheduleOf } from '#lib/settings/schedule.ts';
import type { Decision } from '#model/decision.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '#model/duration.ts';
import { RefusedError } from './errors.ts';
import type { Io } from './io.ts';
import { type NamedEnvironment, queryEach, selectEnvironments } from './select-environments.ts';
import { columns, environmentTitle, localTime, paintOf, plain } from './text.ts';

export const DEFAULT_NIGHTS_DAYS = 14;
/** Decisions are kept for so long. */
const MAX_DAYS = 90;
/** What is stopped later belongs to another stop: somebody had scaled it up. */
const ONE_STOP_MS = 2 * HOUR_MS;

export interface NightsOptions {
  readonly environment?: string;
  readonly days?: string;
  readonly json?: boolean;
}

/** One stop, from its first group to the last that was observed asleep. */
export interface Night {
  readonly stoppedAt: string;
  /** Absent while a group is not asleep. */
  readonly asleepAt?: string;
  readonly minutes?: number;
  /** What was asleep last, or is not yet. */
  readonly last: readonly string[];
  /** The last failure of it before it slept. */
  readonly held?: string;
}

/** Oldest first. */
export function nightsOf(decisions: readonly Decision[]): readonly Night[] {
  const stops: {
    at: string;
    readonly waiting: Set<string>;
    last: string;
    asleepAt?: string;
    held?: string;
  }[] = [];
  for (const { capability, action, target, time, reason, dryRun, paused } of decisions) {
    if (capability !== 'night-schedule' || dryRun || paused) continue;
    const current = stops.at(-1);
    if (action === 'stop') {
      if (current && Date.parse(time) - Date.parse(current.at) <= ONE_STOP_MS) current.waiting.add(target);
      else stops.push({ at: time, waiting: new Set([target]), last: target });
    } else if (current && action === 'confirm-stop' && current.waiting.delete(target)) {
      current.asleepAt = time;
      current.last = target;
    } else if (current && action === 'fail' && current.waiting.size > 0) current.held = reason;
    else if (current && action === 'start') current.waiting.delete(target);
  }
  return stops.map(({ at, waiting, last, asleepAt, held }) => ({
    stoppedAt: at,
    ...(waiting.size === 0 && asleepAt !== undefined
      ? { asleepAt, minutes: (Date.parse(asleepAt) - Date.parse(at)) / MINUTE_MS }
      : {}),
    last: waiting.size > 0 ? [...waiting] : [last],
    ...(held !== undefined ? { held } : {}),
  }));
}

/** True when every environment was reachable. */
export async function nights(loaded: LoadedConfig, options: NightsOptions, io: Io): Promise<boolean> {
  const days = daysOf(options.days);
  const environments = selectEnvironments(loaded, options.environment).filter(
    ({ environment }) => environment.schedule,
  );
  if (environments.length === 0)
    throw new RefusedError(`"${options.environment}" has no schedule: it is never stopped`);
  const { results, complete } = await queryEach(io, environments, async (named) => {
    const cloud = await io.cloud(named.name, named.environment);
    const decisions = await cloud.decisions(new Date(io.now().getTime() - days * DAY_MS));
    return { named, nights: nightsOf(decisions) };
  });
  if (options.json)
    io.out(
      JSON.stringify(
        results.map(({ named, nights: found }) => ({ environment: named.name, nights: found })),
        null,
        2,
      ),
    );
  else io.out(results.map((one) => formatNights(loaded, one, days, io)).join('\n\n'));
  return complete;
}

function formatNights(
  loaded: LoadedConfig,
  { named, nights: found }: { readonly named: NamedEnvironment; readonly nights: readonly Night[] },
  days: number,
  io: Io,
): string {
  const paint = paintOf(io.color);
  const title = environmentTitle(named, paint);
  if (found.length === 0) return `${title}\n  no stop in the last ${days} days`;
  const { timeZone } = scheduleOf(loaded.config, named.environment.schedule ?? '', io.now());
  const [head = '', ...body] = columns(
    [
      ['  stopped', 'asleep', 'minutes', 'last', 'failed meanwhile'],
      ...found.map((one) => [
        `  ${localTime(timeZone, new Date(one.stoppedAt))}`,
        one.asleepAt ? localTime(timeZone, new Date(one.asleepAt)).slice(-5) : 'not yet',
        one.minutes === undefined ? '-' : one.minutes.toFixed(1),
        plain(one.last.join(', ')),
        plain(one.held ?? '-'),
      ]),
    ],
    [2],
  );
  return [title, paint.bold(head), ...body].join('\n');
}

function daysOf(text: string | undefined): number {
  const days = Number(text ?? DEFAULT_NIGHTS_DAYS);
  if (Number.isInteger(days) && days >= 1 && days <= MAX_DAYS) return days;
  throw new RefusedError(`--days ${text}: use a whole number from 1 to ${MAX_DAYS}, like --days 14`);
}
