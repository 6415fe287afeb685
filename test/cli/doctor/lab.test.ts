/** The command on the lab: its AWS, its clusters and the functions of a synthesized assembly, with an operator's credentials. */
import { writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Finding } from '#cli/doctor/finding.ts';
import type { NightshiftConfig } from '#model/config.ts';
import { aRunningLab, type RunningLab } from '#test/a-running-lab.ts';
import { nightshift } from '../run-nightshift.ts';

/** 10:00 on Tuesday in Tokyo. */
const START = new Date('2026-11-24T01:00:00Z');

const config: NightshiftConfig = {
  schedules: { office: { timeZone: 'Asia/Tokyo', up: ['Mon-Fri 08:00-22:00'] } },
  environments: {
    develop: {
      account: '111111111111',
      region: 'ap-northeast-1',
      cluster: 'develop',
      schedule: 'office',
      spotPercent: 100,
      notify: { failure: ['oncall@example.com'] },
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
    },
  },
};

let running: RunningLab;

beforeAll(async () => {
  running = await aRunningLab({ config, start: START });
  await running.pass(3);
});

afterAll(() => running?.close());

afterEach(() => {
  vi.unstubAllEnvs();
  running.lab.front.faults.clear();
});

const develop = () => running.environment('develop');

async function doctor(...args: string[]) {
  running.actAsOperator();
  return nightshift(['--config', running.configPath, 'doctor', 'develop', ...args], {
    now: running.now(),
  });
}

async function findings(): Promise<readonly Finding[]> {
  const { out } = await doctor('--json');
  return (JSON.parse(out) as { findings: Finding[] }[])[0]?.findings ?? [];
}

const about = (all: readonly Finding[], check: string) => all.filter((finding) => finding.check === check);

const HAZARDS = [
  {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name: 'kyverno' },
    webhooks: [
      {
        name: 'validate.kyverno.svc',
        clientConfig: { service: { namespace: 'kyverno', name: 'kyverno' } },
        rules: [{ apiGroups: ['*'], resources: ['*'] }],
      },
    ],
  },
  {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name: 'mail', namespace: 'hog' },
    spec: { schedule: '*/5 * * * *' },
  },
  {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: 'pv-lost' },
    spec: {
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [
            {
              matchExpressions: [
                { key: 'topology.kubernetes.io/zone', operator: 'In', values: ['ap-northeast-1b'] },
              ],
            },
          ],
        },
      },
    },
  },
];

function addProblemsInKubernetes(): void {
  const { kubernetes } = develop();
  kubernetes.addDeployment({ name: 'hog', namespace: 'hog', replicas: 900, cpu: '1m' });
  kubernetes.addDeployment({ name: 'cluster-autoscaler', namespace: 'kube-system' });
  kubernetes.addPdb({ name: 'hog', namespace: 'hog', matchLabels: { app: 'hog' }, maxUnavailable: 0 });
  kubernetes.addNamespace('kyverno');
  kubernetes.applyObjects(HAZARDS);
  kubernetes.api.modify('persistentvolumes', undefined, 'pv-lost', (volume) => {
    volume.status = { phase: 'Bound' };
  });
  kubernetes.api.delete('clusterrolebindings.rbac.authorization.k8s.io', undefined, 'nightshift-spot-drain');
}

function addProblemsInAws(): void {
  const { argocd, cluster } = develop();
  const { aws, codebuild } = running.lab;
  const scope = { account: '111111111111', region: 'ap-northeast-1' };
  aws.addNodegroup(cluster, {
    name: 'large',
    min: 0,
    desired: 80,
    max: 80,
    instanceTypes: ['c5.4xlarge'],
    capacityType: 'ON_DEMAND',
    zones: ['ap-northeast-1a'],
    tags: { ManagedBy: 'Terraform' },
  });
  aws.addNodegroup(cluster, {
    name: 'warm',
    min: 0,
    desired: 0,
    max: 2,
    instanceTypes: ['m6i.large'],
    capacityType: 'ON_DEMAND',
    warmPool: { min: 1, state: 'Running' },
  });
  const drain = running.lab.assembly.find({ ...scope, function: 'nightshift-develop-spot-drain' });
  cluster.accessEntries.delete(drain?.spec.roleArn ?? '');
  aws.putSecret({
    ...scope,
    name: 'nightshift/argocd-develop',
    value: argocd!.addToken({ project: 'default', role: 'nightshift', expires: new Date('2026-12-01') }),
  });
  codebuild.addProject({
    ...scope,
    name: 'loose',
    buildSeconds: 60,
    repository: 'https://github.com/example/api',
    webhook: {
      filterGroups: [
        [
          { type: 'EVENT', pattern: 'PUSH' },
          { type: 'HEAD_REF', pattern: 'develop' },
        ],
      ],
    },
  });
}

describe('nightshift doctor on the lab', () => {
  test('finds nothing wrong with a healthy cluster', async () => {
    const { code, out, err } = await doctor();
    expect(err).toBe('');
    expect(out).toContain('0 failures');
    expect(out).toContain('0 unknown');
    expect(code).toBe(0);
    expect(out.split('\n')[0]).toBe('develop (cluster develop, account 111111111111, ap-northeast-1)');
  });

  test('continues when a permission is missing, and names it', async () => {
    running.lab.front.faults.add({
      service: 'ec2',
      operation: 'DescribeSubnets',
      kind: 'access-denied',
      times: 9,
    });
    running.lab.front.faults.add({ service: 'codebuild', kind: 'access-denied', times: 9 });
    const all = await findings();
    expect(
      all.filter(({ severity }) => severity === 'unknown').map((one) => [one.check, one.permission]),
    ).toEqual([
      ['pod-ip-capacity', 'ec2:DescribeSubnets'],
      ['branch-filters', 'codebuild:BatchGetProjects'],
    ]);
    expect(about(all, 'rbac').every(({ severity }) => severity === 'ok')).toBe(true);
  });

  test('reports that AWS rejected the credentials', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL', running.lab.front.url);
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIANOBODY');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'x');
    const { code, err } = await nightshift(['--config', running.configPath, 'doctor', 'develop'], {
      now: START,
    });
    expect(code).toBe(2);
    expect(err).toMatch(/^nightshift: develop: AWS rejected the credentials .*sign in again/);
  });

  test('names a cluster of which the config stops nothing', async () => {
    const keep = running.lab.aws
      .groups(develop().cluster)
      .map(({ name, nodegroup }) => nodegroup?.name ?? name);
    expect(keep.length).toBeGreaterThan(0);
    const kept = { ...config, environments: { develop: { ...config.environments['develop'], keep } } };
    writeFileSync(running.configPath, JSON.stringify(kept));
    const { code, out } = await doctor();
    writeFileSync(running.configPath, JSON.stringify(config));
    expect(code).toBe(1);
    expect(out).toContain('nothing is found to stop: no group that the config stops carries the tag');
    expect(out).toContain('correct "nodegroups" and "keep"');
  });

  test('finds every problem that was created on purpose', async () => {
    addProblemsInKubernetes();
    addProblemsInAws();
    writeFileSync(running.configPath, JSON.stringify(config).replace('"api-develop"', '"loose"'));
    await running.pass(1);

    const { code } = await doctor();
    expect(code).toBe(1);
    const all = await findings();
    const worst = (check: string) => {
      const severities = about(all, check).map(({ severity }) => severity);
      return (['failure', 'warning', 'unknown', 'ok'] as const).find((one) => severities.includes(one));
    };
    expect(
      Object.fromEntries([...new Set(all.map(({ check }) => check))].map((one) => [one, worst(one)])),
    ).toEqual({
      'pod-ip-capacity': 'failure',
      'spot-share': 'warning',
      webhooks: 'failure',
      'disruption-budgets': 'warning',
      'zonal-volumes': 'failure',
      'host-group': 'failure',
      'sleeping-compute': 'ok',
      'warm-pools': 'warning',
      'pause-undone': 'ok',
      'cron-jobs': 'warning',
      'managed-sizes': 'warning',
      deployed: 'warning',
      images: 'ok',
      access: 'failure',
      rbac: 'failure',
      'argocd-token': 'warning',
      'branch-filters': 'failure',
      tick: 'ok',
      network: 'ok',
      subscribers: 'ok',
      'lambda-concurrency': 'ok',
      paused: 'ok',
      schedulers: 'ok',
      'saved-sizes': 'ok',
    });
    expect(about(all, 'warm-pools')).toMatchObject([
      { target: 'warm', found: expect.stringContaining('Running') },
      { target: 'warm', found: expect.stringContaining('grows up to') },
    ]);
    for (const finding of all.filter(({ severity }) => severity !== 'ok')) {
      expect(finding.advice, `${finding.check}: ${finding.found}`).toMatch(/\w/);
      expect(finding.why).toMatch(/\w/);
    }
    expect(JSON.stringify(all)).not.toContain('eyJ');
  });
});
