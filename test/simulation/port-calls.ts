/** The calls that one process of a function makes: some take long, and some go wrong. */
import type { Clock } from '@nightshift/lab/world/clock.ts';
import type { Chance } from './chance.ts';
import { type FaultKind, InjectedError, type Pass } from './faults.ts';
import type { LoudDeeds } from './story.ts';

export interface PortCalls<D extends LoudDeeds> {
  /** An invocation begins. */
  enter(pass: Pass, deeds: D): D;
  pass(): Pass;
  deeds(): D;
  /** `loud`: an error of this call must be heard of. */
  through<T>(
    call: string,
    act: () => T,
    loud: boolean,
    errorOf?: (kind: FaultKind, message: string) => Error,
  ): Promise<Awaited<T>>;
}

/** So many calls take a while, and others get in between. */
const SLOW = 0.15;

export function createPortCalls<D extends LoudDeeds>(clock: Clock, chance: Chance): PortCalls<D> {
  let pass: Pass;
  let deeds: D;
  const aWhile = () => new Promise<void>((resolve) => void clock.after(chance.between(10, 900), resolve));
  return {
    enter(nextPass, nextDeeds) {
      pass = nextPass;
      deeds = nextDeeds;
      return deeds;
    },
    pass: () => pass,
    deeds: () => deeds,
    through<T>(
      call: string,
      act: () => T,
      loud: boolean,
      errorOf?: (kind: FaultKind, message: string) => Error,
    ): Promise<Awaited<T>> {
      const [current, done] = [pass, deeds];
      const made = chance.is(SLOW)
        ? aWhile().then(() => current.around(call, act, errorOf))
        : current.around(call, act, errorOf);
      if (!loud) return made;
      return made.catch((error: unknown) => {
        if (error instanceof InjectedError) done.loud += 1;
        throw error;
      });
    },
  };
}
