/** EKS Auto Mode: the built-in NodePools, with the AWS SDK against the lab and its Kubernetes beside it. */
import {
  DescribeClusterCommand,
  DescribeUpdateCommand,
  UpdateClusterConfigCommand,
} from '@aws-sdk/client-eks';
import { expect, test } from 'vitest';
import { createKubernetes } from '#lab/world/kubernetes/index.ts';
import { scaleOutOf } from '#lab/world/scale-out.ts';
import { anEndpoint } from './endpoint.ts';
import { scope } from './world.ts';

const NAME = 'auto';

async function anAutoCluster(nodePools: readonly string[] = ['general-purpose', 'system']) {
  const lab = await anEndpoint();
  const { aws, context } = lab.world;
  const cluster = aws.addCluster({ ...scope, name: NAME, autoMode: { nodePools } });
  const kubernetes = createKubernetes(context, {
    ...scope,
    cluster: NAME,
    scaleOut: scaleOutOf(aws, cluster, true),
    autoMode: true,
  });
  aws.attachNodes(cluster, kubernetes);
  const describe = async () => (await lab.eks.send(new DescribeClusterCommand({ name: NAME }))).cluster;
  const set = (compute: object, others = { elasticLoadBalancing: true, blockStorage: true }) =>
    lab.eks.send(
      new UpdateClusterConfigCommand({
        name: NAME,
        computeConfig: { enabled: true, ...compute },
        kubernetesNetworkConfig: { elasticLoadBalancing: { enabled: others.elasticLoadBalancing } },
        storageConfig: { blockStorage: { enabled: others.blockStorage } },
      }),
    );
  const pools = () => kubernetes.api.store.all('nodepools.karpenter.sh').map(({ metadata }) => metadata.name);
  const nodes = () => kubernetes.api.store.all('nodes').length;
  const running = () => aws.instances(cluster).filter(({ state }) => state === 'running').length;
  kubernetes.addDeployment({ name: 'web', replicas: 3, cpu: '1200m' });
  await lab.world.pass(300);
  return { ...lab, kubernetes, cluster, describe, set, pools, nodes, running, pass: lab.world.pass };
}

test('gives pending pods nodes without a Karpenter in the cluster, outside of any group', async () => {
  const { describe, pools, nodes, running } = await anAutoCluster();
  expect(pools()).toEqual(['general-purpose', 'system']);
  expect(nodes()).toBeGreaterThan(0);
  expect(running()).toBe(nodes());
  expect(await describe()).toMatchObject({
    computeConfig: {
      enabled: true,
      nodePools: ['general-purpose', 'system'],
      nodeRoleArn: expect.stringMatching(/:role\//),
    },
    storageConfig: { blockStorage: { enabled: true } },
    kubernetesNetworkConfig: { elasticLoadBalancing: { enabled: true } },
  });
});

test('without built-in pools their nodes and the default NodeClass go; named again, all come back', async () => {
  const { describe, set, pools, nodes, running, pass, kubernetes, eks } = await anAutoCluster();
  const role = (await describe())?.computeConfig?.nodeRoleArn;
  const { update } = await set({ nodePools: [] });
  expect((await describe())?.status).toBe('UPDATING');
  await pass(900);
  expect([pools(), nodes(), running()]).toEqual([[], 0, 0]);
  expect(kubernetes.api.store.all('nodeclasses.eks.amazonaws.com')).toEqual([]);
  expect((await describe())?.computeConfig).toEqual({ enabled: true, nodePools: [] });
  const done = await eks.send(new DescribeUpdateCommand({ name: NAME, updateId: update?.id }));
  expect(done.update).toMatchObject({ status: 'Successful', type: 'AutoModeUpdate' });
  await set({ nodePools: ['general-purpose', 'system'], nodeRoleArn: role });
  await pass(900);
  expect(pools()).toEqual(['general-purpose', 'system']);
  expect(nodes()).toBeGreaterThan(0);
});

test('refuses what EKS refuses', async () => {
  const { eks, describe, set } = await anAutoCluster();
  const nodeRoleArn = (await describe())?.computeConfig?.nodeRoleArn;
  const alone = new UpdateClusterConfigCommand({
    name: NAME,
    computeConfig: { enabled: true, nodePools: [] },
  });
  await expect(eks.send(alone)).rejects.toThrow('The type for cluster update was not provided');
  await expect(set({ nodePools: [] }, { elasticLoadBalancing: false, blockStorage: true })).rejects.toThrow(
    'all either fully enabled or fully disabled',
  );
  await expect(set({ nodePools: [], nodeRoleArn })).rejects.toThrow('nodePool value(s) must be provided');
  await expect(set({ nodePools: ['system'] })).rejects.toThrow('nodeRoleArn must not be null or empty');
  await expect(
    set({ nodePools: ['system'], nodeRoleArn: 'arn:aws:iam::111111111111:role/other' }),
  ).rejects.toThrow('cannot be changed');
  await set({ nodePools: [] });
  await expect(set({ nodePools: ['system'], nodeRoleArn })).rejects.toMatchObject({
    name: 'InvalidRequestException',
    message: expect.stringContaining('currently has update'),
  });
});
