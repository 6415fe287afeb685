/**
 * The signed links of a notification about the night. They are made when it is sent and are in no log and no table: who
 * reads a link can use it. Loaded with the first notification.
 */
import { randomBytes } from 'node:crypto';
import { timeOf } from '#functions/night-schedule/decide-desired.ts';
import type { Decision } from '#model/decision.ts';
import { transitions } from '#model/desired.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '#model/duration.ts';
import { type KeepUpLink, LINK_PARAMETER, linkBody, signedTextOf } from '#model/keep-up-link.ts';
import type { NightScheduleSettings } from '#model/settings.ts';
import type { MacKey } from './mac-key.ts';

export interface KeepUpLinksOptions {
  readonly settings: Pick<NightScheduleSettings, 'environment' | 'schedule' | 'links'>;
  /** `https://….lambda-url.<region>.on.aws/` */
  readonly pageUrl: string;
  readonly key: Pick<MacKey, 'sign'>;
  /** Links of another generation are refused. */
  readonly generation: () => Promise<number>;
}

/** A link ends with the night, and on the day before a holiday or a weekend so many hours after the stop. */
const LONGEST_NIGHT_HOURS = 14;
const SUGGESTED_MINUTES = [60, 120];

/** Lines of text, each with one link. */
export function createKeepUpLinks(
  options: KeepUpLinksOptions,
): (decision: Decision) => Promise<readonly string[]> {
  const { settings, key } = options;
  const { environment, schedule, links } = settings;

  const addressOf = async (link: Omit<KeepUpLink, 'id' | 'environment' | 'generation'>) => {
    const body = linkBody(
      {
        ...link,
        id: randomBytes(6).toString('base64url'),
        environment,
        generation: await options.generation(),
      },
      (text) => Buffer.from(text, 'utf8').toString('base64url'),
    );
    return `${options.pageUrl}?${LINK_PARAMETER}=${body}.${await key.sign(signedTextOf(body))}`;
  };

  return async (decision) => {
    if (!links || decision.capability !== 'night-schedule') return [];
    const { maxHours } = links;
    const why = {
      action: 'why',
      stop: decision.time,
      expires: new Date(Date.parse(decision.time) + DAY_MS).toISOString(),
      minutes: 0,
      maxHours,
    } as const;
    const whyLine = async () => `Why, and what comes next: ${await addressOf(why)}`;
    const { stop } = decision;
    if (typeof stop !== 'string') return [await whyLine()];
    const at = Date.parse(stop);
    const night = { stop, expires: endOfNight(schedule, new Date(at)).toISOString(), maxHours };
    const suggested = SUGGESTED_MINUTES.filter((minutes) => minutes <= maxHours * 60);
    return Promise.all([
      ...suggested.map(async (minutes) => {
        const until = timeOf(schedule, new Date(at + minutes * MINUTE_MS));
        const address = await addressOf({ action: 'keep-up', minutes, ...night });
        return `Keep it up until ${until}, or choose another time: ${address}`;
      }),
      addressOf({ action: 'wake', minutes: SUGGESTED_MINUTES[0] ?? 60, ...night }).then(
        (address) => `Start it again later in the night: ${address}`,
      ),
      whyLine(),
    ]);
  };
}

/** The next start by the schedule. */
function endOfNight(schedule: NightScheduleSettings['schedule'], stop: Date): Date {
  const last = new Date(stop.getTime() + LONGEST_NIGHT_HOURS * HOUR_MS);
  return transitions(schedule, stop, last).find(({ to }) => to === 'awake')?.at ?? last;
}
