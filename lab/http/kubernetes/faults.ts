/** Fault injection: the next matching requests fail. */

export interface Fault {
  readonly method?: string;
  /** Matched against path and query. */
  readonly path: RegExp;
  /** How many requests are hit. Default 1. */
  readonly times?: number;
  /** A status code with the server's usual body, a reset connection, or no answer at all. */
  readonly reply: number | 'reset' | 'hang';
  /** Seconds, as a header. A 429 sends 1 by default, as the server does when it is overloaded. */
  readonly retryAfter?: number;
  /** The request takes effect before the failure, as when only the reply is lost. */
  readonly afterwards?: boolean;
}

export interface Faults {
  add(fault: Fault): void;
  clear(): void;
  take(method: string, path: string): Fault | undefined;
}

export function createFaults(): Faults {
  let waiting: { fault: Fault; left: number }[] = [];
  return {
    add: (fault) => void waiting.push({ fault, left: fault.times ?? 1 }),
    clear: () => {
      waiting = [];
    },
    take(method, path) {
      const hit = waiting.find(
        ({ fault }) => (fault.method === undefined || fault.method === method) && fault.path.test(path),
      );
      if (!hit) return undefined;
      hit.left -= 1;
      if (hit.left <= 0) waiting = waiting.filter((one) => one !== hit);
      return hit.fault;
    },
  };
}
