/** Bitbucket Cloud: build statuses by key. An existing key is overwritten by its author only. */
import { type Forge, type ForgeReply, type ForgeWorld, takeLimit, textIn, tokenOf } from './forge.ts';

export interface BitbucketStatus {
  readonly repository: string;
  readonly sha: string;
  readonly key: string;
  readonly author: string;
  readonly state: string;
  readonly name: string | null;
  readonly url: string;
  readonly description: string | null;
}

export interface Bitbucket extends Forge {
  /** One for each commit and key. */
  readonly statuses: readonly BitbucketStatus[];
}

const LONGEST_KEY = 40;
const STATES = ['SUCCESSFUL', 'FAILED', 'INPROGRESS', 'STOPPED'];
const PATH = /^\/2\.0\/repositories\/([^/]+\/[^/]+)\/commit\/([^/]+)\/statuses\/build\/?$/;

export function createBitbucket(forge: ForgeWorld): Bitbucket {
  const statuses: BitbucketStatus[] = [];
  return {
    statuses,
    answer(request) {
      const limit = takeLimit(forge);
      if (limit !== undefined)
        return {
          ...refused(429, 'Rate limit for this resource has been exceeded'),
          headers: { 'retry-after': String(limit) },
        };
      const token = tokenOf(forge, request.headers);
      if (!token) return refused(401, 'Token is invalid, expired, or not supported for this endpoint.');
      const [, repository = '', sha = ''] = PATH.exec(request.path) ?? [];
      if (!repository || request.method !== 'POST') return refused(404, 'Resource not found');
      if (!token.repositories.includes(repository)) return refused(404, `Repository ${repository} not found`);
      if (!token.may.includes('statuses'))
        return refused(403, 'Your credentials lack one or more required privilege scopes.');
      if (forge.git.revisionOf(`${forge.url}/${repository}`, sha) !== sha)
        return refused(404, 'Commit not found');

      const { body } = request;
      const key = textIn(body, 'key') ?? '';
      const state = textIn(body, 'state') ?? '';
      const url = textIn(body, 'url') ?? '';
      if (!key) return refused(400, 'key: This field is required.');
      if (key.length > LONGEST_KEY)
        return refused(
          400,
          `key: Ensure this value has at most ${LONGEST_KEY} characters (it has ${key.length}).`,
        );
      if (!STATES.includes(state)) return refused(400, `state: "${state}" is not a valid choice.`);
      if (!/^https?:\/\//.test(url)) return refused(400, 'url: This field is required.');
      const index = statuses.findIndex(
        (one) => one.repository === repository && one.sha === sha && one.key === key,
      );
      const before = statuses[index];
      if (before && before.author !== token.user)
        return refused(403, 'You do not have permission to update this build status.');
      const status = {
        repository,
        sha,
        key,
        author: token.user,
        state,
        name: textIn(body, 'name') ?? null,
        url,
        description: textIn(body, 'description') ?? null,
      };
      statuses[index < 0 ? statuses.length : index] = status;
      return { status: 201, body: { type: 'build', ...status } };
    },
  };
}

const refused = (status: number, text: string): ForgeReply => ({
  status,
  body: { type: 'error', error: { message: text } },
});
