/** What night-schedule relies on of EKS and Auto Scaling, whatever implements them. */
import { expect, test } from 'vitest';
import type { Group, Groups } from '#functions/night-schedule/ports.ts';
import type { Size } from '#functions/night-schedule/records.ts';
import { type Lacks, needs } from './subject.ts';

export interface GroupsSubject {
  /** Of a cluster that has no group yet. */
  readonly groups: Groups;
  readonly lacks?: Lacks;
  addManaged(name: string, size: Size): Promise<void>;
  /** Default: of the subject's own cluster. */
  addSelfManaged(name: string, size: Size, cluster?: string): Promise<void>;
  /** Until instances are started, and updates are done. */
  settle(): Promise<void>;
  /** As EKS describes it. */
  nodegroupSize(name: string): Promise<Size>;
}

export function groupsContract(create: () => Promise<GroupsSubject>): void {
  const someGroups = async () => {
    const subject = await create();
    await subject.addManaged('app', { min: 1, desired: 3, max: 6 });
    await subject.addSelfManaged('workers', { min: 1, desired: 2, max: 4 });
    await subject.settle();
    return subject;
  };
  const find = async ({ groups }: GroupsSubject, name: string): Promise<Group> => {
    const group = (await groups.list()).find((one) => one.name === name);
    if (!group) throw new Error(`no group ${name}`);
    return group;
  };

  test('finds managed nodegroups and self-managed groups by one tag, with their sizes', async (context) => {
    const subject = await someGroups();
    needs(context, subject.lacks, 'groups of nodegroups');
    expect(await subject.groups.list()).toMatchObject([
      { name: 'app', kind: 'managed', size: { min: 1, desired: 3, max: 6 } },
      {
        name: 'workers',
        kind: 'self-managed',
        autoScalingGroup: 'workers',
        size: { min: 1, desired: 2, max: 4 },
      },
    ]);
  });

  test('sees the instances of a group, and which are in service', async () => {
    const subject = await someGroups();
    const { instances } = await find(subject, 'workers');
    expect(instances).toEqual([1, 2].map(() => ({ id: expect.stringMatching(/^i-/), inService: true })));
  });

  test('does not see the groups of another cluster of the account', async () => {
    const subject = await someGroups();
    await subject.addSelfManaged('foreign', { min: 0, desired: 0, max: 1 }, 'other');
    const names = (await subject.groups.list()).map(({ name }) => name);
    expect(names).toContain('workers');
    expect(names).not.toContain('foreign');
  });

  test('finds the groups beyond the first page of a hundred', async () => {
    const subject = await someGroups();
    for (let n = 0; n < 105; n++) await subject.addSelfManaged(`page-${n}`, { min: 0, desired: 0, max: 1 });
    const names = (await subject.groups.list()).map(({ name }) => name);
    expect(names.filter((name) => name.startsWith('page-'))).toHaveLength(105);
    expect(new Set(names).size).toBe(names.length);
  });

  test('resizes a managed nodegroup through EKS, and keeps max', async () => {
    const subject = await someGroups();
    const to = { min: 0, desired: 0, max: 6 };
    const app = { ...(await find(subject, 'workers')), name: 'app', kind: 'managed' } as const;
    expect(await subject.groups.resize(app, to, 'night-1')).toBe('accepted');
    await subject.settle();
    expect(await subject.nodegroupSize('app')).toEqual(to);
  });

  test('resizes a self-managed group to zero in all three, and its instances go', async () => {
    const subject = await someGroups();
    const before = await find(subject, 'workers');
    expect(await subject.groups.resize(before, { min: 0, desired: 0, max: 0 }, 'night-1')).toBe('accepted');
    await subject.settle();
    expect(await find(subject, 'workers')).toMatchObject({
      size: { min: 0, desired: 0, max: 0 },
      instances: [],
    });
    expect(await subject.groups.resize(before, before.size, 'morning-1')).toBe('accepted');
    await subject.settle();
    expect((await find(subject, 'workers')).instances).toHaveLength(2);
  });

  test('is busy while another update of the nodegroup runs', async (context) => {
    const subject = await someGroups();
    needs(context, subject.lacks, 'updates that take a while');
    const app = await find(subject, 'app');
    await subject.groups.resize(app, { min: 0, desired: 0, max: 6 }, 'night-1');
    expect(await subject.groups.resize(app, { min: 0, desired: 1, max: 6 }, 'night-2')).toBe('busy');
  });

  test('says of a managed nodegroup that was deleted that it is gone', async () => {
    const subject = await someGroups();
    const gone = { ...(await find(subject, 'workers')), name: 'gone', kind: 'managed' } as const;
    expect(await subject.groups.resize(gone, { min: 0, desired: 0, max: 6 }, 'x')).toBe('gone');
  });

  test('says of a self-managed group that was deleted that it is gone', async (context) => {
    const subject = await someGroups();
    needs(context, subject.lacks, 'an unknown group refused');
    const gone = { ...(await find(subject, 'workers')), name: 'gone', autoScalingGroup: 'gone' };
    expect(await subject.groups.resize(gone, { min: 0, desired: 0, max: 0 }, 'x')).toBe('gone');
  });

  test('throws where EKS refuses a size, and swallows nothing', async (context) => {
    const subject = await someGroups();
    needs(context, subject.lacks, 'impossible sizes refused');
    const app = { ...(await find(subject, 'workers')), name: 'app', kind: 'managed' } as const;
    await expect(subject.groups.resize(app, { min: 3, desired: 2, max: 6 }, 'x')).rejects.toThrow(/desired/);
    expect(await subject.nodegroupSize('app')).toEqual({ min: 1, desired: 3, max: 6 });
  });
}
