/** Composition root of the custom resource. Once in the life of a stack: no start of night-schedule loads it. */
import { createCloudFormationPorts } from '#functions/adapters/aws/cloudformation.ts';
import { createNightStore } from '#functions/adapters/dynamodb/night-store.ts';
import type { Table } from '#functions/adapters/dynamodb/table.ts';
import { autoscalersOf } from '#functions/adapters/kubernetes/autoscaler.ts';
import type { KubernetesClient } from '#functions/adapters/kubernetes/client.ts';
import { createCronJobs } from '#functions/adapters/kubernetes/cron-jobs.ts';
import { type CustomResourceDeps, handleCustomResource } from './custom-resource.ts';
import { customResourceRequestOf } from './custom-resource-request.ts';
import type { BuiltInPools } from './ports.ts';

/** What a pass has already. */
export interface Existing
  extends Pick<
    CustomResourceDeps,
    'settings' | 'store' | 'groups' | 'trail' | 'now' | 'remaining' | 'doorbell'
  > {
  readonly table: Table;
  readonly kubernetes: Pick<KubernetesClient, 'request' | 'list'>;
  readonly builtIn: BuiltInPools;
  readonly functionName: string;
}

/** False where it is no request of CloudFormation. */
export async function answerCloudFormation(existing: Existing, event: unknown): Promise<boolean> {
  const request = customResourceRequestOf(event);
  if (!request) return false;
  const { table, kubernetes, builtIn, functionName } = existing;
  await handleCustomResource(
    {
      ...existing,
      ...createCloudFormationPorts(functionName),
      cronJobs: createCronJobs(kubernetes, undefined),
      autoscalersOf: (saved) => autoscalersOf(kubernetes, saved, builtIn),
      load: (cluster) => createNightStore(table, cluster).load(),
    },
    request,
  );
  return true;
}
