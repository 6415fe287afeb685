import { describe, expect, test } from 'vitest';
import { createOverrides } from '#functions/adapters/dynamodb/night.ts';
import { OF_BUILDS } from '#functions/branch-deploy/reasons.ts';
import { AT_NIGHT, anApplication, aWorld, lastEvent, OFFICE, REPOSITORY, type World } from './a-world.ts';

const EIGHT = new Date('2026-11-25T23:00:00Z');
const night = { start: AT_NIGHT, settings: { schedule: OFFICE } } as const;
const applications = (count: number) =>
  Array.from({ length: count }, (_, index) => anApplication({ name: `api-${index}` }));

/** The wake: the nodes are Ready, and the state says so. */
async function wake(world: World, at = EIGHT) {
  await world.clock.runUntil(at.getTime());
  await world.state({ phase: 'starting' });
  await world.ticks(3);
  await world.state({ phase: 'awake' });
}

describe('a merge at night', () => {
  test('is deferred until the morning: recorded, reported once, and Argo CD is not called', async () => {
    const world = aWorld(night);
    await world.state({ phase: 'asleep', desired: 'asleep' });
    const { event } = await world.build();
    await world.invoke(event);
    await world.ticks(10);
    expect(world.actions()).toEqual(['defer']);
    expect(world.reasons()[0]).toMatch(/^defer: deferred until Thu 08:00 \(Asia\/Tokyo\): /);
    expect(world.decisions[0]).toMatchObject({ target: 'api', until: '2026-11-25T23:00:00.000Z' });
    expect(world.wire.calls).toEqual([]);
  });

  test('is deployed within two minutes of the cluster being ready', async () => {
    const world = aWorld(night);
    const { sha, event } = await world.build();
    await world.invoke(event);
    await wake(world);
    const ready = world.clock.now();
    await world.ticks(2);
    expect(world.actions()).toEqual(['defer', 'sync', 'deployed']);
    expect(Date.parse(world.decisions.at(-1)?.time ?? '') - ready).toBeLessThan(120_000);
    expect(world.image()).toBe(`api:${sha}`);
  });

  test('nothing is asked of Argo CD while the cluster is starting', async () => {
    const world = aWorld(night);
    const { event } = await world.build();
    await world.invoke(event);
    await world.clock.runUntil(EIGHT.getTime());
    await world.state({ phase: 'starting' });
    await world.ticks(5);
    expect(world.wire.calls).toEqual([]);
    expect(world.actions()).toEqual(['defer']);
  });

  test('a start that one group does not let end holds nothing back for longer than half an hour', async () => {
    const world = aWorld(night);
    const { event } = await world.build();
    await world.invoke(event);
    await world.clock.runUntil(EIGHT.getTime());
    await world.state({ phase: 'starting' });
    await world.ticks(29);
    expect(world.wire.calls).toEqual([]);
    await world.ticks(4);
    expect(world.actions()).toEqual(['defer', 'sync', 'deployed']);
  });

  test('each of several merges is reported to wait', async () => {
    const world = aWorld(night);
    await world.invoke((await world.build()).event);
    await world.invoke((await world.build()).event);
    expect(world.actions()).toEqual(['defer', 'superseded', 'defer']);
    expect(world.decisions.at(-1)).toMatchObject({ number: 2 });
  });

  test('of several merges only the latest is replayed', async () => {
    const world = aWorld(night);
    for (let push = 0; push < 4; push++) await world.invoke((await world.build()).event);
    await wake(world);
    await world.ticks(2);
    expect(world.syncs()).toBe(1);
    expect(world.actions().filter((action) => action === 'superseded')).toHaveLength(3);
    expect(world.decisions.at(-1)).toMatchObject({ action: 'deployed', number: 4 });
  });

  test('the replay is staggered', async () => {
    const world = aWorld({
      ...night,
      settings: {
        schedule: OFFICE,
        builds: [
          {
            project: 'api-develop',
            repository: REPOSITORY,
            branch: 'develop',
            applications: applications(6),
          },
        ],
      },
    });
    const { event } = await world.build();
    await world.invoke(event);
    await wake(world);
    await world.ticks(3);
    const times = world.decisions
      .filter(({ action }) => action === 'sync')
      .map(({ time }) => Date.parse(time));
    expect(times).toHaveLength(6);
    for (const [index, time] of times.slice(1).entries())
      expect(time - (times[index] ?? 0)).toBeGreaterThan(1_500);
    expect(world.actions().filter((action) => action === 'deployed')).toHaveLength(6);
  });

  test('what is under way for long does not hold up those that wait', async () => {
    const world = aWorld({
      ...night,
      rolloutSeconds: 600,
      settings: {
        schedule: OFFICE,
        builds: [
          {
            project: 'api-develop',
            repository: REPOSITORY,
            branch: 'develop',
            applications: applications(25),
          },
        ],
      },
    });
    await world.invoke((await world.build()).event);
    await wake(world);
    await world.ticks(3);
    expect(world.syncs()).toBe(25);
  });

  test('an Argo CD that needs longer than the nodes is asked again', async () => {
    const world = aWorld(night);
    const { event } = await world.build();
    await world.invoke(event);
    await wake(world);
    const since = world.clock.now();
    world.wire.state.fault = () =>
      world.clock.now() - since < 90_000 ? { kind: 'transient', detail: 'connect ETIMEDOUT' } : undefined;
    await world.ticks(3);
    expect(world.actions()).toEqual(['defer', 'wait', 'sync', 'deployed']);
  });

  test('a sync that the evening cut off is asked for again in the morning', async () => {
    const evening = new Date('2026-11-25T12:58:40Z');
    const world = aWorld({ ...night, start: evening, rolloutSeconds: 60 });
    world.argocd.failNextSync('api', { phase: 'Error', message: 'context deadline exceeded' });
    world.argocd.changeApplication('api', { syncSeconds: 40 });
    const { event } = await world.build();
    const { wire } = world;
    // The operation is under way when the cluster stops, and fails unseen.
    const read = wire.read.bind(wire);
    wire.read = async (application, options) => {
      const reply = await read(application, options);
      return reply.ok && reply.value.operation && world.clock.now() < Date.parse('2026-11-25T13:00:00Z')
        ? {
            ok: true,
            value: {
              ...reply.value,
              pendingOperation: { deployIds: reply.value.operation?.deployIds ?? [], by: 'us' },
            },
          }
        : reply;
    };
    await world.invoke(event);
    await world.ticks(5);
    await wake(world);
    await world.ticks(3);
    expect(world.actions().filter((action) => action !== 'wait' && action !== 'defer')).toEqual([
      'sync',
      'sync',
      'deployed',
    ]);
  });

  test('an environment without a schedule never sleeps', async () => {
    const world = aWorld({ start: AT_NIGHT });
    const { event } = await world.build();
    await world.invoke(event);
    expect(world.actions()).toEqual(['sync', 'deployed']);
  });

  test('an override that keeps the cluster up lets the deploy through', async () => {
    const world = aWorld(night);
    await world.state({ phase: 'awake', desired: 'awake' });
    await createOverrides(world.table).add({
      id: '1',
      state: 'awake',
      from: AT_NIGHT.toISOString(),
      until: '2026-11-25T18:00:00.000Z',
      author: 'alice',
      reason: 'late',
    });
    const { event } = await world.build();
    await world.invoke(event);
    expect(world.actions()).toEqual(['sync', 'deployed']);
  });
});

describe('a merge that wakes the cluster', () => {
  const waking = { ...night, settings: { schedule: OFFICE, whenAsleep: 'wake' } } as const;

  test('writes an override for two hours and deploys when the cluster is up', async () => {
    const world = aWorld(waking);
    await world.state({ phase: 'asleep', desired: 'asleep' });
    const { event } = await world.build();
    await world.invoke(event);
    expect(world.actions()).toEqual(['wake']);
    expect(await world.override()).toMatchObject({
      state: 'awake',
      author: 'branch-deploy',
      reason: 'a deploy of api',
    });
    expect(world.wire.calls).toEqual([]);

    await world.state({ phase: 'starting' });
    await world.ticks(3);
    expect(world.wire.calls).toEqual([]);
    await world.state({ phase: 'awake' });
    await world.ticks(2);
    expect(world.actions()).toEqual(['wake', 'sync', 'deployed']);
  });

  test('does not overrule a person who wants it asleep', async () => {
    const world = aWorld({ ...waking, start: new Date('2026-11-25T05:00:00Z') });
    await createOverrides(world.table).add({
      id: '1',
      state: 'asleep',
      from: '2026-11-25T04:00:00.000Z',
      until: '2026-11-25T10:00:00.000Z',
      author: 'alice',
      reason: 'maintenance',
    });
    const { event } = await world.build();
    await world.invoke(event);
    expect(world.actions()).toEqual(['defer']);
    expect(await world.override()).toMatchObject({ author: 'alice' });
  });

  test('two merges write one override', async () => {
    const world = aWorld(waking);
    await world.invoke((await world.build()).event);
    const first = await world.override();
    await world.invoke((await world.build()).event);
    expect(await world.override()).toEqual(first);
    await world.state({ phase: 'awake' });
    await world.ticks(2);
    expect(world.actions().filter((action) => action !== 'wake')).toEqual(['superseded', 'sync', 'deployed']);
  });
});

describe('the morning', () => {
  test('an application whose operation failed overnight is synced again, although nothing was pending', async () => {
    const world = aWorld({ settings: { schedule: OFFICE }, start: new Date('2026-11-25T12:30:00Z') });
    const { event } = await world.build();
    await world.invoke(event);
    expect(world.actions()).toEqual(['sync', 'deployed']);

    await world.clock.runUntil(Date.parse('2026-11-25T13:00:00Z'));
    await world.state({ phase: 'asleep', desired: 'asleep' });
    await world.ticks(2);
    world.argocd.failNextSync('api', { phase: 'Failed', message: 'no endpoints available for the webhook' });
    world.argocd.startForeignSync('api');
    await wake(world);
    await world.ticks(2);
    expect(world.actions()).toEqual(['sync', 'deployed', 'sync', 'deployed']);
    expect(world.decisions.at(-2)?.reason).toMatch(/ended as Failed while the cluster slept/);
  });

  test('one that fails in the morning as well is not synced over and over', async () => {
    const world = aWorld({ settings: { schedule: OFFICE }, start: new Date('2026-11-25T12:50:00Z') });
    await world.clock.runUntil(Date.parse('2026-11-25T13:00:00Z'));
    await world.state({ phase: 'asleep', desired: 'asleep' });
    await world.ticks(2);
    for (let times = 0; times < 3; times++) {
      world.argocd.failNextSync('api', { phase: 'Failed', message: 'no such image' });
    }
    world.argocd.startForeignSync('api');
    await wake(world);
    await world.ticks(10);
    expect(world.actions()).toEqual(['sync', 'fail']);
  });

  test('an operation that the night held up is looked at when it is over', async () => {
    const world = aWorld({
      settings: { schedule: OFFICE },
      start: new Date('2026-11-25T12:50:00Z'),
      application: { syncSeconds: 11 * 3_600 },
    });
    await world.clock.runUntil(Date.parse('2026-11-25T13:00:00Z'));
    await world.ticks(2);
    world.argocd.startForeignSync('api');
    await wake(world);
    await world.ticks(3);
    expect((await world.ports().deploys.all()).night).toBeDefined();
    await world.ticks(70);
    expect((await world.ports().deploys.all()).night).toBeUndefined();
    expect(world.decisions).toEqual([]);
  });

  test('applications that are well are left alone', async () => {
    const world = aWorld(night);
    await world.ticks(2);
    await wake(world);
    await world.ticks(4);
    expect(world.decisions).toEqual([]);
    expect(world.wire.calls).toEqual(['read api']);
  });
});

describe('a quiet tick', () => {
  test('costs one query, and no line', async () => {
    const world = aWorld({ settings: { schedule: OFFICE }, start: new Date('2026-11-25T05:01:00Z') });
    await world.tick();
    expect(world.table.calls).toEqual(['table.list deploy']);
    expect(world.reads.builds).toBe(0);
    expect(world.wire.calls).toEqual([]);
    expect(world.decisions).toEqual([]);
  });

  test('costs one query at night too, once the night was noted', async () => {
    const world = aWorld({ ...night, start: new Date('2026-11-25T14:01:00Z') });
    await world.tick();
    world.table.calls.length = 0;
    await world.tick();
    expect(world.table.calls).toEqual(['table.list deploy']);
  });

  test('looks for missed builds every fifth minute with one call for each project', async () => {
    const world = aWorld();
    const { event } = await world.build();
    await world.invoke(event);
    await world.ticks(10);
    world.reads.builds = 0;
    await world.ticks(60);
    expect(world.reads.builds).toBe(12);
  });
});

describe('missed events', () => {
  test('a build whose event was lost is found within five minutes', async () => {
    const world = aWorld();
    const { sha } = await world.build();
    await world.ticks(5);
    expect(world.actions()).toEqual(['sync', 'deployed']);
    expect(world.image()).toBe(`api:${sha}`);
  });

  test('what an event announced is not found once more, also not by a new process', async () => {
    const world = aWorld();
    const { event } = await world.build();
    await world.invoke(event);
    world.coldStart();
    await world.ticks(10);
    expect(world.actions()).toEqual(['sync', 'deployed']);
  });

  test('a missed older build ends as superseded, once', async () => {
    const world = aWorld();
    await world.build();
    await world.invoke((await world.build()).event);
    await world.ticks(5);
    world.coldStart();
    await world.ticks(10);
    expect(world.actions()).toEqual(['sync', 'deployed', 'superseded']);
  });

  test('at night what is found is deferred', async () => {
    const world = aWorld(night);
    await world.build();
    await world.ticks(6);
    expect(world.actions()).toEqual(['defer']);
  });

  test('builds of days ago are history', async () => {
    const world = aWorld();
    await world.build();
    await world.pass(4 * 86_400_000);
    await world.ticks(6);
    expect(world.decisions).toEqual([]);
  });

  test('a project that does not exist is reported once', async () => {
    const world = aWorld();
    Object.assign(world.settings, {
      builds: [{ ...world.settings.builds[0], project: 'nobody' }],
    });
    await world.ticks(20);
    expect(world.reasons()).toEqual([`fail: ${OF_BUILDS.unknownProject}`]);
  });

  test('an event that comes after the look-up found its build changes nothing', async () => {
    const world = aWorld();
    await world.build();
    const late = lastEvent(world.events);
    await world.ticks(6);
    await world.invoke(late);
    expect(world.actions()).toEqual(['sync', 'deployed', 'none']);
  });
});
