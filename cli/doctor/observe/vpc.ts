/** Observes how the subnets of the functions reach AWS: their default routes, and the VPC endpoints beside them. */
import {
  DescribeRouteTablesCommand,
  DescribeSubnetsCommand,
  DescribeVpcEndpointsCommand,
  type EC2Client,
  type RouteTable,
  type RouteTableAssociation,
  type VpcEndpoint,
} from '@aws-sdk/client-ec2';
import type { NetworkConfig } from '#model/config.ts';
import type { DefaultRoute, VpcFacts } from '../facts.ts';
import type { Observation } from '../observation.ts';
import { observe } from './observe.ts';

/** Undefined where the functions run outside of a VPC. */
export async function observeVpc(
  ec2: EC2Client,
  network: NetworkConfig | undefined,
): Promise<Observation<VpcFacts | undefined>> {
  if (!network) return { value: undefined };
  const ids = await observe('ec2:DescribeSubnets', async () => {
    const { Subnets = [] } = await ec2.send(new DescribeSubnetsCommand({ SubnetIds: [...network.subnets] }));
    return [...new Set(Subnets.flatMap(({ VpcId }) => VpcId ?? []))];
  });
  if ('missing' in ids) return ids;
  const ofVpc = [{ Name: 'vpc-id', Values: ids.value }];
  const endpoints = await observe('ec2:DescribeVpcEndpoints', async () => {
    const { VpcEndpoints = [] } = await ec2.send(new DescribeVpcEndpointsCommand({ Filters: ofVpc }));
    return VpcEndpoints.filter(({ State }) => State?.toLowerCase() === 'available').map(serviceOf);
  });
  if ('missing' in endpoints) return endpoints;
  return observe('ec2:DescribeRouteTables', async () => {
    const { RouteTables = [] } = await ec2.send(new DescribeRouteTablesCommand({ Filters: ofVpc }));
    return {
      endpoints: endpoints.value,
      subnets: network.subnets.map((id) => ({ id, defaultRoute: defaultRouteOf(id, RouteTables) })),
    };
  });
}

/** `com.amazonaws.eu-central-1.ecr.api` → `ecr.api` */
function serviceOf({ ServiceName = '' }: VpcEndpoint): string {
  return /amazonaws\.[a-z0-9-]+\.(.+)$/.exec(ServiceName)?.[1] ?? ServiceName;
}

/** A subnet without a route table of its own has the main one. */
function defaultRouteOf(subnet: string, tables: readonly RouteTable[]): DefaultRoute | undefined {
  const has = (matches: (association: RouteTableAssociation) => boolean) =>
    tables.find(({ Associations = [] }) => Associations.some(matches));
  const table = has(({ SubnetId }) => SubnetId === subnet) ?? has(({ Main }) => Main === true);
  const route = table?.Routes?.find(
    ({ DestinationCidrBlock, State }) => DestinationCidrBlock === '0.0.0.0/0' && State !== 'blackhole',
  );
  if (!route) return undefined;
  return route.GatewayId?.startsWith('igw-') ? 'internet-gateway' : 'other';
}
