/** `status`: the state of each cluster as night-schedule last observed it, and the next transition. */

import type { Size } from '#functions/night-schedule/records.ts';
import type { LoadedConfig } from '#lib/config-file.ts';
import { scheduleOf } from '#lib/settings.ts';
import { desiredAt, transitions } from '#model/desired.ts';
import type { Schedule, Transition } from '#model/schedule.ts';
import type { Night } from './cloud.ts';
import type { Io } from './io.ts';
import { formatOverride, isActive } from './override.ts';
import { type NamedEnvironment, queryEach, selectEnvironments } from './select-environments.ts';
import { duration, environmentTitle, localTime, type Paint, paintOf, plain } from './text.ts';

/** How far ahead the next transition is searched. */
const HORIZON_MS = 62 * 86_400_000;

export interface Status {
  readonly named: NamedEnvironment;
  readonly now: Date;
  readonly schedule?: Schedule;
  readonly night?: Night;
  readonly next?: Transition;
}

/** True when every environment was reachable. */
export async function status(
  loaded: LoadedConfig,
  name: string | undefined,
  options: { readonly json?: boolean },
  io: Io,
): Promise<boolean> {
  const { results, complete } = await queryEach(io, selectEnvironments(loaded, name), (named) =>
    readStatus(loaded, named, io),
  );
  if (options.json) io.out(JSON.stringify(results.map(statusJson), null, 2));
  else {
    const paint = paintOf(io.color);
    io.out(results.map((one) => formatStatus(one, paint)).join('\n\n'));
  }
  return complete;
}

export async function readStatus(loaded: LoadedConfig, named: NamedEnvironment, io: Io): Promise<Status> {
  const { name, environment } = named;
  if (environment.schedule === undefined) return { named, now: io.now() };
  const cloud = await io.cloud(name, environment);
  const night = await cloud.night();
  const now = cloud.now();
  const schedule = scheduleOf(loaded.config, environment.schedule, now);
  const { overrides } = night;
  const next = transitions(schedule, now, new Date(now.getTime() + HORIZON_MS), overrides)[0];
  return { named, now, schedule, night, ...(next ? { next } : {}) };
}

function formatStatus({ named, now, schedule, night, next }: Status, paint: Paint): string {
  const head = environmentTitle(named, paint);
  if (!schedule || !night)
    return `${head}\n  never stopped (${named.environment.production ? 'production' : 'no schedule'})`;
  const { timeZone } = schedule;
  const { state, override, saved, corrupt } = night;
  const desired = desiredAt(schedule, now, override ? [override] : []);
  const dry = named.environment.dryRun ? night.dryRun : undefined;
  const current = dry ?? state;
  const since = current ? new Date(current.since) : undefined;
  const rows: [string, string][] = [
    current && since
      ? [
          'now',
          `${paintPhase(current.phase, paint)} since ${localTime(timeZone, since)} (${duration(now.getTime() - since.getTime())}): ${plain(dry ? 'as observed' : current.reason)}`,
        ]
      : ['now', 'not observed yet: night-schedule has not run since it was deployed'],
    ['desired', `${desired.state}: ${plain(desired.reason)}`],
    next
      ? [
          'next',
          `${next.to === 'awake' ? 'start' : 'stop'} ${localTime(timeZone, next.at)} (in ${duration(next.at.getTime() - now.getTime())}): ${plain(next.reason)}`,
        ]
      : ['next', 'no transition in the next two months'],
    ['override', override && isActive(override, now) ? formatOverride(override, timeZone) : 'none'],
    ...saved.map((one, index): [string, string] => [
      index === 0 ? 'saved' : '',
      `${plain(one.group)}: ${sizeOf(one)}, ${one.phase}`,
    ]),
    ...(dry?.wouldSave ?? []).map((one, index): [string, string] => [
      index === 0 ? 'would' : '',
      `save ${plain(one.group)}: ${sizeOf(one)}, and stop it`,
    ]),
    ...corrupt.map((item): [string, string] => ['unreadable', `${plain(item)}: not changed`]),
  ];
  return [head, ...rows.map(([label, text]) => `  ${paint.dim(label.padEnd(8))}  ${text}`)].join('\n');
}

export function statusJson({ named, now, schedule, night, next }: Status) {
  const { name, environment } = named;
  return {
    environment: name,
    cluster: environment.cluster,
    production: environment.production ?? false,
    ...(environment.dryRun ? { dryRun: night?.dryRun ?? {} } : {}),
    time: now.toISOString(),
    ...(schedule ? { schedule: schedule.name, timeZone: schedule.timeZone } : {}),
    ...(night
      ? {
          state: night.state ?? null,
          override: night.override && isActive(night.override, now) ? night.override : null,
          saved: night.saved,
          corrupt: night.corrupt,
          next: next ? { ...next, at: next.at.toISOString() } : null,
        }
      : {}),
  };
}

function sizeOf({ size }: { readonly size: Size }): string {
  return `min ${size.min}, desired ${size.desired}, max ${size.max}`;
}

function paintPhase(phase: string, paint: Paint): string {
  if (phase === 'awake') return paint.green(phase);
  return phase === 'asleep' ? paint.blue(phase) : paint.yellow(phase);
}
