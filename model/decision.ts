/** What a function decided, and why. One flat JSON object: the log line, the table, the console and `--json` all use it. */

import * as z from 'zod/mini';

export const CAPABILITIES = [
  'night-schedule',
  'spot-drain',
  'branch-deploy',
  'self-service',
  'doorbell',
] as const;
export type Capability = (typeof CAPABILITIES)[number];

export const ACTIONS = [
  // night-schedule
  'stop',
  'start',
  'confirm-stop',
  'confirm-start',
  'pause',
  'resume',
  'override',
  'warn',
  'report',
  'switch',
  // spot-drain
  'cordon',
  'uncordon',
  'drain',
  'evict',
  'complete',
  'replace',
  // branch-deploy
  'sync',
  'wait',
  'defer',
  'wake',
  'deployed',
  'superseded',
  'unverified',
  // all
  'restore',
  'none',
  'ignore',
  'refuse',
  'fail',
] as const;
export type Action = (typeof ACTIONS)[number];

/** The values that further keys of a decision may hold: the record stays flat. */
export type Scalar = string | number | boolean | null;

export interface Decision {
  /** When it was decided: ISO 8601, UTC. */
  readonly time: string;
  readonly environment: string;
  readonly capability: Capability;
  /** The nodegroup, node, application, build … that it is about, by name. */
  readonly target: string;
  readonly action: Action;
  /** A sentence for people. */
  readonly reason: string;
  /** The id of the event, or the name of the schedule, that led to it. */
  readonly trigger: string;
  /** Further facts, flat. */
  readonly [fact: string]: Scalar | undefined;
}

const text = z.string().check(z.minLength(1));

export const decisionSchema: z.ZodMiniType<Decision> = z.catchall(
  z.object({
    time: z.iso.datetime(),
    environment: text,
    capability: z.enum(CAPABILITIES),
    target: text,
    action: z.enum(ACTIONS),
    reason: text,
    trigger: text,
  }),
  z.union([z.string(), z.number(), z.boolean(), z.null()]),
);
