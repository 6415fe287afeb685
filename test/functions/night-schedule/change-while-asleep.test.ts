/** Passes with changed settings while something sleeps: what each row of "change while the cluster sleeps" rests on. */
import { expect, test } from 'vitest';
import { createDryRunStore } from '#functions/adapters/dynamodb/dry-run-store.ts';
import { createNightStore } from '#functions/adapters/dynamodb/night-store.ts';
import { NIGHT as PARTITION } from '#functions/adapters/dynamodb/table-keys.ts';
import { run } from '#functions/night-schedule/run.ts';
import type { NightScheduleSettings } from '#model/settings.ts';
import { aGroup, instances, MORNING, NIGHT, someSettings } from './builders.ts';
import { aWorld, type World } from './memory-ports.ts';

const AUTOSCALER = {
  kind: 'cluster-autoscaler',
  namespace: 'kube-system',
  deployment: 'cluster-autoscaler',
  hostGroup: 'system',
} as const;
const minutes = (from: Date, n: number) => new Date(from.getTime() + n * 60_000);

async function ticks(world: World, from: Date, settings: Partial<NightScheduleSettings>) {
  const store = createNightStore(world.table.through(), settings.cluster ?? 'develop');
  const errors: unknown[] = [];
  for (let minute = 0; minute < 8; minute++) {
    const deps = {
      ...world.ports,
      store: settings.dryRun ? createDryRunStore(store) : store,
      settings: someSettings(settings),
      now: () => minutes(from, minute),
      remaining: () => 60_000,
    };
    await run(deps, { trigger: 'tick', byPerson: false }).catch((error) => errors.push(error));
    world.settle();
  }
  return errors;
}

const sleeping = async () => {
  const world = aWorld(
    [aGroup(), aGroup({ name: 'system', autoScalingGroup: 'eks-system-1', instances: instances(1) })],
    { kind: 'cluster-autoscaler', deployment: 'kube-system/cluster-autoscaler', replicas: 2 },
  );
  await ticks(world, NIGHT, { autoscaler: AUTOSCALER });
  await ticks(world, minutes(NIGHT, 10), { autoscaler: AUTOSCALER });
  expect(world.size('workers').desired).toBe(0);
  world.calls.length = 0;
  world.decisions.length = 0;
  return world;
};

const keptItems = (world: World) =>
  JSON.stringify([world.table.all(PARTITION, 'saved#'), world.table.all(PARTITION, 'autoscaler#')]);

test.for([
  ['in the same night', minutes(NIGHT, 60)],
  ['in the morning', MORNING],
] as const)('ticks with another cluster stop and start nothing %s, and say what to do', async ([, at]) => {
  const world = await sleeping();
  const kept = keptItems(world);
  // What the other cluster runs must not be stopped by a deploy that is about to be rolled back.
  world.groups.set('other', aGroup({ name: 'other', autoScalingGroup: 'eks-other-1' }));
  const errors = await ticks(world, at, { cluster: 'other', autoscaler: AUTOSCALER });
  expect(errors).toHaveLength(8);
  expect(world.calls.filter((call) => /resize|pause|resume/.test(call))).toEqual([]);
  expect(keptItems(world)).toBe(kept);
  expect(world.decisions).toMatchObject([
    {
      action: 'fail',
      target: 'other',
      reason: expect.stringMatching(
        / was saved for another cluster: nothing is changed; deploy its config again/,
      ),
    },
  ]);
});

test('after the rollback to the old cluster the morning restores everything', async () => {
  const world = await sleeping();
  await ticks(world, minutes(NIGHT, 60), { cluster: 'other', autoscaler: AUTOSCALER });
  await ticks(world, MORNING, { autoscaler: AUTOSCALER });
  expect(world.size('workers').desired).toBe(3);
  expect(world.autoscaler).toMatchObject({ replicas: 2 });
});

test('an autoscaler that was saved for another cluster blocks as well, where no group was stopped', async () => {
  const world = await sleeping();
  const { value } = JSON.parse(JSON.stringify({ value: world.table.all(PARTITION, 'saved#') }));
  expect(value).toHaveLength(2);
  for (const group of ['workers', 'system'])
    await world.table.through().remove(PARTITION, `saved#develop/${group}`);
  const errors = await ticks(world, MORNING, { cluster: 'other', autoscaler: AUTOSCALER });
  expect(errors).toHaveLength(8);
  expect(world.autoscaler).toMatchObject({ replicas: 0 });
});

test('a dry run changes nothing and loses nothing, and a real run restores everything', async () => {
  const world = await sleeping();
  const kept = keptItems(world);
  await ticks(world, MORNING, { dryRun: true, autoscaler: AUTOSCALER });
  expect(keptItems(world)).toBe(kept);
  expect(world.size('workers').desired).toBe(0);
  await ticks(world, minutes(MORNING, 10), { autoscaler: AUTOSCALER });
  expect(world.size('workers').desired).toBe(3);
});

test('an autoscaler that was removed from the config is resumed from its record, once', async () => {
  const world = await sleeping();
  await ticks(world, MORNING, {});
  await ticks(world, minutes(MORNING, 10), {});
  expect(world.autoscaler).toMatchObject({ replicas: 2 });
  expect(world.table.all(PARTITION, 'autoscaler#')).toEqual([]);
  expect(world.decisions.filter(({ action }) => action === 'resume')).toHaveLength(1);
});
