/** `pause`: until it ends every capability of one environment decides and records, and changes nothing. */
import { environmentOf, type LoadedConfig } from '#lib/config-file.ts';
import { scheduleOf } from '#lib/settings/schedule.ts';
import { refuseOverride } from '#model/override.ts';
import { isPaused } from '#model/pause.ts';
import type { Pause } from '#model/schedule.ts';
import type { Cloud } from './cloud.ts';
import { RefusedError } from './errors.ts';
import type { Io } from './io.ts';
import { applyNow, endOf, formatPause, NO_REASON, requestedBy } from './override.ts';
import { localTime } from './text.ts';

export interface PauseRequest {
  /** The environment's name in the config; production too. */
  readonly environment: string;
  readonly until?: string;
  readonly for?: string;
  /** A name that is shown beside the one of AWS. */
  readonly author?: string;
  readonly reason?: string;
  /** Ends the pause now. */
  readonly cancel?: boolean;
  readonly json?: boolean;
}

/** Throws a `RefusedError` for an invalid request, a `CloudError` when AWS refuses or is unreachable. */
export async function pauseEnvironment(loaded: LoadedConfig, request: PauseRequest, io: Io): Promise<void> {
  const { environment: name } = request;
  const environment = environmentOf(loaded, name);
  const schedule =
    environment.schedule === undefined
      ? undefined
      : scheduleOf(loaded.config, environment.schedule, io.now());
  const zone = schedule?.timeZone ?? 'UTC';
  const spanFrom = (from: Date): Span => {
    const until = endOf({ ...request, command: 'pause' }, from, zone, 'a pause').at;
    refuseInvalid(request, { from, until }, zone);
    return { from, until };
  };
  // An invalid request is refused before the first one to AWS.
  if (request.cancel) refuseEnd(request);
  else spanFrom(io.now());

  const cloud = await io.cloud(name, environment);
  const before = await cloud.pause();
  const now = cloud.now();
  const active = isPaused(before, now) ? before : undefined;
  const next = request.cancel ? ended(active, now) : await requestedBy(cloud, request, spanFrom(now), io);
  if (next) await cloud.setPause(next);
  if (next && schedule && !environment.production) await applyNow(cloud, `pause-${now.toISOString()}`, io);
  const pause = request.cancel ? undefined : next;
  if (request.json) {
    const document = { environment: name, pause: pause ?? null, ...(active ? { before: active } : {}) };
    io.out(JSON.stringify(document, null, 2));
    return;
  }
  io.out(pause ? pausedText(name, pause, active, zone) : cancelledText(name, active, zone));
}

function refuseEnd({ until, for: span }: PauseRequest): void {
  if (until !== undefined || span !== undefined)
    throw new RefusedError('--cancel ends the pause now: leave out --until and --for');
}

/** It stays readable: the deadline of a stop or a start does not count the time of the pause. */
function ended(active: Pause | undefined, now: Date): Pause | undefined {
  return active && { ...active, until: now.toISOString() };
}

interface Span {
  readonly from: Date;
  readonly until: number;
}

function refuseInvalid(
  { author, reason = NO_REASON }: PauseRequest,
  { from, until }: Span,
  zone: string,
): void {
  const end = new Date(until);
  const refused = refuseOverride(
    { until: end.toISOString(), reason, ...(author === undefined ? {} : { label: author }) },
    from,
    {
      instead: 'or pause it again when the pause ends',
      shownUntil: `${localTime(zone, end)} (${zone})`,
    },
  );
  if (refused !== undefined) throw new RefusedError(refused);
}

function pausedText(name: string, pause: Pause, replaced: Pause | undefined, zone: string): string {
  return [
    `${name}: ${formatPause(pause, zone)}`,
    ...(replaced ? [`  replaces: ${formatPause(replaced, zone)}`] : []),
    '  nothing is stopped, started, drained or deployed; what would be done is recorded',
    '  a lifecycle action is completed without a drain; what is being done now ends within three minutes',
    `  decisions: nightshift explain ${name}; undo: nightshift pause ${name} --cancel`,
  ].join('\n');
}

function cancelledText(name: string, active: Pause | undefined, zone: string): string {
  return active ? `${name}: cancelled: ${formatPause(active, zone)}` : `${name}: no active pause to cancel`;
}

/** Undefined where the environment has none now. */
export async function activePause(cloud: Pick<Cloud, 'pause' | 'now'>): Promise<Pause | undefined> {
  const pause = await cloud.pause();
  return isPaused(pause, cloud.now()) ? pause : undefined;
}
