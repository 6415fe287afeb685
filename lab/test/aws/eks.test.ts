import { describe, expect, test } from 'vitest';
import { configuredSizes } from '#lab/world/aws/index.ts';
import type { ClusterNodes } from '#lab/world/interfaces.ts';
import { aNodegroup, aWorld, scope } from './world.ts';

const update = (
  world: ReturnType<typeof aWorld>,
  scaling: { min?: number; desired?: number; max?: number },
  clientRequestToken?: string,
) =>
  world.aws.eks.updateNodegroupConfig(scope, 'develop', 'app', {
    scaling,
    ...(clientRequestToken ? { clientRequestToken } : {}),
  });

/** Nodes whose pods are held by a budget until it is lifted. */
function heldNodes() {
  const cordoned: string[] = [];
  const nodes: ClusterNodes & { cordoned: string[]; held: boolean } = {
    cordoned,
    held: true,
    cordon: (id) => void cordoned.push(id),
    evict: () => !nodes.held,
  };
  return nodes;
}

describe('a managed nodegroup', () => {
  test('is an Auto Scaling group with the names, tags and hooks that EKS gives it', async () => {
    const world = aWorld();
    const { group } = aNodegroup(world);
    await world.pass(120);
    expect(group.name).toMatch(/^eks-app-[0-9a-f-]{36}$/);
    expect(group.tags).toMatchObject({
      'eks:cluster-name': 'develop',
      'eks:nodegroup-name': 'app',
      'kubernetes.io/cluster/develop': 'owned',
      'k8s.io/cluster-autoscaler/enabled': 'true',
    });
    expect([...group.hooks.keys()]).toEqual(['Launch-LC-Hook', 'Terminate-LC-Hook']);
    expect(world.running).toHaveLength(3);
    expect(world.running[0]).toMatchObject({
      nodegroup: 'app',
      labels: { 'eks.amazonaws.com/nodegroup': 'app', 'eks.amazonaws.com/capacityType': 'SPOT' },
    });
    expect([...group.instances.values()].map((instance) => instance.lifecycleState)).toEqual(
      Array(3).fill('InService'),
    );
  });

  test.each([
    [{ max: 0, min: 0, desired: 0 }, "Requested max capacity can't be less than 1"],
    [{ min: 4 }, "Minimum capacity 4 can't be greater than desired size 3"],
    [{ desired: 7 }, "desired capacity 7 can't be greater than max size 6"],
    [{ min: -1 }, "Requested min capacity can't be less than 0"],
    [{ min: 9, desired: 9 }, "Minimum capacity 9 can't be greater than max size 6"],
  ])('refuses the sizes %j', (sizes, message) => {
    const world = aWorld();
    const nodegroup = aNodegroup(world);
    expect(() => update(world, sizes)).toThrow(
      expect.objectContaining({ code: 'InvalidParameterException', message }),
    );
    expect(nodegroup.status).toBe('ACTIVE');
  });

  test('has more than was configured while a rollout runs, and takes no other update until it ends', async () => {
    const world = aWorld();
    const nodegroup = aNodegroup(world);
    await world.pass(120);
    const { group } = nodegroup;
    const rollout = world.aws.eks.updateNodegroupVersion(scope, 'develop', 'app', { minutes: 10 });
    expect([rollout.type, nodegroup.status]).toEqual(['VersionUpdate', 'UPDATING']);
    await world.pass(300);
    expect([group.min, group.desired, group.max]).toEqual([1, 6, 12]);
    expect(group.instances.size).toBe(6);
    expect(configuredSizes(nodegroup)).toEqual({ min: 1, desired: 3, max: 6 });
    expect(() => update(world, { min: 0, desired: 0 })).toThrow(
      expect.objectContaining({ code: 'ResourceInUseException' }),
    );
    await world.pass(1_200);
    expect([group.min, group.desired, group.max]).toEqual([1, 3, 6]);
    expect([rollout.status, nodegroup.status]).toEqual(['Successful', 'ACTIVE']);
    expect([...group.instances.values()].filter(({ state }) => state === 'running')).toHaveLength(3);
  });

  test('at zero has no node that a rollout would have to replace', () => {
    const world = aWorld();
    const { group } = aNodegroup(world, { min: 0, desired: 0 });
    world.aws.eks.updateNodegroupVersion(scope, 'develop', 'app');
    expect([group.desired, group.max]).toEqual([0, 6]);
  });

  test('refuses a second update until the first is done', async () => {
    const world = aWorld();
    const nodegroup = aNodegroup(world);
    const first = update(world, { min: 0, desired: 0 });
    expect([first.status, nodegroup.status]).toEqual(['InProgress', 'UPDATING']);
    expect(() => update(world, { desired: 1 })).toThrow(
      expect.objectContaining({ code: 'ResourceInUseException', status: 409 }),
    );
    await world.pass(30);
    expect([first.status, nodegroup.status]).toEqual(['Successful', 'ACTIVE']);
    expect(() => update(world, { desired: 1 })).not.toThrow();
  });

  test('answers a repeated request with the same update, and refuses its token for another one', () => {
    const world = aWorld();
    aNodegroup(world);
    const first = update(world, { min: 0, desired: 0 }, 'evening');
    expect(update(world, { min: 0, desired: 0 }, 'evening').id).toBe(first.id);
    expect(() => update(world, { min: 1, desired: 1 }, 'evening')).toThrow(
      expect.objectContaining({ code: 'InvalidParameterException' }),
    );
  });

  test.each([
    ['DELETING', 'ResourceInUseException'],
    ['CREATING', 'ResourceInUseException'],
    ['CREATE_FAILED', 'InvalidRequestException'],
  ] as const)('cannot be updated while it is %s', (status, code) => {
    const world = aWorld();
    world.aws.eks.setStatus(aNodegroup(world), status);
    expect(() => update(world, { desired: 1 })).toThrow(expect.objectContaining({ code }));
  });

  test('is drained by EKS before its instances go', async () => {
    const world = aWorld();
    const nodes = heldNodes();
    const { group } = aNodegroup(world);
    world.aws.attachNodes(world.cluster, nodes);
    await world.pass(120);
    update(world, { min: 0, desired: 0 });
    await world.pass(300);
    expect(new Set(nodes.cordoned).size).toBe(3);
    expect(world.gone).toHaveLength(0);
    nodes.held = false;
    await world.pass(120);
    expect(world.gone).toHaveLength(3);
    expect(group.instances.size).toBe(0);
  });

  test('terminates after fifteen minutes although budgets block its pods', async () => {
    const world = aWorld();
    aNodegroup(world);
    world.aws.attachNodes(world.cluster, heldNodes());
    await world.pass(120);
    update(world, { min: 0, desired: 0 });
    await world.pass(14 * 60);
    expect(world.gone).toHaveLength(0);
    await world.pass(3 * 60);
    expect(world.gone).toHaveLength(3);
  });

  test('may last until the heartbeat timeout of its hook, as seen on EKS', async () => {
    const world = aWorld();
    aNodegroup(world, { drainMinutes: 30 });
    world.aws.attachNodes(world.cluster, heldNodes());
    await world.pass(120);
    update(world, { min: 0, desired: 0 });
    await world.pass(29 * 60);
    expect(world.gone).toHaveLength(0);
    await world.pass(3 * 60);
    expect(world.gone).toHaveLength(3);
  });

  test('becomes degraded when it cannot launch for long, can still be resized, and recovers with the next launch', async () => {
    const world = aWorld();
    world.aws.setCapacity({ capacityType: 'SPOT', available: false });
    const nodegroup = aNodegroup(world);
    await world.pass(20 * 60);
    expect(nodegroup.status).toBe('DEGRADED');
    expect(nodegroup.issues[0]).toMatchObject({
      code: 'AsgInstanceLaunchFailures',
      resourceIds: [nodegroup.group.name],
    });
    update(world, { desired: 2 });
    await world.pass(60);
    expect(nodegroup.status).toBe('DEGRADED');
    world.aws.setCapacity({ available: true });
    await world.pass(5 * 60);
    expect(nodegroup.status).toBe('ACTIVE');
  });

  test('vanishes with its group once it was deleted', async () => {
    const world = aWorld();
    const { group } = aNodegroup(world);
    await world.pass(120);
    world.aws.eks.deleteNodegroup(scope, 'develop', 'app');
    expect(world.aws.eks.nodegroup(scope, 'develop', 'app').status).toBe('DELETING');
    await world.pass(300);
    expect(() => world.aws.eks.nodegroup(scope, 'develop', 'app')).toThrow(
      'No node group found for name: app.',
    );
    expect(world.aws.autoScaling.groups(scope, [group.name])).toEqual([]);
  });

  test('follows a person who resizes it in the console', async () => {
    const world = aWorld();
    const nodegroup = aNodegroup(world);
    await world.pass(120);
    world.aws.resizeAsPerson(nodegroup, { desired: 4 });
    await world.pass(120);
    expect(nodegroup.group.instances.size).toBe(4);
  });
});

describe('an access entry', () => {
  test('names a role by its assumed session, and refuses groups that are reserved', () => {
    const world = aWorld();
    const principalArn = 'arn:aws:iam::111111111111:role/path/drain';
    const entry = world.aws.addAccessEntry(world.cluster, {
      principalArn,
      kubernetesGroups: ['nightshift:spot-drain'],
    });
    expect(entry.username).toBe('arn:aws:sts::111111111111:assumed-role/drain/{{SessionName}}');
    expect(() =>
      world.aws.addAccessEntry(world.cluster, { principalArn, kubernetesGroups: ['system:masters'] }),
    ).toThrow(expect.objectContaining({ code: 'InvalidParameterException' }));
  });

  test('does not exist in a cluster that knows the config map only', () => {
    const world = aWorld();
    const old = world.aws.addCluster({ ...scope, name: 'old', authenticationMode: 'CONFIG_MAP' });
    expect(() =>
      world.aws.addAccessEntry(old, {
        principalArn: 'arn:aws:iam::111111111111:role/x',
        kubernetesGroups: [],
      }),
    ).toThrow(expect.objectContaining({ code: 'InvalidRequestException' }));
  });
});
