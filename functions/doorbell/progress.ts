/** How far a start is, from what was observed. Pure. */
import { learnLead } from '#functions/night-schedule/learn-lead.ts';
import { keeperOf } from '#functions/self-service/decide.ts';
import type { NightOfPage } from '#functions/self-service/ports.ts';
import { MINUTE_MS } from '#model/duration.ts';
import type { DoorbellSettings } from '#model/settings.ts';

export type Step = 'asked' | 'starting' | 'instances' | 'nodes' | 'answers';

export type Progress =
  | { readonly kind: 'asleep' }
  | {
      /** `given-up`: it takes longer than a start may take. */
      readonly kind: 'starting' | 'given-up';
      /** When each step was observed, in order; undefined where it was not. */
      readonly steps: readonly { readonly step: Step; readonly at?: string }[];
      /** Minutes that the last starts took, to Ready nodes. */
      readonly minutes: number;
      readonly since: string;
    };

/** An application that needs longer after its nodes are Ready is not waited for. */
const ANSWER_MINUTES = 10;

export function progressOf(night: NightOfPage, settings: DoorbellSettings, now: Date): Progress {
  const { state, mornings } = night;
  const by = keeperOf(night.overrides, now);
  const isUp = state?.phase === 'starting' || state?.phase === 'awake';
  if (!isUp && !by) return { kind: 'asleep' };
  const morning = mornings.at(-1);
  // One of an earlier start says nothing about this one.
  const isThis =
    isUp && morning !== undefined && (state.phase === 'starting' ? morning.asked === state.since : true);
  const at = (phase: string) => {
    const seconds = isThis ? morning.seconds[phase] : undefined;
    return seconds === undefined
      ? undefined
      : new Date(Date.parse(morning?.asked ?? '') + seconds * 1_000).toISOString();
  };
  const since = by?.from ?? state?.since ?? now.toISOString();
  const times: readonly (readonly [Step, string | undefined])[] = [
    ['asked', since],
    ['starting', isUp ? (isThis ? morning?.asked : state.since) : undefined],
    ['instances', at('instances') ?? at('nodes')],
    ['nodes', at('nodes') ?? (state?.phase === 'awake' ? state.since : undefined)],
    ['answers', undefined],
  ];
  const begun = Math.max(
    Date.parse(since),
    isUp && state ? Date.parse(isThis ? (morning?.asked ?? since) : state.since) : 0,
  );
  const limit = (settings.startDeadlineMinutes + ANSWER_MINUTES) * MINUTE_MS;
  return {
    kind: now.getTime() - begun > limit ? 'given-up' : 'starting',
    steps: times.map(([step, time]) => ({ step, ...(time ? { at: time } : {}) })),
    minutes: readyMinutes(mornings, settings),
    since,
  };
}

/** Minutes to Ready nodes, by what the last starts took, and the minute until the next tick. */
export function readyMinutes(
  mornings: NightOfPage['mornings'],
  { schedule }: Pick<DoorbellSettings, 'schedule'>,
): number {
  return Math.ceil((learnLead(mornings, { phase: 'nodes', timeZone: schedule.timeZone }).seconds + 60) / 60);
}
