/** Does night-schedule run? */
import { type Check, whenObserved } from '../finding.ts';

/** night-schedule runs every minute and stores the time every five minutes. */
const LATE_MINUTES = 15;

export const tick: Check = {
  name: 'tick',
  why: 'night-schedule checks the cluster every minute: when it does not run, nothing is stopped or started',
  evaluate(facts) {
    if (facts.schedule === undefined) return [];
    return whenObserved([facts.night], ({ seenAt }) => {
      if (seenAt === undefined) {
        return [
          {
            severity: 'failure',
            found: 'night-schedule has not run yet',
            advice: `unless it was deployed a minute ago, check the log group /aws/lambda/nightshift-${facts.name}-night-schedule`,
          },
        ];
      }
      const minutes = Math.floor((facts.now.getTime() - Date.parse(seenAt)) / 60_000);
      return minutes <= LATE_MINUTES
        ? [{ severity: 'ok', found: `last run ${Math.max(0, minutes)} min ago (${seenAt})` }]
        : [
            {
              severity: 'failure',
              found: `last run ${minutes} min ago (${seenAt})`,
              advice: `check the schedule night-schedule-tick, the alarms, and the log group /aws/lambda/nightshift-${facts.name}-night-schedule`,
            },
          ];
    });
  },
};
