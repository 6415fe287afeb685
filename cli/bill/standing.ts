/** From what was observed to the rows of the bill. Pure. */
import type { Node } from 'kubernetes-types/core/v1.js';
import type { DevelopmentEnvironmentConfig } from '#model/config.ts';
import { isStoppedPool } from '#model/node-pools.ts';
import { nodePrice } from '#model/node-price.ts';
import { type GroupFacts, scheduledGroups } from '../doctor/facts.ts';
import type { Missing, Observation } from '../doctor/observation.ts';
import { listPriceOf } from './list-prices.ts';

/** What AWS and Kubernetes answered. */
export interface BillFacts {
  readonly vpc: Observation<string>;
  /** Ids. */
  readonly natGateways: Observation<readonly string[]>;
  /** Their types: `application`, `network`, `gateway`. */
  readonly loadBalancers: Observation<readonly string[]>;
  readonly volumes: Observation<readonly { readonly gib: number; readonly type: string }[]>;
  readonly groups: Observation<readonly GroupFacts[]>;
  readonly nodes: Observation<readonly Node[]>;
}

export interface Cost {
  readonly perHour: number;
  readonly currency: string;
  /** `config` or a list price: its address and day. */
  readonly source: string;
}

/** One kind of thing that is billed while the cluster sleeps. */
export interface StandingRow {
  readonly what: string;
  /** Absent where it was not observed. */
  readonly count?: number;
  readonly detail?: string;
  readonly cost?: Cost;
  readonly missing?: Missing;
}

/** Every kind has a row, also at zero: what is not listed was not forgotten. */
export function standingRows(environment: DevelopmentEnvironmentConfig, facts: BillFacts): StandingRow[] {
  const { region } = environment;
  const { vpc, natGateways, loadBalancers, volumes, groups, nodes } = facts;
  const inVpc = 'value' in vpc ? ` in ${vpc.value}` : '';
  return [
    row('control plane', vpc, () => ({ count: 1, ...list('control plane', region, 1) })),
    row(`NAT gateways${inVpc}`, natGateways, (ids) => ({
      count: ids.length,
      ...list('NAT gateway', region, ids.length),
    })),
    row(`load balancers${inVpc}`, loadBalancers, (types) => ({
      count: types.length,
      detail: tally(types),
    })),
    row('volumes of the cluster', volumes, (all) => ({
      count: all.length,
      detail: all.length > 0 ? `${all.reduce((sum, { gib }) => sum + gib, 0)} GiB` : '',
    })),
    row('Fargate pods', nodes, (all) => ({ count: all.filter(isFargate).length })),
    row('instances of warm pools', groups, (all) => warmInstances(environment, all)),
    row('instances of groups without schedule', groups, (all) => unscheduled(environment, all)),
    row('nodes of NodePools without schedule', nodes, (all) => nodePoolNodes(environment, all)),
  ];
}

function row<T>(
  what: string,
  observation: Observation<T>,
  read: (value: T) => {
    readonly count: number;
    readonly detail?: string;
    readonly cost?: Cost | undefined;
  },
): StandingRow {
  if ('missing' in observation) return { what, missing: observation.missing };
  const { count, detail, cost } = read(observation.value);
  return { what, count, ...(detail ? { detail } : {}), ...(cost ? { cost } : {}) };
}

function list(what: 'control plane' | 'NAT gateway', region: string, count: number) {
  const price = listPriceOf(what, region);
  if (!price || count === 0) return {};
  const { perHour, currency, source, asOf } = price;
  return { cost: { perHour: count * perHour, currency, source: `${source}, ${asOf}` } };
}

const isFargate = ({ metadata }: Node) => metadata?.labels?.['eks.amazonaws.com/compute-type'] === 'fargate';

/** With `warmPools: 'stop'` a pool goes before its group: only those of groups without schedule stay. */
function warmInstances(environment: DevelopmentEnvironmentConfig, all: readonly GroupFacts[]) {
  const stopped = environment.warmPools === 'keep' ? [] : scheduledGroups({ environment }, all);
  const pools = all.flatMap((group) =>
    group.warmPool && group.warmPool.instances > 0 && !stopped.includes(group)
      ? [{ name: group.name, count: group.warmPool.instances, state: group.warmPool.state }]
      : [],
  );
  return {
    count: pools.reduce((sum, { count }) => sum + count, 0),
    detail: pools.map(({ name, count, state }) => `${name} ${count} ${state}`).join(', '),
    // A stopped instance costs its volumes only.
    cost: nodeCost(
      environment,
      pools.filter(({ state }) => state === 'Running'),
    ),
  };
}

function unscheduled(environment: DevelopmentEnvironmentConfig, all: readonly GroupFacts[]) {
  const stopped = scheduledGroups({ environment }, all);
  const hosts = all
    .filter((group) => !stopped.includes(group) && group.name !== environment.fallbackGroup)
    .map(({ name, instances }) => ({ name, count: instances.length }))
    .filter(({ count }) => count > 0);
  return {
    count: hosts.reduce((sum, { count }) => sum + count, 0),
    detail: hosts.map(({ name, count }) => `${name} ${count}`).join(', '),
    cost: nodeCost(environment, hosts),
  };
}

function nodePoolNodes(environment: DevelopmentEnvironmentConfig, nodes: readonly Node[]) {
  const pools = nodes
    .flatMap(({ metadata }) => metadata?.labels?.['karpenter.sh/nodepool'] ?? [])
    .filter((pool) => !isStoppedPool(environment.autoscaler, pool));
  return { count: pools.length, detail: tally(pools) };
}

/** By the config's prices; undefined where one of the groups has none, because a part would look like all of it. */
function nodeCost(
  { prices }: DevelopmentEnvironmentConfig,
  groups: readonly { readonly name: string; readonly count: number }[],
): Cost | undefined {
  if (!prices || groups.length === 0) return undefined;
  let perHour = 0;
  for (const { name, count } of groups) {
    const price = nodePrice(prices, name);
    if (price === undefined) return undefined;
    perHour += count * price;
  }
  return { perHour, currency: prices.currency, source: 'prices of the config' };
}

/** `2 application, 1 network` */
function tally(names: readonly string[]): string {
  return [...new Set(names)]
    .sort()
    .map((name) => `${names.filter((one) => one === name).length} ${name}`)
    .join(', ');
}
