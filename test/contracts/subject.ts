/** What a server of others does not have: the test that needs it is skipped, with this reason in the table. */
import type { TestContext } from 'vitest';

export type Lacks = Readonly<Record<string, string>>;

/** Skips the test where the subject lacks `behaviour`. */
export function needs(context: TestContext, lacks: Lacks | undefined, behaviour: string): void {
  const reason = lacks?.[behaviour];
  if (reason !== undefined) context.skip(reason);
}
