/** Connects to an Argo CD server with the user's own token, and explains its errors. */
import { readFile } from 'node:fs/promises';
import type { ArgocdServerOptions } from '#functions/adapters/argocd/connection.ts';
import type { ArgocdFailure } from '#functions/branch-deploy/ports.ts';
import { SettingsError } from '#functions/shared/errors.ts';
import { CloudError, RefusedError } from './errors.ts';
import type { NamedEnvironment } from './select-environments.ts';
import { plain } from './text.ts';

export interface ArgocdOptions {
  /** `https://argocd.example.com`; default ARGOCD_SERVER, or the URL in the config of the environment. */
  readonly server?: string;
  /** A file with the PEM of a private CA. */
  readonly ca?: string;
}

/** ARGOCD_SERVER and ARGOCD_AUTH_TOKEN, as the argocd command line uses them. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** The address of the environment's Argo CD; undefined when neither options, variables nor config name it. */
export function serverOf(
  { environment }: NamedEnvironment,
  options: ArgocdOptions,
  variables: Variables,
): string | undefined {
  const server = options.server ?? variables['ARGOCD_SERVER'] ?? environment.deploy?.argocd.url;
  // The argocd command line takes a host without a scheme.
  return server === undefined || server.includes('://') ? server : `https://${server}`;
}

/** Throws a `RefusedError` when the token or server is missing, or the token would be sent unencrypted. */
export async function connectToArgocd<T>(
  named: NamedEnvironment,
  options: ArgocdOptions,
  variables: Variables,
  create: (options: ArgocdServerOptions) => T,
): Promise<T> {
  const token = variables['ARGOCD_AUTH_TOKEN']?.trim();
  if (!token) {
    throw new RefusedError(
      'no Argo CD token found: set ARGOCD_AUTH_TOKEN to your own token ("argocd account generate-token")',
    );
  }
  const url = serverOf(named, options, variables);
  if (!url) {
    throw new RefusedError(`${named.name} has no Argo CD in the config: add --server, or set ARGOCD_SERVER`);
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

/** A `CloudError` when Argo CD is unreachable or rejects the token, a `RefusedError` when the request is wrong. */
export function errorOf(subject: string, { kind, detail }: ArgocdFailure): CloudError | RefusedError {
  switch (kind) {
    case 'transient':
    case 'unauthorized':
    case 'forbidden':
      return new CloudError(`${subject}: ${plain(detail)}`);
    default:
      return new RefusedError(`${subject}: ${plain(detail)}`);
  }
}

/** Whether the same request may succeed later. */
export function isTransient({ kind }: ArgocdFailure): boolean {
  return kind === 'transient' || kind === 'busy';
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
