/** Commit statuses of GitLab, gitlab.com or self-managed. https://docs.gitlab.com/api/commits/#set-commit-pipeline-status */
import type { CommitStatus, Statuses } from '#functions/branch-deploy/ports.ts';
import type { Secret } from '../aws/secret.ts';
import { createForgeApi, notACommit, pathOn } from './forge-api.ts';

export interface GitlabOptions {
  readonly gitlab: {
    /** `gitlab.com`: the token is sent to no other host. */
    readonly host: string;
    /** PEM of a private CA. */
    readonly ca?: string;
  };
  readonly token: Secret;
  readonly now: () => Date;
  readonly timeoutMs?: number;
}

/** GitLab refuses longer ones. */
const LONGEST_URL = 255;
/** An update of the same commit is running. */
const CONFLICT = 409;
/** The status is there already: GitLab refuses to write it once more, with a new description too. */
const ALREADY_SHOWN = /^Cannot transition status via :(enqueue|run) from :(pending|running)\b/;

export function createGitlabStatuses(options: GitlabOptions): Statuses & { close(): void } {
  const { gitlab, token, now, timeoutMs } = options;
  const { host } = gitlab;
  const api = createForgeApi({
    url: `https://${host}/api/v4`,
    host,
    token,
    now,
    permission: 'write commit statuses',
    transientStatuses: [CONFLICT],
    ...(gitlab.ca ? { ca: gitlab.ca } : {}),
    ...(timeoutMs ? { timeoutMs } : {}),
  });
  return {
    has: (repository) => pathOn(host, repository) !== undefined,
    async post(status) {
      const repository = pathOn(host, status.repository);
      if (!repository) return { kind: 'permanent', detail: `${status.repository} is not on ${host}` };
      const wrong = notACommit(status, host);
      if (wrong) return wrong;
      const page = status.links?.page;
      const reply = await api.send({
        method: 'POST',
        path: `/projects/${encodeURIComponent(repository)}/statuses/${status.sha}`,
        repository,
        body: {
          state: stateOf(status),
          name: status.context,
          // Without it GitLab chooses a branch that contains the commit.
          ref: status.branch,
          description: status.description,
          ...(page && page.length <= LONGEST_URL ? { target_url: page } : {}),
        },
      });
      if (reply.ok || (reply.status === 400 && ALREADY_SHOWN.test(reply.message))) return undefined;
      return reply.failure;
    },
    close: () => api.close(),
  };
}

function stateOf({ state, progress }: CommitStatus): string {
  if (state === 'pending') return progress === 'queued' ? 'pending' : 'running';
  // It has ended, and is neither: GitLab has no other state for that.
  if (state === 'unknown') return 'canceled';
  return state === 'success' ? 'success' : 'failed';
}
