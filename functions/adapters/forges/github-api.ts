/** GitHub's REST API: github.com, a tenant of ghe.com, or an enterprise's own server. */
import type { Secret } from '../aws/secret.ts';
import { createForgeApi, type ForgeApi } from './forge-api.ts';

export interface GithubOptions {
  readonly github: {
    /** `github.com`: commits on another host get no status, and the token is sent to no other host. */
    readonly host: string;
    /** PEM of a private CA. */
    readonly ca?: string;
  };
  readonly token: Secret;
  readonly now: () => Date;
  /** For each request; default 3 s. */
  readonly timeoutMs?: number;
}

export function createGithubApi(options: GithubOptions, permission: string): ForgeApi {
  const { github, token, now, timeoutMs } = options;
  return createForgeApi({
    url: apiOf(github.host),
    host: github.host,
    token,
    now,
    permission,
    headers: { accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28' },
    ...(github.ca ? { ca: github.ca } : {}),
    ...(timeoutMs ? { timeoutMs } : {}),
  });
}

function apiOf(host: string): string {
  if (host === 'github.com' || host.endsWith('.ghe.com')) return `https://api.${host}`;
  return `https://${host}/api/v3`;
}
