/** The whole of night-schedule but Kubernetes on an AWS that others wrote: an evening, a night and a morning. */
import {
  DescribeAutoScalingGroupsCommand,
  UpdateAutoScalingGroupCommand,
} from '@aws-sdk/client-auto-scaling';
import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import { CreateNodegroupCommand, DescribeNodegroupCommand } from '@aws-sdk/client-eks';
import { beforeAll, describe, expect, test } from 'vitest';
import { createGroups } from '#functions/adapters/aws/groups.ts';
import { saveDecisions } from '#functions/adapters/dynamodb/decision-log.ts';
import { createLedger } from '#functions/adapters/dynamodb/ledger.ts';
import { createNightStore } from '#functions/adapters/dynamodb/night-store.ts';
import { createTable } from '#functions/adapters/dynamodb/table.ts';
import { DECISION, NIGHT, SAVED_PREFIX } from '#functions/adapters/dynamodb/table-keys.ts';
import { run } from '#functions/night-schedule/run.ts';
import type { Decision } from '#model/decision.ts';
import { someSettings } from '#test/functions/night-schedule/builders.ts';
import { checkedOn, note } from '../checked-on.ts';
import { aCluster, aGroupOf, anAccount, aTableOf, recognise, softwareName } from './an-account.ts';

beforeAll(recognise);
checkedOn(softwareName);

const account = anAccount();
const { autoScaling, ec2, eks } = account;
const BEHIND = 'eks-app-1';

/** A managed nodegroup and a self-managed group, and all that night-schedule needs to stop them. */
async function aDevelopmentCluster() {
  await aTableOf(account, 'nightshift');
  await aCluster(account, 'develop');
  await eks.send(
    new CreateNodegroupCommand({
      clusterName: 'develop',
      nodegroupName: 'app',
      scalingConfig: { minSize: 1, desiredSize: 3, maxSize: 6 },
      subnets: ['subnet-1'],
      nodeRole: 'arn:aws:iam::123456789012:role/node',
    }),
  );
  const owned = { 'kubernetes.io/cluster/develop': 'owned' };
  await aGroupOf(account, BEHIND, { min: 1, desired: 3, max: 6 }, { ...owned, 'eks:nodegroup-name': 'app' });
  await aGroupOf(account, 'workers', { min: 1, desired: 2, max: 4 }, owned);
  const table = createTable(account.dynamo, 'nightshift');
  const settings = someSettings();
  const decisions: Decision[] = [];
  return {
    table,
    decisions,
    async pass(at: string) {
      const now = new Date(at);
      const made = await run(
        {
          settings,
          groups: createGroups(account, 'develop'),
          nodes: { ready: runningInstances, all: async () => [] },
          store: createNightStore(table, 'develop'),
          trail: { record: saveDecisions(table) },
          now: () => now,
          remaining: () => 60_000,
        },
        { trigger: 'tick', byPerson: false },
      );
      await followNodegroup();
      decisions.push(...made);
      return made
        .filter(({ action }) => action !== 'none')
        .map(({ action, target }) => `${action} ${target}`);
    },
  };
}

/** moto has no Kubernetes: a node is Ready where its instance runs. */
async function runningInstances(): Promise<ReadonlySet<string>> {
  const { Reservations = [] } = await ec2.send(
    new DescribeInstancesCommand({ Filters: [{ Name: 'instance-state-name', Values: ['running'] }] }),
  );
  return new Set(
    Reservations.flatMap(({ Instances = [] }) => Instances.map(({ InstanceId }) => InstanceId ?? '')),
  );
}

/** What EKS does and moto does not: the nodegroup's size becomes that of its Auto Scaling group. */
async function followNodegroup(): Promise<void> {
  const { nodegroup } = await eks.send(
    new DescribeNodegroupCommand({ clusterName: 'develop', nodegroupName: 'app' }),
  );
  const { minSize, maxSize, desiredSize } = nodegroup?.scalingConfig ?? {};
  await autoScaling.send(
    new UpdateAutoScalingGroupCommand({
      AutoScalingGroupName: BEHIND,
      MinSize: minSize,
      MaxSize: maxSize,
      DesiredCapacity: desiredSize,
    }),
  );
}

async function sizes() {
  const { AutoScalingGroups = [] } = await autoScaling.send(new DescribeAutoScalingGroupsCommand({}));
  return Object.fromEntries(
    AutoScalingGroups.map((group) => [
      group.AutoScalingGroupName,
      [group.MinSize, group.DesiredCapacity, group.MaxSize, group.Instances?.length],
    ]),
  );
}

describe('night-schedule', () => {
  test('stops every group in the evening, and gives each exactly its size back in the morning', async (context) => {
    note(
      context,
      'moto makes no Auto Scaling group for a nodegroup: the test makes one, with the tags that EKS gives it, and gives it the sizes of the nodegroup, as EKS does; a node is taken for Ready where its instance runs',
    );
    const night = await aDevelopmentCluster();
    const before = await sizes();
    expect(before).toEqual({ [BEHIND]: [1, 3, 6, 3], workers: [1, 2, 4, 2] });

    expect(await night.pass('2026-11-24T12:55:00Z')).not.toContain('stop app');
    expect(await sizes()).toEqual(before);

    expect(await night.pass('2026-11-24T13:00:05Z')).toEqual(
      expect.arrayContaining(['stop app', 'stop workers']),
    );
    await night.pass('2026-11-24T13:01:00Z');
    await night.pass('2026-11-24T13:02:00Z');
    await night.pass('2026-11-24T13:03:00Z');
    expect(await sizes()).toEqual({ [BEHIND]: [0, 0, 6, 0], workers: [0, 0, 0, 0] });
    expect((await runningInstances()).size).toBe(0);
    expect(night.decisions.map(({ action, target }) => `${action} ${target}`)).toEqual(
      expect.arrayContaining(['confirm-stop app', 'confirm-stop workers']),
    );
    expect(await night.pass('2026-11-24T20:00:00Z')).toEqual([]);

    expect(await night.pass('2026-11-24T23:00:05Z')).toEqual(
      expect.arrayContaining(['start app', 'start workers']),
    );
    await night.pass('2026-11-24T23:01:00Z');
    await night.pass('2026-11-24T23:02:00Z');
    await night.pass('2026-11-24T23:03:00Z');
    expect(await sizes()).toEqual(before);
    expect(night.decisions.map(({ action, target }) => `${action} ${target}`)).toEqual(
      expect.arrayContaining(['confirm-start app', 'confirm-start workers']),
    );

    expect(await night.table.list(NIGHT, { prefix: SAVED_PREFIX })).toEqual([]);
    const { entries } = await createLedger(night.table).since('');
    expect(new Set(entries.map(({ group }) => group))).toEqual(new Set(['app', 'workers']));
    expect((await night.table.list(DECISION)).length).toBeGreaterThanOrEqual(8);
    expect(night.decisions.filter(({ action }) => action === 'fail')).toEqual([]);
  });
});
