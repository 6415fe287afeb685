/** What spot-drain relies on of Auto Scaling, whatever implements it. */
import type { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import { expect, test } from 'vitest';
import { createInstanceGroups, createLifecycle } from '#functions/adapters/aws/lifecycle.ts';
import { type Lacks, needs } from './subject.ts';

export interface InstanceGroupsSubject {
  readonly client: AutoScalingClient;
  readonly lacks?: Lacks;
  readonly cluster: string;
  /** A group of the cluster with two instances in service and a hook `drain` of 300 s at their end. */
  addGroup(name: string): Promise<{ readonly instanceIds: readonly string[] }>;
  settle(): Promise<void>;
  /** Ends an instance by hand, and gives the token of the lifecycle action that waits. */
  end(group: string, instanceId: string): Promise<string>;
}

const NOW = new Date('2026-11-24T00:00:00Z');

export function instanceGroupsContract(create: () => Promise<InstanceGroupsSubject>): void {
  test('knows whose an instance is, and where it stands', async () => {
    const { client, cluster, addGroup } = await create();
    const { instanceIds } = await addGroup('workers');
    const member = await createInstanceGroups(client, () => NOW).ofInstance(instanceIds[0] ?? '');
    expect(member).toMatchObject({ group: { name: 'workers', clusters: [cluster] } });
    expect(member?.place.zone).toMatch(/^ap-northeast-1[a-z]$/);
    expect(member?.place.instanceType).toMatch(/^\w+\.\w+$/);
    expect(member?.isTerminating).toBe(false);
  });

  test('knows no group of a foreign instance, and none by an unknown name', async () => {
    const { client } = await create();
    const groups = createInstanceGroups(client, () => NOW);
    expect(await groups.ofInstance('i-0123456789abcdef0')).toBeUndefined();
    expect(await groups.named('none')).toBeUndefined();
  });

  test('lets go of an instance, and the group starts another', async () => {
    const { client, addGroup, settle } = await create();
    const { instanceIds } = await addGroup('workers');
    const groups = createInstanceGroups(client, () => NOW);
    expect(await groups.replace('workers', instanceIds[0] ?? '')).toBe('requested');
    await settle();
    expect(await groups.ofInstance(instanceIds[0] ?? '')).toBeUndefined();
    const { DescribeAutoScalingGroupsCommand } = await import('@aws-sdk/client-auto-scaling');
    const reply = await client.send(
      new DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: ['workers'] }),
    );
    const [group] = reply.AutoScalingGroups ?? [];
    expect(group?.DesiredCapacity).toBe(2);
    expect(group?.Instances?.map(({ InstanceId }) => InstanceId)).not.toContain(instanceIds[0]);
    expect(group?.Instances).toHaveLength(2);
  });

  test('says that an instance is leaving where it was let go of before', async (context) => {
    const { client, addGroup, settle, lacks } = await create();
    const { instanceIds } = await addGroup('workers');
    needs(context, lacks, 'an instance let go of twice');
    const groups = createInstanceGroups(client, () => NOW);
    await groups.replace('workers', instanceIds[0] ?? '');
    await settle();
    expect(await groups.replace('workers', instanceIds[0] ?? '')).toBe('already-leaving');
  });

  test('knows how long a hook waits', async (context) => {
    const { client, addGroup, lacks } = await create();
    await addGroup('workers');
    const lifecycle = createLifecycle(client);
    const hook = { group: 'workers', name: 'drain', token: '' };
    expect((await lifecycle.times(hook))?.heartbeatSeconds).toBe(300);
    needs(context, lacks, 'the global timeout');
    expect(await lifecycle.times(hook)).toEqual({ heartbeatSeconds: 300, globalSeconds: 30_000 });
    needs(context, lacks, 'hooks by name');
    expect(await lifecycle.times({ ...hook, name: 'none' })).toBeUndefined();
  });

  test('prolongs and completes a lifecycle action, once', async (context) => {
    const { client, addGroup, end, lacks } = await create();
    const { instanceIds } = await addGroup('workers');
    needs(context, lacks, 'lifecycle actions');
    const instanceId = instanceIds[0] ?? '';
    const hook = { group: 'workers', name: 'drain', token: await end('workers', instanceId) };
    const lifecycle = createLifecycle(client);
    await lifecycle.heartbeat(hook, instanceId);
    expect(await lifecycle.complete(hook, instanceId)).toBe('completed');
    expect(await lifecycle.complete(hook, instanceId)).toBe('over');
  });
}
