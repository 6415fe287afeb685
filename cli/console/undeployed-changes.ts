/** Which settings the config has changed since the deploy, so that the page can say that its plan is not in effect yet. */
import type { LoadedConfig } from '#lib/config-file.ts';
import { settingsOf } from '#lib/settings/settings.ts';
import { changedSettings } from '../changed-settings.ts';
import type { Cloud } from '../cloud.ts';
import { CloudError } from '../errors.ts';

/** Deploys are rare: the deployed settings are read once a minute at most. */
const CACHE_MS = 60_000;

export class UndeployedChanges {
  readonly #loaded: LoadedConfig;
  readonly #cache = new Map<string, { readonly at: number; readonly keys: readonly string[] | undefined }>();

  constructor(loaded: LoadedConfig) {
    this.#loaded = loaded;
  }

  /** The changed keys; undefined when the deployed settings cannot be read, for example without the permission. */
  async of(cloud: Cloud, name: string, now: Date): Promise<readonly string[] | undefined> {
    const cached = this.#cache.get(name);
    if (cached && Math.abs(now.getTime() - cached.at) < CACHE_MS) return cached.keys;
    const keys = await this.#read(cloud, name, now);
    this.#cache.set(name, { at: now.getTime(), keys });
    return keys;
  }

  async #read(cloud: Cloud, name: string, now: Date): Promise<readonly string[] | undefined> {
    const { nightSchedule } = settingsOf(this.#loaded.config, name, now);
    if (!nightSchedule) return undefined;
    try {
      const deployed = await cloud.deployedSettings();
      return deployed ? changedSettings(nightSchedule, deployed) : undefined;
    } catch (error) {
      if (error instanceof CloudError) return undefined;
      throw error;
    }
  }
}
