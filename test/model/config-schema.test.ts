import { describe, expect, test } from 'vitest';
import { aConfig, account, argocd, build, problems } from './a-config.ts';

describe('a config', () => {
  test('that is right has no problem', () => {
    expect(problems(aConfig())).toEqual([]);
  });

  test('that uses everything has no problem', () => {
    expect(
      problems(
        aConfig({
          'environments.develop.nodegroups': ['web', 'batch'],
          'environments.develop.keep': ['system'],
          'environments.develop.fallbackGroup': 'web-on-demand',
          'environments.develop.autoscaler': {
            kind: 'karpenter',
            namespace: 'kube-system',
            deployment: 'karpenter',
            hostGroup: 'system',
            nodePools: ['default'],
          },
          'environments.develop.drain': { onRebalance: 'drain', uncordonAfterMinutes: 10, force: false },
          'environments.develop.warnMinutes': 0,
          'environments.develop.prices': { currency: 'USD', perNodeHour: { '*': 0.05 } },
          'environments.develop.deploy.builds.0.applications': [
            { name: 'api', project: 'shop', namespace: 'argocd', prune: true, syncOptions: ['A=b'] },
          ],
        }),
      ),
    ).toEqual([]);
  });

  test.each([
    [
      'N9: Karpenter without a host group (on Fargate)',
      { kind: 'karpenter', namespace: 'karpenter', deployment: 'karpenter' },
    ],
    [
      'N9: Cluster Autoscaler without a host group (on Fargate)',
      { kind: 'cluster-autoscaler', namespace: 'kube-system', deployment: 'cluster-autoscaler' },
    ],
    ['EKS Auto Mode', { kind: 'auto-mode' }],
    ['EKS Auto Mode with custom NodePools', { kind: 'auto-mode', nodePools: ['gpu'], forceAtNight: false }],
  ])('with %s has no problem', (_what, autoscaler) => {
    expect(problems(aConfig({ 'environments.develop.autoscaler': autoscaler }))).toEqual([]);
  });

  test.each<[string, Record<string, unknown>, string]>([
    [
      'a built-in NodePool of Auto Mode',
      { 'environments.develop.autoscaler': { kind: 'auto-mode', nodePools: ['gpu', 'system'] } },
      'environments.develop.autoscaler.nodePools: ["gpu","system"]: the built-in NodePools general-purpose and system are stopped with builtIn: true: name custom NodePools only',
    ],
    [
      'an unknown zone',
      { 'schedules.office.timeZone': 'Asia/Tokio' },
      'schedules.office.timeZone: "Asia/Tokio": this is not the IANA name of a time zone: did you mean "Asia/Tokyo"?',
    ],
    [
      'an abbreviation instead of a zone',
      { 'schedules.office.timeZone': 'JST' },
      'schedules.office.timeZone: "JST": this is not the IANA name of a time zone: did you mean "Asia/Tokyo"?',
    ],
    [
      'an offset instead of a zone',
      { 'schedules.office.timeZone': '+09:00' },
      'schedules.office.timeZone: "+09:00": this is not the IANA name of a time zone: write one like "Asia/Tokyo"',
    ],
    [
      'a city instead of a zone',
      { 'schedules.office.timeZone': 'new york' },
      'schedules.office.timeZone: "new york": this is not the IANA name of a time zone: did you mean "America/New_York"?',
    ],
    [
      'a window that cannot be read',
      { 'schedules.office.up': ['Mon-Fry 08:00-22:00'] },
      'schedules.office.up[0]: "Mon-Fry 08:00-22:00": invalid day "Fry": write Mon, Tue, Wed, Thu, Fri, Sat, Sun, a range like Mon-Fri, or daily',
    ],
    [
      'a schedule without a window',
      { 'schedules.office.up': [] },
      'schedules.office.up: []: there is no window: write at least one, like "Mon-Fri 08:00-22:00"',
    ],
    [
      'an unknown calendar',
      { 'schedules.office.calendar': 'japn' },
      'schedules.office.calendar: "japn": there is no such calendar: did you mean "japan"?',
    ],
    [
      'an unknown schedule',
      { 'environments.develop.schedule': 'offcie' },
      'environments.develop.schedule: "offcie": there is no such schedule: did you mean "office"?',
    ],
    [
      'unknown holidays',
      { 'calendars.japan.holidays': 'jp' },
      'calendars.japan.holidays: "jp": no holidays are known under this code: did you mean "JP"?',
    ],
    [
      'a date that does not exist',
      { 'calendars.japan.closed': ['2026-02-30'] },
      'calendars.japan.closed[0]: "2026-02-30": write a date that exists, like "2026-12-29", or a range like "2026-12-29/2027-01-03"',
    ],
    [
      'a range that ends before it begins',
      { 'calendars.japan.open': ['2027-01-03/2026-12-29'] },
      'calendars.japan.open[0]: "2027-01-03/2026-12-29": the range ends before it begins: did you mean "2026-12-29/2027-01-03"?',
    ],
    [
      'an account that is a number',
      { 'environments.develop.account': 111111111111 },
      'environments.develop.account: 111111111111: write the 12 digits of the AWS account, in quotes',
    ],
    [
      'an account with too few digits',
      { 'environments.develop.account': '11111' },
      'environments.develop.account: "11111": write the 12 digits of the AWS account, in quotes',
    ],
    [
      'an availability zone as region',
      { 'environments.develop.region': 'ap-northeast-1a' },
      'environments.develop.region: "ap-northeast-1a": this is an availability zone: write "ap-northeast-1"',
    ],
    [
      'a missing cluster',
      { 'environments.develop.cluster': undefined },
      'environments.develop.cluster: it is missing: write the name of the EKS cluster',
    ],
    [
      'a setting that does not exist',
      { 'environments.develop.shedule': 'office' },
      'environments.develop.shedule: "office": there is no such setting: did you mean "schedule"?',
    ],
    [
      'a section that does not exist',
      { calendar: {} },
      'calendar: {}: there is no such setting: did you mean "calendars"?',
    ],
    [
      'a schedule on a production environment',
      { 'environments.production.schedule': 'office' },
      'environments.production.schedule: "office": a production environment is drained and never stopped or deployed to: remove this',
    ],
    [
      'a deploy on a production environment',
      { 'environments.production.deploy': {} },
      'environments.production.deploy: {}: a production environment is drained and never stopped or deployed to: remove this',
    ],
    [
      'nodegroups on a production environment',
      { 'environments.production.nodegroups': 'all' },
      'environments.production.nodegroups: "all": a production environment is drained and never stopped or deployed to: remove this',
    ],
    [
      'a production environment that does not say so',
      { 'environments.eu-prod': { account, region: 'eu-west-1', cluster: 'prod' } },
      'environments.eu-prod.production: it is missing: write production: true, or production: false if it may be stopped and deployed to',
    ],
    [
      'an environment named twice',
      { 'environments.Develop': { account, region: 'eu-west-1', cluster: 'develop' } },
      'environments.Develop: "Develop": the environment is named twice: "develop" differs in upper and lower case only, rename one',
    ],
    [
      'one cluster in two environments',
      { 'environments.other': { account, region: 'ap-northeast-1', cluster: 'develop' } },
      'environments.other.cluster: "develop": this cluster is the environment "develop" already (account 111111111111, ap-northeast-1): remove one of the two',
    ],
    [
      'a name that no stack can have',
      { 'environments.dev_1': { account, region: 'eu-west-1', cluster: 'x' } },
      'environments.dev_1: "dev_1": name it with at most 30 letters, digits and hyphens, beginning with a letter',
    ],
    [
      'a group that is stopped and kept',
      { 'environments.develop.nodegroups': ['web'], 'environments.develop.keep': ['web'] },
      'environments.develop.keep: "web": the group is in nodegroups as well, so it would be stopped and kept: remove it from one of the two',
    ],
    [
      'a fallback group that is kept',
      { 'environments.develop.fallbackGroup': 'web', 'environments.develop.keep': ['web'] },
      'environments.develop.fallbackGroup: "web": a group in keep is never scaled to zero, so it cannot be the fallback: remove it from one of the two',
    ],
    [
      'an autoscaler of another kind',
      { 'environments.develop.autoscaler': { kind: 'keda' } },
      `environments.develop.autoscaler.kind: "keda": write 'cluster-autoscaler', 'karpenter' or 'auto-mode'`,
    ],
    [
      'minutes out of range',
      { 'environments.develop.warnMinutes': -5 },
      'environments.develop.warnMinutes: -5: write a whole number of minutes from 0 to 720',
    ],
    [
      'a share of spot above the whole',
      { 'environments.develop.spotPercent': 101 },
      'environments.develop.spotPercent: 101: write a whole number from 0 to 100',
    ],
    ['no environment', { environments: {} }, 'environments: {}: there is no environment: write at least one'],
    [
      'plain http to Argo CD',
      { 'environments.develop.deploy.argocd.url': 'http://argocd.example.com' },
      'environments.develop.deploy.argocd.url: "http://argocd.example.com": plain http:// would send the token in the clear: write https://',
    ],
    [
      'insecureLoopback for a host that is elsewhere',
      {
        'environments.develop.deploy.argocd': {
          ...argocd,
          url: 'http://10.0.0.1',
          insecureLoopback: true,
        },
      },
      'environments.develop.deploy.argocd.url: "http://10.0.0.1": insecureLoopback allows plain http:// for localhost, 127.0.0.1 and [::1] only: write https://',
    ],
    [
      'a full ref instead of a branch',
      { 'environments.develop.deploy.builds.0.branch': 'refs/heads/develop' },
      'environments.develop.deploy.builds[0].branch: "refs/heads/develop": write the name alone: "develop"',
    ],
    [
      'a pattern instead of a branch',
      { 'environments.develop.deploy.builds.0.branch': 'release/*' },
      'environments.develop.deploy.builds[0].branch: "release/*": a pattern is not a branch: write the name of exactly one',
    ],
    [
      'the branch of production',
      { 'environments.develop.deploy.builds.0.branch': 'production' },
      'environments.develop.deploy.builds[0].branch: "production": production is rolled out by hand: bind another branch, or remove the build',
    ],
    [
      'a branch that is bound twice to an application',
      { 'environments.develop.deploy.builds': [build, { ...build, project: 'api-again' }] },
      'environments.develop.deploy.builds[1].applications: "api": the branch "develop" is bound to this application twice (environments.develop.deploy.builds[0].applications too): remove one of the two',
    ],
    [
      'two branches for one application',
      { 'environments.develop.deploy.builds': [build, { ...build, branch: 'feature' }] },
      'environments.develop.deploy.builds[1].applications: "api": the application follows the branch "develop" of the same repository already (environments.develop.deploy.builds[0].applications): an application follows one branch',
    ],
    [
      'one application in two environments',
      {
        'environments.staging': {
          account,
          region: 'ap-northeast-1',
          cluster: 'staging',
          deploy: { argocd, builds: [{ ...build, branch: 'staging' }] },
        },
      },
      'environments.staging.deploy.builds[0].applications: "api": the application is bound in the environment "develop" already (environments.develop.deploy.builds[0].applications): an application belongs to one environment',
    ],
  ])('with %s gets one message that says what to write', (_what, changes, message) => {
    expect(problems(aConfig(changes))).toEqual([message]);
  });

  test('never repeats what may be a secret', () => {
    const found = problems(
      aConfig({
        'environments.develop.deploy.argocd': {
          url: 'https://admin:hunter2@argocd.example.com',
          tokenSecret: 'eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJhcmdvY2QifQ.c2VjcmV0',
          ca: '-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----',
        },
      }),
    );
    expect(found).toHaveLength(3);
    expect(found.join()).not.toMatch(/hunter2|eyJhb|BEGIN/);
  });

  test('takes commit statuses for a host that a repository is on, and no token in place of a name', () => {
    const withStatus = (github: object) =>
      problems(aConfig({ 'environments.develop.deploy.status': { github } }));
    expect(withStatus({ tokenSecret: 'nightshift/github' })).toEqual([]);
    expect(withStatus({ tokenSecret: 'nightshift/github', host: 'git.example.com' })).toEqual([
      'environments.develop.deploy.status.github.host: "git.example.com": no repository of the builds is there: write "github.com" if it is a GitHub, or remove status',
    ]);
    expect(withStatus({ tokenSecret: 'nightshift/github', host: 'https://github.com' })).toEqual([
      'environments.develop.deploy.status.github.host: "https://github.com": write the host alone, in lower case, like "github.example.com"',
    ]);
    const found = withStatus({ tokenSecret: 'github_pat_11ABCDEFG' });
    expect(found).toHaveLength(1);
    expect(found.join()).not.toMatch(/11ABCDEFG/);
  });

  test('takes whole minutes of drift, 0 for never', () => {
    const of = (driftMinutes: unknown) =>
      problems(aConfig({ 'environments.develop.deploy.driftMinutes': driftMinutes }));
    expect(of(0)).toEqual([]);
    expect(of(90)).toEqual([]);
    expect(of(-1)).toEqual([
      'environments.develop.deploy.driftMinutes: -1: write a whole number of minutes from 0 to 10080',
    ]);
  });

  test('lets two repositories build one application', () => {
    const web = { ...build, project: 'web', repository: 'https://github.com/example/web' };
    expect(problems(aConfig({ 'environments.develop.deploy.builds': [build, web] }))).toEqual([]);
  });

  test('allows plain http on the loopback where that is said', () => {
    const url = 'http://127.0.0.1:8080';
    const local = { ...argocd, url, insecureLoopback: true };
    expect(problems(aConfig({ 'environments.develop.deploy.argocd': local }))).toEqual([]);
  });

  test('with several mistakes gets a message for each', () => {
    const found = problems(
      aConfig({
        'schedules.office.timeZone': 'Tokyo',
        'environments.develop.account': '1',
        'environments.develop.regoin': 'x',
        'environments.production.schedule': 'office',
        'environments.staging': { account, region: 'eu-west-1', cluster: 's', schedule: 'nights' },
      }),
    );
    expect(found.map((line) => line.split(':')[0])).toEqual([
      'schedules.office.timeZone',
      'environments.develop.account',
      'environments.develop.regoin',
      'environments.production.schedule',
      'environments.staging.schedule',
    ]);
  });

  test.each([null, 3, 'x', [], undefined])('that is %j is refused', (value) => {
    expect(problems(value).length).toBeGreaterThan(0);
  });
});

describe('how an image comes to the cluster', () => {
  const at = 'environments.develop.deploy.builds[0].applications[0]';
  const ecr = '111111111111.dkr.ecr.ap-northeast-1.amazonaws.com/api';
  const of = (application: object) =>
    problems(
      aConfig({ 'environments.develop.deploy.builds[0].applications': [{ name: 'api', ...application }] }),
    );

  test('a tag that stays the same may be restarted, if ECR or the build knows the digest', () => {
    expect(of({ images: [{ repository: ecr, tag: 'develop' }], bring: 'restart' })).toEqual([]);
    const exported = { repository: 'registry.example.com/api', tag: { exported: 'DIGEST' } };
    expect(of({ images: [exported], bring: 'restart' })).toEqual([]);
    expect(
      of({ images: [{ repository: 'registry.example.com/api', tag: 'develop' }], bring: 'restart' }),
    ).toEqual([
      expect.stringMatching(/^environments.*images\[0\]\.tag: "develop": only a digest says which build/),
    ]);
  });

  test('bring needs images, and a Helm parameter needs bring', () => {
    expect(of({ bring: 'restart' })).toEqual([
      `${at}.bring: "restart": it needs to know the images: add images, or remove bring`,
    ]);
    expect(of({ images: [{ repository: ecr, tag: '{sha7}', helmParameter: 'image.tag' }] })).toEqual([
      `${at}.images[0].helmParameter: "image.tag": no parameter is set here: add bring: 'parameter' to the application, or remove helmParameter`,
    ]);
  });
});
