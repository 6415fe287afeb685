/** What self-service needs of AWS. `functions/adapters/` implements it. */
import type { Morning } from '#functions/night-schedule/records.ts';
import type { DecisionTrail } from '#functions/shared/observability.ts';
import type { ClusterState } from '#model/cluster-state.ts';
import type { Decision } from '#model/decision.ts';
import type { Override, Pause } from '#model/schedule.ts';
import type { SelfServiceSettings } from '#model/settings.ts';

export interface MacVerifier {
  /** Whether the key computed this code of the text. `mac` is base64url. Throws where KMS cannot be reached. */
  isValid(text: string, mac: string): Promise<boolean>;
}

/** Whether a load balancer says that somebody has signed in, with an address that its issuer has verified. */
export type SignIn = { readonly ok: true; readonly address: string } | { readonly ok: false };

export interface SignInVerifier {
  /** Throws where the public keys cannot be reached. */
  verify(token: string | undefined): Promise<SignIn>;
}

/** What was stored about the night, as the page shows it. */
export interface NightOfPage {
  readonly state?: ClusterState;
  readonly overrides: readonly Override[];
  readonly pause?: Pause;
  /** Links of an older generation are revoked. */
  readonly generation: number;
  /** The last starts, newest last. */
  readonly mornings: readonly Morning[];
  /** Nodes by group, as they were when each group was last stopped. */
  readonly nodes: Readonly<Record<string, number>>;
}

export type ShownDecision = Pick<Decision, 'time' | 'capability' | 'target' | 'reason'>;

export interface SelfServiceStore {
  night(now: Date): Promise<NightOfPage>;
  /** Of night-schedule and self-service, the newest first. */
  decisions(now: Date): Promise<readonly ShownDecision[]>;
  /** False: an override with that id is there. */
  addIfAbsent(override: Override, now: Date): Promise<boolean>;
}

export interface SelfServicePorts {
  readonly settings: SelfServiceSettings;
  readonly mac: MacVerifier;
  /** Absent where whoever has the link may act. */
  readonly signIn?: SignInVerifier | undefined;
  readonly store: SelfServiceStore;
  readonly trail: DecisionTrail;
  readonly now: () => Date;
}
