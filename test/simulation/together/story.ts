/** The parts of a night in which the three functions meet. */
import type * as deploys from '../deploy/deploy.ts';
import type * as drains from '../drain/drain.ts';
import type { Story as BaseStory, StoryOptions } from '../story.ts';
import type { NightPorts } from './night-function.ts';
import type { Scenario } from './scenario.ts';
import type { TogetherWorld } from './world.ts';

export interface TogetherOptions extends StoryOptions {
  /** Put a mistake into one of the programs: the checkers must catch it. */
  readonly mutateNight?: (ports: NightPorts) => NightPorts;
  readonly mutateDrain?: drains.DrainOptions['mutate'];
  readonly mutateDeploy?: deploys.DeployOptions['mutate'];
}

type NightFunction = TogetherWorld['night'];

export interface Story extends BaseStory<Scenario, TogetherWorld> {
  readonly options: TogetherOptions;
  /** Each function's own part of the story: the same world, chance and tallies. */
  readonly night: BaseStory<Scenario, NightFunction>;
  readonly drain: drains.Story;
  readonly deploy: deploys.Story;
  /** Instances of another cluster. */
  neighbours: readonly string[];
  drainTickedAt: number;
  /** When a person last set or cancelled an override, or until when there was no spot capacity. */
  disturbedAt: number;
}
