/** Writes the size of a managed nodegroup. Loaded lazily by `groups.ts`: most passes resize nothing. */
import { EKSClient, UpdateNodegroupConfigCommand } from '@aws-sdk/client-eks';
import type { Size } from '#functions/night-schedule/records.ts';
import { awsClientDefaults } from './clients.ts';
import { withTimeLimit } from './time-limit.ts';

export type ResizeNodegroup = (nodegroup: string, to: Size, token: string) => Promise<void>;

/** `client`: default one of its own. Its calls throw the SDK's errors. */
export function createResizeNodegroup(
  cluster: string,
  client: Pick<EKSClient, 'send'> = withTimeLimit(new EKSClient(awsClientDefaults())),
): ResizeNodegroup {
  return async (nodegroup, to, token) => {
    await client.send(
      new UpdateNodegroupConfigCommand({
        clusterName: cluster,
        nodegroupName: nodegroup,
        scalingConfig: { minSize: to.min, desiredSize: to.desired, maxSize: to.max },
        clientRequestToken: await digest(token),
      }),
    );
  };
}

/** EKS takes a token of at most 64 characters; the same intent gives the same token. */
async function digest(intent: string): Promise<string> {
  const bytes = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(intent));
  return Buffer.from(bytes).toString('hex');
}
