/** What a function decided, and why. One flat JSON object: the log line, the table, the console and `--json` all use it. */

import * as z from 'zod/mini';
import { instant, isRecord, type Schema } from './record-schema.ts';

export type Capability = 'night-schedule' | 'spot-drain' | 'branch-deploy';

export type Action =
  // night-schedule
  | 'stop'
  | 'start'
  | 'confirm-stop'
  | 'confirm-start'
  | 'pause'
  | 'resume'
  | 'override'
  | 'warn'
  // spot-drain
  | 'cordon'
  | 'uncordon'
  | 'drain'
  | 'evict'
  | 'complete'
  | 'replace'
  // branch-deploy
  | 'sync'
  | 'wait'
  | 'defer'
  | 'wake'
  | 'deployed'
  | 'superseded'
  // all
  | 'none'
  | 'ignore'
  | 'refuse'
  | 'fail';

/** The values that further keys of a decision may hold: the record stays flat. */
export type Scalar = string | number | boolean | null;

export interface Decision {
  /** When it was decided: ISO 8601, UTC. */
  readonly time: string;
  readonly environment: string;
  readonly capability: Capability;
  /** What it is about: a nodegroup, node, application, build … by its name. */
  readonly target: string;
  readonly action: Action;
  /** A sentence that a person understands. */
  readonly reason: string;
  /** The id of the event, or the name of the schedule, that led to it. */
  readonly trigger: string;
  /** Further facts, flat. */
  readonly [fact: string]: Scalar | undefined;
}

/** Of a decision that is read: one of a later release may have an action, or facts, that are not known here. */
export const decisionSchema: Schema<Decision> = z.custom<Decision>(
  (value) => isRecord(value) && required.safeParse(value).success,
);

const required = z.object({
  time: instant,
  environment: z.string(),
  capability: z.string(),
  target: z.string(),
  action: z.string(),
  reason: z.string(),
  trigger: z.string(),
});
