/** One control plane and one Karpenter for all of them: their start is most of the work. */
import { afterAll, beforeAll } from 'vitest';
import { checkedOn } from '../checked-on.ts';
import type { KarpenterBed } from './bed.ts';
import { describeKarpenter } from './behaviours/index.ts';
import { aRealKarpenterBed } from './real.ts';

let bed: KarpenterBed;
beforeAll(async () => {
  bed = await aRealKarpenterBed({
    kubernetes: process.env['KUBEBUILDER_ASSETS'] ?? '',
    karpenter: process.env['KARPENTER_ASSETS'] ?? '',
  });
});
afterAll(() => bed?.close());

checkedOn(() => bed.software);
describeKarpenter(() => bed);
