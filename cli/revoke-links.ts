/** `revoke-links`: every self-service link of an environment that was sent so far is refused from now on. */
import type { LoadedConfig } from '#lib/config-file.ts';
import { environmentWithLinks } from './environment-with-links.ts';
import type { Io } from './io.ts';

/** Throws a `RefusedError` for an environment without links, a `CloudError` when AWS refuses or is unreachable. */
export async function revokeSentLinks(
  loaded: LoadedConfig,
  name: string,
  { json = false }: { readonly json?: boolean },
  io: Io,
): Promise<void> {
  const environment = environmentWithLinks(
    loaded,
    name,
    'has no selfService.links in its config, so no links were sent: there is nothing to revoke',
  );
  const cloud = await io.cloud(name, environment);
  const generation = await cloud.revokeLinks(await cloud.caller());
  io.out(
    json
      ? JSON.stringify({ environment: name, generation }, null, 2)
      : `${name}: every link that was sent so far is refused from now on; the next notification carries new ones\n  overrides that were requested stay in force: nightshift cancel ${name}`,
  );
}
