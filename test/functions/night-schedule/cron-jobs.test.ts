/** CronJobs over a whole night, with the real pass. */
import { describe, expect, test } from 'vitest';
import { cronJobKey, NIGHT as PARTITION } from '#functions/adapters/dynamodb/table-keys.ts';
import type { CronJobView } from '#functions/night-schedule/ports.ts';
import { restore } from '#functions/night-schedule/restore.ts';
import { run } from '#functions/night-schedule/run.ts';
import type { NightScheduleSettings } from '#model/settings.ts';
import { aGroup, MORNING, NIGHT, someSettings } from './builders.ts';
import { aWorld, type World } from './memory-ports.ts';

const suspendCronJobs = { selector: 'nightshift/night=suspend' };
const minutes = (from: Date, n: number) => new Date(from.getTime() + n * 60_000);

function aCronJob(name: string, overrides: Partial<CronJobView> = {}): CronJobView {
  return { namespace: 'shop', name, uid: `uid-${name}`, isSuspended: false, ...overrides };
}

function withCronJobs(...jobs: readonly CronJobView[]): World {
  const world = aWorld([aGroup()]);
  for (const job of jobs) world.cronJobs.set(`${job.namespace}/${job.name}`, job);
  return world;
}

async function ticks(
  world: World,
  from: Date,
  count: number,
  overrides: Partial<NightScheduleSettings> = { suspendCronJobs },
) {
  const begin = world.decisions.length;
  for (let minute = 0; minute < count; minute++) {
    const now = () => minutes(from, minute);
    const deps = { ...world.ports, settings: someSettings(overrides), now, remaining: () => 60_000 };
    await run(deps, { trigger: 'tick', byPerson: false }).catch(() => undefined);
    world.settle();
  }
  return world.decisions.slice(begin);
}

const suspended = (world: World) =>
  [...world.cronJobs.values()].filter(({ isSuspended }) => isSuspended).map(({ name }) => name);
const records = async (world: World) => [...(await world.ports.store.load()).cronJobs.keys()];
const about = (decisions: readonly { action: string; target: string; reason: string }[], target: string) =>
  decisions.filter((one) => one.target === target).map(({ action, reason }) => [action, reason]);

describe('the CronJobs that the config selects', () => {
  test('are suspended with the stop and resumed when the cluster is awake; others are left as they are', async () => {
    const world = withCronJobs(aCronJob('report'), aCronJob('theirs', { isSuspended: true }));
    const evening = await ticks(world, NIGHT, 10);
    expect(suspended(world)).toEqual(['report', 'theirs']);
    expect(await records(world)).toEqual(['shop/report']);
    expect(about(evening, 'cronjobs')).toEqual([['pause', 'suspended with the stop: shop/report']]);

    await ticks(world, MORNING, 1);
    expect(suspended(world)).toEqual(['report', 'theirs']);
    const morning = await ticks(world, minutes(MORNING, 1), 8);
    expect(suspended(world)).toEqual(['theirs']);
    expect(await records(world)).toEqual([]);
    expect(about(morning, 'cronjobs')).toEqual([['resume', 'resumed after the start: shop/report']]);
  });

  test('are resumed a few a minute, so that their missed runs do not all begin at once', async () => {
    const names = Array.from({ length: 12 }, (_, index) => `job-${String(index).padStart(2, '0')}`);
    const world = withCronJobs(...names.map((name) => aCronJob(name)));
    await ticks(world, NIGHT, 10);
    expect(suspended(world)).toHaveLength(12);
    const left: number[] = [];
    for (let minute = 0; minute < 9; minute++) {
      await ticks(world, minutes(MORNING, minute), 1);
      left.push(suspended(world).length);
    }
    expect([...new Set(left)]).toEqual([12, 7, 2, 0]);
  });

  test('that somebody resumes at night stay resumed, which is reported once', async () => {
    const world = withCronJobs(aCronJob('report'));
    await ticks(world, NIGHT, 10);
    world.cronJobs.set('shop/report', aCronJob('report'));
    const decisions = await ticks(world, minutes(NIGHT, 60), 30);
    expect(suspended(world)).toEqual([]);
    expect(about(decisions, 'shop/report').map(([action]) => action)).toEqual(['warn']);
    await ticks(world, MORNING, 8);
    expect(await records(world)).toEqual([]);
  });

  test('that are made at night are suspended within five minutes', async () => {
    const world = withCronJobs();
    await ticks(world, NIGHT, 10);
    world.cronJobs.set('shop/late', aCronJob('late'));
    await ticks(world, minutes(NIGHT, 60), 5);
    expect(suspended(world)).toEqual(['late']);
  });

  test('that were created again keep what they are', async () => {
    const world = withCronJobs(aCronJob('report'), aCronJob('gone'));
    await ticks(world, NIGHT, 10);
    world.cronJobs.delete('shop/gone');
    world.cronJobs.set('shop/report', aCronJob('report', { uid: 'another', isSuspended: true }));
    const morning = await ticks(world, MORNING, 8);
    expect(suspended(world)).toEqual(['report']);
    expect(await records(world)).toEqual([]);
    expect(about(morning, 'shop/report').map(([action]) => action)).toEqual(['ignore']);
  });

  test('are suspended again where the process died between the record and the request', async () => {
    const world = withCronJobs(aCronJob('report'));
    world.hook = (call, before) => {
      if (call.startsWith('cronJobs.suspend') && before) throw new Error('killed');
    };
    await ticks(world, NIGHT, 1);
    expect(suspended(world)).toEqual([]);
    expect(await records(world)).toEqual(['shop/report']);
    world.hook = () => undefined;
    await ticks(world, minutes(NIGHT, 1), 2);
    expect(suspended(world)).toEqual(['report']);
  });

  test('are suspended again where the cluster stops again before a lost reply to their resumption was repeated', async () => {
    const world = withCronJobs(aCronJob('report'));
    await ticks(world, NIGHT, 10);
    world.hook = (call, before) => {
      if (call.startsWith('cronJobs.resume') && !before) throw new Error('timed out');
    };
    await ticks(world, MORNING, 6);
    expect(suspended(world)).toEqual([]);
    expect(await records(world)).toEqual(['shop/report']);
    world.hook = () => undefined;
    const again = await ticks(world, minutes(NIGHT, 24 * 60), 10);
    expect(suspended(world)).toEqual(['report']);
    expect(about(again, 'shop/report')).toEqual([]);
  });
});

describe('a failure', () => {
  test('of one CronJob stops neither the others nor the sleep, and is recorded once an hour', async () => {
    const world = withCronJobs(aCronJob('bad'), aCronJob('good'));
    world.hook = (call, before) => {
      if (call === 'cronJobs.suspend bad' && before) throw new Error('denied by a policy');
    };
    const decisions = await ticks(world, NIGHT, 30);
    expect(suspended(world)).toEqual(['good']);
    expect(world.table.read<{ phase: string }>(PARTITION, 'state')?.phase).toBe('asleep');
    expect(about(decisions, 'shop/bad')).toEqual([['fail', 'denied by a policy']]);
  });

  test('to read its record leaves the CronJob alone, and is reported', async () => {
    const world = withCronJobs(aCronJob('report'));
    await world.table.through().save(PARTITION, cronJobKey('shop/report'), { name: 'report' });
    const decisions = await ticks(world, NIGHT, 5);
    expect(suspended(world)).toEqual([]);
    expect(about(decisions, 'shop/report')[0]?.[1]).toMatch(
      /^the record of the suspended CronJob shop\/report/,
    );
  });

  test('of the start does not keep them suspended past its deadline', async () => {
    const world = withCronJobs(aCronJob('report'));
    await ticks(world, NIGHT, 10);
    world.ports.nodes.ready = async () => new Set();
    await ticks(world, MORNING, 19);
    expect(suspended(world)).toEqual(['report']);
    await ticks(world, minutes(MORNING, 19), 4);
    expect(suspended(world)).toEqual([]);
  });
});

test('they are resumed from their records when the config does not select any more', async () => {
  const world = withCronJobs(aCronJob('report'));
  await ticks(world, NIGHT, 10);
  await ticks(world, MORNING, 8, {});
  expect(suspended(world)).toEqual([]);
});

test('a dry run names them once, and changes nothing', async () => {
  const world = withCronJobs(aCronJob('report'));
  const decisions = await ticks(world, NIGHT, 20, { suspendCronJobs, dryRun: true });
  expect(suspended(world)).toEqual([]);
  expect(about(decisions, 'cronjobs')).toEqual([
    ['pause', 'dry run, nothing was changed: suspended with the stop: shop/report'],
  ]);
});

test('the removal of the stack resumes them', async () => {
  const world = withCronJobs(aCronJob('report'));
  await ticks(world, NIGHT, 10);
  const ports = {
    ...world.ports,
    autoscalersOf: () => [],
    timeZone: 'Asia/Tokyo',
    now: () => minutes(NIGHT, 20),
    record: () => undefined,
  };
  expect((await restore(ports)).waiting).toMatchObject([{ target: 'workers' }]);
  expect(suspended(world)).toEqual([]);
});
