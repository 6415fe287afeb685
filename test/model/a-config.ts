import { checkConfig } from '#model/config/check.ts';
import type { KnownHolidays } from '#model/config/values.ts';

export const holidays: KnownHolidays = {
  has: (code) => ['JP', 'US', 'US-NY'].includes(code),
  candidates: (code) => (code.includes('-') ? ['US-NY', 'US-NJ'] : ['JP', 'US']),
};

export const account = '111111111111';
export const build = {
  project: 'api-develop',
  repository: 'https://github.com/example/api',
  branch: 'develop',
  applications: ['api'],
};
export const argocd = { url: 'https://argocd.example.com', tokenSecret: 'nightshift/argocd' };

const config = {
  calendars: { japan: { holidays: 'JP', closed: ['2026-12-29/2027-01-03'], open: [] } },
  schedules: { office: { timeZone: 'Asia/Tokyo', up: ['Mon-Fri 08:00-22:00'], calendar: 'japan' } },
  environments: {
    develop: {
      account,
      region: 'ap-northeast-1',
      cluster: 'develop',
      schedule: 'office',
      deploy: { argocd, builds: [build] },
    },
    production: { production: true, account, region: 'ap-northeast-1', cluster: 'production' },
  },
};

/** A config that is right, with changes by path: `{ 'environments.develop.region': 'x', 'schedules.office.up[0]': 8 }`. */
export function aConfig(changes: Record<string, unknown> = {}): unknown {
  return changed(config, changes);
}

/** A config in which every setting stands. */
export function aFullConfig(changes: Record<string, unknown> = {}): unknown {
  const whole = changed(config, {
    'environments.develop.production': false,
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
    'environments.develop.drain': {
      onRebalance: 'drain',
      uncordonAfterMinutes: 10,
      force: false,
      replaceEarly: true,
    },
    'environments.develop.network': {
      subnets: ['subnet-0a1b2c3d', 'subnet-0123456789abcdef0'],
      securityGroups: ['sg-0a1b2c3d', 'sg-0123456789abcdef0'],
    },
    'environments.develop.notify': {
      info: ['a@example.com'],
      warning: ['first.last@mail.example.com'],
      failure: [],
    },
    'environments.develop.spotPercent': 100,
    'environments.develop.dryRun': true,
    'environments.develop.tracing': true,
    'environments.develop.monitoring': { dashboard: true },
    'environments.develop.onManualChange': 'enforce',
    'environments.develop.stopDeadlineMinutes': 1,
    'environments.develop.startDeadlineMinutes': 720,
    'environments.develop.warnMinutes': 0,
    'environments.develop.readyBy': { url: 'https://shop.example.com/health' },
    'environments.develop.morningReport': '08:30',
    'environments.develop.prices': { currency: 'USD', perNodeHour: { '*': 0.05, web: 0 } },
    'environments.develop.deploy': {
      argocd: {
        ...argocd,
        ca: '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----',
        insecureLoopback: false,
        through: 'kubernetes',
      },
      builds: [
        {
          ...build,
          applications: [
            {
              name: 'api',
              project: 'shop',
              namespace: 'argocd',
              prune: true,
              syncOptions: ['A=b'],
              images: [{ repository: 'registry.example.com/api', tag: '{sha7}', helmParameter: 'image.tag' }],
              bring: 'parameter',
              revision: 'built',
            },
          ],
          create: {
            connection:
              'arn:aws:codeconnections:ap-northeast-1:111111111111:connection/01234567-89ab-cdef-0123-456789abcdef',
            host: 'github',
            buildspec: 'ci/buildspec.yml',
            compute: 'large',
            docker: true,
            imageRepository: 'team/api',
            policies: ['arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPowerUser'],
          },
        },
      ],
      whenAsleep: 'wake',
      imageMinutes: 60,
      driftMinutes: 10_080,
      status: { github: { tokenSecret: 'nightshift/github', host: 'github.com' } },
    },
  });
  return changed(whole, changes);
}

/** `path: value: message` of each problem. */
export function problems(given: unknown): string[] {
  return checkConfig(given, holidays).problems.map(({ path, value, message }) =>
    [path, value, message].filter(Boolean).join(': '),
  );
}

function changed(given: unknown, changes: Record<string, unknown>): unknown {
  const copy = structuredClone(given) as Record<string, unknown>;
  for (const [path, value] of Object.entries(changes)) {
    const keys = path.split(/[.[\]]+/).filter(Boolean);
    const last = keys.pop() as string;
    const parent = keys.reduce((at, key) => at[key] as Record<string, unknown>, copy);
    if (value === undefined) delete parent[last];
    else parent[last] = value;
  }
  return copy;
}
