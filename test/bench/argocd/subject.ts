/** One application of the bench, the way in which it is deployed, and the merges that a developer makes. */
import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { createOverrides } from '#functions/adapters/dynamodb/night.ts';
import { createNightStore } from '#functions/adapters/dynamodb/night-store.ts';
import type { SleepState } from '#model/schedule.ts';
import { aDesk } from '#test/conformance/argocd/desk.ts';
import { officeHours } from '#test/functions/night-schedule/builders.ts';
import { type Bed, imageOf } from './bed.ts';
import { type NewApplication, PROJECT } from './manifests.ts';
import type { Merge } from './seen.ts';

export type WayName = 'Argo CD, poll' | 'Argo CD, webhook' | 'branch-deploy';

export interface SubjectSeed {
  readonly name: string;
  readonly way: WayName;
  /** `one`: the commit of the code names its own image. `config`: the build commits it, once the image is pushed. */
  readonly repository: 'one' | 'config';
  readonly application?: Partial<NewApplication>;
  readonly revision?: 'built';
}

export interface Subject extends SubjectSeed {
  readonly application: NewApplication;
  readonly merges: Merge[];
  /** What branch-deploy decided. */
  decisions(): readonly string[];
  /** The commit is pushed when it returns; the promise is that of the build and of what follows it. */
  merge(buildMs: number): Promise<{ readonly done: Promise<void> }>;
  /** night-schedule's record of the cluster, and what wakes branch-deploy. */
  turn(state: SleepState): Promise<void>;
  close(): Promise<void>;
}

const TICK_MS = 60_000;
const DAY_MS = 86_400_000;

/** Synced with its first image. */
export async function addSubject(bed: Bed, seed: SubjectSeed): Promise<Subject> {
  const { name, way, repository } = seed;
  const isOurs = way === 'branch-deploy';
  const application: NewApplication = { name, autoSync: !isOurs, node: 'day', ...seed.application };
  await bed.addApplication(application);
  const merges: Merge[] = [];
  const failures: string[] = [];
  const desk = isOurs ? deskOf(bed, seed, application) : undefined;
  const settled = (work: Promise<unknown> | undefined) =>
    work?.then(
      () => undefined,
      (error: unknown) => void failures.push(String(error)),
    );
  const ending = new AbortController();
  const ticking = desk && everyMinute(() => settled(desk.tick()), ending.signal);
  if (isOurs)
    await bed.argocd.sync({ name, project: PROJECT, prune: false, syncOptions: [] }, 'deploy-initial');

  const announce = async (revision: string) => {
    if (way === 'Argo CD, webhook') await bed.sendWebhook(application, revision);
  };
  const build = async (merge: Merge, number: number, buildMs: number) => {
    const tag = tagOf(number);
    await wait(buildMs);
    bed.pushImage(merge.image);
    merge.builtAt = Date.now();
    if (repository === 'config') {
      merge.revision = await bed.commit(application, tag);
      await announce(merge.revision);
    }
    const built = repository === 'one' ? merge.revision : randomBytes(20).toString('hex');
    await settled(desk?.built(number, built, { IMAGE_TAG: tag }, new Date(merge.pushedAt)));
  };

  return {
    ...seed,
    application,
    merges,
    decisions: () => [...(desk?.said() ?? []), ...failures],
    async merge(buildMs) {
      const number = merges.length + 1;
      const tag = tagOf(number);
      const merge: Merge = {
        ...{ image: imageOf(application, tag), revision: '' },
        ...{ pushedAt: Date.now(), builtAt: Number.POSITIVE_INFINITY },
      };
      merges.push(merge);
      if (repository === 'one') {
        merge.revision = await bed.commit(application, tag);
        await announce(merge.revision);
      }
      return { done: build(merge, number, buildMs) };
    },
    async turn(state) {
      if (!desk) return;
      await recordState(desk.table, state);
      if (state === 'awake') await settled(desk.tick());
    },
    async close() {
      ending.abort();
      await ticking;
    },
  };
}

const tagOf = (number: number) => `v${number}`;

function deskOf(bed: Bed, { repository, revision }: SubjectSeed, application: NewApplication) {
  const { name, node } = application;
  const stage = {
    repository: repository === 'one' ? bed.urlOf(application) : `https://github.com/example/${name}`,
    now: () => new Date(),
    pause: (ms: number) => wait(ms),
    until: () => Promise.reject(new Error('nothing waits here')),
  };
  return aDesk(
    stage,
    name,
    bed.argocd,
    {
      project: PROJECT,
      images: [{ repository: `example/${name}`, tag: { exported: 'IMAGE_TAG' } }],
      ...(revision ? { revision } : {}),
    },
    node === 'night' ? { schedule: officeHours } : {},
  );
}

/** As night-schedule writes it. */
async function recordState(table: ReturnType<typeof aDesk>['table'], state: SleepState): Promise<void> {
  const now = new Date();
  await createOverrides(table).add({
    id: `${state}-${now.getTime()}`,
    state,
    from: now.toISOString(),
    until: new Date(now.getTime() + DAY_MS).toISOString(),
    author: 'bench',
    reason: 'the night of the bench',
  });
  const store = createNightStore(table, 'develop');
  const { state: before } = await store.load();
  const next = {
    ...{ phase: state, desired: state, reason: 'the night of the bench' },
    ...{ since: now.toISOString(), groups: [] },
  };
  if (!(await store.writeState(next, before?.version ?? 'absent')))
    throw new Error('the state of the cluster was not written');
}

async function everyMinute(tick: () => Promise<void> | undefined, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await wait(TICK_MS, undefined, { signal }).catch(() => undefined);
    if (!signal.aborted) await tick();
  }
}
