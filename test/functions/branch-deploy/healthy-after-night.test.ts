import { describe, expect, test } from 'vitest';
import { failureOf } from '#functions/adapters/argocd/reply.ts';
import { createDesiredDeploys } from '#functions/adapters/dynamodb/desired-deploys.ts';
import { createReadiness } from '#functions/adapters/readiness.ts';
import { AT_NIGHT, aWorld, OFFICE, type World } from './a-world.ts';

const EIGHT = new Date('2026-11-25T23:00:00Z');
const QUARTER_TO = new Date('2026-11-25T22:45:00Z');
const TEN_AT_NIGHT = '2026-11-26T13:00:00.000Z';
const options = { start: AT_NIGHT, settings: { schedule: OFFICE, recordsHealthy: true } } as const;
const NO_ANSWER = failureOf('argocd', { status: 503, headers: {}, body: 'no endpoints' });

/** Asleep until then, with a tick that sees the night, then awake. */
async function awakeAt(world: World, at: Date) {
  await world.state({ phase: 'asleep', desired: 'asleep' });
  await world.ticks(1);
  await world.clock.runUntil(at.getTime());
  await world.state({ phase: 'awake', until: TEN_AT_NIGHT });
}

const observed = (world: World) => createReadiness(world.table).healthy();

describe('after the night', () => {
  test('it is stored when Argo CD answered and when each application was Healthy', async () => {
    const world = aWorld(options);
    await awakeAt(world, EIGHT);
    expect(await observed(world)).toEqual({ applications: new Map(), argocd: undefined });
    await world.ticks(4);
    const { applications, argocd } = await observed(world);
    expect(argocd && argocd >= EIGHT.toISOString()).toBe(true);
    expect(applications.get('default/api')).toBeDefined();
  });

  test('nothing is stored while Argo CD does not answer, and both when it does', async () => {
    const world = aWorld(options);
    await awakeAt(world, EIGHT);
    world.wire.state.fault = () => NO_ANSWER;
    await world.ticks(3);
    expect(await observed(world)).toEqual({ applications: new Map(), argocd: undefined });
    world.wire.state.fault = () => undefined;
    await world.ticks(4);
    const { applications, argocd } = await observed(world);
    expect(Date.parse(argocd ?? '')).toBeGreaterThan(EIGHT.getTime() + 3 * 60_000);
    expect([...applications.keys()].sort()).toEqual(['*', 'default/api']);
  });

  test('each is stored once a night, and again after the next one', async () => {
    const world = aWorld(options);
    await awakeAt(world, EIGHT);
    await world.ticks(4);
    const first = await createDesiredDeploys(world.table).healthy();
    await world.ticks(10);
    expect(await createDesiredDeploys(world.table).healthy()).toEqual(first);
    await world.clock.runUntil(Date.parse(TEN_AT_NIGHT));
    await awakeAt(world, new Date(EIGHT.getTime() + 24 * 3_600_000));
    await world.ticks(4);
    const second = await createDesiredDeploys(world.table).healthy();
    expect(second.every(({ at }, index) => at > (first[index]?.at ?? ''))).toBe(true);
  });

  test('nothing is stored where nobody waits for the applications', async () => {
    const world = aWorld({ ...options, settings: { schedule: OFFICE } });
    await awakeAt(world, EIGHT);
    await world.ticks(4);
    expect(await createDesiredDeploys(world.table).healthy()).toEqual([]);
  });
});

describe('a cluster that is up before the time of the schedule', () => {
  const early = { ...options, settings: { schedule: OFFICE, startsEarly: true } } as const;

  test('gets what waited for the morning', async () => {
    const world = aWorld(early);
    await world.invoke((await world.build()).event);
    await awakeAt(world, QUARTER_TO);
    await world.ticks(3);
    expect(world.actions()).toEqual(['defer', 'sync', 'deployed']);
  });

  test('gets it with the event that it is awake, without a tick', async () => {
    const world = aWorld(early);
    await world.invoke((await world.build()).event);
    await awakeAt(world, QUARTER_TO);
    await world.invoke({
      source: 'nightshift.events',
      'detail-type': 'Nightshift State Change',
      id: 'event-1',
      time: world.clock.date().toISOString(),
      detail: { version: '1', environment: 'develop', phase: 'awake' },
    });
    expect(world.actions()).toEqual(['defer', 'sync', 'deployed']);
    expect(Date.parse(world.decisions[1]?.time ?? '') - QUARTER_TO.getTime()).toBeLessThan(5_000);
  });

  test('gets nothing while its nodes are starting', async () => {
    const world = aWorld(early);
    await world.invoke((await world.build()).event);
    await awakeAt(world, QUARTER_TO);
    await world.state({ phase: 'starting', until: TEN_AT_NIGHT });
    await world.ticks(3);
    expect(world.actions()).toEqual(['defer']);
  });
});

test('an event that is a lie starts nothing while the cluster sleeps', async () => {
  const world = aWorld({ start: AT_NIGHT, settings: { schedule: OFFICE } });
  await world.invoke((await world.build()).event);
  await world.state({ phase: 'asleep', desired: 'asleep' });
  await world.invoke({ source: 'nightshift.events', 'detail-type': 'anything', id: 'event-1' });
  expect(world.actions()).toEqual(['defer']);
  expect(world.syncs()).toBe(0);
});
