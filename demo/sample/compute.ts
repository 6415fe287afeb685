/**
 * The compute of an environment as its config describes it: Karpenter on a nodegroup or on Fargate, EKS Auto Mode, warm
 * pools. With Auto Mode or Karpenter on Fargate the cluster has only those groups that the config names.
 */
import type { EksCluster, WarmPoolOptions } from '@nightshift/lab/world/aws/index.ts';
import type { WorldContext } from '@nightshift/lab/world/interfaces.ts';
import type { Kubernetes } from '@nightshift/lab/world/kubernetes/index.ts';
import type { EnvironmentConfig } from '#model/config.ts';
import { BUILT_IN_POOLS } from '#model/names.ts';

const FARGATE = 'eks.amazonaws.com/compute-type';
/** A Deployment with a budget that no eviction may pass at night, when there is no other node. */
const WORKLOAD = { name: 'shop', namespace: 'shop', replicas: 6 };

/** Whether NodePools start nodes of their own. */
export function hasFleet({ autoscaler }: EnvironmentConfig): boolean {
  return autoscaler?.kind === 'karpenter' || autoscaler?.kind === 'auto-mode';
}

export function isOnFargate({ autoscaler }: EnvironmentConfig): boolean {
  return autoscaler?.kind === 'karpenter' && autoscaler.hostGroup === undefined;
}

/** The config names no group, and the cluster needs none. */
export function isWithoutGroups(environment: EnvironmentConfig): boolean {
  const { nodegroups, keep, autoscaler } = environment;
  const needsNone = autoscaler?.kind === 'auto-mode' || isOnFargate(environment);
  return needsNone && (nodegroups === undefined || nodegroups === 'all') && !keep?.length;
}

/** For `addCluster`: with `builtIn` the built-in NodePools of Auto Mode are on. */
export function autoModeOf({
  autoscaler,
}: EnvironmentConfig): { readonly nodePools: readonly string[] } | undefined {
  if (autoscaler?.kind !== 'auto-mode') return undefined;
  return { nodePools: autoscaler.builtIn ? BUILT_IN_POOLS : [] };
}

/** Where the config says what becomes of warm pools, each managed nodegroup has one. */
export function warmPoolOf(environment: EnvironmentConfig): { readonly warmPool?: WarmPoolOptions } {
  return environment.production || environment.warmPools === undefined
    ? {}
    : { warmPool: { min: 1, maxPrepared: 4, state: 'Stopped' } };
}

/** Before the first workload: the NodePools, and the node of Fargate on which Karpenter runs. */
export function addNodePools(
  context: WorldContext,
  cluster: EksCluster,
  kubernetes: Kubernetes,
  environment: EnvironmentConfig,
): void {
  const { autoscaler } = environment;
  if (autoscaler === undefined || autoscaler.kind === 'cluster-autoscaler') return;
  const isAutoMode = autoscaler.kind === 'auto-mode';
  const builtIn = isAutoMode && autoscaler.builtIn === true && autoscaler.nodePools === undefined;
  const names = autoscaler.nodePools ?? (builtIn ? [] : ['default']);
  kubernetes.applyObjects(names.map((name) => nodePool(name, isAutoMode)));
  if (isOnFargate(environment)) addFargateNode(context, cluster);
}

function nodePool(name: string, isAutoMode: boolean) {
  return {
    apiVersion: 'karpenter.sh/v1',
    kind: 'NodePool',
    metadata: { name },
    spec: {
      limits: { cpu: '64' },
      template: {
        spec: {
          nodeClassRef: isAutoMode
            ? { group: 'eks.amazonaws.com', kind: 'NodeClass', name: 'own' }
            : { group: 'karpenter.k8s.aws', kind: 'EC2NodeClass', name: 'default' },
          requirements: [
            { key: 'karpenter.sh/capacity-type', operator: 'In', values: ['on-demand'] },
            { key: 'node.kubernetes.io/instance-type', operator: 'In', values: ['m5.large'] },
          ],
        },
      },
    },
  };
}

function addFargateNode({ signals, hex }: WorldContext, cluster: EksCluster): void {
  const { account, region, name, zones } = cluster;
  const privateIp = '10.0.200.7';
  const privateDnsName = `fargate-ip-10-0-200-7.${region}.compute.internal`;
  signals.emit('instance-running', {
    id: `${hex(10)}/${privateDnsName}`,
    account,
    region,
    zone: zones[0] ?? `${region}a`,
    type: 'm5.large',
    privateDnsName,
    privateIp,
    capacityType: 'ON_DEMAND',
    cluster: name,
    autoScalingGroup: '',
    labels: { [FARGATE]: 'fargate' },
  });
}

/** What lets Karpenter run on Fargate. */
export function placementOf(environment: EnvironmentConfig, hostGroup: string | undefined) {
  if (hostGroup) return { nodeSelector: { 'eks.amazonaws.com/nodegroup': hostGroup } };
  if (!isOnFargate(environment)) return {};
  return {
    nodeSelector: { [FARGATE]: 'fargate' },
    tolerations: [{ key: FARGATE, operator: 'Exists', effect: 'NoSchedule' }],
  };
}

/** Pods for which NodePools start nodes: two of them fill one, and a budget holds the last. */
export function addPodsOfNodePools(kubernetes: Kubernetes, environment: EnvironmentConfig): void {
  if (!hasFleet(environment)) return;
  kubernetes.addDeployment({ ...WORKLOAD, cpu: '800m', memory: '256Mi', terminationGracePeriodSeconds: 30 });
  const { name, namespace } = WORKLOAD;
  kubernetes.addPdb({ name, namespace, matchLabels: { app: name }, minAvailable: 1 });
}
