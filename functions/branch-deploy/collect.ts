export interface Failure {
  readonly target: string;
  readonly error: unknown;
}

/** Works on every target; one that fails does not stop the others. */
export async function collect<T extends { readonly name: string } | string>(
  failures: Failure[],
  targets: readonly T[],
  work: (target: T, index: number) => Promise<void>,
): Promise<void> {
  await Promise.all(
    targets.map(async (target, index) => {
      try {
        await work(target, index);
      } catch (error) {
        failures.push({ target: typeof target === 'string' ? target : target.name, error });
      }
    }),
  );
}
