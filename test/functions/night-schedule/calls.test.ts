/** What a pass costs at AWS, counted at the front door of the lab. */

import { anEndpoint } from '@nightshift/lab/test/aws/endpoint.ts';
import { beforeAll, describe, expect, test } from 'vitest';
import { createGroups } from '#functions/adapters/aws/groups.ts';
import { saveDecisions } from '#functions/adapters/dynamodb/decision-log.ts';
import { createNightStore } from '#functions/adapters/dynamodb/night-store.ts';
import { createTable } from '#functions/adapters/dynamodb/table.ts';
import { run } from '#functions/night-schedule/run.ts';
import { createDecisionTrail, createLogger } from '#functions/shared/observability.ts';
import { NIGHT, someSettings } from './builders.ts';

async function aNightWith(count: number) {
  const lab = await anEndpoint();
  await lab.endpoint.createTable({ account: '111111111111', region: 'ap-northeast-1', name: 'nightshift' });
  for (let n = 0; n < count; n++)
    lab.world.aws.addAutoScalingGroup(lab.world.cluster, {
      name: `group-${n}`,
      min: 0,
      desired: 1,
      max: 2,
      instanceTypes: ['m6i.large'],
    });
  const table = createTable(lab.dynamo, 'nightshift');
  let reads = 0;
  /** Handled by the first pass, and there ever after. */
  const request = { version: '1', until: 'later', reason: '', requestedBy: 'ana' };
  const pass = async (minute: number) => {
    const before = lab.endpoint.calls.length;
    await run(
      {
        settings: someSettings({ keepUp: { maxHours: 4, perNight: 3, requireReason: false } }),
        groups: createGroups({ autoScaling: lab.autoScaling, eks: lab.eks }, 'develop'),
        nodes: { ready: async () => new Set(), all: async () => [] },
        store: createNightStore(table, 'develop'),
        trail: createDecisionTrail(createLogger('night-schedule'), saveDecisions(table)),
        keepUpRequests: {
          read: async () => {
            reads++;
            return request;
          },
        },
        now: () => new Date(NIGHT.getTime() + minute * 60_000),
        remaining: () => 60_000,
      },
      { trigger: 'tick', byPerson: false },
    );
    return lab.endpoint.calls.length - before;
  };
  return { ...lab, pass, readsOfKeepUp: () => reads };
}

beforeAll(() => {
  process.env['POWERTOOLS_LOG_LEVEL'] = 'SILENT';
});

describe('a quiet pass', () => {
  test.each([1, 100, 101])(
    'over %d groups needs no more than ⌈N/100⌉ + 3 calls, and one look at what kubectl requests',
    async (count) => {
      const { world, pass, readsOfKeepUp } = await aNightWith(count);
      await pass(0);
      await world.pass(600);
      for (let minute = 10; minute < 13; minute++) await pass(minute);
      const groups = world.aws.groups(world.cluster);
      expect(groups.every((group) => group.desired === 0 && group.instances.size === 0)).toBe(true);
      const before = readsOfKeepUp();
      expect(await pass(14)).toBeLessThanOrEqual(Math.ceil(count / 100) + 3);
      expect(readsOfKeepUp()).toBe(before + 1);
    },
  );
});
