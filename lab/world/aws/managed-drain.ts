/**
 * EKS's own handling of the lifecycle hooks of managed nodegroups: new nodes continue at once; before termination it
 * cordons and evicts for at most 15 minutes (or the nodegroup's setting). Budgets delay it, but do not stop it.
 */
import type { Lifecycle } from './lifecycle.ts';
import type { LifecycleAction } from './model.ts';
import type { State } from './state.ts';

const LAUNCH_ANSWER = 2_000;
const EVICT_EVERY = 5_000;
/** Delays of EKS's notification and workflow. */
const REACTION: readonly [number, number] = [2_000, 6_000];

export function answerEksHooks(state: State, lifecycle: Lifecycle): void {
  const clock = state.context.clock;

  const answer = ({ instance, hook, token }: LifecycleAction) => {
    // The action may have ended: the instance was terminated in another way.
    if (!lifecycle.isPending(token)) return;
    lifecycle.complete(instance.group, {
      group: instance.group.name,
      hook: hook.name,
      token,
      result: 'CONTINUE',
    });
  };

  const drain = (action: LifecycleAction) => {
    const { instance, startedAt } = action;
    const nodes = instance.group.cluster.nodes;
    const patience = (instance.group.nodegroup?.drainMinutes ?? 0) * 60_000;
    if (!nodes || instance.state !== 'running' || state.now() - startedAt >= patience) {
      answer(action);
      return;
    }
    nodes.cordon(instance.id);
    if (nodes.evict(instance.id)) answer(action);
    else clock.after(EVICT_EVERY, () => drain(action));
  };

  lifecycle.onAction((action) => {
    if (!action.instance.group.nodegroup) return;
    if (action.hook.name === 'Launch-LC-Hook') clock.after(LAUNCH_ANSWER, () => answer(action));
    if (action.hook.name === 'Terminate-LC-Hook')
      clock.after(state.between(...REACTION), () => drain(action));
  });
}
