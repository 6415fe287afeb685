/** What a press of somebody unverified means: an override, or why there is none. Pure. */
import { keeperOf } from '#functions/self-service/decide.ts';
import type { NightOfPage } from '#functions/self-service/ports.ts';
import { nightAt } from '#model/doorbell.ts';
import { HOUR_MS } from '#model/duration.ts';
import { freeIds, NAME_LIMIT, REASON_LIMIT } from '#model/night-requests.ts';
import { effectiveOverride } from '#model/override.ts';
import { isPlainText } from '#model/plain-text.ts';
import type { Override, OverrideVia } from '#model/schedule.ts';
import type { DoorbellSettings } from '#model/settings.ts';

/** The ways that end here. */
type PressVia = Extract<OverrideVia, 'link' | 'doorbell' | 'chat'>;

export interface Press {
  readonly via: PressVia;
  /** `chat, unverified`, or the id of a signed link. */
  readonly author: string;
  readonly name: string;
  readonly reason: string;
  /** The stop that was announced, where the press names one. */
  readonly stop?: string;
}

export type Decided =
  /** `id`: the first one of the night that is free counts this press. */
  | { readonly kind: 'wake'; readonly override: Omit<Override, 'id'>; readonly id: string }
  | { readonly kind: 'already'; readonly until: string }
  | { readonly kind: 'awake' }
  | { readonly kind: 'refused'; readonly why: Refusal };

export type Refusal =
  | 'used-up'
  | 'on-purpose'
  | 'other-night'
  | 'no-night'
  | 'no-link'
  | 'name'
  | 'no-reason'
  | 'reason';

export function decide(
  press: Press,
  night: Pick<NightOfPage, 'overrides' | 'state'>,
  { settings, now }: { readonly settings: DoorbellSettings; readonly now: Date },
): Decided {
  const refused = (why: Refusal): Decided => ({ kind: 'refused', why });
  const wrong = wrongText(press, settings);
  if (wrong) return refused(wrong);
  const current = nightAt(settings.schedule, now);
  if (!current) return refused('no-night');
  if (press.stop !== undefined && !isAnnounced(press.stop, current.stop, night.overrides))
    return refused('other-night');
  const by = keeperOf(night.overrides, now);
  // Somebody with AWS credentials has stopped it, and means it.
  if (effectiveOverride(night.overrides, now)?.state === 'asleep') return refused('on-purpose');
  const isNight = current.stop.getTime() <= now.getTime();
  if (!isNight && press.via !== 'chat') return { kind: 'awake' };
  const until = endOf(current, settings, now);
  if (by && Date.parse(by.until) >= until.getTime() - SAME_MS) return { kind: 'already', until: by.until };
  // The same as those of the signed links and of kubectl: one night has one count, whatever way is used.
  const [id] = freeIds(current.stop.toISOString(), settings.perNight, night.overrides);
  if (id === undefined) return refused('used-up');
  return {
    kind: 'wake',
    id,
    override: {
      state: 'awake',
      from: now.toISOString(),
      until: until.toISOString(),
      author: press.author,
      via: press.via,
      ...(press.name ? { label: press.name } : {}),
      reason: press.reason || REASONS[press.via],
    },
  };
}

/** Presses of several people in a minute are one request. */
const SAME_MS = 5 * 60_000;

const REASONS: Readonly<Record<PressVia, string>> = {
  link: 'woken by a link on the page of a sleeping application',
  doorbell: 'woken on the page of a sleeping application',
  chat: 'a button in the chat was pressed',
};

/** The hours of the config after the stop, or after now where that is later; past the next start the schedule counts. */
function endOf(
  { stop, end }: { readonly stop: Date; readonly end?: Date },
  { hours, maxHours }: Pick<DoorbellSettings, 'hours' | 'maxHours'>,
  now: Date,
): Date {
  const until = Math.max(stop.getTime(), now.getTime()) + Math.min(hours, maxHours) * HOUR_MS;
  return new Date(Math.min(until, end?.getTime() ?? until));
}

/** The stop by the schedule, or the one to which somebody postponed it. */
function isAnnounced(given: string, stop: Date, overrides: readonly Override[]): boolean {
  const at = Date.parse(given);
  return (
    at === stop.getTime() ||
    (at > stop.getTime() &&
      overrides.some(({ state, until }) => state === 'awake' && Date.parse(until) === at))
  );
}

function wrongText({ name, reason, via }: Press, { requireReason }: DoorbellSettings): Refusal | undefined {
  if (!isPlainText(name) || name.length > NAME_LIMIT) return 'name';
  if (!isPlainText(reason) || reason.length > REASON_LIMIT) return 'reason';
  return requireReason && reason === '' && via !== 'chat' ? 'no-reason' : undefined;
}
