/** One cluster by chance: its groups, what runs on its nodes, and what AWS and people do to them. */
import type { SpotDrainSettings } from '#model/settings.ts';
import { type Chance, createChance } from '../chance.ts';

export interface AppPlan {
  readonly name: string;
  readonly replicas: number;
  readonly graceSeconds: number;
  readonly exitSeconds: number;
  readonly readySeconds: number;
  readonly critical: boolean;
  readonly budgets: readonly { readonly minAvailable?: number; readonly maxUnavailable?: number }[];
}

/** Seconds count from the moment at which the cluster is up. `pick` chooses one of the instances that run then. */
export type Happening = { readonly second: number; readonly pick: number } & (
  | { readonly kind: 'interruption'; readonly action: 'terminate' | 'stop' | 'hibernate' }
  | { readonly kind: 'rebalance'; readonly thenInterruptedAfter?: number }
  | { readonly kind: 'scale-in' }
  | { readonly kind: 'terminated-by-person' }
  | { readonly kind: 'health'; readonly also: number; readonly closedAfter?: number }
  | { readonly kind: 'budget-lifted' }
  | { readonly kind: 'app-scaled'; readonly replicas: number }
  | /** Our own stop takes the workers. */ { readonly kind: 'night-stop' }
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
  /** An instance that was stopped or hibernates runs again so many seconds after it was taken. */
  readonly backAfter?: number;
}

export function createScenario(seed: number, chance: Chance): Scenario {
  return withRarities(plain(seed, chance), createChance(seed ^ RARITIES));
}

/** What came to the stories later has a chance of its own: the stories without it are the same as before. */
const RARITIES = 0x79455;

function withRarities(scenario: Scenario, chance: Chance): Scenario {
  const { settings, workers } = scenario;
  const replaceEarly = chance.is(0.2);
  const nightStop = chance.is(0.25) && !settings.production;
  const comesBack = chance.is(0.12);
  const at = () => ({ second: chance.between(5, 240), pick: chance.between(0, workers - 1) });
  const more: Happening[] = [];
  if (nightStop) more.push({ ...at(), kind: 'night-stop' });
  if (comesBack) more.push({ ...at(), kind: 'interruption', action: chance.of(['stop', 'hibernate']) });
  return {
    ...scenario,
    settings: { ...settings, replaceEarly },
    happenings: [...scenario.happenings, ...more].sort((a, b) => a.second - b.second),
    ...(comesBack ? { backAfter: chance.between(150, 900) } : {}),
  };
}

function plain(seed: number, chance: Chance): Scenario {
  const production = chance.is(0.3);
  const workers = chance.between(2, 3);
  const managed = chance.is(0.3) ? 1 : 0;
  return {
    seed,
    start: new Date(Date.UTC(2026, 7, 1) + chance.between(0, 60 * 24 * 60) * 60_000).toISOString(),
    workers,
    managed,
    foreign: chance.is(0.15) ? 1 : 0,
    capacityRebalance: chance.is(0.2),
    ...(chance.is(0.75)
      ? {
          hook: {
            heartbeatSeconds: chance.of([120, 600, 3600]),
            defaultResult: chance.of(['CONTINUE', 'ABANDON']),
          },
        }
      : {}),
    daemonSet: chance.is(0.5),
    apps: Array.from({ length: chance.between(1, 3) }, (_, index) => app(chance, index)),
    happenings: happenings(chance, workers),
    settings: {
      environment: production ? 'production' : 'develop',
      production,
      account: '111111111111',
      region: 'ap-northeast-1',
      cluster: production ? 'production' : 'develop',
      dryRun: false,
      onRebalance: chance.of(['cordon', 'cordon', 'drain', 'ignore']),
      uncordonAfterMinutes: chance.of([5, 15]),
      force: chance.is(0.85),
      replaceEarly: false,
      lifecycleMinutes: 60,
    },
  };
}

function app(chance: Chance, index: number): AppPlan {
  const replicas = chance.between(1, 4);
  const graceSeconds = chance.of([1, 10, 30, 60, 300]);
  const budget = chance.of([
    { minAvailable: replicas },
    { minAvailable: Math.max(1, replicas - 1) },
    { maxUnavailable: 1 },
    { maxUnavailable: 0 },
  ]);
  return {
    name: `app-${index}`,
    replicas,
    graceSeconds,
    exitSeconds: chance.between(0, Math.min(graceSeconds, 90)),
    readySeconds: chance.of([2, 10, 40]),
    critical: chance.is(0.1),
    budgets: chance.is(0.6) ? (chance.is(0.12) ? [budget, { maxUnavailable: 1 }] : [budget]) : [],
  };
}

function happenings(chance: Chance, workers: number): Happening[] {
  const list: Happening[] = [];
  const count = chance.of([1, 1, 2, 3]);
  for (let index = 0; index < count; index++) {
    const at = { second: chance.between(5, 240), pick: chance.between(0, workers - 1) };
    const dice = chance.between(0, 9);
    if (dice < 4)
      list.push({
        ...at,
        kind: 'interruption',
        action: chance.of(['terminate', 'terminate', 'stop', 'hibernate']),
      });
    else if (dice < 6)
      list.push({
        ...at,
        kind: 'rebalance',
        ...(chance.is(0.4) ? { thenInterruptedAfter: chance.between(1, 200) } : {}),
      });
    else if (dice < 8) list.push({ ...at, kind: 'scale-in' });
    else if (dice < 9)
      list.push({
        ...at,
        kind: 'health',
        also: chance.between(0, workers - 1),
        ...(chance.is(0.7) ? { closedAfter: chance.between(300, 900) } : {}),
      });
    else list.push({ ...at, kind: 'terminated-by-person' });
  }
  if (chance.is(0.2)) list.push({ second: chance.between(20, 300), pick: 0, kind: 'budget-lifted' });
  if (chance.is(0.2))
    list.push({
      second: chance.between(10, 300),
      pick: chance.between(0, 2),
      kind: 'app-scaled',
      replicas: chance.between(0, 5),
    });
  return list.sort((a, b) => a.second - b.second);
}
