import type { Bench } from './bench.ts';
import { coldStart } from './cold-start.ts';

export const BENCHES: Readonly<Record<string, Bench>> = {
  'cold-start': coldStart,
};
