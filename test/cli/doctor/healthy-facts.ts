/** The facts of a healthy environment; a test overrides what it is about. */

import { configuredFunctions, type EnvironmentFacts, type GroupFacts } from '#cli/doctor/facts.ts';
import type { Observation } from '#cli/doctor/observation.ts';
import { scheduleOf } from '#lib/settings/schedule.ts';
import { settingsOf } from '#lib/settings/settings.ts';
import type { EnvironmentConfig, NightshiftConfig } from '#model/config.ts';
import type { EnvironmentSettings } from '#model/settings.ts';

/** 10:00 on Tuesday in Tokyo. */
export const NOW = new Date('2026-11-24T01:00:00Z');

export function observedAs<T>(value: T): Observation<T> {
  return { value };
}

export const denied = (permission: string) => ({
  missing: { reason: `AWS denied ${permission}`, permission },
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

const SUBNETS = ['a', 'c', 'd'].map((zone, index) => ({
  id: `subnet-${zone}`,
  zone: `ap-northeast-1${zone}`,
  cidr: `10.0.${index}.0/24`,
  freeAddresses: 251,
}));

const PROJECT = {
  name: 'api-develop',
  existing: {
    source: 'https://github.com/example/api.git',
    filterGroups: [
      [
        { type: 'EVENT', pattern: 'PUSH', excludeMatchedPattern: false },
        { type: 'HEAD_REF', pattern: '^refs/heads/develop$', excludeMatchedPattern: false },
      ],
    ],
  },
};

function deployedFunctions(all: EnvironmentSettings) {
  return configuredFunctions(all).map(({ capability, settings }) => ({
    capability,
    settings: JSON.parse(JSON.stringify(settings)) as Record<string, unknown>,
    role: `arn:aws:iam::111111111111:role/${capability}`,
    kubernetesGroups: observedAs(
      capability === 'self-service' || capability === 'doorbell' ? undefined : [`nightshift:${capability}`],
    ),
  }));
}

export function healthyFacts(
  overrides: Partial<EnvironmentFacts> & { readonly config?: Partial<EnvironmentConfig> } = {},
): EnvironmentFacts {
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
  return {
    name: 'develop',
    environment,
    now: NOW,
    ...(schedule ? { schedule } : {}),
    settings,
    cluster: observedAs({
      status: 'ACTIVE',
      authenticationMode: 'API',
      publicAccess: true,
      privateAccess: false,
      publicAccessCidrs: ['0.0.0.0/0'],
    }),
    vpc: observedAs(undefined),
    alarmTopic: observedAs({ confirmed: 1, pending: 0 }),
    groups: observedAs([aGroup()]),
    subnets: observedAs(SUBNETS),
    interfaceAddresses: observedAs([]),
    networks: observedAs({
      'm6i.large': { interfaces: 3, addressesPerInterface: 10 },
      'm5.large': { interfaces: 3, addressesPerInterface: 10 },
      'c5.4xlarge': { interfaces: 8, addressesPerInterface: 30 },
    }),
    cni: observedAs({ warmInterfaces: 1, prefixes: false, warmPrefixes: 1, customNetworking: false }),
    night: observedAs({ overrides: [], corrupt: [], saved: [], seenAt: '2026-11-24T00:57:00Z' }),
    functions: observedAs(deployedFunctions(settings)),
    excess: observedAs([]),
    concurrency: observedAs({ limit: 1_000, unreserved: 900 }),
    leftTables: observedAs([]),
    schedulers: observedAs(['arn:aws:iam::111111111111:role/Nightshift-develop-night-schedule']),
    reviews: observedAs([{ capability: 'spot-drain', request: 'patch nodes', allowed: true }]),
    token: observedAs({ subject: 'proj:default:nightshift', expires: new Date('2027-06-01T00:00:00Z') }),
    projects: observedAs([PROJECT]),
    ...others,
    kubernetes: {
      webhooks: observedAs([]),
      budgets: observedAs([]),
      volumes: observedAs([]),
      cronJobs: observedAs([]),
      deployments: observedAs([]),
      services: observedAs([]),
      namespaces: observedAs([]),
      pods: observedAs([]),
      nodes: observedAs([]),
      nodePools: observedAs([]),
      applications: observedAs([]),
      ...kubernetes,
    },
  };
}

/** The Kubernetes facts, with overrides. */
export function kubernetesOf(
  overrides: Partial<EnvironmentFacts['kubernetes']>,
): EnvironmentFacts['kubernetes'] {
  return { ...healthyFacts().kubernetes, ...overrides };
}
