/** The terminal, clock and cloud access that a command gets, so that a test can replace them. */
import type { EnvironmentConfig } from '#model/config.ts';
import type { Cloud } from './cloud.ts';

export interface Io {
  out(text: string): void;
  err(text: string): void;
  now(): Date;
  /** Whether output is coloured; only on a terminal. */
  readonly color: boolean;
  /** The width of the terminal; undefined where the output goes elsewhere. */
  readonly columns?: number | undefined;
  /** Clears the screen; absent where the output goes elsewhere. */
  clear?(): void;
  /** The name shown beside the AWS identity of who sets an override. */
  readonly user: string;
  /** Access to the environment's AWS account. Sends no request before the first call of its methods. */
  cloud(name: string, environment: EnvironmentConfig): Promise<Cloud>;
}
