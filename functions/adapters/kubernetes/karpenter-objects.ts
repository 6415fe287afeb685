/** What NodePools and NodeClaims of Karpenter say, as far as night-schedule reads it. Anything in them may be missing. */
import type { NodeClaimView, UnlaunchedClaim } from '#functions/night-schedule/ports.ts';
import { type NodePoolSetting, nodePoolSettingSchema } from '#functions/night-schedule/records.ts';
import { isRecord, isValid } from '#model/record-schema.ts';

/**
 * Karpenter reads it before and after the delete: until then it evicts, then it deletes pods past budgets and
 * do-not-disrupt. A value that is no time makes the drain stand still.
 */
export const TERMINATION_TIME = 'karpenter.sh/nodeclaim-termination-timestamp';

export function usersOfDefaultClass(pools: readonly unknown[]): readonly string[] {
  const classOf = (pool: unknown) => fieldOf(pool, 'spec', 'template', 'spec', 'nodeClassRef');
  return pools
    .filter(
      (pool) =>
        fieldOf(classOf(pool), 'group') === 'eks.amazonaws.com' &&
        fieldOf(classOf(pool), 'name') === 'default',
    )
    .map(nameOf);
}

export function poolSetting(pool: unknown): NodePoolSetting | undefined {
  const spec = fieldOf(pool, 'spec');
  if (!isRecord(spec)) return undefined;
  const uid = textOf(fieldOf(pool, 'metadata', 'uid'));
  const setting = {
    limits: quantitiesOf(spec['limits']),
    replicas: spec['replicas'] ?? null,
    ...(uid ? { uid } : {}),
  };
  return isValid(nodePoolSettingSchema, setting) ? setting : undefined;
}

/** A quantity may be written as a number: `cpu: 100` is `cpu: "100"`. */
function quantitiesOf(limits: unknown): unknown {
  if (!isRecord(limits)) return limits ?? null;
  return Object.fromEntries(
    Object.entries(limits).map(([name, value]) => [name, typeof value === 'number' ? String(value) : value]),
  );
}

/** Karpenter writes the instance into the status when EC2 has made it. */
export function hasLaunched(claim: unknown): boolean {
  return textOf(fieldOf(claim, 'status', 'providerID')) !== '';
}

export function unlaunchedView(claim: unknown, isOurs: (seen: NodeClaimView) => boolean): UnlaunchedClaim {
  const seen = claimView(claim);
  const since = textOf(fieldOf(claim, 'metadata', 'creationTimestamp'));
  return { ...seen, since, isOurs: isOurs(seen) };
}

/** One that is malformed in parts is still a NodeClaim with an instance: it stops none of the others. */
export function claimView(claim: unknown): NodeClaimView {
  const metadata = fieldOf(claim, 'metadata');
  const terminateAt = fieldOf(metadata, 'annotations', TERMINATION_TIME);
  const conditions = fieldOf(claim, 'status', 'conditions');
  const waitsFor = unmet(Array.isArray(conditions) ? conditions : []);
  return {
    name: textOf(fieldOf(metadata, 'name')),
    nodePool: textOf(fieldOf(metadata, 'labels', 'karpenter.sh/nodepool')),
    isDeleting: textOf(fieldOf(metadata, 'deletionTimestamp')) !== '',
    ...(terminateAt === undefined ? {} : { terminateAt: String(terminateAt) }),
    ...(waitsFor === undefined ? {} : { waitsFor }),
  };
}

/** The first condition of a launch, or of an end, that is not met. */
function unmet(conditions: readonly unknown[]): string | undefined {
  const found = conditions.find(
    (one) => CONDITIONS_IN_ORDER.includes(textOf(fieldOf(one, 'type'))) && fieldOf(one, 'status') !== 'True',
  );
  if (!found) return undefined;
  const [type = '', status = '', reason = '', message = ''] = ['type', 'status', 'reason', 'message'].map(
    (name) => textOf(fieldOf(found, name)),
  );
  const why = [reason, message === reason ? '' : message].filter(Boolean).join(', ');
  return `${type} is ${status || 'unknown'}${why ? ` (${why.slice(0, 200)})` : ''}`;
}

/** Undefined where one of the names leads to nothing. */
export function fieldOf(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce((at, name) => (isRecord(at) ? at[name] : undefined), value);
}

export function nameOf(object: unknown): string {
  return textOf(fieldOf(object, 'metadata', 'name'));
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

const CONDITIONS_IN_ORDER: readonly string[] = [
  'Launched',
  'Drained',
  'VolumesDetached',
  'InstanceTerminating',
];
