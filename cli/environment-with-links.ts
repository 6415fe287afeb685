/** The environment of that name, whose config has signed links. */
import { environmentOf, type LoadedConfig } from '#lib/config-file.ts';
import type { EnvironmentConfig } from '#model/config.ts';
import { refuseEnvironment } from '#model/override.ts';
import { RefusedError } from './errors.ts';

/** Throws a `RefusedError` for production, for an environment that is never stopped, and, with that sentence, for one without links. */
export function environmentWithLinks(loaded: LoadedConfig, name: string, without: string): EnvironmentConfig {
  const refused = refuseEnvironment(name, loaded.config.environments);
  if (refused !== undefined) throw new RefusedError(refused);
  const environment = environmentOf(loaded, name);
  if (environment.production || !environment.selfService?.links)
    throw new RefusedError(`"${name}" ${without}`);
  return environment;
}
