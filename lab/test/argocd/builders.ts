import {
  type ApplicationSeed,
  type ArgocdOptions,
  type ArgocdWorld,
  createArgocd,
} from '#lab/world/argocd/index.ts';
import { createGit, type GitWorld } from '#lab/world/codebuild/index.ts';
import { createContext } from '#lab/world/context.ts';
import type { WorldContext } from '#lab/world/seams.ts';
import type { WorkloadsDouble } from './workloads.ts';
import { createWorkloads } from './workloads.ts';

export const REPOSITORY = 'https://github.com/example/api';
export const FIRST = '1'.repeat(40);
export const SECOND = '2'.repeat(40);
export const THIRD = '3'.repeat(40);

export interface Bench {
  readonly context: WorldContext;
  readonly git: GitWorld;
  readonly workloads: WorkloadsDouble;
  readonly argocd: ArgocdWorld;
  push(sha: string, ref?: string): void;
  pass(seconds: number): Promise<void>;
}

/** An Argo CD with a repository whose branch develop is at FIRST, and the project `develop`. */
export function aBench(options: Partial<ArgocdOptions> = {}): Bench {
  const context = createContext({ start: new Date('2026-11-24T01:00:00Z'), seed: 11 });
  const git = createGit(context);
  git.addRepository(REPOSITORY);
  git.push({ repository: REPOSITORY, ref: 'refs/heads/develop', sha: FIRST });
  const workloads = createWorkloads(context.clock);
  const argocd = createArgocd(context, {
    workloads,
    revisionOf: git.revisionOf,
    onPush: git.onPush,
    runsPods: () => workloads.awake,
    ...options,
  });
  argocd.addProject({ name: 'develop' });
  return {
    context,
    git,
    workloads,
    argocd,
    push: (sha, ref = 'refs/heads/develop') => void git.push({ repository: REPOSITORY, ref, sha }),
    pass: (seconds) => context.clock.runUntil(context.clock.now() + seconds * 1000),
  };
}

export function anApplication(overrides: Partial<ApplicationSeed> = {}): ApplicationSeed {
  return {
    name: 'api',
    project: 'develop',
    repoURL: REPOSITORY,
    targetRevision: 'develop',
    deployments: [{ namespace: 'api', name: 'api', image: 'example/api:{revision}', replicas: 2 }],
    ...overrides,
  };
}
