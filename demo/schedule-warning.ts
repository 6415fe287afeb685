/** Warns somebody who starts the lab in the evening or on a Sunday that the schedules will stop its clusters. */
import { settingsOf } from '#lib/settings/settings.ts';
import type { NightshiftConfig } from '#model/config.ts';
import { desiredAt } from '#model/desired.ts';
import { HOUR_MS } from '#model/duration.ts';

/** Empty if no schedule stops a cluster within an hour. */
export function scheduleWarning(config: NightshiftConfig, now: Date, timeZone: string): string {
  const time = (at: Date) =>
    new Intl.DateTimeFormat('en-GB', {
      timeZone,
      weekday: 'long',
      hour: '2-digit',
      minute: '2-digit',
    }).format(at);
  const stops = Object.keys(config.environments).flatMap((name) => {
    const { nightSchedule } = settingsOf(config, name, now);
    if (!nightSchedule) return [];
    const { state, reason, until } = desiredAt(nightSchedule.schedule, now, []);
    if (state === 'asleep') return [{ name, when: 'now', reason, awake: until }];
    if (!until || until.getTime() > now.getTime() + HOUR_MS) return [];
    return [{ name, when: `at ${time(until)}`, reason, awake: now }];
  });
  const [first] = stops;
  if (!first) return '';
  const from = new Date((first.awake ?? now).getTime() + HOUR_MS).toISOString();
  return [
    `It is ${time(now)} (${timeZone}) in the lab, so the schedules stop its clusters:`,
    ...stops.map(({ name, when, reason }) => `  ${name} ${when}: ${reason}`),
    `To keep one up: npm run -s nightshift -- keep-up ${first.name} --for 2h (with its variables, see above).`,
    `To start in office hours: npm run lab -- --from ${from}`,
    '',
    '',
  ].join('\n');
}
