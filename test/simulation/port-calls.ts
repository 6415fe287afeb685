/** The calls that one process of a function makes: some are slow, and some fail. */
import type { Clock } from '@nightshift/lab/world/clock.ts';
import { type FaultKind, InjectedError, type Pass } from './faults.ts';
import type { Random } from './random.ts';
import type { BaseEffects } from './story.ts';

export interface PortCalls<D extends BaseEffects> {
  /** An invocation begins. */
  enter(pass: Pass, effects: D): D;
  pass(): Pass;
  effects(): D;
  /** `mustReport`: the invocation must report an error of this call. */
  through<T>(
    call: string,
    act: () => T,
    mustReport: boolean,
    errorOf?: (kind: FaultKind, message: string) => Error,
  ): Promise<Awaited<T>>;
}

/** The share of calls that are slow, so that others get in between. */
const SLOW = 0.15;

export function createPortCalls<D extends BaseEffects>(clock: Clock, random: Random): PortCalls<D> {
  let pass: Pass;
  let effects: D;
  const delay = () => new Promise<void>((resolve) => void clock.after(random.between(10, 900), resolve));
  return {
    enter(nextPass, nextDeeds) {
      pass = nextPass;
      effects = nextDeeds;
      return effects;
    },
    pass: () => pass,
    effects: () => effects,
    through<T>(
      call: string,
      act: () => T,
      mustReport: boolean,
      errorOf?: (kind: FaultKind, message: string) => Error,
    ): Promise<Awaited<T>> {
      const [current, done] = [pass, effects];
      const made = random.chance(SLOW)
        ? delay().then(() => current.around(call, act, errorOf))
        : current.around(call, act, errorOf);
      if (!mustReport) return made;
      return made.catch((error: unknown) => {
        if (error instanceof InjectedError) done.mustReport += 1;
        throw error;
      });
    },
  };
}
