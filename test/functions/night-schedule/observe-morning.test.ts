import { describe, expect, test } from 'vitest';
import type { Readiness } from '#functions/night-schedule/ports.ts';
import type { Morning } from '#functions/night-schedule/records.ts';
import { run } from '#functions/night-schedule/run.ts';
import { DAY_MS, MINUTE_MS } from '#model/duration.ts';
import type { NightScheduleSettings } from '#model/settings.ts';
import { aGroup, instances, someSettings } from './builders.ts';
import { aWorld, type World } from './memory-ports.ts';

/** Wednesday in Tokyo; the schedule starts at 08:00 and ends at 22:00. */
const at = (time: string) => new Date(`2026-11-25T${time}+09:00`);
const EVENING = new Date('2026-11-24T22:05:00+09:00');
const seconds = (asked: Date, then: Date) => (then.getTime() - asked.getTime()) / 1000;

function aReadiness(overrides: Partial<Readiness> = {}): Readiness {
  return { healthy: async () => ({ applications: new Map() }), answers: async () => false, ...overrides };
}

interface Played {
  readonly world: World;
  readonly pass: (now: Date) => Promise<void>;
  readonly mornings: () => Promise<readonly Morning[]>;
}

async function anAsleepWorld(
  settings: Partial<NightScheduleSettings>,
  { readiness = aReadiness(), before = [] as readonly Morning[] } = {},
): Promise<Played> {
  const world = aWorld([aGroup()]);
  const pass = async (now: Date) => {
    const deps = {
      ...world.ports,
      readiness,
      settings: someSettings(settings),
      now: () => now,
      remaining: () => 60_000,
    };
    await run(deps, { trigger: 'tick', byPerson: false });
  };
  await world.ports.store.writeNote('mornings', before, 'absent');
  await pass(EVENING);
  world.settle();
  await pass(new Date(EVENING.getTime() + MINUTE_MS));
  const mornings = async () => (await world.ports.store.load()).notes.mornings?.value ?? [];
  return { world, pass, mornings };
}

/** So many earlier mornings that took about as long. */
function earlier(...phases: readonly Morning['seconds'][]): Morning[] {
  return phases.map((one, index) => ({
    asked: new Date(EVENING.getTime() - (phases.length - index) * DAY_MS).toISOString(),
    seconds: one,
  }));
}

const setInstances = (world: World, inService: boolean) =>
  world.groups.set('workers', { ...aGroup(), instances: instances(3, inService) });

describe('a morning', () => {
  test('is stored with its phases, each when it was observed', async () => {
    const { world, pass, mornings } = await anAsleepWorld({ readyBy: 'nodes' });
    await pass(at('07:54:00'));
    expect(await mornings()).toEqual([
      {
        asked: at('07:54:00').toISOString(),
        promised: at('08:00:00').toISOString(),
        seconds: {},
        isOpen: true,
      },
    ]);
    setInstances(world, false);
    await pass(at('07:55:00'));
    expect((await mornings())[0]?.seconds).toEqual({});
    setInstances(world, true);
    await pass(at('07:56:00'));
    expect((await mornings())[0]?.seconds).toEqual({ instances: 120, nodes: 120 });
  });

  test('is over when the nodes are Ready, where people wait for nothing more', async () => {
    const { world, pass, mornings } = await anAsleepWorld({ readyBy: 'nodes' });
    await pass(at('07:54:00'));
    world.settle();
    await pass(at('07:55:00'));
    expect((await mornings())[0]?.isOpen).toBe(true);
    await pass(at('07:56:00'));
    const [morning] = await mornings();
    expect(morning).toEqual({
      asked: at('07:54:00').toISOString(),
      promised: at('08:00:00').toISOString(),
      seconds: { instances: 60, nodes: 120 },
    });
  });

  test('is one, although two passes began it at once and the other one wrote the state', async () => {
    const { world, pass, mornings } = await anAsleepWorld({ readyBy: 'nodes' });
    await pass(at('07:54:00'));
    const { store } = world.ports;
    const written = (await store.load()).state;
    if (!written) throw new Error('there is no state');
    const since = at('07:54:01').toISOString();
    await store.writeState({ ...written.value, since }, written.version);
    world.settle();
    await pass(at('07:55:00'));
    await pass(at('07:56:00'));
    expect(await mornings()).toEqual([
      {
        asked: at('07:54:00').toISOString(),
        promised: at('08:00:00').toISOString(),
        seconds: { instances: 60, nodes: 120 },
      },
    ]);
  });

  test('without readyBy has its phases and no promise', async () => {
    const { world, pass, mornings } = await anAsleepWorld({ readyBy: false });
    await pass(at('08:00:00'));
    world.settle();
    await pass(at('08:01:00'));
    await pass(at('08:02:00'));
    expect(await mornings()).toEqual([
      { asked: at('08:00:00').toISOString(), seconds: { instances: 60, nodes: 120 } },
    ]);
  });

  test('waits for every application to be Healthy, later than it was asked for', async () => {
    const healthy = new Map([['default/web', at('07:57:30').toISOString()]]);
    const { world, pass, mornings } = await anAsleepWorld(
      { readyBy: 'applications', applications: ['default/api', 'default/web'] },
      {
        readiness: aReadiness({
          healthy: async () => ({ applications: healthy, argocd: at('07:57:10').toISOString() }),
        }),
      },
    );
    await pass(at('07:50:00'));
    world.settle();
    healthy.set('default/api', '2026-11-23T22:58:00.000Z');
    await pass(at('07:58:00'));
    expect((await mornings())[0]).toMatchObject({
      seconds: { instances: 480, argocd: seconds(at('07:50:00'), at('07:57:10')) },
      isOpen: true,
    });
    healthy.set('default/api', at('07:59:10').toISOString());
    await pass(at('07:59:30'));
    const [morning] = await mornings();
    expect(morning?.seconds['applications']).toBe(seconds(at('07:50:00'), at('07:59:10')));
    expect(morning?.isOpen).toBeUndefined();
  });

  test('waits for the URL to answer', async () => {
    let isUp = false;
    const { world, pass, mornings } = await anAsleepWorld(
      { readyBy: { url: 'https://shop.example.com/health' } },
      { readiness: aReadiness({ answers: async () => isUp }) },
    );
    await pass(at('07:50:00'));
    world.settle();
    await pass(at('07:52:00'));
    await pass(at('07:53:00'));
    isUp = true;
    await pass(at('07:55:00'));
    expect((await mornings())[0]?.seconds).toEqual({ instances: 120, nodes: 120, url: 300 });
  });

  test('keeps the last 60, and starts as early as they teach', async () => {
    const before = earlier(...Array.from({ length: 60 }, () => ({ nodes: 600 })));
    const { world, pass, mornings } = await anAsleepWorld({ readyBy: 'nodes' }, { before });
    await pass(at('07:48:00'));
    expect(world.size('workers').desired).toBe(0);
    await pass(at('07:49:00'));
    expect(world.size('workers').desired).toBe(3);
    expect(await mornings()).toHaveLength(60);
  });

  test('that was not finished by the evening is over', async () => {
    const { world, pass, mornings } = await anAsleepWorld({ readyBy: { url: 'https://shop.example.com' } });
    await pass(at('07:50:00'));
    world.settle();
    await pass(at('07:55:00'));
    await pass(at('22:00:00'));
    expect((await mornings())[0]?.isOpen).toBeUndefined();
    expect((await mornings())[0]?.late).toBe('the URL of readyBy, which does not answer');
  });
});

describe('a morning that is late names what it waited for longest', () => {
  const readyBy = { url: 'https://api.develop.example.com/healthz' };
  const url = 'the URL of readyBy, which does not answer';

  const lateMorning = async (instancesAt: string, answersAt: string) => {
    let answers = false;
    const readiness = aReadiness({ answers: async () => answers });
    const { world, pass, mornings } = await anAsleepWorld({ readyBy }, { readiness });
    setInstances(world, false);
    for (let now = at('07:30:00'); now <= at('09:00:00'); now = new Date(now.getTime() + MINUTE_MS)) {
      if (now >= at(instancesAt) && world.size('workers').desired > 0) world.settle();
      if (now.getTime() === at(instancesAt).getTime()) setInstances(world, true);
      answers = now >= at(answersAt);
      await pass(now);
    }
    return (await mornings()).at(-1);
  };

  test('the instances, although the URL came last', async () => {
    const morning = await lateMorning('08:20:00', '08:24:00');
    expect(morning?.seconds).toMatchObject({ instances: expect.any(Number), url: expect.any(Number) });
    expect(morning?.late).toMatch(/^3 of 3 instances of workers/);
  });

  test('the last of them, where that was the longest', async () => {
    expect((await lateMorning('08:02:00', '08:50:00'))?.late).toBe(url);
  });

  test('the instances, which came before the promised time, by their name alone', async () => {
    expect((await lateMorning('07:59:00', '08:02:00'))?.late).toBe('instances');
  });
});

describe('a morning that will be late', () => {
  const before = earlier(...Array.from({ length: 20 }, () => ({ instances: 120, nodes: 420 })));
  const warnings = (world: World) =>
    world.decisions.filter(({ action, reason }) => action === 'warn' && reason.includes('missed'));

  test('is announced once, before people arrive, with what it waits for', async () => {
    const { world, pass, mornings } = await anAsleepWorld({ readyBy: 'nodes' }, { before });
    await pass(at('07:52:00'));
    await pass(at('07:53:00'));
    expect(warnings(world)).toEqual([]);
    await pass(at('07:56:00'));
    await pass(at('07:57:00'));
    expect(warnings(world)).toMatchObject([
      {
        target: 'develop',
        reason: expect.stringMatching(
          /^08:00 \(Asia\/Tokyo\) (will|may) be missed by .*: waits for 3 of 3 instances of workers \(/,
        ),
        promised: at('08:00:00').toISOString(),
      },
    ]);
    expect((await mornings()).at(-1)?.announced).toBe(at('07:56:00').toISOString());
  });

  test('is not announced while it goes as the others did', async () => {
    const { world, pass } = await anAsleepWorld({ readyBy: 'nodes' }, { before });
    await pass(at('07:52:00'));
    setInstances(world, true);
    for (const time of ['07:54:00', '07:56:00', '07:58:00']) await pass(at(time));
    expect(warnings(world)).toEqual([]);
  });

  test('says what it waited for last', async () => {
    const { pass, mornings } = await anAsleepWorld({ readyBy: 'nodes' }, { before });
    await pass(at('07:52:00'));
    await pass(at('08:03:00'));
    expect((await mornings()).at(-1)?.late).toContain('3 of 3 instances of workers');
  });
});

describe('the morning report', () => {
  const settings = { readyBy: 'nodes', morningReport: 8 * 60 + 30 } as const;
  const reports = (world: World) => world.decisions.filter(({ action }) => action === 'report');
  const before = earlier(...Array.from({ length: 4 }, () => ({ instances: 60, nodes: 120 }))).map((one) => ({
    ...one,
    promised: new Date(Date.parse(one.asked) + 5 * MINUTE_MS).toISOString(),
  }));

  test('says once, at its time, when it was ready and how many mornings were in time', async () => {
    const { world, pass } = await anAsleepWorld(settings, { before });
    await pass(at('07:58:00'));
    world.settle();
    await pass(at('07:59:00'));
    await pass(at('08:01:00'));
    await pass(at('08:29:00'));
    expect(reports(world)).toEqual([]);
    await pass(at('08:30:00'));
    await pass(at('08:31:00'));
    await pass(at('09:29:00'));
    expect(reports(world)).toMatchObject([
      {
        target: 'develop',
        isKept: false,
        promised: at('08:00:00').toISOString(),
        reason: expect.stringMatching(
          /^ready at 08:01 \(Asia\/Tokyo\), promised for 08:00 \(Asia\/Tokyo\), 1 min late; 4 of the last 5 mornings were ready in time$/,
        ),
      },
    ]);
  });

  test('says so where the cluster is not ready at its time', async () => {
    const { world, pass } = await anAsleepWorld(settings, { before });
    await pass(at('07:58:00'));
    await pass(at('08:30:00'));
    expect(reports(world)[0]?.reason).toMatch(/^not ready yet, promised for 08:00 .*: waited for /);
  });

  test('is not made on a day on which nothing was promised', async () => {
    const { world, pass } = await anAsleepWorld(settings, { before });
    await pass(new Date('2026-11-28T08:30:00+09:00'));
    expect(reports(world)).toEqual([]);
  });
});
