/** Nights of EKS Auto Mode: the whole pass with the real adapters, on the lab's EKS and Kubernetes. */
import { anEndpoint } from '@nightshift/lab/test/aws/endpoint.ts';
import { scope } from '@nightshift/lab/test/aws/world.ts';
import { createKubernetes, type Kubernetes } from '@nightshift/lab/world/kubernetes/index.ts';
import { scaleOutOf } from '@nightshift/lab/world/scale-out.ts';
import { beforeAll, expect, test } from 'vitest';
import { createBuiltInPools } from '#functions/adapters/aws/built-in-pools.ts';
import { createGroups } from '#functions/adapters/aws/groups.ts';
import { createNightStore } from '#functions/adapters/dynamodb/night-store.ts';
import { autoscalersOf, createAutoscaler } from '#functions/adapters/kubernetes/autoscaler.ts';
import type { KubernetesClient, KubernetesRequest } from '#functions/adapters/kubernetes/client.ts';
import { createNodes } from '#functions/adapters/kubernetes/nodes.ts';
import { restore } from '#functions/night-schedule/restore.ts';
import { run } from '#functions/night-schedule/run.ts';
import type { AutoscalerConfig } from '#model/config.ts';
import type { Decision } from '#model/decision.ts';
import { createMemoryTable } from '#test/simulation/table.ts';
import { someSettings } from './builders.ts';

beforeAll(() => {
  process.env['POWERTOOLS_LOG_LEVEL'] = 'SILENT';
});

const STOP = Date.parse('2026-11-24T13:00:00Z'); // 22:00 in Tokyo
const START = Date.parse('2026-11-24T23:00:00Z');
const HOUR = 3_600_000;
const NAME = 'auto';
const CUSTOM = 'batch';

const customPool = (nodeClass: string) => ({
  apiVersion: 'karpenter.sh/v1',
  kind: 'NodePool',
  metadata: { name: CUSTOM },
  spec: {
    template: {
      metadata: { labels: { workload: CUSTOM } },
      spec: {
        nodeClassRef: { group: 'eks.amazonaws.com', kind: 'NodeClass', name: nodeClass },
        requirements: [],
        taints: [{ key: CUSTOM, effect: 'NoSchedule' }],
      },
    },
  },
});

/** Lists, merge patches and deletions of objects without a namespace, in the same process. */
function clientOf({ api }: Kubernetes): Pick<KubernetesClient, 'request' | 'list'> {
  const target = (path: string) => {
    const [, , group, version, plural = '', name = ''] = path.split('/');
    return group === 'v1' ? { key: version ?? '', name: plural } : { key: `${plural}.${group}`, name };
  };
  return {
    list: async <T>(path: string) => [...api.store.all(target(path).key)] as T[],
    async request<T>({ method, path, body }: KubernetesRequest) {
      const { key, name } = target(path);
      if (method === 'PATCH') api.patch(key, undefined, name, body, { type: 'merge' });
      else if (method === 'DELETE') api.delete(key, undefined, name);
      else throw new Error(`${method} ${path}`);
      return { status: 200, body: {} as T };
    },
  };
}

async function aNight(options: { builtIn?: boolean; nodeClass?: string } = {}) {
  const lab = await anEndpoint();
  const { aws, context } = lab.world;
  const cluster = aws.addCluster({
    ...scope,
    name: NAME,
    autoMode: { nodePools: ['general-purpose', 'system'] },
  });
  const kubernetes = createKubernetes(context, {
    ...scope,
    cluster: NAME,
    scaleOut: scaleOutOf(aws, cluster, true),
    autoMode: true,
  });
  aws.attachNodes(cluster, kubernetes);
  const pool = customPool(options.nodeClass ?? 'own');
  kubernetes.api.create('nodepools.karpenter.sh', undefined, pool);
  // A budget that never allows an eviction at night: there is no other node.
  kubernetes.addDeployment({ name: 'web', replicas: 3, cpu: '1200m' });
  kubernetes.addPdb({ name: 'web', matchLabels: { app: 'web' }, minAvailable: 1 });
  kubernetes.addDeployment({
    name: 'jobs',
    replicas: 2,
    cpu: '600m',
    nodeSelector: { workload: CUSTOM },
    tolerations: [{ key: CUSTOM, operator: 'Exists' }],
  });
  const { clock } = context;
  const client = clientOf(kubernetes);
  const config: AutoscalerConfig = { kind: 'auto-mode', builtIn: options.builtIn ?? true };
  const builtIn = createBuiltInPools(NAME, lab.eks);
  const store = createNightStore(createMemoryTable().through(), NAME);
  const groups = createGroups({ autoScaling: lab.autoScaling, eks: lab.eks }, NAME);
  const decisions: Decision[] = [];
  const deps = {
    settings: someSettings({ cluster: NAME, autoscaler: config }),
    groups,
    nodes: createNodes(client),
    autoscaler: createAutoscaler(client, config, builtIn),
    store,
    trail: { record: async (made: readonly Decision[]) => void decisions.push(...made) },
    now: () => clock.date(),
    remaining: () => 60_000,
  };
  const setClocks = () => {
    for (const one of [lab.autoScaling, lab.eks]) one.config.systemClockOffset = clock.offset();
  };
  await clock.runUntil(STOP - 60_000);
  setClocks();
  return {
    cluster,
    kubernetes,
    decisions,
    store,
    pools: () =>
      kubernetes.api.store
        .all('nodepools.karpenter.sh')
        .map(({ metadata }) => metadata.name)
        .sort(),
    /** One that is shutting down costs nothing any more. */
    instances: () => aws.instances(cluster).filter(({ state }) => state !== 'shutting-down').length,
    claims: () => kubernetes.api.store.all('nodeclaims.karpenter.sh').length,
    phase: async () => (await store.load()).state?.value.phase,
    async until(time: number, seen: () => Promise<void> = async () => undefined) {
      while (clock.now() < time) {
        await run(deps, { trigger: 'tick', byPerson: false });
        await seen();
        const isQuiet = clock.now() > STOP + HOUR && clock.now() < START - 0.25 * HOUR;
        await clock.runUntil(clock.now() + (isQuiet ? 10 : 1) * 60_000);
        setClocks();
      }
    },
    async restoreFor(minutes: number) {
      for (let minute = 0; minute < minutes; minute++) {
        await restore({
          groups,
          store,
          cronJobs: { resume: async () => 'gone' },
          autoscalersOf: (saved) => autoscalersOf(client, saved, builtIn),
          timeZone: 'Asia/Tokyo',
          now: deps.now,
          record: () => undefined,
        });
        await clock.runUntil(clock.now() + 60_000);
        setClocks();
      }
    },
  };
}

const ALL = [CUSTOM, 'general-purpose', 'system'];

test('built-in and custom NodePools have no instance while the cluster is asleep, and are back in the morning', async () => {
  const night = await aNight();
  const role = night.cluster.autoMode?.nodeRoleArn;
  expect(night.instances()).toBeGreaterThan(1);
  await night.until(START, async () => {
    if ((await night.phase()) === 'asleep')
      expect([night.instances(), night.claims(), night.pools()]).toEqual([0, 0, [CUSTOM]]);
  });
  expect(await night.phase()).toBe('asleep');
  expect(night.decisions.filter(({ action }) => action === 'fail')).toEqual([]);
  await night.until(START + HOUR);
  expect(night.pools()).toEqual(ALL);
  expect(night.cluster.autoMode?.nodeRoleArn).toBe(role);
  expect(night.instances()).toBeGreaterThan(1);
  expect(await night.phase()).toBe('awake');
  expect((await night.store.load()).autoscaler.size).toBe(0);
  // EKS works on the update for minutes.
  const resumed = night.decisions.filter(({ action }) => action === 'resume').map(({ reason }) => reason);
  expect(resumed).toEqual([
    'with the start of the cluster: the limits of its NodePools are restored',
    'with the start of the cluster: the built-in NodePools general-purpose, system are switched on',
    'it runs as before the stop',
  ]);
});

test('without builtIn the built-in NodePools go on running, and the cluster sleeps', async () => {
  const night = await aNight({ builtIn: false });
  await night.until(STOP + HOUR);
  expect(night.pools()).toEqual(ALL);
  expect(await night.phase()).toBe('asleep');
  expect(night.instances()).toBeGreaterThan(0);
});

test('built-in NodePools stay on where a custom one uses the NodeClass default: reported once, and not asleep', async () => {
  const night = await aNight({ nodeClass: 'default' });
  await night.until(STOP + 2 * HOUR);
  expect(night.pools()).toEqual(ALL);
  expect(await night.phase()).toBe('stopping');
  const reasons = night.decisions
    .map(({ reason }) => reason)
    .filter((reason) => reason.includes('NodeClass'));
  expect(reasons).toEqual([
    'the built-in NodePools stay on: EKS would remove the NodeClass default with them, which batch use: give them a NodeClass of their own',
  ]);
});

test('a removal at night switches the built-in NodePools on again', async () => {
  const night = await aNight();
  await night.until(STOP + HOUR);
  expect(night.pools()).toEqual([CUSTOM]);
  await night.restoreFor(15);
  expect(night.pools()).toEqual(ALL);
  expect((await night.store.load()).autoscaler.size).toBe(0);
});
