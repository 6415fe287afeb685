/** The way to an Argo CD server with a person's own token, and what its troubles mean to them. */
import { readFile } from 'node:fs/promises';
import type { ArgocdServerOptions } from '#functions/adapters/argocd/connection.ts';
import type { Trouble } from '#functions/branch-deploy/ports.ts';
import { SettingsError } from '#functions/shared/errors.ts';
import type { Named } from './environments.ts';
import { CloudError, RefusedError } from './io.ts';
import { plain } from './text.ts';

export interface ArgocdOptions {
  /** `https://argocd.example.com`; default ARGOCD_SERVER, or what the config says of the environment. */
  readonly server?: string;
  /** A file with the PEM of a private CA. */
  readonly ca?: string;
}

/** ARGOCD_SERVER and ARGOCD_AUTH_TOKEN, as Argo CD's own command line reads them. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** The address of the environment's Argo CD; undefined where nothing names it. */
export function serverOf(
  { environment }: Named,
  options: ArgocdOptions,
  variables: Variables,
): string | undefined {
  const server = options.server ?? variables['ARGOCD_SERVER'] ?? environment.deploy?.argocd.url;
  // Argo CD's own command line takes a host without a scheme.
  return server === undefined || server.includes('://') ? server : `https://${server}`;
}

/** Throws `RefusedError` where the token or the server is missing, or the token would travel in the clear. */
export async function connectAs<T>(
  named: Named,
  options: ArgocdOptions,
  variables: Variables,
  create: (options: ArgocdServerOptions) => T,
): Promise<T> {
  const token = variables['ARGOCD_AUTH_TOKEN']?.trim();
  if (!token) {
    throw new RefusedError(
      'there is no Argo CD token: set ARGOCD_AUTH_TOKEN to one of yours ("argocd account generate-token")',
    );
  }
  const url = serverOf(named, options, variables);
  if (!url) {
    throw new RefusedError(
      `${named.name} has no Argo CD in the config: write --server, or set ARGOCD_SERVER`,
    );
  }
  const configured = named.environment.deploy?.argocd;
  const ca = options.ca ? await readCa(options.ca) : configured?.ca;
  try {
    return create({
      argocd: {
        url,
        ...(ca ? { ca } : {}),
        ...(configured?.insecureLoopback ? { insecureLoopback: true } : {}),
      },
      token: { read: async () => token, readAgain: async () => token },
    });
  } catch (error) {
    if (error instanceof SettingsError) throw new RefusedError(error.message);
    throw error;
  }
}

/** Argo CD could not be asked, or what it was asked for is wrong. */
export function errorOf(what: string, { kind, detail }: Trouble): CloudError | RefusedError {
  switch (kind) {
    case 'transient':
    case 'unauthorized':
    case 'forbidden':
      return new CloudError(`${what}: ${plain(detail)}`);
    default:
      return new RefusedError(`${what}: ${plain(detail)}`);
  }
}

async function readCa(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new RefusedError(
      `--ca ${path}: the file cannot be read (${(cause as NodeJS.ErrnoException).code})`,
    );
  }
}
