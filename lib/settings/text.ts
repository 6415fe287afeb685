/** Encodes settings as an environment variable. `functions/shared/settings.ts` decodes it. */
import { deflateRawSync } from 'node:zlib';

/** Lambda allows 4,096 bytes for all variables; the remainder is for the table's name and the logger. */
export const SETTINGS_LIMIT_BYTES = 3_800;

/** JSON, which is readable in the AWS console; deflated and base64-encoded only when that is too long. */
export function settingsText(settings: unknown): string {
  const json = JSON.stringify(settings);
  if (Buffer.byteLength(json) <= SETTINGS_LIMIT_BYTES) return json;
  return deflateRawSync(json, { level: 9 }).toString('base64');
}
