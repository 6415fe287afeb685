/** The common parts of the stories: a world by its seed, a function that is invoked in it, and the tallies. */

import { createFaults, type Faults, type Pass, type Severity } from './faults.ts';
import {
  type Attempt,
  type AttemptEnd,
  createInvocations,
  type InvocationOptions,
  type Invocations,
} from './invocations.ts';
import type { Outcome, PromiseId, Violation } from './outcome.ts';
import { createRandom, type Random } from './random.ts';

export interface StoryOptions {
  readonly seed: number;
  readonly severity: Severity;
  readonly without?: ReadonlySet<number>;
  /** Without images and announced builds, as before they were in the stories: seeds that are pinned to a defect. */
  readonly isPlain?: boolean;
  /** Puts a mistake around a whole invocation: the checkers must catch it. */
  readonly mutatePass?: (pass: () => Promise<unknown>) => Promise<unknown>;
}

export interface WorldOptions<S> {
  readonly scenario: S;
  readonly random: Random;
  readonly settle: () => Promise<void>;
  readonly violate: (promise: PromiseId, what: string) => void;
  readonly exercise: (promise: PromiseId) => void;
}

/** What an attempt did. `mustReport` counts the errors that the invocation must report. */
export interface BaseEffects {
  mustReport: number;
}

export interface StoryWorld<D extends BaseEffects> {
  readonly clock: Parameters<typeof createInvocations>[0] extends () => infer C ? C : never;
  when(): string;
  /** One process of the function: warm from the second invocation on, and it runs one at a time. */
  newProcess(): { enter(pass: Pass): D };
}

export interface Story<S, W> {
  readonly scenario: S;
  readonly random: Random;
  readonly faults: Faults;
  readonly world: W;
  readonly invocations: Invocations;
  readonly idle: unknown[];
  readonly events: Record<string, number>;
  readonly trace: string[];
  readonly violations: Violation[];
  readonly exercised: Record<PromiseId, number>;
}

export function createStory<
  S extends { readonly happenings: readonly unknown[] },
  W extends StoryWorld<BaseEffects>,
>(
  { seed, severity }: StoryOptions,
  kind: {
    /** Gives each kind of story its own random values. */
    readonly salt: number;
    readonly createScenario: (seed: number, random: Random) => S;
    readonly createWorld: (options: WorldOptions<S>) => W;
    readonly invocations: InvocationOptions;
  },
): Story<S, W> {
  const random = createRandom(seed ^ kind.salt);
  const scenario = kind.createScenario(seed, random);
  const faults = createFaults(random, severity);
  const violations: Violation[] = [];
  const exercised: Record<PromiseId, number> = { 1: 0, 2: 0, 3: 0, 4: 0, 5: 0, 6: 0, 7: 0, 8: 0, 9: 0 };
  const invocations = createInvocations(() => world.clock, faults, kind.invocations);
  const world: W = kind.createWorld({
    scenario,
    random,
    settle: invocations.settle,
    violate: (promise, what) => void violations.push({ promise, what }),
    exercise: (promise) => {
      exercised[promise] += 1;
    },
  });
  return {
    scenario,
    random,
    faults,
    world,
    invocations,
    idle: [],
    events: {},
    trace: [],
    violations,
    exercised,
  };
}

type AnyStory = Story<{ readonly happenings: readonly unknown[] }, { readonly when: () => string }>;

export function outcomeOf(seed: number, story: AnyStory): Outcome {
  const { violations, exercised, faults, events, trace, scenario } = story;
  return {
    seed,
    violations,
    exercised,
    faults: faults.injected,
    events,
    trace,
    happenings: scenario.happenings.length,
  };
}

/** False where the tick got lost. */
export function arrives(story: AnyStory, tick: 'tick'): boolean {
  const isLost = story.faults.active() && story.random.chance(0.1);
  count(story, isLost ? 'lost' : tick);
  return !isLost;
}

/** Calls the function once, in a process that is idle, or in a new one. */
export function invoke<D extends BaseEffects, W extends StoryWorld<D>>(
  story: Story<{ readonly happenings: readonly unknown[] }, W>,
  call: {
    readonly run: (process: ReturnType<W['newProcess']>, attempt: Attempt) => Promise<unknown>;
    readonly mutatePass: StoryOptions['mutatePass'];
    /** For the trace. */
    readonly what: string;
    readonly attempted?: (how: AttemptEnd['how']) => void;
    /** Checks an attempt that was not killed. */
    readonly check: (effects: D) => void;
    readonly givenUp?: () => void;
  },
): void {
  const { world, exercised } = story;
  const made = new Map<Attempt, { process: ReturnType<W['newProcess']>; effects: D }>();
  const work = (attempt: Attempt) => {
    const process = (story.idle.pop() ?? world.newProcess()) as ReturnType<W['newProcess']>;
    made.set(attempt, { process, effects: process.enter(attempt.pass) });
    const pass = () => call.run(process, attempt);
    return call.mutatePass ? call.mutatePass(pass) : pass();
  };
  const attempted = ({ attempt, how }: AttemptEnd) => {
    const one = made.get(attempt);
    call.attempted?.(how);
    if (how === 'killed') note(story, `${call.what} was killed`);
    if (!one || how === 'killed') return;
    story.idle.push(one.process);
    if (one.effects.mustReport > 0) {
      exercised[9] += 1;
      if (how === 'succeeded')
        violate(
          story,
          9,
          `${world.when()} ${one.effects.mustReport} errors were met, and the invocation succeeded`,
        );
    }
    call.check(one.effects);
  };
  story.invocations.start(work, {
    attempt: attempted,
    ...(call.givenUp ? { givenUp: call.givenUp } : {}),
  });
}

export function violate(story: AnyStory, promise: PromiseId, what: string): void {
  story.violations.push({ promise, what });
}

export function note(story: AnyStory, text: string): void {
  story.trace.push(`${story.world.when()} ${text}`);
}

export function count(story: Pick<AnyStory, 'events'>, event: string): void {
  story.events[event] = (story.events[event] ?? 0) + 1;
}
