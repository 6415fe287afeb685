import { simulateDeploy } from './deploy/deploy.ts';
import { simulateDrain } from './drain/drain.ts';
import { simulateNight } from './night/night.ts';
import type { Simulate } from './outcome.ts';

/** Every kind of story. A night of the simulation is one of each, with the same seed. */
export const STORIES: Readonly<Record<string, Simulate>> = {
  night: simulateNight,
  drain: simulateDrain,
  deploy: simulateDeploy,
};
