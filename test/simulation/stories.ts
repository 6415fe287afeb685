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

/** A slow story is played only for seeds that are divisible by this number. */
const EVERY: Readonly<Record<string, number>> = { together: 20 };

/** A night of the simulation is one of each story with the same seed; the slow ones are played only for some seeds. */
export function isPlayed(story: string, seed: number): boolean {
  return seed % (EVERY[story] ?? 1) === 0;
}

/** `night, drain, deploy, and together for each seed divisible by 20` */
export function listOfStories(): string {
  const names = Object.keys(STORIES);
  const always = names.filter((name) => EVERY[name] === undefined);
  const sometimes = names
    .filter((name) => EVERY[name] !== undefined)
    .map((name) => `, and ${name} for each seed divisible by ${EVERY[name]}`);
  return always.join(', ') + sometimes.join('');
}
