/** The ConfigMap `keep-up`: decided, and over whole passes. */
import { describe, expect, test } from 'vitest';
import { decideRequest } from '#functions/night-schedule/keep-up-request.ts';
import type { KeepUpRequest } from '#functions/night-schedule/ports.ts';
import { run } from '#functions/night-schedule/run.ts';
import { authorOf, type Override } from '#model/schedule.ts';
import { aGroup, officeHours, someSettings } from './builders.ts';
import { aWorld, type World } from './memory-ports.ts';

/** Tuesday 21:50 in Tokyo; the stop comes at 22:00. */
const EVENING = new Date('2026-11-24T12:50:00Z');
/** Wednesday 01:02 in Tokyo. */
const DEEP_NIGHT = new Date('2026-11-24T16:02:00Z');
const keepUp = { maxHours: 4, perNight: 3, requireReason: false };
const aRequest = (overrides: Partial<KeepUpRequest> = {}): KeepUpRequest => ({
  version: '4711',
  until: '23:30',
  reason: 'release 4.2',
  requestedBy: 'ana',
  ...overrides,
});
const decided = (
  overrides: Partial<KeepUpRequest>,
  now = EVENING,
  { limits = keepUp, before = [] as readonly Override[] } = {},
) => decideRequest(aRequest(overrides), { schedule: officeHours, keepUp: limits }, before, now);

describe('what is written into the ConfigMap keep-up', () => {
  test('becomes an override by kubectl, unverified', () => {
    const result = decided({});
    expect(result).toEqual({
      kind: 'keep-up',
      override: {
        id: 'kubectl#2026-11-24T13:00:00.000Z#4711',
        state: 'awake',
        from: EVENING.toISOString(),
        until: '2026-11-24T14:30:00.000Z',
        author: 'kubectl',
        via: 'kubectl',
        label: 'ana',
        reason: 'release 4.2',
      },
    });
    if (result.kind === 'keep-up') expect(authorOf(result.override)).toBe('kubectl: ana, unverified');
  });

  test('in the night counts from now, for the stop that the night began with', () => {
    expect(decided({ until: '05:00' }, DEEP_NIGHT)).toMatchObject({
      kind: 'keep-up',
      override: { id: 'kubectl#2026-11-24T13:00:00.000Z#4711', until: '2026-11-24T20:00:00.000Z' },
    });
  });

  test('at the very minute of the stop is for the night that begins', () => {
    expect(decided({}, new Date('2026-11-24T13:00:00Z'))).toMatchObject({
      override: { id: 'kubectl#2026-11-24T13:00:00.000Z#4711' },
    });
  });

  test('on a weekend is for the stop of Friday', () => {
    const saturday = new Date('2026-11-28T03:00:00Z');
    expect(decided({ until: '15:00' }, saturday)).toMatchObject({
      override: { id: 'kubectl#2026-11-27T13:00:00.000Z#4711', until: '2026-11-28T06:00:00.000Z' },
    });
  });

  test('as a time of day is the next one after it was written, not after it was read', () => {
    const writtenAt = new Date('2026-11-23T12:50:00Z');
    expect(decided({ writtenAt })).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('until "23:30" has passed'),
    });
  });

  test.for([
    ['an empty time', { until: '' }, 'until "": invalid time'],
    ['no time', { until: 'later' }, 'until "later": invalid time'],
    ['a time that has passed', { until: '2026-11-24T21:00+09:00' }, 'has passed'],
    ['a time beyond the bound', { until: '02:01' }, 'is later than 02:00 (Asia/Tokyo)'],
    ['a time years ahead', { until: '2099-01-01 00:00' }, 'is later than 02:00 (Asia/Tokyo)'],
    ['no name', { requestedBy: '' }, 'requestedBy is empty: write your name'],
    ['a name that nobody sees', { requestedBy: '\u200d\u2800' }, 'requestedBy is empty: write your name'],
    ['a name on two lines', { requestedBy: 'ana\nben' }, 'characters that cannot be shown'],
    ['a very long name', { requestedBy: 'a'.repeat(61) }, 'longer than 60 characters'],
    ['a reason that turns the direction of text', { reason: 'x\u202e' }, 'cannot be shown'],
    ['a very long reason', { reason: 'a'.repeat(201) }, 'longer than 200 characters'],
  ] as const)('is refused by name: %s', ([, fields, problem]) => {
    const result = decided(fields);
    expect(result).toMatchObject({ kind: 'refused', reason: expect.stringContaining(problem) });
    // What people and logs see of it is plain text.
    if (result.kind === 'refused') expect(result.reason).not.toMatch(/[\n\u202e]/);
  });

  test('is refused beyond the requests of the night, and without a reason where one is required', () => {
    const limits = { maxHours: 4, perNight: 1, requireReason: true };
    const first = decided({}, EVENING, { limits });
    const before = first.kind === 'keep-up' ? [first.override] : [];
    expect(decided({ version: '4712' }, EVENING, { limits, before })).toMatchObject({
      reason: expect.stringContaining('the 1 requests of this night are used'),
    });
    const byLink = { ...before[0], id: 'link#2026-11-24T13:00:00.000Z#1', via: 'link' } as Override;
    expect(decided({}, EVENING, { limits, before: [byLink] })).toMatchObject({
      reason: expect.stringContaining('the 1 requests of this night are used'),
    });
    expect(decided({ reason: '' }, EVENING, { limits })).toMatchObject({
      reason: expect.stringContaining('reason is empty'),
    });
  });
});

describe('a pass with the ConfigMap', () => {
  async function ticks(
    world: World,
    from: Date,
    count: number,
    read: () => Promise<KeepUpRequest | undefined>,
  ) {
    const begin = world.decisions.length;
    const failures: unknown[] = [];
    for (let minute = 0; minute < count; minute++) {
      const now = () => new Date(from.getTime() + minute * 60_000);
      const settings = someSettings({ keepUp });
      const deps = { ...world.ports, settings, keepUpRequests: { read }, now, remaining: () => 60_000 };
      await run(deps, { trigger: 'tick', byPerson: false }).catch((error: unknown) => failures.push(error));
      world.settle();
    }
    return { decisions: world.decisions.slice(begin), failures };
  }
  const overrides = async (world: World) => (await world.ports.store.load()).overrides;

  test('postpones the stop, and handles each version once', async () => {
    const world = aWorld([aGroup()]);
    const { decisions } = await ticks(world, EVENING, 15, async () => aRequest());
    expect(world.size('workers').desired).toBe(3);
    expect(decisions.filter(({ action }) => action === 'override')).toMatchObject([
      {
        reason: 'kept up until 2026-11-24T14:30:00.000Z by kubectl: ana, unverified: release 4.2',
        author: 'kubectl',
        via: 'kubectl',
        label: 'ana',
      },
    ]);
    expect(await overrides(world)).toHaveLength(1);
  });

  test('starts the cluster in the same pass while no node is left', async () => {
    const world = aWorld([aGroup()]);
    await ticks(world, new Date('2026-11-24T13:00:00Z'), 10, async () => undefined);
    expect(world.size('workers').desired).toBe(0);
    await ticks(world, DEEP_NIGHT, 1, async () => aRequest({ until: '02:00' }));
    expect(world.size('workers').desired).toBe(3);
  });

  test('does not write again what somebody cancelled', async () => {
    const world = aWorld([aGroup()]);
    await ticks(world, EVENING, 1, async () => aRequest());
    const [override] = await overrides(world);
    await world.table.through().remove('override', override?.id ?? '');
    await ticks(world, new Date('2026-11-24T13:00:00Z'), 3, async () => aRequest());
    expect(await overrides(world)).toEqual([]);
    expect(world.size('workers').desired).toBe(0);
  });

  test('names what it refuses once, and goes on', async () => {
    const world = aWorld([aGroup()]);
    const { decisions, failures } = await ticks(world, EVENING, 20, async () => aRequest({ until: '04:00' }));
    expect(decisions.filter(({ action }) => action === 'refuse')).toHaveLength(1);
    expect(failures).toEqual([]);
    expect(world.size('workers').desired).toBe(0);
  });

  test('whose override cannot be written goes on, reports it, and tries again', async () => {
    const world = aWorld([aGroup()]);
    let refusals = 2;
    world.hook = (call, before) => {
      if (call === 'store.addOverride' && before && refusals-- > 0) throw new Error('AccessDeniedException');
    };
    const { decisions, failures } = await ticks(world, EVENING, 5, async () => aRequest());
    expect(failures).toHaveLength(2);
    expect(decisions.filter(({ action }) => action === 'fail')).toMatchObject([
      { target: 'configmap nightshift/keep-up', reason: 'AccessDeniedException' },
    ]);
    expect(await overrides(world)).toHaveLength(1);
  });

  test('that died after it wrote the override is followed by one that writes no other', async () => {
    const world = aWorld([aGroup()]);
    world.hook = (call, before) => {
      if (call === 'store.addOverride' && !before) {
        world.hook = () => undefined;
        throw new Error('killed');
      }
    };
    await ticks(world, EVENING, 5, async () => aRequest());
    expect(await overrides(world)).toHaveLength(1);
  });

  test('that cannot be read stops nothing else, and is reported', async () => {
    const world = aWorld([aGroup()]);
    const { decisions, failures } = await ticks(world, EVENING, 20, () =>
      Promise.reject(new Error('the ConfigMap nightshift/keep-up does not exist')),
    );
    expect(world.size('workers').desired).toBe(0);
    expect(failures).toHaveLength(20);
    expect(decisions.filter(({ action }) => action === 'fail')).toMatchObject([
      { target: 'configmap nightshift/keep-up', reason: expect.stringContaining('does not exist') },
    ]);
  });
});
