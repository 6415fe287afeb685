/**
 * GitLab: external commit statuses, by `Ci::CreateCommitStatusService` of GitLab. A pending or running job of the same name,
 * branch and user is updated, a finished one is followed by a new one, and a job never goes back.
 */
import {
  type Forge,
  type ForgeReply,
  type ForgeRequest,
  type ForgeToken,
  type ForgeWorld,
  takeLimit,
  textIn,
  tokenOf,
} from './forge.ts';

export interface GitlabJob {
  readonly project: string;
  readonly sha: string;
  readonly ref: string;
  readonly name: string;
  readonly user: string;
  status: 'created' | 'pending' | 'running' | 'success' | 'failed' | 'canceled';
  description: string | null;
  target_url: string | null;
}

export interface Gitlab extends Forge {
  /** Oldest first. */
  readonly jobs: readonly GitlabJob[];
  /** Another update of the commit holds its lock: the next request is refused. */
  lockOnce(): void;
}

const LONGEST_TEXT = 255;
const STATES = ['pending', 'running', 'success', 'failed', 'canceled'];

export function createGitlab(forge: ForgeWorld): Gitlab {
  const jobs: GitlabJob[] = [];
  let locked = false;
  return {
    jobs,
    lockOnce() {
      locked = true;
    },
    answer(request) {
      const limit = takeLimit(forge);
      if (limit !== undefined)
        return {
          status: 429,
          headers: { 'retry-after': String(limit) },
          body: { message: { error: 'This endpoint has been requested too many times. Try again later.' } },
        };
      const token = tokenOf(forge, request.headers);
      if (!token) return message(401, '401 Unauthorized');
      const [, id = '', sha = ''] =
        /^\/api\/v4\/projects\/([^/]+)\/statuses\/([^/]+)$/.exec(request.path) ?? [];
      if (!id || request.method !== 'POST') return { status: 404, body: { error: '404 Not Found' } };
      const project = decodeURIComponent(id);
      if (!token.repositories.includes(project)) return message(404, '404 Project Not Found');
      if (!token.may.includes('statuses')) return message(403, '403 Forbidden');
      if (locked) {
        locked = false;
        return message(409, '409 Conflict');
      }
      return createStatus(forge, jobs, { request, token, project, sha });
    },
  };
}

function createStatus(
  forge: ForgeWorld,
  jobs: GitlabJob[],
  {
    request,
    token,
    project,
    sha,
  }: { request: ForgeRequest; token: ForgeToken; project: string; sha: string },
): ForgeReply {
  const { body } = request;
  const state = textIn(body, 'state') ?? '';
  const description = textIn(body, 'description') ?? null;
  const targetUrl = textIn(body, 'target_url') ?? null;
  if (!STATES.includes(state)) return { status: 400, body: { error: 'state does not have a valid value' } };
  if (forge.git.revisionOf(`${forge.url}/${project}`, sha) !== sha)
    return message(404, '404 Commit Not Found');
  const ref = textIn(body, 'ref');
  if (!ref) return message(404, '404 References for commit Not Found');
  if ((targetUrl ?? '').length > LONGEST_TEXT) return tooLong('target_url');
  if ((description ?? '').length > LONGEST_TEXT) return tooLong('description');

  const name = textIn(body, 'name') ?? textIn(body, 'context') ?? 'default';
  const found = jobs.find(
    (one) =>
      one.project === project &&
      one.sha === sha &&
      one.ref === ref &&
      one.name === name &&
      one.user === token.user &&
      (one.status === 'pending' || one.status === 'running'),
  );
  const job: GitlabJob = found ?? {
    project,
    sha,
    ref,
    name,
    user: token.user,
    status: 'created',
    description: null,
    target_url: null,
  };
  const refused = transition(job, state);
  if (refused) return message(400, refused);
  job.description = description;
  job.target_url = targetUrl;
  if (!found) jobs.push(job);
  return { status: 201, body: { id: jobs.indexOf(job) + 1, ...job } };
}

/** `enqueue` is from `created` only, `run` from `pending`. */
function transition(job: GitlabJob, state: string): string | undefined {
  const cannot = (event: string) =>
    `Cannot transition status via :${event} from :${job.status} (Reason(s): Status cannot transition via "${event}")`;
  if (state === 'pending') {
    if (job.status !== 'created') return cannot('enqueue');
    job.status = 'pending';
  } else if (state === 'running') {
    if (job.status === 'running') return cannot('run');
    job.status = 'running';
  } else {
    job.status = state as 'success' | 'failed' | 'canceled';
  }
  return undefined;
}

const message = (status: number, text: string): ForgeReply => ({ status, body: { message: text } });
const tooLong = (field: string): ForgeReply => ({
  status: 400,
  body: { message: { [field]: [`is too long (maximum is ${LONGEST_TEXT} characters)`] } },
});
