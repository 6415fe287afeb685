/** `keep-up`, `wake`, `sleep` and `cancel`: overrides that take precedence over the schedule until they end. */
import { randomUUID } from 'node:crypto';
import { learnLead } from '#functions/night-schedule/learn-lead.ts';
import { environmentOf, type LoadedConfig } from '#lib/config-file.ts';
import { scheduleOf } from '#lib/settings/schedule.ts';
import { desiredAt } from '#model/desired.ts';
import { MINUTE_MS } from '#model/duration.ts';
import { refuseEnvironment, refuseOverride } from '#model/override.ts';
import { endOfPause, isPaused } from '#model/pause.ts';
import { authorOf, type Override, type Pause, type Schedule, type SleepState } from '#model/schedule.ts';
import { parseDuration, parseUntil } from '#model/when.ts';
import type { Cloud, Night } from './cloud.ts';
import { CloudError, RefusedError } from './errors.ts';
import type { Io } from './io.ts';
import { dryRunMark, localTime, paintOf, plain } from './text.ts';

export type OverrideCommand = 'keep-up' | 'wake' | 'sleep';

export interface OverrideRequest {
  readonly command: OverrideCommand;
  /** The environment's name in the config. */
  readonly environment: string;
  readonly until?: string;
  readonly for?: string;
  /** A name that is shown beside the one of AWS. */
  readonly author?: string;
  readonly reason?: string;
  /** Ends what others requested: they are not asked. */
  readonly replace?: boolean;
}

export interface OverrideOptions {
  readonly json?: boolean;
}

const STATES: Record<OverrideCommand, SleepState> = { 'keep-up': 'awake', wake: 'awake', sleep: 'asleep' };
const AN_OVERRIDE = 'an override';
export const NO_REASON = 'no reason given';

/** Throws a `RefusedError` for an invalid request, a `CloudError` when AWS refuses or is unreachable. */
export async function setOverride(
  loaded: LoadedConfig,
  request: OverrideRequest,
  options: OverrideOptions,
  io: Io,
): Promise<void> {
  const { environment: name } = request;
  const schedule = overridableSchedule(loaded, name, io.now());
  // An invalid end is refused before the first request to AWS.
  endOf(request, io.now(), schedule.timeZone, AN_OVERRIDE);

  const cloud = await io.cloud(name, environmentOf(loaded, name));
  const night = await cloud.night();
  const { override: previous } = night;
  const now = cloud.now();
  const end = endOf(request, now, schedule.timeZone, AN_OVERRIDE);
  const override: Override = {
    id: randomUUID(),
    state: STATES[request.command],
    ...(await requestedBy(cloud, request, { from: now, until: end.at }, io)),
  };
  const refused = refuseOverride(override, now, {
    shownUntil: `${localTime(schedule.timeZone, new Date(override.until))} (${schedule.timeZone})`,
  });
  if (refused !== undefined) throw new RefusedError(refused);
  const active = previous && isActive(previous, now) ? previous : undefined;
  if (!request.replace)
    for (const other of night.overrides)
      if (isActive(other, now)) refuseToShorten(other, override, schedule.timeZone);
  await cloud.setOverride(override, request.replace ?? false);
  const pause = await cloud.pause();
  await applyNow(cloud, override.id, io);

  const isReplaced = request.replace || active?.state !== override.state || active.author === override.author;
  const replaced = isReplaced ? active : undefined;
  const awakeAt = override.state === 'awake' ? awakeTimeOf(night, schedule.timeZone, now) : undefined;
  const longer = !isReplaced && active && active.until > override.until ? active : undefined;
  if (options.json) {
    const awake = awakeAt ? { awakeAt: awakeAt.toISOString() } : {};
    io.out(
      JSON.stringify({ environment: name, override, ...(replaced ? { replaced } : {}), ...awake }, null, 2),
    );
    return;
  }
  const { timeZone } = schedule;
  const after = desiredAt(schedule, new Date(longer?.until ?? override.until), []);
  const mark = dryRunMark(environmentOf(loaded, name), paintOf(io.color));
  io.out(
    [
      `${mark}${name}: ${desiredAt(schedule, now, [override]).reason}`,
      ...tomorrowLine(request, end, timeZone),
      ...(isPaused(pause, now)
        ? [`  takes effect after the pause: ${formatPause(pause, timeZone)}`]
        : awakeLine(night, awakeAt, timeZone)),
      ...(longer ? [`  still in force: ${formatOverride(longer, timeZone)}`] : []),
      ...(replaced ? [`  replaces: ${formatOverride(replaced, timeZone)}`] : []),
      `  after that: ${after.state === override.state ? `still ${after.state}` : after.state}, ${after.reason}`,
      `  progress: nightshift status ${name}; undo: nightshift cancel ${name}`,
    ].join('\n'),
  );
}

/** What an override and a pause have in common. */
export async function requestedBy(
  cloud: Pick<Cloud, 'caller'>,
  { author, reason }: { readonly author?: string; readonly reason?: string },
  { from, until }: { readonly from: Date; readonly until: number },
  io: Pick<Io, 'user'>,
): Promise<Pause> {
  return {
    from: from.toISOString(),
    until: new Date(until).toISOString(),
    author: await cloud.caller(),
    label: author ?? io.user,
    reason: reason ?? NO_REASON,
  };
}

/** When a cluster that sleeps now will be awake, by what its last starts took; undefined where it does not sleep. */
function awakeTimeOf({ state, mornings = [] }: Night, timeZone: string, now: Date): Date | undefined {
  if (state?.phase !== 'asleep' && state?.phase !== 'stopping') return undefined;
  return new Date(now.getTime() + learnLead(mornings, { phase: 'nodes', timeZone }).seconds * 1000);
}

function tomorrowLine({ until }: OverrideRequest, end: End, timeZone: string): readonly string[] {
  if (!end.isTomorrow) return [];
  return [`  ${until} has passed today: it ends tomorrow, ${localTime(timeZone, new Date(end.at))}`];
}

function awakeLine(
  { state, mornings = [] }: Night,
  at: Date | undefined,
  timeZone: string,
): readonly string[] {
  if (!at) return [];
  const lead = learnLead(mornings, { phase: 'nodes', timeZone });
  const minutes = Math.ceil(lead.seconds / 60);
  return [
    `  it is ${state?.phase} now: expect its nodes in about ${minutes} min, at ${localTime(timeZone, at)} (${lead.reason})`,
  ];
}

/** Who keeps a cluster awake is not cut short by somebody else without `--replace`. */
function refuseToShorten(other: Override, override: Override, timeZone: string): void {
  if (override.state === 'awake' || other.state === 'asleep' || other.author === override.author) return;
  throw new RefusedError(
    `somebody else needs the cluster: ${formatOverride(other, timeZone)}; add --replace to end that`,
  );
}

/** Cancels the active override; does nothing when there is none. */
export async function cancelOverride(
  loaded: LoadedConfig,
  name: string,
  options: OverrideOptions,
  io: Io,
): Promise<void> {
  const schedule = overridableSchedule(loaded, name, io.now());
  const cloud = await io.cloud(name, environmentOf(loaded, name));
  const active = await cloud.override();
  const now = cloud.now();
  await cloud.clearOverrides();
  if (active) await applyNow(cloud, active.id, io);

  const desired = desiredAt(schedule, now, []);
  if (options.json) {
    io.out(JSON.stringify({ environment: name, cancelled: active ?? null, state: desired.state }, null, 2));
    return;
  }
  const result = active
    ? `cancelled: ${formatOverride(active, schedule.timeZone)}`
    : 'no active override to cancel';
  const mark = dryRunMark(environmentOf(loaded, name), paintOf(io.color));
  io.out(`${mark}${name}: ${result}\n  desired now: ${desired.state}, ${desired.reason}`);
}

/** `awake until Tue 2026-11-24 23:00 (Asia/Tokyo), by ana: release` */
export function formatOverride(override: Override, timeZone: string): string {
  return `${override.state} until ${localTime(timeZone, new Date(override.until))} (${timeZone}), by ${plain(authorOf(override))}: ${plain(override.reason)}`;
}

/** `paused until Tue 2026-11-24 23:00 (Asia/Tokyo), by ana: incident 7` */
export function formatPause(pause: Pause, timeZone: string): string {
  return `paused until ${localTime(timeZone, endOfPause(pause))} (${timeZone}), by ${plain(authorOf(pause))}: ${plain(pause.reason)}`;
}

export function isActive(override: Override, now: Date): boolean {
  return Date.parse(override.until) > now.getTime();
}

/** The override is already stored: if the function cannot be invoked, its next tick applies it within a minute. */
export async function applyNow(cloud: Cloud, id: string, io: Io): Promise<void> {
  try {
    await cloud.invokeNightSchedule(id);
  } catch (error) {
    if (!(error instanceof CloudError)) throw error;
    io.err(
      `nightshift: warning: ${error.message}; the override takes effect at the next tick, within a minute`,
    );
  }
}

/** The environment's schedule. Throws a `RefusedError` for production and for an environment without one. */
function overridableSchedule(loaded: LoadedConfig, name: string, now: Date): Schedule {
  const refused = refuseEnvironment(name, loaded.config.environments);
  if (refused !== undefined) throw new RefusedError(refused);
  return scheduleOf(loaded.config, environmentOf(loaded, name).schedule ?? '', now);
}

interface End {
  /** In ms since 1970. */
  readonly at: number;
  /** Its time of day has passed today. */
  readonly isTomorrow?: true;
}

/** When it ends. `what` has the end, for an error. */
export function endOf(
  request: Pick<OverrideRequest, 'environment' | 'until' | 'for'> & { readonly command: string },
  now: Date,
  timeZone: string,
  what: string,
): End {
  const example = `for example: nightshift ${request.command} ${request.environment} --for 2h, or --until 23:00`;
  if (request.until !== undefined && request.for !== undefined) {
    throw new RefusedError(`--until and --for contradict each other: use one of them, ${example}`);
  }
  if (request.for !== undefined) {
    const span = parseDuration(request.for);
    if ('problem' in span) throw new RefusedError(`--for ${request.for}: ${span.problem}`);
    // On the minute, so that the tick of that minute ends it and not the next one.
    return { at: Math.round((now.getTime() + span.ms) / MINUTE_MS) * MINUTE_MS };
  }
  if (request.until === undefined) {
    throw new RefusedError(`${what} must have an end: add --until or --for, ${example}`);
  }
  const parsed = parseUntil(request.until, now, timeZone);
  if ('problem' in parsed) throw new RefusedError(`--until ${request.until}: ${parsed.problem}`);
  return parsed;
}
