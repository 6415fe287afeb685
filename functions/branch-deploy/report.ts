/** Decisions of branch-deploy, in the form that all capabilities share. */
import type { Action, Decision, Scalar } from '#model/decision.ts';
import type { WantedBuild } from './record.ts';

export interface Reporter {
  /** About one thing. */
  say(decision: {
    readonly target: string;
    readonly action: Action;
    readonly reason: string;
    readonly trigger: string;
    readonly facts?: Readonly<Record<string, Scalar | undefined>>;
  }): Promise<void>;
  /** About an application, once for each build that it concerns, so that each can be explained by its id. */
  about(
    application: string,
    builds: readonly WantedBuild[],
    action: Action,
    reason: string,
    facts?: Readonly<Record<string, Scalar | undefined>>,
  ): Promise<void>;
}

export function createReporter(options: {
  readonly environment: string;
  readonly now: () => Date;
  readonly record: (decisions: readonly Decision[]) => Promise<void>;
}): Reporter {
  const decision = (
    target: string,
    action: Action,
    reason: string,
    trigger: string,
    facts: Readonly<Record<string, Scalar | undefined>> = {},
  ): Decision => ({
    time: options.now().toISOString(),
    environment: options.environment,
    capability: 'branch-deploy',
    target,
    action,
    reason,
    trigger,
    ...facts,
  });
  return {
    say: ({ target, action, reason, trigger, facts }) =>
      options.record([decision(target, action, reason, trigger, facts)]),
    about: (application, builds, action, reason, facts) =>
      options.record(
        builds.map((build) =>
          decision(application, action, reason, build.trigger, {
            build: build.build,
            number: build.number,
            branch: build.branch,
            ...(build.sha ? { sha: build.sha } : {}),
            ...facts,
          }),
        ),
      ),
  };
}
