/** Placement of new instances and selection of those to terminate: zones, types, spot percentage. */
import { addressShortageMessage, type Capacity, shortageMessage } from './capacity.ts';
import type { AutoScalingGroup, CapacityType, Instance, Subnet } from './model.ts';

interface Wanted {
  readonly capacityType: CapacityType;
  /** In the order of preference. */
  readonly subnets: readonly Subnet[];
  readonly types: readonly string[];
}

export interface Placement {
  readonly subnet: Subnet;
  readonly type: string;
  readonly capacityType: CapacityType;
}

/** Zones with the fewest members first; on-demand until its share of the desired capacity is met. */
function nextLaunch(group: AutoScalingGroup): Wanted {
  const inZone = new Map(group.zones.map((zone) => [zone, 0]));
  let staying = 0;
  let onDemand = 0;
  for (const instance of group.instances.values()) {
    if (!isStaying(instance)) continue;
    const { zone, capacityType } = instance.view;
    inZone.set(zone, (inZone.get(zone) ?? 0) + 1);
    staying += 1;
    if (capacityType === 'ON_DEMAND') onDemand += 1;
  }
  return {
    capacityType: onDemand < onDemandTarget(group, staying + 1) ? 'ON_DEMAND' : 'SPOT',
    subnets: group.cluster.subnets
      .filter((subnet) => group.zones.includes(subnet.zone))
      .sort((a, b) => (inZone.get(a.zone) ?? 0) - (inZone.get(b.zone) ?? 0)),
    types: group.instanceTypes,
  };
}

/** Auto Scaling rounds in favour of on-demand instances. */
function onDemandTarget(group: AutoScalingGroup, size: number): number {
  return Math.ceil((size * (100 - group.spotPercent)) / 100);
}

/** Auto Scaling's message if nothing can be launched. */
export interface Shortage {
  readonly message: string;
  readonly zone: string;
}

export function place(
  group: AutoScalingGroup,
  capacity: Capacity,
  freeAddresses: (subnet: Subnet) => number,
): Placement | Shortage {
  const { capacityType, subnets, types } = nextLaunch(group);
  const roomy = subnets.filter((subnet) => freeAddresses(subnet) > 0);
  for (const subnet of roomy) {
    for (const type of types) {
      if (capacity.available({ region: group.region, zone: subnet.zone, type, capacityType }))
        return { subnet, type, capacityType };
    }
  }
  const zone = subnets[0]?.zone ?? '';
  return {
    zone,
    message:
      roomy.length > 0
        ? shortageMessage({ type: types[0] ?? '', zone, capacityType })
        : addressShortageMessage(subnets[0]?.id ?? ''),
  };
}

/**
 * The default termination policy: from the zone with the most members, what brings the rest nearer to its share of
 * spot, then the oldest. Unhealthy members go first.
 */
export function chooseVictims(
  group: AutoScalingGroup,
  staying: readonly Instance[],
  count: number,
): readonly Instance[] {
  const left = staying.filter((instance) => !instance.protectedFromScaleIn);
  const chosen: Instance[] = [];
  while (chosen.length < count && left.length > 0) {
    const remaining = staying.filter((instance) => !chosen.includes(instance));
    const inZone = new Map<string, number>();
    for (const { view } of remaining) inZone.set(view.zone, (inZone.get(view.zone) ?? 0) + 1);
    const onDemand = remaining.filter(({ view }) => view.capacityType === 'ON_DEMAND').length;
    const surplusType: CapacityType =
      onDemand > onDemandTarget(group, remaining.length - 1) ? 'ON_DEMAND' : 'SPOT';
    const rank = (instance: Instance) => [
      instance.health === 'Unhealthy' ? 0 : 1,
      -(inZone.get(instance.view.zone) ?? 0),
      instance.view.capacityType === surplusType ? 0 : 1,
      instance.launchedAt,
    ];
    left.sort((a, b) => compare(rank(a), rank(b)));
    const victim = left.shift();
    if (victim) chosen.push(victim);
  }
  return chosen;
}

function compare(a: readonly number[], b: readonly number[]): number {
  const index = a.findIndex((value, position) => value !== b[position]);
  return index < 0 ? 0 : (a[index] ?? 0) - (b[index] ?? 0);
}

/** Members that count towards the desired capacity. */
export function isStaying(instance: Instance): boolean {
  const { lifecycleState } = instance;
  return !lifecycleState.startsWith('Terminat') && !lifecycleState.startsWith('Detach');
}
