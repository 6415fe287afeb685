/** What the config says that an hour of a node costs. Pure. */
import type { PricesConfig } from './config.ts';
import { ownValue } from './own-value.ts';

/** That of the group, or the one for all others; undefined where there is neither. In the currency of the config. */
export function nodePrice(prices: PricesConfig | undefined, group: string): number | undefined {
  return ownValue(prices?.perNodeHour, group) ?? prices?.perNodeHour['*'];
}
