/** `nightshift bill`: its rows from facts, and the command on the lab with an operator's credentials. */
import type { Node } from 'kubernetes-types/core/v1.js';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { type BillFacts, type StandingRow, standingRows } from '#cli/bill/standing.ts';
import type { GroupFacts } from '#cli/doctor/facts.ts';
import { accessPermissions } from '#lib/access-policy.ts';
import type { DevelopmentEnvironmentConfig, NightshiftConfig } from '#model/config.ts';
import { aRunningLab, type RunningLab } from '#test/a-running-lab.ts';
import { nightshift } from './run-nightshift.ts';

const scope = { account: '111111111111', region: 'ap-northeast-1' };
const environment: DevelopmentEnvironmentConfig = { ...scope, cluster: 'develop', schedule: 'office' };

const aGroup = (name: string, given: Partial<GroupFacts> = {}): GroupFacts => ({
  name,
  kind: 'managed',
  size: { min: 0, desired: 2, max: 4 },
  instanceTypes: ['m6i.large'],
  zones: [],
  subnets: [],
  instances: ['i-1', 'i-2'],
  onDemandBase: 0,
  spotPercent: 100,
  tags: {},
  ...given,
});
const aNode = (labels: Record<string, string>): Node => ({ metadata: { labels } });
const facts = (given: Partial<BillFacts> = {}): BillFacts => ({
  vpc: { value: 'vpc-1' },
  natGateways: { value: [] },
  loadBalancers: { value: [] },
  volumes: { value: [] },
  groups: { value: [] },
  nodes: { value: [] },
  ...given,
});
const rowOf = (rows: readonly StandingRow[], what: string) => rows.find((one) => one.what.startsWith(what));

describe('what stands at night', () => {
  test('is listed kind by kind, also where there is none of it', () => {
    expect(standingRows(environment, facts()).map(({ what, count }) => [what, count])).toEqual([
      ['control plane', 1],
      ['NAT gateways in vpc-1', 0],
      ['load balancers in vpc-1', 0],
      ['volumes of the cluster', 0],
      ['Fargate pods', 0],
      ['instances of warm pools', 0],
      ['instances of groups without schedule', 0],
      ['nodes of NodePools without schedule', 0],
    ]);
  });

  test('has a price only where a dated row is for that region', () => {
    const gateways = facts({ natGateways: { value: ['nat-1', 'nat-2'] } });
    const priced = (region: string) =>
      standingRows({ ...environment, region }, gateways).flatMap(({ what, cost }) =>
        cost ? [[what, cost.perHour, cost.source.slice(-10)]] : [],
      );
    expect(priced('us-east-1')).toEqual([
      ['control plane', 0.1, '2026-11-22'],
      ['NAT gateways in vpc-1', 0.09, '2026-11-22'],
    ]);
    expect(priced('ap-northeast-1')).toEqual([['control plane', 0.1, '2026-11-22']]);
    expect(priced('us-gov-west-1')).toEqual([]);
  });

  test('counts groups that no schedule stops, with the prices of the config', () => {
    const groups = { value: [aGroup('web'), aGroup('infra'), aGroup('batch'), aGroup('od')] };
    const kept = { ...environment, keep: ['infra', 'batch'], fallbackGroup: 'od' };
    const what = 'instances of groups without schedule';
    expect(rowOf(standingRows(kept, facts({ groups })), what)).toEqual({
      what,
      count: 4,
      detail: 'infra 2, batch 2',
    });
    const prices = { currency: 'EUR', perNodeHour: { infra: 0.05, '*': 0.1 } };
    expect(rowOf(standingRows({ ...kept, prices }, facts({ groups })), what)?.cost).toEqual({
      perHour: 0.30000000000000004,
      currency: 'EUR',
      source: 'prices of the config',
    });
  });

  test('has no sum of a part: a group without a price leaves its row without one', () => {
    const groups = { value: [aGroup('infra'), aGroup('batch')] };
    const kept = {
      ...environment,
      keep: ['infra', 'batch'],
      prices: { currency: 'EUR', perNodeHour: { infra: 1 } },
    };
    expect(rowOf(standingRows(kept, facts({ groups })), 'instances of groups')?.cost).toBeUndefined();
  });

  test('counts warm pools that stay: those that are kept, and of groups without schedule', () => {
    const pool = (state: 'Stopped' | 'Running', instances: number) => ({
      warmPool: { min: 0, state, reuse: false, instances },
    });
    const groups = { value: [aGroup('web', pool('Running', 3)), aGroup('infra', pool('Stopped', 2))] };
    const priced = { ...environment, keep: ['infra'], prices: { currency: 'EUR', perNodeHour: { '*': 1 } } };
    const row = (warmPools: 'stop' | 'keep') =>
      rowOf(standingRows({ ...priced, warmPools }, facts({ groups })), 'instances of warm pools');
    expect(row('stop')).toMatchObject({ count: 2, detail: 'infra 2 Stopped' });
    expect(row('stop')?.cost).toBeUndefined();
    expect(row('keep')).toMatchObject({ count: 5, cost: { perHour: 3 } });
  });

  test('counts Fargate pods, and nodes of NodePools that are not stopped', () => {
    const nodes = {
      value: [
        aNode({ 'eks.amazonaws.com/compute-type': 'fargate' }),
        aNode({ 'karpenter.sh/nodepool': 'general-purpose' }),
        aNode({ 'karpenter.sh/nodepool': 'gpu' }),
        aNode({ 'karpenter.sh/nodepool': 'web' }),
      ],
    };
    const counts = (autoscaler: DevelopmentEnvironmentConfig['autoscaler']) => {
      const rows = standingRows({ ...environment, autoscaler } as never, facts({ nodes }));
      return [rowOf(rows, 'Fargate')?.count, rowOf(rows, 'nodes of NodePools')?.detail];
    };
    expect(counts({ kind: 'auto-mode', nodePools: ['web'] })).toEqual([1, '1 general-purpose, 1 gpu']);
    expect(counts({ kind: 'auto-mode', builtIn: true })).toEqual([1, undefined]);
    expect(counts(undefined)).toEqual([1, '1 general-purpose, 1 gpu, 1 web']);
  });
});

describe('nightshift bill', () => {
  const config: NightshiftConfig = {
    schedules: { office: { timeZone: 'Asia/Tokyo', up: ['Mon-Fri 08:00-22:00'] } },
    environments: {
      develop: environment,
      production: {
        account: '222222222222',
        region: 'ap-northeast-1',
        cluster: 'production',
        production: true,
      },
    },
  };
  let running: RunningLab;

  beforeAll(async () => {
    running = await aRunningLab({ config, start: new Date('2026-11-24T01:00:00Z') });
    const { standing, loadBalancers } = running.lab.aws;
    const [{ vpc = '', id: subnet = '' } = {}] = develop().cluster.subnets;
    standing.addNatGateway({ ...scope, vpc, subnet });
    standing.addNatGateway({ ...scope, vpc, subnet, state: 'deleted' });
    standing.addNatGateway({ ...scope, vpc: 'vpc-other', subnet: 'subnet-other' });
    loadBalancers.addLoadBalancer({ ...scope, name: 'web', vpc });
    loadBalancers.addLoadBalancer({ ...scope, name: 'queue', type: 'network', vpc });
    loadBalancers.addLoadBalancer({ ...scope, name: 'other', vpc: 'vpc-other' });
    const volume = { ...scope, sizeGib: 20, type: 'gp3', zone: 'ap-northeast-1a' };
    const tags = { 'kubernetes.io/cluster/develop': 'owned' };
    standing.addVolume({ ...volume, tags });
    standing.addVolume({ ...volume, tags, attachment: { instance: 'i-1', deleteOnTermination: false } });
    standing.addVolume({ ...volume, tags, attachment: { instance: 'i-1', deleteOnTermination: true } });
    standing.addVolume({ ...volume, tags: { 'kubernetes.io/cluster/web': 'owned' } });
  });

  afterAll(() => running?.close());
  afterEach(() => {
    vi.unstubAllEnvs();
    running.lab.front.faults.clear();
  });

  const develop = () => running.environment('develop');
  const ask = (...args: string[]) => {
    running.actAsOperator();
    return nightshift(['--config', running.configPath, 'bill', ...args], { now: running.now() });
  };

  test('counts what AWS has in the VPC and for the cluster, and nothing of others', async () => {
    const { code, out, err } = await ask('--json');
    expect([code, err]).toEqual([0, '']);
    const [report] = JSON.parse(out) as { environment: string; rows: StandingRow[]; perHour: object }[];
    expect(report).toMatchObject({ environment: 'develop', perHour: { USD: 0.1 } });
    const row = (what: string) => rowOf(report?.rows ?? [], what);
    expect(row('control plane')?.count).toBe(1);
    expect(row('NAT gateways')?.count).toBe(1);
    expect(row('load balancers')).toMatchObject({ count: 2, detail: '1 application, 1 network' });
    expect(row('volumes')).toMatchObject({ count: 2, detail: '40 GiB' });
    expect(row('Fargate pods')?.count).toBe(0);
    expect(row('instances of groups')?.count).toBe(0);
  });

  test('says what it counted, what has a price, and what has none', async () => {
    const { out } = await ask('-e', 'develop');
    expect(out).toMatch(/NAT gateways in vpc-\w+ +1 +-/);
    expect(out).toMatch(/control plane +1 +0\.100 USD +https:\/\/aws\.amazon\.com\/eks\/pricing/);
    expect(out).toContain('priced: 0.100 USD an hour');
    expect(out).toMatch(
      /counted without a price: NAT gateways in \S+, load balancers in \S+, volumes of the cluster/,
    );
  });

  test('is complete with the policy of an operator', async () => {
    const before = running.lab.front.calls.length;
    await ask('-e', 'develop');
    const actions = new Set(
      accessPermissions('operator', 'develop', environment).flatMap((one) => one.actions),
    );
    const calls = running.lab.front.calls
      .slice(before)
      .filter(({ principal }) => principal === develop().operator.arn)
      .map(({ service, operation }) => `${service}:${operation}`);
    expect(calls).toContain('ec2:DescribeVolumes');
    expect(calls.filter((call) => !actions.has(call))).toEqual([]);
  });

  test('names the permission that is missing, counts the rest, and exits with 2', async () => {
    running.lab.front.faults.add({
      service: 'ec2',
      operation: 'DescribeVolumes',
      kind: 'access-denied',
      times: 9,
    });
    const { code, out } = await ask('-e', 'develop');
    expect(code).toBe(2);
    expect(out).toMatch(/volumes of the cluster +\? +- +not counted: AWS denied ec2:DescribeVolumes/);
    expect(out).toMatch(/NAT gateways in vpc-\w+ +1/);
  });

  test('refuses what is never stopped, and an unknown environment', async () => {
    expect(await ask('-e', 'production')).toMatchObject({
      code: 1,
      err: expect.stringContaining('"production" has no schedule: it is never stopped'),
    });
    expect(await ask('-e', 'devlop')).toMatchObject({ code: 1, err: expect.stringContaining('develop') });
  });
});
