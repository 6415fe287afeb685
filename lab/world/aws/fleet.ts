/** Instances outside of any Auto Scaling group: those of Karpenter and EKS Auto Mode. */
import type { Capacity } from './capacity.ts';
import type { Ec2Internals } from './ec2.ts';
import { AwsError } from './error.ts';
import type { AutoScalingGroup, CapacityType, EksCluster, Instance } from './model.ts';
import type { State } from './state.ts';

export interface FleetLaunch {
  readonly instanceType: string;
  readonly zone: string;
  readonly capacityType: CapacityType;
  readonly labels: Readonly<Record<string, string>>;
}

export interface Fleets {
  launchInstance(cluster: EksCluster, wanted: FleetLaunch): Instance;
}

export function createFleets(state: State, ec2: Ec2Internals, capacity: Capacity): Fleets {
  return {
    launchInstance(cluster, { instanceType: type, zone, capacityType, labels }) {
      const { account, region } = cluster;
      const subnet = cluster.subnets.find((one) => one.zone === zone);
      if (!subnet) throw new AwsError('InvalidParameterValue', `the cluster has no subnet in ${zone}`);
      if (ec2.freeAddresses(subnet) <= 0)
        throw new AwsError('InsufficientFreeAddressesInSubnet', `no free addresses in ${subnet.id}`);
      if (!capacity.available({ region, zone, type, capacityType }))
        throw new AwsError(
          capacityType === 'SPOT' ? 'UnfulfillableCapacity' : 'InsufficientInstanceCapacity',
          `We currently do not have sufficient ${type} capacity in the Availability Zone you requested (${zone}).`,
        );
      const instance = ec2.launch({
        group: noGroup(account, region, cluster, labels),
        subnet,
        type,
        capacityType,
      });
      cluster.fleet.add(instance);
      return instance;
    },
  };

  function noGroup(
    account: string,
    region: string,
    cluster: EksCluster,
    labels: Readonly<Record<string, string>>,
  ): AutoScalingGroup {
    return {
      account,
      region,
      cluster,
      labels,
      name: '',
      arn: '',
      createdAt: state.now(),
      nodegroup: undefined,
      min: 0,
      desired: 0,
      max: 0,
      zones: cluster.zones,
      instanceTypes: [],
      spotPercent: 0,
      capacityRebalance: false,
      tags: {},
      cooldownSeconds: 0,
      hooks: new Map(),
      suspended: new Map(),
      instances: new Map(),
      warmPool: undefined,
      activities: [],
      lastActivityEndedAt: Number.NEGATIVE_INFINITY,
    };
  }
}
