import { describe, expect, test } from 'vitest';
import { checkConfig } from '#model/config/check.ts';
import { shown } from '#model/config/problem.ts';
import { aConfig, aFullConfig, argocd, build, holidays, problems } from './a-config.ts';

const develop = 'environments.develop';
const deploy = `${develop}.deploy`;
const first = `${deploy}.builds[0]`;
const connection =
  'arn:aws:codeconnections:ap-northeast-1:111111111111:connection/01234567-89ab-cdef-0123-456789abcdef';
const group = 'write the name of a nodegroup, or of the Auto Scaling group of a self-managed one';
const dated = 'write a date that exists, like "2026-12-29", or a range like "2026-12-29/2027-01-03"';
const secretName = 'write the name of the Secrets Manager secret that holds the token';
const yesOrNo = 'write true or false';

/** Where, what to write there, and the values that get just this message and no other. */
const mistakes: [path: string, message: string, ...values: unknown[]][] = [
  ['environments', 'write { name: { … } }', [], 'develop'],
  ['environments', 'there is no environment: write at least one', {}],
  [
    'calendars.japan',
    'write { holidays: "JP", closed: ["2026-12-29/2027-01-03"], open: [] }',
    'JP',
    ['2026-12-29'],
  ],
  ['calendars.japan.holidays', 'write a country code like "JP", or one with a state like "US-NY"', 1, ''],
  [
    'calendars.japan.holidays',
    'no holidays are known under this code: write a country code like "JP", or one with a state like "US-NY"',
    'XX',
    'JX',
    'Japan',
  ],
  [
    'calendars.japan.holidays',
    'no holidays are known under this code: did you mean "US-NY"?',
    'us-ny',
    'US-NX',
  ],
  [
    'calendars.japan.closed',
    'write a list of dates like ["2026-12-29", "2026-12-29/2027-01-03"]',
    '2026-12-29',
  ],
  [
    'calendars.japan.closed[0]',
    'write a date like "2026-12-29" or a range like "2026-12-29/2027-01-03"',
    20261229,
    '',
  ],
  [
    'calendars.japan.open[0]',
    dated,
    '2026-12-29/',
    '/2026-12-29',
    '2026-12-29/2026-12-30/2026-12-31',
    '2026-12-29/tomorrow',
    'Christmas',
  ],
  [
    'calendars.japan.open[0]',
    'the range is longer than a year: write a shorter one',
    '2026-01-01/2027-01-03',
  ],
  ['schedules.office', 'write { timeZone: "Asia/Tokyo", up: ["Mon-Fri 08:00-22:00"] }', [], 'Mon-Fri'],
  ['schedules.office.timeZone', 'write an IANA time zone like "Asia/Tokyo"', 9, ''],
  [
    'schedules.office.timeZone',
    'this is not the IANA name of a time zone: write one like "Asia/Tokyo"',
    'Etc/GMT+99',
    '-03:00',
  ],
  [
    'schedules.office.timeZone',
    'this is not the IANA name of a time zone: did you mean "Europe/London"?',
    'GB-Eire',
  ],
  ['schedules.office.up', 'write a list of windows like ["Mon-Fri 08:00-22:00"]', 'Mon-Fri 08:00-22:00'],
  ['schedules.office.up[0]', 'write a window like "Mon-Fri 08:00-22:00"', 8, ''],
  ['schedules.office.calendar', 'write the name of one of the calendars', 1, ''],

  [develop, 'write { account, region, cluster, schedule }', 'develop', []],
  [
    `${develop}.account`,
    'write the 12 digits of the AWS account, in quotes',
    '0111111111111',
    'x111111111111',
    '111111111111x',
  ],
  [
    `${develop}.region`,
    'write an AWS region like "ap-northeast-1"',
    1,
    '',
    'tokyo',
    'x-ap-northeast-1x',
    '1ap-northeast-1',
    '1ap-northeast-1a',
    'ap-northeast-1ab',
    'ap-northeast-12',
  ],
  [`${develop}.region`, 'this is an availability zone: write "us-gov-west-1"', 'us-gov-west-1b'],
  [`${develop}.cluster`, 'write the name of the EKS cluster', 1, ''],
  [
    `${develop}.cluster`,
    'write the name of the EKS cluster: at most 100 letters, digits, hyphens and underscores, not its ARN',
    '-develop',
    'develop.',
    'arn:aws:eks:ap-northeast-1:111111111111:cluster/develop',
    'x'.repeat(101),
  ],
  [`${develop}.production`, yesOrNo, 'no'],
  [`${develop}.schedule`, 'write the name of one of the schedules', 1, ''],
  [`${develop}.nodegroups`, `write 'all' or a list of names, each once: ${group}`, 'some', '', [1]],
  [`${develop}.nodegroups`, group, []],
  [`${develop}.nodegroups`, 'a name is in this list twice: write it once', ['web', 'web']],
  [`${develop}.nodegroups[0]`, group, ''],
  [`${develop}.keep`, group, 'system'],
  [`${develop}.keep[0]`, group, ''],
  [`${develop}.keep`, 'a name is in this list twice: write it once', ['a', 'b', 'a']],
  [`${develop}.fallbackGroup`, group, ''],
  [`${develop}.dryRun`, yesOrNo, 'true'],
  [`${develop}.tracing`, yesOrNo, 1],
  [`${develop}.events`, yesOrNo, 'off'],
  [`${develop}.monitoring`, 'write { dashboard: true }', true, []],
  [`${develop}.monitoring.dashboard`, yesOrNo, 'yes'],
  [
    `${develop}.readyBy.url`,
    "write true, 'nodes', 'applications' or { url: 'https://…' }",
    'shop.example.com',
    'https://',
  ],
  [`${develop}.readyBy`, "write true, 'nodes', 'applications' or { url: 'https://…' }", '08:00', 'pods', {}],
  [`${develop}.morningReport`, "write the time of day as HH:MM, like '08:30'", '8:30', '24:00', ''],
  [`${develop}.onManualChange`, "write 'respect' or 'enforce'", 'ignore', ''],
  [`${develop}.spotPercent`, 'write a whole number from 0 to 100', -1, 50.5, 101, '50'],
  [`${develop}.stopDeadlineMinutes`, 'write a whole number of minutes from 1 to 720', 0, 721, 1.5, '20'],
  [`${develop}.startDeadlineMinutes`, 'write a whole number of minutes from 1 to 720', 0, 721],
  [`${develop}.warnMinutes`, 'write a whole number of minutes from 0 to 720', -1, 721],

  [`${develop}.drain`, "write { onRebalance: 'cordon' }", true, []],
  [`${develop}.drain.onRebalance`, "write 'ignore' or 'cordon' or 'drain'", 'evict', ''],
  [
    `${develop}.drain.uncordonAfterMinutes`,
    'write a whole number of minutes from 1 to 1440',
    0,
    1441,
    1.5,
    '30',
  ],
  [`${develop}.drain.force`, yesOrNo, 'yes'],
  [`${develop}.drain.replaceEarly`, yesOrNo, 1],
  [`${develop}.drain.onScheduledChange`, "write 'wait' or 'drain' or 'replace'", 'ignore'],
  [`${develop}.drain.lifecycleMinutes`, 'write a whole number of minutes from 1 to 2880', 0, 2881, '60'],
  [`${develop}.drain.forced`, 'there is no such setting: did you mean "force"?', true],

  [`${develop}.network`, 'write { subnets: ["subnet-…"], securityGroups: ["sg-…"] }', [], 'subnet-0a1b2c3d'],
  [`${develop}.network.subnets`, 'write a list of subnet ids like ["subnet-0a1b2c3d"]', 'subnet-0a1b2c3d'],
  [`${develop}.network.subnets[0]`, 'write a list of subnet ids like ["subnet-0a1b2c3d"]', 1],
  [`${develop}.network.subnets`, 'there is no subnet: write at least one', []],
  [
    `${develop}.network.subnets`,
    'write subnet ids like "subnet-0a1b2c3d"',
    ['subnet-0a1b2c3d', 'sg-0a1b2c3d'],
    ['subnet-0a1b2c3'],
    ['subnet-0123456789abcdef01'],
    ['my-subnet-0a1b2c3d'],
  ],
  [
    `${develop}.network.securityGroups`,
    'write a list of security group ids like ["sg-0a1b2c3d"]',
    'sg-0a1b2c3d',
  ],
  [`${develop}.network.securityGroups`, 'there is no security group: write at least one', []],
  [
    `${develop}.network.securityGroups`,
    'write security group ids like "sg-0a1b2c3d"',
    ['sg-0a1b2c3d', 'subnet-0a1b2c3d'],
    ['sg-0a1b2c3'],
    ['sg-0123456789abcdef01'],
    ['my-sg-0a1b2c3d'],
  ],

  [`${develop}.notify`, "write { warning: ['team@example.com'] }", ['a@example.com'], 'a@example.com'],
  [`${develop}.notify.info`, 'write a list of e-mail addresses, or [] for the topic alone', 'a@example.com'],
  [
    `${develop}.notify.info`,
    'a name is in this list twice: write it once',
    ['a@example.com', 'a@example.com'],
  ],
  [
    `${develop}.notify.warning`,
    'write e-mail addresses like "team@example.com"',
    ['a@example.com', 'example.com'],
    ['a b@example.com'],
    ['a@b@example.com'],
    ['a@example'],
    ['a@example.'],
    ['a@exam ple.com'],
    ['a@example.com '],
    [' a@example.com'],
    ['@example.com'],
  ],
  [`${develop}.notify.critical`, 'there is no such setting: there are info, warning, failure', []],

  [`${develop}.autoscaler`, "write 'cluster-autoscaler', 'karpenter' or 'auto-mode'", 'karpenter'],
  [`${develop}.autoscaler.namespace`, 'write the namespace in which it runs, like "kube-system"', '', 1],
  [`${develop}.autoscaler.deployment`, 'write the name of its Deployment', 1, ''],
  [`${develop}.autoscaler.hostGroup`, `the group on which it runs: ${group}`, null, ''],
  [`${develop}.autoscaler.nodePools`, 'write a list of the names of NodePools', 'default', []],
  [`${develop}.autoscaler.nodePool`, 'there is no such setting: did you mean "nodePools"?', ['default']],

  [`${develop}.prices`, 'write { currency: "USD", perNodeHour: { "*": 0.05 } }', 0.05],
  [`${develop}.prices.currency`, 'write a currency like "USD"', 1, ''],
  [
    `${develop}.prices.currency`,
    'write the three letters of a currency like "USD"',
    'usd',
    'EURO',
    'xUSD',
    'USDx',
    'US',
  ],
  [`${develop}.prices.perNodeHour`, 'write { group: price }, with "*" for all others', 0.05],
  [`${develop}.prices.perNodeHour.web`, 'write what a node costs an hour, like 0.05', 'cheap', -1],

  [deploy, 'write { argocd: { … }, builds: [ … ] }', 'argocd', []],
  [`${deploy}.whenAsleep`, "write 'defer' or 'wake'", 'skip', ''],
  [`${deploy}.imageMinutes`, 'write a whole number of minutes from 1 to 60', 0, 61, 1.5],
  [`${deploy}.driftMinutes`, 'write a whole number of minutes from 0 to 10080', 10_081, 1.5],
  [
    `${deploy}.argocd`,
    'write { url: "https://argocd.example.com", tokenSecret: "nightshift/argocd" }',
    'https://argocd.example.com',
  ],
  [
    `${deploy}.argocd.url`,
    'write the address of the Argo CD server like "https://argocd.example.com"',
    1,
    '',
    'argocd',
  ],
  [
    `${deploy}.argocd.url`,
    'write the address without anything after "?" or "#"',
    'https://argocd.example.com/?x=1',
    'https://argocd.example.com/#x',
  ],
  [`${deploy}.argocd.url`, 'write an address that begins with https://', 'ftp://argocd.example.com'],
  [
    `${deploy}.argocd.url`,
    'an address with a password in it is refused: use tokenSecret',
    'https://admin@argocd.example.com',
    'https://:hunter2@argocd.example.com',
  ],
  [
    `${deploy}.argocd.tokenSecret`,
    secretName,
    1,
    '',
    'with blank',
    ' nightshift',
    'nightshift ',
    'x'.repeat(513),
  ],
  [
    `${deploy}.argocd.tokenSecret`,
    'this looks like the token itself: put it into Secrets Manager and write the name here',
    'eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJhcmdvY2QifQ.c2VjcmV0',
  ],
  [`${deploy}.argocd.ca`, 'write the PEM of the CA certificate', 1, 'MIIB'],
  [
    `${deploy}.argocd.ca`,
    'a private key has no place here: write the certificate of the CA only',
    '-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----',
  ],
  [`${deploy}.argocd.insecureLoopback`, yesOrNo, 'yes'],
  [`${deploy}.argocd.through`, "write 'server' or 'kubernetes'", 'kubectl', ''],
  [`${deploy}.status`, 'write { github: { tokenSecret: "nightshift/github" } }', 'github'],
  [`${deploy}.status.github`, 'write { tokenSecret: "nightshift/github" }', 'x'],
  [`${deploy}.status.github.tokenSecret`, secretName, 1, ''],
  [
    `${deploy}.status.github.tokenSecret`,
    `${secretName}, and put the token itself there`,
    'with blank',
    'ghp_abc',
    'ghs_abc',
    'github_pat_11ABC',
  ],
  [`${deploy}.status.github.host`, 'write the host of a GitHub Enterprise like "github.example.com"', 1, ''],
  [
    `${deploy}.status.github.host`,
    'write the host alone, in lower case, like "github.example.com"',
    'GitHub.com',
    'github.com:',
    'github.com:123456',
    'github.com:https',
    '-github.com',
    'github.com.',
    'github.com/',
  ],
  [`${deploy}.status.github.ca`, 'write the PEM of the CA certificate', 'x'],

  [`${deploy}.builds`, 'write a list of builds', 'api'],
  [`${deploy}.builds`, 'there is no build: write at least one, or leave deploy out', []],
  [
    first,
    'write { project: "api-develop", repository: "https://…", branch: "develop", applications: ["api"] }',
    'api',
  ],
  [`${first}.project`, 'write the name of the CodeBuild project', 1, ''],
  [
    `${first}.project`,
    'write the name of the CodeBuild project, not its ARN',
    'x',
    '-api',
    'api/develop',
    'x'.repeat(151),
  ],
  [`${first}.repository`, 'write the address of the repository like "https://github.com/example/api"', 1, ''],
  [
    `${first}.repository`,
    'write the https:// address of the repository, as the CodeBuild project has it',
    'github.com/example/api',
    'git@github.com:example/api.git',
    'http://github.com/example/api',
  ],
  [
    `${first}.repository`,
    'an address with a password in it is refused: remove it',
    'https://token@github.com/example/api',
    'https://:hunter2@github.com/example/api',
  ],
  [`${first}.branch`, 'write the name of the branch like "develop"', 1, ''],
  [`${first}.branch`, 'write the name alone: "release/heads"', 'refs/heads/release/heads'],
  [
    `${first}.branch`,
    'no branch can have this name',
    '/develop',
    '-develop',
    '.develop',
    'develop/',
    'develop.',
    'dev..elop',
    'dev elop',
    'dev~1',
    'dev^',
    'dev:x',
    'dev\\x',
  ],
  [
    `${first}.branch`,
    'a pattern is not a branch: write the name of exactly one',
    'dev?',
    'dev[x',
    'feature/*',
  ],
  [`${first}.applications`, 'write a list of Argo CD applications like ["api"]', 'api'],
  [`${first}.applications`, 'there is no application: write at least one', []],
  [
    `${first}.applications[0]`,
    'write the name of an Argo CD application, or { name, project, namespace, prune, syncOptions, url, images: [{ repository: "…/api", tag: "{sha7}" }], bring: "manifest", "parameter" or "restart", revision: "tracked" or "built" }',
    1,
    { project: 'x' },
    { name: 'api', prune: 'yes' },
    { name: 'api', bring: 'deploy' },
    { name: 'api', revision: 'newest' },
    { name: 'api', images: 'api' },
    { name: 'api', images: [{ repository: 'api' }] },
    { name: 'api', images: [{ repository: 'api', tag: { export: 'TAG' } }] },
  ],
  [`${first}.applications[0]`, 'write the name of an Argo CD application', ''],
  [`${first}.applications[0].name`, 'write the name of an Argo CD application', ''],
  [`${first}.applications[0].project`, 'write the name of an Argo CD project', ''],
  [`${first}.applications[0].namespace`, 'write the namespace of the Application', ''],
  [`${first}.applications[0].syncOptions[0]`, 'write a sync option like "CreateNamespace=true"', ''],
  [`${first}.applications[0].images`, 'there is no image: write at least one, or leave images out', []],
  [
    `${first}.applications[0].images[0].repository`,
    'write the repository without https://',
    'https://example.com/api',
  ],
  [
    `${first}.applications[0].images[0].repository`,
    'write the repository alone: the tag has a key of its own',
    'example.com/api:develop',
  ],
  [`${first}.applications[0].images[0].repository`, 'no repository can be written so', 'exa mple/api'],
  [
    `${first}.applications[0].images[0].repository`,
    'the repository belongs to account 222222222222 in eu-west-1, and the environment is in 111111111111 in ap-northeast-1: name a repository of the environment',
    '222222222222.dkr.ecr.eu-west-1.amazonaws.com/api',
  ],
  [
    `${first}.applications[0].images[0].tag`,
    '{commit} is unknown: write {sha}, {sha7}, {branch} or {build}',
    '{commit}',
  ],
  [
    `${first}.applications[0].images[0].tag`,
    "a tag that is the same for each build does not say which build runs: write one with {sha7} or {build}, or bring: 'restart'",
    'develop',
  ],
  [
    `${first}.applications[0].images[0].tag`,
    'no tag can be written so: use letters, digits, "_", "." and "-"',
    'a/{sha7}',
  ],
  [`${first}.create`, 'write { connection: "arn:aws:codeconnections:…" }', connection],
  [`${first}.create.connection`, 'write the ARN of a CodeConnections connection', 1, ''],
  [
    `${first}.create.connection`,
    'write the ARN of a CodeConnections connection: "arn:aws:codeconnections:…:connection/…"',
    'x',
    `x${connection}`,
    `${connection}0`,
    connection.replace('connections:', 'star:'),
  ],
  [`${first}.create.host`, "write 'github', 'gitlab', 'gitlab-self-managed' or 'bitbucket'", 'gitea', ''],
  [`${first}.create.buildspec`, 'write the path of a buildspec in the repository', ''],
  [`${first}.create.compute`, "write 'small' or 'medium' or 'large'", 'huge', ''],
  [`${first}.create.docker`, yesOrNo, 1],
  [`${first}.create.imageRepository`, 'write the name of the ECR repository like "team/api"', 1, ''],
  [
    `${first}.create.imageRepository`,
    'write the name alone, in lower case, like "team/api"',
    'Team/api',
    '111111111111.dkr.ecr.eu-west-1.amazonaws.com/api:1',
  ],
  [`${first}.create.policies`, 'write a list of ARNs of managed policies', 'x'],
  [`${first}.create.policies[0]`, 'write the ARN of a managed policy', 1, ''],
  [
    `${first}.create.policies[0]`,
    'write the ARN of a managed policy: "arn:aws:iam::111111111111:policy/…"',
    'AdministratorAccess',
    'xarn:aws:iam::aws:policy/X',
    'arn:aws:iam::11:policy/X',
    'arn:aws:iam::aws:policy/X Y',
  ],
];

describe('a setting that is wrong gets one message', () => {
  test.each(
    mistakes.flatMap(([path, message, ...values]) => values.map((value) => [path, value, message] as const)),
  )('%s = %j: %s', (path, value, message) => {
    const found = checkConfig(aFullConfig({ [path]: value }), holidays).problems;
    expect(found.map((problem) => [problem.path, problem.message])).toEqual([[path, message]]);
  });

  test.each([
    ['environments', 'write { name: { … } }'],
    [`${develop}.account`, 'write the 12 digits of the AWS account, in quotes'],
    [`${develop}.region`, 'write an AWS region like "ap-northeast-1"'],
    ['schedules.office.timeZone', 'write an IANA time zone like "Asia/Tokyo"'],
    ['schedules.office.up', 'write a list of windows like ["Mon-Fri 08:00-22:00"]'],
    [`${develop}.autoscaler.kind`, "write 'cluster-autoscaler', 'karpenter' or 'auto-mode'"],
    [`${deploy}.argocd`, 'write { url: "https://argocd.example.com", tokenSecret: "nightshift/argocd" }'],
    [`${deploy}.argocd.tokenSecret`, secretName],
    [`${first}.applications`, 'write a list of Argo CD applications like ["api"]'],
    [`${first}.create.connection`, 'write the ARN of a CodeConnections connection'],
  ])('where %s is missing: %s', (path, message) => {
    expect(problems(aFullConfig({ [path]: undefined }))).toEqual([`${path}: it is missing: ${message}`]);
  });
});

describe('a setting that is right gets none', () => {
  test('where every setting stands', () => {
    expect(problems(aFullConfig())).toEqual([]);
  });

  test.each<[string, unknown]>([
    [`${develop}.region`, 'us-gov-west-1'],
    [`${develop}.cluster`, `9${'_'.repeat(99)}`],
    [`${develop}.nodegroups`, 'all'],
    [`${develop}.spotPercent`, 0],
    [`${develop}.drain.uncordonAfterMinutes`, 1],
    [`${develop}.drain.uncordonAfterMinutes`, 1440],
    [`${develop}.drain.onRebalance`, 'ignore'],
    [`${develop}.drain.onRebalance`, 'cordon'],
    [`${develop}.drain.onScheduledChange`, 'replace'],
    [`${develop}.drain.lifecycleMinutes`, 2880],
    [`${develop}.drain.hooks`, ['nightshift-*']],
    [`${develop}.onManualChange`, 'respect'],
    [`${develop}.stopDeadlineMinutes`, 720],
    [`${develop}.startDeadlineMinutes`, 1],
    [`${develop}.warnMinutes`, 720],
    [
      `${develop}.autoscaler`,
      { kind: 'cluster-autoscaler', namespace: 'kube-system', deployment: 'ca', hostGroup: 'system' },
    ],
    ['calendars.japan.closed', ['2026-12-29', '2026-01-01/2027-01-02', '2026-12-29/2026-12-29']],
    ['calendars.japan.holidays', 'US-NY'],
    [`${deploy}.whenAsleep`, 'defer'],
    [`${deploy}.imageMinutes`, 1],
    [`${deploy}.driftMinutes`, 0],
    [`${deploy}.argocd.through`, 'server'],
    [
      `${deploy}.argocd.tokenSecret`,
      'arn:aws:secretsmanager:ap-northeast-1:111111111111:secret:night/argo-AbCdEf',
    ],
    [`${deploy}.argocd.tokenSecret`, 'not-eyJhb.eyJpc3.c2VjcmV0'],
    [`${deploy}.argocd.tokenSecret`, 'eyJhb.eyJpc3.c2VjcmV0/name'],
    [`${deploy}.argocd.tokenSecret`, 'x'.repeat(512)],
    [`${first}.project`, `a${'-'.repeat(149)}`],
    [`${first}.branch`, 'feature/x-1.2_y'],
    [`${first}.branch`, 'my/refs/heads/x'],
    [`${first}.applications`, ['api', 'worker', { name: 'web' }]],
    [`${first}.create.connection`, connection.replace('codeconnections', 'codestar-connections')],
    [`${first}.create.connection`, connection.replace('aws:', 'aws-cn:')],
    ...['gitlab', 'gitlab-self-managed', 'bitbucket'].map((host): [string, unknown] => [
      `${first}.create.host`,
      host,
    ]),
    [`${first}.create.compute`, 'small'],
    [`${first}.create.compute`, 'medium'],
    [`${first}.create.policies`, ['arn:aws-us-gov:iam::111111111111:policy/team/push']],
  ])('%s = %j', (path, value) => {
    expect(problems(aFullConfig({ [path]: value }))).toEqual([]);
  });

  test.each(['x', 'git', 'git.example.com', 'git.example.com:8443', 'git.example.com:65535'])(
    'a GitHub Enterprise at %s',
    (host) => {
      const repository = `https://${host}/example/api`;
      const changes = { [`${first}.repository`]: repository, [`${first}.create`]: undefined };
      expect(problems(aFullConfig({ ...changes, [`${deploy}.status.github.host`]: host }))).toEqual([]);
    },
  );

  test.each(['http://localhost:8080', 'http://[::1]:8080', 'http://127.0.0.1', 'http://127.255.10.12'])(
    'plain http on the loopback: %s',
    (url) => {
      const local = { ...argocd, url, insecureLoopback: true };
      expect(problems(aConfig({ [`${deploy}.argocd`]: local }))).toEqual([]);
    },
  );

  test.each(['http://127.0.0.1.example.com', 'http://my127.0.0.1.example', 'http://localhost.example.com'])(
    'but not on what only looks like the loopback: %s',
    (url) => {
      const local = { ...argocd, url, insecureLoopback: true };
      expect(problems(aConfig({ [`${deploy}.argocd`]: local }))).toEqual([
        `${deploy}.argocd.url: "${url}": insecureLoopback allows plain http:// for localhost, 127.0.0.1 and [::1] only: write https://`,
      ]);
    },
  );
});

describe('a message', () => {
  test('shows the value that was given, cut where it is long', () => {
    expect(shown('x'.repeat(78))).toBe(`"${'x'.repeat(78)}"`);
    expect(shown('x'.repeat(79))).toBe(`"${'x'.repeat(76)}...`);
    expect(shown(undefined)).toBe('undefined');
    expect(shown(3n < 4n)).toBe('true');
  });

  test('writes names that are no plain words in quotes', () => {
    expect(problems(aConfig({ 'schedules.office hours!': 1 })).join()).toMatch(
      /^schedules\["office hours!"\]: 1: /,
    );
    expect(problems({ environments: { 'a b': {} } })[0]).toMatch(
      /^environments\["a b"\]\.account: it is missing: /,
    );
    expect(problems({ environments: { '!b': {} } })[0]).toMatch(/^environments\["!b"\]\.account: /);
    expect(problems({ environments: { 'b!': {} } })[0]).toMatch(/^environments\["b!"\]\.account: /);
  });

  test.each<[string, unknown]>([
    [`${deploy}.argocd.url`, 'https://admin:hunter2@argocd.example.com'],
    [`${deploy}.argocd.tokenSecret`, 'eyJhb.hunter2.c2VjcmV0'],
    [`${deploy}.argocd.tokenSecret`, 'eyJhb hunter2'],
    [`${deploy}.argocd.tokenSecret`, 'ghp_hunter2 '],
    [`${deploy}.status.github.tokenSecret`, 'gho_hunter2'],
    [`${deploy}.status.github.tokenSecret`, 'github_pat_hunter2'],
    [`${deploy}.argocd.ca`, '-----BEGIN PRIVATE KEY-----hunter2'],
    [`${first}.repository`, 'https://hunter2@github.com/example/api'],
    [`${deploy}.argocd.tokenSecret`, ['ghp_hunter2']],
    [`${deploy}.argocd.tokenSecret`, { token: 'eyJhb.hunter2.c2VjcmV0' }],
    [`${deploy}.argocd.url`, ['https://admin:hunter2@argocd.example.com']],
  ])('never repeats what may be a secret: %s', (path, value) => {
    const [found] = checkConfig(aFullConfig({ [path]: value }), holidays).problems;
    expect(found?.path).toBe(path);
    expect(found?.message).not.toBe('');
    expect(found).not.toHaveProperty('value');
    expect(JSON.stringify(found)).not.toContain('hunter2');
  });

  test.each<[string, string]>([
    [`${deploy}.argocd.tokenSecret`, 'my eyJ'],
    [`${deploy}.argocd.tokenSecret`, 'a ghp_x'],
    [`${deploy}.argocd.tokenSecret`, 'gh1_ x'],
    [`${deploy}.argocd.tokenSecret`, 'a github_pat_ x'],
    [`${deploy}.argocd.url`, 'ftp://argocd.example.com/a@b'],
    [`${develop}.cluster`, 'eyJ.'],
  ])('shows what is none: %s = %j', (path, value) => {
    expect(problems(aFullConfig({ [path]: value })).join()).toContain(`: ${JSON.stringify(value)}: `);
  });

  test('says what a production environment needs, and refuses what it must not have, one by one', () => {
    expect(problems({ environments: { production: { production: true } } })).toEqual([
      'environments.production.account: it is missing: write the 12 digits of the AWS account, in quotes',
      'environments.production.region: it is missing: write an AWS region like "ap-northeast-1"',
      'environments.production.cluster: it is missing: write the name of the EKS cluster',
    ]);
    const whole = aFullConfig() as { environments: { develop: object } };
    const found = problems(
      aConfig({ 'environments.production': { ...whole.environments.develop, production: true } }),
    );
    expect(found.map((line) => line.split(':')[0])).toEqual(
      [
        'schedule',
        'deploy',
        'nodegroups',
        'keep',
        'fallbackGroup',
        'autoscaler',
        'onManualChange',
        'stopDeadlineMinutes',
        'startDeadlineMinutes',
        'warnMinutes',
        'readyBy',
        'morningReport',
        'prices',
      ].map((key) => `environments.production.${key}`),
    );
    for (const line of found)
      expect(line).toMatch(/is drained and never stopped or deployed to: remove this$/);
  });

  test('for the file as a whole says how it begins', () => {
    const found = checkConfig([], holidays).problems;
    expect(found).toEqual([
      { path: '', value: '[]', message: 'write export default defineConfig({ environments: { … } })' },
    ]);
    expect(checkConfig(undefined, holidays).problems).toEqual([
      { path: '', message: 'it is missing: write export default defineConfig({ environments: { … } })' },
    ]);
  });

  test('gives the config itself where nothing is wrong with it', () => {
    const config = aConfig();
    expect(checkConfig(config, holidays)).toEqual({ config, problems: [] });
    expect(checkConfig(aConfig({ calendar: {} }), holidays)).not.toHaveProperty('config');
  });

  test('says at which of several builds each mistake is', () => {
    const wrong = { ...build, branch: 'refs/heads/x' };
    expect(problems(aConfig({ [`${deploy}.builds`]: [wrong, { ...wrong, branch: 'x*' }] }))).toEqual([
      `${deploy}.builds[0].branch: "refs/heads/x": write the name alone: "x"`,
      `${deploy}.builds[1].branch: "x*": a pattern is not a branch: write the name of exactly one`,
    ]);
  });
});
