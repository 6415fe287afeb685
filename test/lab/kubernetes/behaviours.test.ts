/** The lab's Kubernetes shows the behaviours that `npm run conformance -- kubernetes` looks for on a real one. */
import { afterAll, beforeAll } from 'vitest';
import type { Bed } from '#test/conformance/kubernetes/bed.ts';
import { describeKubernetes } from '#test/conformance/kubernetes/behaviours/index.ts';
import { aLabBed } from './lab-bed.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await aLabBed();
});
afterAll(() => bed?.close());

describeKubernetes(() => bed);
