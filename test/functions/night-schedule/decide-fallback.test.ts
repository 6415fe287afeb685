import { describe, expect, test } from 'vitest';
import {
  decideFallback,
  isCapacityShort,
  lacking,
  PATIENCE_MS,
} from '#functions/night-schedule/decide-fallback.ts';
import { aGroup, instances, MORNING } from './builders.ts';

const fallback = (desired: number, max = 4) =>
  aGroup({ name: 'on-demand', size: { min: 0, desired, max }, instances: instances(desired) });
const short = [
  { group: 'web', missing: 2 },
  { group: 'batch', missing: 1 },
];

describe('the fallback group', () => {
  test('fills in for what is missing while the cluster starts', () => {
    expect(decideFallback(fallback(0), 'starting', short)).toEqual({
      target: 'on-demand',
      action: 'start',
      reason: 'no capacity for 2 of web, 1 of batch: 3 fill in',
      resize: { min: 0, desired: 3, max: 4 },
    });
  });

  test('grows with what is missing, and never beyond its own max', () => {
    expect(decideFallback(fallback(1), 'starting', short).resize).toEqual({ min: 0, desired: 3, max: 4 });
    expect(decideFallback(fallback(0, 2), 'starting', short)).toMatchObject({
      reason: 'no capacity for 2 of web, 1 of batch: 2 fill in',
      resize: { min: 0, desired: 2, max: 2 },
    });
  });

  test.each([3, 4])('is left at %d where 3 are missing: it is never shrunk during a start', (desired) => {
    expect(decideFallback(fallback(desired), 'starting', short)).toEqual({
      target: 'on-demand',
      action: 'none',
      reason: 'enough for what is missing',
    });
  });

  test('stays at rest where nothing is missing', () => {
    expect(decideFallback(fallback(0), 'starting', [])).toMatchObject({
      action: 'none',
      reason: 'enough for what is missing',
    });
  });

  test.each(['stopping', 'asleep'] as const)('sleeps with the cluster (%s)', (phase) => {
    expect(decideFallback(fallback(2), phase, short)).toEqual({
      target: 'on-demand',
      action: 'stop',
      reason: 'the fallback sleeps with the cluster',
      resize: { min: 0, desired: 0, max: 4 },
    });
  });

  test('goes to zero when every other group has its nodes', () => {
    expect(decideFallback(fallback(2), 'awake', [])).toEqual({
      target: 'on-demand',
      action: 'stop',
      reason: 'every other group has its nodes: the fallback is not needed any more',
      resize: { min: 0, desired: 0, max: 4 },
    });
  });

  test.each(['stopping', 'asleep', 'awake'] as const)('that rests already stays (%s)', (phase) => {
    expect(decideFallback(fallback(0), phase, short)).toEqual({
      target: 'on-demand',
      action: 'none',
      reason: 'at rest',
    });
  });
});

describe('a group lacks instances', () => {
  const begun = (ms: number) => () => new Date(MORNING.getTime() - ms).toISOString();
  const thin = aGroup({ instances: instances(2) });

  test('when its sizes were restored three minutes ago and not all are there', () => {
    expect(lacking([thin, aGroup({ name: 'whole' })], begun(PATIENCE_MS), MORNING)).toEqual([thin]);
    expect(PATIENCE_MS).toBe(180_000);
  });

  test('but not sooner, and not where nothing was restored', () => {
    expect(lacking([thin], begun(PATIENCE_MS - 1), MORNING)).toEqual([]);
    expect(lacking([thin], () => undefined, MORNING)).toEqual([]);
  });
});

describe('capacity is short', () => {
  test.each([
    'Could not launch Spot Instances. UnfulfillableCapacity - Unable to fulfill capacity due to your request.',
    'We currently do not have sufficient capacity. InsufficientInstanceCapacity',
    'MaxSpotInstanceCountExceeded - Max spot instance count exceeded',
    'There is no Spot capacity available that matches your request.',
    'there is NO SPOT CAPACITY available',
  ])('where AWS says: %s', (message) => {
    expect(isCapacityShort(message)).toBe(true);
  });

  test('where AWS says nothing, or something else, it is not', () => {
    expect(isCapacityShort(undefined)).toBe(false);
    expect(isCapacityShort('Launching a new EC2 instance failed: the security group does not exist')).toBe(
      false,
    );
  });
});
