/** One night by chance in which everything meets: a cluster with its schedule, its pods, and its branch. */
import type { Override, Schedule } from '#model/schedule.ts';
import type { NightScheduleSettings } from '#model/settings.ts';
import { type Chance, createChance } from '../chance.ts';
import {
  type Happening as DeployHappening,
  type Scenario as DeployScenario,
  createScenario as deployScenario,
} from '../deploy/scenario.ts';
import {
  type Happening as DrainHappening,
  type Scenario as DrainScenario,
  createScenario as drainScenario,
} from '../drain/scenario.ts';

/** Minutes count from the stop of the schedule. */
export type Happening = { readonly minute: number } & (
  | { readonly kind: 'drain'; readonly what: DrainHappening }
  | { readonly kind: 'deploy'; readonly what: DeployHappening }
  | { readonly kind: 'override'; readonly state: Override['state']; readonly forMinutes: number }
  | { readonly kind: 'cancel' }
  | { readonly kind: 'shortage'; readonly forMinutes: number }
);

export interface Scenario {
  readonly seed: number;
  readonly night: NightScheduleSettings;
  readonly drain: DrainScenario;
  readonly deploy: DeployScenario;
  /** Smallest size of the workers' group. */
  readonly least: number;
  /** Argo CD runs on the cluster's own nodes, and sleeps with them. */
  readonly argocdSleeps: boolean;
  readonly begin: string;
  /** The edges of the schedule. ISO 8601. */
  readonly stop: string;
  readonly start: string;
  readonly happenings: readonly Happening[];
}

/** From the beginning to the stop: the cluster comes up, and the day ends. */
export const BEFORE_STOP_MINUTES = 10;
const WARM_UP_MINUTES = 3;
/** Each waits for a node all night, and is looked at again and again. */
const MOST_REPLICAS = 2;
const STOPS_AT = 16 * 60;
const COMMON = {
  environment: 'develop',
  production: false,
  account: '111111111111',
  region: 'ap-northeast-1',
  cluster: 'develop',
  dryRun: false,
} as const;

export function createScenario(seed: number, chance: Chance): Scenario {
  const hours = chance.of([3, 3, 4]);
  const stop = Date.UTC(2026, 7, 3) + chance.between(0, 60) * 86_400_000 + STOPS_AT * 60_000;
  const begin = new Date(stop - BEFORE_STOP_MINUTES * 60_000).toISOString();
  const start = new Date(stop + hours * 3_600_000).toISOString();
  const schedule = scheduleOf(STOPS_AT + hours * 60);
  const { backAfter: _, ...drain } = drainScenario(seed, chance);
  const { token: __, ...deploy } = deployScenario(seed, chance);
  return {
    seed,
    night: {
      ...COMMON,
      schedule,
      nodegroups: 'all',
      keep: [],
      onManualChange: chance.is(0.8) ? 'respect' : 'enforce',
      stopDeadlineMinutes: 20,
      startDeadlineMinutes: 20,
      warnMinutes: chance.of([0, 30]),
      readyBy: false,
    },
    drain: {
      ...drain,
      settings: { ...drain.settings, ...COMMON },
      apps: drain.apps
        .slice(0, 2)
        .map((app) => ({ ...app, replicas: Math.min(app.replicas, MOST_REPLICAS) })),
      start: begin,
      happenings: [],
    },
    deploy: {
      ...deploy,
      settings: { ...deploy.settings, ...COMMON, schedule, whenAsleep: chance.of(['defer', 'wake']) },
      start: begin,
      nap: { from: BEFORE_STOP_MINUTES, to: BEFORE_STOP_MINUTES + hours * 60 },
      happenings: [],
    },
    least: chance.between(0, drain.workers),
    argocdSleeps: chance.is(0.6),
    begin,
    stop: new Date(stop).toISOString(),
    start,
    happenings: [
      ...happenings(chance, hours * 60),
      ...keptAsleep(createChance(seed ^ 0x51eeb), hours * 60),
    ].sort((a, b) => a.minute - b.minute),
  };
}

/** Up all the time but for a few hours each evening. */
function scheduleOf(minute: number): Schedule {
  return {
    name: 'office',
    timeZone: 'UTC',
    up: ([1, 2, 3, 4, 5, 6, 7] as const).flatMap((day) => [
      { start: { day, minute: 0 }, end: { day, minute: STOPS_AT } },
      { start: { day, minute }, end: { day, minute: 1440 } },
    ]),
  };
}

function happenings(chance: Chance, nightMinutes: number): Happening[] {
  const list: Happening[] = [];
  const beforeTheStop = () => chance.between(WARM_UP_MINUTES - BEFORE_STOP_MINUTES, -1);
  const atTheStop = () => chance.between(0, 5);
  const atNight = () => chance.between(30, nightMinutes - 120);
  const atTheStart = () => nightMinutes + chance.between(0, 7);

  for (const minute of [beforeTheStop, atTheStop, atTheStart])
    if (chance.is(0.6)) list.push({ minute: minute(), kind: 'drain', what: taken(chance) });
  if (chance.is(0.15))
    list.push({ minute: beforeTheStop(), kind: 'drain', what: { ...spot(chance), kind: 'budget-lifted' } });

  for (const minute of [beforeTheStop, atTheStop, atNight, atTheStart])
    if (chance.is(0.5)) list.push({ minute: minute(), kind: 'deploy', what: push(chance) });
  if (chance.is(0.15))
    list.push({
      minute: chance.of([beforeTheStop, atNight, atTheStart])(),
      kind: 'deploy',
      what: { minute: 0, kind: 'foreign-sync', application: 0 },
    });
  if (chance.is(0.1))
    list.push({
      minute: atTheStart(),
      kind: 'deploy',
      what: { minute: 0, kind: 'argocd-down', forMinutes: chance.between(3, 20) },
    });

  if (chance.is(0.4)) {
    const keepsUp = chance.is(0.75);
    const minute = keepsUp
      ? chance.of([beforeTheStop, atTheStop, atNight])()
      : nightMinutes + chance.between(-15, 10);
    const forMinutes = chance.between(10, keepsUp ? 100 : 40);
    list.push({ minute, kind: 'override', state: keepsUp ? 'awake' : 'asleep', forMinutes });
    if (chance.is(0.25)) list.push({ minute: minute + chance.between(1, forMinutes), kind: 'cancel' });
  }
  if (chance.is(0.15))
    list.push({ minute: nightMinutes - 10, kind: 'shortage', forMinutes: chance.between(5, 25) });
  return list;
}

/**
 * A person wants the cluster to sleep while deploys arrive: the one override that a wake could overrule. Its own chance
 * leaves the other happenings of a seed as they were.
 */
function keptAsleep(chance: Chance, nightMinutes: number): Happening[] {
  if (!chance.is(0.2)) return [];
  const minute = chance.of([chance.between(0, 5), chance.between(30, nightMinutes - 120)]);
  return [{ minute, kind: 'override', state: 'asleep', forMinutes: chance.between(30, 150) }];
}

function taken(chance: Chance): DrainHappening {
  const at = spot(chance);
  switch (chance.of(['interruption', 'interruption', 'scale-in', 'rebalance', 'terminated-by-person'])) {
    case 'scale-in':
      return { ...at, kind: 'scale-in' };
    case 'rebalance':
      return {
        ...at,
        kind: 'rebalance',
        ...(chance.is(0.4) ? { thenInterruptedAfter: chance.between(1, 200) } : {}),
      };
    case 'terminated-by-person':
      return { ...at, kind: 'terminated-by-person' };
    default:
      return { ...at, kind: 'interruption', action: chance.of(['terminate', 'terminate', 'stop']) };
  }
}

function spot(chance: Chance) {
  return { second: 0, pick: chance.between(0, 7) };
}

function push(chance: Chance): DeployHappening {
  return { minute: 0, kind: 'push', branch: 'develop', times: chance.of([1, 1, 2]) };
}
