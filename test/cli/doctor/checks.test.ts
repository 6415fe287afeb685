import { describe, expect, test } from 'vitest';
import { access, rbac } from '#cli/doctor/checks/access.ts';
import { CHECKS } from '#cli/doctor/checks/all-checks.ts';
import { argocdCapability } from '#cli/doctor/checks/argocd-capability.ts';
import { argocdToken } from '#cli/doctor/checks/argocd-token.ts';
import { branchFilters } from '#cli/doctor/checks/branch-filters.ts';
import { cronJobs } from '#cli/doctor/checks/cron-jobs.ts';
import { deployed } from '#cli/doctor/checks/deployed.ts';
import { disruptionBudgets } from '#cli/doctor/checks/disruption-budgets.ts';
import { doorbell } from '#cli/doctor/checks/doorbell.ts';
import { holidays } from '#cli/doctor/checks/holidays.ts';
import { hostGroup } from '#cli/doctor/checks/host-group.ts';
import { images } from '#cli/doctor/checks/images.ts';
import { lambdaConcurrency } from '#cli/doctor/checks/lambda-concurrency.ts';
import { managedSizes } from '#cli/doctor/checks/managed-sizes.ts';
import { network } from '#cli/doctor/checks/network.ts';
import { paused } from '#cli/doctor/checks/paused.ts';
import { savedSizes } from '#cli/doctor/checks/saved-sizes.ts';
import { schedulers } from '#cli/doctor/checks/schedulers.ts';
import { spotShare } from '#cli/doctor/checks/spot-share.ts';
import { subscribers } from '#cli/doctor/checks/subscribers.ts';
import { tick } from '#cli/doctor/checks/tick.ts';
import { webhooks } from '#cli/doctor/checks/webhooks.ts';
import { zonalVolumes } from '#cli/doctor/checks/zonal-volumes.ts';
import { runChecks } from '#cli/doctor/doctor.ts';
import type { ApplicationFacts, EnvironmentFacts, ListenerFacts, WebhookFacts } from '#cli/doctor/facts.ts';
import type { Check } from '#cli/doctor/finding.ts';
import { LISTENER } from '#test/infra/environments.ts';
import { aGroup, denied, healthyFacts, kubernetesOf, NOW, observedAs } from './healthy-facts.ts';

const severities = (check: Check, facts: EnvironmentFacts) =>
  check.evaluate(facts).map(({ severity }) => severity);
const inDays = (days: number) => new Date(NOW.getTime() + days * 86_400_000);

describe('every check', () => {
  test('is ok for a healthy environment', () => {
    const findings = runChecks(healthyFacts());
    expect(findings.filter(({ severity }) => severity !== 'ok')).toEqual([]);
    // They are for the managed Argo CD, and for a doorbell only.
    const always = CHECKS.filter((check) => check !== argocdCapability && check !== doorbell);
    expect(new Set(findings.map(({ check }) => check))).toEqual(new Set(always.map(({ name }) => name)));
  });

  test('still runs when a fact that another one needs is missing', () => {
    const findings = runChecks(healthyFacts({ groups: denied('autoscaling:DescribeAutoScalingGroups') }));
    const unknown = findings.filter(({ severity }) => severity === 'unknown');
    expect(unknown.length).toBeGreaterThan(3);
    expect(new Set(unknown.map(({ permission }) => permission))).toEqual(
      new Set(['autoscaling:DescribeAutoScalingGroups']),
    );
    expect(findings.filter(({ severity }) => severity === 'ok').length).toBeGreaterThan(5);
  });
});

describe('images', () => {
  test('says of which applications the image is not checked, and what to write', () => {
    const [found] = images.evaluate(healthyFacts());
    expect(found?.found).toMatch(/^api: deployed means .* the image is not checked\. .* add images/);
  });

  test('says that each is checked', () => {
    const { branchDeploy, ...settings } = healthyFacts().settings;
    if (!branchDeploy) throw new Error('the healthy environment has no branch-deploy');
    const tagged = { repository: '111111111111.dkr.ecr.ap-northeast-1.amazonaws.com/api', tag: '{sha7}' };
    const builds = branchDeploy.builds.map((build) => ({
      ...build,
      applications: build.applications.map((one) => ({ ...one, images: [tagged] })),
    }));
    const facts = healthyFacts({ settings: { ...settings, branchDeploy: { ...branchDeploy, builds } } });
    expect(images.evaluate(facts)[0]?.found).toBe('the image of each application is checked');
  });
});

describe('images of an application that can be read', () => {
  const of = (
    application: Partial<ApplicationFacts>,
    observation?: EnvironmentFacts['kubernetes']['applications'],
  ) =>
    images.evaluate(
      healthyFacts({
        kubernetes: kubernetesOf({
          applications: observation ?? observedAs([{ ...MANIFESTS, ...application }]),
        }),
      }),
    );
  const MANIFESTS: ApplicationFacts = {
    namespace: 'argocd',
    name: 'api',
    repositories: ['https://github.com/example/manifests.git'],
    isAutomated: false,
    selfHeal: false,
    syncOptions: [],
    ignored: [],
    resources: [],
  };

  test('warns that the verdict will be unverified where its source is another repository', () => {
    const [found, ...more] = of({});
    expect(more).toEqual([]);
    expect(found).toMatchObject({ severity: 'warning', target: 'api' });
    expect(found?.found).toBe(
      'its source is https://github.com/example/manifests.git, not the repository https://github.com/example/api that api-develop builds, and no image is bound: the verdict of each deploy will be unverified',
    );
    expect(found?.advice).toContain("write applications: [{ name: 'api', images: [");
  });

  test.each<[string, Partial<ApplicationFacts>]>([
    [
      'one of its sources is what is built, in another form',
      { repositories: ['https://charts.example.com', 'git@github.com:example/api.git'] },
    ],
    ['it is another application', { name: 'web' }],
    ['it has no source that could be read', { repositories: [] }],
  ])('does not warn where %s', (_what, application) => {
    expect(of(application).map(({ severity }) => severity)).toEqual(['ok']);
  });

  test('says what it says without them where applications cannot be listed', () => {
    const results = of({}, denied('list applications.argoproj.io'));
    expect(results.map(({ severity }) => severity)).toEqual(['ok']);
  });
});

describe('spot-share', () => {
  test('warns where the groups are not what spotPercent declares', () => {
    const groups = observedAs([aGroup(), aGroup({ name: 'core', spotPercent: 0 })]);
    const [first] = spotShare.evaluate(healthyFacts({ groups }));
    expect(first).toMatchObject({ severity: 'warning' });
    expect(first?.found).toContain('50 % of the nodes are spot');
    expect(spotShare.evaluate(healthyFacts({ groups, config: { spotPercent: 50 } }))[0]?.severity).toBe('ok');
  });

  test('counts on-demand instances below the base', () => {
    const groups = observedAs([aGroup({ onDemandBase: 2, size: { min: 0, desired: 4, max: 6 } })]);
    expect(spotShare.evaluate(healthyFacts({ groups, config: { spotPercent: 50 } }))[0]?.severity).toBe('ok');
  });

  test('warns of spot with little to choose from', () => {
    const groups = observedAs([aGroup({ instanceTypes: ['c5.4xlarge'], zones: ['ap-northeast-1a'] })]);
    expect(spotShare.evaluate(healthyFacts({ groups }))[1]).toMatchObject({
      severity: 'warning',
      target: 'web',
    });
  });
});

describe('webhooks', () => {
  const service = { namespace: 'kyverno', name: 'kyverno-svc' };
  const hook = (overrides: Partial<WebhookFacts> = {}): WebhookFacts => ({
    kind: 'validating',
    configuration: 'kyverno',
    name: 'validate.kyverno.svc',
    failurePolicy: 'Fail',
    service,
    rules: [{ apiGroups: [''], resources: ['pods'] }],
    ...overrides,
  });
  const facts = (one: WebhookFacts, pods: EnvironmentFacts['kubernetes']['pods'] = observedAs([])) =>
    healthyFacts({
      groups: observedAs([aGroup({ instances: ['i-1'] }), aGroup({ name: 'system', instances: ['i-2'] })]),
      config: { keep: ['system'] },
      kubernetes: kubernetesOf({
        webhooks: observedAs([one]),
        services: observedAs([{ metadata: service, spec: { selector: { app: 'kyverno' } } }]),
        nodes: observedAs([
          { metadata: { name: 'node-1' }, spec: { providerID: 'aws:///ap-northeast-1a/i-1' } },
          { metadata: { name: 'node-2' }, spec: { providerID: 'aws:///ap-northeast-1a/i-2' } },
        ]),
        pods,
      }),
    });
  const podOn = (nodeName: string) =>
    observedAs([
      {
        metadata: { name: 'kyverno-1', namespace: 'kyverno', labels: { app: 'kyverno' } },
        spec: { nodeName, containers: [] },
      },
    ]);

  test('fail where they cover nodes and sleep', () => {
    const one = hook({ rules: [{ apiGroups: ['*'], resources: ['*'] }] });
    const [result] = webhooks.evaluate(facts(one, podOn('node-1')));
    expect(result).toMatchObject({ severity: 'failure', target: 'kyverno/validate.kyverno.svc' });
    expect(result?.found).toContain('nodes');
  });

  test('fail where they cover their own pods', () => {
    expect(severities(webhooks, facts(hook(), podOn('node-1')))).toEqual(['failure']);
  });

  test('are a warning where their own namespace and kube-system are left out', () => {
    const namespaceSelector = {
      matchExpressions: [
        { key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['kyverno', 'kube-system'] },
      ],
    };
    expect(severities(webhooks, facts(hook({ namespaceSelector }), podOn('node-1')))).toEqual(['warning']);
  });

  test('are in order on a group that stays, with failurePolicy Ignore, and outside of the cluster', () => {
    expect(severities(webhooks, facts(hook(), podOn('node-2')))).toEqual(['ok']);
    expect(severities(webhooks, facts(hook({ failurePolicy: 'Ignore' })))).toEqual(['ok']);
    const { service: _, ...outside } = hook();
    expect(severities(webhooks, facts(outside))).toEqual(['ok']);
  });
});

describe('disruption-budgets', () => {
  const budget = (spec: object, expectedPods = 2) =>
    healthyFacts({
      kubernetes: kubernetesOf({
        budgets: observedAs([
          { metadata: { namespace: 'shop', name: 'cart' }, spec, status: { expectedPods } as never },
        ]),
      }),
    });

  test.each([{ maxUnavailable: 0 }, { maxUnavailable: '0%' }, { minAvailable: 2 }, { minAvailable: '100%' }])(
    'warns of %j for two pods',
    (spec) => {
      expect(disruptionBudgets.evaluate(budget(spec))).toEqual([
        expect.objectContaining({ severity: 'warning', target: 'shop/cart' }),
      ]);
    },
  );

  test.each([{ maxUnavailable: 1 }, { maxUnavailable: '10%' }, { minAvailable: 1 }])(
    'is content with %j',
    (spec) => {
      expect(severities(disruptionBudgets, budget(spec))).toEqual(['ok']);
    },
  );
});

describe('zonal-volumes', () => {
  const volumeIn = (zone: string) => ({
    metadata: { name: `pv-${zone}` },
    spec: {
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [
            { matchExpressions: [{ key: 'topology.ebs.csi.aws.com/zone', operator: 'In', values: [zone] }] },
          ],
        },
      },
    },
    status: { phase: 'Bound' },
  });
  const facts = (zone: string, group = aGroup()) =>
    healthyFacts({
      groups: observedAs([group]),
      kubernetes: kubernetesOf({ volumes: observedAs([volumeIn(zone)]) }),
    });

  test('fails where no group has nodes in the zone of a volume', () => {
    expect(severities(zonalVolumes, facts('ap-northeast-1b'))).toEqual(['failure']);
  });

  test('warns where a group may wake without a node in that zone', () => {
    const small = aGroup({ size: { min: 0, desired: 1, max: 3 } });
    expect(severities(zonalVolumes, facts('ap-northeast-1a', small))).toEqual(['warning']);
  });

  test('is content where each zone has a node, or a group is of that zone alone', () => {
    expect(severities(zonalVolumes, facts('ap-northeast-1a'))).toEqual(['ok']);
    const own = aGroup({ zones: ['ap-northeast-1a'], size: { min: 0, desired: 1, max: 3 } });
    expect(severities(zonalVolumes, facts('ap-northeast-1a', own))).toEqual(['ok']);
  });
});

describe('host-group', () => {
  const deployment = (name: string, namespace = 'kube-system') => ({
    metadata: { name, namespace },
    spec: { selector: { matchLabels: { app: name } }, template: {} },
  });
  const autoscaler = {
    kind: 'cluster-autoscaler' as const,
    namespace: 'kube-system',
    deployment: 'cluster-autoscaler',
    hostGroup: 'system',
  };
  const facts = (options: {
    readonly deployments: readonly ReturnType<typeof deployment>[];
    readonly autoscaler?: typeof autoscaler;
    readonly on?: string;
  }) =>
    healthyFacts({
      groups: observedAs([aGroup({ instances: ['i-1'] }), aGroup({ name: 'system', instances: ['i-2'] })]),
      ...(options.autoscaler ? { config: { autoscaler: options.autoscaler } } : {}),
      kubernetes: kubernetesOf({
        deployments: observedAs(options.deployments),
        nodes: observedAs([
          { metadata: { name: 'node-1' }, spec: { providerID: 'aws:///a/i-1' } },
          { metadata: { name: 'node-2' }, spec: { providerID: 'aws:///a/i-2' } },
        ]),
        pods: observedAs(
          options.deployments.map(({ metadata }) => ({
            metadata: { ...metadata, labels: { app: metadata.name } },
            spec: { nodeName: options.on ?? 'node-2', containers: [] },
          })),
        ),
      }),
    });

  test('fails where an autoscaler runs and the config names none', () => {
    const found = hostGroup.evaluate(facts({ deployments: [deployment('cluster-autoscaler')] }));
    expect(found[0]).toMatchObject({ severity: 'failure', target: 'kube-system/cluster-autoscaler' });
  });

  test('fails where the config names what is not there', () => {
    expect(severities(hostGroup, facts({ deployments: [], autoscaler }))).toEqual(['failure']);
    const elsewhere = { ...autoscaler, hostGroup: 'gone' };
    const deployments = [deployment('cluster-autoscaler')];
    expect(severities(hostGroup, facts({ deployments, autoscaler: elsewhere }))).toEqual(['failure']);
  });

  test('warns where it runs on another group, and is content on its own', () => {
    const deployments = [deployment('cluster-autoscaler')];
    expect(severities(hostGroup, facts({ deployments, autoscaler, on: 'node-1' }))).toEqual(['warning']);
    expect(severities(hostGroup, facts({ deployments, autoscaler }))).toEqual(['ok']);
  });
});

describe('cron-jobs', () => {
  const job = (spec: object) =>
    healthyFacts({
      kubernetes: kubernetesOf({
        cronJobs: observedAs([{ metadata: { namespace: 'shop', name: 'mail' }, spec: spec as never }]),
      }),
    });

  test('counts the Jobs of the next night', () => {
    const [result] = cronJobs.evaluate(job({ schedule: '*/10 * * * *' }));
    expect(result).toMatchObject({ severity: 'warning', target: 'shop/mail' });
    // From 22:00 to 08:00, both ends left out but for the stop itself.
    expect(result?.found).toContain('59 Jobs');
  });

  test('is content where they do not pile up', () => {
    expect(severities(cronJobs, job({ schedule: '0 3 * * *' }))).toEqual(['ok']);
    expect(severities(cronJobs, job({ schedule: '*/10 * * * *', concurrencyPolicy: 'Forbid' }))).toEqual([
      'ok',
    ]);
    expect(severities(cronJobs, job({ schedule: '*/10 * * * *', suspend: true }))).toEqual(['ok']);
  });

  test('says which schedule it cannot read', () => {
    expect(severities(cronJobs, job({ schedule: 'now and then' }))).toEqual(['unknown']);
  });
});

describe('managed-sizes', () => {
  test.each([{ 'aws:cloudformation:stack-name': 'eksctl-web' }, { ManagedBy: 'Terraform' }])(
    'warns of the tag %j',
    (tags) => {
      expect(
        severities(managedSizes, healthyFacts({ groups: observedAs([aGroup({ tags: tags as never })]) })),
      ).toEqual(['warning']);
    },
  );
});

describe('access', () => {
  const functions = (kubernetesGroups: readonly string[] | undefined) =>
    observedAs([
      {
        capability: 'spot-drain' as const,
        settings: {},
        role: 'arn:aws:iam::111111111111:role/drain',
        kubernetesGroups: observedAs(kubernetesGroups),
      },
    ]);

  test('fails without an access entry, and with one of other groups', () => {
    expect(severities(access, healthyFacts({ functions: functions(undefined) }))).toEqual(['failure']);
    expect(severities(access, healthyFacts({ functions: functions(['viewers']) }))).toEqual(['failure']);
    expect(severities(access, healthyFacts({ functions: functions(['nightshift:spot-drain']) }))).toEqual([
      'ok',
    ]);
  });

  test('fails on a cluster that takes its users from aws-auth alone', () => {
    const cluster = observedAs({
      status: 'ACTIVE',
      authenticationMode: 'CONFIG_MAP',
      publicAccess: true,
      privateAccess: true,
      publicAccessCidrs: ['0.0.0.0/0'],
    });
    expect(severities(access, healthyFacts({ cluster }))).toEqual(['failure']);
  });

  test('names what the cluster does not allow', () => {
    const reviews = observedAs([
      { capability: 'spot-drain' as const, request: 'patch nodes', allowed: true },
      { capability: 'spot-drain' as const, request: 'create pods/eviction', allowed: false },
    ]);
    expect(rbac.evaluate(healthyFacts({ reviews }))).toEqual([
      expect.objectContaining({
        severity: 'failure',
        found: 'the cluster does not allow create pods/eviction',
      }),
    ]);
  });
});

test('rbac: production whose cluster lets another capability work than spot-drain', () => {
  const excess = observedAs([
    { capability: 'night-schedule' as const, request: 'patch nodepools', allowed: true },
    { capability: 'branch-deploy' as const, request: 'patch applications in argocd', allowed: false },
  ]);
  expect(rbac.evaluate(healthyFacts({ excess }))).toContainEqual({
    severity: 'failure',
    target: 'night-schedule',
    found: 'the cluster is production and allows night-schedule to patch nodepools',
    advice: 'kubectl delete -k manifests/night-schedule, then kubectl apply -k manifests/production',
  });
});

describe('argocd-capability', () => {
  const [build] = healthyFacts().settings.branchDeploy?.builds ?? [];
  const facts = (found: object, namespace?: string) =>
    healthyFacts({
      config: {
        deploy: {
          argocd: { capability: 'argocd' },
          builds: [
            {
              project: build?.project ?? '',
              repository: build?.repository ?? '',
              branch: 'develop',
              applications: [namespace ? { name: 'api', namespace } : 'api'],
            },
          ],
        },
      } as Partial<EnvironmentFacts['environment']>,
      argocdCapability: observedAs({ name: 'argocd', ...found }),
    });
  const existing = { url: 'https://argocd.example.com', namespace: 'argocd', version: '3.3.10-eks-6' };

  test('looks where the applications are', () => {
    expect(severities(argocdCapability, facts({ existing }))).toEqual(['ok']);
    expect(severities(argocdCapability, facts({ existing }, 'teams'))).toEqual(['failure']);
    expect(severities(argocdCapability, facts({ existing: { ...existing, namespace: 'gitops' } }))).toEqual([
      'failure',
    ]);
  });

  test('that cannot be used is a failure, with what EKS said', () => {
    const [finding] = argocdCapability.evaluate(facts({ problem: 'EKS does not know it' }));
    expect(finding).toMatchObject({ severity: 'failure', found: 'EKS does not know it' });
  });
});

describe('argocd-token', () => {
  const claims = (subject: string, expires?: Date) =>
    healthyFacts({ token: observedAs({ subject, ...(expires ? { expires } : {}) }) });

  test.each([
    ['proj:default:nightshift', inDays(90), ['ok', 'ok']],
    ['proj:default:nightshift', inDays(10), ['ok', 'warning']],
    ['proj:default:nightshift', inDays(-1), ['ok', 'failure']],
    ['proj:default:nightshift', undefined, ['ok', 'warning']],
    ['proj:other:nightshift', inDays(90), ['failure', 'ok']],
    ['admin', inDays(90), ['warning', 'ok']],
  ] as const)('judges %s until %s as %j', (subject, expires, wanted) => {
    expect(severities(argocdToken, claims(subject, expires))).toEqual(wanted);
  });
});

describe('branch-filters', () => {
  const project = (existing: object | undefined) =>
    healthyFacts({
      projects: observedAs([
        {
          name: 'api-develop',
          ...(existing ? { existing: { source: 'https://github.com/example/api', ...existing } } : {}),
        },
      ]),
    });
  const group = (...filters: readonly (readonly [string, string])[]) => ({
    filterGroups: [filters.map(([type, pattern]) => ({ type, pattern, excludeMatchedPattern: false }))],
  });
  const anchored = ['HEAD_REF', '^refs/heads/develop$'] as const;

  test('is content with an anchored branch, narrowed or not', () => {
    expect(severities(branchFilters, project(group(['EVENT', 'PUSH'], anchored)))).toEqual(['ok']);
    const narrowed = group(['EVENT', 'PUSH'], anchored, ['FILE_PATH', '^src/']);
    expect(severities(branchFilters, project(narrowed))).toEqual(['ok']);
  });

  test.each([
    ['an unanchored branch', group(['EVENT', 'PUSH'], ['HEAD_REF', 'refs/heads/develop'])],
    ['pull requests too', group(['EVENT', 'PUSH, PULL_REQUEST_CREATED'], anchored)],
    ['every branch', group(['EVENT', 'PUSH'])],
    ['no filter at all', { filterGroups: [] }],
    ['another repository', { source: 'https://github.com/example/other' }],
  ])('fails for %s', (_, found) => {
    expect(severities(branchFilters, project(found))).toEqual(['failure']);
  });

  test('fails for a project that is not there, and warns of one without a webhook', () => {
    expect(severities(branchFilters, project(undefined))).toEqual(['failure']);
    expect(severities(branchFilters, project({}))).toEqual(['warning']);
  });
});

describe('deployed', () => {
  const functionsOf = (facts: EnvironmentFacts) => ('value' in facts.functions ? facts.functions.value : []);

  test('fails where a function is missing', () => {
    const functions = observedAs(
      functionsOf(healthyFacts()).filter(({ capability }) => capability !== 'spot-drain'),
    );
    expect(severities(deployed, healthyFacts({ functions }))).toEqual(['ok', 'failure', 'ok']);
  });

  test('is about the pages of self-service and of the doorbell too', () => {
    const config = {
      selfService: { links: true },
      doorbell: { applications: ['https://shop.develop.example.com/'], cloudFront: true },
    } as const;
    const facts = healthyFacts({ config });
    expect(deployed.evaluate(facts).map(({ target }) => target)).toEqual([
      'night-schedule',
      'spot-drain',
      'branch-deploy',
      'self-service',
      'doorbell',
    ]);
    expect(severities(deployed, facts)).toEqual(['ok', 'ok', 'ok', 'ok', 'ok']);
    expect(severities(access, facts)).toEqual(severities(access, healthyFacts()));
    const functions = observedAs([
      ...functionsOf(facts).filter(({ capability }) => capability !== 'doorbell'),
      { capability: 'doorbell' as const },
    ]);
    expect(severities(deployed, healthyFacts({ config, functions })).at(-1)).toBe('failure');
  });

  test('names what the config says differently since the deploy', () => {
    const { functions } = healthyFacts();
    const [night] = deployed.evaluate(healthyFacts({ functions, config: { warnMinutes: 5 } }));
    expect(night).toMatchObject({
      severity: 'warning',
      found: 'the config has changed since the deploy: warnMinutes',
    });
  });
});

describe('holidays', () => {
  const until = (date: string) =>
    healthyFacts({
      functions: observedAs([
        { capability: 'night-schedule' as const, settings: { schedule: { calendar: { until: date } } } },
      ]),
    });

  test.each([
    ['2028-12-31', 'ok'],
    ['2026-12-31', 'warning'],
    ['2025-12-31', 'failure'],
  ])('judges %s as %s', (date, wanted) => {
    expect(severities(holidays, until(date))).toEqual([wanted]);
  });
});

describe('tick', () => {
  test('fails where the last pass is long ago, or none was seen', () => {
    const night = (seenAt?: string) =>
      healthyFacts({
        night: observedAs({ overrides: [], corrupt: [], saved: [], ...(seenAt ? { seenAt } : {}) }),
      });
    expect(severities(tick, night('2026-11-24T00:58:00Z'))).toEqual(['ok']);
    expect(severities(tick, night('2026-11-24T00:30:00Z'))).toEqual(['failure']);
    expect(severities(tick, night())).toEqual(['failure']);
  });
});

describe('schedulers', () => {
  const roles = (...names: string[]) =>
    healthyFacts({ schedulers: observedAs(names.map((name) => `arn:aws:iam::111111111111:role/${name}`)) });

  test('fails when two stacks schedule one cluster, and names their roles', () => {
    expect(severities(schedulers, roles('Nightshift-develop'))).toEqual(['ok']);
    const [finding] = schedulers.evaluate(roles('Nightshift-develop', 'Nightshift-dev'));
    expect(finding?.severity).toBe('failure');
    expect(finding?.found).toContain('role/Nightshift-dev');
  });
});

describe('saved-sizes', () => {
  const left = (...clusters: string[]) =>
    healthyFacts({
      leftTables: observedAs([
        { table: 'nightshift-dev', clusters, items: clusters.map((cluster) => `saved#${cluster}/workers`) },
      ]),
    });

  test('fails where an environment that was renamed has left sizes of this cluster', () => {
    expect(severities(savedSizes, healthyFacts())).toEqual(['ok']);
    const [finding] = savedSizes.evaluate(left('develop'));
    expect(finding).toMatchObject({
      severity: 'failure',
      target: 'nightshift-dev',
      found: expect.stringContaining('saved#develop/workers is still saved'),
      advice: expect.stringContaining(
        'nightshift restore --table nightshift-dev --cluster develop --region ap-northeast-1',
      ),
    });
  });

  test('warns of sizes of another cluster', () => {
    expect(severities(savedSizes, left('old'))).toEqual(['warning']);
  });

  test('fails where the schedule was removed and sizes are still saved', () => {
    const night = observedAs({
      overrides: [],
      corrupt: [],
      saved: [
        {
          group: 'workers',
          autoScalingGroup: 'eks-workers',
          size: { min: 1, desired: 3, max: 5 },
          phase: 'asleep' as const,
          since: '2026-11-24T13:05:00.000Z',
        },
      ],
    });
    const { schedule: _, ...unscheduled } = healthyFacts({ night });
    expect(severities(savedSizes, unscheduled)).toEqual(['failure']);
    expect(severities(savedSizes, healthyFacts({ night }))).toEqual(['ok']);
  });
});

describe('paused', () => {
  const pause = { from: '2026-11-24T00:00:00Z', until: '2026-11-25T00:00:00Z', author: 'ana', reason: 'why' };
  const night = (more: object) =>
    healthyFacts({ night: observedAs({ overrides: [], corrupt: [], saved: [], ...more }) });

  test('warns of a pause in force and of a retired environment', () => {
    expect(severities(paused, night({}))).toEqual(['ok']);
    expect(severities(paused, night({ pause }))).toEqual(['warning']);
    expect(severities(paused, night({ pause: { ...pause, until: '2026-11-24T00:01:00Z' } }))).toEqual(['ok']);
    expect(severities(paused, night({ retiredSince: '2026-11-24T00:00:00Z' }))).toEqual(['warning']);
  });
});

describe('production', () => {
  test('is not judged by what only matters to a cluster that sleeps', () => {
    const facts = healthyFacts();
    const { schedule: _, token: __, ...rest } = facts;
    const findings = runChecks({
      ...rest,
      environment: { production: true, account: '3', region: 'r', cluster: 'production', spotPercent: 100 },
      settings: { spotDrain: facts.settings.spotDrain },
    });
    const names = new Set(findings.map(({ check }) => check));
    expect(names).toEqual(
      new Set([
        'pod-ip-capacity',
        // It may have been made production while it slept.
        'saved-sizes',
        'paused',
        'spot-share',
        'disruption-budgets',
        'network',
        'deployed',
        'access',
        'rbac',
        'subscribers',
        'lambda-concurrency',
      ]),
    );
  });
});

describe('network', () => {
  const cluster = (overrides: object) =>
    observedAs({
      status: 'ACTIVE',
      authenticationMode: 'API',
      publicAccess: true,
      privateAccess: true,
      publicAccessCidrs: ['0.0.0.0/0'],
      ...overrides,
    });
  const inVpc = { network: { subnets: ['subnet-0a1b2c3d'], securityGroups: ['sg-0a1b2c3d'] } };
  const vpc = (defaultRoute: 'internet-gateway' | 'other' | undefined, ...endpoints: string[]) =>
    observedAs({ endpoints, subnets: [{ id: 'subnet-0a1b2c3d', defaultRoute }] });

  test('fails when the endpoint is private or limited to addresses, and the functions are in no VPC', () => {
    for (const closed of [{ publicAccess: false }, { publicAccessCidrs: ['198.51.100.0/24'] }])
      expect(severities(network, healthyFacts({ cluster: cluster(closed) }))).toEqual(['failure']);
    expect(severities(network, healthyFacts({ cluster: cluster({}) }))).toEqual(['ok']);
  });

  test('fails for a subnet without a way to AWS, and names the endpoints that are missing', () => {
    const facts = (...given: Parameters<typeof vpc>) =>
      healthyFacts({ config: inVpc, cluster: cluster({ publicAccess: false }), vpc: vpc(...given) });
    const [finding] = network.evaluate(facts(undefined, 'dynamodb', 'eks'));
    expect(finding?.severity).toBe('failure');
    expect(finding?.found).toContain(
      'no VPC endpoint for autoscaling, states, lambda, s3, events, codebuild, secretsmanager',
    );
    expect(severities(network, facts('internet-gateway'))).toEqual(['failure']);
    expect(severities(network, facts('other'))).toEqual(['ok']);
    const all = [
      'autoscaling',
      'dynamodb',
      'eks',
      'states',
      'lambda',
      's3',
      'events',
      'codebuild',
      'secretsmanager',
    ];
    expect(severities(network, facts(undefined, ...all))).toEqual(['ok']);
  });

  test('warns when functions in a VPC can only use a public endpoint that is limited to addresses', () => {
    const closed = cluster({ privateAccess: false, publicAccessCidrs: ['198.51.100.0/24'] });
    expect(severities(network, healthyFacts({ config: inVpc, cluster: closed, vpc: vpc('other') }))).toEqual([
      'ok',
      'warning',
    ]);
  });
});

describe('subscribers', () => {
  test('fails when nobody is subscribed to the alarms, or nobody has confirmed', () => {
    const found = (topic: { confirmed: number; pending: number } | undefined) =>
      subscribers.evaluate(healthyFacts({ alarmTopic: observedAs(topic) }));
    expect(found({ confirmed: 0, pending: 0 })[0]).toMatchObject({
      severity: 'failure',
      found: 'nobody is subscribed to nightshift-develop-alarms',
    });
    expect(found({ confirmed: 0, pending: 2 })[0]?.found).toContain('2 subscriptions');
    expect(found({ confirmed: 1, pending: 1 })[0]?.severity).toBe('ok');
    expect(found(undefined)).toEqual([]);
  });
});

describe('lambda-concurrency', () => {
  const found = (limit: number, unreserved: number, desired = 3) =>
    lambdaConcurrency.evaluate(
      healthyFacts({
        concurrency: observedAs({ limit, unreserved }),
        groups: observedAs([aGroup({ size: { min: 1, desired, max: 60 } })]),
      }),
    );

  test('is in order where every spot node can be drained at once', () => {
    expect(found(1_000, 900)).toMatchObject([{ severity: 'ok' }]);
  });

  test('warns of the limit of a new account, and says what a storm would do', () => {
    expect(found(10, 10, 40)).toMatchObject([
      {
        severity: 'warning',
        found: expect.stringContaining('10 are drained at once and 30 when one of those is done'),
        advice: expect.stringContaining('L-B99A9384'),
      },
    ]);
    expect(found(10, 10)).toMatchObject([{ severity: 'warning' }]);
  });

  test('fails where Lambda refuses the reservation of the page, until it is deployed', () => {
    const { settings } = healthyFacts();
    const withPage = { ...settings, selfService: { maxHours: 4 } } as unknown as typeof settings;
    const of = (unreserved: number, capabilities: readonly string[] = []) =>
      lambdaConcurrency.evaluate(
        healthyFacts({
          settings: withPage,
          concurrency: observedAs({ limit: 1_000, unreserved }),
          functions: observedAs(capabilities.map((capability) => ({ capability, settings: {} })) as never),
        }),
      );
    expect(of(102)).toMatchObject([
      {
        severity: 'failure',
        found: expect.stringContaining('reserves 3 invocations at once, and of 102 Lambda leaves 100'),
        advice: expect.stringContaining('L-B99A9384'),
      },
    ]);
    expect(of(103)).toMatchObject([{ severity: 'ok' }]);
    expect(of(100, ['self-service'])).toMatchObject([{ severity: 'ok' }]);
    expect(of(10)).toMatchObject([{ severity: 'failure' }]);
  });

  test('a function that was looked for and is not deployed reserves nothing yet', () => {
    const { settings } = healthyFacts();
    const [result] = lambdaConcurrency.evaluate(
      healthyFacts({
        settings: { ...settings, selfService: { maxHours: 4 } } as unknown as typeof settings,
        concurrency: observedAs({ limit: 1_000, unreserved: 100 }),
        functions: observedAs([{ capability: 'self-service' as const }]),
      }),
    );
    expect(result).toMatchObject({ severity: 'failure', found: expect.stringContaining('the deploy fails') });
  });

  test('adds the reservation of the doorbell, until that is deployed', () => {
    const { settings } = healthyFacts();
    const withPages = { ...settings, selfService: {}, doorbell: {} } as unknown as typeof settings;
    const of = (unreserved: number, capabilities: readonly string[] = []) =>
      lambdaConcurrency.evaluate(
        healthyFacts({
          settings: withPages,
          concurrency: observedAs({ limit: 1_000, unreserved }),
          functions: observedAs(capabilities.map((capability) => ({ capability, settings: {} })) as never),
        }),
      );
    expect(of(107)).toMatchObject([
      { severity: 'failure', found: expect.stringContaining('self-service and of doorbell reserves 8') },
    ]);
    expect(of(108)).toMatchObject([{ severity: 'ok' }]);
    expect(of(104, ['self-service'])).toMatchObject([
      { severity: 'failure', found: expect.stringContaining('the page of doorbell reserves 5') },
    ]);
    expect(of(100, ['self-service', 'doorbell'])).toMatchObject([{ severity: 'ok' }]);
  });

  test('counts what is left after reservations', () => {
    expect(found(1_000, 30, 40)).toMatchObject([{ severity: 'warning' }]);
  });
});

describe('doorbell', () => {
  const arn = 'arn:aws:elasticloadbalancing:ap-northeast-1:111111111111:targetgroup';
  const aRule = (priority: number, host: string, group = 'shop') => ({
    arn: `rule-${priority}`,
    priority,
    hosts: [host],
    targetGroups: [`${arn}/${group}/0123456789abcdef`],
  });
  const HOST = 'shop.develop.example.com';
  const config = {
    selfService: { links: true },
    doorbell: { applications: [`https://${HOST}/`], rules: { listener: LISTENER, priorities: '1-2' } },
  } as const;
  const found = (listener: ListenerFacts, more: object = {}) =>
    doorbell.evaluate(healthyFacts({ config, listener: observedAs(listener), ...more }))[0];

  test('is in order where its rules fit before those of the application', () => {
    expect(found({ rules: [aRule(100, HOST)] })).toMatchObject({ severity: 'ok' });
    expect(doorbell.evaluate(healthyFacts())).toEqual([]);
  });

  test.each([
    [{ rules: 'gone' }, 'the listener of the config does not exist'],
    [{ rules: [], controllerTag: 'elbv2.k8s.aws/cluster' }, 'its controller deletes the rules of others'],
    [{ rules: [aRule(1, 'a.example'), aRule(2, 'b.example')] }, '0 priorities of 1-2 are free'],
  ] as const)('fails for %j', (listener, message) => {
    expect(found(listener)).toMatchObject({ severity: 'failure', found: expect.stringContaining(message) });
  });

  test('fails where the rule of the application comes first', () => {
    const late = {
      ...config,
      doorbell: { ...config.doorbell, rules: { listener: LISTENER, priorities: '200-210' } },
    };
    expect(found({ rules: [aRule(100, '*.example.com')] }, { config: late })).toMatchObject({
      severity: 'failure',
      found: expect.stringContaining('the rule of priority 100 takes the requests'),
    });
  });

  test('warns of rules that are left while the cluster is up', () => {
    const state = {
      phase: 'awake',
      desired: 'awake',
      reason: 'office hours',
      since: '2026-11-24T00:00:00Z',
      groups: [],
    };
    const night = observedAs({ overrides: [], corrupt: [], saved: [], state } as never);
    const rules = [aRule(1, HOST, 'nightshift-develop'), aRule(100, HOST)];
    expect(found({ rules }, { night })).toMatchObject({ severity: 'warning' });
    expect(found({ rules })).toMatchObject({ severity: 'ok' });
  });
});
