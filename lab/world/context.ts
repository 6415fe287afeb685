import { createClock } from './clock.ts';
import type { SignalMap, Signals, WorldContext } from './interfaces.ts';

const HEX = '0123456789abcdef';

/** Creates the clock, the signals and the random generator of a world. `start` and `seed` determine all of it. */
export function createContext(options: { start: Date; seed: number }): WorldContext {
  const random = mulberry32(options.seed);
  const hex = (length: number) => {
    let text = '';
    while (text.length < length) text += HEX[Math.floor(random() * 16)];
    return text;
  };
  return {
    clock: createClock(options.start),
    signals: createSignals(),
    random,
    hex,
    uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(12)}`,
  };
}

export function createSignals(): Signals {
  const listeners = new Map<string, Set<(value: never) => void>>();
  return {
    on(name, listener) {
      const set = listeners.get(name) ?? new Set();
      listeners.set(name, set);
      set.add(listener as (value: never) => void);
      return () => void set.delete(listener as (value: never) => void);
    },
    emit<K extends keyof SignalMap>(name: K, value: SignalMap[K]) {
      for (const listener of listeners.get(name) ?? []) (listener as (value: SignalMap[K]) => void)(value);
    },
    isHeard: (name) => (listeners.get(name)?.size ?? 0) > 0,
  };
}

function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
