/** Decisions about an application: one for each build that it concerns, so that each can be explained by its id. */
import type { DecisionRecorder } from '#functions/shared/decision-recorder.ts';
import type { Action, Scalar } from '#model/decision.ts';
import type { RequestedBuild } from './record.ts';

export interface BuildReporter {
  /** True when it was written. */
  about(
    application: string,
    builds: readonly RequestedBuild[],
    action: Action,
    reason: string,
    facts?: Readonly<Record<string, Scalar | undefined>>,
  ): Promise<boolean>;
}

export function createBuildReporter(recorder: Pick<DecisionRecorder, 'recordWritten'>): BuildReporter {
  return {
    about: (target, builds, action, reason, facts) =>
      recorder.recordWritten(
        ...builds.map((build) => ({
          target,
          action,
          reason,
          trigger: build.trigger,
          facts: {
            build: build.build,
            number: build.number,
            branch: build.branch,
            ...(build.sha ? { sha: build.sha } : {}),
            ...facts,
          },
        })),
      ),
  };
}
