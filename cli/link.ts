/** `link`: signed self-service links to hand on to somebody without AWS credentials. */
import type { LoadedConfig } from '#lib/config-file.ts';
import { scheduleOf } from '#lib/settings/schedule.ts';
import { environmentWithLinks } from './environment-with-links.ts';
import { RefusedError } from './errors.ts';
import type { Io } from './io.ts';
import { localTime } from './text.ts';

/** Throws a `RefusedError` for an environment without links, a `CloudError` when AWS refuses or is unreachable. */
export async function printLinks(
  loaded: LoadedConfig,
  name: string,
  { json = false }: { readonly json?: boolean },
  io: Io,
): Promise<void> {
  const environment = environmentWithLinks(
    loaded,
    name,
    'has no page of self-service: set selfService: { links: true } in its config, and deploy it',
  );
  const cloud = await io.cloud(name, environment);
  const links = await cloud.signLinks();
  if (!links)
    throw new RefusedError(
      `${name}: no page of self-service is deployed: deploy the stack (a dry run has none)`,
    );
  const [first] = links;
  if (!first) throw new RefusedError(`${name}: its schedule has no stop in the next two months`);
  if (json) {
    const shown = links.map(({ id, ...link }) => ({ ...link, author: `link/${id}` }));
    io.out(JSON.stringify({ environment: name, links: shown }, null, 2));
    return;
  }
  const { timeZone } = scheduleOf(loaded.config, environment.schedule ?? '', cloud.now());
  io.out(
    [
      `${name}: whoever has one of these links can use it until ${localTime(timeZone, new Date(first.expires))} (${timeZone}); to refuse them: nightshift revoke-links ${name}`,
      ...links.map(({ what, id, address }) => `${what} (link/${id})\n  ${address}`),
    ].join('\n\n'),
  );
}
