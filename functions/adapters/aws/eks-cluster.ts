/** Where a cluster's Kubernetes API answers, for the commands, which have a client of the SDK with an operator's credentials. */
import { DescribeClusterCommand, type EKSClient } from '@aws-sdk/client-eks';
import { type ClusterEndpoint, endpointOf } from './cluster-endpoint.ts';

/** Throws the SDK's error where the call fails, and `NightshiftError` for a cluster without an endpoint or access entries. */
export async function describeCluster(
  client: Pick<EKSClient, 'send'>,
  name: string,
): Promise<ClusterEndpoint> {
  const { cluster } = await client.send(new DescribeClusterCommand({ name }));
  return endpointOf(name, cluster);
}
