/** One or two random hours of a branch: pushes, builds, a cluster that sleeps, and what Argo CD and people do. */
import type { Schedule } from '#model/schedule.ts';
import type { BranchDeploySettings } from '#model/settings.ts';
import { createRandom, type Random } from '../random.ts';
import { createDelivery, type Delivery, withDelivery } from './delivery.ts';

export const REPOSITORY = 'https://github.com/example/api';
export const PRODUCTION = { name: 'api-production', project: 'production' } as const;
/** It tracks a branch that this environment does not deploy. */
export const OTHER_BRANCH = { name: 'api-staging', project: 'default' } as const;

/** Minutes count from the start. */
export type Happening = { readonly minute: number } & (
  | { readonly kind: 'push'; readonly branch: 'develop' | 'staging' | 'main'; readonly times: number }
  | { readonly kind: 'argocd-down'; readonly forMinutes: number }
  | { readonly kind: 'sync-window'; readonly forMinutes: number }
  | { readonly kind: 'foreign-sync'; readonly application: number }
);

export interface Scenario {
  readonly seed: number;
  readonly settings: BranchDeploySettings;
  readonly start: string;
  /** When the cluster sleeps, if it does. Minutes from the start. */
  readonly sleep?: { readonly from: number; readonly to: number };
  /** Applications that the config binds and Argo CD does not have. */
  readonly missing: readonly string[];
  readonly autoSync: readonly string[];
  readonly rolloutSeconds: number;
  /** Of a project's builds, by number. */
  readonly buildSeconds: readonly number[];
  readonly failing: readonly boolean[];
  readonly happenings: readonly Happening[];
  /** When the token expires, and when a new one is in the secret: before that, or too late. Minutes from the start. */
  readonly token?: { readonly expires: number; readonly renewed: number };
  /** The builds make images. Absent where the manifests are in the repository that is built, and name the commit. */
  readonly delivery?: Delivery;
  /** The builds run elsewhere, and announce their ends: so late, in seconds, by number. */
  readonly announcedAfter?: readonly number[];
}

/** How long a build takes. */
export const secondsOf = ({ buildSeconds }: Pick<Scenario, 'buildSeconds'>, number: number): number =>
  buildSeconds[number - 1] ?? 20;

export function createScenario(seed: number, random: Random, isPlain = false): Scenario {
  const scenario = withRareHappenings(plain(seed, random), createRandom(seed ^ RARE));
  return isPlain ? scenario : withLayout(scenario, createRandom(seed ^ LAYOUT));
}

const LAYOUT = 0x1a407;

/** A third of the stories have images of their own, and a sixth builds that announce themselves. */
function withLayout(scenario: Scenario, random: Random): Scenario {
  const delivery = createDelivery(random);
  const hasImages = random.chance(0.4) && scenario.settings.argocd.through === 'server';
  const announcedAfter = random.chance(0.17)
    ? Array.from({ length: 12 }, () => random.pick([1, 1, 5, 60]))
    : undefined;
  const settings = hasImages ? withDelivery(scenario.settings, delivery) : scenario.settings;
  const [seconds = 20] = scenario.buildSeconds;
  return {
    ...scenario,
    // Builds at the same time would move a tag that stays the same in any order: docs/branch-deploy-images.md says so.
    ...(hasImages && delivery.bring === 'restart'
      ? { buildSeconds: scenario.buildSeconds.map(() => seconds) }
      : {}),
    settings: announcedAfter
      ? { ...settings, builds: settings.builds.map((binding) => ({ ...binding, announced: true })) }
      : settings,
    ...(hasImages ? { delivery } : {}),
    ...(announcedAfter ? { announcedAfter } : {}),
  };
}

/** Happenings that were added later have their own seed: stories without them stay the same as before. */
const RARE = 0xdecade;

function withRareHappenings(scenario: Scenario, random: Random): Scenario {
  const { settings } = scenario;
  const throughKubernetes = random.chance(0.2);
  const expires = random.chance(0.15) ? random.between(2, 24) : undefined;
  const renewed = random.between(-2, 15);
  return {
    ...scenario,
    settings: throughKubernetes
      ? { ...settings, argocd: { ...settings.argocd, through: 'kubernetes' } }
      : settings,
    ...(expires === undefined || throughKubernetes ? {} : { token: { expires, renewed: expires + renewed } }),
  };
}

function plain(seed: number, random: Random): Scenario {
  const start = new Date(Date.UTC(2026, 7, 3, 4) + random.between(0, 4) * 86_400_000);
  const from = random.between(6, 20);
  const sleep = random.chance(0.5) ? { from, to: from + random.between(8, 20) } : undefined;
  const names = random.chance(0.5) ? ['api'] : ['api', 'web'];
  const missing = names.length > 1 && random.chance(0.2) ? ['web'] : [];
  return {
    seed,
    start: start.toISOString(),
    ...(sleep ? { sleep } : {}),
    missing,
    autoSync: names.filter(() => random.chance(0.2)),
    rolloutSeconds: random.pick([2, 10, 50]),
    buildSeconds: Array.from({ length: 12 }, () => random.pick([10, 30, 60, 240])),
    failing: Array.from({ length: 12 }, () => random.chance(0.2)),
    happenings: happenings(random, names.length),
    settings: {
      environment: 'develop',
      production: false,
      account: '111111111111',
      region: 'ap-northeast-1',
      cluster: 'develop',
      dryRun: false,
      argocd: { url: 'https://argocd.develop.example.com', tokenSecret: 'token', through: 'server' },
      imageMinutes: 15,
      driftMinutes: 60,
      whenAsleep: random.chance(0.8) ? 'defer' : 'wake',
      builds: [
        {
          project: 'api-develop',
          repository: REPOSITORY,
          branch: 'develop',
          applications: names.map((name) => ({ name, project: 'default', prune: false, syncOptions: [] })),
        },
      ],
      ...(sleep ? { schedule: scheduleOf(start, sleep) } : {}),
    },
  };
}

/** Up all the time but for the same minutes of every day. */
function scheduleOf(start: Date, sleep: { readonly from: number; readonly to: number }): Schedule {
  const minute = start.getUTCHours() * 60 + start.getUTCMinutes();
  return {
    name: 'sleep',
    timeZone: 'UTC',
    up: ([1, 2, 3, 4, 5, 6, 7] as const).flatMap((day) => [
      { start: { day, minute: 0 }, end: { day, minute: minute + sleep.from } },
      { start: { day, minute: minute + sleep.to }, end: { day, minute: 1440 } },
    ]),
  };
}

function happenings(random: Random, applications: number): Happening[] {
  const list: Happening[] = [];
  const count = random.between(1, 3);
  for (let index = 0; index < count; index++)
    list.push({
      kind: 'push',
      minute: random.between(0, 24),
      branch: 'develop',
      times: random.pick([1, 1, 2, 4]),
    });
  if (random.chance(0.3))
    list.push({
      kind: 'push',
      minute: random.between(0, 24),
      branch: random.pick(['staging', 'main']),
      times: 1,
    });
  if (random.chance(0.2))
    list.push({
      kind: 'argocd-down',
      minute: random.between(0, 20),
      forMinutes: random.pick([3, 3, 20, 20, 150]),
    });
  if (random.chance(0.15))
    list.push({ kind: 'sync-window', minute: random.between(0, 20), forMinutes: random.between(3, 20) });
  if (random.chance(0.2))
    list.push({
      kind: 'foreign-sync',
      minute: random.between(0, 24),
      application: random.between(0, applications - 1),
    });
  return list.sort((a, b) => a.minute - b.minute);
}
