/** What every construct takes: a config and the name of an environment in it, checked as `loadConfig` checks a file. */

import { checkConfig } from '#model/config/check.ts';
import type { KnownHolidays } from '#model/config/values.ts';
import type { EnvironmentConfig, NightshiftConfig } from '#model/config.ts';
import type { EnvironmentSettings } from '#model/settings.ts';
import { ConfigError } from './config-error.ts';
import { holidayCodes, isHolidayCode } from './holidays.ts';
import { settingsOf } from './settings/settings.ts';

/** The environment that a construct belongs to. */
export interface EnvironmentProps {
  /** The whole config. A mistake in it is a `ConfigError`, with one line for each. */
  readonly config: NightshiftConfig;
  /** The environment's name in the config. */
  readonly environment: string;
  /** Public holidays are expanded from this instant on. Default: now. */
  readonly now?: Date;
}

/** One environment of a config that was checked. */
export interface CheckedEnvironment {
  readonly name: string;
  readonly config: EnvironmentConfig;
  /** The settings of its functions. */
  readonly settings: EnvironmentSettings;
}

/** What was checked, with the config's text at that time: the constructs of one stack all ask for the same. */
const known = new WeakMap<
  NightshiftConfig,
  { text: string; complete: NightshiftConfig; environments: Map<string, CheckedEnvironment> }
>();

/** Throws a `ConfigError` with every mistake of the config, or when it has no such environment. */
export function checkedEnvironment({ config, environment, now }: EnvironmentProps): CheckedEnvironment {
  const text = JSON.stringify(config);
  let checked = known.get(config);
  if (checked?.text !== text) {
    checked = { text, complete: checkedConfig(config), environments: new Map() };
    known.set(config, checked);
  }
  const day = now ?? new Date();
  const key = `${environment} ${day.toISOString().slice(0, 10)}`;
  const found = checked.environments.get(key) ?? environmentIn(checked.complete, environment, day);
  checked.environments.set(key, found);
  return found;
}

/** The config itself, with its defaults filled in. Throws a `ConfigError` with every mistake. `file` is named in the error. */
export function checkedConfig(raw: unknown, file = 'the config'): NightshiftConfig {
  const { config, problems } = checkConfig(raw, KNOWN_HOLIDAYS);
  if (!config) throw new ConfigError(file, problems);
  return config;
}

export const KNOWN_HOLIDAYS: KnownHolidays = {
  has: isHolidayCode,
  candidates: (code) => holidayCodes(code.includes('-') ? code.split('-')[0] : undefined),
};

function environmentIn(config: NightshiftConfig, name: string, now: Date): CheckedEnvironment {
  const settings = settingsOf(config, name, now);
  return { name, config: config.environments[name] as EnvironmentConfig, settings };
}
