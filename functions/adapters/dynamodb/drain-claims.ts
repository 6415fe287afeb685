/** What spot-drain saves in the table: who handles which instance, and which cordons are to be undone. */

import type { Claims, Cordons, NodeNames } from '#functions/spot-drain/ports.ts';
import { type Claim, claimSchema, cordonSchema, namedNodeSchema } from '#functions/spot-drain/records.ts';
import { DAY_MS } from '#model/duration.ts';
import { isValid } from '#model/record-schema.ts';
import { recordsOf } from './records.ts';
import type { Table } from './table.ts';
import { cordonKey, DRAIN, instanceKey, nodeNameKey } from './table-keys.ts';

/** A claim stays for a day; one of an announced change until long after the change. */
const CLAIM_DAYS = 1;
const ANNOUNCED_DAYS = 30;
/** Whoever looks for cordons under way reads so many items, claims and names: enough to meet one of a storm. */
const LOOKED_AT = 150;
/** The name of a node that lives longer is written again. */
const NAMED_DAYS = 30;

export function createClaims(table: Table): Claims {
  const claims = recordsOf(table, DRAIN, claimSchema);
  return {
    async find(instanceId) {
      const rows = await table.list(DRAIN, { prefix: instanceKey(instanceId) });
      const claim = rows.find((row) => row.key === instanceKey(instanceId));
      const named = rows.find((row) => row.key === nodeNameKey(instanceId))?.value;
      return {
        ...(claim ? { claim: claims.fromRow(claim) } : {}),
        ...(isValid(namedNodeSchema, named) ? { nodeName: named.node } : {}),
      };
    },
    read: (instanceId) => claims.get(instanceKey(instanceId)),
    saveIf: (claim, expected, now) =>
      claims.saveIf(instanceKey(claim.instanceId), claim, expected, { now, expires: expiry(claim) }),
    remove: (instanceId, version) => claims.removeIf(instanceKey(instanceId), version),
    async areCordonsPending() {
      const pending = await table.count(DRAIN, {
        prefix: instanceKey(''),
        containing: jsonOf('state', 'working'),
        lacking: '"cordonedAt":',
        limit: LOOKED_AT,
      });
      return pending > 0;
    },
    async all() {
      const rows = await table.list(DRAIN, { prefix: instanceKey('') });
      const { found, corrupt } = claims.fromRows(rows.filter(({ key }) => !isNodeName(key)));
      return { claims: found, corrupt };
    },
  };
}

export function createNodeNames(table: Table): NodeNames {
  const names = recordsOf(table, DRAIN, namedNodeSchema);
  return {
    // One that cannot be read is no loss: it is written again as soon as the node is seen.
    async all() {
      const rows = await table.list(DRAIN, { prefix: instanceKey('') });
      const { found } = names.fromRows(rows.filter(({ key }) => isNodeName(key)));
      return new Map(found.map(({ value }) => [value.instanceId, value.node]));
    },
    async put(instanceId, node, now) {
      const expires = new Date(now.getTime() + NAMED_DAYS * DAY_MS);
      await names.save(nodeNameKey(instanceId), { instanceId, node }, { expires });
    },
    remove: (instanceId) => names.remove(nodeNameKey(instanceId)),
  };
}

export function createCordons(table: Table): Cordons {
  const cordons = recordsOf(table, DRAIN, cordonSchema);
  return {
    async put(cordon) {
      const expires = new Date(Date.parse(cordon.dueAt) + ANNOUNCED_DAYS * DAY_MS);
      await cordons.save(cordonKey(cordon.instanceId), cordon, { expires });
    },
    remove: (instanceId) => cordons.remove(cordonKey(instanceId)),
    async all() {
      const { found, corrupt } = cordons.fromRows(await table.list(DRAIN, { prefix: cordonKey('') }));
      return { cordons: found.map(({ value }) => value), corrupt };
    },
  };
}

/** As it stands in the text of a claim. */
function jsonOf<K extends keyof Claim>(key: K, value: Claim[K]): string {
  return JSON.stringify({ [key]: value }).slice(1, -1);
}

function isNodeName(key: string): boolean {
  return key.endsWith(nodeNameKey('').slice(instanceKey('').length));
}

function expiry(claim: Claim): Date {
  const { announced, cause, claimedAt } = claim;
  const days = cause === 'health' || announced ? ANNOUNCED_DAYS : CLAIM_DAYS;
  const changeAt = announced?.notBefore ?? claim.notBefore ?? claimedAt;
  const from = Math.max(Date.parse(claimedAt), Date.parse(changeAt));
  return new Date(from + days * DAY_MS);
}
