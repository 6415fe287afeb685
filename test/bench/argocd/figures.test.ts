import { describe, expect, test } from 'vitest';
import { burstFigures, mergeFigures, type NightSeen, nightFigures } from './figures.ts';
import { type Merge, nothingSeen, type Seen } from './seen.ts';
import type { Subject, WayName } from './subject.ts';

const START = Date.parse('2026-11-30T01:00:00Z');

interface Observation {
  readonly subject: Subject;
  readonly seen: Seen;
  readonly failedPulls: number;
}

interface Seed {
  readonly way: WayName;
  readonly name?: string;
  readonly merges?: number;
  /** Seconds after the build until the image of each merge ran. */
  readonly runsAfter?: readonly (number | undefined)[];
  /** Seconds after the push at which each sync started. */
  readonly syncedAfter?: readonly number[];
  readonly failedPulls?: number;
}

function anObservation({ way, name = way, runsAfter = [], syncedAfter = [], ...rest }: Seed): Observation {
  const merges: Merge[] = Array.from({ length: rest.merges ?? 1 }, (_, index) => ({
    image: `${name}:${index}`,
    revision: `sha-${index}`,
    pushedAt: START,
    builtAt: START + 30_000,
  }));
  const seen = nothingSeen();
  for (const [index, seconds] of runsAfter.entries())
    if (seconds !== undefined) seen.running.set(`${name}:${index}`, START + 30_000 + seconds * 1_000);
  for (const [index, seconds] of syncedAfter.entries()) {
    const revision = `sha-${index}`;
    const startedAt = START + seconds * 1_000;
    seen.operations.set(`${index}`, { revision, startedAt, phase: 'Succeeded' });
    seen.synced.set(revision, startedAt + 1_000);
  }
  const application = { name, autoSync: true, node: 'day' };
  const subject = { name, way, repository: 'one', application, merges } as unknown as Subject;
  return { subject, seen, failedPulls: rest.failedPulls ?? 0 };
}

const bedOf = (all: readonly Observation[]) => ({
  seen: ({ name }: { name: string }) => all.find((one) => one.subject.name === name)?.seen ?? nothingSeen(),
  failedPulls: ({ name }: { name: string }) => all.find((one) => one.subject.name === name)?.failedPulls ?? 0,
});

const row = (figures: ReturnType<typeof mergeFigures>, text: string) => {
  const figure = figures.find(({ what }) => what.includes(text));
  return figure && [figure.value, ...(figure.beside ?? []).map(({ value }) => value)];
};

describe('merges by day', () => {
  const all = [
    anObservation({ way: 'branch-deploy', name: 'a', runsAfter: [2], syncedAfter: [31] }),
    anObservation({ way: 'branch-deploy', name: 'b', runsAfter: [4], syncedAfter: [32] }),
    anObservation({ way: 'Argo CD, webhook', name: 'c', runsAfter: [40], syncedAfter: [1], failedPulls: 3 }),
    anObservation({ way: 'Argo CD, poll', name: 'd', syncedAfter: [150] }),
  ];
  const figures = mergeFigures(
    bedOf(all),
    all.map(({ subject }) => subject),
  );

  test('show branch-deploy first, and the ways of Argo CD alone beside it', () => {
    expect(row(figures, 'push → synced, median')).toEqual([32.5, 2, 151]);
    expect(figures[0]?.beside?.map(({ who }) => who)).toEqual(['Argo CD, webhook', 'Argo CD, poll']);
  });

  test('count a merge that was synced before its image was there, and the pulls that failed', () => {
    expect(row(figures, 'synced before their image')).toEqual([0, 1, 0]);
    expect(row(figures, 'image pulls that failed')).toEqual([0, 3, 0]);
  });

  test('have no seconds where an image never ran', () => {
    expect(row(figures, 'its image runs, slowest')).toEqual([4, 40, Number.NaN]);
  });
});

test('a burst counts its syncs, the superseded images that ran, and when the last one ran', () => {
  const all = [
    anObservation({
      way: 'branch-deploy',
      merges: 3,
      runsAfter: [undefined, undefined, 2],
      syncedAfter: [31],
    }),
    anObservation({ way: 'Argo CD, webhook', merges: 3, runsAfter: [9, 9, 9], syncedAfter: [1, 2, 3] }),
  ];
  const figures = burstFigures(
    bedOf(all),
    all.map(({ subject }) => subject),
  );
  expect(row(figures, '3 pushes: syncs')).toEqual([1, 3]);
  expect(row(figures, 'before the image')).toEqual([0, 3]);
  expect(row(figures, 'superseded')).toEqual([0, 2]);
  expect(row(figures, 'last build')).toEqual([2, 9]);
});

test('a night is met where branch-deploy synced nothing in it and the newest image runs in the morning', () => {
  const aNight = (way: WayName, given: Partial<NightSeen>): NightSeen => ({
    ...{ subject: anObservation({ way }).subject, isArgocdStopped: false },
    ...{ atNight: 0, inMorning: 1, seconds: 3 },
    ...given,
  });
  const figures = nightFigures([
    aNight('branch-deploy', {}),
    aNight('Argo CD, webhook', { atNight: 3, inMorning: 0, seconds: Number.NaN }),
  ]);
  expect(row(figures, 'syncs at night')).toEqual([0, 3]);
  expect(row(figures, 'newest image runs')).toEqual([3, Number.NaN]);
  expect(figures.flatMap(({ target }) => (target ? [target.met] : []))).toEqual([true, true]);
});
