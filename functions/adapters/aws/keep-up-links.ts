/**
 * The signed links of a notification about the night. They are made when it is sent and are in no log and no table: who
 * reads a link can use it. Loaded with the first notification.
 */
import { randomBytes } from 'node:crypto';
import { timeOf } from '#functions/night-schedule/decide-desired.ts';
import type { Decision } from '#model/decision.ts';
import { desiredAt } from '#model/desired.ts';
import { DAY_MS, MINUTE_MS } from '#model/duration.ts';
import { type KeepUpLink, LINK_PARAMETER, linkBody, signedTextOf } from '#model/keep-up-link.ts';
import { endOfNight, nightOf, stopOfNight } from '#model/keep-up-night.ts';
import type { Override, Schedule } from '#model/schedule.ts';
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

/** What is behind it, as a person reads it, and the link. */
export interface SignedLink {
  readonly what: string;
  /** The author of what is requested through it: `link/<id>`. */
  readonly id: string;
  /** ISO 8601, UTC: from then on it is refused. */
  readonly expires: string;
  readonly address: string;
}

const SUGGESTED_MINUTES = [60, 120];

type Bounds = Omit<KeepUpLink, 'id' | 'environment' | 'generation'>;
type Signer = (what: string, bounds: Bounds) => Promise<SignedLink>;

interface Configured {
  readonly links: LinkLimits;
  readonly schedule: Schedule;
  readonly sign: Signer;
}

/** Lines of text, each with one link. */
export function createKeepUpLinks(
  options: KeepUpLinksOptions,
): (decision: Decision) => Promise<readonly string[]> {
  const { schedule, links } = options.settings;
  return async (decision) => {
    if (!links || !schedule) return [];
    const made = await linksFor(decision, { links, schedule, sign: signerOf(options) });
    return made.map(({ what, address }) => `${what}: ${address}`);
  };
}

/**
 * What somebody can be given now: ends to choose from while the cluster is up, and a start while it is not. Empty where the
 * schedule has no stop in the next weeks.
 */
export async function linksAt(
  now: Date,
  overrides: readonly Override[],
  options: KeepUpLinksOptions,
): Promise<readonly SignedLink[]> {
  const { schedule, links } = options.settings;
  if (!links || !schedule) return [];
  const configured = { links, schedule, sign: signerOf(options) };
  const { state, until } = desiredAt(schedule, now, overrides);
  if (state === 'asleep') {
    return Promise.all([wakeLink('Start it now', now, configured), whyLink(now, configured)]);
  }
  const stop = until && desiredAt(schedule, until, overrides).state === 'asleep' ? until : undefined;
  return stop ? linksOfStop(stop, now, configured) : [];
}

function signerOf({ settings, pageUrl, key, generation }: KeepUpLinksOptions): Signer {
  return async (what, bounds) => {
    const id = randomBytes(6).toString('base64url');
    const link = { ...bounds, id, environment: settings.environment, generation: await generation() };
    const body = linkBody(link, (text) => Buffer.from(text, 'utf8').toString('base64url'));
    const address = `${pageUrl}?${LINK_PARAMETER}=${body}.${await key.sign(signedTextOf(body))}`;
    return { what, id, expires: bounds.expires, address };
  };
}

async function linksFor(decision: Decision, configured: Configured): Promise<readonly SignedLink[]> {
  const at = new Date(decision.time);
  if (decision.capability === 'branch-deploy') {
    // A deploy that waits for a sync window by day is not helped by a cluster that is up.
    const stop = decision.action === 'defer' ? stopOfNight(configured.schedule, at) : undefined;
    return stop && stop <= at ? [await wakeLink('Start the cluster now, and deploy it', at, configured)] : [];
  }
  if (decision.capability !== 'night-schedule') return [];
  const { stop } = decision;
  return typeof stop === 'string'
    ? linksOfStop(new Date(stop), at, configured)
    : [await whyLink(at, configured)];
}

function linksOfStop(stop: Date, now: Date, configured: Configured): Promise<readonly SignedLink[]> {
  const { schedule, links, sign } = configured;
  const bounds = boundsOf(stop, configured);
  const suggested = SUGGESTED_MINUTES.filter((minutes) => minutes <= links.maxHours * 60);
  return Promise.all([
    ...suggested.map((minutes) => {
      const until = timeOf(schedule, new Date(stop.getTime() + minutes * MINUTE_MS));
      const what = `Keep it up until ${until}, or choose another time`;
      return sign(what, { action: 'keep-up', minutes, ...bounds });
    }),
    wakeLink('Start it again later in the night', stop, configured),
    whyLink(now, configured),
  ]);
}

/** `at`: the stop that comes, or now. */
function wakeLink(what: string, at: Date, configured: Configured): Promise<SignedLink> {
  const minutes = SUGGESTED_MINUTES[0] ?? 60;
  return configured.sign(what, { action: 'wake', minutes, ...boundsOf(at, configured) });
}

function boundsOf(stop: Date, { schedule, links }: Configured) {
  return {
    stop: stop.toISOString(),
    night: nightOf(schedule, stop).toISOString(),
    expires: endOfNight(schedule, stop).toISOString(),
    maxHours: links.maxHours,
  };
}

function whyLink(now: Date, { links, sign }: Configured): Promise<SignedLink> {
  const at = now.toISOString();
  return sign('Why, and what comes next', {
    action: 'why',
    stop: at,
    night: at,
    expires: new Date(now.getTime() + DAY_MS).toISOString(),
    minutes: 0,
    maxHours: links.maxHours,
  });
}
