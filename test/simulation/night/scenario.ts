/** A random night: a cluster, its schedule, and what people and AWS do to it. Determined by the seed. */

import type { WarmPool } from '#functions/night-schedule/records.ts';
import type { Override, Schedule, Weekday } from '#model/schedule.ts';
import type { NightScheduleSettings } from '#model/settings.ts';
import { createRandom, type Random } from '../random.ts';
import { createKubernetesPlan, type KubernetesPlan } from './kubernetes.ts';

export interface GroupPlan {
  readonly name: string;
  readonly kind: 'managed' | 'self-managed';
  readonly min: number;
  readonly desired: number;
  readonly max: number;
  readonly capacityType: 'SPOT' | 'ON_DEMAND';
  /** Every resize of it is refused; that must not stop the work on the others. */
  readonly broken: boolean;
  readonly warmPool?: WarmPool;
}

/** Minutes count from the stop. */
export type Happening =
  | { readonly kind: 'resize'; readonly minute: number; readonly group: string; readonly desired: number }
  | { readonly kind: 'delete'; readonly minute: number; readonly group: string }
  | { readonly kind: 'create'; readonly minute: number; readonly group: string; readonly desired: number }
  | {
      readonly kind: 'override';
      readonly minute: number;
      readonly state: Override['state'];
      readonly forMinutes: number;
    }
  | { readonly kind: 'cancel'; readonly minute: number }
  | { readonly kind: 'shortage'; readonly minute: number; readonly forMinutes: number }
  | { readonly kind: 'autoscaler-restarted'; readonly minute: number }
  | { readonly kind: 'rollout'; readonly minute: number; readonly group: string; readonly minutes: number };

export interface Scenario {
  readonly seed: number;
  readonly settings: NightScheduleSettings;
  readonly groups: readonly GroupPlan[];
  readonly replicas: number | undefined;
  readonly kubernetes: KubernetesPlan;
  /** The transition of the schedule at which the night begins, and the one at which it ends. ISO 8601. */
  readonly stop: string;
  readonly start: string;
  readonly happenings: readonly Happening[];
}

const ZONES = [
  'Asia/Tokyo',
  'America/New_York',
  'Europe/London',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
  'UTC',
] as const;
const WORKDAYS: readonly Weekday[] = [1, 2, 3, 4, 5];

export function createScenario(seed: number, random: Random): Scenario {
  const timeZone = random.pick(ZONES);
  const from = random.pick([7 * 60, 8 * 60, 9 * 60]);
  const to = random.pick([19 * 60, 22 * 60, 26 * 60]);
  const schedule = scheduleOf(timeZone, from, to);
  const count = random.between(1, 5);
  const autoscaled = random.chance(0.4);
  const plans = Array.from({ length: count }, (_, index) => groupPlan(random, index, autoscaled));
  const groups = plans.map((plan) =>
    random.chance(0.2) ? { ...plan, warmPool: aPool(random, plan) } : plan,
  );
  const host = groups[0]?.name ?? '';
  const stop = anEvening(random, timeZone, to);
  const length = 24 * 60 - (to - from);
  const kubernetes = createKubernetesPlan(seed, autoscaled);
  return {
    seed,
    groups,
    kubernetes,
    replicas: autoscaled ? random.between(1, 2) : undefined,
    stop: stop.toISOString(),
    start: new Date(stop.getTime() + length * 60_000).toISOString(),
    happenings: [...happenings(random, groups, autoscaled, length), ...rollouts(seed, groups, length)].sort(
      (a, b) => a.minute - b.minute,
    ),
    settings: {
      environment: 'develop',
      production: false,
      account: '111111111111',
      region: 'ap-northeast-1',
      cluster: 'develop',
      dryRun: false,
      schedule,
      nodegroups: 'all',
      keep: [],
      onManualChange: random.chance(0.8) ? 'respect' : 'enforce',
      stopDeadlineMinutes: 20,
      startDeadlineMinutes: 20,
      warnMinutes: random.pick([0, 30]),
      readyBy: random.chance(0.3) && 'nodes',
      ...kubernetes.settings,
      ...(autoscaled
        ? {
            autoscaler: {
              kind: 'cluster-autoscaler',
              namespace: 'kube-system',
              deployment: 'cluster-autoscaler',
              hostGroup: host,
            },
          }
        : {}),
    },
  };
}

/** One object for each schedule: `desired-memo.ts` remembers by object. */
const schedules = new Map<string, Schedule>();

function scheduleOf(timeZone: string, from: number, to: number): Schedule {
  const key = `${timeZone} ${from}-${to}`;
  const known = schedules.get(key);
  if (known) return known;
  const made: Schedule = {
    name: 'office',
    timeZone,
    up: WORKDAYS.map((day) => ({
      start: { day, minute: from },
      end: to > 1440 ? { day: (day + 1) as Weekday, minute: to - 1440 } : { day, minute: to },
    })),
  };
  schedules.set(key, made);
  return made;
}

function groupPlan(random: Random, index: number, autoscaled: boolean): GroupPlan {
  const atZero = random.chance(0.1) && !(autoscaled && index === 0);
  const desired = atZero ? 0 : random.between(1, 6);
  return {
    name: `group-${index}`,
    kind: random.chance(0.6) ? 'managed' : 'self-managed',
    min: random.between(0, desired),
    desired,
    max: Math.max(1, desired + random.between(0, 3)),
    capacityType: random.chance(0.7) ? 'SPOT' : 'ON_DEMAND',
    // Never the autoscaler's host: the order of stop and start depends on it.
    broken: index > 0 && random.chance(0.05),
  };
}

export function aPool(random: Random, { max }: Pick<GroupPlan, 'max'>): WarmPool {
  const min = random.between(0, 2);
  return {
    min,
    ...(random.chance(0.5) ? {} : { maxPrepared: random.between(min, max + 1) }),
    state: random.pick(['Stopped', 'Running', 'Hibernated']),
    reuse: random.chance(0.5),
  };
}

function happenings(
  random: Random,
  groups: readonly GroupPlan[],
  autoscaled: boolean,
  nightMinutes: number,
): Happening[] {
  const list: Happening[] = [];
  const some = () => groups[random.between(0, groups.length - 1)]?.name ?? '';
  const atNight = () => random.between(-20, nightMinutes - 30);
  if (random.chance(0.25))
    list.push({ kind: 'resize', minute: atNight(), group: some(), desired: random.between(1, 4) });
  if (groups.length > 1 && random.chance(0.05))
    list.push({ kind: 'delete', minute: atNight(), group: groups.at(-1)?.name ?? '' });
  if (random.chance(0.08))
    list.push({ kind: 'create', minute: atNight(), group: 'created', desired: random.between(1, 3) });
  if (random.chance(0.3)) {
    const minute = atNight();
    const forMinutes = random.between(10, 180);
    list.push({ kind: 'override', minute, state: random.chance(0.7) ? 'awake' : 'asleep', forMinutes });
    if (random.chance(0.3)) list.push({ kind: 'cancel', minute: minute + random.between(1, forMinutes) });
  }
  if (random.chance(0.15))
    list.push({ kind: 'shortage', minute: nightMinutes - 10, forMinutes: random.between(5, 40) });
  if (autoscaled && random.chance(0.2))
    list.push({ kind: 'autoscaler-restarted', minute: random.between(5, nightMinutes - 30) });
  return list.sort((a, b) => a.minute - b.minute);
}

/** A new version of a nodegroup, in progress at the stop or at the start. Its own seed leaves the other happenings as they were. */
function rollouts(seed: number, groups: readonly GroupPlan[], nightMinutes: number): Happening[] {
  const random = createRandom(seed ^ 0x4011);
  const managed = groups.filter(({ kind, broken, desired }) => kind === 'managed' && !broken && desired > 0);
  if (managed.length === 0) return [];
  const kind = 'rollout' as const;
  const at = (minute: number): Happening => ({
    kind,
    minute,
    group: managed[random.between(0, managed.length - 1)]?.name ?? '',
    minutes: random.between(3, 30),
  });
  return [
    ...(random.chance(0.3) ? [at(random.between(-8, 2))] : []),
    ...(random.chance(0.15) ? [at(nightMinutes + random.between(-3, 5))] : []),
  ];
}

/** A Monday to Thursday evening of 2026 or 2027, so that the next day is a workday; also around changes of the clock. */
function anEvening(random: Random, timeZone: string, minute: number): Date {
  for (;;) {
    const day = Date.UTC(2026, 0, 5 + random.between(0, 700));
    if (![1, 2, 3, 4].includes(new Date(day).getUTCDay())) continue;
    const wall = day + minute * 60_000;
    return new Date(wall - offsetAt(timeZone, wall));
  }
}

/** Slow to create, and the same for all nights of a zone. */
const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known) return known;
  const made = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' });
  formats.set(timeZone, made);
  return made;
}

function offsetAt(timeZone: string, at: number): number {
  const found = /GMT([+-])(\d{2}):(\d{2})/.exec(formatOf(timeZone).format(at));
  if (!found) return 0;
  return (found[1] === '-' ? -1 : 1) * (Number(found[2]) * 60 + Number(found[3])) * 60_000;
}
