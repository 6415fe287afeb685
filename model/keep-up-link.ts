/**
 * A link that lets somebody without AWS credentials keep the cluster up for one night. It carries everything that limits
 * it; a message authentication code over its text makes it unforgeable. Pure: the adapters compute and verify the code.
 */
import { HOUR_MS, MINUTE_MS } from './duration.ts';
import * as s from './record-schema.ts';

export const LINK_ACTIONS = ['keep-up', 'wake', 'why'] as const;
export type LinkAction = (typeof LINK_ACTIONS)[number];

export interface KeepUpLink {
  /** Chosen at random: the author of what is requested through the link. */
  readonly id: string;
  readonly environment: string;
  /** `why` shows the state and the decisions, and changes nothing. */
  readonly action: LinkAction;
  /** The stop that the link postpones. ISO 8601, UTC, as all instants here. */
  readonly stop: string;
  /** The stop by the schedule that the night began with: what is requested in one night is counted together. */
  readonly night: string;
  /** From then on the link is refused. No end may be later. */
  readonly expires: string;
  /** The end that the page suggests is so many minutes after the stop, or after now where that is later. */
  readonly minutes: number;
  /** The latest end is so many hours after the stop, or after now where that is later. */
  readonly maxHours: number;
  /** Links of an older generation are revoked. */
  readonly generation: number;
}

/** Persisted under `override | links`: written by an operator who revokes every link that was sent before. */
export interface LinkGeneration {
  readonly generation: number;
  readonly since: string;
  readonly author: string;
}

export const linkGenerationSchema: s.Schema<LinkGeneration> = s.object({
  generation: s.count,
  since: s.instant,
  author: s.text,
});

/** Until somebody revokes links. */
export const FIRST_GENERATION = 0;

/** The parameter of the address that holds the link. */
export const LINK_PARAMETER = 'l';
/** Longer ones are not read: ours are half as long. */
const LONGEST_LINK = 600;
/** What is signed begins with it, so that the code of no other text of the key is valid for a link. */
const SIGNED_PREFIX = 'nightshift-link-1.';

export type ParsedLink =
  | { readonly ok: true; readonly link: KeepUpLink; readonly signedText: string; readonly mac: string }
  | { readonly ok: false };

/** The body of the link, without its code. `base64Url` is passed in: the model has no bytes. */
export function linkBody(link: KeepUpLink, base64Url: (text: string) => string): string {
  return base64Url(
    JSON.stringify([
      link.id,
      link.environment,
      link.action,
      link.stop,
      link.expires,
      link.minutes,
      link.maxHours,
      link.generation,
      link.night,
    ]),
  );
}

/** What the code is computed of. */
export function signedTextOf(body: string): string {
  return `${SIGNED_PREFIX}${body}`;
}

export function parseLink(given: string | undefined, textOf: (base64Url: string) => string): ParsedLink {
  if (given === undefined || given.length > LONGEST_LINK) return { ok: false };
  // The last character of 32 bytes has two bits that mean nothing: another one there is an altered link too.
  const [, body, mac] = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{42}[AEIMQUYcgkosw048])$/.exec(given) ?? [];
  const link = body === undefined ? undefined : linkIn(textOf(body));
  if (body === undefined || mac === undefined || !link) return { ok: false };
  return { ok: true, link, signedText: signedTextOf(body), mac };
}

const linkSchema: s.Schema<KeepUpLink> = s.object({
  id: s.text,
  environment: s.text,
  action: s.oneOf(...LINK_ACTIONS),
  stop: s.instant,
  expires: s.instant,
  minutes: s.count,
  maxHours: s.count,
  generation: s.count,
  night: s.instant,
});

function linkIn(json: string): KeepUpLink | undefined {
  let parts: unknown;
  try {
    parts = JSON.parse(json);
  } catch {
    return undefined;
  }
  if (!Array.isArray(parts) || parts.length !== 9) return undefined;
  const [id, environment, action, stop, expires, minutes, maxHours, generation, night] = parts;
  const link = { id, environment, action, stop, expires, minutes, maxHours, generation, night };
  return s.isValid(linkSchema, link) ? link : undefined;
}

export type LinkRefusal = 'invalid' | 'foreign' | 'expired' | 'revoked';

/** Before the code is verified: what needs no call of AWS. */
export function refuseLink(link: KeepUpLink, environment: string, now: Date): LinkRefusal | undefined {
  if (link.environment !== environment) return 'foreign';
  return Date.parse(link.expires) <= now.getTime() ? 'expired' : undefined;
}

/** The latest end that the link allows now. `maxHours` of the config counts where it is less. */
export function latestEnd(
  link: Pick<KeepUpLink, 'stop' | 'expires' | 'maxHours'>,
  maxHours: number,
  now: Date,
): Date {
  const base = Math.max(now.getTime(), Date.parse(link.stop));
  const hours = Math.min(link.maxHours, maxHours);
  return new Date(Math.min(Date.parse(link.expires), base + hours * HOUR_MS));
}

export interface EndChoice {
  readonly at: Date;
  readonly isSuggested: boolean;
}

const STEPS_MINUTES = [30, 60, 90, 120, 180, 240, 360, 480, 720];
/** Ends are on the five minutes, as people say times. */
const ROUND_MS = 5 * MINUTE_MS;

/** The ends that the page offers, the earliest first. None before `keptUntil`: nobody shortens what somebody asked for. */
export function endChoices(
  link: KeepUpLink,
  maxHours: number,
  now: Date,
  keptUntil = now,
): readonly EndChoice[] {
  const after = Math.max(now.getTime(), keptUntil.getTime());
  const base = Math.max(Math.ceil(now.getTime() / ROUND_MS) * ROUND_MS, Date.parse(link.stop));
  const latest = latestEnd(link, maxHours, now).getTime();
  const ends = [...new Set([...STEPS_MINUTES, link.minutes])]
    .filter((minutes) => minutes > 0)
    .sort((a, b) => a - b)
    .map((minutes) => ({ minutes, at: base + minutes * MINUTE_MS }))
    .filter(({ at }) => at > after && at <= latest);
  if (ends.length === 0) return latest > after ? [{ at: new Date(latest), isSuggested: true }] : [];
  const suggested = ends.findLast(({ minutes }) => minutes <= link.minutes) ?? ends[0];
  return ends.map((end) => ({ at: new Date(end.at), isSuggested: end === suggested }));
}
