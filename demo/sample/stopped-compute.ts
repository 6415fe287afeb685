/** What the config has stopped at night, as the lab shows it: groups, warm pools, and the nodes of NodePools. */
import type { Instance } from '@nightshift/lab/world/aws/index.ts';
import type { KubeObject } from '@nightshift/lab/world/kubernetes/objects.ts';
import type { LabEnvironment } from '#demo/lab.ts';
import { isStoppedPool } from '#model/node-pools.ts';
import { hasFleet } from './compute.ts';
import { instanceIdOf } from './instance-id.ts';

/** Whether the config lets the schedule stop a group of that name. */
export function isStopped({ config }: LabEnvironment, group: string): boolean {
  if (config.production || !config.schedule || config.keep?.includes(group)) return false;
  return config.nodegroups === undefined || config.nodegroups === 'all' || config.nodegroups.includes(group);
}

export function hasStoppedCompute(
  { config }: LabEnvironment,
  groups: readonly { readonly stoppable: boolean }[],
): boolean {
  if (config.production || !config.schedule) return false;
  return hasFleet(config) || groups.some(({ stoppable }) => stoppable);
}

/** With its group, or with its NodePool. */
export function isStoppedInstance(environment: LabEnvironment, { id, group }: Instance): boolean {
  const { config } = environment;
  if (config.production || !config.schedule) return false;
  if (group.name === '') {
    const claim = claimsOf(environment).find(
      ({ status }) => instanceIdOf(status?.['providerID'] as string | undefined) === id,
    );
    return claim === undefined || isStoppedPool(config.autoscaler, poolOf(claim));
  }
  if (config.warmPools === 'keep' && group.warmPool?.instances.has(id)) return false;
  return isStopped(environment, group.nodegroup?.name ?? group.name);
}

export function stoppedClaims(environment: LabEnvironment): readonly KubeObject[] {
  const { autoscaler } = environment.config;
  return claimsOf(environment).filter((claim) => isStoppedPool(autoscaler, poolOf(claim)));
}

function claimsOf({ kubernetes }: LabEnvironment): readonly KubeObject[] {
  return [...kubernetes.api.store.all('nodeclaims.karpenter.sh')];
}

function poolOf({ metadata }: KubeObject): string {
  return metadata.labels?.['karpenter.sh/nodepool'] ?? '';
}
