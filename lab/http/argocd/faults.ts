/** Faults in the replies of the lab's Argo CD. */
export interface ArgocdFault {
  readonly method?: string;
  /** The whole path, or a pattern that is found in it. Default: every request. */
  readonly path?: string | RegExp;
  /** Number of requests to fail. Default 1; `Infinity` until cleared. */
  readonly times?: number;
  /** Number of matching requests that pass first. */
  readonly after?: number;
  /**
   * `reply`: the reply below instead of the real one. `reset`: the connection breaks before the request took effect;
   * `reset-after`: after it did. `hang`: no reply. `slow`: the real reply, late.
   */
  readonly kind: 'reply' | 'reset' | 'reset-after' | 'hang' | 'slow';
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** Real milliseconds before the reply. */
  readonly delayMs?: number;
}

export interface ArgocdFaults {
  /** Returns a function that removes the fault. */
  add(fault: ArgocdFault): () => void;
  clear(): void;
}

export function createFaults(): ArgocdFaults & {
  take(method: string, path: string): ArgocdFault | undefined;
} {
  let active: { readonly fault: ArgocdFault; left: number; skip: number }[] = [];
  return {
    add(fault) {
      const entry = { fault, left: fault.times ?? 1, skip: fault.after ?? 0 };
      active.push(entry);
      return () => {
        active = active.filter((other) => other !== entry);
      };
    },
    clear: () => {
      active = [];
    },
    take(method, path) {
      for (const entry of active) {
        const { fault } = entry;
        if (fault.method !== undefined && fault.method !== method) continue;
        if (typeof fault.path === 'string' && fault.path !== path) continue;
        if (fault.path instanceof RegExp && !fault.path.test(path)) continue;
        if (entry.skip > 0) {
          entry.skip -= 1;
          continue;
        }
        entry.left -= 1;
        if (entry.left <= 0) active = active.filter((other) => other !== entry);
        return fault;
      }
      return undefined;
    },
  };
}
