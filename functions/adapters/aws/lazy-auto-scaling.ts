/** Loads the client of Auto Scaling with its first call: most spot notices need none. */
import type { Groups, Lifecycle } from '#functions/spot-drain/ports.ts';

export function lazyAutoScaling(now: () => Date): {
  readonly groups: Groups;
  readonly lifecycle: Lifecycle;
} {
  let loading: Promise<{ readonly groups: Groups; readonly lifecycle: Lifecycle }> | undefined;
  const load = () => {
    loading ??= import('./lifecycle.ts').then(({ createAutoScaling }) => createAutoScaling(now));
    return loading;
  };
  return {
    groups: {
      ofInstance: async (instanceId) => (await load()).groups.ofInstance(instanceId),
      waitingToTerminate: async () => (await load()).groups.waitingToTerminate(),
      named: async (name) => (await load()).groups.named(name),
      replace: async (group, instanceId) => (await load()).groups.replace(group, instanceId),
    },
    lifecycle: {
      terminateHooks: async (group) => (await load()).lifecycle.terminateHooks(group),
      times: async (hook) => (await load()).lifecycle.times(hook),
      heartbeat: async (hook, instanceId) => (await load()).lifecycle.heartbeat(hook, instanceId),
      complete: async (hook, instanceId) => (await load()).lifecycle.complete(hook, instanceId),
    },
  };
}
