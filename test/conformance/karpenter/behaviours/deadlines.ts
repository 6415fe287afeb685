import { describe, expect, test } from 'vitest';
import { type Json, STUBBORN } from '../../kubernetes/objects.ts';
import type { KarpenterBed } from '../bed.ts';
import {
  aPool,
  atSecond,
  deleteClaim,
  eventsOf,
  type Pool,
  setTerminationTime,
  TERMINATION_TIME,
} from '../pools.ts';

const HELD = { maxUnavailable: 0 };
/** Takes all of its grace. */
const GRACE_SECONDS = 10;
/** A busy machine is that much late. */
const TOLERANCE_MS = 4_000;

export function describeDeadlines(bed: () => KarpenterBed): void {
  const inSeconds = (seconds: number) => Math.ceil((bed().now().getTime() + seconds * 1_000) / 1_000) * 1_000;

  async function aHeldPool(seed: Json = {}) {
    const pool = await aPool(bed(), {
      budget: HELD,
      pod: { graceSeconds: GRACE_SECONDS, annotations: STUBBORN },
      ...seed,
    });
    await pool.patch({ limits: { cpu: '0' } });
    const [claim] = await pool.claims();
    const [pod] = await pool.pods();
    return { pool, claim, pod };
  }

  const untilDeleted = (pool: Pool, pod: Json): Promise<Json> =>
    bed().until('the pod is being deleted', async () => {
      const found = (await pool.pods()).find(({ metadata }) => metadata.uid === pod.metadata.uid);
      return found?.metadata.deletionTimestamp && found;
    });

  /** The pod is deleted past its budget, with the time that is left as its grace, and the claim is gone by then. */
  async function expectEndAt(ms: number, { pool, pod }: { pool: Pool; pod: Json }) {
    const { metadata } = await untilDeleted(pool, pod);
    // The server's: when it was deleted, and its grace.
    expect(Math.abs(Date.parse(metadata.deletionTimestamp) - ms)).toBeLessThanOrEqual(TOLERANCE_MS);
    expect(metadata.deletionGracePeriodSeconds).toBeLessThanOrEqual(GRACE_SECONDS);
    expect(metadata.deletionGracePeriodSeconds).toBeGreaterThanOrEqual(GRACE_SECONDS - TOLERANCE_MS / 1_000);
    await pool.untilClaims(0);
    expect(bed().now().getTime()).toBeLessThan(ms + TOLERANCE_MS);
    const events = await eventsOf(bed(), pod.metadata.name);
    expect(events.find(({ reason }) => reason === 'Disrupted')?.message).toContain('bypasses the PDB');
  }

  describe('the termination timestamp of a NodeClaim', () => {
    test('does nothing without a delete; with one it ends the drain by then, past a budget', async () => {
      const held = await aHeldPool();
      const at = inSeconds(GRACE_SECONDS + 12);
      await setTerminationTime(bed(), held.claim, atSecond(at));
      await bed().pass(3);
      expect((await held.pool.nodeOf(held.claim))?.spec).not.toHaveProperty('taints');
      await deleteClaim(bed(), held.claim);
      await bed().pass(3);
      expect((await held.pool.pods())[0].metadata).not.toHaveProperty('deletionTimestamp');
      await expectEndAt(at, held);
    });

    test('set after the delete has the same effect', async () => {
      const held = await aHeldPool();
      await deleteClaim(bed(), held.claim);
      await bed().pass(3);
      const at = inSeconds(GRACE_SECONDS + 5);
      await setTerminationTime(bed(), held.claim, atSecond(at));
      await expectEndAt(at, held);
    });

    test('also ends a pod with do-not-disrupt', async () => {
      const annotations = { ...STUBBORN, 'karpenter.sh/do-not-disrupt': 'true' };
      const held = await aHeldPool({ budget: undefined, pod: { graceSeconds: GRACE_SECONDS, annotations } });
      await deleteClaim(bed(), held.claim);
      const at = inSeconds(GRACE_SECONDS + 5);
      await setTerminationTime(bed(), held.claim, atSecond(at));
      await expectEndAt(at, held);
    });

    test('that is past leaves a pod one second', async () => {
      const { pool, claim, pod } = await aHeldPool();
      await deleteClaim(bed(), claim);
      await bed().pass(2);
      await setTerminationTime(bed(), claim, atSecond(inSeconds(-60)));
      const { metadata } = await untilDeleted(pool, pod);
      expect(metadata.deletionGracePeriodSeconds).toBe(1);
      await pool.untilClaims(0);
    });

    test('that is not a time makes the drain stand still until it is one', async () => {
      const { pool, claim, pod } = await aHeldPool({ budget: undefined });
      await setTerminationTime(bed(), claim, 'soon');
      await deleteClaim(bed(), claim);
      await bed().pass(10);
      // No budget holds it.
      expect((await pool.pods()).map(({ metadata }) => metadata.uid)).toEqual([pod.metadata.uid]);
      expect((await pool.nodeOf(claim))?.spec).not.toHaveProperty('taints');
      await setTerminationTime(bed(), claim, atSecond(inSeconds(60)));
      await pool.untilClaims(0);
    });

    test('that is removed leaves the claim held again', async () => {
      const { pool, claim, pod } = await aHeldPool();
      await deleteClaim(bed(), claim);
      await setTerminationTime(bed(), claim, atSecond(inSeconds(GRACE_SECONDS + 8)));
      await bed().pass(3);
      await setTerminationTime(bed(), claim, null);
      await bed().pass(12);
      const [still] = await pool.pods();
      expect(still.metadata.uid).toBe(pod.metadata.uid);
      expect(still.metadata).not.toHaveProperty('deletionTimestamp');
    });

    test('is written by Karpenter where the claim has a terminationGracePeriod', async () => {
      const held = await aHeldPool({ claimSpec: { terminationGracePeriod: '15s' } });
      await deleteClaim(bed(), held.claim);
      const deleted = await bed().until('it has a timestamp', async () => {
        const [claim] = await held.pool.claims();
        return claim?.metadata.annotations?.[TERMINATION_TIME] && claim;
      });
      const { deletionTimestamp, annotations } = deleted.metadata;
      const at = Date.parse(deletionTimestamp) + 15_000;
      expect(annotations[TERMINATION_TIME]).toBe(atSecond(at));
      await expectEndAt(at, held);
    });

    test('that was there first wins over the terminationGracePeriod', async () => {
      const { pool, claim } = await aHeldPool({ claimSpec: { terminationGracePeriod: '1h' } });
      const at = atSecond(inSeconds(GRACE_SECONDS + 4));
      await setTerminationTime(bed(), claim, at);
      await deleteClaim(bed(), claim);
      await bed().pass(2);
      expect((await pool.claims())[0].metadata.annotations[TERMINATION_TIME]).toBe(at);
      await pool.untilClaims(0);
    });
  });
}
