import { simulateDeploy } from './deploy/deploy.ts';
import { simulateDrain } from './drain/drain.ts';
import { simulateNight } from './night/night.ts';
import type { Simulate } from './outcome.ts';
import { simulateTogether } from './together/together.ts';

/** Every kind of story. */
export const STORIES: Readonly<Record<string, Simulate>> = {
  night: simulateNight,
  drain: simulateDrain,
  deploy: simulateDeploy,
  together: simulateTogether,
};

/** A dear one is told with the seeds that so many divide. */
const EVERY: Readonly<Record<string, number>> = { together: 20 };

/** A night of the simulation is one of each story, with the same seed; but of the dear ones only now and then. */
export function isTold(story: string, seed: number): boolean {
  return seed % (EVERY[story] ?? 1) === 0;
}

/** `night, drain, deploy, and together where 20 divides the seed` */
export function listOfStories(): string {
  const names = Object.keys(STORIES);
  const always = names.filter((name) => EVERY[name] === undefined);
  const seldom = names
    .filter((name) => EVERY[name] !== undefined)
    .map((name) => `, and ${name} where ${EVERY[name]} divides the seed`);
  return always.join(', ') + seldom.join('');
}
