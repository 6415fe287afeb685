/** Do the holidays that the deployed functions know last long enough? */

import { DAY_MS } from '#model/duration.ts';
import { type Check, needing } from '../finding.ts';

const SOON_DAYS = 60;

export const holidays: Check = {
  name: 'holidays',
  why: 'holidays are written into the functions when the stack is deployed: after the last of them the cluster starts on every holiday',
  judge(site) {
    if (!site.schedule?.calendar?.until) return [];
    return needing([site.functions], (functions) => {
      const settings = functions.find(({ capability }) => capability === 'night-schedule')?.settings;
      const until = untilIn(settings);
      if (until === undefined) return [];
      const days = Math.floor((Date.parse(`${until}T00:00:00Z`) - site.now.getTime()) / DAY_MS);
      if (days >= SOON_DAYS) return [{ severity: 'ok', found: `they are known until ${until}` }];
      return [
        {
          severity: days < 0 ? 'failure' : 'warning',
          found: days < 0 ? `they ended on ${until}` : `they are known until ${until}, for ${days} days more`,
          advice: `deploy again: cdk deploy Nightshift-${site.name}`,
        },
      ];
    });
  },
};

function untilIn(settings: Readonly<Record<string, unknown>> | undefined): string | undefined {
  const schedule = settings?.['schedule'] as { calendar?: { until?: unknown } } | undefined;
  const until = schedule?.calendar?.until;
  return typeof until === 'string' ? until : undefined;
}
