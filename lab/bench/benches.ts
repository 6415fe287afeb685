import type { Bench } from './bench.ts';
import { coldStart } from './cold-start.ts';
import { pass } from './pass.ts';

export const BENCHES: Readonly<Record<string, Bench>> = {
  'cold-start': coldStart,
  pass,
};
