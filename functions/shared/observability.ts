/** Logs and the decision trail of a function. Nothing secret is ever passed to them. */
import { Logger } from '@aws-lambda-powertools/logger';
import type { Decision } from '#model/decision.ts';

/** Where decisions go: the log always, the table for those that a person will ask about. */
export interface DecisionTrail {
  record(decisions: readonly Decision[]): Promise<void>;
}

/** One per function, made where the handler is composed. The level comes from POWERTOOLS_LOG_LEVEL. */
export function createLogger(capability: string): Logger {
  return new Logger({ serviceName: capability });
}

/** The message of every log line that holds a decision; the record itself is under `decision`. */
export const DECISION_MESSAGE = 'decision';

/** The message of the line that says that people were not told; an alarm counts it. */
export const NOT_TOLD_MESSAGE = 'notification failed';

/**
 * Logs each decision, `none` only at debug level: a quiet minute costs no log line. What is worth keeping is also
 * handed to `keep` and to `tell`. That people could not be told is an error in the log and no failure of the work.
 */
export function createDecisionTrail(
  logger: Logger,
  keep: (decisions: readonly Decision[]) => Promise<void>,
  tell?: (decisions: readonly Decision[]) => Promise<void>,
): DecisionTrail {
  return {
    async record(decisions) {
      for (const decision of decisions) {
        if (decision.action === 'none') logger.debug(DECISION_MESSAGE, { decision });
        else if (decision.action === 'fail') logger.error(DECISION_MESSAGE, { decision });
        else logger.info(DECISION_MESSAGE, { decision });
      }
      const kept = decisions.filter((decision) => decision.action !== 'none');
      const [first] = kept;
      if (!first) return;
      const told = tell?.(kept).catch((error: unknown) =>
        logger.error(NOT_TOLD_MESSAGE, { error: error as Error, decision: first }),
      );
      try {
        await keep(kept);
      } finally {
        await told;
      }
    },
  };
}
