/** Repositories of Amazon ECR as images name them. */
import type { BranchDeploySettings } from './settings.ts';

const ECR = /^(\d{12})\.dkr\.ecr(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?\/(.+)$/;

export interface EcrRepository {
  readonly account: string;
  readonly region: string;
  /** `team/api` */
  readonly name: string;
}

/** Undefined for a repository of another registry. */
export function ecrRepository(repository: string): EcrRepository | undefined {
  const [, account, region, name] = ECR.exec(repository) ?? [];
  return account && region && name ? { account, region, name } : undefined;
}

/** The names of the repositories of the environment's own ECR to which its builds push, each once. */
export function imageRepositories({
  builds,
  account,
  region,
}: Pick<BranchDeploySettings, 'builds' | 'account' | 'region'>): readonly string[] {
  const named = builds
    .flatMap(({ applications }) => applications)
    .flatMap(({ images = [] }) => images.map(({ repository }) => ecrRepository(repository)));
  const own = named.filter((one) => one?.account === account && one.region === region);
  return [...new Set(own.flatMap((one) => one?.name ?? []))];
}
