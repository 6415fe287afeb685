import { describe, expect, test } from 'vitest';
import { AwsError } from '#lab/world/aws/error.ts';
import type { InstanceView } from '#lab/world/interfaces.ts';
import type { ScalableGroup, ScaleOut } from '#lab/world/kubernetes/index.ts';
import { aCluster, anInstance, type Cluster } from './cluster.ts';

/** Groups that launch what they are asked for, unless there is no capacity. */
function someGroups(groups: Partial<ScalableGroup>[], capacity: (group: string) => boolean = () => true) {
  const sizes = new Map(
    groups.map((group, index) => [
      group.name ?? `group-${index}`,
      {
        name: `group-${index}`,
        min: 0,
        max: 5,
        desired: 0,
        instanceType: 'm5.large',
        zones: ['ap-northeast-1a'],
        labels: {},
        ...group,
      },
    ]),
  );
  const asked: string[] = [];
  let cluster: Cluster | undefined;
  let number = 100;
  const launch = (instance: Partial<InstanceView>): InstanceView => {
    const view = anInstance(number++, instance);
    cluster?.context.clock.after(30_000, () => cluster?.start(view));
    return view;
  };
  const launched = new Map<string, InstanceView>();
  const scaleOut: ScaleOut = {
    groups: () => [...sizes.values()],
    setDesired(name, desired) {
      const group = sizes.get(name);
      if (!group) throw new AwsError('ValidationError', `no group ${name}`);
      asked.push(`${name}=${desired}`);
      for (let count = group.desired; count < desired && capacity(name); count++)
        launch({ autoScalingGroup: name, labels: group.labels });
      sizes.set(name, { ...group, desired });
    },
    fleet: {
      zones: ['ap-northeast-1a'],
      launch({ instanceType, labels, capacityType }) {
        if (!capacity('fleet')) throw new AwsError('InsufficientInstanceCapacity', 'no capacity');
        const view = launch({ type: instanceType, labels, capacityType, autoScalingGroup: '' });
        launched.set(view.id, view);
        asked.push(`launch ${instanceType}`);
        return view.id;
      },
      terminate(id) {
        asked.push('terminate');
        const view = launched.get(id);
        if (view) cluster?.lose(view);
      },
    },
  };
  cluster = aCluster({ scaleOut });
  return { cluster, asked, sizes };
}

const host = anInstance(1, { autoScalingGroup: 'system', labels: { role: 'system' } });

async function withAutoscaler(world: ReturnType<typeof someGroups>, name = 'cluster-autoscaler') {
  world.cluster.start(host);
  world.cluster.kubernetes.addDeployment({
    name,
    namespace: 'kube-system',
    replicas: 1,
    nodeSelector: { role: 'system' },
  });
  await world.cluster.run(120);
}

describe('Cluster Autoscaler', () => {
  test('scales a group from zero when pods are Pending', async () => {
    const world = someGroups([{ name: 'spot', labels: { pool: 'spot' } }]);
    await withAutoscaler(world);
    world.cluster.kubernetes.addDeployment({
      name: 'api',
      replicas: 4,
      cpu: '900m',
      nodeSelector: { pool: 'spot' },
    });
    await world.cluster.run(180);
    expect(world.asked).toEqual(['spot=2']);
    expect(world.cluster.readyPods({ app: 'api' })).toHaveLength(4);
  });

  test('does nothing while its own pod is down', async () => {
    const world = someGroups([{ name: 'spot' }]);
    world.cluster.kubernetes.addDeployment({
      name: 'cluster-autoscaler',
      namespace: 'kube-system',
      replicas: 1,
    });
    world.cluster.kubernetes.addDeployment({ name: 'api', replicas: 4 });
    await world.cluster.run(600);
    expect(world.asked).toEqual([]);
  });

  test('never exceeds the maximum of the group', async () => {
    const world = someGroups([{ name: 'spot', max: 1, labels: { pool: 'spot' } }]);
    await withAutoscaler(world);
    world.cluster.kubernetes.addDeployment({
      name: 'api',
      replicas: 10,
      cpu: '900m',
      nodeSelector: { pool: 'spot' },
    });
    await world.cluster.run(300);
    expect(world.asked).toEqual(['spot=1']);
  });

  test('backs off from a group after 15 minutes without nodes and uses another one', async () => {
    const world = someGroups(
      [
        { name: 'a-spot', labels: { pool: 'x' } },
        { name: 'b-on-demand', labels: { pool: 'x' } },
      ],
      (group) => group !== 'a-spot',
    );
    await withAutoscaler(world);
    world.cluster.kubernetes.addDeployment({ name: 'api', replicas: 1, nodeSelector: { pool: 'x' } });
    await world.cluster.run(14 * 60);
    expect(world.asked).toEqual(['a-spot=1']);
    await world.cluster.run(4 * 60);
    expect(world.asked).toEqual(['a-spot=1', 'a-spot=0', 'b-on-demand=1']);
    expect(world.cluster.readyPods({ app: 'api' })).toHaveLength(1);
  });
});

describe('Karpenter', () => {
  const nodePool = (spec: Record<string, unknown> = {}, claimSpec: Record<string, unknown> = {}) => ({
    apiVersion: 'karpenter.sh/v1',
    kind: 'NodePool',
    metadata: { name: 'spot' },
    spec: {
      template: {
        spec: {
          nodeClassRef: { group: 'karpenter.k8s.aws', kind: 'EC2NodeClass', name: 'default' },
          requirements: [{ key: 'karpenter.sh/capacity-type', operator: 'In', values: ['spot'] }],
          ...claimSpec,
        },
      },
      ...spec,
    },
  });
  const claims = ({ cluster }: ReturnType<typeof someGroups>) =>
    cluster.kubernetes.api.store.all('nodeclaims.karpenter.sh');
  const pending = {
    name: 'api',
    replicas: 3,
    cpu: '500m',
    nodeSelector: { 'karpenter.sh/nodepool': 'spot' },
  };

  async function aKarpenter(spec: Record<string, unknown> = {}, claimSpec: Record<string, unknown> = {}) {
    const world = someGroups([]);
    await withAutoscaler(world, 'karpenter');
    world.cluster.kubernetes.applyObjects([nodePool(spec, claimSpec)]);
    world.cluster.kubernetes.addDeployment(pending);
    await world.cluster.run(120);
    return world;
  }

  test('gives Pending pods a node of their own within two minutes', async () => {
    const world = await aKarpenter();
    expect(world.asked).toEqual(['launch m5.large']);
    expect(world.cluster.readyPods({ app: 'api' })).toHaveLength(3);
    const [claim] = claims(world);
    expect(claim?.['status'].conditions.map((one: { type: string }) => one.type)).toEqual([
      'Launched',
      'Registered',
      'Initialized',
      'Ready',
    ]);
    const node = world.cluster.kubernetes.api.get('nodes', undefined, claim?.['status'].nodeName);
    expect(node.metadata.labels).toMatchObject({ 'karpenter.sh/nodepool': 'spot' });
    const pool = world.cluster.kubernetes.api.get('nodepools.karpenter.sh', undefined, 'spot');
    expect(pool['status'].resources).toMatchObject({ cpu: '2', nodes: '1' });
  });

  test('launches nothing beyond the limits of a pool, and removes nothing because of them', async () => {
    const world = await aKarpenter();
    const { api } = world.cluster.kubernetes;
    api.patch(
      'nodepools.karpenter.sh',
      undefined,
      'spot',
      { spec: { limits: { cpu: '0' } } },
      { type: 'merge' },
    );
    await world.cluster.run(600);
    expect(claims(world)).toHaveLength(1);
    api.patch('deployments.apps', 'default', 'api', { spec: { replicas: 9 } }, { type: 'merge' });
    await world.cluster.run(600);
    expect(world.asked).toEqual(['launch m5.large']);
  });

  test('drains the node of a deleted claim, terminates its instance and removes both finalizers', async () => {
    const world = await aKarpenter({ limits: { cpu: '2' } });
    const { api } = world.cluster.kubernetes;
    api.patch(
      'nodepools.karpenter.sh',
      undefined,
      'spot',
      { spec: { limits: { cpu: '0' } } },
      { type: 'merge' },
    );
    const [claim] = claims(world);
    api.delete('nodeclaims.karpenter.sh', undefined, claim?.metadata.name ?? '');
    expect(claims(world)).toHaveLength(1);
    await world.cluster.run(30);
    expect(claims(world)).toHaveLength(0);
    expect(api.find('nodes', undefined, claim?.['status'].nodeName)).toBeUndefined();
    expect(world.asked).toEqual(['launch m5.large', 'terminate']);
    expect(world.cluster.kubernetes.lostPods).toEqual([]);
  });

  test.each([
    ['for as long as it takes', {}, false],
    ['until the grace period of the claim is over', { terminationGracePeriod: '4h' }, true],
  ])('waits for a budget %s', async (_how, claimSpec, isGone) => {
    const world = await aKarpenter({}, claimSpec);
    world.cluster.kubernetes.addPdb({ name: 'api', matchLabels: { app: 'api' }, maxUnavailable: 0 });
    await world.cluster.run(1);
    const { api } = world.cluster.kubernetes;
    const name = claims(world)[0]?.metadata.name ?? '';
    api.delete('nodeclaims.karpenter.sh', undefined, name);
    await world.cluster.run(3 * 3600);
    expect(api.find('nodeclaims.karpenter.sh', undefined, name)).toBeDefined();
    await world.cluster.run(3700);
    expect(api.find('nodeclaims.karpenter.sh', undefined, name) === undefined).toBe(isGone);
  });

  test('launches a claim again that failed for another reason than capacity, and gives it up after five minutes', async () => {
    let refused = 0;
    const world = someGroups([], () => {
      refused += 1;
      throw new AwsError('UnauthorizedOperation', 'You are not authorized to perform this operation.');
    });
    await withAutoscaler(world, 'karpenter');
    world.cluster.kubernetes.applyObjects([nodePool()]);
    world.cluster.kubernetes.addDeployment(pending);
    await world.cluster.run(240);
    const [claim] = claims(world);
    expect(refused).toBeGreaterThan(3);
    expect(claim?.['status'].conditions).toMatchObject([
      { type: 'Launched', status: 'Unknown', reason: 'LaunchFailed' },
    ]);
    await world.cluster.run(120);
    expect(claims(world).map(({ metadata }) => metadata.name)).not.toContain(claim?.metadata.name);
  });

  test('that no longer runs leaves a deleted claim with its finalizer', async () => {
    const world = await aKarpenter();
    const { api } = world.cluster.kubernetes;
    api.patch('deployments.apps', 'kube-system', 'karpenter', { spec: { replicas: 0 } }, { type: 'merge' });
    await world.cluster.run(30);
    api.delete('nodeclaims.karpenter.sh', undefined, claims(world)[0]?.metadata.name ?? '');
    await world.cluster.run(3600);
    expect(claims(world)).toHaveLength(1);
    expect(world.asked).toEqual(['launch m5.large']);
    api.patch('deployments.apps', 'kube-system', 'karpenter', { spec: { replicas: 1 } }, { type: 'merge' });
    await world.cluster.run(60);
    expect(world.asked).toContain('terminate');
  });

  test('keeps the number of nodes of a static pool', async () => {
    const world = await aKarpenter({ replicas: 2 });
    expect(claims(world)).toHaveLength(2);
    const { api } = world.cluster.kubernetes;
    api.patch('nodepools.karpenter.sh', undefined, 'spot', { spec: { replicas: 0 } }, { type: 'merge' });
    await world.cluster.run(120);
    expect(claims(world)).toHaveLength(0);
  });
});
