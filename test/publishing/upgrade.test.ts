/**
 * The upgrade from 0.1 at night. `table-of-0.1.json` was written by the store of 0.1 itself: a cluster that sleeps, with the
 * sizes of two groups and a paused autoscaler.
 */

import { readFileSync } from 'node:fs';
import { DeleteItemCommand, PutItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import { anEndpoint } from '@nightshift/lab/test/aws/endpoint.ts';
import { beforeAll, describe, expect, test } from 'vitest';
import { createGroups } from '#functions/adapters/aws/groups.ts';
import { saveDecisions } from '#functions/adapters/dynamodb/decision-log.ts';
import { createNightStore } from '#functions/adapters/dynamodb/night-store.ts';
import { createTable } from '#functions/adapters/dynamodb/table.ts';
import { run } from '#functions/night-schedule/run.ts';
import { createDecisionTrail, createLogger } from '#functions/shared/observability.ts';
import { someSettings } from '../functions/night-schedule/builders.ts';

const TABLE = 'nightshift-develop';
/** 08:05 on a Thursday in Tokyo: the cluster should be up. */
const MORNING = new Date('2026-11-18T23:05:00Z');
type Item = Record<string, { S: string } | { N: string }>;
const items = JSON.parse(readFileSync('test/publishing/table-of-0.1.json', 'utf8')) as Item[];

let lab: Awaited<ReturnType<typeof anEndpoint>>;
const stored = async () => {
  const { Items = [] } = await lab.dynamo.send(
    new QueryCommand({
      TableName: TABLE,
      KeyConditionExpression: 'pk = :n',
      ExpressionAttributeValues: { ':n': { S: 'night' } },
    }),
  );
  return Items;
};
const pass = () => {
  const table = createTable(lab.dynamo, TABLE);
  return run(
    {
      settings: someSettings(),
      groups: createGroups({ autoScaling: lab.autoScaling, eks: lab.eks }, 'develop'),
      nodes: { ready: async () => new Set(), all: async () => [] },
      store: createNightStore(table, 'develop'),
      trail: createDecisionTrail(createLogger('night-schedule'), saveDecisions(table)),
      now: () => MORNING,
      remaining: () => 60_000,
    },
    { trigger: 'tick', byPerson: false },
  );
};

beforeAll(() => {
  process.env['POWERTOOLS_LOG_LEVEL'] = 'SILENT';
});
async function deployOnTableOf01(): Promise<void> {
  lab = await anEndpoint();
  await lab.endpoint.createTable({ account: '111111111111', region: 'ap-northeast-1', name: TABLE });
  for (const name of ['system', 'workers'])
    lab.world.aws.addAutoScalingGroup(lab.world.cluster, {
      name: `eks-${name}-0a1b2c3d`,
      min: 0,
      desired: 0,
      max: 4,
      instanceTypes: ['m6i.large'],
    });
  for (const Item of items) await lab.dynamo.send(new PutItemCommand({ TableName: TABLE, Item }));
}

describe('this version on the table of 0.1', () => {
  test('changes nothing, and its failure names the items and the page that says what to do', async () => {
    await deployOnTableOf01();
    const before = await stored();
    expect(before).toHaveLength(5);
    const sent = lab.endpoint.calls.length;
    const failure = await pass().then(
      () => undefined,
      (error: Error) => error.message,
    );
    for (const item of ['saved#system', 'saved#workers', 'autoscaler#main', 'note#memo'])
      expect(failure).toContain(`night | ${item}`);
    const [, page = '', heading = ''] = /as (docs\/\S+) says under "(.+)"$/.exec(failure ?? '') ?? [];
    expect(readFileSync(page, 'utf8')).toMatch(new RegExp(`^#+ ${heading}$`, 'm'));

    expect(await stored()).toEqual(before);
    const calls = lab.endpoint.calls.slice(sent).map(({ operation }) => operation);
    expect(calls.filter((name) => !/^(Query|GetItem|Describe|List)/.test(name))).toEqual([]);
    expect(lab.world.aws.groups(lab.world.cluster).map(({ desired }) => desired)).toEqual([0, 0]);
  });

  test('continues once the cluster was woken with 0.1 and the items that the error names were deleted', async () => {
    await deployOnTableOf01();
    for (const group of lab.world.aws.groups(lab.world.cluster))
      lab.world.aws.resizeAsPerson(group, { min: 1, desired: 2 });
    await lab.world.pass(300);
    for (const { pk, sk, ...rest } of items) {
      if (!pk || !sk || !('S' in sk) || !('S' in pk) || pk.S !== 'night') continue;
      const awake = { S: JSON.stringify({ ...stateOf(rest), phase: 'awake', desired: 'awake' }) };
      if (sk.S === 'state')
        await lab.dynamo.send(
          new PutItemCommand({ TableName: TABLE, Item: { pk, sk, ...rest, value: awake } }),
        );
      else await lab.dynamo.send(new DeleteItemCommand({ TableName: TABLE, Key: { pk, sk } }));
    }
    await pass();
    expect(lab.world.aws.groups(lab.world.cluster).map(({ desired }) => desired)).toEqual([2, 2]);
    expect((await stored()).map(({ sk }) => sk?.S)).toContain('note#seen');
  });
});

const stateOf = ({ value }: Item) => JSON.parse(value && 'S' in value ? value.S : '{}') as object;
