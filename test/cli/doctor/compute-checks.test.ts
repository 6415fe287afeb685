/** The checks of what sleeps: nothing found, warm pools, and what undoes a pause. */
import { describe, expect, test } from 'vitest';
import { pauseUndone } from '#cli/doctor/checks/pause-undone.ts';
import { sleepingCompute } from '#cli/doctor/checks/sleeping-compute.ts';
import { warmPools } from '#cli/doctor/checks/warm-pools.ts';
import type { ApplicationFacts, GroupFacts, NodePoolFacts } from '#cli/doctor/facts.ts';
import type { EnvironmentConfig } from '#model/config.ts';
import { aGroup, denied, healthyFacts, kubernetesOf, observedAs } from './healthy-facts.ts';

const host = { namespace: 'kube-system', deployment: 'cluster-autoscaler', hostGroup: 'web' };
const clusterAutoscaler = { kind: 'cluster-autoscaler', ...host } as const;
const karpenter = { kind: 'karpenter', namespace: 'kube-system', deployment: 'karpenter' } as const;

const aPool = (overrides: Partial<NodePoolFacts> = {}): NodePoolFacts => ({
  name: 'default',
  isBuiltIn: false,
  isStatic: false,
  annotations: {},
  nodeClass: { group: 'karpenter.k8s.aws', name: 'default' },
  ...overrides,
});
const ofEks = (name: string, nodeClass = 'default') =>
  aPool({
    name,
    isBuiltIn: ['system', 'general-purpose'].includes(name),
    nodeClass: { group: 'eks.amazonaws.com', name: nodeClass },
  });

interface Given {
  readonly config?: Partial<EnvironmentConfig>;
  readonly groups?: readonly GroupFacts[];
  readonly pools?: readonly NodePoolFacts[];
  readonly applications?: readonly ApplicationFacts[];
}

const factsOf = ({ config = {}, groups = [aGroup()], pools = [], applications = [] }: Given) =>
  healthyFacts({
    config,
    groups: observedAs(groups),
    kubernetes: kubernetesOf({ nodePools: observedAs(pools), applications: observedAs(applications) }),
  });

describe('sleeping-compute', () => {
  const results = (given: Given) => sleepingCompute.evaluate(factsOf(given));

  test.each<[string, Given, string]>([
    ['groups', {}, 'a stop finds the groups web'],
    [
      'NodePools of Karpenter',
      { groups: [], pools: [aPool(), aPool({ name: 'gpu' })], config: { autoscaler: karpenter } },
      'a stop finds the NodePools default, gpu',
    ],
    [
      'built-in NodePools',
      { groups: [], pools: [ofEks('system')], config: { autoscaler: { kind: 'auto-mode', builtIn: true } } },
      'a stop finds the NodePools system',
    ],
    [
      'both',
      { pools: [ofEks('apps', 'own'), ofEks('system')], config: { autoscaler: { kind: 'auto-mode' } } },
      'a stop finds the groups web and the NodePools apps',
    ],
  ])('is ok with %s', (_what, given, found) => {
    expect(results(given)).toEqual([{ severity: 'ok', found }]);
  });

  test.each<[string, Given]>([
    ['a group', { groups: [] }],
    ['a group that is not kept', { config: { keep: ['web'] } }],
    ['a NodePool', { groups: [], config: { autoscaler: karpenter } }],
    [
      'a NodePool that is stopped',
      { groups: [], pools: [ofEks('system')], config: { autoscaler: { kind: 'auto-mode' } } },
    ],
  ])('fails without %s, and says what to tag or to write', (_what, given) => {
    const [first] = results(given);
    expect(first).toMatchObject({ severity: 'failure' });
    expect(first?.found).toMatch(/^nothing is found to stop: .*kubernetes\.io\/cluster\/develop/);
    expect(first?.advice).toContain("{ kind: 'auto-mode' }");
  });

  test.each<[string, readonly NodePoolFacts[], string]>([
    ['Karpenter', [aPool()], "kind: 'karpenter'"],
    ['EKS Auto Mode', [ofEks('general-purpose')], "kind: 'auto-mode'"],
  ])('fails where NodePools of %s start nodes and the config does not name it', (_what, pools, advice) => {
    const [first] = results({ pools });
    expect(first).toMatchObject({ severity: 'failure', target: pools[0]?.name });
    expect(first?.advice).toContain(advice);
    expect(results({ pools, config: { autoscaler: clusterAutoscaler } })[0]?.severity).toBe('failure');
  });

  test('warns of a NodePool that the config names and the cluster does not have', () => {
    const config = { autoscaler: { ...karpenter, nodePools: ['default', 'batch'] } };
    expect(results({ pools: [aPool()], config })).toMatchObject([{ severity: 'warning', target: 'batch' }]);
  });

  test('fails where a NodePool keeps the built-in ones on', () => {
    const config = { autoscaler: { kind: 'auto-mode', builtIn: true } } as const;
    const pools = [ofEks('system'), ofEks('apps'), ofEks('gpu', 'own')];
    expect(results({ pools, config })).toMatchObject([{ severity: 'failure', target: 'apps' }]);
    expect(results({ pools: [ofEks('system'), ofEks('gpu', 'own')], config })[0]?.severity).toBe('ok');
  });

  test('is unknown where the NodePools cannot be listed', () => {
    const kubernetes = kubernetesOf({ nodePools: denied('list nodepools.karpenter.sh') });
    expect(sleepingCompute.evaluate(healthyFacts({ kubernetes }))[0]?.severity).toBe('unknown');
  });
});

describe('warm-pools', () => {
  const pool = { min: 1, maxPrepared: 3, state: 'Stopped', reuse: false, instances: 2 } as const;
  const results = (warmPool: GroupFacts['warmPool'], config: Partial<EnvironmentConfig> = {}) =>
    warmPools.evaluate(factsOf({ config, groups: [aGroup(warmPool ? { warmPool } : {})] }));
  const uncapped = { min: 1, state: 'Stopped', reuse: false, instances: 2 } as const;

  test('is ok without a pool, and with one that is capped and stopped', () => {
    expect(results(undefined).map(({ severity }) => severity)).toEqual(['ok']);
    expect(results(pool).map(({ severity }) => severity)).toEqual(['ok']);
  });

  test('warns of a pool that is Running: by day, and where it is kept by night too', () => {
    const running = { ...pool, state: 'Running' } as const;
    expect(results(running)).toMatchObject([{ severity: 'warning', target: 'web' }]);
    expect(results(running)[0]?.found).toContain('while the cluster is awake');
    expect(results(running, { warmPools: 'keep' })[0]?.found).toContain('at night too');
  });

  test('warns of a pool without a cap, which is a failure where it is kept', () => {
    expect(results(uncapped)).toMatchObject([{ severity: 'warning' }]);
    expect(results(uncapped, { warmPools: 'keep' })).toMatchObject([{ severity: 'failure' }]);
    expect(results(uncapped, { warmPools: 'keep' })[0]?.advice).toContain('maxGroupPreparedCapacity');
  });

  test('does not count a pool of a group that is kept', () => {
    expect(results(uncapped, { keep: ['web'] }).map(({ severity }) => severity)).toEqual(['ok']);
  });
});

describe('pause-undone', () => {
  const scaled = { group: 'apps', kind: 'Deployment', namespace: 'kube-system', name: 'cluster-autoscaler' };
  const anApplication = (overrides: Partial<ApplicationFacts> = {}): ApplicationFacts => ({
    namespace: 'argocd',
    name: 'platform',
    repositories: [],
    isAutomated: true,
    selfHeal: true,
    syncOptions: [],
    ignored: [],
    resources: [scaled, { group: 'karpenter.sh', kind: 'NodePool', name: 'default' }],
    ...overrides,
  });
  const results = (given: Given) => pauseUndone.evaluate(factsOf(given));
  const respected = { syncOptions: ['CreateNamespace=true', 'RespectIgnoreDifferences=true'] };

  test('fails where an application with self-heal manages the autoscaler, with what is to be added', () => {
    const [first, ...more] = results({
      config: { autoscaler: clusterAutoscaler },
      applications: [anApplication({ name: 'other', resources: [] }), anApplication()],
    });
    expect(more).toEqual([]);
    expect(first).toMatchObject({ severity: 'failure', target: 'Deployment kube-system/cluster-autoscaler' });
    expect(first?.found).toContain('the application argocd/platform manages it with self-heal');
    expect(first?.advice).toBe(
      'add to the spec of the application argocd/platform: ignoreDifferences: [{ group: apps, kind: Deployment, namespace: kube-system, name: cluster-autoscaler, jsonPointers: [/spec/replicas] }], and to its syncPolicy: syncOptions: [RespectIgnoreDifferences=true]',
    );
  });

  test.each<[string, NodePoolFacts, string]>([
    ['limits', aPool(), '/spec/limits'],
    ['replicas', aPool({ isStatic: true }), '/spec/replicas'],
  ])('names the %s of a NodePool', (_what, pool, field) => {
    const [first] = results({
      config: { autoscaler: karpenter },
      pools: [pool],
      applications: [anApplication()],
    });
    expect(first).toMatchObject({ severity: 'failure', target: 'NodePool default' });
    expect(first?.advice).toContain(`jsonPointers: [${field}]`);
  });

  test('warns where it syncs each commit without self-heal, and not where a person syncs', () => {
    const config = { autoscaler: clusterAutoscaler };
    const of = (overrides: Partial<ApplicationFacts>) =>
      results({ config, applications: [anApplication(overrides)] }).map(({ severity }) => severity);
    expect(of({ selfHeal: false })).toEqual(['warning']);
    expect(of({ selfHeal: false, isAutomated: false })).toEqual(['ok']);
  });

  test.each<[string, Partial<ApplicationFacts>, string]>([
    ['by a JSON pointer', { ...respected, ignored: [{ ...scaled, jsonPointers: ['/spec/replicas'] }] }, 'ok'],
    [
      'by a jq path, for all Deployments',
      {
        ...respected,
        ignored: [{ group: 'apps', kind: 'Deployment', name: '', jqPathExpressions: ['.spec.replicas'] }],
      },
      'ok',
    ],
    [
      'without RespectIgnoreDifferences',
      { ignored: [{ ...scaled, jsonPointers: ['/spec/replicas'] }] },
      'failure',
    ],
    [
      'for another field',
      { ...respected, ignored: [{ ...scaled, jsonPointers: ['/spec/paused'] }] },
      'failure',
    ],
    [
      'for another Deployment',
      { ...respected, ignored: [{ ...scaled, name: 'web', jsonPointers: ['/spec/replicas'] }] },
      'failure',
    ],
  ])('looks at what the application ignores: %s', (_what, overrides, severity) => {
    const given = { config: { autoscaler: clusterAutoscaler }, applications: [anApplication(overrides)] };
    expect(results(given).map((one) => one.severity)).toEqual([severity]);
  });

  test('finds an application of an Argo CD elsewhere by the tracking id of the object', () => {
    const annotations = { 'argocd.argoproj.io/tracking-id': 'nodes:karpenter.sh/NodePool:default' };
    const [first] = results({ config: { autoscaler: karpenter }, pools: [aPool({ annotations })] });
    expect(first).toMatchObject({ severity: 'warning', target: 'NodePool default' });
    expect(first?.advice).toContain('of the application nodes: ignoreDifferences');
  });

  test('does not count built-in NodePools, nor those that the config does not stop', () => {
    const applications = [anApplication()];
    const config = { autoscaler: { ...karpenter, nodePools: ['batch'] } };
    expect(results({ config, pools: [aPool()], applications })[0]?.severity).toBe('ok');
    expect(results({ pools: [], applications })[0]?.severity).toBe('ok');
  });
});
