/** Kills an invocation at one of its calls, as SIGKILL does: what was sent may have taken effect, and nothing follows. */
import type { Ports } from '#functions/spot-drain/ports.ts';

export interface Killed {
  readonly ports: Ports;
  /** Resolves when the kill has happened. */
  readonly killed: Promise<void>;
}

/** `isLast`: by the call's name and number, from 0. `takesEffect`: whether that call itself still does. */
export function killable(
  ports: Ports,
  isLast: (name: string, index: number) => boolean,
  takesEffect: boolean,
): Killed {
  const { promise: killed, resolve } = Promise.withResolvers<void>();
  const forever = new Promise<never>(() => undefined);
  let calls = 0;
  let isDead = false;

  const guarded = <T extends object>(port: T): T =>
    new Proxy(port, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key);
        if (typeof value !== 'function') return value;
        return (...input: unknown[]) => {
          if (isDead) return forever;
          if (!isLast(String(key), calls++))
            return alive((value as (...input: unknown[]) => unknown).apply(target, input));
          isDead = true;
          resolve();
          if (takesEffect) (value as (...input: unknown[]) => unknown).apply(target, input);
          return forever;
        };
      },
    });
  const alive = (result: unknown) =>
    result instanceof Promise ? result.then((value) => (isDead ? forever : value)) : result;

  const { clock } = ports;
  return {
    killed,
    ports: {
      ...ports,
      cluster: guarded(ports.cluster),
      groups: guarded(ports.groups),
      lifecycle: guarded(ports.lifecycle),
      claims: guarded(ports.claims),
      cordons: guarded(ports.cordons),
      names: guarded(ports.names),
      night: guarded(ports.night),
      watchdog: guarded(ports.watchdog),
      clock: {
        ...clock,
        now: () => clock.now(),
        sleep: (ms) => clock.sleep(ms).then(() => (isDead ? forever : undefined)),
        alarm(ms) {
          const alarm = clock.alarm(ms);
          return { rang: alarm.rang.then(() => (isDead ? forever : undefined)), ring: () => alarm.ring() };
        },
      },
    },
  };
}
