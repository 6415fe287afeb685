import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NightshiftConfig } from '#model/config.ts';

/** The config as a file, for as long as the work takes. */
export async function withConfigFile<T>(
  config: NightshiftConfig,
  work: (file: string) => Promise<T>,
): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'config-'));
  const file = join(directory, 'nightshift.config.json');
  writeFileSync(file, JSON.stringify(config));
  try {
    return await work(file);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
