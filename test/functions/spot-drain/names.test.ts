import { describe, expect, test } from 'vitest';
import { AccessRefusedError, ClusterUnavailableError, TransientError } from '#functions/spot-drain/ports.ts';
import { aClaim } from './a-claim.ts';
import { START } from './a-clock.ts';
import { aNode, aPod, INSTANCE, NODE } from './a-cluster.ts';
import { anInterruption, aStateChange, aWorld, GROUP, TICK, type World } from './a-world.ts';

const OTHER = 'i-0fedcba9876543210';
const NIGHT = {
  phase: 'stopping',
  desired: 'asleep',
  reason: 'after hours',
  since: '2026-08-27T02:59:00Z',
  groups: ['workers'],
} as const;

describe('the names of the nodes', () => {
  test('are written down by the tick: the new, the changed, and not the gone', async () => {
    const world = aWorld();
    world.names.set(OTHER, 'gone').set('i-00000001', 'before');
    world.cluster.nodes.push(aNode({ name: 'after', instanceId: 'i-00000001' }));
    await world.run(TICK);
    expect(Object.fromEntries(world.names)).toEqual({ [INSTANCE]: NODE, 'i-00000001': 'after' });
  });

  test('are not written again while nothing changes', async () => {
    const world = aWorld();
    await world.run(TICK);
    const written: string[] = [];
    const { names } = world.ports;
    const ports = { ...world.ports, names: { ...names, put: async (id: string) => void written.push(id) } };
    Object.defineProperty(world, 'ports', { value: ports });
    await world.run(TICK);
    expect(written).toEqual([]);
  });

  test('stay as they are while the API server is unavailable, which is no failure', async () => {
    const world = aWorld();
    world.names.set(OTHER, 'other');
    world.cluster.broken.nodeNames = () => new ClusterUnavailableError('503');
    await world.run(TICK);
    expect([...world.names]).toEqual([[OTHER, 'other']]);
    expect(world.decisions.map(({ action, reason }) => `${action} ${reason}`)).toContain(
      'none the names of the nodes could not be read: 503',
    );
  });

  test('are a loud failure where RBAC refuses them, and the rest of the tick goes on', async () => {
    const world = aWorld();
    world.cluster.broken.nodeNames = () => new AccessRefusedError('nodes is forbidden');
    await expect(world.run(TICK)).rejects.toThrow('nodes is forbidden');
    expect(world.said()).toContain('none develop');
  });

  test('are written to the end where the rest of the tick has failed: an invocation leaves no work behind', async () => {
    const world = aWorld();
    world.claims.all = async () => {
      throw new Error('the table is away');
    };
    world.cluster.latencyMs = 5_000;
    await expect(world.run(TICK)).rejects.toThrow('the table is away');
    expect(Object.fromEntries(world.names)).toEqual({ [INSTANCE]: NODE });
  });

  test('are not kept in a dry run, which may not write', async () => {
    const world = aWorld([], { dryRun: true });
    world.cluster.broken.nodeNames = () => new Error('asked');
    await world.run(TICK);
    expect(world.names.size).toBe(0);
  });
});

describe('a notice for an instance whose node has a known name', () => {
  test('cordons without a list of nodes and without a word from Auto Scaling', async () => {
    const world = named([aPod()]);
    world.cluster.broken.findNode = () => new Error('asked');
    world.groupError = new Error('asked');
    await world.run(anInterruption());
    expect(world.said()).toEqual([`cordon ${NODE}`, `drain ${NODE}`]);
    expect(world.cluster.podNames()).toEqual([]);
  });

  test('looks for the node among all where the name has passed to another instance, or is gone', async () => {
    for (const name of ['gone', NODE]) {
      const world = named([aPod()], name);
      const moved = aNode({ name: name === NODE ? 'renamed' : NODE });
      world.cluster.nodes = [aNode({ instanceId: OTHER }), moved].slice(name === NODE ? 0 : 1);
      await world.run(anInterruption());
      expect(world.said()).toEqual([`cordon ${moved.name}`, `drain ${moved.name}`]);
    }
  });

  test('has the cluster looked up while the table is asked', async () => {
    const world = named([aPod()]);
    const order: string[] = [];
    world.cluster.prepare = () => void order.push('prepare');
    const { find } = world.claims;
    world.claims.find = async (id) => {
      order.push('find');
      return find(id);
    };
    await world.run(anInterruption());
    expect(order).toEqual(['prepare', 'find']);
  });

  test('asks again while the API server is unavailable', async () => {
    const world = named([aPod()]);
    let away = 3;
    world.cluster.broken.nodeNamed = () => (away-- > 0 ? new ClusterUnavailableError('503') : undefined);
    world.cluster.broken.findNode = () => new Error('asked');
    await world.run(anInterruption());
    expect(world.cluster.podNames()).toEqual([]);
  });

  test('is loud where RBAC refuses the node', async () => {
    const world = named([aPod()]);
    world.cluster.broken.nodeNamed = () => new AccessRefusedError('nodes is forbidden');
    await expect(world.run(anInterruption())).rejects.toThrow('nodes is forbidden');
  });

  test('leaves a node of Karpenter alone', async () => {
    const world = named();
    world.cluster.nodes = [aNode({ labels: { 'karpenter.sh/nodepool': 'default' } })];
    await world.run(anInterruption());
    expect(world.cluster.marked).toEqual([]);
    expect(world.said()).toEqual([`ignore ${NODE}`]);
  });

  test('learns after the cordon that our own stop takes the node: nothing is forced, nothing counts as a loss', async () => {
    const world = named([aPod()]);
    world.night = NIGHT;
    world.cluster.budgets = [{ name: 'never', pods: ['web'], allowed: 0, recoveryMs: 0 }];
    await world.run(anInterruption());
    expect(world.decisions.find(({ action }) => action === 'drain')).toMatchObject({
      nightlyStop: true,
      forced: 0,
    });
    expect(world.claims.saved.get(INSTANCE)?.value).toMatchObject({ nightlyStop: true, force: false });
    expect(world.clock.now().getTime() - START.getTime()).toBeLessThan(30_000);
  });

  test('knows a managed nodegroup that is being stopped by the label of its node', async () => {
    const world = named([aPod()]);
    world.night = { ...NIGHT, groups: ['spot'] };
    world.groupError = new Error('asked');
    world.cluster.nodes = [aNode({ labels: { 'eks.amazonaws.com/nodegroup': 'spot' } })];
    await world.run(anInterruption());
    expect(world.decisions.find(({ action }) => action === 'drain')).toMatchObject({ nightlyStop: true });
  });

  test('drains on where the state of the night cannot be read, and says so', async () => {
    const world = named([aPod()]);
    const { ports } = world;
    const night = { state: () => Promise.reject(new Error('the table is away')) };
    Object.defineProperty(world, 'ports', { value: { ...ports, night } });
    await expect(world.run(anInterruption())).rejects.toThrow('the table is away');
    expect(world.said()).toContain(`drain ${NODE}`);
    expect(world.cluster.podNames()).toEqual([]);
  });

  test('gets its replacement once the node is cordoned', async () => {
    const world = named([aPod()], NODE, { replaceEarly: true });
    await world.run(anInterruption());
    expect(world.replaced).toEqual([`workers ${INSTANCE}`]);
    expect(world.said()).toEqual([`cordon ${NODE}`, 'replace workers', `drain ${NODE}`]);
  });

  test('is only reported in a dry run, with whether our own stop takes the node', async () => {
    const world = named([aPod()], NODE, { dryRun: true });
    world.night = NIGHT;
    await world.run(anInterruption());
    expect(world.decisions).toMatchObject([
      { action: 'drain', target: NODE, reason: expect.stringContaining('while the schedule stops') },
    ]);
  });

  test('ends where another invocation takes the instance over while it asks about the night', async () => {
    const world = named([aPod()]);
    world.night = NIGHT;
    world.group = GROUP;
    const { mark } = world.cluster;
    world.cluster.mark = async (node, marks) => {
      const claim = await world.claims.read(INSTANCE);
      if (claim) await world.claims.saveIf({ ...claim.value, owner: 'another' }, claim.version, START);
      return mark(node, marks);
    };
    await world.run(anInterruption());
    expect(world.said()).toEqual([`cordon ${NODE}`]);
    expect(world.cluster.calls).toEqual([]);
  });

  test('is drained by the known name also when it is stopped by hand, after its group was asked', async () => {
    const world = named([aPod()]);
    await world.run(aStateChange('shutting-down'));
    expect(world.cluster.podNames()).toEqual([]);
  });
});

describe('between its cordon and its drain, a node with a known name', () => {
  const evictedAt = (world: World) => world.cluster.calls[0]?.at ?? Number.NaN;

  /** Another node whose notice is in hand. */
  const pending = (world: World, overrides = {}) => {
    const id = 'i-0bbbbbbbbbbbbbbbb';
    world.claims.saved.set(id, {
      value: aClaim({ instanceId: id, owner: 'other', ...overrides }),
      version: 1,
    });
    return id;
  };

  test('drains at once where no other cordon is pending', async () => {
    const world = named([aPod()]);
    pending(world, { cordonedAt: '2026-08-27T02:59:59Z' });
    await world.run(anInterruption());
    expect(evictedAt(world)).toBeLessThan(100);
  });

  test('waits for a cordon that is pending: what is evicted must not land on the next that goes', async () => {
    const world = named([aPod()]);
    const other = pending(world);
    const cordonOther = world.clock.sleep(400).then(() => {
      const claim = world.claims.saved.get(other)?.value;
      if (claim)
        world.claims.saved.set(other, {
          value: { ...claim, cordonedAt: '2026-08-27T03:00:00Z' },
          version: 2,
        });
    });
    await world.run(anInterruption());
    await cordonOther;
    expect(evictedAt(world)).toBeGreaterThanOrEqual(400);
    expect(evictedAt(world)).toBeLessThan(800);
  });

  test('waits a second at most', async () => {
    const world = named([aPod()]);
    pending(world);
    await world.run(anInterruption());
    expect(evictedAt(world)).toBeGreaterThanOrEqual(1_000);
    expect(evictedAt(world)).toBeLessThan(1_200);
  });

  test.each([
    ['is unavailable', async () => Promise.reject(new TransientError('the table is unavailable'))],
    ['does not answer', () => new Promise<boolean>(() => undefined)],
  ])('is drained all the same where the table %s', async (_what, areCordonsPending) => {
    const world = named([aPod()]);
    world.claims.areCordonsPending = areCordonsPending;
    await world.run(anInterruption());
    expect(world.cluster.podNames()).toEqual([]);
    expect(evictedAt(world)).toBeLessThan(1_200);
  });

  test.each([
    [
      'the instance has less than a minute left',
      anInterruption('terminate', { time: '2026-08-27T02:58:55Z' }),
    ],
    ['it hibernates at once', anInterruption('hibernate')],
  ])('does not wait where %s', async (_name, event) => {
    const world = named([aPod()]);
    pending(world);
    await world.run(event);
    expect(evictedAt(world)).toBeLessThan(300);
  });
});

function named(pods: Parameters<typeof aWorld>[0] = [], name = NODE, settings = {}): World {
  const world = aWorld(pods, settings);
  world.names.set(INSTANCE, name);
  return world;
}
