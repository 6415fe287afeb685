/** Requests to the API of a forge (GitHub, GitLab, Bitbucket), with a token that goes to this one host and is in no text. */
import type { CommitStatus, StatusFailure } from '#functions/branch-deploy/ports.ts';
import type { Secret } from '../aws/secret.ts';
import { createHttpHost, type HttpReply, UnreachableError } from '../http.ts';

export interface ForgeApiOptions {
  /** The base of the API: `https://gitlab.com/api/v4`. */
  readonly url: string;
  /** The name of the forge in messages: `gitlab.com`. */
  readonly host: string;
  /** PEM of a private CA. */
  readonly ca?: string;
  readonly token: Secret;
  /** What the token must be allowed to do: `write commit statuses`. */
  readonly permission: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Refusals that end by themselves, beside those that every forge has. */
  readonly transientStatuses?: readonly number[];
  readonly now: () => Date;
  /** For each request; default 3 s. */
  readonly timeoutMs?: number;
}

export interface ForgeRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: object;
  /** The repository, for messages: `example/api`. */
  readonly repository: string;
}

export type ForgeReply =
  | { readonly ok: true; readonly body: unknown }
  | {
      readonly ok: false;
      readonly status?: number;
      readonly message: string;
      readonly failure: StatusFailure;
    };

export interface ForgeApi {
  send(request: ForgeRequest): Promise<ForgeReply>;
  close(): void;
}

/** The pause where a forge limits requests and names no end. */
const LIMITED_SECONDS = 60;
const LONGEST_SECONDS = 3_600;
const LONGEST_MESSAGE = 200;

export function createForgeApi(options: ForgeApiOptions): ForgeApi {
  const { url, ca, token, timeoutMs = 3_000 } = options;
  const http = createHttpHost({ url, maxSockets: 2, maxBodyBytes: 512 * 1024, ...(ca ? { ca } : {}) });
  const sendWith = (secret: string, { method, path, body }: ForgeRequest) =>
    http.request({
      method,
      path,
      timeoutMs,
      headers: {
        accept: 'application/json',
        authorization: `Bearer ${secret}`,
        'user-agent': 'eks-nightshift',
        ...(body ? { 'content-type': 'application/json' } : {}),
        ...options.headers,
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });

  return {
    async send(request) {
      try {
        let secret = await token.read();
        let reply = await sendWith(secret, request);
        if (reply.status === 401) {
          const fresh = await token.readAgain();
          if (fresh !== secret) {
            secret = fresh;
            reply = await sendWith(secret, request);
          }
        }
        if (reply.status >= 200 && reply.status < 300) return { ok: true, body: jsonOf(reply.body) };
        // Whoever answers in the place of the forge may repeat what it was sent.
        const message = messageOf(reply.body).replaceAll(secret, '…');
        const failure = failureOf(reply, message, request, options);
        return { ok: false, status: reply.status, message, failure };
      } catch (error) {
        if (!(error instanceof UnreachableError)) throw error;
        return { ok: false, message: '', failure: { kind: 'transient', detail: error.message } };
      }
    },
    close: () => http.close(),
  };
}

function failureOf(
  reply: HttpReply,
  message: string,
  { repository }: ForgeRequest,
  { host, now, permission, transientStatuses = [] }: ForgeApiOptions,
): StatusFailure {
  const { status } = reply;
  const answer = `${host} answered ${status}${message ? `: ${message}` : ''}`;
  if (isLimited(reply, message))
    return { kind: 'transient', detail: answer, retryAfterSeconds: pauseOf(reply, now()) };
  if (status >= 500 || status === 408 || transientStatuses.includes(status))
    return { kind: 'transient', detail: answer };
  if (status >= 300 && status < 400)
    return {
      kind: 'permanent',
      detail: `${host} answered ${status}: ${repository} has moved, and redirects are not followed: correct the repository in the config`,
    };
  if (status === 401)
    return {
      kind: 'permanent',
      detail: `${answer}: the token is not accepted, put a new one into the secret`,
    };
  if (status === 403 || status === 404)
    return { kind: 'permanent', detail: `${answer}: the token may not ${permission} of ${repository}` };
  return { kind: 'permanent', detail: answer };
}

/** The hourly limit of GitHub has nothing remaining; the limit on bursts names a pause, or nothing. */
function isLimited({ status, headers }: HttpReply, message: string): boolean {
  if (status === 429) return true;
  if (status !== 403) return false;
  return (
    headers['retry-after'] !== undefined ||
    headers['x-ratelimit-remaining'] === '0' ||
    /rate limit|abuse detection/i.test(message)
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

function jsonOf(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** The forge's own message; nothing of a body that is not the forge's. GitLab's may be a list for each field. */
function messageOf(body: string): string {
  const { message, error } = (jsonOf(body) ?? {}) as {
    message?: unknown;
    error?: { message?: unknown } | string;
  };
  const found = message ?? (typeof error === 'object' ? error?.message : error);
  if (found === undefined || found === null) return '';
  const text = typeof found === 'string' ? found : JSON.stringify(found);
  return text.replace(/\s+/g, ' ').slice(0, LONGEST_MESSAGE);
}

/** A status belongs to a commit, never to a branch. */
export function notACommit({ repository, sha }: CommitStatus, host: string): StatusFailure | undefined {
  return /^[0-9a-f]{40,64}$/.test(sha)
    ? undefined
    : { kind: 'permanent', detail: `${repository} at ${sha} is not a commit on ${host}` };
}

/** The path of a repository on that host, without `.git`; undefined for a repository elsewhere. */
export function pathOn(host: string, repository: string): string | undefined {
  const url = URL.parse(repository);
  if (url?.protocol !== 'https:' || url.host !== host) return undefined;
  const path = url.pathname.replace(/^\/|\/$/g, '').replace(/\.git$/, '');
  const parts = path.split('/');
  const isPart = (part: string) => /^[\w.-]+$/.test(part) && part !== '.' && part !== '..';
  return parts.length >= 2 && parts.every(isPart) ? path : undefined;
}

/** `owner/name`, as GitHub and Bitbucket have it. */
export function ownerAndName(host: string, repository: string): string | undefined {
  const path = pathOn(host, repository);
  return path?.split('/').length === 2 ? path : undefined;
}
