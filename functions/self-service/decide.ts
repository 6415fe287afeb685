/** What the form of the page asks for: an override, or why there is none. Pure. */
import { type KeepUpLink, latestEnd } from '#model/keep-up-link.ts';
import { freeIds, NAME_LIMIT, NO_REASON, REASON_LIMIT } from '#model/night-requests.ts';
import { effectiveOverride } from '#model/override.ts';
import { isPlainText, isVisible } from '#model/plain-text.ts';
import type { Override } from '#model/schedule.ts';
import type { SelfServiceSettings } from '#model/settings.ts';
import type { NightOfPage } from './ports.ts';

export interface Ask {
  readonly until: string;
  readonly name: string;
  readonly reason: string;
}

/** What is wrong with the form: the page is shown again with what was typed. */
export type FormProblem =
  | 'no-end'
  | 'past'
  | 'too-late'
  | 'no-name'
  | 'name-not-plain'
  | 'name-too-long'
  | 'no-reason'
  | 'reason-not-plain'
  | 'reason-too-long';

export type Decided =
  /** `ids` are tried in this order: the first that is free counts this request. */
  | { readonly kind: 'keep-up'; readonly override: Omit<Override, 'id'>; readonly ids: readonly string[] }
  /** Nothing is to be done: somebody keeps it up as long, or longer. */
  | { readonly kind: 'already'; readonly by: Override }
  | { readonly kind: 'ask-again'; readonly problem: FormProblem }
  | { readonly kind: 'used-up'; readonly perNight: number };

export function decide(
  link: KeepUpLink,
  ask: Ask,
  night: Pick<NightOfPage, 'overrides'>,
  context: {
    readonly settings: Pick<SelfServiceSettings, 'maxHours' | 'perNight' | 'requireReason'>;
    readonly now: Date;
    /** The verified address, where one signs in: then no name is asked for. */
    readonly address?: string | undefined;
  },
): Decided {
  const { settings, now, address } = context;
  const problem = problemOf(link, ask, { ...settings, isSignedIn: address !== undefined }, now);
  if (problem) return { kind: 'ask-again', problem };
  const until = new Date(ask.until);
  const by = keeperOf(night.overrides, now);
  // Also where a form is sent twice.
  if (by && Date.parse(by.until) >= until.getTime()) return { kind: 'already', by };
  const ids = freeIds(link.night, settings.perNight, night.overrides);
  if (ids.length === 0) return { kind: 'used-up', perNight: settings.perNight };
  const override = {
    state: 'awake',
    from: now.toISOString(),
    until: until.toISOString(),
    ...authorIn(link, ask, address),
    reason: ask.reason || NO_REASON,
  } as const;
  return { kind: 'keep-up', override, ids };
}

/** Who asks: the verified address, or the link and a name that anybody can type. */
export function authorIn(
  link: Pick<KeepUpLink, 'id'>,
  { name }: Pick<Ask, 'name'>,
  address: string | undefined,
): Pick<Override, 'author' | 'via' | 'label'> {
  if (address !== undefined) return { author: address, via: 'sign-in' };
  return { author: `link/${link.id}`, via: 'link', ...(name ? { label: name } : {}) };
}

/** The override that keeps the cluster up now. */
export function keeperOf(overrides: readonly Override[], now: Date): Override | undefined {
  const override = effectiveOverride(overrides, now);
  return override?.state === 'awake' ? override : undefined;
}

function problemOf(
  link: KeepUpLink,
  { until, name, reason }: Ask,
  settings: Pick<SelfServiceSettings, 'maxHours' | 'requireReason'> & { readonly isSignedIn: boolean },
  now: Date,
): FormProblem | undefined {
  const at = isInstant(until) ? Date.parse(until) : Number.NaN;
  if (Number.isNaN(at)) return 'no-end';
  if (at <= now.getTime()) return 'past';
  if (at > latestEnd(link, settings.maxHours, now).getTime()) return 'too-late';
  const problem = settings.isSignedIn ? undefined : problemOfName(name);
  if (problem) return problem;
  if (settings.requireReason && !isVisible(reason)) return 'no-reason';
  if (!isPlainText(reason)) return 'reason-not-plain';
  return reason.length > REASON_LIMIT ? 'reason-too-long' : undefined;
}

function problemOfName(name: string): FormProblem | undefined {
  if (!isPlainText(name)) return 'name-not-plain';
  if (!isVisible(name)) return 'no-name';
  return name.length > NAME_LIMIT ? 'name-too-long' : undefined;
}

/** As the form sends them; `Date` reads many other texts too. */
function isInstant(text: string): boolean {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(text);
}
