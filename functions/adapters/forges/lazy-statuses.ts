/** Loads the adapters of the forges with the first status: a quiet start needs none of them. */
import type { StatusQueue } from '#functions/branch-deploy/ports.ts';
import type { BranchDeploySettings } from '#model/settings.ts';

/** Undefined where commits show nothing. */
export function lazyStatuses(
  status: BranchDeploySettings['status'],
  now: () => Date,
): StatusQueue | undefined {
  if (!status) return undefined;
  let loading: Promise<StatusQueue> | undefined;
  const load = () => {
    loading ??= import('./forge-statuses.ts').then(({ createForgeStatuses }) =>
      createForgeStatuses(status, now),
    );
    return loading;
  };
  return {
    add(one, source) {
      // An error of loading is that of `flush`.
      load().then(
        (queue) => queue.add(one, source),
        () => undefined,
      );
    },
    flush: async () => (loading ? (await loading).flush() : []),
  };
}
