/** What spot-drain keeps in the table: who deals with which instance, and which cordons are to be undone. */
import { NightshiftError } from '#functions/shared/errors.ts';
import type {
  Claim,
  Claims,
  Cordon,
  Cordons,
  Night,
  NodeNames,
  Versioned,
} from '#functions/spot-drain/ports.ts';
import type { ClusterState } from '#model/cluster-state.ts';
import type { Item, Table } from './table.ts';
import { cordonKey, DRAIN, instanceKey, NIGHT, nodeNameKey, STATE_KEY } from './table-keys.ts';

/** A claim is kept for a day; one of an announced change until long after the change. */
const KEPT_DAYS = 1;
const ANNOUNCED_DAYS = 30;
/** The name of a node that lives longer is written anew. */
const NAMED_DAYS = 30;

export function createClaims(table: Table): Claims {
  return {
    async find(instanceId) {
      const items = await table.list<unknown>(DRAIN, { prefix: instanceKey(instanceId) });
      const claim = items.find((item) => item.key === instanceKey(instanceId));
      const named = items.find((item) => item.key === nodeNameKey(instanceId));
      return {
        ...(claim ? { claim: checkedClaim(claim) } : {}),
        ...(isNamed(named?.value) ? { nodeName: named.value.node } : {}),
      };
    },
    async read(instanceId) {
      const item = await table.get<unknown>(DRAIN, instanceKey(instanceId));
      return item && checkedClaim(item);
    },
    async saveIf(claim, version, now) {
      const key = instanceKey(claim.instanceId);
      const saved = await table.put(DRAIN, key, claim, { if: version, now, expires: expiry(claim) });
      if (saved !== undefined) return { value: claim, version: saved };
      // The SDK repeats a write whose reply was lost, and its own effect then makes the condition fail.
      const there = await table.get<unknown>(DRAIN, key);
      const isOurs = there && JSON.stringify(there.value) === JSON.stringify(claim);
      return isOurs ? { value: claim, version: there.version } : undefined;
    },
    remove: (instanceId, version) => table.remove(DRAIN, instanceKey(instanceId), version),
    async all() {
      const items = await table.list<Claim>(DRAIN, { prefix: instanceKey('') });
      return items.filter((item) => isClaim(item.value)).map(versioned);
    },
  };
}

export function createNodeNames(table: Table): NodeNames {
  return {
    async all() {
      const items = await table.list<unknown>(DRAIN, { prefix: instanceKey('') });
      const names = new Map<string, string>();
      for (const { key, value } of items)
        if (isNamed(value) && key === nodeNameKey(value.instanceId)) names.set(value.instanceId, value.node);
      return names;
    },
    async put(instanceId, node, now) {
      const expires = new Date(now.getTime() + NAMED_DAYS * 86_400_000);
      await table.put(DRAIN, nodeNameKey(instanceId), { instanceId, node } satisfies Named, { expires });
    },
    async remove(instanceId) {
      await table.remove(DRAIN, nodeNameKey(instanceId));
    },
  };
}

interface Named {
  readonly instanceId: string;
  readonly node: string;
}

export function createCordons(table: Table): Cordons {
  return {
    async put(cordon) {
      const expires = new Date(Date.parse(cordon.dueAt) + ANNOUNCED_DAYS * 86_400_000);
      await table.put(DRAIN, cordonKey(cordon.instanceId), cordon, { expires });
    },
    async remove(instanceId) {
      await table.remove(DRAIN, cordonKey(instanceId));
    },
    async all() {
      const items = await table.list<Cordon>(DRAIN, { prefix: cordonKey('') });
      return items.map((item) => item.value).filter(isCordon);
    },
  };
}

/** night-schedule writes it; absent where the environment has no schedule. */
export function createNight(table: Table): Night {
  return {
    async state() {
      return (await table.get<ClusterState>(NIGHT, STATE_KEY))?.value;
    },
  };
}

function checkedClaim(item: Item<unknown>): Versioned<Claim> {
  const { key, value, version } = item;
  if (!isClaim(value))
    throw new NightshiftError(`the item ${DRAIN} | ${key} of the table is no claim any more: delete it`);
  return { value, version };
}

function versioned(item: Item<Claim>): Versioned<Claim> {
  return { value: item.value, version: item.version };
}

/** What a person edited by hand, or something else wrote, must not stop the work on all other instances. */
function isClaim(value: unknown): value is Claim {
  if (!isObject(value)) return false;
  const { instanceId, cause, trigger, owner, task, state, hooks, attempts } = value;
  const { drainUntil, leaseUntil, noticeTime, claimedAt, deadline, doneAt } = value;
  return (
    typeof instanceId === 'string' &&
    typeof cause === 'string' &&
    typeof trigger === 'string' &&
    typeof owner === 'string' &&
    typeof attempts === 'number' &&
    TASKS.includes(task as Claim['task']) &&
    STATES.includes(state as Claim['state']) &&
    isInstant(drainUntil) &&
    isInstant(leaseUntil) &&
    isInstant(noticeTime) &&
    isInstant(claimedAt) &&
    (deadline === undefined || isInstant(deadline)) &&
    (doneAt === undefined || isInstant(doneAt)) &&
    Array.isArray(hooks) &&
    hooks.every(isHook)
  );
}

function isHook(value: unknown): boolean {
  return isObject(value) && typeof value['token'] === 'string' && isInstant(value['startedAt']);
}

const TASKS: readonly Claim['task'][] = ['complete', 'cordon', 'drain'];
const STATES: readonly Claim['state'][] = ['working', 'paused', 'failed', 'done'];

function isNamed(value: unknown): value is Named {
  return isObject(value) && typeof value['instanceId'] === 'string' && typeof value['node'] === 'string';
}

function isCordon(value: unknown): value is Cordon {
  return (
    isObject(value) &&
    typeof value['instanceId'] === 'string' &&
    typeof value['trigger'] === 'string' &&
    isInstant(value['dueAt'])
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isInstant(value: unknown): boolean {
  return typeof value === 'string' && !Number.isNaN(Date.parse(value));
}

function expiry(claim: Claim): Date {
  const days = claim.cause === 'health' ? ANNOUNCED_DAYS : KEPT_DAYS;
  return new Date(Date.parse(claim.claimedAt) + days * 86_400_000);
}
