/** The rules between the parts of a config: names that refer to each other, and what must not be there twice. */
import type {
  ApplicationConfig,
  CalendarConfig,
  EnvironmentConfig,
  ImageConfig,
  ScheduleConfig,
  StatusConfig,
} from './config.ts';
import type { ConfigProblem } from './config-problem.ts';
import { wrongImageRepository, wrongTagTemplate } from './config-values.ts';
import { wrongDoorbells } from './doorbell-rules.ts';
import { ecrRepository } from './image-repository.ts';
import { didYouMean } from './nearest.ts';

export interface ConfigParts {
  /** The entries that are valid on their own. */
  readonly calendars: ReadonlyMap<string, CalendarConfig>;
  readonly schedules: ReadonlyMap<string, ScheduleConfig>;
  readonly environments: ReadonlyMap<string, EnvironmentConfig>;
  /** The names of all entries. */
  readonly calendarNames: readonly string[];
  readonly scheduleNames: readonly string[];
  readonly environmentNames: readonly string[];
}

export function crossCheck(parts: ConfigParts): ConfigProblem[] {
  return [
    ...unknownCalendars(parts),
    ...unknownSchedules(parts),
    ...wrongEnvironmentNames(parts),
    ...sameCluster(parts),
    ...unmarkedProduction(parts),
    ...contradictingGroups(parts),
    ...unreachableReadiness(parts),
    ...reportToNobody(parts),
    ...bindings(parts),
    ...createdProjects(parts),
    ...createdImageRepositories(parts),
    ...announcedBuilds(parts),
    ...needlessHubs(parts),
    ...replacedProduction(parts),
    ...unreachableStatuses(parts),
    ...foreignResources(parts),
    ...looseExternalIds(parts),
    ...uselessSelfService(parts),
    ...wrongDoorbells(parts),
  ];
}

/** Without a schedule there is no stop to postpone, and without a way in nobody to postpone it. */
function* uselessSelfService({ environments }: ConfigParts): Iterable<ConfigProblem> {
  for (const [name, environment] of environments) {
    if (environment.production || !environment.selfService) continue;
    const path = `environments.${name}.selfService`;
    const { links, kubectl } = environment.selfService;
    if (environment.schedule === undefined)
      yield { path, message: 'there is no schedule, so nothing is stopped: add a schedule, or remove this' };
    else if (!links && !kubectl)
      yield { path, message: 'nobody can use it: write links: true or kubectl: true, or remove this' };
    const { signIn } = environment.selfService;
    if (signIn && !links)
      yield {
        path: `${path}.signIn`,
        message: 'people reach the page by links: write links: true, or remove this',
      };
    if (signIn) {
      const [, , , region, account] = signIn.loadBalancer.split(':');
      if (region !== environment.region || account !== environment.account)
        yield {
          path: `${path}.signIn.loadBalancer`,
          value: JSON.stringify(signIn.loadBalancer),
          message: `a load balancer calls functions of its own account and region only: name one of ${environment.account}, ${environment.region}`,
        };
    }
  }
}

function* unknownCalendars({ schedules, calendarNames }: ConfigParts): Iterable<ConfigProblem> {
  for (const [name, { calendar }] of schedules) {
    if (calendar === undefined || calendarNames.includes(calendar)) continue;
    yield {
      path: `schedules.${name}.calendar`,
      value: JSON.stringify(calendar),
      message: `there is no such calendar: ${didYouMean(calendar, calendarNames)}`,
    };
  }
}

function* unknownSchedules({ environments, scheduleNames }: ConfigParts): Iterable<ConfigProblem> {
  for (const [name, { schedule }] of environments) {
    if (schedule === undefined || scheduleNames.includes(schedule)) continue;
    yield {
      path: `environments.${name}.schedule`,
      value: JSON.stringify(schedule),
      message: `there is no such schedule: ${didYouMean(schedule, scheduleNames)}`,
    };
  }
}

/** The name becomes part of the names of a stack, a table and functions; some of those ignore case. */
function* wrongEnvironmentNames({ environmentNames }: ConfigParts): Iterable<ConfigProblem> {
  const seen = new Map<string, string>();
  for (const name of environmentNames) {
    const path = `environments.${name}`;
    if (!/^[A-Za-z]([A-Za-z0-9-]{0,28}[A-Za-z0-9])?$/.test(name)) {
      yield {
        path,
        value: JSON.stringify(name),
        message: 'name it with at most 30 letters, digits and hyphens, beginning with a letter',
      };
    }
    const other = seen.get(name.toLowerCase());
    if (other !== undefined) {
      yield {
        path,
        value: JSON.stringify(name),
        message: `the environment is named twice: "${other}" differs in upper and lower case only, rename one`,
      };
    }
    seen.set(name.toLowerCase(), name);
  }
}

function* sameCluster({ environments }: ConfigParts): Iterable<ConfigProblem> {
  const seen = new Map<string, string>();
  for (const [name, { account, region, cluster }] of environments) {
    const key = `${account}/${region}/${cluster}`;
    const other = seen.get(key);
    if (other !== undefined) {
      yield {
        path: `environments.${name}.cluster`,
        value: JSON.stringify(cluster),
        message: `this cluster is the environment "${other}" already (account ${account}, ${region}): remove one of the two`,
      };
    } else seen.set(key, name);
  }
}

/** An environment that is called production and is not marked so would be stopped tonight. */
function* unmarkedProduction({ environments }: ConfigParts): Iterable<ConfigProblem> {
  for (const [name, environment] of environments) {
    if (environment.production !== undefined || !looksLikeProduction(name)) continue;
    yield {
      path: `environments.${name}.production`,
      message:
        'it is missing: write production: true, or production: false if it may be stopped and deployed to',
    };
  }
}

function looksLikeProduction(name: string): boolean {
  return name
    .toLowerCase()
    .split(/[-_/]/)
    .some((word) => ['production', 'prod', 'prd', 'live'].includes(word));
}

function* contradictingGroups({ environments }: ConfigParts): Iterable<ConfigProblem> {
  for (const [name, environment] of environments) {
    if (environment.production) continue;
    const { fallbackGroup, keep = [] } = environment;
    if (fallbackGroup !== undefined && keep.includes(fallbackGroup)) {
      yield {
        path: `environments.${name}.fallbackGroup`,
        value: JSON.stringify(fallbackGroup),
        message:
          'a group in keep is never scaled to zero, so it cannot be the fallback: remove it from one of the two',
      };
    }
    if (!Array.isArray(environment.nodegroups)) continue;
    for (const group of keep) {
      if (!environment.nodegroups.includes(group)) continue;
      yield {
        path: `environments.${name}.keep`,
        value: JSON.stringify(group),
        message:
          'the group is in nodegroups as well, so it would be stopped and kept: remove it from one of the two',
      };
    }
  }
}

/** What `readyBy` names must be there, and within reach of the function. */
function* unreachableReadiness({ environments }: ConfigParts): Iterable<ConfigProblem> {
  for (const [name, environment] of environments) {
    if (environment.production) continue;
    const { readyBy, deploy, schedule, network } = environment;
    const path = `environments.${name}.readyBy`;
    const value = JSON.stringify(readyBy);
    if (readyBy && schedule === undefined)
      yield { path, value, message: 'the environment has no schedule, so it never starts: remove this' };
    if (readyBy === 'applications' && deploy === undefined)
      yield {
        path,
        value,
        message: "there is no deploy that names applications: write 'nodes', or add deploy",
      };
    if (typeof readyBy === 'object' && network === undefined && isPrivateHost(readyBy.url))
      yield {
        path: `${path}.url`,
        value: JSON.stringify(readyBy.url),
        message: 'this host is reached from the VPC only: add network, or write a public URL',
      };
  }
}

/** The report is about a promise, and goes to people. */
function* reportToNobody({ environments }: ConfigParts): Iterable<ConfigProblem> {
  for (const [name, environment] of environments) {
    if (environment.production || environment.morningReport === undefined) continue;
    const problem = (message: string): ConfigProblem => ({
      path: `environments.${name}.morningReport`,
      value: JSON.stringify(environment.morningReport),
      message,
    });
    if (!environment.readyBy) yield problem("nothing is promised: add readyBy: 'nodes', or remove this");
    else if (environment.notify === undefined)
      yield problem("nobody is notified: add notify: { info: ['team@example.com'] }, or remove this");
  }
}

/** Names and addresses that no function outside of the VPC can reach. */
function isPrivateHost(url: string): boolean {
  const host = new URL(url).hostname;
  return (
    /^(localhost|[^.[\]]+|.*\.(internal|local|svc|lan|corp|home\.arpa))$/.test(host) ||
    /^(10\.|127\.|169\.254\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.)/.test(
      host,
    ) ||
    /^\[(::1|f[cd]|fe80)/.test(host)
  );
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
function* replacedProduction({ environments }: ConfigParts): Iterable<ConfigProblem> {
  for (const [name, { production, drain }] of environments) {
    if (production && drain?.replaceEarly)
      yield {
        path: `environments.${name}.drain.replaceEarly`,
        value: 'true',
        message: 'no function may change the groups of production: remove it',
      };
    if (production && drain?.onScheduledChange === 'replace')
      yield {
        path: `environments.${name}.drain.onScheduledChange`,
        value: '"replace"',
        message: 'no function may change the groups of production: write "wait" or "drain"',
      };
  }
}

/** The token is sent to one host, so a status for which no repository is on that host is a mistake. */
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

function* looseExternalIds({ environments }: ConfigParts): Iterable<ConfigProblem> {
  for (const [name, { roleArn, externalId }] of environments)
    if (externalId !== undefined && roleArn === undefined)
      yield {
        path: `environments.${name}.externalId`,
        message: 'an external id is sent when a role is assumed: write roleArn too, or remove this',
      };
}

interface Reference {
  readonly path: string;
  readonly arn: string;
  /** What of the environment the ARN must share. */
  readonly same: readonly ('account' | 'region')[];
  readonly message: string;
}

/** ARNs of another account or region, where AWS or the functions cannot use them. */
function* foreignResources({ environments }: ConfigParts): Iterable<ConfigProblem> {
  for (const [name, environment] of environments)
    for (const { path, arn, same, message } of referencesOf(environment)) {
      const [, , , region, account] = arn.split(':');
      const own = { account: environment.account, region: environment.region };
      const found = { account, region };
      const different = same.find(
        (key) => found[key] !== '' && found[key] !== 'aws' && found[key] !== own[key],
      );
      if (different)
        yield {
          path: `environments.${name}.${path}`,
          value: JSON.stringify(arn),
          message: `it is of the ${different} ${found[different]}, and the environment of ${own[different]}: ${message}`,
        };
    }
}

function referencesOf({
  deploy,
  roleArn,
  encryptionKey,
  permissionsBoundary,
}: EnvironmentConfig): readonly Reference[] {
  const both = ['account', 'region'] as const;
  const references: Reference[] = [];
  const add = (path: string, arn: string | undefined, same: Reference['same'], message: string) => {
    if (arn?.startsWith('arn:')) references.push({ path, arn, same, message });
  };
  add('roleArn', roleArn, ['account'], 'name a role of the account that the cluster is in');
  add('encryptionKey', encryptionKey, ['region'], 'topics and queues take keys of their own region');
  add('permissionsBoundary', permissionsBoundary, ['account'], 'a boundary is a policy of the same account');
  if (!deploy) return references;
  const secrets = [
    ['deploy.argocd', deploy.argocd],
    ['deploy.status.github', deploy.status?.github],
    ['deploy.status.gitlab', deploy.status?.gitlab],
    ['deploy.status.bitbucket', deploy.status?.bitbucket],
  ] as const;
  for (const [path, secret] of secrets) {
    // The key of AWS cannot be shared with another account.
    const needed = secret?.kmsKey ? (['region'] as const) : both;
    add(
      `${path}.tokenSecret`,
      secret?.tokenSecret,
      needed,
      'a secret is read in its own region, and across accounts only with a kmsKey',
    );
    add(`${path}.kmsKey`, secret?.kmsKey, ['region'], 'a secret is encrypted with a key of its own region');
  }
  for (const [index, { create }] of deploy.builds.entries())
    add(
      `deploy.builds[${index}].create.connection`,
      create?.connection,
      // A connection is replicated to every region of its account.
      ['account'],
      'CodeBuild uses connections of its own account',
    );
  return references;
}
