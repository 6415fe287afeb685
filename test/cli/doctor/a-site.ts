/** A healthy site for the checks; a test changes what it is about. */
import type { Answer } from '#cli/doctor/finding.ts';
import type { GroupFacts, Site } from '#cli/doctor/site.ts';
import { scheduleOf, settingsOf } from '#lib/settings.ts';
import type { EnvironmentConfig, NightshiftConfig } from '#model/config.ts';

/** 10:00 on Tuesday in Tokyo. */
export const NOW = new Date('2026-11-24T01:00:00Z');

export function is<T>(value: T): Answer<T> {
  return { value };
}

export const refused = (permission: string) => ({
  missing: { why: `AWS refused ${permission}`, permission },
});

export function aGroup(overrides: Partial<GroupFacts> = {}): GroupFacts {
  return {
    name: 'web',
    kind: 'managed',
    size: { min: 1, desired: 3, max: 6 },
    instanceTypes: ['m6i.large', 'm5.large'],
    zones: ['ap-northeast-1a', 'ap-northeast-1c', 'ap-northeast-1d'],
    subnets: ['subnet-a', 'subnet-c', 'subnet-d'],
    instances: [],
    onDemandBase: 0,
    spotPercent: 100,
    tags: {},
    ...overrides,
  };
}

const DEVELOP: EnvironmentConfig = {
  account: '111111111111',
  region: 'ap-northeast-1',
  cluster: 'develop',
  schedule: 'office',
  spotPercent: 100,
  deploy: {
    argocd: { url: 'https://argocd.develop.example.com', tokenSecret: 'nightshift/argocd-develop' },
    builds: [
      {
        project: 'api-develop',
        repository: 'https://github.com/example/api',
        branch: 'develop',
        applications: ['api'],
      },
    ],
  },
};

/** Expanding real holidays takes a while, and no check looks at single ones. */
const CALENDAR = { name: 'japan', closed: [], open: [], until: '2028-12-31' };

export function aSite(
  overrides: Partial<Site> & { readonly config?: Partial<EnvironmentConfig> } = {},
): Site {
  const { config: changed, kubernetes, ...others } = overrides;
  const environment = { ...DEVELOP, ...changed } as EnvironmentConfig;
  const config: NightshiftConfig = {
    schedules: { office: { timeZone: 'Asia/Tokyo', up: ['Mon-Fri 08:00-22:00'] } },
    environments: { develop: environment },
  };
  const schedule = environment.schedule
    ? { ...scheduleOf(config, environment.schedule, NOW), calendar: CALENDAR }
    : undefined;
  const { nightSchedule, ...rest } = settingsOf(config, 'develop', NOW);
  const settings = {
    ...rest,
    ...(nightSchedule && schedule ? { nightSchedule: { ...nightSchedule, schedule } } : {}),
  };
  const subnets = ['a', 'c', 'd'].map((zone, index) => ({
    id: `subnet-${zone}`,
    zone: `ap-northeast-1${zone}`,
    cidr: `10.0.${index}.0/24`,
    freeAddresses: 251,
  }));
  const functions = [settings.nightSchedule, settings.spotDrain, settings.branchDeploy].flatMap(
    (one, index) => {
      const capability = (['night-schedule', 'spot-drain', 'branch-deploy'] as const)[index];
      if (!one || !capability) return [];
      return [
        {
          capability,
          settings: JSON.parse(JSON.stringify(one)) as Record<string, unknown>,
          role: `arn:aws:iam::111111111111:role/${capability}`,
          kubernetesGroups: is([`nightshift:${capability}`]),
        },
      ];
    },
  );
  return {
    name: 'develop',
    environment,
    now: NOW,
    ...(schedule ? { schedule } : {}),
    settings,
    cluster: is({ status: 'ACTIVE', authenticationMode: 'API' }),
    groups: is([aGroup()]),
    subnets: is(subnets),
    held: is([]),
    networks: is({
      'm6i.large': { interfaces: 3, addressesPerInterface: 10 },
      'm5.large': { interfaces: 3, addressesPerInterface: 10 },
      'c5.4xlarge': { interfaces: 8, addressesPerInterface: 30 },
    }),
    cni: is({ warmInterfaces: 1, prefixes: false, warmPrefixes: 1, otherSubnets: false }),
    night: is({ overrides: [], corrupt: [], saved: [], seenAt: '2026-11-24T00:57:00Z' }),
    functions: is(functions),
    reviews: is([{ capability: 'spot-drain', what: 'patch nodes', allowed: true }]),
    token: is({ subject: 'proj:default:nightshift', expires: new Date('2027-06-01T00:00:00Z') }),
    projects: is([
      {
        name: 'api-develop',
        found: {
          source: 'https://github.com/example/api.git',
          filterGroups: [
            [
              { type: 'EVENT', pattern: 'PUSH', excludeMatchedPattern: false },
              { type: 'HEAD_REF', pattern: '^refs/heads/develop$', excludeMatchedPattern: false },
            ],
          ],
        },
      },
    ]),
    ...others,
    kubernetes: {
      webhooks: is([]),
      budgets: is([]),
      volumes: is([]),
      cronJobs: is([]),
      deployments: is([]),
      services: is([]),
      namespaces: is([]),
      pods: is([]),
      nodes: is([]),
      ...kubernetes,
    },
  };
}

/** Changes to the Kubernetes part of a site alone. */
export function kubernetesOf(overrides: Partial<Site['kubernetes']>): Site['kubernetes'] {
  return { ...aSite().kubernetes, ...overrides };
}
