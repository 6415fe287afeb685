/** EKS's update of a cluster, as far as Auto Mode goes: validate, record, apply, complete. */
import { AwsError } from './error.ts';
import type { EksCluster, EksUpdate } from './model.ts';
import type { State } from './state.ts';

export interface ClusterChange {
  readonly compute?: {
    readonly enabled?: boolean;
    readonly nodePools?: readonly string[];
    readonly nodeRoleArn?: string;
  };
  readonly loadBalancing?: { readonly enabled?: boolean };
  readonly blockStorage?: { readonly enabled?: boolean };
  readonly clientRequestToken?: string;
}

export const BUILT_IN_POOLS: readonly string[] = ['general-purpose', 'system'];

/** "A few minutes". Virtual ms. */
const DONE_AFTER: readonly [number, number] = [120_000, 240_000];

export function updateCluster(state: State, target: EksCluster, change: ClusterChange): EksUpdate {
  const repeated = [...target.updates.values()].find(
    ({ clientRequestToken: token }) => token !== undefined && token === change.clientRequestToken,
  );
  if (repeated) return repeated;
  const compute = checkedCompute(target, change);
  const running = [...target.updates.values()].find(({ status }) => status === 'InProgress');
  if (running || target.status !== 'ACTIVE')
    throw new AwsError(
      'InvalidRequestException',
      `Cannot AutoModeUpdate because cluster ${target.name} currently has update ${running?.id ?? ''} in progress`,
      { members: { clusterName: target.name } },
    );
  const update: EksUpdate = {
    id: state.context.uuid(),
    type: 'AutoModeUpdate',
    createdAt: state.now(),
    params: [{ type: 'ComputeConfig', value: JSON.stringify(change.compute) }],
    clientRequestToken: change.clientRequestToken,
    fingerprint: JSON.stringify(change),
    status: 'InProgress',
    errors: [],
  };
  target.updates.set(update.id, update);
  target.status = 'UPDATING';
  state.changed();
  state.context.clock.after(state.between(...DONE_AFTER), () => {
    target.autoMode = compute;
    target.nodes?.setBuiltInPools?.(compute.nodePools);
    target.status = 'ACTIVE';
    update.status = 'Successful';
    state.changed();
  });
  return update;
}

function checkedCompute(target: EksCluster, change: ClusterChange): NonNullable<EksCluster['autoMode']> {
  const { compute, loadBalancing, blockStorage } = change;
  const refuse = (message: string) =>
    new AwsError('InvalidParameterException', message, { members: { clusterName: target.name } });
  if (!compute || !loadBalancing || !blockStorage)
    throw refuse('The type for cluster update was not provided.');
  const flags = [compute.enabled, loadBalancing.enabled, blockStorage.enabled];
  if (flags.some((flag) => flag !== flags[0]))
    throw refuse(
      'For EKS Auto Mode, please ensure that all required configs, including computeConfig, kubernetesNetworkConfig, and blockStorage are all either fully enabled or fully disabled.',
    );
  if (!compute.enabled || !target.autoMode)
    throw refuse(
      "the lab's UpdateClusterConfig switches the built-in NodePools of a cluster with Auto Mode only",
    );
  const { nodePools = target.autoMode.nodePools, nodeRoleArn } = compute;
  const unknown = nodePools.find((name) => !BUILT_IN_POOLS.includes(name));
  if (unknown !== undefined) throw refuse(`${unknown} is no built-in NodePool: ${BUILT_IN_POOLS.join(', ')}`);
  if (nodeRoleArn && nodePools.length === 0)
    throw refuse('When Compute Config nodeRoleArn is not null or empty, nodePool value(s) must be provided.');
  if (!nodeRoleArn && nodePools.length > 0)
    throw refuse(
      'When Compute Config nodePool value(s) are provided, nodeRoleArn must not be null or empty.',
    );
  if (nodeRoleArn && target.autoModeRole !== undefined && nodeRoleArn !== target.autoModeRole)
    throw refuse(`The nodeRoleArn of Compute Config cannot be changed from ${target.autoModeRole}`);
  if (nodeRoleArn) target.autoModeRole = nodeRoleArn;
  return { nodePools, nodeRoleArn };
}
