/**
 * Commit statuses of GitHub: github.com, a tenant of ghe.com, or an enterprise's own server.
 * https://docs.github.com/en/rest/commits/statuses
 */
import type { CommitStatus, Statuses, StatusFailure } from '#functions/branch-deploy/ports.ts';
import { printable } from '#model/plain-text.ts';
import type { Secret } from '../aws/secret.ts';
import { createHttpHost, type HttpReply, UnreachableError } from '../http.ts';

export interface GithubStatusOptions {
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

/** The pause where GitHub limits requests and names no end. */
const LIMITED_SECONDS = 60;
const LONGEST_SECONDS = 3_600;
const LONGEST_MESSAGE = 200;

export function createGithubStatuses(options: GithubStatusOptions): Statuses & { close(): void } {
  const { github, token, now, timeoutMs = 3_000 } = options;
  const host = createHttpHost({
    url: apiOf(github.host),
    maxSockets: 2,
    maxBodyBytes: 256 * 1024,
    ...(github.ca ? { ca: github.ca } : {}),
  });
  const send = (status: CommitStatus, name: string, secret: string) =>
    host.request({
      method: 'POST',
      path: `/repos/${name}/statuses/${status.sha}`,
      timeoutMs,
      headers: {
        accept: 'application/vnd.github+json',
        authorization: `Bearer ${secret}`,
        'content-type': 'application/json',
        'user-agent': 'eks-nightshift',
        'x-github-api-version': '2022-11-28',
      },
      body: JSON.stringify({
        state: status.state,
        description: printable(status.description).slice(0, 140),
        context: status.context,
      }),
    });

  return {
    has: (repository) => nameOf(repository, github.host) !== undefined,
    async post(status) {
      const name = nameOf(status.repository, github.host);
      if (!name || !/^[0-9a-f]{40,64}$/.test(status.sha)) {
        return {
          kind: 'permanent',
          detail: `${status.repository} at ${status.sha} is not a commit on ${github.host}`,
        };
      }
      try {
        let secret = await token.read();
        let reply = await send(status, name, secret);
        if (reply.status === 401) {
          const fresh = await token.readAgain();
          if (fresh !== secret) {
            secret = fresh;
            reply = await send(status, name, secret);
          }
        }
        return failureOf(reply, name, github.host, now());
      } catch (error) {
        if (error instanceof UnreachableError) return { kind: 'transient', detail: error.message };
        throw error;
      }
    },
    close: () => host.close(),
  };
}

function apiOf(host: string): string {
  if (host === 'github.com' || host.endsWith('.ghe.com')) return `https://api.${host}`;
  return `https://${host}/api/v3`;
}

/** `owner/name` of a repository on that host. */
function nameOf(repository: string, host: string): string | undefined {
  const url = URL.parse(repository);
  if (url?.protocol !== 'https:' || url.host !== host) return undefined;
  const [, owner = '', name = ''] = /^\/([\w-]+)\/([\w.-]+?)(?:\.git)?\/?$/.exec(url.pathname) ?? [];
  return owner && name && name !== '.' && name !== '..' ? `${owner}/${name}` : undefined;
}

function failureOf(reply: HttpReply, name: string, host: string, now: Date): StatusFailure | undefined {
  const { status } = reply;
  if (status >= 200 && status < 300) return undefined;
  const answer = `${host} answered ${status}${withColon(messageOf(reply.body))}`;
  if (isLimited(reply)) {
    return { kind: 'transient', detail: answer, retryAfterSeconds: pauseOf(reply, now) };
  }
  if (status >= 500 || status === 408) return { kind: 'transient', detail: answer };
  if (status >= 300 && status < 400) {
    return {
      kind: 'permanent',
      detail: `${host} answered ${status}: ${name} has moved, and redirects are not followed: correct the repository in the config`,
    };
  }
  switch (status) {
    case 401:
      return {
        kind: 'permanent',
        detail: `${answer}: the token is not accepted, put a new one into the secret`,
      };
    case 403:
    case 404:
      return {
        kind: 'permanent',
        detail: `${answer}: the token may not write commit statuses of ${name}`,
      };
    default:
      return { kind: 'permanent', detail: answer };
  }
}

/** The hourly limit has nothing remaining; the limit on bursts names a pause, or nothing. */
function isLimited({ status, headers, body }: HttpReply): boolean {
  if (status === 429) return true;
  if (status !== 403) return false;
  return (
    headers['retry-after'] !== undefined ||
    headers['x-ratelimit-remaining'] === '0' ||
    /rate limit|abuse detection/i.test(messageOf(body))
  );
}

/** Whole seconds; a date is not parsed. */
function pauseOf({ headers }: HttpReply, now: Date): number {
  const asked = Number(headers['retry-after']);
  const reset = Number(headers['x-ratelimit-reset']) - now.getTime() / 1_000;
  const exhausted = headers['x-ratelimit-remaining'] === '0';
  const seconds = asked > 0 ? asked : exhausted && reset > 0 ? Math.ceil(reset) : LIMITED_SECONDS;
  return Math.min(seconds, LONGEST_SECONDS);
}

/** GitHub's own message; nothing of a body that is not GitHub's. */
function messageOf(body: string): string {
  try {
    const { message } = JSON.parse(body) as { message?: unknown };
    return typeof message === 'string' ? message.replace(/\s+/g, ' ').slice(0, LONGEST_MESSAGE) : '';
  } catch {
    return '';
  }
}

const withColon = (text: string) => (text ? `: ${text}` : '');
