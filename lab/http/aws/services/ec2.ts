/** Amazon EC2, API version 2016-11-15: instances, subnets, NAT gateways and volumes. */
import {
  AwsError,
  type AwsWorld,
  type Instance,
  type InstanceState,
  type NatGateway,
  page,
  type StateChange,
  type Volume,
} from '../../../world/aws/index.ts';
import { instanceNetwork } from '../../../world/aws/instance-network.ts';
import { type Parameters, parametersOf } from '../parameters.ts';
import { type AwsRequest, type AwsService, type Reply, unknownOperation } from '../service.ts';

type Operation = (aws: AwsWorld, request: AwsRequest, input: Parameters) => Reply;

export function ec2Service(aws: AwsWorld): AwsService {
  return {
    service: 'ec2',
    protocol: 'ec2',
    namespace: 'http://ec2.amazonaws.com/doc/2016-11-15/',
    resource(request) {
      const ids = request.parameters['InstanceId'];
      if (request.operation.startsWith('Describe') || !Array.isArray(ids)) return undefined;
      return `arn:aws:ec2:${request.region}:${request.account}:instance/${ids[0]}`;
    },
    handle(request) {
      const operation = operations[request.operation];
      return operation
        ? operation(aws, request, parametersOf(request, 'InvalidParameterValue'))
        : unknownOperation;
    },
  };
}

const operations: Readonly<Record<string, Operation>> = {
  DescribeInstances(aws, request, input) {
    const ids = input.texts('InstanceId');
    const filters = filtersOf(input, filterable, tagsOf);
    const found = aws.ec2
      .describe(request, ids)
      .filter((instance) => filters.every((filter) => filter(instance)));
    const { items, nextToken } = listed(found, input, { ids, what: 'instancesSet', most: 1000 });
    return { reservationSet: items.map(reservationOut), nextToken };
  },
  DescribeSubnets(aws, request, input) {
    const ids = input.texts('SubnetId');
    const subnets = aws.eks.clusters(request).flatMap((cluster) => cluster.subnets);
    const missing = ids?.find((id) => !subnets.some((subnet) => subnet.id === id));
    if (missing !== undefined)
      throw new AwsError('InvalidSubnetID.NotFound', `The subnet ID '${missing}' does not exist`);
    const found = subnets.filter((subnet) => !ids || ids.includes(subnet.id));
    const { items, nextToken } = listed(found, input, { ids, what: 'subnetSet', most: 1000 });
    return {
      subnetSet: items.map((subnet) => ({
        subnetId: subnet.id,
        subnetArn: `arn:aws:ec2:${request.region}:${request.account}:subnet/${subnet.id}`,
        state: 'available',
        vpcId: subnet.vpc,
        cidrBlock: subnet.cidr,
        availabilityZone: subnet.zone,
        availableIpAddressCount: aws.ec2.freeAddresses(subnet),
        ownerId: request.account,
      })),
      nextToken,
    };
  },
  DescribeNatGateways(aws, request, input) {
    const ids = input.texts('NatGatewayId');
    const all = aws.standing.natGateways(request);
    const missing = ids?.find((id) => !all.some((one) => one.id === id));
    if (missing !== undefined)
      throw new AwsError('NatGatewayNotFound', `The Nat Gateway ${missing} was not found`);
    const filters = filtersOf(input, natGatewayFields, () => ({}));
    const found = all.filter(
      (one) => (!ids || ids.includes(one.id)) && filters.every((filter) => filter(one)),
    );
    const { items, nextToken } = listed(found, input, { ids, what: 'natGatewaySet', most: 1000 });
    return {
      natGatewaySet: items.map(({ id, vpc, subnet, state }) => ({
        natGatewayId: id,
        vpcId: vpc,
        subnetId: subnet,
        state,
        connectivityType: 'public',
      })),
      nextToken,
    };
  },
  DescribeVolumes(aws, request, input) {
    const ids = input.texts('VolumeId');
    const all = aws.standing.volumes(request);
    const missing = ids?.find((id) => !all.some((one) => one.id === id));
    if (missing !== undefined)
      throw new AwsError('InvalidVolume.NotFound', `The volume '${missing}' does not exist.`);
    const filters = filtersOf(input, volumeFields, ({ tags }) => tags);
    const found = all.filter(
      (one) => (!ids || ids.includes(one.id)) && filters.every((filter) => filter(one)),
    );
    const { items, nextToken } = listed(found, input, { ids, what: 'volumesSet', most: 1000 });
    return { volumeSet: items.map(volumeOut), nextToken };
  },
  DescribeInstanceTypes(_aws, _request, input) {
    const types = input.texts('InstanceType') ?? [];
    if (types.length > 100)
      throw new AwsError(
        'InvalidParameterValue',
        'No more than 100 instance types can be described in a call',
      );
    const unknown = types.find((type) => instanceNetwork(type) === undefined);
    if (types.length === 0 || unknown !== undefined) {
      throw new AwsError(
        'InvalidInstanceType',
        `The following supplied instance types do not exist: [${unknown ?? ''}]`,
      );
    }
    listed(types, input, { ids: types, what: 'instanceTypes', most: 100 });
    return {
      instanceTypeSet: types.map((type) => ({
        instanceType: type,
        currentGeneration: true,
        networkInfo: {
          maximumNetworkInterfaces: instanceNetwork(type)?.interfaces,
          ipv4AddressesPerInterface: instanceNetwork(type)?.addressesPerInterface,
        },
      })),
    };
  },
  TerminateInstances: (aws, request, input) => ({
    instancesSet: aws.ec2.terminate(request, instanceIds(input)).map(changeOut),
  }),
  StopInstances: (aws, request, input) => ({
    instancesSet: aws.ec2.stop(request, instanceIds(input)).map(changeOut),
  }),
  StartInstances: (aws, request, input) => ({
    instancesSet: aws.ec2.start(request, instanceIds(input)).map(changeOut),
  }),
};

/** A page of 5 to `most`; a request with ids is not paged. */
function listed<T>(
  items: readonly T[],
  input: Parameters,
  { ids, what, most }: { ids: readonly string[] | undefined; what: string; most: number },
) {
  const size = input.optionalInteger('MaxResults');
  if (size !== undefined && ids?.length) {
    throw new AwsError(
      'InvalidParameterCombination',
      `The parameter ${what} cannot be used with the parameter maxResults`,
    );
  }
  if (size !== undefined && (size < 5 || size > most)) {
    throw new AwsError(
      'InvalidParameterValue',
      `Value ( ${size} ) for parameter maxResults is invalid. Expecting a value between 5 and ${most}.`,
    );
  }
  return page(
    items,
    size ?? Math.max(most, items.length),
    input.optionalText('NextToken'),
    () => new AwsError('InvalidParameterValue', 'Unable to parse pagination token'),
  );
}

const codes: Readonly<Record<InstanceState, number>> = {
  pending: 0,
  running: 16,
  'shutting-down': 32,
  terminated: 48,
  stopping: 64,
  stopped: 80,
};

function instanceIds(input: Parameters): readonly string[] {
  const ids = input.texts('InstanceId');
  if (!ids?.length)
    throw new AwsError('MissingParameter', 'The request must contain the parameter InstanceId');
  return ids;
}

type Fields<T> = Readonly<Record<string, (one: T) => string | undefined>>;

function filtersOf<T>(
  input: Parameters,
  fields: Fields<T>,
  tags: (one: T) => Readonly<Record<string, string>>,
): readonly ((one: T) => boolean)[] {
  return (input.structures('Filter') ?? []).map((filter) => {
    const given = parametersOf({ parameters: filter }, 'InvalidParameterValue');
    const name = given.text('Name');
    const values = (given.texts('Value') ?? []).map(pattern);
    const isAny = (texts: readonly (string | undefined)[]) =>
      values.some((value) => texts.some((text) => value.test(text ?? '\0')));
    if (name.startsWith('tag:')) return (one) => isAny([tags(one)[name.slice(4)]]);
    if (name === 'tag-key') return (one) => isAny(Object.keys(tags(one)));
    const read = fields[name];
    if (!read) throw new AwsError('InvalidParameterValue', `The filter '${name}' is invalid`);
    return (one) => isAny([read(one)]);
  });
}

const natGatewayFields: Fields<NatGateway> = {
  'nat-gateway-id': ({ id }) => id,
  state: ({ state }) => state,
  'subnet-id': ({ subnet }) => subnet,
  'vpc-id': ({ vpc }) => vpc,
};

const volumeFields: Fields<Volume> = {
  'availability-zone': ({ zone }) => zone,
  status: ({ attachment }) => (attachment ? 'in-use' : 'available'),
  'volume-id': ({ id }) => id,
  'volume-type': ({ type }) => type,
};

function volumeOut({ id, sizeGib, type, zone, tags, attachment }: Volume) {
  return {
    volumeId: id,
    size: sizeGib,
    volumeType: type,
    availabilityZone: zone,
    status: attachment ? 'in-use' : 'available',
    encrypted: false,
    attachmentSet: attachment
      ? [
          {
            volumeId: id,
            instanceId: attachment.instance,
            status: 'attached',
            deleteOnTermination: attachment.deleteOnTermination,
          },
        ]
      : [],
    tagSet: Object.entries(tags).map(([key, value]) => ({ key, value })),
  };
}

const filterable: Fields<Instance> = {
  'availability-zone': ({ view }) => view.zone,
  'instance-id': ({ id }) => id,
  'instance-lifecycle': ({ view }) => (view.capacityType === 'SPOT' ? 'spot' : undefined),
  'instance-state-code': ({ state }) => String(codes[state]),
  'instance-state-name': ({ state }) => state,
  'instance-type': ({ view }) => view.type,
  'private-dns-name': ({ view }) => view.privateDnsName,
  'private-ip-address': ({ view }) => view.privateIp,
  'subnet-id': ({ subnet }) => subnet.id,
  'vpc-id': ({ subnet }) => subnet.vpc,
};

/** EC2 filters know `*` and `?`. */
function pattern(value: string): RegExp {
  const text = value
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${text}$`, 's');
}

function tagsOf(instance: Instance): Readonly<Record<string, string>> {
  const { group, lifecycleState } = instance;
  if (lifecycleState === 'Detached') return group.tags;
  return { ...group.tags, 'aws:autoscaling:groupName': group.name };
}

function reservationOut(instance: Instance) {
  const { view, subnet } = instance;
  const here = instance.state !== 'terminated';
  return {
    reservationId: `r-${instance.id.slice(2)}`,
    ownerId: view.account,
    groupSet: [],
    instancesSet: [
      {
        instanceId: instance.id,
        imageId: 'ami-00000000000000001',
        instanceState: stateOut(instance.state),
        privateDnsName: here ? view.privateDnsName : '',
        dnsName: '',
        reason: instance.stateTransitionReason,
        amiLaunchIndex: 0,
        instanceType: view.type,
        launchTime: new Date(instance.launchedAt),
        placement: { availabilityZone: view.zone, groupName: '', tenancy: 'default' },
        monitoring: { state: 'disabled' },
        ...(here
          ? {
              subnetId: subnet.id,
              vpcId: subnet.vpc,
              privateIpAddress: view.privateIp,
              networkInterfaceSet: interfacesOut(instance),
            }
          : {}),
        stateReason: instance.stateReason,
        architecture: view.labels['kubernetes.io/arch'] === 'arm64' ? 'arm64' : 'x86_64',
        ...(view.capacityType === 'SPOT'
          ? { instanceLifecycle: 'spot', spotInstanceRequestId: instance.spotRequestId }
          : {}),
        tagSet: Object.entries(tagsOf(instance)).map(([key, value]) => ({ key, value })),
      },
    ],
  };
}

/** The addresses that the instance holds, by interface: as many on each as its type takes. */
function interfacesOut(instance: Instance) {
  const { subnet, view } = instance;
  const most = instanceNetwork(view.type)?.addressesPerInterface ?? instance.addresses;
  const count = Math.max(1, Math.ceil(instance.addresses / most));
  return [...Array(count)].map((_, index) => {
    const held = instance.addressesHeld.slice(index * most, (index + 1) * most);
    return {
      networkInterfaceId: `eni-${instance.id.slice(2, -1)}${index}`,
      subnetId: subnet.id,
      vpcId: subnet.vpc,
      status: 'in-use',
      privateIpAddress: held[0],
      attachment: { deviceIndex: index, status: 'attached' },
      privateIpAddressesSet: held.map((privateIpAddress, position) => ({
        privateIpAddress,
        primary: position === 0,
      })),
    };
  });
}

function changeOut({ instance, previous }: StateChange) {
  return {
    instanceId: instance.id,
    currentState: stateOut(instance.state),
    previousState: stateOut(previous),
  };
}

function stateOut(state: InstanceState) {
  return { code: codes[state], name: state };
}
