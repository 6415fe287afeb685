/** What was running during a night, from lists of its NodeClaims. Pure. */

export interface Sample {
  /** Milliseconds since the stop. */
  readonly at: number;
  /** The names of the NodeClaims that exist. */
  readonly claims: readonly string[];
}

const MINUTE_MS = 60_000;

/** Each list counts until the next one, or until the end. Samples are in order. */
export function nodeMinutes(samples: readonly Sample[], untilMs: number): number {
  return samples.reduce((sum, { at, claims }, index) => {
    const end = Math.min(samples[index + 1]?.at ?? untilMs, untilMs);
    return sum + (claims.length * Math.max(0, end - at)) / MINUTE_MS;
  }, 0);
}

/** Of the last list that was made by then. */
export function leftAt(samples: readonly Sample[], ms: number): number {
  return samples.findLast(({ at }) => at <= ms)?.claims.length ?? Number.NaN;
}

/** NodeClaims that the first list did not have. */
export function launchedSince(samples: readonly Sample[]): number {
  const [first, ...later] = samples;
  const before = new Set(first?.claims);
  return new Set(later.flatMap(({ claims }) => claims).filter((name) => !before.has(name))).size;
}

type Specs = Readonly<Record<string, unknown>>;

/** The NodePools whose limits and replicas are those from before, by name. */
export function unchangedPools(before: Specs, after: Specs): readonly string[] {
  return Object.keys(before).filter(
    (name) => name in after && JSON.stringify(sizesOf(before[name])) === JSON.stringify(sizesOf(after[name])),
  );
}

function sizesOf(spec: unknown): unknown {
  const { limits = null, replicas = null } = spec as { limits?: object | null; replicas?: number | null };
  return { limits: limits && Object.entries(limits).sort(([a], [b]) => (a < b ? -1 : 1)), replicas };
}
