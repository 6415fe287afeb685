/** Whether the settings fit into Lambda's environment variables. */
import type { EnvironmentSettings } from '#model/settings.ts';
import { ConfigError } from '../config-error.ts';
import { SETTINGS_LIMIT_BYTES, settingsText } from './text.ts';

export function checkSize(environmentName: string, settings: EnvironmentSettings): void {
  for (const [capability, value] of Object.entries(settings)) {
    const bytes = Buffer.byteLength(settingsText(value));
    if (bytes <= SETTINGS_LIMIT_BYTES) continue;
    const longest = Object.entries(value as object)
      .map(([key, part]) => ({ key, bytes: Buffer.byteLength(JSON.stringify(part)) }))
      .sort((a, b) => b.bytes - a.bytes)[0];
    throw new ConfigError('the config', [
      {
        path: `environments.${environmentName}`,
        message:
          `the settings of ${capability} take ${bytes} bytes even when deflated, but Lambda allows ${SETTINGS_LIMIT_BYTES}: ` +
          `shorten ${longest?.key ?? 'them'}, the largest part, ${adviceFor(longest?.key)}`,
      },
    ]);
  }
}

function adviceFor(key: string | undefined): string {
  if (key === 'schedule') return 'with fewer closed and open days in its calendar';
  if (key === 'builds') return 'with fewer builds, or split them between two environments';
  if (key === 'argocd') return 'with a CA of one certificate';
  return 'with fewer or shorter names';
}
