/** `status`: the state of each cluster as night-schedule last observed it, and the next transition. */

import { leadAt } from '#functions/night-schedule/learn-lead.ts';
import type { Size } from '#functions/night-schedule/records.ts';
import { messageOf } from '#functions/shared/errors.ts';
import type { AnnouncedChange } from '#functions/spot-drain/announced-changes.ts';
import type { LoadedConfig } from '#lib/config-file.ts';
import { readyPhaseOf } from '#lib/settings/night-schedule.ts';
import { scheduleOf } from '#lib/settings/schedule.ts';
import { desiredAt, transitions } from '#model/desired.ts';
import { isPaused } from '#model/pause.ts';
import type { Pause, Schedule, Transition } from '#model/schedule.ts';
import type { Cloud, Night } from './cloud.ts';
import { CloudError } from './errors.ts';
import type { Io } from './io.ts';
import { formatOverride, formatPause, isActive } from './override.ts';
import { activePause } from './pause.ts';
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
  /** What AWS announced for its instances; a text says why that is unknown. */
  readonly changes: readonly AnnouncedChange[] | string;
  readonly pause?: Pause;
  /** Why it is unknown whether an environment without a schedule is paused. */
  readonly unknownPause?: string;
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
  const cloud = await io.cloud(name, environment);
  if (environment.schedule === undefined) {
    const [pause, changes] = await Promise.all([pauseOnly(cloud), cloud.announcedChanges().catch(messageOf)]);
    return { named, now: cloud.now(), changes, ...pause };
  }
  const night = await cloud.night();
  const now = cloud.now();
  const schedule = scheduleOf(loaded.config, environment.schedule, now);
  const { overrides } = night;
  const next = transitions(schedule, now, new Date(now.getTime() + HORIZON_MS), overrides)[0];
  const changes = await cloud.announcedChanges();
  const pause = isPaused(night.pause, now) ? { pause: night.pause } : {};
  return { named, now, schedule, night, changes, ...pause, ...(next ? { next } : {}) };
}

/** Who has no access to production still sees the others. */
async function pauseOnly(cloud: Cloud): Promise<Pick<Status, 'pause' | 'unknownPause'>> {
  try {
    const pause = await activePause(cloud);
    return pause ? { pause } : {};
  } catch (error) {
    if (error instanceof CloudError) return { unknownPause: error.message.split('\n')[0] ?? '' };
    throw error;
  }
}

function formatStatus(shown: Status, paint: Paint): string {
  const { named, now, schedule, night, next, changes } = shown;
  const head = environmentTitle(named, paint);
  if (!schedule || !night)
    return [
      head,
      `  never stopped (${named.environment.production ? 'production' : 'no schedule'})`,
      ...[...pauseRows(shown, 'UTC'), ...changeRows(changes, 'UTC')].map((row) => formatRow(row, paint)),
    ].join('\n');
  const { timeZone } = schedule;
  const { state, override, saved, corrupt } = night;
  const desired = desiredAt(schedule, now, override ? [override] : []);
  const dry = named.environment.dryRun ? night.dryRun : undefined;
  const current = dry ?? state;
  const since = current ? new Date(current.since) : undefined;
  const rows: Row[] = [
    ...pauseRows(shown, timeZone),
    ...retiredRows(shown, timeZone),
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
    ...leadRows(shown, schedule),
    ['override', override && isActive(override, now) ? formatOverride(override, timeZone) : 'none'],
    ...linkRows(named),
    ...saved.map(
      (one, index): Row => [index === 0 ? 'saved' : '', `${plain(one.group)}: ${sizeOf(one)}, ${one.phase}`],
    ),
    ...(dry?.wouldSave ?? []).map(
      (one, index): Row => [
        index === 0 ? 'would' : '',
        `save ${plain(one.group)}: ${sizeOf(one)}, and stop it`,
      ],
    ),
    ...doorbellRows(shown, timeZone),
    ...changeRows(changes, timeZone),
    ...corrupt.map((item): Row => ['unreadable', `${plain(item)}: not changed`]),
  ];
  return [head, ...rows.map((row) => formatRow(row, paint))].join('\n');
}

/** A label and its text. */
type Row = readonly [string, string];

function formatRow([label, text]: Row, paint: Paint): string {
  return `  ${paint.dim(label.padEnd(8))}  ${text}`;
}

function changeRows(changes: Status['changes'], timeZone: string): readonly Row[] {
  if (typeof changes === 'string') return [['changes', `unknown: ${plain(changes)}`]];
  return changes.map(({ node, instanceId, startsAt, drainAt }, index) => [
    index === 0 ? 'changes' : '',
    `AWS changes ${plain(instanceId)}${node ? ` (${plain(node)})` : ''} ${localTime(timeZone, new Date(startsAt))}: its node is drained from ${localTime(timeZone, new Date(drainAt))} on`,
  ]);
}

/** No link itself: whoever reads one can use it, and a status is shown on many screens. */
function linkRows({ name, environment: { selfService, dryRun } }: NamedEnvironment): readonly Row[] {
  return selfService?.links && !dryRun ? [['links', `to hand one on: nightshift link ${name}`]] : [];
}

/** How much earlier than the schedule the next start begins, and why. */
function leadRows({ named, night, now }: Status, schedule: Schedule): readonly Row[] {
  const readyBy = readyPhaseOf(named.environment);
  if (!readyBy) return [];
  const lead = leadAt({ readyBy, schedule }, night?.mornings ?? [], now);
  return [['lead', `starts ${Math.round(lead.seconds / 60)} min early: ${lead.reason}`]];
}

const DOORBELL_TEXTS: Readonly<Record<NonNullable<Night['doorbell']>['phase'], string>> = {
  placing: 'its rules are being put in place',
  placed: 'requests get the waiting page',
  removing:
    'its rules are being removed: requests get the waiting page until the application has healthy targets',
  removed: 'no rule is in place: requests go to the application',
  refused:
    'its rules cannot be put in place: the last failure of night-schedule says why (nightshift explain)',
};

/** Nothing without a doorbell that has rules; also after it went from the config while some were in place. */
function doorbellRows({ named, night }: Status, timeZone: string): readonly Row[] {
  const { production, doorbell } = named.environment;
  const note = night?.doorbell;
  if (!note) return !production && doorbell?.rules ? [['doorbell', 'no rule was put in place yet']] : [];
  return [
    [
      'doorbell',
      `${DOORBELL_TEXTS[note.phase]} (${note.hosts.map(plain).join(', ')}; since ${localTime(timeZone, new Date(note.since))})`,
    ],
  ];
}

function retiredRows({ night }: Status, timeZone: string): readonly Row[] {
  const since = night?.retiredSince;
  if (since === undefined) return [];
  return [
    [
      'retired',
      `since ${localTime(timeZone, new Date(since))}: night-schedule does nothing until the stack is removed`,
    ],
  ];
}

function pauseRows({ pause, unknownPause }: Status, timeZone: string): readonly Row[] {
  if (unknownPause) return [['paused', `unknown: ${plain(unknownPause)}`]];
  return pause ? [['paused', `nothing is changed: ${formatPause(pause, timeZone)}`]] : [];
}

export function statusJson({ named, now, schedule, night, next, changes, pause }: Status) {
  const { name, environment } = named;
  return {
    environment: name,
    cluster: environment.cluster,
    production: environment.production ?? false,
    ...(environment.dryRun ? { dryRun: night?.dryRun ?? {} } : {}),
    time: now.toISOString(),
    announcedChanges: typeof changes === 'string' ? null : changes,
    pause: pause ?? null,
    ...(schedule ? { schedule: schedule.name, timeZone: schedule.timeZone } : {}),
    ...(night
      ? {
          state: night.state ?? null,
          override: night.override && isActive(night.override, now) ? night.override : null,
          saved: night.saved,
          retiredSince: night.retiredSince ?? null,
          ...(night.doorbell ? { doorbell: night.doorbell } : {}),
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
