/** Where a cluster's Kubernetes API answers, and which CA it answers with. */
import { DescribeClusterCommand, EKSClient } from '@aws-sdk/client-eks';
import { NightshiftError } from '#functions/shared/errors.ts';
import { awsClientDefaults } from './clients.ts';
import { withTimeLimit } from './time-limit.ts';

export interface ClusterEndpoint {
  /** `https://…` */
  readonly endpoint: string;
  /** PEM. */
  readonly ca: string;
}

export const createEksClient = () => withTimeLimit(new EKSClient(awsClientDefaults()));

/** Throws the SDK's error where the call fails, and `NightshiftError` for a cluster without an endpoint or access entries. */
export async function describeCluster(
  client: Pick<EKSClient, 'send'>,
  name: string,
): Promise<ClusterEndpoint> {
  const { cluster } = await client.send(new DescribeClusterCommand({ name }));
  const endpoint = cluster?.endpoint;
  const ca = cluster?.certificateAuthority?.data;
  if (!endpoint || !ca) {
    throw new NightshiftError(
      `the cluster ${name} is ${cluster?.status ?? 'unknown'} and has no endpoint: wait until it is ACTIVE`,
      { facts: { cluster: name } },
    );
  }
  if (cluster.accessConfig?.authenticationMode === 'CONFIG_MAP') {
    throw new NightshiftError(
      `the cluster ${name} knows no access entries (authentication mode CONFIG_MAP), so it lets no function in: change the mode to API_AND_CONFIG_MAP`,
      { facts: { cluster: name } },
    );
  }
  return { endpoint, ca: Buffer.from(ca, 'base64').toString('utf8') };
}
