/** What is wrong with a platform before anything is synthesized: one line for each mistake, with what to write instead. */
import {
  addressesOfFullNode,
  CNI_DEFAULTS,
  type EnvironmentConfig,
  instanceNetwork,
  type NightshiftConfig,
  nodesThatFit,
} from '#lib/index.ts';
import { type Cidr, overlap, parseCidr } from './cidr.ts';
import {
  DEFAULTS,
  GROUPS,
  type PlatformConfig,
  type PlatformEnvironment,
  type Size,
} from './platform-config.ts';

/** AWS keeps five addresses of each subnet. */
const RESERVED = 5;
const GROUPS_OF_SUBNETS = 2;

export class PlatformError extends Error {
  constructor(problems: readonly string[]) {
    super(`the platform is invalid:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.name = 'PlatformError';
  }
}

interface Environment {
  readonly name: string;
  readonly platform: PlatformEnvironment;
  /** Absent when nightshift's config does not name the environment. */
  readonly nightshift: EnvironmentConfig | undefined;
}

/** Throws a `PlatformError` with every mistake. */
export function checkPlatform(platform: PlatformConfig, nightshift: NightshiftConfig): void {
  const environments = Object.entries(platform.environments).map(([name, one]) => ({
    name,
    platform: one,
    nightshift: nightshift.environments[name],
  }));
  const problems = [
    ...environments.flatMap((one) => [
      ...unknownEnvironment(one),
      ...wrongNetwork(one),
      ...undelegatedZone(one),
      ...wrongSizes(one),
      ...stoppedProduction(one),
      ...unreachableCluster(one, environments),
      ...openBesideOthers(one, environments),
    ]),
    ...overlappingNetworks(environments),
    ...sharedZones(environments),
  ];
  if (problems.length > 0) throw new PlatformError(problems);
}

/** Whoever may do everything in a cluster may use the roles of its pods: nothing else may be in that account. */
function openBesideOthers(
  { name, platform, nightshift }: Environment,
  environments: readonly Environment[],
): readonly string[] {
  if (!platform.access.open) return [];
  const at = `environments.${name}.access.open`;
  if (nightshift?.production) return [`${at}: developers may not do everything in production: remove it`];
  const others = environments.filter(
    (other) => other.name !== name && nightshift && other.nightshift?.account === nightshift.account,
  );
  return others.map(
    (other) =>
      `${at}: ${other.name} is in the same account ${nightshift?.account}: give ${name} an account of its own`,
  );
}

function unknownEnvironment({ name, nightshift }: Environment): readonly string[] {
  return nightshift
    ? []
    : [`environments.${name}: nightshift.config.ts has no such environment: add it there, with its account`];
}

/** Whether pods fit is only a question where the network is right. */
function wrongNetwork(one: Environment): readonly string[] {
  const wrong = wrongAddresses(one);
  return wrong.length > 0 ? wrong : podsWithoutRoom(one);
}

function wrongAddresses({ name, platform: { network } }: Environment): readonly string[] {
  const { cidr, zones, serviceCidr = DEFAULTS.serviceCidr, subnetMask = DEFAULTS.subnetMask } = network;
  const at = `environments.${name}.network`;
  const [whole, services] = [parseCidr(cidr), parseCidr(serviceCidr)];
  if (!whole)
    return [`${at}.cidr: "${cidr}": write a range like "10.1.0.0/16" that begins at its first address`];
  if (!services)
    return [
      `${at}.serviceCidr: "${serviceCidr}": write a range like "172.20.0.0/16" that begins at its first address`,
    ];
  if (new Set(zones).size < 2)
    return [`${at}.zones: EKS needs subnets in two zones: write at least two different ones`];
  const fit = 2 ** (subnetMask - whole.mask);
  const needed = GROUPS_OF_SUBNETS * zones.length;
  return [
    ...(subnetMask < 16 || subnetMask > 28
      ? [`${at}.subnetMask: ${subnetMask}: a subnet has a prefix length from 16 to 28`]
      : needed > fit
        ? [
            `${at}.subnetMask: ${subnetMask}: ${needed} subnets do not fit into ${cidr}: write a larger number, or a larger cidr`,
          ]
        : []),
    ...(overlap(whole, services)
      ? [
          `${at}.cidr: "${cidr}" overlaps the addresses of services, ${serviceCidr}: give one of the two another range`,
        ]
      : []),
  ];
}

/** The team's own incident: nodes reserve whole network interfaces, and three /24 were full with three nodes. */
function podsWithoutRoom({ name, platform: { network, nodes } }: Environment): readonly string[] {
  const at = `environments.${name}.nodes`;
  const unknown = nodes.instanceTypes.filter((type) => !instanceNetwork(type));
  if (nodes.instanceTypes.length === 0) return [`${at}.instanceTypes: there is no type: write at least one`];
  if (unknown.length > 0)
    return [
      `${at}.instanceTypes: the pod addresses of "${unknown.join('", "')}" are not known: use types of model/instance-network.ts`,
    ];
  const { subnetMask = DEFAULTS.subnetMask, zones } = network;
  const free = 2 ** (32 - subnetMask) - RESERVED;
  // Auto Scaling may launch any of the types: the one that takes the most addresses counts.
  const [addressesPerNode, type] = nodes.instanceTypes
    .map((name) => [addressesOf(name), name] as const)
    .reduce((widest, one) => (one[0] > widest[0] ? one : widest));
  const demand = sizesOf(nodes).map(([group, { max }]) => ({
    group,
    nodes: max,
    addressesPerNode,
    subnets: zones,
  }));
  const fit = nodesThatFit(demand, new Map(zones.map((zone) => [zone, free])));
  const [total, room] = [sum(demand.map((one) => one.nodes)), sum([...fit.values()])];
  return room < total
    ? [
        `${at}.instanceTypes: "${type}": ${total} full nodes take ${addressesPerNode} addresses each, and ${room} of them fit into ${zones.length} subnets of /${subnetMask}: write larger subnets, smaller types or a smaller max`,
      ]
    : [];
}

function addressesOf(type: string): number {
  const limits = instanceNetwork(type);
  return limits ? addressesOfFullNode(limits, CNI_DEFAULTS) : 0;
}

function isBelow(zone: string, parent: string): boolean {
  return zone.endsWith(`.${parent}`);
}

function undelegatedZone({ name, platform: { dns } }: Environment): readonly string[] {
  const at = `environments.${name}.dns`;
  const { zone, parent, delegation } = dns;
  if (!/^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$/.test(zone))
    return [`${at}.zone: "${zone}": write a domain in lower case, without a dot at the end`];
  if (!isBelow(zone, parent))
    return [
      `${at}.zone: "${zone}" is not delegated: ExternalDNS gets a zone of its own below ${parent}, write "${name}.${parent}"`,
    ];
  if (delegation === undefined)
    return [
      `${at}.delegation: it is missing, so nothing delegates ${zone}: write { parentZoneId: "Z…" } for a zone of ${parent} in the same account, or "by-hand"`,
    ];
  if (delegation !== 'by-hand' && !/^Z[A-Z0-9]{1,31}$/.test(delegation.parentZoneId))
    return [
      `${at}.delegation.parentZoneId: "${delegation.parentZoneId}": write the id of the hosted zone of ${parent}, "Z…"`,
    ];
  return [];
}

function wrongSizes({ name, platform: { nodes }, nightshift }: Environment): readonly string[] {
  const at = `environments.${name}.nodes`;
  const disordered = sizesOf(nodes).filter(
    ([, { min, desired, max }]) =>
      ![min, desired, max].every(Number.isInteger) || min < 0 || min > desired || desired > max || max < 1,
  );
  if (disordered.length > 0)
    return disordered.map(
      ([group]) => `${at}: the sizes of ${group} must be 0 ≤ min ≤ desired ≤ max, and max at least 1`,
    );
  if (!nightshift) return [];
  if (!nightshift.production && nightshift.fallbackGroup === GROUPS.onDemand && nodes.onDemand.desired > 0)
    return [
      `${at}.onDemand: it is nightshift's fallbackGroup and rests at zero: write { min: 0, desired: 0 }`,
    ];
  const total = nodes.spot.desired + nodes.onDemand.desired;
  const share = total === 0 ? undefined : Math.round((100 * nodes.spot.desired) / total);
  return nightshift.spotPercent !== undefined && share !== undefined && share !== nightshift.spotPercent
    ? [
        `${at}: ${share} % of the nodes are spot, and nightshift.config.ts says spotPercent ${nightshift.spotPercent}: change one of the two`,
      ]
    : [];
}

/** The config of nightshift refuses it too; a reader of this file alone sees it here. */
function stoppedProduction({ name, nightshift }: Environment): readonly string[] {
  if (!nightshift) return [];
  if (nightshift.production && 'schedule' in nightshift)
    return [
      `environments.${name}: production has a schedule and is never stopped: remove it from nightshift.config.ts`,
    ];
  return [];
}

function unreachableCluster(one: Environment, all: readonly Environment[]): readonly string[] {
  const { name, platform, nightshift } = one;
  const at = `environments.${name}`;
  const problems: string[] = [];
  if (platform.endpoint === 'private' && nightshift && !nightshift.network)
    problems.push(
      `${at}.endpoint: the functions cannot reach a private endpoint from outside: add network to nightshift.config.ts, with the stack's outputs`,
    );
  if (platform.workHost === 'create') return problems;
  const host = platform.workHost.of;
  const other = all.find((candidate) => candidate.name === host);
  if (other?.platform.workHost !== 'create')
    problems.push(
      `${at}.workHost: "${host}" creates no work host: name an environment that does, or write "create"`,
    );
  else if (other.nightshift?.production !== nightshift?.production)
    problems.push(
      `${at}.workHost: "${host}" is on the other side of production: production has a work host of its own`,
    );
  else if (platform.endpoint === 'private')
    problems.push(
      `${at}.workHost: the host of ${host} is in another VPC and cannot reach a private endpoint: write "create"`,
    );
  return problems;
}

/** They are connected sooner or later, and then it cannot be changed any more. */
function overlappingNetworks(environments: readonly Environment[]): readonly string[] {
  const seen: { name: string; text: string; cidr: Cidr }[] = [];
  return environments.flatMap(({ name, platform }) => {
    const text = platform.network.cidr;
    const cidr = parseCidr(text);
    if (!cidr) return [];
    const other = seen.find((earlier) => overlap(earlier.cidr, cidr));
    seen.push({ name, text, cidr });
    return other
      ? [
          `environments.${name}.network.cidr: "${text}" overlaps that of ${other.name}, ${other.text}: give each environment a range of its own`,
        ]
      : [];
  });
}

function sharedZones(environments: readonly Environment[]): readonly string[] {
  const delegated = environments.filter(({ platform: { dns } }) => isBelow(dns.zone, dns.parent));
  return delegated.flatMap(({ name, platform }, index) => {
    const { zone } = platform.dns;
    const other = delegated
      .slice(0, index)
      .find(
        ({ platform: { dns } }) => dns.zone === zone || isBelow(dns.zone, zone) || isBelow(zone, dns.zone),
      );
    return other
      ? [
          `environments.${name}.dns.zone: "${zone}" shares names with that of ${other.name}, ${other.platform.dns.zone}: give each environment a zone of its own`,
        ]
      : [];
  });
}

function sizesOf({ spot, onDemand }: PlatformEnvironment['nodes']): readonly (readonly [string, Size])[] {
  return [
    [GROUPS.spot, spot],
    [GROUPS.onDemand, onDemand],
  ];
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
