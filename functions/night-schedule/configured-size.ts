/** What is saved of a managed nodegroup: loaded with its first stop only. */
import { type GroupStep, sizeText } from './decide-group.ts';
import type { Group, Groups } from './ports.ts';

/** The sizes that somebody configured. Desired is that of the Auto Scaling group, unless an update raised it. */
export async function withConfiguredSize(groups: Groups, step: GroupStep, group: Group): Promise<GroupStep> {
  const configured = await groups.configuredSize(group);
  const { record } = step;
  if (configured === undefined || record === undefined || record.next === 'clear') return step;
  const { isUpdating, size: theirs } = configured;
  const desired = isUpdating ? theirs.desired : Math.min(group.size.desired, theirs.max);
  const size = { min: theirs.min, desired, max: theirs.max };
  if (desired === 0 || sizeText(size) === sizeText(record.next.size)) return step;
  return {
    ...step,
    reason: `${step.reason.replace(sizeText(group.size), sizeText(size))} (EKS has them configured; an update raised the group to ${sizeText(group.size)})`,
    record: { ...record, next: { ...record.next, size } },
  };
}
