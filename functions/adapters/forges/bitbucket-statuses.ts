/** Build statuses of Bitbucket Cloud. https://developer.atlassian.com/cloud/bitbucket/rest/api-group-commit-statuses/ */
import { createHash } from 'node:crypto';
import type { CommitStatus, Statuses } from '#functions/branch-deploy/ports.ts';
import type { Secret } from '../aws/secret.ts';
import { createForgeApi, notACommit, ownerAndName } from './forge-api.ts';

export interface BitbucketOptions {
  readonly token: Secret;
  readonly now: () => Date;
  /** Default `https://api.bitbucket.org/2.0`. */
  readonly api?: { readonly url: string; readonly ca?: string };
  readonly timeoutMs?: number;
}

const HOST = 'bitbucket.org';
/** Bitbucket refuses longer ones. */
const LONGEST_KEY = 40;

const STATES = {
  pending: 'INPROGRESS',
  success: 'SUCCESSFUL',
  failure: 'FAILED',
  unknown: 'STOPPED',
} as const satisfies Record<CommitStatus['state'], string>;

export function createBitbucketStatuses(options: BitbucketOptions): Statuses & { close(): void } {
  const { token, now, timeoutMs } = options;
  const api = createForgeApi({
    ...(options.api ?? { url: 'https://api.bitbucket.org/2.0' }),
    host: HOST,
    token,
    now,
    permission: 'write build statuses',
    ...(timeoutMs ? { timeoutMs } : {}),
  });
  return {
    has: (repository) => ownerAndName(HOST, repository) !== undefined,
    async post(status) {
      const repository = ownerAndName(HOST, status.repository);
      if (!repository) return { kind: 'permanent', detail: `${status.repository} is not on ${HOST}` };
      const wrong = notACommit(status, HOST);
      if (wrong) return wrong;
      const reply = await api.send({
        method: 'POST',
        path: `/repositories/${repository}/commit/${status.sha}/statuses/build`,
        repository,
        body: {
          key: keyOf(status.context),
          state: STATES[status.state],
          name: status.context,
          description: status.description,
          // It must have one.
          url: status.links?.page ?? `https://${HOST}/${repository}/commits/${status.sha}`,
        },
      });
      return reply.ok ? undefined : reply.failure;
    },
    close: () => api.close(),
  };
}

/** The same for each status of an application: the newest overwrites the one before. */
function keyOf(context: string): string {
  if (context.length <= LONGEST_KEY) return context;
  const prefix = 'nightshift-';
  const hash = createHash('sha256').update(context).digest('hex');
  return prefix + hash.slice(0, LONGEST_KEY - prefix.length);
}
