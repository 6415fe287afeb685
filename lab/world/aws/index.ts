/**
 * The lab's AWS: clusters with managed nodegroups and self-managed Auto Scaling groups, their instances, spot
 * interruptions, secrets and principals. No I/O; time is the world's clock.
 */
import type { ClusterNodes, InstanceView, Principal, WorldContext } from '../interfaces.ts';
import { type AutoScaling, type AutoScalingGroupOptions, createAutoScaling } from './auto-scaling.ts';
import { type CapacityRule, createCapacity } from './capacity.ts';
import { createEc2, type Ec2 } from './ec2.ts';
import {
  type AccessEntryOptions,
  type ClusterOptions,
  createEks,
  type Eks,
  type EksBuilder,
  type NodegroupOptions,
} from './eks.ts';
import { createFleets, type Fleets } from './fleet.ts';
import { createInstanceEvents, type HealthEventOptions } from './instance-events.ts';
import { createLifecycle } from './lifecycle.ts';
import { createLoadBalancers, type LoadBalancers } from './load-balancers.ts';
import { createMacKeys, type MacKeys } from './mac-keys.ts';
import { answerEksHooks } from './managed-drain.ts';
import { createMessaging, type Messaging } from './messaging.ts';
import type {
  AccessEntry,
  AutoScalingGroup,
  EksCluster,
  Instance,
  Nodegroup,
  Queue,
  Scope,
  Topic,
} from './model.ts';
import { createPrincipals, type PrincipalOptions, type Principals } from './principals.ts';
import { createScaling } from './scaling.ts';
import { createSecrets, type Secrets } from './secrets.ts';
import { createStanding, type Standing } from './standing.ts';
import { createState } from './state.ts';

export type { StateChange } from './ec2.ts';
export { AwsError } from './error.ts';
export type { FleetLaunch } from './fleet.ts';
export type { HealthEventOptions } from './instance-events.ts';
export type * from './model.ts';
export { configuredSizes } from './nodegroup-rollout.ts';
export type { NatGateway, Volume } from './standing.ts';
export { page } from './state.ts';
export type { WarmPoolOptions } from './warm-pool.ts';

export interface AwsWorld {
  readonly context: WorldContext;

  // What there is.
  addCluster(options: ClusterOptions): EksCluster;
  /** Sets the API server's `endpoint` (a URL) and `ca` (PEM). */
  setClusterEndpoint(cluster: EksCluster, server: { readonly endpoint: string; readonly ca: string }): void;
  addAccessEntry(cluster: EksCluster, entry: AccessEntryOptions): AccessEntry;
  /** The cluster's Kubernetes, for EKS's drain of managed nodes. */
  attachNodes(cluster: EksCluster, nodes: ClusterNodes): void;
  addCapability: EksBuilder['addCapability'];
  addNodegroup(cluster: EksCluster, options: NodegroupOptions): Nodegroup;
  addAutoScalingGroup(cluster: EksCluster, options: AutoScalingGroupOptions): AutoScalingGroup;
  /** As Karpenter and EKS Auto Mode launch one. Throws `AwsError` where there is no capacity. */
  launchInstance: Fleets['launchInstance'];
  putSecret: Secrets['put'];
  /** Keys for a role or user. `anyTime`: its signatures may carry the real clock's time (the operator's own key). */
  addPrincipal(options: PrincipalOptions): Principal;
  addTopic(topic: Scope & { readonly name: string }): Topic;
  addQueue(queue: Scope & { readonly name: string }): Queue;

  // What happens.
  /** The warning now, the termination after the notice. Hibernation starts at once, as AWS documents. */
  interruptSpot(
    instanceId: string,
    options?: { readonly action?: 'terminate' | 'stop' | 'hibernate'; readonly noticeSeconds?: number },
  ): void;
  recommendRebalance(instanceId: string): void;
  /** A scheduled change of AWS Health for instances of one account and region. */
  healthEvent(options: HealthEventOptions): void;
  /** By a person in the console. */
  terminateInstance(instanceId: string): void;
  stopInstance(instanceId: string): void;
  startInstance(instanceId: string): void;
  /** Sets or ends a capacity shortage. The latest matching rule applies. */
  setCapacity(rule: CapacityRule): void;
  /** Resizes a group as in the console: a managed nodegroup through EKS, any other group directly. */
  resizeAsPerson(
    group: AutoScalingGroup | Nodegroup,
    sizes: { readonly min?: number; readonly desired?: number; readonly max?: number },
  ): void;

  // The services below their APIs; they throw `AwsError`.
  readonly eks: Eks;
  readonly autoScaling: AutoScaling;
  readonly ec2: Ec2;
  readonly secrets: Secrets;
  readonly macKeys: MacKeys;
  readonly loadBalancers: LoadBalancers;
  readonly standing: Standing;
  readonly messaging: Messaging;
  readonly principals: Principals;

  // For spectators.
  clusters(): readonly EksCluster[];
  groups(cluster: EksCluster): readonly AutoScalingGroup[];
  /** Of all groups of the cluster and their warm pools, including terminating and detached instances, without terminated ones. */
  instances(cluster: EksCluster): readonly Instance[];
  view(instanceId: string): InstanceView | undefined;
  /** Called after a group, a nodegroup or an instance changed. */
  onChange(listener: () => void): () => void;
}

export function createAws(context: WorldContext): AwsWorld {
  const state = createState(context);
  const capacity = createCapacity();
  const ec2 = createEc2(state);
  const lifecycle = createLifecycle(state);
  const scaling = createScaling(state, ec2.internals, lifecycle, capacity);
  const autoScaling = createAutoScaling(state, scaling, lifecycle);
  const eks = createEks(state, autoScaling.builder, scaling);
  const instanceEvents = createInstanceEvents(state, ec2.internals, scaling);
  const secrets = createSecrets(state);
  const messaging = createMessaging(state);
  const principals = createPrincipals(context);
  answerEksHooks(state, lifecycle);

  const scopeOf = (instanceId: string): Scope => {
    const instance = state.instances.get(instanceId);
    if (!instance) throw new TypeError(`unknown instance ${instanceId}`);
    return instance.view;
  };

  return {
    context,
    ...eks.builder,
    ...createFleets(state, ec2.internals, capacity),
    ...instanceEvents,
    addAutoScalingGroup: autoScaling.builder.add,
    putSecret: secrets.put,
    addPrincipal: principals.add,
    addTopic: messaging.addTopic,
    addQueue: messaging.addQueue,
    terminateInstance: (id) => void ec2.api.terminate(scopeOf(id), [id]),
    stopInstance: (id) => void ec2.api.stop(scopeOf(id), [id]),
    startInstance: (id) => void ec2.api.start(scopeOf(id), [id]),
    setCapacity: capacity.set,
    resizeAsPerson(target, sizes) {
      const group = 'group' in target ? target.group : target;
      if (group.nodegroup)
        eks.api.updateNodegroupConfig(group, group.cluster.name, group.nodegroup.name, { scaling: sizes });
      else autoScaling.api.updateGroup(group, group.name, sizes);
    },
    eks: eks.api,
    autoScaling: autoScaling.api,
    ec2: ec2.api,
    secrets,
    macKeys: createMacKeys(state),
    loadBalancers: createLoadBalancers(state),
    standing: createStanding(state),
    messaging,
    principals,
    clusters: () => state.clusters,
    groups: (cluster) => [...cluster.groups.values()],
    instances: (cluster) => [
      ...[...cluster.groups.values()].flatMap((group) => [
        ...group.instances.values(),
        ...(group.warmPool?.instances.values() ?? []),
      ]),
      ...[...cluster.fleet].filter(({ state }) => state !== 'terminated'),
      ...[...state.instances.values()].filter(
        ({ group, lifecycleState, state }) =>
          group.cluster === cluster && lifecycleState === 'Detached' && state !== 'terminated',
      ),
    ],
    view: (instanceId) => state.instances.get(instanceId)?.view,
    onChange: state.onChange,
  };
}
