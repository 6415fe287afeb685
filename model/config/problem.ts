/** The mistakes in a config, from the issues that zod finds. */
import type * as z from 'zod';

/** One mistake in the config. */
export interface ConfigProblem {
  /** `environments.staging.schedule`; empty where the file as a whole is meant. */
  readonly path: string;
  /** What was given, as it would be written. Absent where nothing was given, or where it may be a secret. */
  readonly value?: string;
  readonly message: string;
}

/** The value as a person would write it, cut where it is long. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** Values that are never repeated in a message. */
const SECRETS = new Set(['tokenSecret', 'ca', 'url', 'repository']);

export function problemsOf(schema: z.ZodType, raw: unknown, base: readonly string[]): ConfigProblem[] {
  const parsed = schema.safeParse(raw);
  if (parsed.success) return [];
  const problems = parsed.error.issues.map((issue) => problemOf(issue, raw, base));
  // A text where a list belongs can be too long as well, for zod.
  return problems.filter(
    (one, index) =>
      problems.findIndex(({ path, message }) => path === one.path && message === one.message) === index,
  );
}

function problemOf(issue: z.core.$ZodIssue, raw: unknown, base: readonly string[]): ConfigProblem {
  const path = formatPath([...base, ...issue.path]);
  const value = issue.path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown>)[key], raw);
  if (value === undefined) return { path, message: `it is missing: ${issue.message}` };
  const secret = SECRETS.has(String(issue.path.at(-1))) && mayHoldSecret(value);
  return secret ? { path, message: issue.message } : { path, value: shown(value), message: issue.message };
}

function mayHoldSecret(value: unknown): boolean {
  // A text of its own, or one inside a list or an object that stands where a text should.
  return /"(eyJ|gh[a-z]_|github_pat_|gl(pat|dt|ptt|cbt|soat|oas)-|AT[A-Z]{2,3}3x)|PRIVATE KEY|\/\/[^/]*@/.test(
    JSON.stringify(value),
  );
}

/** `environments.develop.deploy.builds[0].branch` */
function formatPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, key) =>
      typeof key === 'number'
        ? `${text}[${key}]`
        : /^[\w-]+$/.test(String(key))
          ? `${text}${text ? '.' : ''}${String(key)}`
          : `${text}[${JSON.stringify(String(key))}]`,
    '',
  );
}
