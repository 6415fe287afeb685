/** What a view of the autoscaler shows of what was saved: a record ends only when its object was observed as it was. */
import { describe, expect, test } from 'vitest';
import {
  builtInToStop,
  isObserved,
  isResumed,
  isScaling,
} from '#functions/night-schedule/decide-autoscaler.ts';
import type { AutoscalerView } from '#functions/night-schedule/ports.ts';
import type { NodePoolSetting, SavedAutoscaler } from '#functions/night-schedule/records.ts';

const since = '2026-11-24T13:00:00.000Z';
const DEPLOYMENT = 'kube-system/cluster-autoscaler';
const role = 'arn:aws:iam::111111111111:role/nodes';
type Karpenter = Extract<AutoscalerView, { kind: 'karpenter' }>;
type BuiltIn = NonNullable<Karpenter['builtIn']>;

const scaler = (replicas: number, more: object = {}) =>
  ({ kind: 'cluster-autoscaler', deployment: DEPLOYMENT, replicas, ...more }) as AutoscalerView;
const karpenter = (pools: Record<string, NodePoolSetting> = {}, builtIn?: Partial<BuiltIn>) =>
  ({
    kind: 'karpenter',
    pools,
    claims: [],
    ...(builtIn
      ? { builtIn: { nodePools: [], neededBy: [], isUpdating: false, nodeRoleArn: role, ...builtIn } }
      : {}),
  }) as unknown as Karpenter;
const open = { limits: { cpu: '100' }, replicas: null };
const zeroed = { limits: { cpu: '0' }, replicas: null };

const ofScaler: SavedAutoscaler = { kind: 'cluster-autoscaler', deployment: DEPLOYMENT, replicas: 2, since };
const ofPool: SavedAutoscaler = { kind: 'karpenter', nodePool: 'default', setting: open, since };
const ofBuiltIn: SavedAutoscaler = {
  kind: 'built-in-pools',
  nodePools: ['general-purpose', 'system'],
  nodeRoleArn: role,
  since,
};
const both = { nodePools: ['general-purpose', 'system'] };

describe('the object of a record is observed', () => {
  test.each<[string, AutoscalerView, SavedAutoscaler, boolean]>([
    ['its Deployment', scaler(0), ofScaler, true],
    ['not another Deployment', { ...scaler(0), deployment: 'x/y' } as AutoscalerView, ofScaler, false],
    ['not a NodePool by a Deployment', scaler(0), ofPool, false],
    ['its NodePool', karpenter({ default: zeroed }), ofPool, true],
    ['not another NodePool', karpenter({ batch: zeroed }), ofPool, false],
    ['not what every object inherits', karpenter(), { ...ofPool, nodePool: 'constructor' }, false],
    ['not a Deployment by NodePools', karpenter({ default: zeroed }), ofScaler, false],
    ['the built-in NodePools', karpenter({}, {}), ofBuiltIn, true],
    ['not the built-in NodePools of a cluster without them', karpenter(), ofBuiltIn, false],
  ])('%s', (_, view, saved, expected) => {
    expect(isObserved(view, saved)).toBe(expected);
  });
});

describe('what was paused is resumed', () => {
  test.each<[string, AutoscalerView, SavedAutoscaler, boolean]>([
    ['with its replicas', scaler(2), ofScaler, true],
    ['with more replicas', scaler(3), ofScaler, true],
    ['not with fewer', scaler(1), ofScaler, false],
    ['not where it is not observed', karpenter({ default: open }), ofScaler, false],
    ['with a NodePool that may start nodes', karpenter({ default: open }), ofPool, true],
    [
      'with a NodePool without limits',
      karpenter({ default: { limits: null, replicas: null } }),
      ofPool,
      true,
    ],
    ['not with one at zero', karpenter({ default: zeroed }), ofPool, false],
    ['not with one that is gone', karpenter({ batch: open }), ofPool, false],
    ['with all built-in NodePools', karpenter({}, both), ofBuiltIn, true],
    ['not with one of them', karpenter({}, { nodePools: ['system'] }), ofBuiltIn, false],
    ['not with none of them', karpenter({}, {}), ofBuiltIn, false],
    [
      'not while EKS still updates the cluster',
      karpenter({}, { ...both, isUpdating: true }),
      ofBuiltIn,
      false,
    ],
    ['not where the cluster has none', karpenter(), ofBuiltIn, false],
    [
      'with a NodePool while EKS updates the cluster',
      karpenter({ default: open }, { ...both, isUpdating: true }),
      ofPool,
      true,
    ],
  ])('%s', (_, view, saved, expected) => {
    expect(isResumed(view, saved)).toBe(expected);
  });
});

test.each<[string, Partial<BuiltIn>, boolean]>([
  ['are stopped', both, true],
  ['are stopped once', { nodePools: [] }, false],
  ['stay where something needs them', { ...both, neededBy: ['kube-system/coredns'] }, false],
  ['are not stopped during an update of the cluster', { ...both, isUpdating: true }, false],
])('the built-in NodePools %s', (_, builtIn, isToStop) => {
  const view = karpenter({}, builtIn);
  expect(builtInToStop(view)).toBe(isToStop ? view.builtIn : undefined);
  expect(builtInToStop(karpenter())).toBeUndefined();
});

test('only a cluster autoscaler with a Ready pod may have scaled a group', () => {
  const views = [
    scaler(1),
    scaler(1, { readyReplicas: 1 }),
    scaler(1, { readyReplicas: 0 }),
    scaler(0),
    karpenter({ default: open }),
  ];
  expect(views.map(isScaling)).toEqual([true, true, false, false, false]);
});
