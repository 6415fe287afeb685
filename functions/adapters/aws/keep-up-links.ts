/**
 * The signed links of a notification about the night. They are made when it is sent and are in no log and no table: who
 * reads a link can use it. Loaded with the first notification.
 */
import { randomBytes } from 'node:crypto';
import { timeOf } from '#functions/night-schedule/decide-desired.ts';
import type { Decision } from '#model/decision.ts';
import { DAY_MS, MINUTE_MS } from '#model/duration.ts';
import { type KeepUpLink, LINK_PARAMETER, linkBody, signedTextOf } from '#model/keep-up-link.ts';
import { endOfNight, stopOfNight } from '#model/keep-up-night.ts';
import type { Schedule } from '#model/schedule.ts';
import type { CommonSettings, LinkLimits } from '#model/settings.ts';
import type { MacKey } from './mac-key.ts';

/** Of night-schedule or branch-deploy. */
export interface SettingsOfLinks extends Pick<CommonSettings, 'environment' | 'region'> {
  readonly schedule?: Schedule;
  /** Absent where notifications carry no links. */
  readonly links?: LinkLimits;
}

export interface KeepUpLinksOptions {
  readonly settings: Omit<SettingsOfLinks, 'region'>;
  /** `https://….lambda-url.<region>.on.aws/` */
  readonly pageUrl: string;
  readonly key: Pick<MacKey, 'sign'>;
  /** Links of another generation are refused. */
  readonly generation: () => Promise<number>;
}

const SUGGESTED_MINUTES = [60, 120];

interface Configured {
  readonly links: LinkLimits;
  readonly schedule: Schedule;
}

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

  const whenDeferred = async (decision: Decision, given: Configured) => {
    const now = new Date(decision.time);
    const stop = stopOfNight(given.schedule, now);
    // A deploy that waits for a sync window by day is not helped by a cluster that is up.
    if (decision.action !== 'defer' || !stop || stop > now) return [];
    const address = await addressOf({
      action: 'wake',
      minutes: SUGGESTED_MINUTES[0] ?? 60,
      stop: stop.toISOString(),
      expires: endOfNight(given.schedule, now).toISOString(),
      maxHours: given.links.maxHours,
    });
    return [`Start the cluster now, and deploy it: ${address}`];
  };

  return async (decision) => {
    if (!links || !schedule) return [];
    if (decision.capability === 'branch-deploy') return whenDeferred(decision, { links, schedule });
    if (decision.capability !== 'night-schedule') return [];
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
