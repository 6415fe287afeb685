/** Every behaviour of Karpenter that the functions and the lab rely on. */
import { describe } from 'vitest';
import type { KarpenterBed } from '../bed.ts';
import { describeDeadlines } from './deadlines.ts';
import { describeDeletedClaims } from './deleted-claims.ts';
import { describeLimits } from './limits.ts';
import { describeNight } from './night.ts';
import { describeRights } from './rights.ts';
import { describeStaticPools } from './static-pools.ts';
import { describeUnlaunchedClaims } from './unlaunched-claims.ts';

export function describeKarpenter(bed: () => KarpenterBed): void {
  describe('Karpenter', () => {
    describeLimits(bed);
    describeDeletedClaims(bed);
    describeDeadlines(bed);
    describeStaticPools(bed);
    describeUnlaunchedClaims(bed);
    describeRights(bed);
    describeNight(bed);
  });
}
