/** EKS's update of a managed nodegroup: validate, record, apply, complete. */
import { AwsError } from './error.ts';
import type { EksUpdate, Nodegroup } from './model.ts';
import type { Scaling } from './scaling.ts';
import { isoSeconds, type State } from './state.ts';
import { putWarmPool, type WarmPoolOptions } from './warm-pool.ts';

export interface NodegroupChange {
  readonly scaling?: { readonly min?: number; readonly desired?: number; readonly max?: number };
  readonly labels?: {
    readonly addOrUpdate?: Readonly<Record<string, string>>;
    readonly remove?: readonly string[];
  };
  readonly maxUnavailable?: number;
  /** Undefined `enabled`: as it is. */
  readonly warmPool?: WarmPoolOptions & { readonly enabled?: boolean };
  readonly clientRequestToken?: string;
}

/** From the request until the group's sizes are changed, and until the update is called successful. Virtual ms. */
const APPLIED_AFTER = 3_000;
const DONE_AFTER: readonly [number, number] = [8_000, 20_000];
/** How long EKS remembers a client request token is not documented; a day is what its other limits suggest. */
const TOKEN_KEPT = 86_400_000;

/** Throws EKS's error, or changes the sizes within a few virtual seconds. */
export function updateNodegroup(
  state: State,
  scaling: Scaling,
  target: Nodegroup,
  change: NodegroupChange,
): EksUpdate {
  const members = { clusterName: target.cluster.name, nodegroupName: target.name };
  const fingerprint = JSON.stringify([change.scaling, change.labels, change.maxUnavailable, change.warmPool]);
  const token = change.clientRequestToken;
  const repeated = [...target.updates.values()].find(
    (update) =>
      token !== undefined &&
      update.clientRequestToken === token &&
      state.now() - update.createdAt < TOKEN_KEPT,
  );
  if (repeated) {
    if (repeated.fingerprint === fingerprint) return repeated;
    throw new AwsError(
      'InvalidParameterException',
      `The client request token ${token} was already used for a request with other parameters`,
      { members },
    );
  }
  const sizes = checkedSizes(target, change, members);
  checkWarmPool(target, change, members);
  if (target.status.endsWith('_FAILED')) {
    throw new AwsError(
      'InvalidRequestException',
      `Nodegroup cannot be updated as it is currently in ${target.status} state`,
      { members },
    );
  }
  // A degraded nodegroup can be resized; that is how it recovers.
  if (target.status !== 'ACTIVE' && target.status !== 'DEGRADED') {
    throw new AwsError(
      'ResourceInUseException',
      'Nodegroup cannot be updated as it is currently not in Active State',
      { status: 409, members },
    );
  }
  const update: EksUpdate = {
    id: state.context.uuid(),
    type: 'ConfigUpdate',
    createdAt: state.now(),
    params: paramsOf(change),
    clientRequestToken: token,
    fingerprint,
    status: 'InProgress',
    errors: [],
  };
  target.updates.set(update.id, update);
  target.status = 'UPDATING';
  state.changed();
  state.context.clock.after(APPLIED_AFTER, () => {
    if (change.scaling) {
      const was = target.group.desired;
      Object.assign(target.group, sizes);
      scaling.requested(
        target.group,
        `At ${isoSeconds(state.now())} a user request update of AutoScalingGroup constraints to min: ${sizes.min}, max: ${sizes.max}, desired: ${sizes.desired} changing the desired capacity from ${was} to ${sizes.desired}.`,
      );
    }
    if (change.labels) {
      const labels = { ...target.labels, ...change.labels.addOrUpdate };
      for (const key of change.labels.remove ?? []) delete labels[key];
      target.labels = labels;
    }
    if (change.maxUnavailable !== undefined) target.maxUnavailable = change.maxUnavailable;
    if (change.warmPool) applyWarmPool(target, change.warmPool, scaling);
    state.changed();
  });
  state.context.clock.after(state.between(...DONE_AFTER), () => {
    update.status = 'Successful';
    target.modifiedAt = state.now();
    if (target.status === 'UPDATING') target.status = target.issues.length > 0 ? 'DEGRADED' : 'ACTIVE';
    state.changed();
  });
  return update;
}

function checkedSizes(
  { group }: Nodegroup,
  change: NodegroupChange,
  members: Readonly<Record<string, unknown>>,
): { readonly min: number; readonly desired: number; readonly max: number } {
  const { min = group.min, desired = group.desired, max = group.max } = change.scaling ?? {};
  const refuse = (message: string) => new AwsError('InvalidParameterException', message, { members });
  if (!change.scaling && !change.labels && !change.warmPool && change.maxUnavailable === undefined)
    throw refuse('Nothing to update: give a scaling, label, taint or update configuration');
  for (const [what, value] of Object.entries({ min, desired, max })) {
    if (!Number.isInteger(value) || value < 0)
      throw refuse(`Requested ${what} capacity can't be less than 0`);
  }
  if (max < 1) throw refuse("Requested max capacity can't be less than 1");
  if (min > max) throw refuse(`Minimum capacity ${min} can't be greater than max size ${max}`);
  if (min > desired) throw refuse(`Minimum capacity ${min} can't be greater than desired size ${desired}`);
  if (desired > max) throw refuse(`desired capacity ${desired} can't be greater than max size ${max}`);
  return { min, desired, max };
}

/** Whether EKS takes both kinds of sizes in one update is not documented. */
function checkWarmPool(
  { group }: Nodegroup,
  { warmPool: wanted, scaling }: NodegroupChange,
  members: Readonly<Record<string, unknown>>,
): void {
  if (!wanted) return;
  const refuse = (message: string) => new AwsError('InvalidParameterException', message, { members });
  if (scaling)
    throw refuse("the lab's UpdateNodegroupConfig takes scalingConfig or warmPoolConfig, not both");
  if (wanted.enabled === undefined && !group.warmPool)
    throw refuse('The node group has no warm pool: set enabled to true');
  const { min = group.warmPool?.min ?? 0, maxPrepared = group.warmPool?.maxPrepared } = wanted;
  if (min < 0) throw refuse(`Warm pool minSize ${min} can't be less than 0`);
  if (maxPrepared !== undefined && maxPrepared >= 0 && maxPrepared < min)
    throw refuse(`Warm pool maxGroupPreparedCapacity ${maxPrepared} can't be less than minSize ${min}`);
}

function applyWarmPool(
  { group }: Nodegroup,
  { enabled, ...change }: NonNullable<NodegroupChange['warmPool']>,
  scaling: Scaling,
): void {
  if (enabled === false) {
    if (group.warmPool) group.warmPool.deletion = 'waits';
  } else putWarmPool(group, change);
  scaling.touch(group);
}

function paramsOf(change: NodegroupChange): EksUpdate['params'] {
  const { scaling, labels, warmPool } = change;
  return [
    ...(warmPool?.enabled === undefined
      ? []
      : [{ type: 'WarmPoolEnabled', value: String(warmPool.enabled) }]),
    ...(scaling?.min === undefined ? [] : [{ type: 'MinSize', value: String(scaling.min) }]),
    ...(scaling?.max === undefined ? [] : [{ type: 'MaxSize', value: String(scaling.max) }]),
    ...(scaling?.desired === undefined ? [] : [{ type: 'DesiredSize', value: String(scaling.desired) }]),
    ...(labels?.addOrUpdate ? [{ type: 'LabelsToAdd', value: JSON.stringify(labels.addOrUpdate) }] : []),
    ...(labels?.remove ? [{ type: 'LabelsToRemove', value: JSON.stringify(labels.remove) }] : []),
    ...(change.maxUnavailable === undefined
      ? []
      : [{ type: 'MaxUnavailable', value: String(change.maxUnavailable) }]),
  ];
}
