import type { Group, Memory } from './ports.ts';

/** How many instances in service the group is to have in the morning: its saved size, until that was restored. */
export function awaitedInstances({ name, size }: Group, { saved }: Pick<Memory, 'saved'>): number {
  const record = saved.get(name)?.value;
  return record === undefined || record.phase === 'manual' ? size.desired : record.size.desired;
}

/** How many of them are not there yet. */
export function lackingInstances(group: Group, memory: Pick<Memory, 'saved'>): number {
  const there = group.instances.filter(({ inService }) => inService).length;
  return Math.max(0, awaitedInstances(group, memory) - there);
}
