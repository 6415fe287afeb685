/** What a drain's story keeps of itself, for its steps and its checks. */
import type { Ports } from '#functions/spot-drain/ports.ts';
import type { Story as BaseStory, StoryOptions } from '../story.ts';
import type { Scenario } from './scenario.ts';
import type { DrainWorld, Process } from './world.ts';

export interface DrainOptions extends StoryOptions {
  /** Puts a mistake into the program: the checkers must catch it. */
  readonly mutate?: (process: Process, world: DrainWorld) => Ports;
}

/** The events about one instance that were delivered, and the attempts to handle them. */
export interface Notices {
  /** Of the first one. */
  readonly firstAt: number;
  /** When attempts with a warning succeeded. */
  succeededAt: number[];
  killed: number;
  failed: number;
  givenUp: number;
}

export interface WorkerAction {
  readonly instanceId: string;
  delivered: boolean;
  readonly startedAt: number;
}

export interface Story extends BaseStory<Scenario, DrainWorld> {
  readonly options: DrainOptions;
  readonly notices: Map<string, Notices>;
  /** Lifecycle actions of the workers by token, and whether an invocation succeeded for their event. */
  readonly actions: Map<string, WorkerAction>;
  /** Instances with an announced change whose end was not delivered yet, and when it was last announced. */
  readonly announced: Map<string, number>;
  /** When a tick was killed or failed. */
  readonly brokenTicks: number[];
  up: readonly string[];
}
