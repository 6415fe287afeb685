/** The command on the lab: a cluster that sleeps, whose functions are gone, and an operator's credentials. */
import { setTimeout } from 'node:timers/promises';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type RestoreOptions, restoreFromTable } from '#cli/restore.ts';
import type { NightshiftConfig } from '#model/config.ts';
import { aRunningLab, type RunningLab } from '#test/a-running-lab.ts';
import { nightshift } from './run-nightshift.ts';

/** 21:55 on Tuesday in Tokyo. */
const START = new Date('2026-11-24T12:55:00Z');
const MINUTE = 60_000;

const config: NightshiftConfig = {
  schedules: { office: { timeZone: 'Asia/Tokyo', up: ['Mon-Fri 08:00-22:00'] } },
  environments: {
    develop: {
      account: '111111111111',
      region: 'ap-northeast-1',
      cluster: 'develop',
      schedule: 'office',
      autoscaler: {
        kind: 'cluster-autoscaler',
        namespace: 'kube-system',
        deployment: 'cluster-autoscaler',
        hostGroup: 'system',
      },
    },
  },
};
const options: RestoreOptions = {
  table: 'nightshift-develop',
  cluster: 'develop',
  region: 'ap-northeast-1',
};

let running: RunningLab;

beforeAll(async () => {
  running = await aRunningLab({ config, start: START });
});

afterAll(() => running?.close());

beforeEach(() => running.actAsOperator());
afterEach(() => {
  vi.unstubAllEnvs();
});

const develop = () => running.environment();
const replicas = () =>
  develop().kubernetes.api.get('deployments.apps', 'kube-system', 'cluster-autoscaler')?.spec?.['replicas'];

async function restore(given: Partial<RestoreOptions> = {}) {
  const lines: string[] = [];
  const isComplete = await restoreFromTable(
    { ...options, ...given },
    {
      out: (line) => lines.push(line),
      now: running.now,
      pause: (ms) => running.pass(ms / MINUTE),
    },
  );
  return { isComplete, lines };
}

describe('nightshift restore', () => {
  test('has nothing to do by day, and needs no config', async () => {
    const { code, out } = await nightshift(
      [
        'restore',
        '--table',
        'nightshift-develop',
        '--cluster',
        'develop',
        '--region',
        'ap-northeast-1',
        '--force',
      ],
      { now: running.now() },
    );
    expect(out).toBe('nightshift-develop: nothing is saved for the cluster develop: nothing to restore');
    expect(code).toBe(0);
  });

  test('restores sizes and autoscaler of a cluster that sleeps after its functions are gone', async () => {
    const before = running.sizes();
    await running.pass(20);
    expect(running.sizes()).not.toEqual(before);
    expect(replicas()).toBe(0);
    // While it runs, it would stop the cluster again.
    await expect(restore()).rejects.toThrow(/night-schedule ran on the table nightshift-develop at/);

    await running.lab.assembly.close();
    await running.pass(20);
    await expect(restore({ cluster: 'develop-eks' })).rejects.toThrow(
      /was saved for another cluster than develop-eks: write the name of that cluster as --cluster/,
    );
    const { isComplete, lines } = await restore();
    expect(lines.at(-1)).toMatch(/^restored: every group has its sizes/);
    expect(isComplete).toBe(true);
    expect(running.sizes()).toEqual(before);
    expect(replicas()).toBe(1);

    const again = await restore();
    expect(again.lines.at(-1)).toContain('nothing to restore');
  });

  test('names a table that is not there, and an invalid duration', async () => {
    await expect(restore({ table: 'nightshift-dev' })).rejects.toThrow(
      'there is no table nightshift-dev in ap-northeast-1 with these credentials',
    );
    await expect(restore({ timeout: 'soon' })).rejects.toThrow(/--timeout soon: invalid duration/);
    await expect(restore({ timeZone: 'Tokio' })).rejects.toThrow(/--time-zone Tokio: .*Asia\/Tokyo/);
    await expect(restore({ region: 'ap-northeast-1a' })).rejects.toThrow(
      '--region ap-northeast-1a: this is an availability zone: write "ap-northeast-1"',
    );
    const other = new DynamoDBClient({ region: 'ap-northeast-1' });
    await other.send(
      new CreateTableCommand({
        TableName: 'orders',
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      }),
    );
    await setTimeout(600);
    await expect(restore({ table: 'orders' })).rejects.toThrow(/^orders is no table of eks-nightshift/);
    other.destroy();
  });
});
