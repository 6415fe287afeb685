import { describe, expect, test } from 'vitest';
import type { LabEnvironment } from '#demo/lab.ts';
import { hasStoppedCompute, isStoppedInstance, stoppedClaims } from '#demo/sample/stopped-compute.ts';

const claim = (name: string, pool: string) => ({
  metadata: { name, labels: { 'karpenter.sh/nodepool': pool } },
  status: { providerID: `aws:///ap-northeast-1a/i-${name}` },
});

const anEnvironment = (config: object, claims: readonly object[] = []) =>
  ({
    config: { schedule: 'office', ...config },
    kubernetes: { api: { store: { all: () => claims } } },
  }) as unknown as LabEnvironment;

const anInstance = (id: string, group: object) =>
  ({ id, group }) as unknown as Parameters<typeof isStoppedInstance>[1];

const karpenter = { kind: 'karpenter', namespace: 'kube-system', deployment: 'karpenter' };

describe('what the schedule stops', () => {
  test.each([
    ['a group', {}, { name: 'eks-1', nodegroup: { name: 'workers' } }, true],
    ['a group that is kept', { keep: ['workers'] }, { name: 'eks-1', nodegroup: { name: 'workers' } }, false],
    ['a group that is not named', { nodegroups: ['system'] }, { name: 'own' }, false],
    ['a warm pool', {}, { name: 'own', warmPool: { instances: new Map([['i-a', {}]]) } }, true],
    [
      'a warm pool that is kept',
      { warmPools: 'keep' },
      { name: 'own', warmPool: { instances: new Map([['i-a', {}]]) } },
      false,
    ],
    ['the node of a NodePool', { autoscaler: karpenter }, { name: '' }, true],
    [
      'that of one that is not named',
      { autoscaler: { ...karpenter, nodePools: ['gpu'] } },
      { name: '' },
      false,
    ],
    ['anything in production', { production: true }, { name: 'own' }, false],
  ])('%s', (_what, config, group, isStopped) => {
    const environment = anEnvironment(config, [claim('a', 'default')]);
    expect(isStoppedInstance(environment, anInstance('i-a', group))).toBe(isStopped);
  });

  test('is something where NodePools are, although there is no group', () => {
    expect(hasStoppedCompute(anEnvironment({ autoscaler: karpenter }), [])).toBe(true);
    expect(hasStoppedCompute(anEnvironment({}), [{ stoppable: false }])).toBe(false);
  });

  test('are the NodeClaims of the built-in NodePools by opt-in only', () => {
    const claims = [claim('a', 'system'), claim('b', 'apps')];
    const of = (autoscaler: object) =>
      stoppedClaims(anEnvironment({ autoscaler }, claims)).map(({ metadata }) => metadata.name);
    expect(of({ kind: 'auto-mode' })).toEqual(['b']);
    expect(of({ kind: 'auto-mode', builtIn: true })).toEqual(['a', 'b']);
  });
});
