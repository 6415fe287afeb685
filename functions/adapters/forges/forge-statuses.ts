/** One queue for each forge and kind of status: what one of them refuses or limits does not delay the others. */
import type { StatusQueue } from '#functions/branch-deploy/ports.ts';
import type { BranchDeploySettings } from '#model/settings.ts';
import { lazySecret } from '../aws/lazy-clients.ts';
import { createBitbucketStatuses } from './bitbucket-statuses.ts';
import { createGithubDeployments } from './github-deployments.ts';
import { createGithubStatuses } from './github-statuses.ts';
import { createGitlabStatuses } from './gitlab-statuses.ts';
import { createStatusQueue } from './status-queue.ts';

export function createForgeStatuses(
  { github, gitlab, bitbucket }: NonNullable<BranchDeploySettings['status']>,
  now: () => Date,
): StatusQueue {
  const ofGithub = github && { github, token: lazySecret(github.tokenSecret), now };
  const adapters = [
    ofGithub && createGithubStatuses(ofGithub),
    ofGithub && github.deployments && createGithubDeployments(ofGithub),
    gitlab && createGitlabStatuses({ gitlab, token: lazySecret(gitlab.tokenSecret), now }),
    bitbucket && createBitbucketStatuses({ token: lazySecret(bitbucket.tokenSecret), now }),
  ];
  return together(adapters.flatMap((statuses) => (statuses ? [createStatusQueue({ statuses, now })] : [])));
}

export function together(queues: readonly StatusQueue[]): StatusQueue {
  return {
    add(status, source) {
      for (const queue of queues) queue.add(status, source);
    },
    flush: async () => (await Promise.all(queues.map((queue) => queue.flush()))).flat(),
  };
}
