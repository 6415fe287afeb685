import { describe, expect, test } from 'vitest';
import {
  ACCOUNT,
  AT_NIGHT,
  anApplication,
  aWorld,
  lastEvent,
  OFFICE,
  REGION,
  REPOSITORY,
} from './a-world.ts';

describe('a merge at work', () => {
  test('a build of the bound branch is synced, and deployed means Synced and Healthy at its commit', async () => {
    const world = aWorld();
    const { sha, event } = await world.build();
    await world.invoke(event);

    expect(world.reasons()).toEqual([
      `sync: build 1 of api-develop (${sha.slice(0, 7)}) succeeded`,
      `deployed: Synced and Healthy at ${sha.slice(0, 7)}`,
    ]);
    expect(world.image()).toBe(`api:${sha}`);
    expect(world.decisions.at(-1)).toMatchObject({
      environment: 'develop',
      capability: 'branch-deploy',
      target: 'api',
      trigger: event.id,
      number: 1,
      sha,
    });
  });
});
