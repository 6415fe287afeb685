/**
 * The base of every error of ours. The message is lowercase, shows the wrong value and what to change;
 * it never holds a secret.
 */
export class NightshiftError extends Error {
  override name = 'NightshiftError';
  /** Ids that help to find the case: request id, nodegroup, build … Flat. */
  readonly facts: Readonly<Record<string, string | number | boolean>>;

  constructor(
    message: string,
    options: { cause?: unknown; facts?: Record<string, string | number | boolean> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.facts = options.facts ?? {};
  }
}

/** A function's own settings are missing or broken: it cannot work until it is deployed again. */
export class SettingsError extends NightshiftError {
  override name = 'SettingsError';
}

/** An item of the table is not what it should be. It stops the work on what it is about, and on nothing else. */
export class CorruptRecordError extends NightshiftError {
  override name = 'CorruptRecordError';
  /** `partition | key` */
  readonly item: string;

  constructor(item: string) {
    super(`the item ${item} of the table cannot be read: correct it, or delete it`, { facts: { item } });
    this.item = item;
  }
}

/** Its decision was recorded where it happened: it still makes the invocation fail. */
export class RecordedError extends NightshiftError {
  override name = 'RecordedError';
}

/** A pass worked on everything it could, and these parts failed. Thrown at the end. */
export class PartialFailureError extends NightshiftError {
  override name = 'PartialFailureError';
  readonly failures: readonly { readonly target: string; readonly error: unknown }[];

  constructor(failures: readonly { readonly target: string; readonly error: unknown }[]) {
    const first = failures[0];
    super(
      `${failures.length} of the targets failed: ${failures.map((f) => `${f.target}: ${messageOf(f.error)}`).join('; ')}`,
      { cause: first?.error },
    );
    this.failures = failures;
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
