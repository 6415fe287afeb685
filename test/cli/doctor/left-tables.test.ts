/** What the doctor finds in tables that no environment of the config has. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { observeLeftTables } from '#cli/doctor/observe/left-tables.ts';
import { createNightStore } from '#functions/adapters/dynamodb/night-store.ts';
import type { EnvironmentConfig, NightshiftConfig } from '#model/config.ts';
import { type FakeAws, startFakeAws } from '../fake-aws.ts';

const place = { account: '111111111111', region: 'ap-northeast-1' };
const config: NightshiftConfig = {
  schedules: { office: { timeZone: 'Asia/Tokyo', up: ['Mon-Fri 08:00-22:00'] } },
  environments: {
    develop: { ...place, cluster: 'develop', schedule: 'office' },
    staging: { ...place, cluster: 'staging', schedule: 'office' },
  },
};

let aws: FakeAws;
beforeEach(async () => {
  aws = await startFakeAws({ now: () => new Date('2026-11-24T11:00:00Z') });
});
afterEach(() => aws.close());

async function observe(name: 'develop' | 'staging') {
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
  const client = new DynamoDBClient({ region: place.region, endpoint: aws.url, credentials });
  const environment = config.environments[name] as EnvironmentConfig;
  try {
    return await observeLeftTables(client, { config, path: 'nightshift.config.ts' } as never, {
      name,
      environment,
    });
  } finally {
    client.destroy();
  }
}

async function saveIn(table: string, cluster: string): Promise<void> {
  await createNightStore(await aws.tableOf(table), cluster).writeSaved(
    {
      group: 'workers',
      autoScalingGroup: 'eks-workers',
      size: { min: 1, desired: 3, max: 5 },
      phase: 'asleep',
      since: '2026-11-24T10:00:00.000Z',
    },
    'absent',
  );
}

test('sizes in the table of an environment that was renamed are found, in each environment of that cluster', async () => {
  await saveIn('develop', 'develop');
  await saveIn('stage', 'staging');
  const left = [{ table: 'nightshift-stage', clusters: ['staging'], items: ['saved#staging/workers'] }];
  expect(await observe('staging')).toEqual({ value: left });
  // The first of the account and region names those of every other cluster.
  expect(await observe('develop')).toEqual({ value: left });
});

test('those of another cluster are found once, and a table in which nothing is saved is no finding', async () => {
  await saveIn('old', 'old');
  await aws.tableOf('empty');
  expect(await observe('develop')).toMatchObject({ value: [{ table: 'nightshift-old' }] });
  expect(await observe('staging')).toEqual({ value: [] });
});
