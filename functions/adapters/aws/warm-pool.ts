/** Writes the warm pool of a self-managed group. */
import { type AutoScalingClient, PutWarmPoolCommand } from '@aws-sdk/client-auto-scaling';
import type { WarmPool } from '#functions/night-schedule/records.ts';

/** `off`: it stays, and may hold no instance; a deleted pool would have to wait for the end of all scaling activities. */
export async function putWarmPool(
  client: Pick<AutoScalingClient, 'send'>,
  group: string,
  to: WarmPool | 'off',
): Promise<void> {
  const { min, maxPrepared, reuse, state } = to === 'off' ? OFF : to;
  await client.send(
    new PutWarmPoolCommand({
      AutoScalingGroupName: group,
      MinSize: min,
      // -1 unsets it; what is left out would stay as it is.
      MaxGroupPreparedCapacity: maxPrepared ?? -1,
      InstanceReusePolicy: { ReuseOnScaleIn: reuse },
      ...(state ? { PoolState: state } : {}),
    }),
  );
}

const OFF = { min: 0, maxPrepared: 0, reuse: false, state: undefined };
