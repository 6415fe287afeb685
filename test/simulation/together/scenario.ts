/** A random night in which all three functions work: a cluster with its schedule, its pods, and its branch. */
import type { WarmPool } from '#functions/night-schedule/records.ts';
import type { Override, Schedule } from '#model/schedule.ts';
import type { NightScheduleSettings } from '#model/settings.ts';
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
import { createKubernetesPlan, type KubernetesPlan } from '../night/kubernetes.ts';
import { aPool } from '../night/scenario.ts';
import { createRandom, type Random } from '../random.ts';

/** Minutes count from the stop of the schedule. */
export type Happening = { readonly minute: number } & (
  | { readonly kind: 'drain'; readonly what: DrainHappening }
  | { readonly kind: 'deploy'; readonly what: DeployHappening }
  | { readonly kind: 'override'; readonly state: Override['state']; readonly forMinutes: number }
  | { readonly kind: 'cancel' }
  | { readonly kind: 'shortage'; readonly forMinutes: number }
  /** A new version of the managed nodegroup. */
  | { readonly kind: 'rollout'; readonly forMinutes: number }
);

export interface Scenario {
  readonly seed: number;
  readonly night: NightScheduleSettings;
  readonly drain: DrainScenario;
  readonly deploy: DeployScenario;
  /** Smallest size of the workers' group. */
  readonly least: number;
  /** Of the workers' group. */
  readonly warmPool: WarmPool | undefined;
  /** Argo CD runs on the cluster's own nodes, and sleeps with them. */
  readonly argocdSleeps: boolean;
  /** NodePools of Karpenter or EKS Auto Mode, beside the groups. */
  readonly kubernetes: KubernetesPlan;
  readonly begin: string;
  /** The transitions of the schedule. ISO 8601. */
  readonly stop: string;
  readonly start: string;
  readonly happenings: readonly Happening[];
}

/** From the beginning to the stop: the cluster comes up, and the day ends. */
export const BEFORE_STOP_MINUTES = 10;
const WARM_UP_MINUTES = 3;
/** The scheduler tries each of them again and again all night. */
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

export function createScenario(seed: number, random: Random, isPlain = false): Scenario {
  const hours = random.pick([3, 3, 4]);
  const stop = Date.UTC(2026, 7, 3) + random.between(0, 60) * 86_400_000 + STOPS_AT * 60_000;
  const begin = new Date(stop - BEFORE_STOP_MINUTES * 60_000).toISOString();
  const start = new Date(stop + hours * 3_600_000).toISOString();
  const schedule = scheduleOf(STOPS_AT + hours * 60);
  const { backAfter: _, ...drain } = drainScenario(seed, random);
  // A Deployment of the lab does not pull a tag again: what stays the same is in the story of a deploy.
  const { token: __, ...plain } = deployScenario(seed, random, isPlain);
  const deploy = plain.delivery?.bring === 'restart' ? withoutDelivery(plain) : plain;
  // A NodePool that cannot be read keeps the cluster from sleeping: that is a story of its own.
  const kubernetes = { ...createKubernetesPlan(seed ^ 0x7065, false), malformed: undefined };
  return {
    seed,
    night: {
      ...COMMON,
      schedule,
      nodegroups: 'all',
      keep: [],
      onManualChange: random.chance(0.8) ? 'respect' : 'enforce',
      stopDeadlineMinutes: 20,
      startDeadlineMinutes: 20,
      warnMinutes: random.pick([0, 30]),
      readyBy: false,
      ...kubernetes.settings,
    },
    kubernetes,
    drain: {
      ...drain,
      settings: {
        ...drain.settings,
        ...COMMON,
        // A detached instance is in no group, and no stop takes it.
        onScheduledChange: drain.settings.onScheduledChange === 'wait' ? 'wait' : 'drain',
      },
      apps: drain.apps
        .slice(0, 2)
        .map((app) => ({ ...app, replicas: Math.min(app.replicas, MOST_REPLICAS) })),
      start: begin,
      happenings: [],
    },
    deploy: {
      ...deploy,
      settings: { ...deploy.settings, ...COMMON, schedule, whenAsleep: random.pick(['defer', 'wake']) },
      start: begin,
      sleep: { from: BEFORE_STOP_MINUTES, to: BEFORE_STOP_MINUTES + hours * 60 },
      happenings: [],
    },
    least: random.between(0, drain.workers),
    warmPool: warmPoolOf(createRandom(seed ^ 0x3a93), drain.workers),
    argocdSleeps: random.chance(0.6),
    begin,
    stop: new Date(stop).toISOString(),
    start,
    happenings: [
      ...happenings(random, hours * 60),
      ...sleepOverride(createRandom(seed ^ 0x51eeb), hours * 60),
      ...fieldCases(createRandom(seed ^ 0xf1e1d), hours * 60),
      ...(drain.managed > 0 ? rollouts(createRandom(seed ^ 0x4011), hours * 60) : []),
    ].sort((a, b) => a.minute - b.minute),
  };
}

/** Its own seed leaves the other happenings as they were. No reuse: what returns to the pool is drained without an end. */
function warmPoolOf(random: Random, workers: number): WarmPool | undefined {
  return random.chance(0.3) ? { ...aPool(random, { max: workers + 3 }), reuse: false } : undefined;
}

function withoutDelivery({ delivery: _, ...scenario }: DeployScenario): DeployScenario {
  const builds = scenario.settings.builds.map((binding) => ({
    ...binding,
    applications: binding.applications.map(({ images: __, bring: ___, ...application }) => application),
  }));
  return { ...scenario, settings: { ...scenario.settings, builds } };
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

function happenings(random: Random, nightMinutes: number): Happening[] {
  const list: Happening[] = [];
  const beforeTheStop = () => random.between(WARM_UP_MINUTES - BEFORE_STOP_MINUTES, -1);
  const atTheStop = () => random.between(0, 5);
  const atNight = () => random.between(30, nightMinutes - 120);
  const atTheStart = () => nightMinutes + random.between(0, 7);

  for (const minute of [beforeTheStop, atTheStop, atTheStart])
    if (random.chance(0.6)) list.push({ minute: minute(), kind: 'drain', what: taken(random) });
  if (random.chance(0.15))
    list.push({ minute: beforeTheStop(), kind: 'drain', what: { ...spot(random), kind: 'budget-lifted' } });

  for (const minute of [beforeTheStop, atTheStop, atNight, atTheStart])
    if (random.chance(0.5)) list.push({ minute: minute(), kind: 'deploy', what: push(random) });
  if (random.chance(0.15))
    list.push({
      minute: random.pick([beforeTheStop, atNight, atTheStart])(),
      kind: 'deploy',
      what: { minute: 0, kind: 'foreign-sync', application: 0 },
    });
  if (random.chance(0.1))
    list.push({
      minute: atTheStart(),
      kind: 'deploy',
      what: { minute: 0, kind: 'argocd-down', forMinutes: random.between(3, 20) },
    });

  if (random.chance(0.4)) {
    const keepsUp = random.chance(0.75);
    const minute = keepsUp
      ? random.pick([beforeTheStop, atTheStop, atNight])()
      : nightMinutes + random.between(-15, 10);
    const forMinutes = random.between(10, keepsUp ? 100 : 40);
    list.push({ minute, kind: 'override', state: keepsUp ? 'awake' : 'asleep', forMinutes });
    if (random.chance(0.25)) list.push({ minute: minute + random.between(1, forMinutes), kind: 'cancel' });
  }
  if (random.chance(0.15))
    list.push({ minute: nightMinutes - 10, kind: 'shortage', forMinutes: random.between(5, 25) });
  return list;
}

/**
 * A person wants the cluster to sleep while deploys arrive: the one override that a wake could overrule. Its own seed
 * leaves the other happenings as they were.
 */
function sleepOverride(random: Random, nightMinutes: number): Happening[] {
  if (!random.chance(0.2)) return [];
  const minute = random.pick([random.between(0, 5), random.between(30, nightMinutes - 120)]);
  return [{ minute, kind: 'override', state: 'asleep', forMinutes: random.between(30, 150) }];
}

/** What the reports of other drainers describe. Its own seed, as that of `sleepOverride`. */
function fieldCases(random: Random, nightMinutes: number): Happening[] {
  const list: Happening[] = [];
  const beforeTheStop = () => random.between(WARM_UP_MINUTES - BEFORE_STOP_MINUTES, -1);
  const atTheStop = () => random.between(0, 3);
  const atTheStart = () => nightMinutes + random.between(0, 5);
  const add = (minute: number, what: DrainHappening) => list.push({ minute, kind: 'drain', what });
  if (random.chance(0.25))
    add(random.pick([beforeTheStop, atTheStop, atTheStart])(), {
      ...spot(random),
      kind: 'webhook',
      status: random.pick([400, 403, 500]),
      forSeconds: random.pick([20, 90, 600]),
    });
  // A node that dies in the morning would keep the cluster from being awake.
  if (random.chance(0.2))
    add(random.pick([beforeTheStop, atTheStop])(), { ...spot(random), kind: 'dead-kubelet' });
  if (random.chance(0.25)) {
    const at = spot(random);
    add(random.pick([beforeTheStop, atTheStop, atTheStart])(), {
      ...at,
      kind: 'health',
      also: at.pick,
      // A node that stays cordoned would take no pods of the deploys.
      closedAfter: random.between(300, 900),
      ...(random.chance(0.7) ? { startsAfter: random.between(32, 50) * 60 } : {}),
      ...(random.chance(0.3) ? { movedBy: random.between(60, 280) } : {}),
    });
  }
  return list;
}

function rollouts(random: Random, nightMinutes: number): Happening[] {
  const rollout = (minute: number): Happening => ({
    minute,
    kind: 'rollout',
    forMinutes: random.between(3, 12),
  });
  return [
    ...(random.chance(0.5) ? [rollout(random.between(-5, 2))] : []),
    ...(random.chance(0.25) ? [rollout(nightMinutes + random.between(-3, 5))] : []),
  ];
}

function taken(random: Random): DrainHappening {
  const at = spot(random);
  switch (random.pick(['interruption', 'interruption', 'scale-in', 'rebalance', 'terminated-by-person'])) {
    case 'scale-in':
      return { ...at, kind: 'scale-in' };
    case 'rebalance':
      return {
        ...at,
        kind: 'rebalance',
        ...(random.chance(0.4) ? { thenInterruptedAfter: random.between(1, 200) } : {}),
      };
    case 'terminated-by-person':
      return { ...at, kind: 'terminated-by-person' };
    default:
      return { ...at, kind: 'interruption', action: random.pick(['terminate', 'terminate', 'stop']) };
  }
}

function spot(random: Random) {
  return { second: 0, pick: random.between(0, 7) };
}

function push(random: Random): DeployHappening {
  return { minute: 0, kind: 'push', branch: 'develop', times: random.pick([1, 1, 2]) };
}
