/** The rules between the parts of a config: names that refer to each other, and what must not be there twice. */
import type { EnvironmentConfig } from '#model/config.ts';
import { didYouMean } from '#model/nearest.ts';
import { wrongDeploys } from './deploy-rules.ts';
import { wrongDoorbells } from './doorbell-rules.ts';
import type { ConfigParts } from './parts.ts';
import type { ConfigProblem } from './problem.ts';

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
    ...wrongDeploys(parts),
    ...replacedProduction(parts),
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
