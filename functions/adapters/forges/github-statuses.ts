/** Commit statuses of GitHub. https://docs.github.com/en/rest/commits/statuses */
import type { Statuses } from '#functions/branch-deploy/ports.ts';
import { notACommit, ownerAndName } from './forge-api.ts';
import { createGithubApi, type GithubOptions } from './github-api.ts';

export function createGithubStatuses(options: GithubOptions): Statuses & { close(): void } {
  const { host } = options.github;
  const api = createGithubApi(options, 'write commit statuses');
  return {
    has: (repository) => ownerAndName(host, repository) !== undefined,
    async post(status) {
      const repository = ownerAndName(host, status.repository);
      if (!repository) return { kind: 'permanent', detail: `${status.repository} is not on ${host}` };
      const wrong = notACommit(status, host);
      if (wrong) return wrong;
      const { state, description, context, links } = status;
      const reply = await api.send({
        method: 'POST',
        path: `/repos/${repository}/statuses/${status.sha}`,
        repository,
        body: {
          // The check could not decide: GitHub has no neutral state.
          state: state === 'unknown' ? 'error' : state,
          description,
          context,
          ...(links?.page ? { target_url: links.page } : {}),
        },
      });
      return reply.ok ? undefined : reply.failure;
    },
    close: () => api.close(),
  };
}
