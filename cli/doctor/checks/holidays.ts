/** How long do the holidays in the deployed functions last? */
import { DAY_MS } from '#model/duration.ts';
import { type Check, whenObserved } from '../finding.ts';

const SOON_DAYS = 60;

export const holidays: Check = {
  name: 'holidays',
  why: 'holidays are written into the settings of the functions at deploy time: after the last one the cluster starts on every holiday',
  evaluate(facts) {
    if (!facts.schedule?.calendar?.until) return [];
    return whenObserved([facts.functions], (functions) => {
      const settings = functions.find(({ capability }) => capability === 'night-schedule')?.settings;
      const until = untilIn(settings);
      if (until === undefined) return [];
      const days = Math.floor((Date.parse(`${until}T00:00:00Z`) - facts.now.getTime()) / DAY_MS);
      if (days >= SOON_DAYS) return [{ severity: 'ok', found: `the holidays last until ${until}` }];
      return [
        {
          severity: days < 0 ? 'failure' : 'warning',
          found:
            days < 0
              ? `the last holiday was on ${until}`
              : `the holidays last until ${until}, for another ${days} days`,
          advice: `deploy again: cdk deploy Nightshift-${facts.name}`,
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
