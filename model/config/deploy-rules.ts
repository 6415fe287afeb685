/** The rules between the builds, applications and Argo CD servers of a config. */
import type { ApplicationConfig, EnvironmentConfig, ImageConfig, StatusConfig } from '#model/config.ts';
import { ecrRepository } from '#model/image-repository.ts';
import type { ConfigParts } from './parts.ts';
import type { ConfigProblem } from './problem.ts';
import { wrongImageRepository, wrongTagTemplate } from './values.ts';

export function* wrongDeploys(parts: ConfigParts): Iterable<ConfigProblem> {
  yield* bindings(parts);
  yield* createdProjects(parts);
  yield* createdImageRepositories(parts);
  yield* announcedBuilds(parts);
  yield* needlessHubs(parts);
  yield* unreachableStatuses(parts);
}

interface Binding {
  readonly environment: string;
  readonly path: string;
  readonly repository: string;
  readonly branch: string;
  readonly server: string;
  readonly application: string;
}

/** One application follows one branch of a repository, in one environment. */
function* bindings({ environments }: ConfigParts): Iterable<ConfigProblem> {
  const productionNames = new Set(
    [...environments].filter(([, { production }]) => production).map(([name]) => name.toLowerCase()),
  );
  const seen: Binding[] = [];
  for (const [name, environment] of environments) {
    if (environment.production || !environment.deploy) continue;
    for (const [index, build] of environment.deploy.builds.entries()) {
      const path = `environments.${name}.deploy.builds[${index}]`;
      if (productionNames.has(build.branch.toLowerCase()) || /^(production|prod)$/i.test(build.branch)) {
        yield {
          path: `${path}.branch`,
          value: JSON.stringify(build.branch),
          message: 'production is rolled out by hand: bind another branch, or remove the build',
        };
      }
      for (const [position, application] of build.applications.entries()) {
        const binding: Binding = {
          environment: name,
          path: `${path}.applications`,
          repository: repositoryKey(build.repository),
          branch: build.branch,
          server: serverKey(environment),
          application: applicationKey(application),
        };
        yield* wrongImages(application, environment, `${path}.applications[${position}]`);
        yield* wrongAddress(application, `${path}.applications[${position}].url`);
        const problem = conflictOf(binding, seen);
        if (problem)
          yield { path: binding.path, value: JSON.stringify(nameOf(application)), message: problem };
        else seen.push(binding);
      }
    }
  }
}

function* wrongAddress(application: ApplicationConfig, path: string): Iterable<ConfigProblem> {
  const address = typeof application === 'string' ? undefined : application.url;
  if (address === undefined) return;
  const url = URL.parse(address);
  if (url && ['https:', 'http:'].includes(url.protocol) && !url.username && !url.password) return;
  yield {
    path,
    value: JSON.stringify(address.replace(/\/\/[^/@]*@/, '//')),
    message: 'write where people open it, without a password, like "https://api.develop.example.com"',
  };
}

function* wrongImages(
  application: ApplicationConfig,
  environment: Pick<EnvironmentConfig, 'account' | 'region'>,
  path: string,
): Iterable<ConfigProblem> {
  if (typeof application === 'string') return;
  const { images, bring = 'manifest' } = application;
  if (bring !== 'manifest' && !images)
    yield {
      path: `${path}.bring`,
      value: JSON.stringify(bring),
      message: 'it needs to know the images: add images, or remove bring',
    };
  if (images?.length === 0)
    yield {
      path: `${path}.images`,
      value: '[]',
      message: 'there is no image: write at least one, or leave images out',
    };
  for (const [index, image] of (images ?? []).entries())
    yield* wrongImage(image, { environment, bring, path: `${path}.images[${index}]` });
}

function* wrongImage(
  { repository, tag, helmParameter }: ImageConfig,
  {
    environment,
    bring,
    path,
  }: {
    readonly environment: Pick<EnvironmentConfig, 'account' | 'region'>;
    readonly bring: 'manifest' | 'parameter' | 'restart';
    readonly path: string;
  },
): Iterable<ConfigProblem> {
  const ofRepository = wrongImageRepository(repository) ?? foreignImage(repository, environment);
  if (ofRepository)
    yield {
      path: `${path}.repository`,
      value: JSON.stringify(repository),
      message: ofRepository,
    };
  const ofTag = typeof tag === 'string' ? wrongTagTemplate(tag, bring === 'restart') : undefined;
  if (ofTag) yield { path: `${path}.tag`, value: JSON.stringify(tag), message: ofTag };
  if (bring === 'restart' && typeof tag === 'string' && !ecrRepository(repository))
    yield {
      path: `${path}.tag`,
      value: JSON.stringify(tag),
      message:
        'only a digest says which build a tag that stays the same is of, and only ECR is asked for it: export the digest, { exported: "IMAGE_DIGEST" }, or name a repository of ECR',
    };
  if (helmParameter !== undefined && bring !== 'parameter')
    yield {
      path: `${path}.helmParameter`,
      value: JSON.stringify(helmParameter),
      message: "no parameter is set here: add bring: 'parameter' to the application, or remove helmParameter",
    };
}

/** A build of this environment pushes to its own registry: another one's image is made by somebody else. */
function foreignImage(
  repository: string,
  { account, region }: Pick<EnvironmentConfig, 'account' | 'region'>,
): string | undefined {
  const owner = ecrRepository(repository);
  if (!owner || (owner.account === account && owner.region === region)) return undefined;
  return `the repository belongs to account ${owner.account} in ${owner.region}, and the environment is in ${account} in ${region}: name a repository of the environment`;
}

function conflictOf(binding: Binding, seen: readonly Binding[]): string | undefined {
  const same = seen.filter(
    (other) => other.server === binding.server && other.application === binding.application,
  );
  const elsewhere = same.find((other) => other.environment !== binding.environment);
  if (elsewhere) {
    return `the application is bound in the environment "${elsewhere.environment}" already (${elsewhere.path}): an application belongs to one environment`;
  }
  const repeated = same.find((other) => other.repository === binding.repository);
  if (!repeated) return undefined;
  return repeated.branch === binding.branch
    ? `the branch "${binding.branch}" is bound to this application twice (${repeated.path} too): remove one of the two`
    : `the application follows the branch "${repeated.branch}" of the same repository already (${repeated.path}): an application follows one branch`;
}

/** Which Argo CD it is: one hub may serve several environments. */
function serverKey({ account, region, cluster, deploy }: EnvironmentConfig): string {
  const { url, cluster: hub } = deploy?.argocd ?? {};
  if (url) return url.replace(/\/+$/, '');
  if (typeof hub === 'object') return hub.endpoint.replace(/\/+$/, '');
  return `${account}/${region}/${hub ?? cluster}`;
}

function repositoryKey(repository: string): string {
  return repository
    .toLowerCase()
    .replace(/\.git$/, '')
    .replace(/\/+$/, '');
}

function applicationKey(application: ApplicationConfig): string {
  return typeof application === 'string'
    ? `/${application}`
    : `${application.namespace ?? ''}/${application.name}`;
}

function nameOf(application: ApplicationConfig): string {
  return typeof application === 'string' ? application : application.name;
}

/** A project that is created here has one webhook, and so one branch; its kind of source follows from the host. */
function* createdProjects({ environments }: ConfigParts): Iterable<ConfigProblem> {
  for (const [name, environment] of environments) {
    const builds = environment.deploy?.builds ?? [];
    for (const [index, { project, repository, create }] of builds.entries()) {
      if (!create) continue;
      const path = `environments.${name}.deploy.builds[${index}]`;
      if (builds.some((other, at) => at !== index && other.project === project))
        yield {
          path: `${path}.project`,
          value: JSON.stringify(project),
          message: 'a project that is created here builds one branch: give each binding a project of its own',
        };
      const { hostname } = new URL(repository);
      if (create.host === undefined && !['github.com', 'gitlab.com', 'bitbucket.org'].includes(hostname))
        yield {
          path: `${path}.create.host`,
          message: `it is missing: ${hostname} could be of any kind, write 'gitlab-self-managed'; for a GitHub Enterprise remove create, CloudFormation cannot create its webhook`,
        };
    }
  }
}

/** ECR has one repository of a name in an account and region, and each stack would make its own. */
function* createdImageRepositories({ environments }: ConfigParts): Iterable<ConfigProblem> {
  const seen = new Map<string, string>();
  for (const [name, { account, region, deploy }] of environments)
    for (const [index, { create }] of (deploy?.builds ?? []).entries()) {
      const repository = create?.imageRepository;
      if (repository === undefined) continue;
      const path = `environments.${name}.deploy.builds[${index}].create.imageRepository`;
      const key = `${account}/${region}/${repository}`;
      const other = seen.get(key);
      if (other === undefined) seen.set(key, path);
      else
        yield {
          path,
          value: JSON.stringify(repository),
          message: `${other} creates this repository in account ${account}, ${region} already: give this one another name, or remove it here and let the build push through a policy in create.policies`,
        };
    }
}

/** EventBridge's own limit for a detail type. */
const LONGEST_DETAIL_TYPE = 128;

/** The detail type of the event selects one binding, and with it the branch. */
function* announcedBuilds({ environments }: ConfigParts): Iterable<ConfigProblem> {
  for (const [name, environment] of environments) {
    const builds = environment.deploy?.builds ?? [];
    for (const [index, { project, announced, create }] of builds.entries()) {
      if (!announced) continue;
      const path = `environments.${name}.deploy.builds[${index}]`;
      const value = JSON.stringify(project);
      if (create)
        yield {
          path: `${path}.create`,
          message: 'a build that is announced runs elsewhere: remove create, or announced',
        };
      if (builds.some((other, at) => at !== index && other.project === project))
        yield {
          path: `${path}.project`,
          value,
          message: 'the name of an announced build selects its branch: give each binding a name of its own',
        };
      if (project.length > LONGEST_DETAIL_TYPE)
        yield {
          path: `${path}.project`,
          value,
          message: `it is the detail type of an event: write at most ${LONGEST_DETAIL_TYPE} characters`,
        };
    }
  }
}

function* needlessHubs({ environments }: ConfigParts): Iterable<ConfigProblem> {
  for (const [name, { cluster, deploy }] of environments)
    if (deploy?.argocd.cluster === cluster)
      yield {
        path: `environments.${name}.deploy.argocd.cluster`,
        value: JSON.stringify(cluster),
        message: "this is the environment's own cluster: remove it",
      };
}

/** An early replacement takes an instance out of its group: no function changes the groups of production. */
function* unreachableStatuses({ environments }: ConfigParts): Iterable<ConfigProblem> {
  for (const [name, { deploy }] of environments) {
    if (!deploy?.status) continue;
    const hosts = [...new Set(deploy.builds.map(({ repository }) => new URL(repository).host))];
    const path = `environments.${name}.deploy.status`;
    const seen = new Set<string>();
    for (const { key, forge, host } of forgesOf(deploy.status)) {
      if (seen.has(host))
        yield {
          path: `${path}.${key}.host`,
          value: JSON.stringify(host),
          message: 'two kinds of host have this one: remove the wrong one',
        };
      seen.add(host);
      if (hosts.includes(host)) continue;
      yield {
        path: key === 'bitbucket' ? `${path}.bitbucket` : `${path}.${key}.host`,
        value: JSON.stringify(host),
        message: `no repository of the builds is there: write ${hosts.map((other) => `"${other}"`).join(' or ')} if it is a ${forge}, or remove ${key === 'github' ? 'status' : key}`,
      };
    }
  }
}

function forgesOf({ github, gitlab, bitbucket }: StatusConfig) {
  return [
    ...(github ? [{ key: 'github', forge: 'GitHub', host: github.host ?? 'github.com' }] : []),
    ...(gitlab ? [{ key: 'gitlab', forge: 'GitLab', host: gitlab.host ?? 'gitlab.com' }] : []),
    ...(bitbucket ? [{ key: 'bitbucket', forge: 'Bitbucket Cloud', host: 'bitbucket.org' }] : []),
  ];
}
