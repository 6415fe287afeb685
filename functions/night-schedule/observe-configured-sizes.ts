/** The sizes of managed nodegroups that Auto Scaling shows with more than what was saved. */
import type { DecisionRecorder } from '#functions/shared/decision-recorder.ts';
import { isRaised } from './observe.ts';
import type { Group, Groups, Memory } from './ports.ts';

/** With the sizes that EKS has configured. A group for which they cannot be read is left out. */
export async function observeConfiguredSizes(
  groups: readonly Group[],
  memory: Memory,
  ports: Pick<Groups, 'configuredSize'>,
  recorder: DecisionRecorder,
): Promise<readonly Group[]> {
  const observed = await Promise.all(
    groups.map((group) =>
      isRaised(group, memory)
        ? recorder.guard(group.name, async () => ({
            ...group,
            size: (await ports.configuredSize(group))?.size ?? group.size,
          }))
        : group,
    ),
  );
  return observed.filter((group) => group !== undefined);
}
