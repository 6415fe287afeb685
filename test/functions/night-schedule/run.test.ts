import { describe, expect, test } from 'vitest';
import { createDryRunStore } from '#functions/adapters/dynamodb/dry-run-store.ts';
import {
  NIGHT as PARTITION,
  SAVED_PREFIX,
  STATE_KEY,
  savedKey,
} from '#functions/adapters/dynamodb/table-keys.ts';
import { type NightScheduleDeps, run } from '#functions/night-schedule/run.ts';
import type { NightScheduleSettings } from '#model/settings.ts';
import { aGroup, claims, instances, MORNING, NIGHT, someSettings } from './builders.ts';
import { aWorld, CrashError, type World } from './memory-ports.ts';

const autoscalerConfig = {
  kind: 'cluster-autoscaler',
  namespace: 'kube-system',
  deployment: 'cluster-autoscaler',
  hostGroup: 'system',
} as const;

function deps(world: World, at: Date, overrides: Partial<NightScheduleSettings> = {}): NightScheduleDeps {
  const settings = someSettings(overrides);
  const { autoscaler, ...ports } = world.ports;
  return {
    ...ports,
    settings,
    now: () => at,
    remaining: () => 60_000,
    ...(settings.autoscaler ? { autoscaler } : {}),
  };
}
const cause = { trigger: 'tick', byPerson: false };
const minutes = (from: Date, n: number) => new Date(from.getTime() + n * 60_000);
const pass = (world: World, at: Date, overrides: Partial<NightScheduleSettings> = {}) =>
  run(deps(world, at, overrides), cause);

async function aNight(world: World, overrides: Partial<NightScheduleSettings> = {}) {
  for (let minute = 0; minute < 6; minute++) {
    await pass(world, minutes(NIGHT, minute), overrides);
    world.settle();
  }
}
async function aMorning(world: World, overrides: Partial<NightScheduleSettings> = {}) {
  for (let minute = 0; minute < 6; minute++) {
    await pass(world, minutes(MORNING, minute), overrides);
    world.settle();
  }
}
const phase = (world: World) => world.table.read<{ phase: string }>(PARTITION, STATE_KEY)?.phase;

describe('a night', () => {
  test.each([
    ['seconds', 3_000, 'stopping'],
    // That is no difference of clocks.
    ['an hour', 3_600_000, 'starting'],
  ])('is not called off by a pass whose clock is %s behind: %d ms', async (_, behindMs, expected) => {
    const world = aWorld([aGroup()]);
    const from = minutes(MORNING, 120);
    const until = minutes(from, 30).toISOString();
    const asked = { id: 'an-override', from: from.toISOString(), until, state: 'asleep' } as const;
    await world.ports.store.addOverride({ ...asked, author: 'ana', reason: 'incident 7' });
    await pass(world, from);
    expect(phase(world)).toBe('stopping');
    await pass(world, new Date(from.getTime() - behindMs));
    expect(phase(world)).toBe(expected);
  });

  test('ends with every group at zero and confirmed, and the morning gives the sizes back', async () => {
    const world = aWorld([
      aGroup(),
      aGroup({
        name: 'batch',
        kind: 'self-managed',
        autoScalingGroup: 'batch',
        size: { min: 0, desired: 2, max: 8 },
        instances: instances(2),
      }),
    ]);
    await aNight(world);
    expect(phase(world)).toBe('asleep');
    expect(world.size('workers')).toEqual({ min: 0, desired: 0, max: 5 });
    expect(world.size('batch')).toEqual({ min: 0, desired: 0, max: 0 });
    expect(world.decisions.filter((d) => d.action === 'confirm-stop')).toHaveLength(2);

    await aMorning(world);
    expect(phase(world)).toBe('awake');
    expect(world.size('workers')).toEqual({ min: 1, desired: 3, max: 5 });
    expect(world.size('batch')).toEqual({ min: 0, desired: 2, max: 8 });
    expect(world.table.all(PARTITION, SAVED_PREFIX)).toEqual([]);
  });

  test('is entered in the ledger by date, from confirmed stop to start', async () => {
    const world = aWorld([aGroup()]);
    await aNight(world);
    // Somebody looked all night: no gap.
    for (let minute = 6; minute < 600; minute += 5) await pass(world, minutes(NIGHT, minute));
    await aMorning(world);
    const entries = world.ledger();
    expect(entries.map((entry) => entry.date)).toEqual(['2026-11-24', '2026-11-25']);
    expect(entries.reduce((sum, entry) => sum + entry.nodeMinutesSaved, 0)).toBe(
      entries.reduce((sum, entry) => sum + entry.asleepMinutes, 0) * 3,
    );
  });

  test('shows a gap in the ledger where nobody looked', async () => {
    const world = aWorld([aGroup()]);
    await aNight(world);
    await aMorning(world);
    const gap = world.ledger().reduce((sum, entry) => sum + entry.gapMinutes, 0);
    expect(gap).toBeGreaterThan(500);
  });

  test('does nothing twice: a quiet pass reads twice and writes nothing', async () => {
    const world = aWorld([aGroup()]);
    await aNight(world);
    await pass(world, minutes(NIGHT, 6));
    world.calls.length = 0;
    await pass(world, minutes(NIGHT, 7));
    expect(world.calls.sort()).toEqual(['groups.list', 'store.load']);
  });

  test('stops the others when one group cannot be stopped, and fails loudly', async () => {
    const world = aWorld([aGroup(), aGroup({ name: 'broken', autoScalingGroup: 'eks-broken-1' })]);
    world.hook = (call, before) => {
      if (before && call.startsWith('groups.resize broken'))
        throw new Error('InvalidRequestException: DEGRADED');
    };
    await expect(pass(world, NIGHT)).rejects.toThrow(/broken: InvalidRequestException: DEGRADED/);
    expect(world.size('workers').desired).toBe(0);
    expect(world.decisions.find((d) => d.target === 'broken')).toMatchObject({ action: 'fail' });
  });

  test('warns once before the stop and says how to postpone it', async () => {
    const world = aWorld([aGroup()]);
    const evening = new Date('2026-11-24T12:31:00Z');
    await pass(world, evening);
    await pass(world, minutes(evening, 1));
    const warnings = world.decisions.filter((d) => d.action === 'warn');
    expect(warnings).toHaveLength(1);
    expect(warnings[0]?.reason).toBe(
      'stops at 22:00 (Asia/Tokyo); to keep it up: npx nightshift keep-up develop --for 2h',
    );
  });

  test('warns once a day when the expanded holidays run out within 60 days', async () => {
    const world = aWorld([aGroup()]);
    const calendar = { name: 'japan', closed: [], open: [], until: '2026-12-31' };
    const schedule = { ...someSettings().schedule, calendar };
    for (const minute of [0, 1, 700, 1441]) await pass(world, minutes(NIGHT, minute), { schedule });
    const warnings = world.decisions.filter((d) => d.reason.startsWith('the holidays of calendar japan'));
    expect(warnings).toHaveLength(2);
    expect(warnings[0]).toMatchObject({ action: 'warn', target: 'develop' });
  });

  test('changes nothing in a dry run, and still says what it would do', async () => {
    const world = aWorld([aGroup()]);
    const ports = { ...world.ports, store: createDryRunStore(world.ports.store) };
    for (let minute = 0; minute < 5; minute++)
      await run({ ...deps({ ...world, ports }, minutes(NIGHT, minute), { dryRun: true }) }, cause);
    expect(world.size('workers').desired).toBe(3);
    expect(world.table.read(PARTITION, STATE_KEY)).toBeUndefined();
    expect(world.table.read(PARTITION, 'note#dry-run')).toMatchObject({
      phase: 'awake',
      desired: 'asleep',
      since: NIGHT.toISOString(),
      wouldSave: [{ group: 'workers', size: { min: 1, desired: 3, max: 5 } }],
    });
    const written = new Set(world.calls.filter((call) => call.startsWith('store.write')));
    expect([...written].filter((call) => !call.startsWith('store.writeNote'))).toEqual([]);
    expect(world.decisions).toMatchObject([{ action: 'stop', reason: expect.stringMatching(/^dry run/) }]);
  });

  test('writes nothing for a later real night to take for its own in a dry run', async () => {
    const world = aWorld([aGroup()]);
    const ports = { ...world.ports, store: createDryRunStore(world.ports.store) };
    await run({ ...deps({ ...world, ports }, minutes(NIGHT, 0), { dryRun: true }) }, cause);
    await expect(ports.store.writeState({} as never, 'absent')).rejects.toThrow(
      'a dry run may write its notes only',
    );
    await aNight(world);
    expect(phase(world)).toBe('asleep');
    await aMorning(world);
    expect(world.size('workers').desired).toBe(3);
  });

  test('names the missed deadline also where AWS does not say why instances are missing', async () => {
    const world = aWorld([aGroup({ instances: instances(3) })]);
    world.ports.groups.lastScalingFailure = () =>
      Promise.reject(new Error('not authorized to perform DescribeScalingActivities'));
    await pass(world, NIGHT);
    // The instances stay.
    await pass(world, minutes(NIGHT, 1));
    await pass(world, minutes(NIGHT, 25));
    const failures = world.decisions.filter(({ action }) => action === 'fail');
    expect(failures.map(({ reason }) => reason)).toEqual([
      expect.stringMatching(/3 .*; its scaling activities cannot be read: not authorized/),
    ]);
  });

  test('wakes a group in the morning that the config stopped naming while it slept', async () => {
    const world = aWorld([aGroup()]);
    await aNight(world);
    await aMorning(world, { keep: ['workers'] });
    expect(world.size('workers')).toEqual({ min: 1, desired: 3, max: 5 });
  });

  test('reports a group that the config names and nobody has, once an hour', async () => {
    const world = aWorld([aGroup()]);
    await pass(world, NIGHT, { nodegroups: ['workers', 'wrokers'] });
    await pass(world, minutes(NIGHT, 1), { nodegroups: ['workers', 'wrokers'] });
    expect(world.decisions.filter((d) => d.target === 'wrokers' && d.action === 'fail')).toHaveLength(1);
  });

  test('leaves a group alone that somebody made or grew after the night had settled', async () => {
    const world = aWorld([aGroup()]);
    await aNight(world);
    world.groups.set('mine', aGroup({ name: 'mine', autoScalingGroup: 'eks-mine-1' }));
    await pass(world, minutes(NIGHT, 10));
    expect(world.size('mine').desired).toBe(3);
    expect(phase(world)).toBe('asleep');
    expect(world.decisions.find((d) => d.target === 'mine')).toMatchObject({ action: 'warn' });
  });
});

describe('with a cluster autoscaler', () => {
  const groups = () => [
    aGroup(),
    aGroup({
      name: 'system',
      autoScalingGroup: 'eks-system-1',
      size: { min: 1, desired: 1, max: 1 },
      instances: [{ id: 'i-host', inService: true }],
    }),
  ];

  test('pauses it first, stops its host last, and goes the other way in the morning', async () => {
    const world = aWorld(groups(), {
      kind: 'cluster-autoscaler',
      deployment: 'kube-system/cluster-autoscaler',
      replicas: 2,
    });
    await aNight(world, { autoscaler: autoscalerConfig });
    const order = world.calls.filter((call) => /pause|resize/.test(call));
    expect(order).toEqual(['autoscaler.pause', 'groups.resize workers 0/0/5', 'groups.resize system 0/0/1']);
    expect(phase(world)).toBe('asleep');

    world.calls.length = 0;
    await aMorning(world, { autoscaler: autoscalerConfig });
    expect(world.calls.filter((call) => /resume|resize/.test(call))).toEqual([
      'groups.resize system 1/1/1',
      'groups.resize workers 1/3/5',
      'autoscaler.resume',
    ]);
    expect(world.autoscaler).toEqual({
      kind: 'cluster-autoscaler',
      deployment: 'kube-system/cluster-autoscaler',
      replicas: 2,
    });
    expect(phase(world)).toBe('awake');
  });

  test('pauses it again when somebody (or a GitOps tool) starts it at night, and keeps the first replicas', async () => {
    const world = aWorld(groups(), {
      kind: 'cluster-autoscaler',
      deployment: 'kube-system/cluster-autoscaler',
      replicas: 2,
    });
    await aNight(world, { autoscaler: autoscalerConfig });
    world.autoscaler = {
      kind: 'cluster-autoscaler',
      deployment: 'kube-system/cluster-autoscaler',
      replicas: 1,
    };
    await pass(world, minutes(NIGHT, 10), { autoscaler: autoscalerConfig });
    expect(world.autoscaler).toMatchObject({ replicas: 0 });
    await aMorning(world, { autoscaler: autoscalerConfig });
    expect(world.autoscaler).toMatchObject({ replicas: 2 });
  });

  test('gives the first replicas back although somebody started fewer just before the morning (found by simulation)', async () => {
    const world = aWorld(groups(), {
      kind: 'cluster-autoscaler',
      deployment: 'kube-system/cluster-autoscaler',
      replicas: 2,
    });
    await aNight(world, { autoscaler: autoscalerConfig });
    world.autoscaler = {
      kind: 'cluster-autoscaler',
      deployment: 'kube-system/cluster-autoscaler',
      replicas: 1,
    };
    await aMorning(world, { autoscaler: autoscalerConfig });
    expect(world.autoscaler).toEqual({
      kind: 'cluster-autoscaler',
      deployment: 'kube-system/cluster-autoscaler',
      replicas: 2,
    });
  });

  test('does not stop the groups under an autoscaler that cannot be asked, until the deadline', async () => {
    const world = aWorld(groups(), {
      kind: 'cluster-autoscaler',
      deployment: 'kube-system/cluster-autoscaler',
      replicas: 2,
    });
    world.hook = (call) => {
      if (call.startsWith('autoscaler')) throw new Error('the API server does not answer');
    };
    await expect(pass(world, NIGHT, { autoscaler: autoscalerConfig })).rejects.toThrow(/does not answer/);
    expect(world.size('workers').desired).toBe(3);
    await expect(pass(world, minutes(NIGHT, 21), { autoscaler: autoscalerConfig })).rejects.toThrow();
    expect(world.size('workers').desired).toBe(0);
  });

  test('stops the groups past the deadline also where the autoscaler answers and cannot be paused', async () => {
    const world = aWorld(groups(), {
      kind: 'cluster-autoscaler',
      deployment: 'kube-system/cluster-autoscaler',
      replicas: 2,
    });
    world.hook = (call) => {
      if (call === 'autoscaler.pause') throw new Error('deployments/scale is forbidden');
    };
    await expect(pass(world, NIGHT, { autoscaler: autoscalerConfig })).rejects.toThrow(/forbidden/);
    expect(world.size('workers').desired).toBe(3);
    await expect(pass(world, minutes(NIGHT, 21), { autoscaler: autoscalerConfig })).rejects.toThrow(
      /forbidden/,
    );
    expect(world.size('workers').desired).toBe(0);
  });

  test("takes Karpenter's limits and waits for its NodeClaims before its host goes", async () => {
    const karpenter = {
      ...autoscalerConfig,
      kind: 'karpenter' as const,
      namespace: 'karpenter',
      deployment: 'karpenter',
    };
    const pools = {
      default: { limits: { cpu: '100' }, replicas: null },
      fixed: { limits: null, replicas: 4 },
    };
    const world = aWorld(groups(), { kind: 'karpenter', pools, claims: claims(6) });
    for (let minute = 0; minute < 4; minute++) {
      await pass(world, minutes(NIGHT, minute), { autoscaler: karpenter });
      world.settle();
    }
    expect(world.size('workers').desired).toBe(0);
    expect(world.size('system').desired).toBe(1);
    world.autoscaler = {
      ...(world.autoscaler as Extract<typeof world.autoscaler, { kind: 'karpenter' }>),
      claims: [],
    };
    for (let minute = 4; minute < 10; minute++) {
      await pass(world, minutes(NIGHT, minute), { autoscaler: karpenter });
      world.settle();
    }
    expect(world.size('system').desired).toBe(0);
    await aMorning(world, { autoscaler: karpenter });
    expect(world.autoscaler).toEqual({ kind: 'karpenter', pools, claims: [] });
  });
});

describe('a pass that is cut off', () => {
  /** Runs a night and a morning in which the `n`-th port call (before or after it took effect) kills the function. */
  async function nightWithCrash(n: number, before: boolean): Promise<{ world: World; crashed: boolean }> {
    const world = aWorld(
      [
        aGroup(),
        aGroup({
          name: 'batch',
          kind: 'self-managed',
          autoScalingGroup: 'batch',
          size: { min: 0, desired: 2, max: 8 },
          instances: instances(2),
        }),
        aGroup({
          name: 'system',
          autoScalingGroup: 'eks-system-1',
          size: { min: 1, desired: 1, max: 1 },
          instances: [{ id: 'i-host', inService: true }],
        }),
      ],
      { kind: 'cluster-autoscaler', deployment: 'kube-system/cluster-autoscaler', replicas: 2 },
    );
    let count = 0;
    let crashed = false;
    world.hook = (_, isBefore) => {
      if (isBefore !== before) return;
      count += 1;
      if (count === n) {
        crashed = true;
        throw new CrashError('killed');
      }
    };
    const overrides = { autoscaler: autoscalerConfig };
    for (const start of [NIGHT, MORNING])
      for (let minute = 0; minute < 8; minute++) {
        await pass(world, minutes(start, minute), overrides).catch((error: unknown) => {
          if (!String(error).includes('killed')) throw error;
        });
        world.settle();
        if (start === NIGHT && minute === 7) expect(world.size('workers').desired).toBe(0);
      }
    return { world, crashed };
  }

  test('is finished by the next, wherever it was cut: the sizes are as before', async () => {
    let cuts = 0;
    for (const before of [true, false])
      for (let n = 1; ; n++) {
        const { world, crashed } = await nightWithCrash(n, before);
        if (!crashed) break;
        cuts += 1;
        expect(
          {
            workers: world.size('workers'),
            batch: world.size('batch'),
            system: world.size('system'),
            autoscaler: world.autoscaler,
            phase: phase(world),
          },
          `call ${n}, killed ${before ? 'before' : 'after'} it`,
        ).toEqual({
          workers: { min: 1, desired: 3, max: 5 },
          batch: { min: 0, desired: 2, max: 8 },
          system: { min: 1, desired: 1, max: 1 },
          autoscaler: {
            kind: 'cluster-autoscaler',
            deployment: 'kube-system/cluster-autoscaler',
            replicas: 2,
          },
          phase: 'awake',
        });
      }
    expect(cuts).toBeGreaterThan(60);
  });
});

describe('a morning without spot capacity', () => {
  const groups = () => [
    aGroup(),
    aGroup({
      name: 'ondemand',
      autoScalingGroup: 'eks-ondemand-1',
      size: { min: 0, desired: 0, max: 2 },
      instances: [],
    }),
  ];
  const overrides = { fallbackGroup: 'ondemand' };

  test('is filled in by the declared fallback, which retires when the groups are whole again', async () => {
    const world = aWorld(groups());
    await aNight(world, overrides);
    expect(world.table.read(PARTITION, savedKey('develop', 'ondemand'))).toBeUndefined();
    const spotIsShort = () => {
      const workers = world.groups.get('workers');
      world.settle();
      if (workers) world.groups.set('workers', { ...workers, size: world.size('workers'), instances: [] });
    };
    for (let minute = 0; minute < 6; minute++) {
      await pass(world, minutes(MORNING, minute), overrides);
      spotIsShort();
    }
    expect(world.size('ondemand')).toEqual({ min: 0, desired: 2, max: 2 });
    expect(world.decisions.find((d) => d.target === 'ondemand' && d.action !== 'none')).toMatchObject({
      action: 'start',
      reason: 'no capacity for 3 of workers: 2 fill in',
    });
    for (let minute = 6; minute < 10; minute++) {
      world.settle();
      await pass(world, minutes(MORNING, minute), overrides);
    }
    expect(phase(world)).toBe('awake');
    expect(world.size('ondemand').desired).toBe(0);
  });
});

describe('two passes at once', () => {
  test('take no node of which the state does not tell: the next one does', async () => {
    const world = aWorld([aGroup()]);
    // Its clock is behind, and for it the cluster is still to be up.
    world.hook = (call, before) => {
      if (call !== 'store.writeState stopping' || !before) return;
      world.hook = () => undefined;
      void world.table.through().saveIf(
        PARTITION,
        STATE_KEY,
        {
          phase: 'awake',
          desired: 'awake',
          reason: 'office hours',
          since: NIGHT.toISOString(),
          groups: [],
        },
        'absent',
      );
    };
    await pass(world, NIGHT);
    expect(world.size('workers').desired).toBeGreaterThan(0);
    expect(world.decisions).toMatchObject([{ action: 'none', reason: 'another pass came first' }]);
    await pass(world, minutes(NIGHT, 1));
    expect(phase(world)).toBe('stopping');
    expect(world.size('workers').desired).toBe(0);
  });

  test('end as one pass would', async () => {
    const world = aWorld([aGroup()]);
    await Promise.all([pass(world, NIGHT), pass(world, NIGHT)]);
    world.settle();
    await aNight(world);
    await Promise.all([pass(world, MORNING), pass(world, MORNING)]);
    world.settle();
    await aMorning(world);
    expect(world.size('workers')).toEqual({ min: 1, desired: 3, max: 5 });
    expect(phase(world)).toBe('awake');
  });
});
