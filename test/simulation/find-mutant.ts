import type { Severity } from './faults.ts';
import type { PromiseId, Simulate } from './outcome.ts';

/** Every other seed has no faults: some mistakes only show without them. */
export function alternateSeverity(seed: number): Severity {
  return seed % 2 === 0 ? 'none' : 'heavy';
}

/** Whether the checkers catch a mistake in the program within 200 seeds, from the one on that is known to show it. */
export async function isCaught(
  simulate: Simulate,
  mutant: { readonly promise: PromiseId; readonly says?: RegExp; readonly shownBy?: number },
  severityOf: (seed: number) => Severity,
): Promise<boolean> {
  const { promise, says = /./, shownBy = 1 } = mutant;
  for (let seed = shownBy; seed < shownBy + 200; seed++) {
    const { violations } = await simulate({ seed, severity: severityOf(seed) });
    if (violations.some((one) => one.promise === promise && says.test(one.what))) return true;
  }
  return false;
}
