/** Browsers that wait ask again and again: what was read counts for two seconds, however many they are. */
import type { NightOfPage } from '#functions/self-service/ports.ts';
import type { DoorbellStore } from './ports.ts';

const FRESH_MS = 2_000;

export function rememberNight(store: Omit<DoorbellStore, 'freshNight'>): DoorbellStore {
  let last: { readonly at: number; readonly night: Promise<NightOfPage> } | undefined;
  return {
    night(now) {
      const age = last ? now.getTime() - last.at : Number.POSITIVE_INFINITY;
      if (last && age >= 0 && age < FRESH_MS) return last.night;
      const reading = { at: now.getTime(), night: store.night(now) };
      last = reading;
      // A failure is not remembered.
      reading.night.catch(() => {
        if (last === reading) last = undefined;
      });
      return reading.night;
    },
    freshNight: (now) => store.night(now),
    async addIfAbsent(override, now) {
      const added = await store.addIfAbsent(override, now);
      last = undefined;
      return added;
    },
  };
}
