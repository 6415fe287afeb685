/** What the doctor says: one finding for each thing that was looked at. */
import type { Site } from './site.ts';

export type Severity = 'ok' | 'warning' | 'failure' | 'unknown';

/** What a check makes of the site. `unknown` where something could not be asked. */
export interface Verdict {
  readonly severity: Severity;
  /** A group, webhook, project … by its name, where it is about one. */
  readonly target?: string;
  readonly found: string;
  /** What to do. Absent where nothing is to be done. */
  readonly advice?: string;
  /** The permission that was missing: `ec2:DescribeSubnets`, or `list pods` in Kubernetes. */
  readonly permission?: string;
}

export interface Check {
  readonly name: string;
  /** Why it matters: one sentence. */
  readonly why: string;
  /** Pure. No verdict where the check has no meaning for the environment. */
  judge(site: Site): readonly Verdict[];
}

export interface Finding extends Verdict {
  readonly environment: string;
  readonly check: string;
  readonly why: string;
}

/** What was asked, or why there is no answer. */
export type Answer<T> = { readonly value: T } | { readonly missing: Missing };

export interface Missing {
  readonly why: string;
  readonly permission?: string;
}

type Values<T extends readonly Answer<unknown>[]> = {
  [K in keyof T]: T[K] extends Answer<infer V> ? V : never;
};

/** Judges where every answer is there; else one `unknown` verdict for each thing that is missing. */
export function needing<const T extends readonly Answer<unknown>[]>(
  answers: T,
  judge: (...values: Values<T>) => readonly Verdict[],
): readonly Verdict[] {
  const missing = answers.flatMap((answer) => ('missing' in answer ? [answer.missing] : []));
  if (missing.length > 0) {
    const once = new Map(missing.map((one) => [`${one.permission} ${one.why}`, one]));
    return [...once.values()].map((one) => ({
      severity: 'unknown',
      found: one.why,
      advice: one.permission
        ? `allow ${one.permission} for the credentials of this shell`
        : 'mend that and ask again',
      ...(one.permission ? { permission: one.permission } : {}),
    }));
  }
  const values = answers.map((answer) => ('value' in answer ? answer.value : undefined));
  return judge(...(values as Values<T>));
}

/** The value where it is known: for what makes a verdict better, but is not needed for one. */
export function known<T>(answer: Answer<T>): T | undefined {
  return 'value' in answer ? answer.value : undefined;
}
