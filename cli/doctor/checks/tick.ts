/** Does night-schedule run? */

import { MINUTE_MS } from '#model/duration.ts';
import { type Check, needing } from '../finding.ts';

/** Passes are a minute apart, and leave a mark every five. */
const LATE_MINUTES = 15;

export const tick: Check = {
  name: 'tick',
  why: 'night-schedule looks at the cluster every minute: when it does not, nothing stops and nothing starts',
  judge(site) {
    if (site.schedule === undefined) return [];
    return needing([site.night], ({ seenAt }) => {
      if (seenAt === undefined) {
        return [
          {
            severity: 'failure',
            found: 'no pass has left a mark yet',
            advice: `where it was not deployed this minute: look into the log group /aws/lambda/nightshift-${site.name}-night-schedule`,
          },
        ];
      }
      const minutes = Math.floor((site.now.getTime() - Date.parse(seenAt)) / MINUTE_MS);
      return minutes <= LATE_MINUTES
        ? [{ severity: 'ok', found: `the last mark is ${Math.max(0, minutes)} min old (${seenAt})` }]
        : [
            {
              severity: 'failure',
              found: `the last mark is ${minutes} min old (${seenAt})`,
              advice: `look at the schedule night-schedule-tick, at the alarms, and into the log group /aws/lambda/nightshift-${site.name}-night-schedule`,
            },
          ];
    });
  },
};
