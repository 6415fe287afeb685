import type { PricesConfig } from '#model/config.ts';
import type { Language } from './texts.ts';

/** What every page is made with. */
export interface PageContext {
  readonly environment: string;
  readonly language: Language;
  readonly timeZone: string;
  readonly maxHours: number;
  readonly requireReason: boolean;
  readonly prices?: PricesConfig;
  /** The link itself, for addresses on the page. */
  readonly address: string;
}
