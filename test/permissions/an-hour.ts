/** The config and the groups whose functions need every permission. */
import type { Lab, LabEnvironment } from '#demo/lab.ts';
import type { BuildConfig, NightshiftConfig } from '#model/config.ts';

export const MINUTE = 60_000;
export const START = new Date('2026-11-24T01:00:00Z'); // 10:00 in Tokyo, a Tuesday

const notify = { info: [], warning: [], failure: ['team@example.com'] };
export const build = (environment: string): BuildConfig => ({
  project: `api-${environment}`,
  repository: `https://github.com/example/api-${environment}`,
  branch: environment,
  applications: ['api'],
});
/** Its live pods and its digest are read: on the Argo CD server with the right `get`, and in ECR. */
const withImages = (build: BuildConfig): BuildConfig => ({
  ...build,
  applications: [
    {
      name: 'api',
      images: [{ repository: '111111111111.dkr.ecr.ap-northeast-1.amazonaws.com/api', tag: '{sha}' }],
    },
  ],
});
/** Built elsewhere. */
export const ANNOUNCED: BuildConfig = {
  project: 'web-develop',
  announced: true,
  repository: 'https://github.com/example/web',
  branch: 'develop',
  applications: [
    {
      name: 'web',
      images: [
        {
          repository: '111111111111.dkr.ecr.ap-northeast-1.amazonaws.com/web',
          tag: { exported: 'IMAGE_TAG' },
        },
      ],
    },
  ],
};
const deploy = (environment: string, through: 'server' | 'kubernetes') => ({
  argocd: {
    url: `https://argocd.${environment}.example.com`,
    tokenSecret: `nightshift/argocd-${environment}`,
    through,
  },
  builds: [build(environment)],
});
/** Only of a group of staging. */
export const RARE_TYPE = 'r6i.large';
const place = (cluster: string, account: string) => ({ account, region: 'ap-northeast-1', cluster });

/** An evening, a night and a morning in an hour. */
export const config: NightshiftConfig = {
  schedules: {
    short: { timeZone: 'Asia/Tokyo', up: ['Mon-Fri 08:00-10:10', 'Mon-Fri 10:35-22:00'] },
  },
  environments: {
    // Uses the Argo CD server, wakes for a merge, and has every option that adds permissions.
    develop: {
      ...place('develop', '111111111111'),
      schedule: 'short',
      keep: ['develop-batch', 'develop-slow'],
      warnMinutes: 5,
      startDeadlineMinutes: 5,
      fallbackGroup: 'spare',
      drain: { replaceEarly: true, uncordonAfterMinutes: 5 },
      deploy: {
        ...deploy('develop', 'server'),
        builds: [withImages(build('develop')), ANNOUNCED],
        whenAsleep: 'wake',
        driftMinutes: 10,
      },
      notify,
    },
    // Uses the Kubernetes API, and defers a merge until the morning.
    staging: {
      ...place('staging', '222222222222'),
      schedule: 'short',
      keep: ['staging-batch', 'staging-slow'],
      // Misses the deadline of a start, and has no fallback.
      startDeadlineMinutes: 5,
      drain: { uncordonAfterMinutes: 5 },
      deploy: deploy('staging', 'kubernetes'),
    },
    // A dry run.
    rehearsal: {
      ...place('rehearsal', '333333333333'),
      schedule: 'short',
      deploy: deploy('rehearsal', 'server'),
      dryRun: true,
    },
    production: {
      ...place('production', '444444444444'),
      production: true,
      drain: { uncordonAfterMinutes: 5 },
      notify: { failure: [] },
    },
  },
};

/** Of each environment one that ends slowly, and where it has a schedule one with a warm pool that nobody uses. */
export function addGroups(lab: Lab): void {
  for (const environment of lab.environments) addSlowGroup(lab, environment);
  for (const environment of lab.environments.filter(({ name }) => name === 'develop' || name === 'staging'))
    lab.aws.addAutoScalingGroup(environment.cluster, {
      name: `${environment.name}-idle`,
      min: 1,
      desired: 1,
      max: 2,
      instanceTypes: [environment.name === 'staging' ? RARE_TYPE : 'm6i.large'],
      warmPool: {},
    });
}

/** A group whose lifecycle hook needs heartbeats while its one pod terminates slowly. */
function addSlowGroup(lab: Lab, environment: LabEnvironment): void {
  lab.aws.addAutoScalingGroup(environment.cluster, {
    name: `${environment.name}-slow`,
    min: 1,
    desired: 1,
    max: 2,
    instanceTypes: ['m6i.large'],
    labels: { workload: 'slow' },
    lifecycleHooks: [{ name: 'drain', transition: 'terminating', heartbeatTimeoutSeconds: 30 }],
  });
  environment.kubernetes.addDeployment({
    name: 'slow',
    replicas: 1,
    nodeSelector: { workload: 'slow' },
    terminationGracePeriodSeconds: 60,
    podAnnotations: { 'lab.nightshift/exit-seconds': '13' },
  });
}
