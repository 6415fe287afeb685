/** What a synthesized CloudFormation template says of nodegroups and subnets. Offline: nothing of it has to exist. */
import { readFile } from 'node:fs/promises';
import { instanceNetwork } from '#model/instance-network.ts';
import { CNI_DEFAULTS } from '#model/pod-addresses.ts';
import { isRecord } from '#model/record-schema.ts';
import { RefusedError } from '../../errors.ts';
import type { NamedEnvironment } from '../../select-environments.ts';
import type { GroupFacts, SubnetFacts, TemplateFacts } from '../facts.ts';

/** AWS keeps five addresses of each subnet. */
const RESERVED_ADDRESSES = 5;
/** Of EKS, where the template names none. */
const DEFAULT_TYPE = 't3.medium';
const DEFAULT_SIZE = { MinSize: 1, DesiredSize: 2, MaxSize: 2 };

type Properties = Readonly<Record<string, unknown>>;
interface Resource {
  readonly id: string;
  readonly type: string;
  readonly properties: Properties;
}

/** Throws a `RefusedError` for a file that is no template, or one without nodegroups. */
export async function observeTemplate(path: string, named: NamedEnvironment): Promise<TemplateFacts> {
  const resources = await readResources(path);
  const subnets = resources.flatMap(subnetOf);
  const groups = groupsIn(resources, subnets);
  if (groups.length === 0)
    throw new RefusedError(
      `${path} has no nodegroup: name the template of the stack that creates them, as cdk synth writes it`,
    );
  const known = new Set(subnets.map(({ id }) => id));
  const unknown = groups.flatMap(({ name, subnets: ids }) =>
    ids.length > 0 && ids.every((id) => known.has(id)) ? [] : [name],
  );
  const unsized = groups.filter(({ size }) => Object.values(size).some(Number.isNaN));
  const types = new Set(groups.flatMap(({ instanceTypes }) => instanceTypes));
  const absent = { missing: { reason: 'a template does not say it' } };
  return {
    name: named.name,
    environment: named.environment,
    groups: unsized.length > 0 ? sizesMissing(unsized) : { value: groups },
    subnets:
      unknown.length > 0
        ? {
            missing: {
              reason: `the subnets of ${unknown.join(', ')} are not in the template, or their ranges are not: run doctor on the template that has both`,
            },
          }
        : { value: subnets },
    interfaceAddresses: { value: [] },
    networks: {
      value: Object.fromEntries(
        [...types].flatMap((type) => {
          const network = instanceNetwork(type);
          return network ? [[type, network]] : [];
        }),
      ),
    },
    cni: { value: CNI_DEFAULTS },
    night: absent,
    kubernetes: { pods: absent },
  };
}

function sizesMissing(groups: readonly GroupFacts[]) {
  const names = groups.map(({ name }) => name).join(', ');
  return { missing: { reason: `the sizes of ${names} are not literal numbers in the template` } };
}

async function readResources(path: string): Promise<readonly Resource[]> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const wrong = code ? `cannot be read (${code})` : 'is not JSON';
    throw new RefusedError(`${path} ${wrong}: name a template of cdk.out, *.template.json`, { cause });
  }
  const resources = isRecord(parsed) ? parsed['Resources'] : undefined;
  if (!isRecord(resources))
    throw new RefusedError(`${path} has no Resources: name a template of cdk.out, *.template.json`);
  return Object.entries(resources).flatMap(([id, resource]) => {
    if (!isRecord(resource)) return [];
    const { Type, Properties } = resource;
    return typeof Type === 'string'
      ? [{ id, type: Type, properties: isRecord(Properties) ? Properties : {} }]
      : [];
  });
}

function subnetOf({ id, type, properties }: Resource): readonly SubnetFacts[] {
  if (type !== 'AWS::EC2::Subnet') return [];
  const bits = hostBitsOf(properties['CidrBlock']);
  if (bits === undefined) return [];
  const cidr = textOf(properties['CidrBlock']) ?? `/${32 - bits}`;
  const zone = textOf(properties['AvailabilityZone']) ?? '';
  return [{ id, zone, cidr, freeAddresses: 2 ** bits - RESERVED_ADDRESSES }];
}

/** Of a literal range, or of one that CloudFormation cuts from a larger one: `Fn::Select` of `Fn::Cidr`. */
function hostBitsOf(value: unknown): number | undefined {
  const mask = /\/(\d{1,2})$/.exec(textOf(value) ?? '')?.[1];
  if (mask !== undefined) return 32 - Number(mask);
  const [, ranges] = listOf(isRecord(value) ? value['Fn::Select'] : undefined);
  const [, , bits] = listOf(isRecord(ranges) ? ranges['Fn::Cidr'] : undefined);
  return bits === undefined || !Number.isInteger(Number(bits)) ? undefined : Number(bits);
}

function groupsIn(resources: readonly Resource[], subnets: readonly SubnetFacts[]): readonly GroupFacts[] {
  const template = (reference: unknown): Properties => {
    const { LaunchTemplateId, Id } = isRecord(reference) ? reference : {};
    const id = referenceOf(LaunchTemplateId ?? Id);
    const data = resources.find((one) => one.id === id)?.properties['LaunchTemplateData'];
    return isRecord(data) ? data : {};
  };
  return resources.flatMap((resource) => {
    const group =
      resource.type === 'AWS::EKS::Nodegroup'
        ? managedGroup(resource, template)
        : resource.type === 'AWS::AutoScaling::AutoScalingGroup' && isOfCluster(resource.properties)
          ? selfManagedGroup(resource, template)
          : undefined;
    if (!group) return [];
    const zones = subnets.filter(({ id }) => group.subnets.includes(id)).map(({ zone }) => zone);
    return [{ ...group, zones }];
  });
}

type LaunchTemplate = (reference: unknown) => Properties;

function managedGroup({ id, properties }: Resource, template: LaunchTemplate): GroupFacts {
  const { InstanceTypes, LaunchTemplate, ScalingConfig } = properties;
  const size = isRecord(ScalingConfig) ? ScalingConfig : DEFAULT_SIZE;
  const types = listOf(InstanceTypes).flatMap((type) => textOf(type) ?? []);
  return {
    ...blankGroup('managed'),
    name: textOf(properties['NodegroupName']) ?? id,
    size: sizeOf(size['MinSize'], size['DesiredSize'], size['MaxSize']),
    instanceTypes:
      types.length > 0 ? types : [textOf(template(LaunchTemplate)['InstanceType']) ?? DEFAULT_TYPE],
    subnets: listOf(properties['Subnets']).map(referenceOf),
    spotPercent: properties['CapacityType'] === 'SPOT' ? 100 : 0,
  };
}

function selfManagedGroup({ id, properties }: Resource, template: LaunchTemplate): GroupFacts {
  const mixed = recordOf(properties['MixedInstancesPolicy']);
  const launch = recordOf(mixed['LaunchTemplate']);
  const distribution = recordOf(mixed['InstancesDistribution']);
  const data = template(properties['LaunchTemplate'] ?? launch['LaunchTemplateSpecification']);
  const types = listOf(launch['Overrides']).flatMap((one) => textOf(recordOf(one)['InstanceType']) ?? []);
  const { MinSize, MaxSize, DesiredCapacity = MinSize } = properties;
  const onDemand =
    Object.keys(mixed).length > 0 ? (distribution['OnDemandPercentageAboveBaseCapacity'] ?? 100) : undefined;
  const spotAlone = recordOf(data['InstanceMarketOptions'])['MarketType'] === 'spot' ? 100 : 0;
  return {
    ...blankGroup('self-managed'),
    name: textOf(properties['AutoScalingGroupName']) ?? id,
    size: sizeOf(MinSize, DesiredCapacity, MaxSize),
    instanceTypes: types.length > 0 ? types : [textOf(data['InstanceType']) ?? 'unknown'],
    subnets: listOf(properties['VPCZoneIdentifier']).map(referenceOf),
    onDemandBase: Number(distribution['OnDemandBaseCapacity'] ?? 0),
    spotPercent: onDemand === undefined ? spotAlone : 100 - Number(onDemand),
  };
}

function blankGroup<const Kind extends GroupFacts['kind']>(kind: Kind) {
  return { kind, zones: [] as string[], instances: [], onDemandBase: 0, tags: {} };
}

/** Nodes carry `kubernetes.io/cluster/<name>`; the name is often a reference. */
function isOfCluster(properties: Properties): boolean {
  return listOf(properties['Tags']).some((tag) =>
    JSON.stringify(recordOf(tag)['Key'] ?? '').includes('kubernetes.io/cluster/'),
  );
}

function sizeOf(min: unknown, desired: unknown, max: unknown) {
  return { min: Number(min ?? 0), desired: Number(desired ?? 0), max: Number(max ?? 0) };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** The logical id of a `Ref` or `Fn::GetAtt`, or the text itself. */
function referenceOf(value: unknown): string {
  const { Ref, 'Fn::GetAtt': attribute } = recordOf(value);
  return textOf(value) ?? textOf(Ref) ?? textOf(listOf(attribute)[0]) ?? '';
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function recordOf(value: unknown): Properties {
  return isRecord(value) ? value : {};
}
