import { SETTINGS_VARIABLE, TABLE_VARIABLE } from '#model/settings.ts';
import { SettingsError } from './errors.ts';

/** Reads what synth wrote for this function. It is our own output, so its shape is trusted and its absence is not. */
export function readSettings<T>(environment: NodeJS.ProcessEnv = process.env): {
  settings: T;
  table: string;
} {
  const text = environment[SETTINGS_VARIABLE];
  const table = environment[TABLE_VARIABLE];
  if (!text) throw new SettingsError(`${SETTINGS_VARIABLE} is not set: deploy the stack again`);
  if (!table) throw new SettingsError(`${TABLE_VARIABLE} is not set: deploy the stack again`);
  try {
    const json = text.startsWith('{') ? text : inflated(text);
    return { settings: JSON.parse(json) as T, table };
  } catch (cause) {
    throw new SettingsError(`${SETTINGS_VARIABLE} is not JSON: deploy the stack again`, { cause });
  }
}

/** What is too long for a variable was deflated: `lib/settings/text.ts`. zlib takes 3 ms to load: only where it was. */
function inflated(text: string): string {
  const { inflateRawSync } = process.getBuiltinModule('node:zlib');
  return inflateRawSync(Buffer.from(text, 'base64')).toString('utf8');
}
