/** Reads and writes the sizes and the warm pool of a managed nodegroup. Loaded lazily by `groups.ts`: most passes resize nothing. */
import {
  DescribeNodegroupCommand,
  EKSClient,
  UpdateNodegroupConfigCommand,
  type WarmPoolConfig,
} from '@aws-sdk/client-eks';
import type { ConfiguredSize } from '#functions/night-schedule/ports.ts';
import type { Size, WarmPool } from '#functions/night-schedule/records.ts';
import { NightshiftError } from '#functions/shared/errors.ts';
import { awsClientDefaults } from './clients.ts';
import { withTimeLimit } from './time-limit.ts';

export interface NodegroupSizes {
  /** `token` makes a repeated request of the same intent one request. */
  resizeNodegroup(nodegroup: string, to: Size, token: string): Promise<void>;
  /** `off` removes it. */
  setNodegroupWarmPool(nodegroup: string, to: WarmPool | 'off', token: string): Promise<void>;
  readNodegroup(nodegroup: string): Promise<ConfiguredSize>;
}

/** `client`: default one of its own. Its calls throw the SDK's errors. */
export function createNodegroupSizes(
  cluster: string,
  client: Pick<EKSClient, 'send'> = withTimeLimit(new EKSClient(awsClientDefaults())),
): NodegroupSizes {
  return {
    async resizeNodegroup(nodegroup, to, token) {
      await client.send(
        new UpdateNodegroupConfigCommand({
          clusterName: cluster,
          nodegroupName: nodegroup,
          scalingConfig: { minSize: to.min, desiredSize: to.desired, maxSize: to.max },
          clientRequestToken: await digest(token),
        }),
      );
    },
    async setNodegroupWarmPool(nodegroup, to, token) {
      await client.send(
        new UpdateNodegroupConfigCommand({
          clusterName: cluster,
          nodegroupName: nodegroup,
          warmPoolConfig: to === 'off' ? { enabled: false } : enabledPool(to),
          clientRequestToken: await digest(token),
        }),
      );
    },
    async readNodegroup(nodegroup) {
      const reply = await client.send(
        new DescribeNodegroupCommand({ clusterName: cluster, nodegroupName: nodegroup }),
      );
      const { minSize, desiredSize, maxSize } = reply.nodegroup?.scalingConfig ?? {};
      if (minSize === undefined || desiredSize === undefined || maxSize === undefined)
        throw new NightshiftError(`eks answered DescribeNodegroup of ${nodegroup} without its scalingConfig`);
      return {
        size: { min: minSize, desired: desiredSize, max: maxSize },
        isUpdating: reply.nodegroup?.status === 'UPDATING',
      };
    },
  };
}

/** A pool that was removed has no setting that would have to be unset. */
function enabledPool({ min, maxPrepared, state, reuse }: WarmPool): WarmPoolConfig {
  return {
    enabled: true,
    minSize: min,
    ...(maxPrepared === undefined ? {} : { maxGroupPreparedCapacity: maxPrepared }),
    poolState: POOL_STATES[state],
    reuseOnScaleIn: reuse,
  };
}

const POOL_STATES = { Stopped: 'STOPPED', Running: 'RUNNING', Hibernated: 'HIBERNATED' } as const;

/** EKS takes a token of at most 64 characters; the same intent gives the same token. */
async function digest(intent: string): Promise<string> {
  const bytes = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(intent));
  return Buffer.from(bytes).toString('hex');
}
