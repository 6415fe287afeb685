/**
 * GitHub: commit statuses and deployments, by its REST reference. A deployment waits for every commit status unless
 * `required_contexts` is empty; a success makes the earlier ones of the environment inactive unless `auto_inactive` is false.
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

export interface GithubStatus {
  readonly repository: string;
  readonly sha: string;
  readonly state: string;
  readonly context: string;
  readonly description: string | null;
  readonly target_url: string | null;
}

export interface GithubDeploymentStatus {
  readonly state: string;
  readonly description: string;
  readonly log_url: string;
  readonly environment_url: string;
}

export interface GithubDeployment {
  readonly id: number;
  readonly repository: string;
  readonly sha: string;
  readonly ref: string;
  readonly task: string;
  readonly environment: string;
  readonly description: string | null;
  readonly payload: unknown;
  readonly transient_environment: boolean;
  readonly production_environment: boolean;
  /** Oldest first. */
  readonly statuses: GithubDeploymentStatus[];
}

export interface Github extends Forge {
  readonly statuses: readonly GithubStatus[];
  readonly deployments: readonly GithubDeployment[];
}

const LONGEST_DESCRIPTION = 140;
/** Of one commit and context. */
const MOST_STATUSES = 1_000;
const STATUS_STATES = ['error', 'failure', 'pending', 'success'];
const DEPLOYMENT_STATES = ['error', 'failure', 'inactive', 'in_progress', 'queued', 'pending', 'success'];

interface Call {
  readonly forge: ForgeWorld;
  readonly statuses: GithubStatus[];
  readonly deployments: GithubDeployment[];
  readonly request: ForgeRequest;
  readonly token: ForgeToken;
  readonly repository: string;
}

export function createGithub(forge: ForgeWorld): Github {
  const statuses: GithubStatus[] = [];
  const deployments: GithubDeployment[] = [];
  return {
    statuses,
    deployments,
    answer(request) {
      const limit = takeLimit(forge);
      if (limit !== undefined)
        return {
          status: 403,
          headers: { 'retry-after': String(limit) },
          body: {
            message:
              'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.',
          },
        };
      const token = tokenOf(forge, request.headers);
      if (!token) return message(401, 'Bad credentials');
      // The server that enterprises run has its API below /api/v3.
      const [, owner, name, rest = ''] =
        /^(?:\/api\/v3)?\/repos\/([^/]+)\/([^/]+)\/(.+)$/.exec(request.path) ?? [];
      const repository = `${owner}/${name}`;
      if (!token.repositories.includes(repository)) return message(404, 'Not Found');
      return route({ forge, statuses, deployments, request, token, repository }, rest.split('/'));
    },
  };
}

function route(call: Call, [kind, id, below]: readonly string[]): ForgeReply {
  const { method } = call.request;
  if (kind === 'statuses' && id && !below && method === 'POST')
    return may(call, 'statuses') ?? createStatus(call, id);
  if (kind === 'deployments' && !id && method === 'GET') return listDeployments(call);
  if (kind === 'deployments' && !id && method === 'POST')
    return may(call, 'deployments') ?? createDeployment(call);
  if (kind === 'deployments' && id && below === 'statuses' && method === 'POST')
    return may(call, 'deployments') ?? createDeploymentStatus(call, Number(id));
  return message(404, 'Not Found');
}

function may({ token }: Call, what: ForgeToken['may'][number]): ForgeReply | undefined {
  return token.may.includes(what)
    ? undefined
    : message(403, 'Resource not accessible by personal access token');
}

function createStatus({ forge, statuses, request, repository }: Call, sha: string): ForgeReply {
  const { body } = request;
  const state = textIn(body, 'state') ?? '';
  const context = textIn(body, 'context') ?? 'default';
  const description = textIn(body, 'description') ?? null;
  if (forge.git.revisionOf(`${forge.url}/${repository}`, sha) !== sha)
    return message(422, `No commit found for SHA: ${sha}`);
  if (!STATUS_STATES.includes(state)) return invalid(`state: ${state} is not included in the list`);
  if ((description ?? '').length > LONGEST_DESCRIPTION)
    return invalid(`description is too long (maximum is ${LONGEST_DESCRIPTION} characters)`);
  const same = statuses.filter(
    (one) => one.repository === repository && one.sha === sha && one.context === context,
  );
  if (same.length >= MOST_STATUSES)
    return invalid('This SHA and context has reached the maximum number of statuses.');
  const status = {
    repository,
    sha,
    state,
    context,
    description,
    target_url: textIn(body, 'target_url') ?? null,
  };
  statuses.push(status);
  return { status: 201, body: { id: statuses.length, ...status } };
}

function listDeployments({ deployments, request, repository }: Call): ForgeReply {
  const { query } = request;
  const filters = ['sha', 'ref', 'task', 'environment'] as const;
  const found = deployments.filter(
    (one) =>
      one.repository === repository && filters.every((key) => !query.get(key) || query.get(key) === one[key]),
  );
  const page = Math.min(Number(query.get('per_page') ?? 30), 100);
  return { status: 200, body: found.toReversed().slice(0, page).map(shown) };
}

function createDeployment({ forge, statuses, deployments, request, repository }: Call): ForgeReply {
  const { body } = request;
  const ref = textIn(body, 'ref') ?? '';
  const address = `${forge.url}/${repository}`;
  const sha = forge.git.revisionOf(address, ref);
  if (!sha) return message(422, `No ref found for: ${ref}`);
  const head = forge.git.revisionOf(address, 'HEAD');
  if (body['auto_merge'] !== false && head !== sha)
    return message(202, `Auto-merged the default branch into ${ref} on deployment.`);
  const required = Array.isArray(body['required_contexts']) ? body['required_contexts'] : undefined;
  const latest = new Map(
    statuses
      .filter((one) => one.repository === repository && one.sha === sha)
      .map((one) => [one.context, one.state]),
  );
  const contexts = required ?? [...latest.keys()];
  if (contexts.some((context) => latest.get(context) !== 'success'))
    return message(409, `Conflict: Commit status checks failed for ${ref}.`);
  const environment = textIn(body, 'environment') ?? 'production';
  const deployment: GithubDeployment = {
    id: 1_000 + deployments.length,
    repository,
    sha,
    ref,
    task: textIn(body, 'task') ?? 'deploy',
    environment,
    description: textIn(body, 'description') ?? null,
    payload: body['payload'] ?? {},
    transient_environment: body['transient_environment'] === true,
    production_environment: body['production_environment'] === true || environment === 'production',
    statuses: [],
  };
  deployments.push(deployment);
  return { status: 201, body: shown(deployment) };
}

function createDeploymentStatus({ deployments, request, repository }: Call, id: number): ForgeReply {
  const { body } = request;
  const deployment = deployments.find((one) => one.repository === repository && one.id === id);
  if (!deployment) return message(404, 'Not Found');
  const state = textIn(body, 'state') ?? '';
  const description = textIn(body, 'description') ?? '';
  if (!DEPLOYMENT_STATES.includes(state)) return invalid(`state: ${state} is not included in the list`);
  if (description.length > LONGEST_DESCRIPTION)
    return invalid(`description is too long (maximum is ${LONGEST_DESCRIPTION} characters)`);
  const status = {
    state,
    description,
    log_url: textIn(body, 'log_url') ?? textIn(body, 'target_url') ?? '',
    environment_url: textIn(body, 'environment_url') ?? '',
  };
  deployment.statuses.push(status);
  if (state === 'success' && body['auto_inactive'] !== false)
    for (const one of deployments)
      if (isEarlier(one, deployment) && one.statuses.some((before) => before.state === 'success'))
        one.statuses.push({ state: 'inactive', description: '', log_url: '', environment_url: '' });
  return { status: 201, body: status };
}

function isEarlier(one: GithubDeployment, deployment: GithubDeployment): boolean {
  return (
    one.id < deployment.id &&
    one.repository === deployment.repository &&
    one.environment === deployment.environment &&
    !one.transient_environment &&
    !one.production_environment &&
    one.statuses.at(-1)?.state !== 'inactive'
  );
}

function shown({ statuses: _, repository: __, ...deployment }: GithubDeployment): object {
  return deployment;
}

const message = (status: number, text: string): ForgeReply => ({ status, body: { message: text } });
const invalid = (error: string): ForgeReply => ({
  status: 422,
  body: { message: 'Validation Failed', errors: [error] },
});
