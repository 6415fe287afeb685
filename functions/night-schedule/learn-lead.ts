/**
 * How much earlier than the schedule a start must begin, learned from the mornings that were observed. Pure. Not the
 * slowest of them counts but the second slowest, so that one bad morning moves nothing.
 */
import { weekdayOf } from '#model/date.ts';
import { desiredAt } from '#model/desired.ts';
import { DAY_MINUTES, MINUTE_MS } from '#model/duration.ts';
import type { Weekday } from '#model/schedule.ts';
import type { NightScheduleSettings, ReadyPhase } from '#model/settings.ts';
import { wallAt } from '#model/zone.ts';
import { LONGEST_LEAD_SECONDS } from './decide-desired.ts';
import type { Morning, MorningPhase } from './records.ts';

export interface Lead {
  readonly seconds: number;
  /** Completes "started … early: ". */
  readonly reason: string;
}

/** The tick that begins the start may come up to a minute late. */
const TICK_SECONDS = 60;
/** Until a start was observed. */
const UNKNOWN_SECONDS: Readonly<Record<MorningPhase, number>> = {
  instances: 300,
  nodes: 300,
  argocd: 420,
  applications: 600,
  url: 600,
};
/** With fewer, the slowest counts. */
const ENOUGH = 5;
/** So many starts in a row that are all slower than what was learned, or all faster than most, are no chance. */
const SLOWER_IN_A_ROW = 3;
const FASTER_IN_A_ROW = 10;
/** A weekday counts on its own when it was observed so often, and differs by so much. */
const WEEKDAY_MORNINGS = 4;
const WEEKDAY_DIFFERS_SECONDS = 60;

export const phaseOf = (readyBy: ReadyPhase): MorningPhase => (typeof readyBy === 'string' ? readyBy : 'url');

/** For the next time at which the schedule changes. */
export function leadAt(
  { readyBy, schedule }: Pick<NightScheduleSettings, 'readyBy' | 'schedule'>,
  mornings: readonly Morning[],
  now: Date,
): Lead {
  const at = desiredAt(schedule, now, []).until;
  return learnLead(mornings, { phase: phaseOf(readyBy || 'nodes'), timeZone: schedule.timeZone, at });
}

export interface LeadQuestion {
  readonly phase: MorningPhase;
  readonly timeZone: string;
  /** The time of the schedule. Absent: on any day. */
  readonly at?: Date | undefined;
}

export function learnLead(mornings: readonly Morning[], { phase, timeZone, at }: LeadQuestion): Lead {
  const all = mornings.flatMap(({ asked, promised, seconds }) => {
    const took = seconds[phase];
    return took === undefined ? [] : [{ took, day: weekdayAt(timeZone, new Date(promised ?? asked)) }];
  });
  const day = at && weekdayAt(timeZone, at);
  const { samples, of } = ofWeekday(all, day);
  const recent = sinceTheLastChange(samples);
  if (recent.length === 0) return unknownLead(mornings, phase);
  const took = robustSlowest(recent);
  const count = recent.length === 1 ? 'the last start' : `the last ${recent.length} starts`;
  const which = recent.length < ENOUGH ? 'slowest' : 'second slowest';
  return {
    seconds: limited(took + TICK_SECONDS),
    reason: `${which} of ${count}${of} until ${PHASE_TEXT[phase]}: ${minutesText(took)}`,
  };
}

export const PHASE_TEXT: Readonly<Record<MorningPhase, string>> = {
  instances: 'all instances were in service',
  nodes: 'all nodes were Ready',
  argocd: 'Argo CD answered',
  applications: 'all applications were Healthy',
  url: 'the URL answered',
};

/** Nothing observed of this phase: what was observed of the nodes, and a guess for the rest. */
function unknownLead(mornings: readonly Morning[], phase: MorningPhase): Lead {
  const nodes = mornings.flatMap(({ seconds }) => seconds['nodes'] ?? []);
  const guess = UNKNOWN_SECONDS[phase];
  const beyondNodes = guess - UNKNOWN_SECONDS.nodes;
  const took = nodes.length > 0 ? robustSlowest(sinceTheLastChange(nodes)) + beyondNodes : guess;
  return {
    seconds: limited(took + TICK_SECONDS),
    reason: `no start was observed until ${PHASE_TEXT[phase]}: ${minutesText(took)} are assumed`,
  };
}

/** Mornings of one weekday, where it differs from the others; otherwise those of all days that do not differ. */
function ofWeekday(
  all: readonly { readonly took: number; readonly day: Weekday }[],
  day: Weekday | undefined,
): { readonly samples: readonly number[]; readonly of: string } {
  const differing = new Set(WEEKDAYS.filter((of) => differs(all, of)));
  if (day !== undefined && differing.has(day))
    return { samples: all.filter((one) => one.day === day).map(({ took }) => took), of: ' on this weekday' };
  const usual = all.filter((one) => day === undefined || !differing.has(one.day));
  return { samples: usual.map(({ took }) => took), of: '' };
}

const WEEKDAYS: readonly Weekday[] = [1, 2, 3, 4, 5, 6, 7];

function differs(all: readonly { readonly took: number; readonly day: Weekday }[], of: Weekday): boolean {
  const own = all.filter((one) => one.day === of).map(({ took }) => took);
  const others = all.filter((one) => one.day !== of).map(({ took }) => took);
  if (own.length < WEEKDAY_MORNINGS || others.length < WEEKDAY_MORNINGS) return false;
  const usual = median(others);
  const spread = median(others.map((took) => Math.abs(took - usual)));
  return Math.abs(median(own) - usual) > Math.max(WEEKDAY_DIFFERS_SECONDS, 3 * spread);
}

/** What was observed before another instance type, other groups or other applications says nothing any more. */
function sinceTheLastChange(samples: readonly number[]): readonly number[] {
  for (let start = samples.length - SLOWER_IN_A_ROW; start >= ENOUGH; start -= 1) {
    const before = samples.slice(0, start);
    const after = samples.slice(start);
    const slowest = robustSlowest(before);
    if (after.every((took) => took > slowest)) return after;
    const usual = median(before);
    if (after.length >= FASTER_IN_A_ROW && after.every((took) => took < usual)) return after;
  }
  return samples;
}

/** One bad morning does not count, as soon as there are enough to know that it is one. */
function robustSlowest(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => b - a);
  return sorted[sorted.length < ENOUGH ? 0 : 1] ?? 0;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
}

function weekdayAt(timeZone: string, at: Date): Weekday {
  return weekdayOf(Math.floor(wallAt(timeZone, at.getTime()) / DAY_MINUTES));
}

function limited(seconds: number): number {
  return Math.min(seconds, LONGEST_LEAD_SECONDS);
}

export function minutesText(seconds: number): string {
  return `${Math.round((seconds * 1000) / MINUTE_MS)} min`;
}
