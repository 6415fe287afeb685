import { describe, expect, test } from 'vitest';
import { createNightStore } from '#functions/adapters/dynamodb/night-store.ts';
import { noteKey, NIGHT as PARTITION, SAVED_PREFIX } from '#functions/adapters/dynamodb/table-keys.ts';
import {
  type CustomResourceDeps,
  type CustomResourceReply,
  handleCustomResource,
} from '#functions/night-schedule/custom-resource.ts';
import {
  type CustomResourceRequest,
  customResourceRequestOf,
} from '#functions/night-schedule/custom-resource-request.ts';
import { run } from '#functions/night-schedule/run.ts';
import type { NightScheduleSettings } from '#model/settings.ts';
import { aGroup, NIGHT, someSettings } from './builders.ts';
import { aWorld, CrashError, type World } from './memory-ports.ts';

interface Removal {
  readonly world: World;
  readonly replies: CustomResourceReply[];
  /** Invocations that the function has asked for. */
  continued: number;
  now: Date;
  invoke(request: CustomResourceRequest, settings?: Partial<NightScheduleSettings>): Promise<void>;
  pass(): Promise<unknown>;
}

/** A function with invocations of 60 s, on a clock that its pauses move. */
function aRemoval(world: World): Removal {
  const removal: Removal = {
    world,
    replies: [],
    continued: 0,
    now: NIGHT,
    async invoke(request, overrides = {}) {
      const begin = removal.now.getTime();
      const { autoscaler, ...ports } = world.ports;
      const deps: CustomResourceDeps = {
        ...ports,
        settings: someSettings(overrides),
        cronJobs: world.ports.cronJobs,
        autoscalersOf: (saved) => [{ autoscaler, saved }],
        load: (cluster) => createNightStore(world.table.through(), cluster).load(),
        now: () => removal.now,
        sleep: async (ms) => {
          removal.now = new Date(removal.now.getTime() + ms);
          world.settle();
        },
        remaining: () => 60_000 - (removal.now.getTime() - begin),
        reply: async (_request, reply) => void removal.replies.push(reply),
        continueLater: async () => void removal.continued++,
      };
      await handleCustomResource(deps, request);
    },
    pass() {
      const { autoscaler: _, ...ports } = world.ports;
      const deps = { ...ports, settings: someSettings(), now: () => removal.now, remaining: () => 60_000 };
      return run(deps, { trigger: 'tick', byPerson: false });
    },
  };
  return removal;
}

function aRequest(overrides: Record<string, unknown> = {}): CustomResourceRequest {
  return customResourceRequestOf({
    RequestType: 'Delete',
    ResponseURL: 'https://bucket.example.com/answer?signature=x',
    RequestId: 'request-1',
    StackId: 'stack',
    LogicalResourceId: 'Restore',
    PhysicalResourceId: 'nightshift-develop-night',
    ResourceProperties: { cluster: 'develop', dryRun: 'false' },
    ...overrides,
  })!;
}

async function asleep(): Promise<Removal> {
  const removal = aRemoval(aWorld([aGroup()]));
  for (let minute = 0; minute < 4; minute++) {
    await removal.pass();
    removal.world.settle();
    removal.now = new Date(removal.now.getTime() + 60_000);
  }
  removal.world.calls.length = 0;
  return removal;
}
const saved = ({ world }: Removal) => world.table.all(PARTITION, SAVED_PREFIX);

async function untilAnswered(removal: Removal, request: CustomResourceRequest): Promise<void> {
  for (let invocation = 0; invocation < 16 && removal.replies.length === 0; invocation++)
    await removal.invoke(request);
}

describe('the removal of the stack', () => {
  test('restores the sizes over several invocations, and answers once', async () => {
    const removal = await asleep();
    expect(removal.world.size('workers')).toEqual({ min: 0, desired: 0, max: 5 });
    await untilAnswered(removal, aRequest());
    expect(removal.world.size('workers')).toEqual({ min: 1, desired: 3, max: 5 });
    expect(saved(removal)).toEqual([]);
    expect(removal.continued).toBeGreaterThan(0);
    expect(removal.replies).toEqual([
      { status: 'SUCCESS', physicalId: 'nightshift-develop-night', reason: 'every saved size is restored' },
    ]);
    // Lambda delivers an event more than once.
    await removal.invoke(aRequest());
    expect(removal.replies).toHaveLength(1);
  });

  test('writes down that the stack goes before it restores anything', async () => {
    const removal = await asleep();
    await removal.invoke(aRequest());
    const { calls } = removal.world;
    const retired = calls.indexOf('store.writeNote retired');
    expect(retired).toBeGreaterThan(-1);
    expect(retired).toBeLessThan(calls.indexOf('groups.resize workers 1/3/5'));
  });

  test('is not undone by a tick that is still under way', async () => {
    const removal = await asleep();
    await removal.invoke(aRequest());
    await removal.pass();
    await untilAnswered(removal, aRequest());
    await removal.pass();
    expect(removal.world.size('workers')).toEqual({ min: 1, desired: 3, max: 5 });
  });

  test('fences off a pass that had read the table before: it stops nothing any more', async () => {
    const removal = aRemoval(aWorld([aGroup()]));
    const { groups } = removal.world.ports;
    const { list } = groups;
    groups.list = async () => {
      groups.list = list;
      const observed = await list();
      await removal.invoke(aRequest());
      return observed;
    };
    await removal.pass();
    expect(removal.world.size('workers')).toEqual({ min: 1, desired: 3, max: 5 });
    expect(removal.replies.map(({ status }) => status)).toEqual(['SUCCESS']);
  });

  test('waits for a pass that has begun to stop', async () => {
    const removal = aRemoval(aWorld([aGroup()]));
    const { groups } = removal.world.ports;
    const { resize } = groups;
    groups.resize = async (...given) => {
      groups.resize = resize;
      const outcome = await resize(...given);
      await untilAnswered(removal, aRequest());
      return outcome;
    };
    await removal.pass();
    expect(removal.world.size('workers')).toEqual({ min: 1, desired: 3, max: 5 });
    expect(saved(removal)).toEqual([]);
  });

  test('restores nothing where a person has retired the environment so', async () => {
    const removal = await asleep();
    const { store } = removal.world.ports;
    await store.writeNote('retired', { since: removal.now.toISOString(), restoresNothing: true }, 'absent');
    const kept = saved(removal);
    await untilAnswered(removal, aRequest());
    expect(removal.replies).toMatchObject([
      { status: 'SUCCESS', reason: expect.stringMatching(/nothing is restored/) },
    ]);
    expect(removal.world.size('workers').desired).toBe(0);
    expect(saved(removal)).toEqual(kept);
  });

  test('does not forget what was saved for another cluster', async () => {
    const removal = await asleep();
    const other = createNightStore(removal.world.table.through(), 'other');
    await other.writeSaved(
      {
        group: 'web',
        autoScalingGroup: 'eks-web',
        size: { min: 1, desired: 1, max: 1 },
        phase: 'asleep',
        since: NIGHT.toISOString(),
      },
      'absent',
    );
    await untilAnswered(removal, aRequest());
    expect(removal.replies).toMatchObject([
      {
        status: 'FAILED',
        reason: expect.stringContaining('saved#other/web of develop was saved for another cluster'),
      },
    ]);
    expect(removal.world.size('workers').desired).toBe(3);
  });

  test('with nothing saved asks neither AWS nor the cluster', async () => {
    const removal = aRemoval(aWorld([aGroup()]));
    await removal.invoke(aRequest());
    expect(removal.replies.map(({ status }) => status)).toEqual(['SUCCESS']);
    expect(removal.world.calls.filter((call) => !call.startsWith('store.'))).toEqual([]);
  });

  test('that is killed anywhere is finished by the retry', async () => {
    const count = await (async () => {
      const whole = await asleep();
      await untilAnswered(whole, aRequest());
      return whole.world.calls.length;
    })();
    for (let at = 0; at < count; at++) {
      const removal = await asleep();
      let left = at;
      removal.world.hook = () => {
        if (left-- === 0) throw new CrashError('killed');
      };
      await removal.invoke(aRequest()).catch((error: unknown) => {
        if (!(error instanceof Error)) throw error;
      });
      await untilAnswered(removal, aRequest());
      expect(removal.world.size('workers'), `killed at call ${at}`).toEqual({ min: 1, desired: 3, max: 5 });
      expect(saved(removal), `killed at call ${at}`).toEqual([]);
      expect(removal.replies.at(-1)?.status).toBe('SUCCESS');
      const sleeps = removal.world
        .ledger()
        .map(({ group, nodes, asleepMinutes }) => [group, nodes, asleepMinutes]);
      expect(sleeps, `killed at call ${at}`).toEqual([['workers', 3, expect.any(Number)]]);
    }
  });

  test('that cannot finish answers with the reason, and keeps the sizes', async () => {
    const removal = await asleep();
    removal.world.hook = (call, before) => {
      if (before && call.startsWith('groups.resize'))
        throw new Error('no permission for eks:UpdateNodegroupConfig');
    };
    await untilAnswered(removal, aRequest());
    expect(removal.replies).toEqual([
      {
        status: 'FAILED',
        physicalId: 'nightshift-develop-night',
        reason:
          'not everything of develop is restored: workers: no permission for eks:UpdateNodegroupConfig. Correct it and delete again; the sizes stay saved',
      },
    ]);
    expect(saved(removal)).toHaveLength(1);

    removal.world.hook = () => undefined;
    removal.replies.length = 0;
    await untilAnswered(removal, aRequest({ RequestId: 'request-2' }));
    expect(removal.replies.map(({ status }) => status)).toEqual(['SUCCESS']);
  });

  test('does nothing for the id of a creation that was never answered, and nothing in a dry run', async () => {
    const removal = await asleep();
    await removal.invoke(aRequest({ PhysicalResourceId: 'Nightshift-develop-Restore-1ABC' }));
    await removal.invoke(aRequest(), { dryRun: true });
    expect(removal.replies.map(({ status }) => status)).toEqual(['SUCCESS', 'SUCCESS']);
    expect(removal.world.calls).toEqual([]);
  });

  test('is over when a stack is created over the table that stayed', async () => {
    const removal = aRemoval(aWorld([aGroup()]));
    await removal.invoke(aRequest());
    await removal.invoke(aRequest({ RequestType: 'Create', PhysicalResourceId: undefined }));
    expect(removal.world.table.read(PARTITION, noteKey('retired'))).toEqual({});
    await removal.pass();
    expect(removal.world.size('workers')).toEqual({ min: 0, desired: 0, max: 5 });
  });
});

describe('a change of the stack while the cluster sleeps', () => {
  const update = (properties: Record<string, string>, old: Record<string, string> = {}) =>
    aRequest({
      RequestType: 'Update',
      ResourceProperties: { cluster: 'develop', dryRun: 'false', ...properties },
      OldResourceProperties: { cluster: 'develop', dryRun: 'false', ...old },
    });

  test.for([
    ['another cluster', { cluster: 'develop-2' }, 'cluster'],
    ['a dry run', { dryRun: 'true' }, 'dryRun'],
  ] as const)('to %s is refused with what to do', async ([, properties, name]) => {
    const removal = await asleep();
    await removal.invoke(update(properties), { dryRun: properties === undefined });
    expect(removal.replies).toEqual([
      {
        status: 'FAILED',
        physicalId: 'nightshift-develop-night',
        reason: `develop is asleep: wake it first (nightshift wake develop --for 2h); ${name} can change when status shows awake`,
      },
    ]);
    expect(saved(removal)).toHaveLength(1);
  });

  test('is accepted when CloudFormation rolls it back, by day, and out of a dry run', async () => {
    const removal = await asleep();
    await removal.invoke(update({}, { cluster: 'develop-2' }));
    await removal.invoke(update({}, { dryRun: 'true' }));
    const day = aRemoval(aWorld([aGroup()]));
    await day.invoke(update({ cluster: 'develop-2' }));
    await day.invoke(update({ dryRun: 'true' }), { dryRun: true });
    const all = [...removal.replies, ...day.replies].map(({ status }) => status);
    expect(all).toEqual(['SUCCESS', 'SUCCESS', 'SUCCESS', 'SUCCESS']);
  });
});

describe('a payload', () => {
  test('is a request of CloudFormation only with everything that the answer needs', () => {
    expect(customResourceRequestOf({ source: 'nightshift', trigger: 'tick' })).toBeUndefined();
    expect(customResourceRequestOf({ RequestType: 'Delete', RequestId: 'a' })).toBeUndefined();
    expect(customResourceRequestOf(null)).toBeUndefined();
    expect(aRequest().physicalId).toBe('nightshift-develop-night');
  });
});
