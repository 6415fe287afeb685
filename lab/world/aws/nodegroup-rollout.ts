/**
 * A rollout of a managed nodegroup: a new version, or a new launch template. EKS raises desired and max of the Auto Scaling
 * group while it runs, by up to twice the number of zones, and sets both back at its end; `scalingConfig` stays what
 * somebody configured. Meanwhile the nodegroup takes no other update.
 */
import { AwsError } from './error.ts';
import type { EksUpdate, Nodegroup } from './model.ts';
import type { Scaling } from './scaling.ts';
import { isoSeconds, type State } from './state.ts';

export interface RolloutOptions {
  /** How long it runs. Clusters were seen UPDATING for hours. Default 15. */
  readonly minutes?: number;
}

/** The sizes that EKS shows as `scalingConfig`. */
export function configuredSizes({ configured, group }: Nodegroup) {
  const { min, desired, max } = configured ?? group;
  return { min, desired, max };
}

/** Throws EKS's error where another update runs. */
export function rollOut(
  state: State,
  scaling: Scaling,
  target: Nodegroup,
  { minutes = 15 }: RolloutOptions = {},
): EksUpdate {
  const { group } = target;
  if (target.status !== 'ACTIVE' && target.status !== 'DEGRADED')
    throw new AwsError(
      'ResourceInUseException',
      'Nodegroup cannot be updated as it is currently not in Active State',
      { status: 409, members: { clusterName: target.cluster.name, nodegroupName: target.name } },
    );
  const update: EksUpdate = {
    id: state.context.uuid(),
    type: 'VersionUpdate',
    createdAt: state.now(),
    params: [{ type: 'ReleaseVersion', value: `${target.cluster.version}.5-20251124` }],
    clientRequestToken: undefined,
    fingerprint: '',
    status: 'InProgress',
    errors: [],
  };
  target.updates.set(update.id, update);
  target.status = 'UPDATING';
  target.configured = { min: group.min, desired: group.desired, max: group.max };
  // A group at zero has no node that would have to be replaced.
  const more = group.desired === 0 ? 0 : group.zones.length;
  setSizes(state, scaling, target, { desired: group.desired + more, max: group.max + 2 * more });
  state.context.clock.after(minutes * 60_000, () => {
    const { configured } = target;
    target.configured = undefined;
    if (configured) setSizes(state, scaling, target, configured);
    update.status = 'Successful';
    target.modifiedAt = state.now();
    if (target.status === 'UPDATING') target.status = target.issues.length > 0 ? 'DEGRADED' : 'ACTIVE';
    state.changed();
  });
  return update;
}

function setSizes(
  state: State,
  scaling: Scaling,
  { group }: Nodegroup,
  sizes: { readonly desired: number; readonly max: number },
): void {
  const was = group.desired;
  group.desired = sizes.desired;
  group.max = sizes.max;
  scaling.requested(
    group,
    `At ${isoSeconds(state.now())} a user request update of AutoScalingGroup constraints to min: ${group.min}, max: ${sizes.max}, desired: ${sizes.desired} changing the desired capacity from ${was} to ${sizes.desired}.`,
  );
  state.changed();
}
