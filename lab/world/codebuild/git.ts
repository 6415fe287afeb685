import type { WorldContext } from '../interfaces.ts';
import type { Commit, Provider, PullRequest, Push } from './types.ts';

/** The git host: repositories, their refs over time, and pull requests. */
export interface GitWorld {
  addRepository(
    url: string,
    options?: { readonly provider?: Provider; readonly defaultBranch?: string },
  ): void;
  provider(repository: string): Provider;
  has(repository: string): boolean;
  push(push: Push): Commit;
  /** Opens a pull request from `head` at its newest commit. */
  openPullRequest(request: {
    readonly repository: string;
    readonly head: string;
    readonly base: string;
    readonly author?: string;
  }): PullRequest;
  pullRequest(repository: string, number: number): PullRequest | undefined;
  /**
   * The commit that a branch, tag, full ref, `HEAD` or commit id stands for; a short name means the branch before the
   * tag. `at`: virtual ms, default now.
   */
  revisionOf(repository: string, revision: string, at?: number): string | undefined;
  /** Newest last. */
  commits(repository: string): readonly Commit[];
  onPush(listener: (commit: Commit) => void): () => void;
}

interface Repository {
  readonly url: string;
  readonly provider: Provider;
  readonly defaultBranch: string;
  readonly commits: Commit[];
  readonly pullRequests: PullRequest[];
}

export function createGit(context: WorldContext): GitWorld {
  const repositories = new Map<string, Repository>();
  const listeners = new Set<(commit: Commit) => void>();

  const repositoryOf = (url: string): Repository => {
    const found = repositories.get(sameRepository(url));
    if (!found) throw new Error(`no repository ${url}: add it first`);
    return found;
  };
  const newest = (repository: Repository, ref: string, at: number) =>
    repository.commits.findLast((commit) => commit.ref === ref && commit.at <= at);

  return {
    addRepository(url, options = {}) {
      const key = sameRepository(url);
      if (repositories.has(key)) return;
      repositories.set(key, {
        url: key,
        provider: options.provider ?? 'GITHUB',
        defaultBranch: options.defaultBranch ?? 'main',
        commits: [],
        pullRequests: [],
      });
    },
    provider: (repository) => repositoryOf(repository).provider,
    has: (repository) => repositories.has(sameRepository(repository)),
    push(push) {
      const repository = repositoryOf(push.repository);
      if (!/^refs\/(heads|tags)\/.+/.test(push.ref)) {
        throw new Error(`a push to ${push.ref}: write refs/heads/… or refs/tags/…`);
      }
      const commit: Commit = {
        repository: repository.url,
        ref: push.ref,
        sha: push.sha ?? context.hex(40),
        author: push.author ?? 'developer',
        message: push.message ?? 'change',
        files: push.files ?? ['src/main.ts'],
        at: context.clock.now(),
      };
      repository.commits.push(commit);
      for (const listener of listeners) listener(commit);
      return commit;
    },
    openPullRequest(request) {
      const repository = repositoryOf(request.repository);
      const commit = newest(repository, request.head, context.clock.now());
      if (!commit) throw new Error(`no commit on ${request.head}: push to it before the pull request`);
      const opened: PullRequest = {
        repository: repository.url,
        number: repository.pullRequests.length + 1,
        head: request.head,
        base: request.base,
        sha: commit.sha,
        author: request.author ?? commit.author,
      };
      repository.pullRequests.push(opened);
      return opened;
    },
    pullRequest: (repository, number) => repositoryOf(repository).pullRequests[number - 1],
    revisionOf(url, revision, at = context.clock.now()) {
      const repository = repositories.get(sameRepository(url));
      if (!repository) return undefined;
      if (/^[0-9a-f]{40}$/.test(revision)) {
        return repository.commits.some((commit) => commit.sha === revision && commit.at <= at)
          ? revision
          : undefined;
      }
      const refs =
        revision === 'HEAD' || revision === ''
          ? [`refs/heads/${repository.defaultBranch}`]
          : revision.startsWith('refs/')
            ? [revision]
            : [`refs/heads/${revision}`, `refs/tags/${revision}`];
      for (const ref of refs) {
        const commit = newest(repository, ref, at);
        if (commit) return commit.sha;
      }
      return undefined;
    },
    commits: (repository) => repositoryOf(repository).commits,
    onPush(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

/** The URL that stands for the repository however it was written. */
export function sameRepository(url: string): string {
  return url.replace(/\/+$/, '').replace(/\.git$/, '');
}
