/** Promise 10 in figures: how many mornings were ready in time, how early, and which misses were announced. */
import { MINUTE_MS } from '#model/duration.ts';
import { type MorningsOptions, type PlayedMorning, playMornings } from './world.ts';

/** Mornings that night-schedule may learn from before it is judged. */
export const LEARNED = 60;
const JUDGED = 60;
/** A warning later than that before the promised time helps nobody. */
const ANNOUNCED_BEFORE_MS = 5 * MINUTE_MS;

export const TARGETS = { keptShare: 0.98, earlyMinutes: 6, announcedShare: 0.95 } as const;

export interface Figures {
  readonly mornings: number;
  readonly kept: number;
  /** From the last application that was Healthy to the promised time, in the mean of the mornings that were kept. */
  readonly earlyMinutes: number;
  readonly missed: number;
  /** Of the missed ones: those of which people were warned at least five minutes before the promised time. */
  readonly announced: number;
  /** Of the kept ones: those of which people were warned all the same. */
  readonly falseAlarms: number;
}

export async function morningFigures(
  seeds: readonly number[],
  mutate?: MorningsOptions['mutate'],
): Promise<Figures> {
  const judged: PlayedMorning[] = [];
  for (const seed of seeds)
    judged.push(...(await playMornings({ seed, mornings: LEARNED + JUDGED, mutate })).slice(LEARNED));
  return figuresOf(judged);
}

export function figuresOf(mornings: readonly PlayedMorning[]): Figures {
  const kept = mornings.filter(({ ready, promised }) => ready <= promised);
  const missed = mornings.filter(({ ready, promised }) => ready > promised);
  const early = kept.reduce((sum, { ready, promised }) => sum + (promised.getTime() - ready.getTime()), 0);
  return {
    mornings: mornings.length,
    kept: kept.length,
    earlyMinutes: kept.length > 0 ? early / kept.length / MINUTE_MS : 0,
    missed: missed.length,
    announced: missed.filter(
      ({ warned, promised }) => warned && promised.getTime() - warned.getTime() >= ANNOUNCED_BEFORE_MS,
    ).length,
    falseAlarms: kept.filter(({ warned }) => warned).length,
  };
}

/** In which figures promise 10 is broken, and by how much. */
export function breaches({ mornings, kept, earlyMinutes, missed, announced }: Figures): readonly string[] {
  return [
    ...(kept < TARGETS.keptShare * mornings
      ? [`ready in time: ${kept} of ${mornings}, less than ${percent(TARGETS.keptShare)}`]
      : []),
    ...(earlyMinutes > TARGETS.earlyMinutes
      ? [`${earlyMinutes.toFixed(1)} min too early in the mean, more than ${TARGETS.earlyMinutes}`]
      : []),
    ...(announced < TARGETS.announcedShare * missed
      ? [`announced: ${announced} of ${missed} misses, less than ${percent(TARGETS.announcedShare)}`]
      : []),
  ];
}

const percent = (share: number) => `${Math.round(share * 1000) / 10} %`;
const shareOf = (part: number, whole: number) => (whole === 0 ? 'none' : percent(part / whole));

export function printedFigures(figures: Figures, seeds: readonly number[]): string {
  const { mornings, kept, earlyMinutes, missed, announced, falseAlarms } = figures;
  const found = breaches(figures);
  return [
    `${mornings} mornings of seeds ${seeds[0]} to ${seeds.at(-1)}, each after ${LEARNED} mornings to learn from; four phases of 1 to 4 min, 10 min in all, ± 50 %`,
    '',
    `ready in time              ${kept} of ${mornings} (${shareOf(kept, mornings)}); target ≥ ${percent(TARGETS.keptShare)}`,
    `too early in the mean      ${earlyMinutes.toFixed(2)} min; target ≤ ${TARGETS.earlyMinutes} min`,
    `misses announced ≥ 5 min   ${announced} of ${missed} (${shareOf(announced, missed)}); target ≥ ${percent(TARGETS.announcedShare)}`,
    `warned of, and in time     ${falseAlarms} of ${kept} (${shareOf(falseAlarms, kept)})`,
    '',
    found.length === 0
      ? 'promise 10 holds'
      : ['promise 10 is broken', ...found.map((one) => `  ${one}`)].join('\n'),
  ].join('\n');
}
