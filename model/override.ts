/** Which override decides, and which overrides are refused before they are written: night-schedule follows every one. */
import type { EnvironmentConfig } from './config.ts';
import { DAY_MS } from './duration.ts';
import { didYouMean } from './nearest.ts';
import { isPlainText } from './plain-text.ts';
import { LONGEST_OVERRIDE_DAYS, type Override, TEXT_LIMIT } from './schedule.ts';

/**
 * Which of the overrides decides at `now`. A newer request to sleep wins over an older one to stay awake, and the other
 * way round: the newest of those in force decides the state. Among those that keep the cluster awake the one that ends
 * last wins, so that nobody shortens what somebody else asked for. Times that cannot be read are never in force.
 */
export function effectiveOverride(overrides: readonly Override[], now: Date): Override | undefined {
  const at = now.getTime();
  const newestFirst = overrides
    .filter(({ from, until }) => Date.parse(from) <= at && at < Date.parse(until))
    .sort((a, b) => Date.parse(b.from) - Date.parse(a.from) || compareAtSameStart(a, b));
  const [newest] = newestFirst;
  if (newest?.state !== 'awake') return newest;
  return newestFirst
    .filter(({ state }) => state === 'awake')
    .reduce((last, other) => (Date.parse(other.until) > Date.parse(last.until) ? other : last), newest);
}

/** Of overrides that begin at one instant one that keeps the cluster awake wins; otherwise the order must only be fixed. */
function compareAtSameStart(a: Override, b: Override): number {
  if (a.state !== b.state) return a.state === 'awake' ? -1 : 1;
  return Date.parse(b.until) - Date.parse(a.until) || (a.id < b.id ? -1 : 1);
}

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

/**
 * Why this override, or pause, is refused, or undefined. Every refusal shows the value and an example. `shownUntil` is its end
 * as people read it, on the clock of the schedule.
 */
export function refuseOverride(
  override: Pick<Override, 'until' | 'label' | 'reason'>,
  now: Date,
  { instead = 'or change the schedule in the config', shownUntil = override.until } = {},
): string | undefined {
  const until = Date.parse(override.until);
  const example = 'write for example --for 2h, or --until 23:00';
  if (Number.isNaN(until)) return `"${override.until}" is an invalid time: ${example}`;
  if (until <= now.getTime()) return `${shownUntil} is in the past: ${example}`;
  if (until - now.getTime() > LONGEST_OVERRIDE_DAYS * DAY_MS) {
    return `${shownUntil} is more than ${LONGEST_OVERRIDE_DAYS} days ahead: ${example}, ${instead}`;
  }
  return refuseText('name', '--author', override.label) ?? refuseText('reason', '--reason', override.reason);
}

function refuseText(what: string, option: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  if (text.trim() === '') return `the ${what} is empty: write ${option} with a few words`;
  if (text.length > TEXT_LIMIT)
    return `the ${what} has ${text.length} characters: write at most ${TEXT_LIMIT}`;
  if (!isPlainText(text))
    return `the ${what} contains control characters, or characters that change the direction of text: write plain text`;
  return undefined;
}
