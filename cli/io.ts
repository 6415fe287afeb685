/** What a command is given of the world it runs in, so that a test can give it another one. */

import type { EnvironmentConfig } from '#model/config.ts';
import type { Cloud } from './cloud.ts';

export interface Io {
  out(text: string): void;
  err(text: string): void;
  now(): Date;
  /** Columns in colours; only on a terminal. */
  readonly color: boolean;
  /** The default author of an override. */
  readonly user: string;
  /** The account and cluster behind an environment. Nothing is asked before the first call. */
  cloud(name: string, environment: EnvironmentConfig): Promise<Cloud>;
}

/** The user asked for what cannot be done. The message says what to write instead; exit code 1. */
export class RefusedError extends Error {
  override name = 'RefusedError';
}

/** AWS refused, or could not be asked. The message says what was missing; exit code 2. */
export class CloudError extends Error {
  override name = 'CloudError';
}
