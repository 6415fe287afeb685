/**
 * From a push to the built image that runs, on the real Argo CD: Argo CD alone, with its poll and with a webhook, beside
 * branch-deploy. By day, in bursts, and at night.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { type Bench, type Figure, median } from '../bench.ts';
import { withServers } from '../servers.ts';
import { type Bed, openBed } from './bed.ts';
import { earlySyncs, type Operation, secondsUntilRunning, secondsUntilSynced, syncsOf } from './seen.ts';
import { addSubject, type Subject, type SubjectSeed, type WayName } from './subject.ts';

/** A build takes minutes; here it takes so long. */
const BUILD_MS = 30_000;
const NIGHT_BUILD_MS = 5_000;
const POLLED = 4;
/** Between two pushes to applications that are polled: they are spread over the interval. */
const POLLED_MS = 20_000;
const OTHERS = 3;
const PUSHES = 20;
const PUSH_MS = 1_000;
/** Longer than Argo CD’s interval, which is 120 s and up to 60 s more. */
const DAY_MS = 240_000;
/** Longer than Argo CD’s own five retries of a sync that failed. */
const NIGHT_MS = 190_000;
const SHORT_NIGHT_MS = 20_000;
const NIGHT_PUSHES = 3;
const NIGHT_PUSH_MS = 8_000;
const MORNING_SECONDS = 60;
const SETUP_SECONDS = 180;

const WAYS: readonly WayName[] = ['Argo CD, poll', 'Argo CD, webhook', 'branch-deploy'];
const NIGHTS = [
  ['plain', {}],
  ['with a PreSync Job', { hook: true }],
  ['with an admission webhook', { webhook: true }],
] as const;

const DAY_SEEDS: readonly SubjectSeed[] = [
  ...several(POLLED, (index) => ({ name: `poll-${index}`, way: 'Argo CD, poll', repository: 'one' })),
  ...several(OTHERS, (index) => ({ name: `webhook-${index}`, way: 'Argo CD, webhook', repository: 'one' })),
  ...several(OTHERS, (index) => ({ name: `ours-${index}`, way: 'branch-deploy', repository: 'one' })),
  ...several(OTHERS, (index) => ({
    ...{ name: `config-webhook-${index}`, way: 'Argo CD, webhook', repository: 'config' },
  })),
  ...several(OTHERS, (index) => ({
    ...{ name: `config-ours-${index}`, way: 'branch-deploy', repository: 'config' },
  })),
];
const BURST_SEEDS: readonly SubjectSeed[] = [
  { name: 'burst-poll', way: 'Argo CD, poll', repository: 'one' },
  { name: 'burst-webhook', way: 'Argo CD, webhook', repository: 'one' },
  { name: 'burst-ours', way: 'branch-deploy', repository: 'one' },
  { name: 'burst-ours-built', way: 'branch-deploy', repository: 'one', revision: 'built' },
];
const NIGHT_SEEDS: readonly SubjectSeed[] = NIGHTS.flatMap(([, application], index) =>
  (['Argo CD, webhook', 'branch-deploy'] as const).map((way) => ({
    name: `night-${index}-${way === 'branch-deploy' ? 'ours' : 'webhook'}`,
    way,
    repository: 'one' as const,
    application: { node: 'night', ...application } as const,
  })),
);

function several(count: number, seed: (index: number) => SubjectSeed): SubjectSeed[] {
  return Array.from({ length: count }, (_, index) => seed(index + 1));
}

export const argocd: Bench = withServers('argocd', 'argocd', async ({ log }) => {
  log('argocd: the servers start');
  const bed = await openBed(process.env);
  const subjects: Subject[] = [];
  const add = async (seeds: readonly SubjectSeed[]) => {
    const added = await Promise.all(seeds.map((seed) => addSubject(bed, seed)));
    subjects.push(...added);
    return added;
  };
  try {
    const day = await add(DAY_SEEDS);
    const bursts = await add(BURST_SEEDS);
    const night = await add(NIGHT_SEEDS);
    const runsFirst = ({ application }: Subject) => bed.seen(application).running.size > 0;
    await bed.until('every first image runs', () => subjects.every(runsFirst), SETUP_SECONDS);

    log(`argocd: a day and a night, ${DAY_MS / 1_000} s`);
    const [, , long] = await Promise.all([
      playDay(bed, day),
      Promise.all(bursts.map(burst)),
      playNight(bed, night, { ms: NIGHT_MS, isArgocdStopped: false }),
    ]);
    const dayFigures = [...dayFiguresOf(bed, day), ...bursts.flatMap((one) => burstFiguresOf(bed, one))];
    log('argocd: a night without Argo CD');
    const plain = night.slice(0, 2);
    const short = await playNight(bed, plain, { ms: SHORT_NIGHT_MS, isArgocdStopped: true });
    return {
      bench: 'argocd',
      method: `${bed.software}, with the interval and the retries that it has by default; a build takes ${BUILD_MS / 1_000} s; a pod waits for its image as a kubelet does (10 s, doubled up to 5 minutes)`,
      figures: [...dayFigures, ...long, ...short],
      notes: subjects.flatMap(({ name, decisions }) =>
        lastOf(decisions()).map((line) => `argocd, ${name}, decided last: ${line}`),
      ),
    };
  } finally {
    for (const one of subjects) await one.close();
    await bed.close();
  }
});

const lastOf = (lines: readonly string[]) => lines.slice(-1);

async function playDay(bed: Bed, day: readonly Subject[]): Promise<void> {
  const begun = performance.now();
  await Promise.all(
    day.map(async (subject, index) => {
      await wait(subject.way === 'Argo CD, poll' ? (index % POLLED) * POLLED_MS : 0);
      await (await subject.merge(BUILD_MS)).done;
    }),
  );
  const isDone = ({ application, merges }: Subject) =>
    merges.every(({ image }) => bed.seen(application).running.has(image));
  while (performance.now() - begun < DAY_MS && !day.every(isDone)) await wait(1_000);
}

async function burst(subject: Subject): Promise<void> {
  const builds: Promise<void>[] = [];
  for (let pushes = 0; pushes < PUSHES; pushes++) {
    builds.push((await subject.merge(BUILD_MS)).done);
    await wait(PUSH_MS);
  }
  await Promise.all(builds);
}

interface NightOptions {
  readonly ms: number;
  /** It runs on the nodes that are stopped. Otherwise elsewhere: as the EKS Capability, or in a hub. */
  readonly isArgocdStopped: boolean;
}

async function playNight(
  bed: Bed,
  night: readonly Subject[],
  { ms, isArgocdStopped }: NightOptions,
): Promise<readonly Figure[]> {
  const evening = Date.now();
  await bed.removeNode('night');
  if (isArgocdStopped) await bed.stopArgocd();
  for (const one of night) await one.turn('asleep');
  await Promise.all(
    night.map(async (one) => {
      // Argo CD retries a sync that fails for longer than that: one push shows it.
      const pushes = one.application.webhook ? 1 : NIGHT_PUSHES;
      const builds: Promise<void>[] = [];
      for (let count = 0; count < pushes; count++) {
        builds.push((await one.merge(NIGHT_BUILD_MS)).done);
        await wait(NIGHT_PUSH_MS);
      }
      await Promise.all(builds);
    }),
  );
  await wait(Math.max(0, evening + ms - Date.now()));

  const atNight = night.map(({ application }) => syncsOf(bed.seen(application), evening));
  await bed.addNode('night');
  const morning = Date.now();
  if (isArgocdStopped) await bed.startArgocd();
  await Promise.all(night.map((one) => one.turn('awake')));
  const runs = ({ application, merges }: Subject) => {
    const newest = merges.at(-1)?.image;
    return newest === undefined ? undefined : bed.seen(application).running.get(newest);
  };
  const end = Date.now() + MORNING_SECONDS * 1_000;
  while (Date.now() < end && night.some((one) => runs(one) === undefined)) await wait(1_000);
  return night.flatMap((one, index) =>
    nightFiguresOf(bed, one, {
      evening,
      morning,
      atNight: atNight[index] ?? [],
      ranAt: runs(one),
      isArgocdStopped,
    }),
  );
}

function dayFiguresOf(bed: Bed, day: readonly Subject[]): Figure[] {
  const figures: Figure[] = [];
  for (const repository of ['one', 'config'] as const)
    for (const way of WAYS) {
      const chosen = day.filter((one) => one.way === way && one.repository === repository);
      if (chosen.length === 0) continue;
      const of = (text: string) => `${repository === 'one' ? 'one' : 'config'} repository, ${way}: ${text}`;
      const all = (count: (one: Subject) => readonly number[]) => chosen.flatMap(count);
      const running = all(({ application, merges }) =>
        secondsUntilRunning(bed.seen(application), merges, 'builtAt'),
      );
      const synced = all(({ application, merges }) => secondsUntilSynced(bed.seen(application), merges));
      const early = all(({ application, merges }) => [
        earlySyncs([...bed.seen(application).operations.values()], merges),
      ]);
      const pulls = all(({ application }) => [bed.failedPulls(application)]);
      if (way !== 'branch-deploy')
        figures.push(
          ...timesOf(
            of(repository === 'one' ? 'push → synced' : 'push, with the build → synced'),
            synced,
            chosen.length,
          ),
        );
      figures.push(
        ...timesOf(of('build’s end → its image runs'), running, chosen.length),
        { what: of('syncs before the image was pushed'), value: sum(early), unit: `of ${chosen.length}` },
        { what: of('pulls that failed'), value: sum(pulls), unit: 'pulls' },
      );
    }
  return figures;
}

function burstFiguresOf(bed: Bed, { name, application, way, merges, revision }: Subject): Figure[] {
  const seen = bed.seen(application);
  const [first] = merges;
  const last = merges.slice(-1);
  const syncs = syncsOf(seen, first?.pushedAt ?? 0);
  const of = (text: string) => `${PUSHES} pushes, ${way}${revision ? ', the built commit' : ''}: ${text}`;
  if (!first) throw new Error(`${name} was not pushed`);
  return [
    { what: of('syncs'), value: syncs.length, unit: 'syncs' },
    { what: of('syncs before the image was pushed'), value: earlySyncs(syncs, merges), unit: 'syncs' },
    { what: of('pulls that failed'), value: bed.failedPulls(application), unit: 'pulls' },
    { what: of('rollouts'), value: seen.rollouts - 1, unit: 'rollouts' },
    ...timesOf(of('last build’s end → its image runs'), secondsUntilRunning(seen, last, 'builtAt'), 1),
  ];
}

interface NightSeen {
  readonly evening: number;
  readonly morning: number;
  readonly atNight: readonly Operation[];
  readonly ranAt: number | undefined;
  readonly isArgocdStopped: boolean;
}

function nightFiguresOf(
  bed: Bed,
  { application, way, name }: Subject,
  { evening, morning, atNight, ranAt, isArgocdStopped }: NightSeen,
): Figure[] {
  const kind = NIGHTS[Number(name.split('-')[1])]?.[0] ?? '';
  const where = isArgocdStopped ? 'Argo CD stopped too' : 'Argo CD elsewhere';
  const of = (text: string) => `night, ${where}, ${kind}, ${way}: ${text}`;
  const seconds = ranAt === undefined ? [] : [Math.max(0, ranAt - morning) / 1_000];
  const isOurs = way === 'branch-deploy';
  const target = (text: string, met: boolean) => (isOurs ? { target: { what: text, met } } : {});
  const inMorning = syncsOf(bed.seen(application), evening).length - atNight.length;
  return [
    {
      what: of('syncs at night'),
      value: atNight.length,
      unit: 'syncs',
      ...target('0', atNight.length === 0),
    },
    { what: of('syncs in the morning'), value: inMorning, unit: 'syncs', ...target('1', inMorning === 1) },
    ...timesOf(of('node Ready → the newest image runs'), seconds, 1, MORNING_SECONDS).map((figure) => ({
      ...figure,
      ...target('it runs', seconds.length === 1),
    })),
  ];
}

/** Those that never came are counted in words. */
function timesOf(
  what: string,
  seconds: readonly number[],
  expected: number,
  within = DAY_MS / 1_000,
): Figure[] {
  const missing = expected - seconds.length;
  const never =
    missing > 0 ? [{ what: `${what}: not within ${within} s`, value: missing, unit: `of ${expected}` }] : [];
  if (seconds.length === 0) return never;
  if (expected === 1) return [{ what, value: median(seconds), unit: 's' }];
  return [
    { what: `${what}, median of ${seconds.length}`, value: median(seconds), unit: 's' },
    { what: `${what}, slowest`, value: Math.max(...seconds), unit: 's' },
    ...never,
  ];
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
