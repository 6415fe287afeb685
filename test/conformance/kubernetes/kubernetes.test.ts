/** One control plane for all of them: its start is most of the work. */
import { afterAll, beforeAll } from 'vitest';
import { checkedOn } from '../checked-on.ts';
import type { Bed } from './bed.ts';
import { describeKubernetes } from './behaviours/index.ts';
import { describeDeniedEvictions } from './denied-evictions.ts';
import { aRealBed } from './real.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await aRealBed(process.env['KUBEBUILDER_ASSETS'] ?? '');
});
afterAll(() => bed?.close());

checkedOn(() => bed.software);
describeKubernetes(() => bed);
describeDeniedEvictions(() => bed);
