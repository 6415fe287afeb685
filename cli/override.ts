/** `keep-up`, `wake`, `sleep` and `cancel`: a person's wish for the next hours, which outranks the schedule. */
import { randomUUID } from 'node:crypto';
import { environmentOf, type LoadedConfig } from '#lib/config-file.ts';
import { scheduleOf } from '#lib/settings.ts';
import { desiredAt } from '#model/desired.ts';
import { refuseEnvironment, refuseOverride } from '#model/override.ts';
import type { Override, Schedule, SleepState } from '#model/schedule.ts';
import { parseSpan, parseUntil } from '#model/when.ts';
import type { Cloud } from './cloud.ts';
import { CloudError, type Io, RefusedError } from './io.ts';
import { localTime, plain } from './text.ts';

export interface OverrideOptions {
  readonly until?: string;
  readonly for?: string;
  readonly author?: string;
  readonly reason?: string;
  readonly json?: boolean;
}

export type Wish = 'keep-up' | 'wake' | 'sleep';

const STATES: Record<Wish, SleepState> = { 'keep-up': 'awake', wake: 'awake', sleep: 'asleep' };
const NO_REASON = 'no reason given';
const MINUTE_MS = 60_000;

export async function setOverride(
  loaded: LoadedConfig,
  wish: Wish,
  name: string,
  options: OverrideOptions,
  io: Io,
): Promise<void> {
  const schedule = scheduleFor(loaded, name, io.now());
  // What cannot be read is refused before anybody is asked.
  endOf(wish, name, options, io.now(), schedule.timeZone);

  const cloud = await io.cloud(name, environmentOf(loaded, name));
  const previous = await cloud.override();
  const now = cloud.now();
  const override: Override = {
    id: randomUUID(),
    state: STATES[wish],
    from: now.toISOString(),
    until: new Date(endOf(wish, name, options, now, schedule.timeZone)).toISOString(),
    author: options.author ?? io.user,
    reason: options.reason ?? NO_REASON,
  };
  const refused = refuseOverride(override, now);
  if (refused !== undefined) throw new RefusedError(refused);
  await cloud.setOverride(override);
  await takeEffect(cloud, override.id, io);

  const replaced = previous && isStanding(previous, now) ? previous : undefined;
  if (options.json) {
    io.out(JSON.stringify({ environment: name, override, ...(replaced ? { replaced } : {}) }, null, 2));
    return;
  }
  const until = new Date(override.until);
  const after = desiredAt(schedule, until, []);
  io.out(
    [
      `${name}: ${desiredAt(schedule, now, [override]).reason}`,
      ...(replaced ? [`  instead of: ${describeOverride(replaced, schedule.timeZone)}`] : []),
      after.state === override.state
        ? `  afterwards it stays ${after.state}: ${after.reason}`
        : `  afterwards it is ${after.state}: ${after.reason}`,
      `  "nightshift status ${name}" shows the progress, "nightshift cancel ${name}" takes it back`,
    ].join('\n'),
  );
}

export async function cancelOverride(
  loaded: LoadedConfig,
  name: string,
  options: { readonly json?: boolean },
  io: Io,
): Promise<void> {
  const schedule = scheduleFor(loaded, name, io.now());
  const cloud = await io.cloud(name, environmentOf(loaded, name));
  const standing = await cloud.override();
  const now = cloud.now();
  await cloud.clearOverrides();
  if (standing) await takeEffect(cloud, standing.id, io);

  const desired = desiredAt(schedule, now, []);
  if (options.json) {
    io.out(JSON.stringify({ environment: name, cancelled: standing ?? null, state: desired.state }, null, 2));
    return;
  }
  const deed = standing
    ? `cancelled: ${describeOverride(standing, schedule.timeZone)}`
    : 'there was no override to cancel';
  io.out(`${name}: ${deed}\n  now it is to be ${desired.state}: ${desired.reason}`);
}

/** `awake until Tue 2026-11-24 23:00 (Asia/Tokyo), by ana: release` */
export function describeOverride(override: Override, timeZone: string): string {
  return `${override.state} until ${localTime(timeZone, new Date(override.until))} (${timeZone}), by ${plain(override.author)}: ${plain(override.reason)}`;
}

export function isStanding(override: Override, now: Date): boolean {
  return Date.parse(override.until) > now.getTime();
}

/** The override stands in the table already: where the function cannot be called, its tick sees it within a minute. */
async function takeEffect(cloud: Cloud, id: string, io: Io): Promise<void> {
  try {
    await cloud.wakeFunction(id);
  } catch (error) {
    if (!(error instanceof CloudError)) throw error;
    io.err(`nightshift: warning: ${error.message}; it takes effect with the next tick, within a minute`);
  }
}

function scheduleFor(loaded: LoadedConfig, name: string, now: Date): Schedule {
  const refused = refuseEnvironment(name, loaded.config.environments);
  if (refused !== undefined) throw new RefusedError(refused);
  return scheduleOf(loaded.config, environmentOf(loaded, name).schedule ?? '', now);
}

/** When the override ends, in ms. */
function endOf(wish: Wish, name: string, options: OverrideOptions, now: Date, timeZone: string): number {
  const example = `for example: nightshift ${wish} ${name} --for 2h, or --until 23:00`;
  if (options.until !== undefined && options.for !== undefined) {
    throw new RefusedError(`--until and --for contradict each other: write one of them, ${example}`);
  }
  if (options.for !== undefined) {
    const span = parseSpan(options.for);
    if ('problem' in span) throw new RefusedError(`--for ${options.for}: ${span.problem}`);
    // On the minute, so that the tick of that minute sees the end and not the next one.
    return Math.round((now.getTime() + span.ms) / MINUTE_MS) * MINUTE_MS;
  }
  if (options.until === undefined) {
    throw new RefusedError(`an override must end: write --until or --for, ${example}`);
  }
  const parsed = parseUntil(options.until, now, timeZone);
  if ('problem' in parsed) throw new RefusedError(`--until ${options.until}: ${parsed.problem}`);
  return parsed.at;
}
