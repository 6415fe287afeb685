import type { ApplicationRecord } from '#functions/branch-deploy/record.ts';
import type { CountedEntry } from '#functions/night-schedule/running-night.ts';
import type { AnnouncedChange } from '#functions/spot-drain/announced-changes.ts';
import type { Decision } from '#model/decision.ts';
import type { Night } from '../cloud.ts';

/** What was read of one environment. */
export interface EnvironmentData {
  readonly now: Date;
  readonly night: Night;
  readonly decisions: readonly Decision[];
  readonly ledger: readonly CountedEntry[];
  readonly applications: readonly ApplicationRecord[];
  readonly announced: readonly AnnouncedChange[];
  /** Settings that the config has changed since the deploy; undefined when the deployed ones cannot be read. */
  readonly changed?: readonly string[];
}
