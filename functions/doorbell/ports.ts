/** What the doorbell needs of AWS. `functions/adapters/` implements it. */
import type { MacVerifier, NightOfPage } from '#functions/self-service/ports.ts';
import type { DecisionTrail } from '#functions/shared/observability.ts';
import type { Override } from '#model/schedule.ts';
import type { DoorbellSettings } from '#model/settings.ts';

export interface DoorbellStore {
  /** As it was read within the last two seconds. */
  night(now: Date): Promise<NightOfPage>;
  /** Read now, to decide by it. */
  freshNight(now: Date): Promise<NightOfPage>;
  /** False: an override with that id is there. */
  addIfAbsent(override: Override, now: Date): Promise<boolean>;
}

export interface DoorbellPorts {
  readonly settings: DoorbellSettings;
  readonly mac: MacVerifier;
  readonly store: DoorbellStore;
  /** Whether the address answers with a status below 400. False where it is not reached. */
  readonly answers: (url: string) => Promise<boolean>;
  readonly trail: DecisionTrail;
  readonly now: () => Date;
}
