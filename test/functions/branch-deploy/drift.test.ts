import { describe, expect, test } from 'vitest';
import { AT_NIGHT, aWorld, OFFICE, REPOSITORY } from './a-world.ts';

describe('drift', () => {
  const drifted = (settings: Parameters<typeof aWorld>[0] = {}) => {
    const world = aWorld(settings);
    // Somebody pushes what no build announces.
    world.codebuild.changeProject(
      { account: '111111111111', region: 'ap-northeast-1', name: 'api-develop' },
      { outcome: 'FAILED' },
    );
    world.codebuild.push({ repository: REPOSITORY, ref: 'refs/heads/develop' });
    return world;
  };

  test('an application that is OutOfSync for an hour is reported once, and not synced', async () => {
    const world = drifted();
    await world.ticks(60);
    expect(world.decisions).toEqual([]);
    await world.ticks(120);
    expect(world.decisions).toMatchObject([{ action: 'warn', target: 'api' }]);
    expect(world.syncs()).toBe(0);
  });

  test.each([
    [15, 45, ['warn']],
    [180, 170, []],
    [180, 225, ['warn']],
    [0, 225, []],
  ])('with a limit of %i minutes, %i minutes bring %j', async (driftMinutes, minutes, actions) => {
    const world = drifted({ settings: { driftMinutes } });
    await world.ticks(minutes);
    expect(world.actions()).toEqual(actions);
  });

  test('one that is Synced again is forgotten, and reported again when it drifts anew', async () => {
    const world = drifted();
    await world.ticks(150);
    world.argocd.startForeignSync('api');
    await world.ticks(20);
    world.codebuild.push({ repository: REPOSITORY, ref: 'refs/heads/develop' });
    await world.ticks(150);
    const reasons = world.reasons();
    expect(reasons.filter((reason) => /^warn: OutOfSync since/.test(reason))).toHaveLength(2);
    // The commit whose build failed is live since the foreign sync.
    expect(reasons.filter((reason) => /is live in default\/api although/.test(reason))).toHaveLength(1);
    expect(reasons).toHaveLength(3);
  });

  test('at night Argo CD is not called', async () => {
    const world = aWorld({ start: AT_NIGHT, settings: { schedule: OFFICE } });
    await world.ticks(60);
    expect(world.wire.calls).toEqual([]);
  });
});
