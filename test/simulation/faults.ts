/** The faults that are injected into port calls, and how often. */
import { NightshiftError } from '#functions/shared/errors.ts';
import type { Random } from './random.ts';

export type Severity = 'none' | 'light' | 'heavy';

export const FAULT_KINDS = [
  'throttled',
  'server-error',
  'timeout-without-effect',
  'timeout-with-effect',
  'crash-before',
  'crash-after',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** The service refused or did not answer. */
export class InjectedError extends NightshiftError {
  override name = 'InjectedError';
}

/** The function was killed: the pass does not continue. */
export class CrashError extends Error {
  override name = 'CrashError';
}

const RATES: Readonly<Record<Severity, number>> = { none: 0, light: 0.01, heavy: 0.06 };

export interface Faults {
  /** No faults until `resume`. */
  pause(): void;
  resume(): void;
  active(): boolean;
  /** A new pass begins; a crash ends only the pass in which it happens. */
  newPass(): Pass;
  readonly injected: Map<FaultKind, number>;
}

export interface Pass {
  /**
   * Runs `act`, perhaps with a fault. `errorOf` gives the error that the function's adapter would throw for it.
   */
  around<T>(
    call: string,
    act: () => T,
    errorOf?: (kind: FaultKind, message: string) => Error,
  ): Promise<Awaited<T>>;
  /** Ends the pass from outside, as Lambda does at its timeout. */
  kill(): void;
  /** Settles when the pass is killed. */
  readonly killed: Promise<void>;
  /** Killed while it ran. */
  crashed(): boolean;
  /** Errors that the pass met, other than a crash. */
  errors(): number;
}

export function createFaults(random: Random, severity: Severity): Faults {
  let rate = RATES[severity];
  const injected = new Map<FaultKind, number>();
  const note = (kind: FaultKind) => injected.set(kind, (injected.get(kind) ?? 0) + 1);

  const newPass = (): Pass => {
    let crashed = false;
    let errors = 0;
    let kill: () => void = () => undefined;
    const killed = new Promise<void>((resolve) => {
      kill = resolve;
    });
    const end = () => {
      crashed = true;
      kill();
    };
    const crash = (): never => {
      end();
      throw new CrashError('the function was killed');
    };
    const fail = async <T>(
      call: string,
      act: () => T,
      errorOf: (kind: FaultKind, message: string) => Error,
    ): Promise<Awaited<T>> => {
      const kind = FAULT_KINDS[random.between(0, FAULT_KINDS.length - 1)] ?? 'server-error';
      note(kind);
      switch (kind) {
        case 'crash-before':
          return crash();
        case 'crash-after':
          await act();
          return crash();
        case 'timeout-with-effect':
          await act();
          errors += 1;
          throw errorOf(kind, `${call}: timed out`);
        case 'throttled':
        case 'server-error':
        case 'timeout-without-effect':
          errors += 1;
          throw errorOf(kind, `${call}: ${kind}`);
      }
    };
    /** The reply to a write of the table is lost, and the SDK sends it again: the function sees the second answer. */
    const repeat = async <T>(act: () => T): Promise<Awaited<T>> => {
      note('timeout-with-effect');
      await act();
      return await act();
    };
    return {
      killed,
      kill: end,
      crashed: () => crashed,
      errors: () => errors,
      around<T>(call: string, act: () => T, errorOf = injectedError): Promise<Awaited<T>> {
        // A killed pass does not continue, also where its code would have gone on with other work.
        if (crashed) return new Promise<never>(() => undefined);
        if (isWrite(call) && random.chance(rate)) return repeat(act);
        return random.chance(rate) ? fail(call, act, errorOf) : succeed(act);
      },
    };
  };
  return {
    injected,
    newPass,
    pause: () => {
      rate = 0;
    },
    resume: () => {
      rate = RATES[severity];
    },
    active: () => rate > 0,
  };
}

/** A conditional write to the table: its own effect may make the condition fail when it is repeated. */
function isWrite(call: string): boolean {
  return /^table\.(?:save|remove)/.test(call);
}

async function succeed<T>(act: () => T): Promise<Awaited<T>> {
  return await act();
}

function injectedError(_kind: FaultKind, message: string): Error {
  return new InjectedError(message);
}
