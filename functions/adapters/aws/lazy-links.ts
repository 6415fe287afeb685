/** Loads what makes signed links with the first notification: a quiet start needs none of it. */
import type { Decision } from '#model/decision.ts';
import { LINK_KEY_VARIABLE, PAGE_VARIABLE } from '#model/settings.ts';
import type { Table } from '../dynamodb/table.ts';
import type { SettingsOfLinks } from './keep-up-links.ts';

/** Undefined where the stack has no page. */
export function lazyLinks({
  settings,
  table,
  now,
}: {
  readonly settings: SettingsOfLinks;
  readonly table: Table;
  readonly now: () => Date;
}): ((decision: Decision) => Promise<readonly string[]>) | undefined {
  const pageUrl = process.env[PAGE_VARIABLE];
  const keyId = process.env[LINK_KEY_VARIABLE];
  if (!settings.links || !pageUrl || !keyId) return undefined;
  return async (decision) => {
    const { linksOfNight } = await import('./links-of-night.ts');
    return linksOfNight({ settings, table, now, pageUrl, keyId })(decision);
  };
}
