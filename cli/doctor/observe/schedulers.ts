/** Observes who has night-schedule's rights in a cluster: the access entries with its group. */
import { DescribeAccessEntryCommand, type EKSClient, paginateListAccessEntries } from '@aws-sdk/client-eks';
import pMap from 'p-map';
import { errorName } from '#functions/adapters/aws/errors.ts';
import type { Observation } from '../observation.ts';
import { observe } from './observe.ts';

const GROUP = 'nightshift:night-schedule';
const CONCURRENCY = 8;

export function observeSchedulers(
  client: EKSClient,
  clusterName: string,
): Promise<Observation<readonly string[]>> {
  return observe('eks:ListAccessEntries', async () => {
    const principals: string[] = [];
    try {
      for await (const { accessEntries = [] } of paginateListAccessEntries({ client }, { clusterName }))
        principals.push(...accessEntries);
    } catch (error) {
      // EKS rejects the request when the cluster has no access entries at all; the check `access` reports that.
      if (errorName(error) === 'InvalidRequestException') return [];
      throw error;
    }
    const groups = await pMap(
      principals,
      async (principalArn) => {
        const { accessEntry } = await client.send(
          new DescribeAccessEntryCommand({ clusterName, principalArn }),
        );
        return accessEntry?.kubernetesGroups ?? [];
      },
      { concurrency: CONCURRENCY },
    );
    return principals.filter((_, index) => groups[index]?.includes(GROUP)).sort();
  });
}
