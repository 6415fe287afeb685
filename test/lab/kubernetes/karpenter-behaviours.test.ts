/** The lab's Karpenter shows the behaviours that `npm run conformance -- karpenter` looks for on a real one. */
import { afterAll, beforeAll } from 'vitest';
import type { KarpenterBed } from '#test/conformance/karpenter/bed.ts';
import { describeKarpenter } from '#test/conformance/karpenter/behaviours/index.ts';
import { aLabKarpenterBed } from './lab-karpenter-bed.ts';

let bed: KarpenterBed;
beforeAll(async () => {
  bed = await aLabKarpenterBed();
});
afterAll(() => bed?.close());

describeKarpenter(() => bed);
