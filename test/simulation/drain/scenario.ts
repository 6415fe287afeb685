/** A random cluster: its groups, what runs on its nodes, and what AWS and people do to them. */
import type { SpotDrainSettings } from '#model/settings.ts';
import { createRandom, type Random } from '../random.ts';

export interface AppPlan {
  readonly name: string;
  readonly replicas: number;
  readonly graceSeconds: number;
  readonly exitSeconds: number;
  readonly readySeconds: number;
  readonly critical: boolean;
  readonly budgets: readonly { readonly minAvailable?: number; readonly maxUnavailable?: number }[];
  /** Its pods mount a volume. */
  readonly hasVolume?: boolean;
}

/** Seconds count from the moment at which the cluster is up. `pick` chooses one of the instances that run then. */
export type Happening = { readonly second: number; readonly pick: number } & (
  | { readonly kind: 'interruption'; readonly action: 'terminate' | 'stop' | 'hibernate' }
  | { readonly kind: 'rebalance'; readonly thenInterruptedAfter?: number }
  | { readonly kind: 'scale-in' }
  | { readonly kind: 'terminated-by-person' }
  | {
      readonly kind: 'health';
      readonly also: number;
      readonly closedAfter?: number;
      /** Seconds from the announcement until the change begins; in a week where it is not given. */
      readonly startsAfter?: number;
      /** The change is announced once more so many seconds later, for that much later. */
      readonly movedBy?: number;
    }
  | /** An admission webhook denies every eviction. */ {
      readonly kind: 'webhook';
      readonly status: 400 | 403 | 500;
      readonly forSeconds: number;
    }
  | /** The kubelet dies, and its instance runs on. */ { readonly kind: 'dead-kubelet' }
  | { readonly kind: 'budget-lifted' }
  | { readonly kind: 'app-scaled'; readonly replicas: number }
  | /** night-schedule stops the workers. */ { readonly kind: 'night-stop' }
);

export interface Scenario {
  readonly seed: number;
  readonly settings: SpotDrainSettings;
  readonly start: string;
  readonly workers: number;
  readonly managed: number;
  /** Instances of another cluster in the same account. */
  readonly foreign: number;
  readonly capacityRebalance: boolean;
  /** The lifecycle hook of the workers, if they have one. */
  readonly hook?: { readonly heartbeatSeconds: number; readonly defaultResult: 'CONTINUE' | 'ABANDON' };
  readonly daemonSet: boolean;
  readonly apps: readonly AppPlan[];
  readonly happenings: readonly Happening[];
  /** An instance that was stopped or hibernated runs again so many seconds after the interruption. */
  readonly backAfter?: number;
}

export function createScenario(seed: number, random: Random): Scenario {
  const rare = withRareHappenings(plain(seed, random), createRandom(seed ^ RARE));
  return withRebalances(withFieldCases(rare, createRandom(seed ^ FIELD)), createRandom(seed ^ REBALANCE));
}

/** A recommendation for an instance whose change is announced, or is about to be. */
const REBALANCE = 0x2eba1;

function withRebalances(scenario: Scenario, random: Random): Scenario {
  const more = scenario.happenings.flatMap(({ kind, second, pick }): readonly Happening[] => {
    if (kind !== 'health' || random.chance(0.5)) return [];
    return [{ kind: 'rebalance', pick, second: Math.max(5, second + random.between(-120, 240)) }];
  });
  const happenings = [...scenario.happenings, ...more].sort((a, b) => a.second - b.second);
  return { ...scenario, happenings };
}

/** What the reports of other drainers tell of: webhooks, dead nodes, volumes, and changes with a date. */
const FIELD = 0xf1e1d;

function withFieldCases(scenario: Scenario, random: Random): Scenario {
  const { settings, workers } = scenario;
  const at = () => ({ second: random.between(5, 240), pick: random.between(0, workers - 1) });
  const more: Happening[] = [];
  const happenings = scenario.happenings.map((one) => {
    if (one.kind !== 'health' || random.chance(0.3)) return one;
    const startsAfter = (CHANGE_LEAD_MINUTES + random.between(2, 20)) * 60;
    return { ...one, startsAfter, ...(random.chance(0.3) ? { movedBy: random.between(60, 600) } : {}) };
  });
  if (random.chance(0.12))
    more.push({
      ...at(),
      kind: 'webhook',
      status: random.pick([400, 403, 500]),
      forSeconds: random.pick([20, 90, 600]),
    });
  const isNodeDead = random.chance(0.15);
  if (isNodeDead) {
    const dead = at();
    const second = dead.second + random.between(5, 90);
    more.push({ ...dead, kind: 'dead-kubelet' }, { ...dead, second, kind: 'scale-in' });
  }
  const onScheduledChange = random.pick([
    'wait',
    'wait',
    'drain',
    ...(settings.production ? [] : ['replace']),
  ]);
  const hasVolumes = random.chance(0.2);
  return {
    ...scenario,
    settings: { ...settings, onScheduledChange: onScheduledChange as typeof settings.onScheduledChange },
    apps: scenario.apps.map((one) => ({
      ...one,
      hasVolume: hasVolumes && random.chance(0.6),
      // Without budgets it is certain how long a dead node is waited for.
      ...(isNodeDead ? { budgets: [] } : {}),
    })),
    happenings: [...happenings, ...more].sort((a, b) => a.second - b.second),
  };
}

/** As `CHANGE_LEAD_MS`. */
const CHANGE_LEAD_MINUTES = 30;

/** Happenings that were added later have their own seed: stories without them stay the same as before. */
const RARE = 0x79455;

function withRareHappenings(scenario: Scenario, random: Random): Scenario {
  const { settings, workers } = scenario;
  const replaceEarly = random.chance(0.2);
  const nightStop = random.chance(0.25) && !settings.production;
  const runsAgain = random.chance(0.12);
  const at = () => ({ second: random.between(5, 240), pick: random.between(0, workers - 1) });
  const more: Happening[] = [];
  if (nightStop) more.push({ ...at(), kind: 'night-stop' });
  if (runsAgain) more.push({ ...at(), kind: 'interruption', action: random.pick(['stop', 'hibernate']) });
  return {
    ...scenario,
    settings: { ...settings, replaceEarly },
    happenings: [...scenario.happenings, ...more].sort((a, b) => a.second - b.second),
    ...(runsAgain ? { backAfter: random.between(150, 900) } : {}),
  };
}

function plain(seed: number, random: Random): Scenario {
  const production = random.chance(0.3);
  const workers = random.between(2, 3);
  const managed = random.chance(0.3) ? 1 : 0;
  return {
    seed,
    start: new Date(Date.UTC(2026, 7, 1) + random.between(0, 60 * 24 * 60) * 60_000).toISOString(),
    workers,
    managed,
    foreign: random.chance(0.15) ? 1 : 0,
    capacityRebalance: random.chance(0.2),
    ...(random.chance(0.75)
      ? {
          hook: {
            heartbeatSeconds: random.pick([120, 600, 3600]),
            defaultResult: random.pick(['CONTINUE', 'ABANDON']),
          },
        }
      : {}),
    daemonSet: random.chance(0.5),
    apps: Array.from({ length: random.between(1, 3) }, (_, index) => app(random, index)),
    happenings: happenings(random, workers),
    settings: {
      environment: production ? 'production' : 'develop',
      production,
      account: '111111111111',
      region: 'ap-northeast-1',
      cluster: production ? 'production' : 'develop',
      dryRun: false,
      onRebalance: random.pick(['cordon', 'cordon', 'drain', 'ignore']),
      uncordonAfterMinutes: random.pick([5, 15]),
      force: random.chance(0.85),
      replaceEarly: false,
      onScheduledChange: 'drain',
      lifecycleMinutes: 60,
    },
  };
}

function app(random: Random, index: number): AppPlan {
  const replicas = random.between(1, 4);
  const graceSeconds = random.pick([1, 10, 30, 60, 300]);
  const budget = random.pick([
    { minAvailable: replicas },
    { minAvailable: Math.max(1, replicas - 1) },
    { maxUnavailable: 1 },
    { maxUnavailable: 0 },
  ]);
  return {
    name: `app-${index}`,
    replicas,
    graceSeconds,
    exitSeconds: random.between(0, Math.min(graceSeconds, 90)),
    readySeconds: random.pick([2, 10, 40]),
    critical: random.chance(0.1),
    budgets: random.chance(0.6) ? (random.chance(0.12) ? [budget, { maxUnavailable: 1 }] : [budget]) : [],
  };
}

function happenings(random: Random, workers: number): Happening[] {
  const list: Happening[] = [];
  const count = random.pick([1, 1, 2, 3]);
  for (let index = 0; index < count; index++) {
    const at = { second: random.between(5, 240), pick: random.between(0, workers - 1) };
    const roll = random.between(0, 9);
    if (roll < 4)
      list.push({
        ...at,
        kind: 'interruption',
        action: random.pick(['terminate', 'terminate', 'stop', 'hibernate']),
      });
    else if (roll < 6)
      list.push({
        ...at,
        kind: 'rebalance',
        ...(random.chance(0.4) ? { thenInterruptedAfter: random.between(1, 200) } : {}),
      });
    else if (roll < 8) list.push({ ...at, kind: 'scale-in' });
    else if (roll < 9)
      list.push({
        ...at,
        kind: 'health',
        also: random.between(0, workers - 1),
        ...(random.chance(0.7) ? { closedAfter: random.between(300, 900) } : {}),
      });
    else list.push({ ...at, kind: 'terminated-by-person' });
  }
  if (random.chance(0.2)) list.push({ second: random.between(20, 300), pick: 0, kind: 'budget-lifted' });
  if (random.chance(0.2))
    list.push({
      second: random.between(10, 300),
      pick: random.between(0, 2),
      kind: 'app-scaled',
      replicas: random.between(0, 5),
    });
  return list.sort((a, b) => a.second - b.second);
}
