/** The calls that one process of a function makes: some take long, and some go wrong. */
import type { Clock } from '../world/clock.ts';
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

export function createPortCalls<D extends LoudDeeds>(clock: Clock, chance: Chance): PortCalls<D> {
  let pass: Pass;
  let deeds: D;
  return {
    enter(nextPass, nextDeeds) {
      pass = nextPass;
      deeds = nextDeeds;
      return deeds;
    },
    pass: () => pass,
    deeds: () => deeds,
    async through<T>(
      call: string,
      act: () => T,
      loud: boolean,
      errorOf?: (kind: FaultKind, message: string) => Error,
    ): Promise<Awaited<T>> {
      const [current, done] = [pass, deeds];
      // Some calls take a while: others get in between.
      if (chance.is(0.15))
        await new Promise<void>((resolve) => void clock.after(chance.between(10, 900), resolve));
      try {
        return await current.around(call, act, errorOf);
      } catch (error) {
        if (loud && error instanceof InjectedError) done.loud += 1;
        throw error;
      }
    },
  };
}
