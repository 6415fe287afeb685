/** What may be asked for by an override. The night-schedule function obeys whatever is in the table; this is the door. */
import * as z from 'zod/mini';
import type { EnvironmentConfig } from './config.ts';
import { didYouMean } from './nearest.ts';
import { instant, type Schema } from './record-schema.ts';
import type { Override } from './schedule.ts';

/** An override never lasts longer: who needs more changes the schedule. */
export const LONGEST_OVERRIDE_DAYS = 7;
const TEXT_LIMIT = 200;

/** Why the environment cannot be overridden, or undefined. */
export function refuseEnvironment(
  name: string,
  environments: Readonly<Record<string, EnvironmentConfig>>,
): string | undefined {
  const environment = Object.hasOwn(environments, name) ? environments[name] : undefined;
  const sleeping = Object.keys(environments).filter((key) => environments[key]?.schedule !== undefined);
  const example = sleeping[0] ? `, for example: nightshift keep-up ${sleeping[0]} --for 2h` : '';
  if (!environment) return `there is no environment "${name}": ${didYouMean(name, sleeping)}`;
  if (environment.production) {
    return `"${name}" is a production environment, which no override can reach: name another${example}`;
  }
  if (environment.schedule === undefined) {
    return `"${name}" has no schedule, it is never stopped: name another${example}`;
  }
  return undefined;
}

/** Why this override is refused, or undefined. Every refusal shows the value and an example. */
export function refuseOverride(override: Override, now: Date): string | undefined {
  const until = Date.parse(override.until);
  const example = 'write for example --for 2h, or --until 23:00';
  if (Number.isNaN(until)) return `"${override.until}" is no time: ${example}`;
  if (until <= now.getTime()) return `${override.until} is in the past: ${example}`;
  if (until - now.getTime() > LONGEST_OVERRIDE_DAYS * 86_400_000) {
    return `${override.until} is more than ${LONGEST_OVERRIDE_DAYS} days ahead: ${example}, or change the schedule in the config`;
  }
  for (const field of ['author', 'reason'] as const) {
    const text = override[field];
    if (text.trim() === '') return `the ${field} is empty: write --${field} with a few words`;
    if (text.length > TEXT_LIMIT) {
      return `the ${field} has ${text.length} characters: write at most ${TEXT_LIMIT}`;
    }
    if (/\p{Cc}/u.test(text)) return `the ${field} holds control characters: write plain text`;
  }
  return undefined;
}

export const overrideSchema: Schema<Override> = z.object({
  id: z.string(),
  state: z.enum(['awake', 'asleep']),
  from: instant,
  until: instant,
  author: z.string(),
  reason: z.string(),
});

/**
 * Of several overrides the one that counts at `now`. Only those in force do. Between awake and asleep the one that began
 * last decides; of those that keep the cluster awake the later end wins, so that nobody shortens another's evening.
 */
export function effectiveOverride(overrides: readonly Override[], now: Date): Override | undefined {
  const at = now.getTime();
  const inForce = overrides.filter(({ from, until }) => Date.parse(from) <= at && at < Date.parse(until));
  const newest = latestBy(inForce, 'from');
  if (newest?.state !== 'awake') return newest;
  return latestBy(
    inForce.filter(({ state }) => state === 'awake'),
    'until',
  );
}

/** Of two at the same instant the later in the list. */
function latestBy(overrides: readonly Override[], field: 'from' | 'until'): Override | undefined {
  return overrides.reduce<Override | undefined>(
    (latest, one) => (latest && Date.parse(latest[field]) > Date.parse(one[field]) ? latest : one),
    undefined,
  );
}
