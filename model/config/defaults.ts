/** Fills in what environments leave out: what `defaults` of the config has. */
import { isRecord } from '#model/record-schema.ts';

/**
 * The config with complete environments and without `defaults`. A key of an environment replaces that of the defaults as a
 * whole; tags are merged. A production environment takes only `productionKeys`.
 */
export function withDefaults(
  raw: Readonly<Record<string, unknown>>,
  productionKeys: readonly string[],
): Readonly<Record<string, unknown>> {
  const { defaults, ...rest } = raw;
  const { environments } = raw;
  if (!isRecord(defaults) || !isRecord(environments)) return raw;
  const forProduction = Object.fromEntries(
    Object.entries(defaults).filter(([key]) => productionKeys.includes(key)),
  );
  const complete = (environment: unknown) => {
    if (!isRecord(environment)) return environment;
    const usual = environment['production'] === true ? forProduction : defaults;
    const tags = [usual['tags'], environment['tags']];
    const merged = tags.every(isRecord) ? { tags: Object.assign({}, ...tags) } : {};
    return { ...usual, ...environment, ...merged };
  };
  return {
    ...rest,
    environments: Object.fromEntries(
      Object.entries(environments).map(([name, environment]) => [name, complete(environment)]),
    ),
  };
}
