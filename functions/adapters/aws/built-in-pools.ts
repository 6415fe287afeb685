/** The built-in NodePools of EKS Auto Mode. Loaded lazily: only an environment that opts in stops them. */
import {
  type EKSClient as Client,
  DescribeClusterCommand,
  EKSClient,
  UpdateClusterConfigCommand,
} from '@aws-sdk/client-eks';
import type { BuiltInPools } from '#functions/night-schedule/ports.ts';
import { NightshiftError } from '#functions/shared/errors.ts';
import { awsClientDefaults } from './clients.ts';
import { errorName, isThrottled } from './errors.ts';
import { withTimeLimit } from './time-limit.ts';

/** `client`: default one of its own. */
export function createBuiltInPools(
  cluster: string,
  client: Pick<Client, 'send'> = withTimeLimit(new EKSClient(awsClientDefaults())),
): BuiltInPools {
  return {
    async read() {
      const { cluster: found } = await client.send(new DescribeClusterCommand({ name: cluster }));
      const compute = found?.computeConfig;
      if (!compute?.enabled)
        throw new NightshiftError(
          `the cluster ${cluster} has no EKS Auto Mode: remove builtIn from autoscaler, or name another kind`,
        );
      return {
        nodePools: compute.nodePools ?? [],
        ...(compute.nodeRoleArn ? { nodeRoleArn: compute.nodeRoleArn } : {}),
        isUpdating: found?.status === 'UPDATING',
      };
    },
    async set(nodePools, nodeRoleArn) {
      try {
        await client.send(
          new UpdateClusterConfigCommand({
            name: cluster,
            // EKS refuses a role without pools, and pools without a role. Never `enabled: false`: that deletes load balancers.
            computeConfig: {
              enabled: true,
              nodePools: [...nodePools],
              ...(nodePools.length > 0 ? { nodeRoleArn } : {}),
            },
            kubernetesNetworkConfig: { elasticLoadBalancing: { enabled: true } },
            storageConfig: { blockStorage: { enabled: true } },
          }),
        );
        return 'accepted';
      } catch (error) {
        if (isBusy(error)) return 'busy';
        throw error;
      }
    },
  };
}

/** EKS takes one update of a cluster at a time, and says so under two names. */
function isBusy(error: unknown): boolean {
  return (
    isThrottled(error) ||
    errorName(error) === 'ResourceInUseException' ||
    (errorName(error) === 'InvalidRequestException' && /has update|in progress/i.test(String(error)))
  );
}
