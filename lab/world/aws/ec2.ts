/** EC2 instances: states, state change events and spot interruptions. */
import type { InstanceView } from '../interfaces.ts';
import { AwsError } from './error.ts';
import type { AutoScalingGroup, CapacityType, Instance, InstanceState, Scope, Subnet } from './model.ts';
import { isoSeconds, type State } from './state.ts';

export interface Ec2 {
  /** All instances of the account and region; terminated ones for an hour. */
  describe(scope: Scope, ids?: readonly string[]): readonly Instance[];
  terminate(scope: Scope, ids: readonly string[]): readonly StateChange[];
  stop(scope: Scope, ids: readonly string[]): readonly StateChange[];
  start(scope: Scope, ids: readonly string[]): readonly StateChange[];
  /** Addresses of the subnet that no instance holds. */
  freeAddresses(subnet: Subnet): number;
}

export interface StateChange {
  readonly instance: Instance;
  readonly previous: InstanceState;
}

export interface StateReason {
  readonly code: string;
  readonly message: string;
}

/** For Auto Scaling and spot interruptions within the model. */
export interface Ec2Internals {
  launch(wanted: Launch): Instance;
  terminate(instance: Instance, reason: StateReason): void;
  stop(instance: Instance, reason: StateReason): void;
  start(instance: Instance): void;
  /** A running instance leaves its warm pool for the cluster, or the other way. */
  joinCluster(instance: Instance): void;
  leaveCluster(instance: Instance): void;
  freeAddresses(subnet: Subnet): number;
  onState(listener: (instance: Instance) => void): void;
}

export interface Launch {
  readonly group: AutoScalingGroup;
  readonly subnet: Subnet;
  readonly type: string;
  readonly capacityType: CapacityType;
  /** Default `Pending`. An instance of a warm pool joins the cluster only when it leaves the pool. */
  readonly lifecycleState?: Instance['lifecycleState'];
}

export const userInitiated: StateReason = {
  code: 'Client.UserInitiatedShutdown',
  message: 'Client.UserInitiatedShutdown: User initiated shutdown',
};

export const spotTermination: StateReason = {
  code: 'Server.SpotInstanceTermination',
  message: 'Server.SpotInstanceTermination: Spot instance termination',
};

export const spotShutdown: StateReason = {
  code: 'Server.SpotInstanceShutdown',
  message: 'Server.SpotInstanceShutdown: Spot instance shutdown',
};

const HOUR = 3_600_000;
/** Milliseconds, from and to. */
type Delay = readonly [number, number];

/** AWS reserves the first four addresses of a subnet and the last one. */
const FIRST_HOST = 4;

export function createEc2(state: State): { readonly api: Ec2; readonly internals: Ec2Internals } {
  const listeners: ((instance: Instance) => void)[] = [];
  const ranges = new Map<Subnet, Range>();
  const rangeOf = (subnet: Subnet): Range => {
    const known = ranges.get(subnet) ?? newRange(subnet);
    ranges.set(subnet, known);
    return known;
  };

  const joinCluster = ({ view }: Instance) => state.context.signals.emit('instance-running', view);
  const leaveCluster = ({ view }: Instance) => state.context.signals.emit('instance-gone', view);

  const become = (instance: Instance, next: InstanceState) => {
    const hadPods = instance.state !== 'stopping';
    instance.state = next;
    if (next === 'terminated') rangeOf(instance.subnet).held -= instance.addresses;
    instance.stateChangedAt = state.now();
    state.emit(instance.view, () => ({
      source: 'aws.ec2',
      detailType: 'EC2 Instance State-change Notification',
      resources: [arnOf(instance)],
      detail: { 'instance-id': instance.id, state: next },
    }));
    if (!instance.lifecycleState.startsWith('Warmed')) {
      if (next === 'running') joinCluster(instance);
      if (hadPods && (next === 'shutting-down' || next === 'stopping')) leaveCluster(instance);
    }
    for (const listener of listeners) listener(instance);
    state.changed();
  };

  /** The next state follows by itself, unless the instance has changed meanwhile. */
  const later = (instance: Instance, from: InstanceState, to: InstanceState, [low, high]: Delay) =>
    void state.context.clock.after(state.between(low, high), () => {
      if (instance.state === from) become(instance, to);
    });

  const setStateReason = (instance: Instance, reason: StateReason) => {
    instance.stateReason = reason;
    instance.stateTransitionReason = `${reason === userInitiated ? 'User initiated' : reason.code} (${gmt(state.now())})`;
  };

  const terminate = (instance: Instance, reason: StateReason) => {
    if (instance.state === 'terminated' || instance.state === 'shutting-down') return;
    setStateReason(instance, reason);
    if (instance.state === 'stopped') {
      // A stopped instance terminates at once; its pods were lost when it stopped.
      become(instance, 'terminated');
      return;
    }
    become(instance, 'shutting-down');
    later(instance, 'shutting-down', 'terminated', [20_000, 50_000]);
  };

  const stop = (instance: Instance, reason: StateReason) => {
    if (instance.state !== 'running' && instance.state !== 'pending') return;
    setStateReason(instance, reason);
    become(instance, 'stopping');
    later(instance, 'stopping', 'stopped', [20_000, 50_000]);
  };

  const start = (instance: Instance) => {
    instance.stateReason = undefined;
    instance.stateTransitionReason = '';
    become(instance, 'pending');
    later(instance, 'pending', 'running', [25_000, 35_000]);
  };

  const freeAddresses = (subnet: Subnet): number => {
    const { size, held } = rangeOf(subnet);
    return size - FIRST_HOST - 1 - held;
  };

  const launch = (wanted: Launch): Instance => {
    const id = `i-0${state.context.hex(16)}`;
    const range = rangeOf(wanted.subnet);
    const addresses = Math.min(wanted.group.cluster.addressesPerNode, freeAddresses(wanted.subnet));
    range.held += addresses;
    const ip = addressIn(range);
    const addressesHeld = [ip];
    while (addressesHeld.length < addresses) addressesHeld.push(addressIn(range));
    const instance: Instance = {
      id,
      view: viewOf(id, ip, wanted),
      group: wanted.group,
      subnet: wanted.subnet,
      addresses,
      addressesHeld,
      launchedAt: state.now(),
      spotRequestId: wanted.capacityType === 'SPOT' ? `sir-${state.context.hex(8)}` : undefined,
      state: 'pending',
      stateChangedAt: state.now(),
      stateTransitionReason: '',
      stateReason: undefined,
      lifecycleState: wanted.lifecycleState ?? 'Pending',
      health: 'Healthy',
      protectedFromScaleIn: false,
      interruption: undefined,
      rebalanceRecommendedAt: undefined,
    };
    state.instances.set(id, instance);
    become(instance, 'pending');
    later(instance, 'pending', 'running', [25_000, 35_000]);
    return instance;
  };

  const forgetTheLongGone = () => {
    for (const instance of state.instances.values()) {
      if (instance.state === 'terminated' && state.now() - instance.stateChangedAt > HOUR)
        state.instances.delete(instance.id);
    }
  };

  const find = (scope: Scope, ids: readonly string[]): readonly Instance[] => {
    forgetTheLongGone();
    const malformed = ids.find((id) => !/^i-([0-9a-f]{8}|[0-9a-f]{17})$/.test(id));
    if (malformed !== undefined)
      throw new AwsError('InvalidInstanceID.Malformed', `Invalid id: "${malformed}"`);
    const found = ids.flatMap((id) => {
      const instance = state.instances.get(id);
      return instance && isIn(instance, scope) ? [instance] : [];
    });
    const missing = ids.filter((id) => !found.some((instance) => instance.id === id));
    if (missing.length > 0) {
      throw new AwsError(
        'InvalidInstanceID.NotFound',
        missing.length === 1
          ? `The instance ID '${missing[0]}' does not exist`
          : `The instance IDs '${missing.join(', ')}' do not exist`,
      );
    }
    return found;
  };

  const change = (scope: Scope, ids: readonly string[], act: (instance: Instance) => void) =>
    find(scope, ids).map((instance) => {
      const previous = instance.state;
      act(instance);
      return { instance, previous };
    });

  const cannotBe = (instance: Instance, what: string) =>
    new AwsError(
      'IncorrectInstanceState',
      `The instance '${instance.id}' is not in a state from which it can be ${what}.`,
    );

  return {
    internals: {
      launch,
      terminate,
      stop,
      start,
      joinCluster,
      leaveCluster,
      freeAddresses,
      onState: (listener) => void listeners.push(listener),
    },
    api: {
      describe(scope, ids) {
        if (ids) return find(scope, ids);
        forgetTheLongGone();
        return [...state.instances.values()].filter((instance) => isIn(instance, scope));
      },
      freeAddresses,
      terminate: (scope, ids) => change(scope, ids, (instance) => terminate(instance, userInitiated)),
      stop: (scope, ids) =>
        change(scope, ids, (instance) => {
          if (instance.state === 'shutting-down' || instance.state === 'terminated')
            throw cannotBe(instance, 'stopped');
          stop(instance, userInitiated);
        }),
      start: (scope, ids) =>
        change(scope, ids, (instance) => {
          if (instance.state === 'running' || instance.state === 'pending') return;
          if (instance.state !== 'stopped') throw cannotBe(instance, 'started');
          start(instance);
        }),
    },
  };
}

export function arnOf(instance: Instance): string {
  return `arn:aws:ec2:${instance.view.region}:${instance.view.account}:instance/${instance.id}`;
}

function isIn(instance: Instance, scope: Scope): boolean {
  return instance.view.account === scope.account && instance.view.region === scope.region;
}

function viewOf(id: string, ip: string, { group, subnet, type, capacityType }: Launch): InstanceView {
  const { account, region } = group;
  const domain = region === 'us-east-1' ? 'ec2.internal' : `${region}.compute.internal`;
  const privateDnsName = `ip-${ip.replaceAll('.', '-')}.${domain}`;
  return {
    id,
    account,
    region,
    zone: subnet.zone,
    type,
    privateDnsName,
    privateIp: ip,
    capacityType,
    cluster: group.cluster.name,
    autoScalingGroup: group.name,
    ...(group.nodegroup ? { nodegroup: group.nodegroup.name } : {}),
    labels: {
      'kubernetes.io/arch': /^[a-z]+\d+g[a-z]*\./.test(type) ? 'arm64' : 'amd64',
      'kubernetes.io/os': 'linux',
      'kubernetes.io/hostname': privateDnsName,
      'node.kubernetes.io/instance-type': type,
      'topology.kubernetes.io/region': region,
      'topology.kubernetes.io/zone': subnet.zone,
      ...(group.nodegroup
        ? {
            'eks.amazonaws.com/nodegroup': group.nodegroup.name,
            'eks.amazonaws.com/capacityType': group.nodegroup.capacityType,
            ...group.nodegroup.labels,
          }
        : group.labels),
    },
  };
}

/** The addresses of a subnet, as numbers. */
interface Range {
  readonly first: number;
  readonly size: number;
  /** Counted from the first. */
  next: number;
  /** How many instances hold. */
  held: number;
}

function newRange({ cidr }: Subnet): Range {
  const [base = '', bits] = cidr.split('/');
  return {
    first: base.split('.').reduce((sum, part) => sum * 256 + Number(part), 0),
    size: 2 ** (32 - Number(bits)),
    next: FIRST_HOST,
    held: 0,
  };
}

/** Addresses are assigned in order, then reused. */
function addressIn(range: Range): string {
  const number = range.first + range.next;
  range.next = range.next + 1 < range.size - 1 ? range.next + 1 : FIRST_HOST;
  return `${number >>> 24}.${(number >>> 16) & 255}.${(number >>> 8) & 255}.${number & 255}`;
}

/** `2026-11-22 10:00:00 GMT` */
function gmt(ms: number): string {
  return isoSeconds(ms).replace('T', ' ').replace('Z', ' GMT');
}
