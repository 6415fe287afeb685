import { describe, expect, test } from 'vitest';
import { aConfig, account, argocd, build, problems } from './a-config.ts';

const first = 'environments.develop.deploy.builds[0]';
const second = 'environments.develop.deploy.builds[1]';
const place = { account, region: 'ap-northeast-1' };
const builds = (...given: object[]) => ({ 'environments.develop.deploy.builds': given });
const staging = (deploy: object) => ({
  'environments.staging': { ...place, cluster: 'staging', deploy: { argocd, builds: [build], ...deploy } },
});

describe('names that refer to each other', () => {
  test('may be left out', () => {
    expect(problems(aConfig({ 'schedules.office.calendar': undefined }))).toEqual([]);
    expect(problems(aConfig({ 'environments.develop.schedule': undefined }))).toEqual([]);
  });

  test('say what there is where none is near', () => {
    expect(problems(aConfig({ calendars: {} }))).toEqual([
      'schedules.office.calendar: "japan": there is no such calendar: there are none',
    ]);
    expect(problems(aConfig({ 'environments.develop.schedule': 'nights' }))).toEqual([
      'environments.develop.schedule: "nights": there is no such schedule: there are office',
    ]);
  });

  test('may be the name of one that is wrong: that is not a second mistake', () => {
    expect(problems(aConfig({ 'calendars.japan.holidays': 'XX' }))).toHaveLength(1);
    expect(problems(aConfig({ 'schedules.office.timeZone': 'XX' }))).toHaveLength(1);
  });
});

describe('the name of an environment', () => {
  test.each(['a', 'Z9', 'eu-west-1', `a${'-'.repeat(28)}9`])('may be %j', (name) => {
    expect(problems(aConfig({ [`environments.${name}`]: { ...place, cluster: 'other' } }))).toEqual([]);
  });

  test.each(['9a', '-a', 'a-', 'a_b', '', `a${'-'.repeat(29)}9`])('may not be %j', (name) => {
    const config = aConfig() as { environments: Record<string, object> };
    config.environments[name] = { ...place, cluster: 'other' };
    expect(problems(config)).toEqual([
      `environments.${name}: ${JSON.stringify(name)}: name it with at most 30 letters, digits and hyphens, beginning with a letter`,
    ]);
  });

  test.each(['prod', 'PRD', 'live', 'eu-production', 'shop-live-2'])(
    '%j must say whether it is production',
    (name) => {
      const path = `environments.${name}`;
      const found = problems(aConfig({ [path]: { ...place, cluster: 'other' } }));
      expect(found).toEqual([
        `${path}.production: it is missing: write production: true, or production: false if it may be stopped and deployed to`,
      ]);
      const said = { ...place, cluster: 'other', production: false };
      expect(problems(aConfig({ [path]: said }))).toEqual([]);
    },
  );

  test.each(['product', 'preprod2', 'delivery'])('%j only looks a little like production', (name) => {
    expect(problems(aConfig({ [`environments.${name}`]: { ...place, cluster: 'other' } }))).toEqual([]);
  });
});

describe('a cluster', () => {
  test.each<[string, object]>([
    ['in another account', { account: '222222222222', region: 'ap-northeast-1', cluster: 'develop' }],
    ['in another region', { ...place, region: 'eu-west-1', cluster: 'develop' }],
    ['of another name', { ...place, cluster: 'develop2' }],
  ])('%s is another cluster', (_what, environment) => {
    expect(problems(aConfig({ 'environments.other': environment }))).toEqual([]);
  });
});

describe('a group', () => {
  const groups = (environment: object) =>
    problems(aConfig({ 'environments.develop': { ...place, cluster: 'develop', ...environment } }));

  test('in keep may be anywhere else but in nodegroups, and as the fallback', () => {
    expect(groups({ nodegroups: 'all', keep: ['web'] })).toEqual([]);
    expect(groups({ nodegroups: ['batch'], keep: ['web'], fallbackGroup: 'spare' })).toEqual([]);
    expect(groups({ fallbackGroup: 'spare' })).toEqual([]);
    expect(groups({ nodegroups: ['batch', 'web', 'x'], keep: ['x', 'y', 'web'] })).toEqual([
      'environments.develop.keep: "x": the group is in nodegroups as well, so it would be stopped and kept: remove it from one of the two',
      'environments.develop.keep: "web": the group is in nodegroups as well, so it would be stopped and kept: remove it from one of the two',
    ]);
  });
});

describe('the branch of production', () => {
  const byHand = 'production is rolled out by hand: bind another branch, or remove the build';

  test.each(['production', 'Production', 'prod', 'PROD'])('%j is never bound', (branch) => {
    expect(problems(aConfig(builds({ ...build, branch })))).toEqual([
      `${first}.branch: "${branch}": ${byHand}`,
    ]);
  });

  test.each(['live', 'Live'])('is that of an environment that is called so: %j', (branch) => {
    const live = { 'environments.LIVE': { ...place, cluster: 'live', production: true } };
    expect(problems(aConfig({ ...live, ...builds({ ...build, branch }) }))).toEqual([
      `${first}.branch: "${branch}": ${byHand}`,
    ]);
    expect(problems(aConfig(builds({ ...build, branch })))).toEqual([]);
  });

  test.each(['production-like', 'my-production', 'product'])('is not %j', (branch) => {
    expect(problems(aConfig(builds({ ...build, branch })))).toEqual([]);
  });
});

describe('an application', () => {
  const twice = `the branch "develop" is bound to this application twice (${first}.applications too): remove one of the two`;
  const again = (overrides: object) =>
    problems(aConfig(builds(build, { ...build, project: 'again', ...overrides })));

  test.each<[string, string]>([
    ['in other letters', 'https://github.com/Example/API'],
    ['with .git', 'https://github.com/example/api.git'],
    ['with slashes at the end', 'https://github.com/example/api//'],
  ])('is bound to one branch of a repository, also where that is written %s', (_how, repository) => {
    expect(again({ repository })).toEqual([`${second}.applications: "api": ${twice}`]);
  });

  test.each([
    'https://github.com/example/api.gitops',
    'https://github.com/example/a.gitpi',
    'https://github.com/example//api',
    'https://github.com/example/api/sub',
  ])('may follow another repository as well: %s', (repository) => {
    expect(again({ repository })).toEqual([]);
  });

  test('is the same in short and in long form, and another one in another namespace', () => {
    expect(again({ applications: [{ name: 'api', prune: true }] })).toEqual([
      `${second}.applications: "api": ${twice}`,
    ]);
    expect(again({ applications: [{ name: 'api', namespace: 'team' }] })).toEqual([]);
    expect(again({ applications: ['web'] })).toEqual([]);
    expect(again({ applications: [{ name: 'web' }, 'worker'] })).toEqual([]);
  });

  test('that is bound twice is shown by its name', () => {
    const named = { ...build, applications: [{ name: 'web', namespace: 'team' }] };
    expect(problems(aConfig(builds(named, { ...named, project: 'again' })))).toEqual([
      `${second}.applications: "web": ${twice}`,
    ]);
  });

  test('of the same name on another Argo CD is another one', () => {
    const elsewhere = { ...argocd, url: 'https://argocd.staging.example.com' };
    expect(problems(aConfig(staging({ argocd: elsewhere })))).toEqual([]);
  });

  test('of one Argo CD belongs to one environment, also where the address ends in slashes', () => {
    const slashes = { ...argocd, url: `${argocd.url}//` };
    const message = `environments.staging.deploy.builds[0].applications: "api": the application is bound in the environment "develop" already (${first}.applications): an application belongs to one environment`;
    expect(problems(aConfig(staging({ argocd: slashes })))).toEqual([message]);
    expect(problems(aConfig(staging({ argocd: { ...argocd, url: `${argocd.url}/x` } })))).toEqual([]);
    const other = { ...build, repository: 'https://github.com/example/other' };
    expect(problems(aConfig(staging({ builds: [other] })))).toEqual([message]);
  });
});

describe('an image repository that is created here', () => {
  const create = {
    connection:
      'arn:aws:codeconnections:ap-northeast-1:111111111111:connection/01234567-89ab-cdef-0123-456789abcdef',
    imageRepository: 'team/api',
  };
  const web = { ...build, project: 'web-develop', applications: ['web'], create };
  const created = `environments.develop.deploy.builds[0].create.imageRepository creates this repository in account ${account}, ap-northeast-1 already: give this one another name, or remove it here and let the build push through a policy in create.policies`;

  test('is made by one build of an environment', () => {
    expect(problems(aConfig(builds({ ...build, create }, web)))).toEqual([
      `${second}.create.imageRepository: "team/api": ${created}`,
    ]);
    const other = { ...create, imageRepository: 'team/web' };
    expect(problems(aConfig(builds({ ...build, create }, { ...web, create: other })))).toEqual([]);
  });

  test('is made by one environment of an account and region', () => {
    const elsewhere = { ...argocd, url: 'https://argocd.staging.example.com' };
    const config = (region: string) =>
      aConfig({
        ...builds({ ...build, create }),
        'environments.staging': {
          account,
          region,
          cluster: 'staging',
          deploy: { argocd: elsewhere, builds: [web] },
        },
      });
    expect(problems(config('ap-northeast-1'))).toEqual([
      `environments.staging.deploy.builds[0].create.imageRepository: "team/api": ${created}`,
    ]);
    expect(problems(config('eu-west-1'))).toEqual([]);
  });
});

describe('a project that is created here', () => {
  const create = {
    connection:
      'arn:aws:codeconnections:ap-northeast-1:111111111111:connection/01234567-89ab-cdef-0123-456789abcdef',
  };
  const web = { ...build, branch: 'feature', applications: ['web'] };
  const oneBranch =
    'a project that is created here builds one branch: give each binding a project of its own';

  test('builds one branch', () => {
    expect(problems(aConfig(builds({ ...build, create }, web)))).toEqual([
      `${first}.project: "api-develop": ${oneBranch}`,
    ]);
    expect(problems(aConfig(builds({ ...build, create }, { ...web, create })))).toEqual([
      `${first}.project: "api-develop": ${oneBranch}`,
      `${second}.project: "api-develop": ${oneBranch}`,
    ]);
  });

  test('has a name that no other binding has, and one that is there already may build several', () => {
    expect(problems(aConfig(builds({ ...build, create }, { ...web, project: 'web' })))).toEqual([]);
    expect(problems(aConfig(builds(build, web)))).toEqual([]);
  });

  test.each(['github.com', 'gitlab.com', 'bitbucket.org'])('knows the kind of %s', (host) => {
    const repository = `https://${host}/example/api`;
    expect(problems(aConfig(builds({ ...build, repository, create })))).toEqual([]);
  });

  test('needs the kind of another host', () => {
    const repository = 'https://git.example.com/example/api';
    expect(problems(aConfig(builds({ ...build, repository, create })))).toEqual([
      `${first}.create.host: it is missing: git.example.com could be of any kind, write 'gitlab-self-managed'; for a GitHub Enterprise remove create, CloudFormation cannot create its webhook`,
    ]);
    const complete = { ...create, host: 'gitlab-self-managed' };
    expect(problems(aConfig(builds({ ...build, repository, create: complete })))).toEqual([]);
    expect(problems(aConfig(builds({ ...build, repository })))).toEqual([]);
  });

  test('is checked in every environment that has builds', () => {
    expect(problems(aConfig({ 'environments.other': { ...place, cluster: 'other' } }))).toEqual([]);
  });
});

describe('the groups of production', () => {
  test('are changed by no function, not for a replacement either', () => {
    const drain = (environment: string, replaceEarly: boolean) =>
      problems(aConfig({ [`environments.${environment}.drain`]: { replaceEarly } }));
    expect(drain('production', true)).toEqual([
      'environments.production.drain.replaceEarly: true: no function may change the groups of production: remove it',
    ]);
    expect(drain('production', false)).toEqual([]);
    expect(drain('develop', true)).toEqual([]);
  });
});

test('commit statuses name every host that a repository is on', () => {
  const at = (host: string) => ({
    ...build,
    repository: `https://${host}/example/api`,
    project: host.replaceAll('.', '-'),
  });
  const status = { github: { tokenSecret: 'nightshift/github', host: 'git.example.org' } };
  const given = {
    ...builds(at('github.com'), at('git.example.com')),
    'environments.develop.deploy.status': status,
  };
  expect(problems(aConfig(given))).toEqual([
    'environments.develop.deploy.status.github.host: "git.example.org": no repository of the builds is there: write "github.com" or "git.example.com" if it is a GitHub, or remove status',
  ]);
});

test('commit statuses are for kinds of hosts that differ, and at least for one', () => {
  const of = (status: object) => problems(aConfig({ 'environments.develop.deploy.status': status }));
  const token = { tokenSecret: 'nightshift/token' };
  expect(of({})).toEqual([
    'environments.develop.deploy.status: {}: there is no host: write github, gitlab or bitbucket, or leave status out',
  ]);
  expect(of({ github: token, gitlab: { ...token, host: 'github.com' } })).toEqual([
    'environments.develop.deploy.status.gitlab.host: "github.com": two kinds of host have this one: remove the wrong one',
  ]);
  expect(of({ github: token, bitbucket: token })).toEqual([
    'environments.develop.deploy.status.bitbucket: "bitbucket.org": no repository of the builds is there: write "github.com" if it is a Bitbucket Cloud, or remove bitbucket',
  ]);
  expect(of({ github: token, bitbucket: { ...token, host: 'git.example.com' } })).toEqual([
    'environments.develop.deploy.status.bitbucket.host: "git.example.com": statuses are for Bitbucket Cloud only, which is bitbucket.org: remove this',
  ]);
  expect(of({ github: { tokenSecret: 'glpat-0123456789' } }).join()).not.toMatch(/0123456789/);
  expect(of({ github: { tokenSecret: 'glpat-0123456789' } })).toHaveLength(1);
});

test('the address of an application is one that a browser opens', () => {
  const of = (url: string) =>
    problems(
      aConfig({ 'environments.develop.deploy.builds': [{ ...build, applications: [{ name: 'api', url }] }] }),
    );
  expect(of('https://api.develop.example.com/health')).toEqual([]);
  for (const url of ['api.example.com', 'ftp://api.example.com', 'https://user:hunter2@api.example.com']) {
    const [found] = of(url);
    expect(found).toContain('write where people open it');
    expect(found).not.toContain('hunter2');
  }
});

test('the name of an announced build selects one branch', () => {
  const of = (...all: object[]) => problems(aConfig({ 'environments.develop.deploy.builds': all }));
  const one = { ...build, announced: true };
  const path = 'environments.develop.deploy.builds';
  expect(of(one)).toEqual([]);
  expect(of(one, { ...build, repository: 'https://github.com/example/web', applications: ['web'] })).toEqual([
    `${path}[0].project: ${JSON.stringify(build.project)}: the name of an announced build selects its branch: give each binding a name of its own`,
  ]);
  expect(of({ ...one, project: 'a'.repeat(140) })).toEqual([
    `${path}[0].project: "${'a'.repeat(140)}": it is the detail type of an event: write at most 128 characters`,
  ]);
  const connection =
    'arn:aws:codeconnections:ap-northeast-1:111111111111:connection/01234567-89ab-cdef-0123-456789abcdef';
  expect(of({ ...one, create: { connection } }).join()).toContain(
    `${path}[0].create: a build that is announced runs elsewhere: remove create, or announced`,
  );
});

test('Argo CD is named by its address, or by what EKS calls it', () => {
  const of = (argocd: object) => problems(aConfig({ 'environments.develop.deploy.argocd': argocd }));
  const path = 'environments.develop.deploy.argocd';
  const url = 'https://argocd.example.com';
  const hub = {
    name: 'hub',
    endpoint: 'https://0123456789ABCDEF.gr7.eu-west-1.eks.amazonaws.com',
    ca: '-----BEGIN CERTIFICATE-----',
  };
  expect(of({ capability: 'argocd' })).toEqual([]);
  expect(of({ capability: 'argocd', cluster: 'hub' })).toEqual([]);
  expect(of({ capability: 'argocd', cluster: hub })).toEqual([]);
  expect(of({ capability: 'argocd', through: 'server', tokenSecret: 'token' })).toEqual([]);
  expect(of({ url, tokenSecret: 'token', through: 'kubernetes', cluster: 'hub' })).toEqual([]);

  expect(of({ url, tokenSecret: 'token', capability: 'argocd' })).toEqual([
    `${path}.url: "${url}": EKS knows the address of a capability: remove this`,
  ]);
  expect(of({ capability: 'argocd', through: 'server' })).toEqual([
    `${path}.tokenSecret: it is missing: write the name of the Secrets Manager secret that holds the token`,
  ]);
  expect(of({ capability: 'argocd', cluster: hub, through: 'server', tokenSecret: 'token' })).toEqual([
    `${path}.url: it is missing: EKS does not describe the capability of another account: write its address`,
  ]);
  expect(of({ url, tokenSecret: 'token', cluster: 'hub' })).toEqual([
    `${path}.cluster: "hub": the server is reached by its address alone: write through: 'kubernetes', or remove this`,
  ]);
  expect(of({ capability: 'argocd', cluster: { ...hub, endpoint: 'http://10.0.0.1' } })).toHaveLength(1);
  expect(of({ capability: 'arn:aws:eks:eu-west-1:111111111111:capability/a/argocd/b/c' })).toHaveLength(1);
});

test('a hub is another cluster, and an application of it belongs to one environment', () => {
  const of = (cluster: string) =>
    problems(aConfig({ 'environments.develop.deploy.argocd': { capability: 'argocd', cluster } }));
  const own = aConfig({}) as { environments: { develop: { cluster: string } } };
  expect(of(own.environments.develop.cluster)).toEqual([
    `environments.develop.deploy.argocd.cluster: ${JSON.stringify(own.environments.develop.cluster)}: this is the environment's own cluster: remove it`,
  ]);
});

describe('readyBy', () => {
  const develop = 'environments.develop';
  const without = { [`${develop}.deploy`]: undefined };

  test('needs a deploy that names the applications that it waits for', () => {
    expect(problems(aConfig({ ...without, [`${develop}.readyBy`]: 'applications' }))).toEqual([
      `${develop}.readyBy: "applications": there is no deploy that names applications: write 'nodes', or add deploy`,
    ]);
    expect(problems(aConfig({ [`${develop}.readyBy`]: 'applications' }))).toEqual([]);
  });

  test.each([
    'http://shop.internal/health',
    'http://shop/health',
    'https://10.1.2.3/',
    'https://172.20.0.1/',
    'https://[fd00::1]/',
  ])('needs a network for %s, which is reached from the VPC only', (url) => {
    expect(problems(aConfig({ [`${develop}.readyBy`]: { url } }))).toEqual([
      `${develop}.readyBy.url: "${url}": this host is reached from the VPC only: add network, or write a public URL`,
    ]);
    const network = { subnets: ['subnet-0a1b2c3d'], securityGroups: ['sg-0a1b2c3d'] };
    expect(problems(aConfig({ [`${develop}.readyBy`]: { url }, [`${develop}.network`]: network }))).toEqual(
      [],
    );
  });

  test.each(['https://shop.example.com/health', 'https://172.40.0.1/', 'https://[2001:db8::1]/'])(
    'needs none for %s',
    (url) => {
      expect(problems(aConfig({ [`${develop}.readyBy`]: { url } }))).toEqual([]);
    },
  );

  test('needs a schedule', () => {
    expect(
      problems(aConfig({ [`${develop}.schedule`]: undefined, [`${develop}.readyBy`]: 'nodes' })),
    ).toContain(
      `${develop}.readyBy: "nodes": the environment has no schedule, so it never starts: remove this`,
    );
  });
});

describe('morningReport', () => {
  const develop = 'environments.develop';

  test.each([
    ['a promise', {}, "nothing is promised: add readyBy: 'nodes', or remove this"],
    [
      'somebody to notify',
      { [`${develop}.readyBy`]: 'nodes' },
      "nobody is notified: add notify: { info: ['team@example.com'] }, or remove this",
    ],
  ])('needs %s', (_what, given, message) => {
    expect(problems(aConfig({ [`${develop}.morningReport`]: '08:30', ...given }))).toEqual([
      `${develop}.morningReport: "08:30": ${message}`,
    ]);
  });
});
