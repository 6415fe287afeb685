/**
 * Deployments of GitHub: one for each build and application, in the environment `<environment>/<application>`, with the
 * progress of the deploy as its statuses. https://docs.github.com/en/rest/deployments
 */
import type { CommitStatus, Statuses, StatusFailure } from '#functions/branch-deploy/ports.ts';
import { isRecord } from '#model/record-schema.ts';
import { type ForgeApi, notACommit, ownerAndName } from './forge-api.ts';
import { createGithubApi, type GithubOptions } from './github-api.ts';

const TASK = 'deploy';
/** A build is found again by this key of the deployment's payload. */
const PAYLOAD_KEY = 'nightshift';

const STATES = {
  queued: 'queued',
  running: 'in_progress',
  deployed: 'success',
  failed: 'failure',
  unverified: 'error',
  superseded: 'inactive',
} as const satisfies Record<CommitStatus['progress'], string>;

type Found = { readonly id?: number | undefined } | { readonly failure: StatusFailure };

export function createGithubDeployments(options: GithubOptions): Statuses & { close(): void } {
  const { host } = options.github;
  const api = createGithubApi(options, 'write deployments');
  /** Ids of deployments by build and application: an optimisation, GitHub has them. */
  const ids = new Map<string, number>();

  return {
    has: (repository) => ownerAndName(host, repository) !== undefined,
    async post(status) {
      const repository = ownerAndName(host, status.repository);
      if (!repository) return { kind: 'permanent', detail: `${status.repository} is not on ${host}` };
      const wrong = notACommit(status, host);
      if (wrong) return wrong;
      const key = `${repository} ${status.build} ${environmentOf(status)}`;
      const known = ids.get(key);
      const found = known === undefined ? await findOrCreate(api, repository, status) : { id: known };
      if ('failure' in found) return found.failure;
      // It never began, so there is nothing that could be inactive.
      if (found.id === undefined) return undefined;
      ids.set(key, found.id);
      return postStatus(api, { repository, id: found.id }, status);
    },
    close: () => api.close(),
  };
}

async function findOrCreate(api: ForgeApi, repository: string, status: CommitStatus): Promise<Found> {
  const query = new URLSearchParams({
    sha: status.sha,
    task: TASK,
    environment: environmentOf(status),
    per_page: '100',
  });
  const listed = await api.send({
    method: 'GET',
    path: `/repos/${repository}/deployments?${query}`,
    repository,
  });
  if (!listed.ok) return { failure: listed.failure };
  // Of two processes that created one at once, both go on with the first.
  const ours = (Array.isArray(listed.body) ? listed.body : [])
    .filter(
      (one) => isRecord(one) && isRecord(one['payload']) && one['payload'][PAYLOAD_KEY] === status.build,
    )
    .flatMap((one) => idOf(one) ?? []);
  if (ours.length > 0) return { id: Math.min(...ours) };
  if (status.progress === 'superseded') return { id: undefined };

  const created = await api.send({
    method: 'POST',
    path: `/repos/${repository}/deployments`,
    repository,
    body: {
      ref: status.sha,
      task: TASK,
      environment: environmentOf(status),
      description: `build ${status.build}`,
      payload: { [PAYLOAD_KEY]: status.build },
      // The defaults would merge the default branch into it, and wait for every status of the commit, ours too.
      auto_merge: false,
      required_contexts: [],
      transient_environment: false,
      production_environment: false,
    },
  });
  if (!created.ok) return { failure: created.failure };
  const id = idOf(created.body);
  return id === undefined
    ? { failure: { kind: 'transient', detail: 'GitHub answered with something other than a deployment' } }
    : { id };
}

async function postStatus(
  api: ForgeApi,
  { repository, id }: { readonly repository: string; readonly id: number },
  { progress, description, links }: CommitStatus,
): Promise<StatusFailure | undefined> {
  const reply = await api.send({
    method: 'POST',
    path: `/repos/${repository}/deployments/${id}/statuses`,
    repository,
    body: {
      state: STATES[progress],
      description,
      // The one before stays active until this one is live.
      auto_inactive: progress === 'deployed',
      ...(links?.page ? { log_url: links.page } : {}),
      ...(links?.environment ? { environment_url: links.environment } : {}),
    },
  });
  return reply.ok ? undefined : reply.failure;
}

/** Of one environment the newest success makes the others inactive: each application has its own. */
const environmentOf = ({ environment, application }: CommitStatus) => `${environment}/${application}`;

function idOf(deployment: unknown): number | undefined {
  const id = isRecord(deployment) ? deployment['id'] : undefined;
  return typeof id === 'number' ? id : undefined;
}
