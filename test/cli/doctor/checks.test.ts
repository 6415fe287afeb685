import { describe, expect, it } from 'vitest';
import { access, rbac } from '#cli/doctor/checks/access.ts';
import { argocdToken } from '#cli/doctor/checks/argocd-token.ts';
import { branchFilters } from '#cli/doctor/checks/branch-filters.ts';
import { cronJobs } from '#cli/doctor/checks/cron-jobs.ts';
import { deployed } from '#cli/doctor/checks/deployed.ts';
import { disruptionBudgets } from '#cli/doctor/checks/disruption-budgets.ts';
import { holidays } from '#cli/doctor/checks/holidays.ts';
import { hostGroup } from '#cli/doctor/checks/host-group.ts';
import { CHECKS } from '#cli/doctor/checks/index.ts';
import { managedSizes } from '#cli/doctor/checks/managed-sizes.ts';
import { spotShare } from '#cli/doctor/checks/spot-share.ts';
import { tick } from '#cli/doctor/checks/tick.ts';
import { webhooks } from '#cli/doctor/checks/webhooks.ts';
import { zonalVolumes } from '#cli/doctor/checks/zonal-volumes.ts';
import { examine } from '#cli/doctor/doctor.ts';
import type { Check } from '#cli/doctor/finding.ts';
import type { Site, WebhookFacts } from '#cli/doctor/site.ts';
import { aGroup, aSite, is, kubernetesOf, NOW, refused } from './a-site.ts';

const severities = (check: Check, site: Site) => check.judge(site).map(({ severity }) => severity);
const inDays = (days: number) => new Date(NOW.getTime() + days * 86_400_000);

describe('every check', () => {
  it('is content with a healthy site', () => {
    const findings = examine(aSite());
    expect(findings.filter(({ severity }) => severity !== 'ok')).toEqual([]);
    expect(new Set(findings.map(({ check }) => check))).toEqual(new Set(CHECKS.map(({ name }) => name)));
  });

  it('goes on where another one could not be asked', () => {
    const findings = examine(aSite({ groups: refused('autoscaling:DescribeAutoScalingGroups') }));
    const unknown = findings.filter(({ severity }) => severity === 'unknown');
    expect(unknown.length).toBeGreaterThan(3);
    expect(new Set(unknown.map(({ permission }) => permission))).toEqual(
      new Set(['autoscaling:DescribeAutoScalingGroups']),
    );
    expect(findings.filter(({ severity }) => severity === 'ok').length).toBeGreaterThan(5);
  });
});

describe('spot-share', () => {
  it('warns where the groups are not what spotPercent declares', () => {
    const groups = is([aGroup(), aGroup({ name: 'core', spotPercent: 0 })]);
    const [first] = spotShare.judge(aSite({ groups }));
    expect(first).toMatchObject({ severity: 'warning' });
    expect(first?.found).toContain('50 % of the nodes are spot');
    expect(spotShare.judge(aSite({ groups, config: { spotPercent: 50 } }))[0]?.severity).toBe('ok');
  });

  it('counts on-demand instances below the base', () => {
    const groups = is([aGroup({ onDemandBase: 2, size: { min: 0, desired: 4, max: 6 } })]);
    expect(spotShare.judge(aSite({ groups, config: { spotPercent: 50 } }))[0]?.severity).toBe('ok');
  });

  it('warns of spot with little to choose from', () => {
    const groups = is([aGroup({ instanceTypes: ['c5.4xlarge'], zones: ['ap-northeast-1a'] })]);
    expect(spotShare.judge(aSite({ groups }))[1]).toMatchObject({ severity: 'warning', target: 'web' });
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
  const site = (one: WebhookFacts, pods: Site['kubernetes']['pods'] = is([])) =>
    aSite({
      groups: is([aGroup({ instances: ['i-1'] }), aGroup({ name: 'system', instances: ['i-2'] })]),
      config: { keep: ['system'] },
      kubernetes: kubernetesOf({
        webhooks: is([one]),
        services: is([{ metadata: service, spec: { selector: { app: 'kyverno' } } }]),
        nodes: is([
          { metadata: { name: 'node-1' }, spec: { providerID: 'aws:///ap-northeast-1a/i-1' } },
          { metadata: { name: 'node-2' }, spec: { providerID: 'aws:///ap-northeast-1a/i-2' } },
        ]),
        pods,
      }),
    });
  const podOn = (nodeName: string) =>
    is([
      {
        metadata: { name: 'kyverno-1', namespace: 'kyverno', labels: { app: 'kyverno' } },
        spec: { nodeName, containers: [] },
      },
    ]);

  it('fail where they cover nodes and sleep', () => {
    const one = hook({ rules: [{ apiGroups: ['*'], resources: ['*'] }] });
    const [verdict] = webhooks.judge(site(one, podOn('node-1')));
    expect(verdict).toMatchObject({ severity: 'failure', target: 'kyverno/validate.kyverno.svc' });
    expect(verdict?.found).toContain('nodes');
  });

  it('fail where they cover their own pods', () => {
    expect(severities(webhooks, site(hook(), podOn('node-1')))).toEqual(['failure']);
  });

  it('are a warning where their own namespace and kube-system are left out', () => {
    const namespaceSelector = {
      matchExpressions: [
        { key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['kyverno', 'kube-system'] },
      ],
    };
    expect(severities(webhooks, site(hook({ namespaceSelector }), podOn('node-1')))).toEqual(['warning']);
  });

  it('are in order on a group that stays, with failurePolicy Ignore, and outside of the cluster', () => {
    expect(severities(webhooks, site(hook(), podOn('node-2')))).toEqual(['ok']);
    expect(severities(webhooks, site(hook({ failurePolicy: 'Ignore' })))).toEqual(['ok']);
    const { service: _, ...outside } = hook();
    expect(severities(webhooks, site(outside))).toEqual(['ok']);
  });
});

describe('disruption-budgets', () => {
  const budget = (spec: object, expectedPods = 2) =>
    aSite({
      kubernetes: kubernetesOf({
        budgets: is([
          { metadata: { namespace: 'shop', name: 'cart' }, spec, status: { expectedPods } as never },
        ]),
      }),
    });

  it.each([{ maxUnavailable: 0 }, { maxUnavailable: '0%' }, { minAvailable: 2 }, { minAvailable: '100%' }])(
    'warns of %j for two pods',
    (spec) => {
      expect(disruptionBudgets.judge(budget(spec))).toEqual([
        expect.objectContaining({ severity: 'warning', target: 'shop/cart' }),
      ]);
    },
  );

  it.each([{ maxUnavailable: 1 }, { maxUnavailable: '10%' }, { minAvailable: 1 }])(
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
  const site = (zone: string, group = aGroup()) =>
    aSite({ groups: is([group]), kubernetes: kubernetesOf({ volumes: is([volumeIn(zone)]) }) });

  it('fails where no group has nodes in the zone of a volume', () => {
    expect(severities(zonalVolumes, site('ap-northeast-1b'))).toEqual(['failure']);
  });

  it('warns where a group may wake without a node in that zone', () => {
    const small = aGroup({ size: { min: 0, desired: 1, max: 3 } });
    expect(severities(zonalVolumes, site('ap-northeast-1a', small))).toEqual(['warning']);
  });

  it('is content where each zone has a node, or a group is of that zone alone', () => {
    expect(severities(zonalVolumes, site('ap-northeast-1a'))).toEqual(['ok']);
    const own = aGroup({ zones: ['ap-northeast-1a'], size: { min: 0, desired: 1, max: 3 } });
    expect(severities(zonalVolumes, site('ap-northeast-1a', own))).toEqual(['ok']);
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
  const site = (options: {
    readonly deployments: readonly ReturnType<typeof deployment>[];
    readonly autoscaler?: typeof autoscaler;
    readonly on?: string;
  }) =>
    aSite({
      groups: is([aGroup({ instances: ['i-1'] }), aGroup({ name: 'system', instances: ['i-2'] })]),
      ...(options.autoscaler ? { config: { autoscaler: options.autoscaler } } : {}),
      kubernetes: kubernetesOf({
        deployments: is(options.deployments),
        nodes: is([
          { metadata: { name: 'node-1' }, spec: { providerID: 'aws:///a/i-1' } },
          { metadata: { name: 'node-2' }, spec: { providerID: 'aws:///a/i-2' } },
        ]),
        pods: is(
          options.deployments.map(({ metadata }) => ({
            metadata: { ...metadata, labels: { app: metadata.name } },
            spec: { nodeName: options.on ?? 'node-2', containers: [] },
          })),
        ),
      }),
    });

  it('fails where an autoscaler runs and the config names none', () => {
    const found = hostGroup.judge(site({ deployments: [deployment('cluster-autoscaler')] }));
    expect(found[0]).toMatchObject({ severity: 'failure', target: 'kube-system/cluster-autoscaler' });
  });

  it('fails where the config names what is not there', () => {
    expect(severities(hostGroup, site({ deployments: [], autoscaler }))).toEqual(['failure']);
    const elsewhere = { ...autoscaler, hostGroup: 'gone' };
    const deployments = [deployment('cluster-autoscaler')];
    expect(severities(hostGroup, site({ deployments, autoscaler: elsewhere }))).toEqual(['failure']);
  });

  it('warns where it runs on another group, and is content on its own', () => {
    const deployments = [deployment('cluster-autoscaler')];
    expect(severities(hostGroup, site({ deployments, autoscaler, on: 'node-1' }))).toEqual(['warning']);
    expect(severities(hostGroup, site({ deployments, autoscaler }))).toEqual(['ok']);
  });
});

describe('cron-jobs', () => {
  const job = (spec: object) =>
    aSite({
      kubernetes: kubernetesOf({
        cronJobs: is([{ metadata: { namespace: 'shop', name: 'mail' }, spec: spec as never }]),
      }),
    });

  it('counts the Jobs of the next night', () => {
    const [verdict] = cronJobs.judge(job({ schedule: '*/10 * * * *' }));
    expect(verdict).toMatchObject({ severity: 'warning', target: 'shop/mail' });
    // From 22:00 to 08:00, both ends left out but for the stop itself.
    expect(verdict?.found).toContain('59 Jobs');
  });

  it('is content where they do not pile up', () => {
    expect(severities(cronJobs, job({ schedule: '0 3 * * *' }))).toEqual(['ok']);
    expect(severities(cronJobs, job({ schedule: '*/10 * * * *', concurrencyPolicy: 'Forbid' }))).toEqual([
      'ok',
    ]);
    expect(severities(cronJobs, job({ schedule: '*/10 * * * *', suspend: true }))).toEqual(['ok']);
  });

  it('says which schedule it cannot read', () => {
    expect(severities(cronJobs, job({ schedule: 'now and then' }))).toEqual(['unknown']);
  });
});

describe('managed-sizes', () => {
  it.each([{ 'aws:cloudformation:stack-name': 'eksctl-web' }, { ManagedBy: 'Terraform' }])(
    'warns of the tag %j',
    (tags) => {
      expect(severities(managedSizes, aSite({ groups: is([aGroup({ tags: tags as never })]) }))).toEqual([
        'warning',
      ]);
    },
  );
});

describe('access', () => {
  const functions = (kubernetesGroups: readonly string[] | undefined) =>
    is([
      {
        capability: 'spot-drain' as const,
        settings: {},
        role: 'arn:aws:iam::111111111111:role/drain',
        kubernetesGroups: is(kubernetesGroups),
      },
    ]);

  it('fails without an access entry, and with one of other groups', () => {
    expect(severities(access, aSite({ functions: functions(undefined) }))).toEqual(['failure']);
    expect(severities(access, aSite({ functions: functions(['viewers']) }))).toEqual(['failure']);
    expect(severities(access, aSite({ functions: functions(['nightshift:spot-drain']) }))).toEqual(['ok']);
  });

  it('fails on a cluster that takes its users from aws-auth alone', () => {
    const cluster = is({ status: 'ACTIVE', authenticationMode: 'CONFIG_MAP' });
    expect(severities(access, aSite({ cluster }))).toEqual(['failure']);
  });

  it('names what the cluster does not allow', () => {
    const reviews = is([
      { capability: 'spot-drain' as const, what: 'patch nodes', allowed: true },
      { capability: 'spot-drain' as const, what: 'create pods/eviction', allowed: false },
    ]);
    expect(rbac.judge(aSite({ reviews }))).toEqual([
      expect.objectContaining({
        severity: 'failure',
        found: 'the cluster does not allow create pods/eviction',
      }),
    ]);
  });
});

describe('argocd-token', () => {
  const claims = (subject: string, expires?: Date) =>
    aSite({ token: is({ subject, ...(expires ? { expires } : {}) }) });

  it.each([
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
  const project = (found: object | undefined) =>
    aSite({
      projects: is([
        {
          name: 'api-develop',
          ...(found ? { found: { source: 'https://github.com/example/api', ...found } } : {}),
        },
      ]),
    });
  const group = (...filters: readonly (readonly [string, string])[]) => ({
    filterGroups: [filters.map(([type, pattern]) => ({ type, pattern, excludeMatchedPattern: false }))],
  });
  const anchored = ['HEAD_REF', '^refs/heads/develop$'] as const;

  it('is content with an anchored branch, narrowed or not', () => {
    expect(severities(branchFilters, project(group(['EVENT', 'PUSH'], anchored)))).toEqual(['ok']);
    const narrowed = group(['EVENT', 'PUSH'], anchored, ['FILE_PATH', '^src/']);
    expect(severities(branchFilters, project(narrowed))).toEqual(['ok']);
  });

  it.each([
    ['an unanchored branch', group(['EVENT', 'PUSH'], ['HEAD_REF', 'refs/heads/develop'])],
    ['pull requests too', group(['EVENT', 'PUSH, PULL_REQUEST_CREATED'], anchored)],
    ['every branch', group(['EVENT', 'PUSH'])],
    ['no filter at all', { filterGroups: [] }],
    ['another repository', { source: 'https://github.com/example/other' }],
  ])('fails for %s', (_, found) => {
    expect(severities(branchFilters, project(found))).toEqual(['failure']);
  });

  it('fails for a project that is not there, and warns of one without a webhook', () => {
    expect(severities(branchFilters, project(undefined))).toEqual(['failure']);
    expect(severities(branchFilters, project({}))).toEqual(['warning']);
  });
});

describe('deployed', () => {
  const functionsOf = (site: Site) => ('value' in site.functions ? site.functions.value : []);

  it('fails where a function is missing', () => {
    const functions = is(functionsOf(aSite()).filter(({ capability }) => capability !== 'spot-drain'));
    expect(severities(deployed, aSite({ functions }))).toEqual(['ok', 'failure', 'ok']);
  });

  it('names what the config says differently since the deploy', () => {
    const { functions } = aSite();
    const [night] = deployed.judge(aSite({ functions, config: { warnMinutes: 5 } }));
    expect(night).toMatchObject({
      severity: 'warning',
      found: 'the config has changed since the deploy: warnMinutes',
    });
  });
});

describe('holidays', () => {
  const until = (date: string) =>
    aSite({
      functions: is([
        { capability: 'night-schedule' as const, settings: { schedule: { calendar: { until: date } } } },
      ]),
    });

  it.each([
    ['2028-12-31', 'ok'],
    ['2026-12-31', 'warning'],
    ['2025-12-31', 'failure'],
  ])('judges %s as %s', (date, wanted) => {
    expect(severities(holidays, until(date))).toEqual([wanted]);
  });
});

describe('tick', () => {
  it('fails where the last pass is long ago, or none was seen', () => {
    const night = (seenAt?: string) =>
      aSite({ night: is({ overrides: [], corrupt: [], saved: [], ...(seenAt ? { seenAt } : {}) }) });
    expect(severities(tick, night('2026-11-24T00:58:00Z'))).toEqual(['ok']);
    expect(severities(tick, night('2026-11-24T00:30:00Z'))).toEqual(['failure']);
    expect(severities(tick, night())).toEqual(['failure']);
  });
});

describe('production', () => {
  it('is not judged by what only matters to a cluster that sleeps', () => {
    const site = aSite();
    const { schedule: _, token: __, ...rest } = site;
    const findings = examine({
      ...rest,
      environment: { production: true, account: '3', region: 'r', cluster: 'production', spotPercent: 100 },
      settings: { spotDrain: site.settings.spotDrain },
    });
    const names = new Set(findings.map(({ check }) => check));
    expect(names).toEqual(
      new Set(['pod-ip-capacity', 'spot-share', 'disruption-budgets', 'deployed', 'access', 'rbac']),
    );
  });
});
