/** Logs and the decision trail of a function. Nothing secret is ever passed to them. */
import { Logger } from '@aws-lambda-powertools/logger';
import type { Decision } from '#model/decision.ts';

/** Where decisions go: all to the log, those that a person will ask about to the table. */
export interface DecisionTrail {
  record(decisions: readonly Decision[]): Promise<void>;
}

/** One per function, made where the handler is composed. The level comes from POWERTOOLS_LOG_LEVEL. */
export function createLogger(capability: string): Logger {
  return new Logger({ serviceName: capability });
}

/** The message of every log line that holds a decision; the record itself is under `decision`. */
export const DECISION_MESSAGE = 'decision';

/** The message of the line about a notification that was not delivered; an alarm counts it. */
export const NOTIFICATION_FAILED_MESSAGE = 'notification failed';

/**
 * Logs each decision, `none` only at debug level: a quiet minute costs no log line. The others are also saved and sent
 * to people. A notification that is not delivered is an error in the log and no failure of the work.
 */
export function createDecisionTrail(
  logger: Logger,
  save: (decisions: readonly Decision[]) => Promise<void>,
  notify?: (decisions: readonly Decision[]) => Promise<void>,
): DecisionTrail {
  return {
    async record(decisions) {
      for (const decision of decisions) {
        if (decision.action === 'none') logger.debug(DECISION_MESSAGE, { decision });
        else if (decision.action === 'fail') logger.error(DECISION_MESSAGE, { decision });
        else logger.info(DECISION_MESSAGE, { decision });
      }
      const recorded = decisions.filter((decision) => decision.action !== 'none');
      const [first] = recorded;
      if (!first) return;
      const notified = notify?.(recorded).catch((error: unknown) =>
        logger.error(NOTIFICATION_FAILED_MESSAGE, { error: error as Error, decision: first }),
      );
      try {
        await save(recorded);
      } finally {
        await notified;
      }
    },
  };
}
