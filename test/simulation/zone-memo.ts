/** `model/zone.ts` with a memo: all nights of the simulation are in a few zones and weeks. See `desired-memo.ts`. */
import * as exact from '#model/zone.ts';

export * from '#model/zone.ts';

type InstantOf = (timeZone: string, wall: number) => number;

const REMEMBERED_AT_MOST = 10_000;

export const firstInstantOf = remembering(exact.firstInstantOf);
export const lastInstantOf = remembering(exact.lastInstantOf);

function remembering(instantOf: InstantOf): InstantOf {
  const remembered = new Map<string, number>();
  return (timeZone, wall) => {
    const key = `${timeZone} ${wall}`;
    const found = remembered.get(key);
    if (found !== undefined) return found;
    if (remembered.size >= REMEMBERED_AT_MOST) remembered.clear();
    const instant = instantOf(timeZone, wall);
    remembered.set(key, instant);
    return instant;
  };
}
