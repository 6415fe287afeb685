/** Settings as the value of a variable. `functions/shared/settings.ts` reads it. */
import { deflateRawSync } from 'node:zlib';

/** Lambda allows 4,096 bytes for all variables together; the rest is for the table's name and the tools. */
export const SETTINGS_LIMIT_BYTES = 3_800;

/** JSON, which a person can read in the console; deflated and in base64 only where that is too long. */
export function settingsText(settings: unknown): string {
  const json = JSON.stringify(settings);
  if (Buffer.byteLength(json) <= SETTINGS_LIMIT_BYTES) return json;
  return deflateRawSync(json, { level: 9 }).toString('base64');
}
