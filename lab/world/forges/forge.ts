/** What the forges have in common: tokens, repositories at a git host, and limits on requests. */
import type { GitWorld } from '../codebuild/git.ts';

export interface ForgeRequest {
  readonly method: string;
  /** Below the base of the API, as it was sent. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface ForgeReply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
}

export interface Forge {
  answer(request: ForgeRequest): ForgeReply;
}

export interface ForgeToken {
  readonly user: string;
  /** Paths of the repositories that it sees: `example/api`. */
  readonly repositories: readonly string[];
  readonly may: readonly ('statuses' | 'deployments')[];
}

export interface ForgeWorld {
  /** `https://gitlab.com` */
  readonly url: string;
  readonly git: Pick<GitWorld, 'has' | 'revisionOf'>;
  readonly tokens: Map<string, ForgeToken>;
  /** The next request is limited, with so many seconds to wait. */
  limitedFor?: number | undefined;
}

export function aForge(url: string, git: ForgeWorld['git']): ForgeWorld {
  return { url, git, tokens: new Map() };
}

export function tokenOf(forge: ForgeWorld, headers: ForgeRequest['headers']): ForgeToken | undefined {
  const [, secret = headers['private-token']] =
    /^(?:Bearer|token) (.+)$/i.exec(String(headers['authorization'])) ?? [];
  return forge.tokens.get(String(secret));
}

/** The next request is limited, and only that. */
export function takeLimit(forge: ForgeWorld): number | undefined {
  const seconds = forge.limitedFor;
  forge.limitedFor = undefined;
  return seconds;
}

export const textIn = (body: ForgeRequest['body'], key: string): string | undefined =>
  typeof body[key] === 'string' ? body[key] : undefined;
