/**
 * What EKS itself does with the lifecycle hooks of managed nodegroups: it lets new nodes in, and before a node goes it
 * cordons and evicts for at most 15 minutes (or what the nodegroup says). Budgets slow it down; they do not stop it.
 */
import type { Lifecycle } from './lifecycle.ts';
import type { LifecycleAction } from './model.ts';
import type { State } from './state.ts';

const LAUNCH_ANSWER = 2_000;
const EVICT_EVERY = 5_000;
/** EKS learns of the hook through a topic and answers through its own workflow: neither is instant. */
const REACTION: readonly [number, number] = [2_000, 6_000];

export function answerEksHooks(state: State, lifecycle: Lifecycle): void {
  const clock = state.context.clock;

  const answer = ({ instance, hook, token }: LifecycleAction) => {
    // The action may be void by now: the instance was lost in another way.
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
