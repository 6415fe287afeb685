/**
 * From a push to the built image that runs, on the real Argo CD: Argo CD alone, with its poll and with a webhook, beside
 * branch-deploy. By day, in bursts, and at night.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { Bench } from '../bench.ts';
import { withServers } from '../servers.ts';
import { type Bed, openBed } from './bed.ts';
import { burstFigures, mergeFigures, type NightSeen, nightFigures } from './figures.ts';
import { syncsOf } from './seen.ts';
import { addSubject, type Subject, type SubjectSeed } from './subject.ts';

/** A build takes minutes; here it takes so long. */
const BUILD_MS = 30_000;
const NIGHT_BUILD_MS = 5_000;
const POLLED = 4;
/** Between two pushes to applications that are polled: they are spread over the interval. */
const POLLED_MS = 10_000;
const OTHERS = 3;
const PUSHES = 20;
const PUSH_MS = 1_000;
/** Argo CD’s interval is 120 s and up to 60 s more, and it keeps the commits of a repository for another 180 s. */
const DAY_MS = 390_000;
/** Longer than Argo CD’s own five retries of a sync that failed. */
const NIGHT_MS = 190_000;
const SHORT_NIGHT_MS = 30_000;
const NIGHT_PUSHES = 3;
const NIGHT_PUSH_MS = 8_000;
const MORNING_SECONDS = 75;
const SETUP_SECONDS = 180;

/** What differs in the applications of a night. */
const NIGHTS = [{}, { hook: true }, { webhook: true }] as const;

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
const NIGHT_SEEDS: readonly SubjectSeed[] = NIGHTS.flatMap((application, index) =>
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

    log(`argocd: a day and a night, at most ${DAY_MS / 1_000} s`);
    const [, , long] = await Promise.all([
      playDay(bed, day, bursts),
      Promise.all(bursts.map(burst)),
      playNight(bed, night, { ms: NIGHT_MS, isArgocdStopped: false }),
    ]);
    const dayFigures = [...mergeFigures(bed, day), ...burstFigures(bed, bursts)];
    log('argocd: a night without Argo CD');
    const plain = night.slice(0, 2);
    const short = await playNight(bed, plain, { ms: SHORT_NIGHT_MS, isArgocdStopped: true });
    return {
      bench: 'argocd',
      method: `${bed.software}, with the interval and the retries that it has by default; a build takes ${BUILD_MS / 1_000} s; a pod waits for its image as a kubelet does (10 s, doubled up to 5 minutes)`,
      own: 'branch-deploy',
      figures: [...dayFigures, ...nightFigures([...long, ...short])],
      notes: notesOf(subjects),
    };
  } finally {
    for (const one of subjects) await one.close();
    await bed.close();
  }
});

/** How the deploys of branch-deploy ended; those that did not end well in their own words. */
function notesOf(subjects: readonly Subject[]): readonly string[] {
  const ours = subjects.filter(({ way }) => way === 'branch-deploy');
  const last = ours.map(({ name, decisions }) => `${name}, ${decisions().at(-1) ?? 'nothing was decided'}`);
  const others = last.filter((line) => !line.includes(', deployed: '));
  return [
    `argocd: never means not within ${DAY_MS / 1_000} s by day, ${MORNING_SECONDS} s in a morning`,
    `argocd: ${last.length - others.length} of ${last.length} applications of branch-deploy ended as deployed`,
    ...others.map((line) => `argocd: ${line}`),
  ];
}

/** Ends when the newest image of each application runs, or after the time for that. */
async function playDay(bed: Bed, day: readonly Subject[], bursts: readonly Subject[]): Promise<void> {
  const begun = performance.now();
  await Promise.all(
    day.map(async (subject, index) => {
      await wait(subject.way === 'Argo CD, poll' ? (index % POLLED) * POLLED_MS : 0);
      await (await subject.merge(BUILD_MS)).done;
    }),
  );
  const isDone = (subject: Subject) => ranAt(bed, subject) !== undefined;
  while (performance.now() - begun < DAY_MS && ![...day, ...bursts].every(isDone)) await wait(1_000);
}

/** When the newest image of an application first ran. */
function ranAt(bed: Bed, { application, merges }: Subject): number | undefined {
  const newest = merges.at(-1)?.image;
  return newest === undefined ? undefined : bed.seen(application).running.get(newest);
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
): Promise<readonly NightSeen[]> {
  const evening = Date.now();
  await bed.removeNode('night');
  if (isArgocdStopped) await bed.stopArgocd();
  for (const one of night) await one.turn('asleep');
  await Promise.all(night.map((one) => pushAtNight(one)));
  await wait(Math.max(0, evening + ms - Date.now()));

  const atNight = night.map(({ application }) => syncsOf(bed.seen(application), evening).length);
  await bed.addNode('night');
  const morning = Date.now();
  if (isArgocdStopped) await bed.startArgocd();
  await Promise.all(night.map((one) => one.turn('awake')));
  const end = Date.now() + MORNING_SECONDS * 1_000;
  while (Date.now() < end && night.some((one) => ranAt(bed, one) === undefined)) await wait(1_000);
  return night.map((subject, index) => {
    const all = syncsOf(bed.seen(subject.application), evening).length;
    const at = ranAt(bed, subject);
    return {
      ...{ subject, isArgocdStopped, atNight: atNight[index] ?? 0 },
      inMorning: all - (atNight[index] ?? 0),
      seconds: at === undefined ? Number.NaN : Math.max(0, at - morning) / 1_000,
    };
  });
}

/** Argo CD retries a sync that fails for longer than the other pushes take: one shows it. */
async function pushAtNight(subject: Subject): Promise<void> {
  const builds: Promise<void>[] = [];
  for (let count = 0; count < (subject.application.webhook ? 1 : NIGHT_PUSHES); count++) {
    builds.push((await subject.merge(NIGHT_BUILD_MS)).done);
    await wait(NIGHT_PUSH_MS);
  }
  await Promise.all(builds);
}
