/**
 * Lifecycle actions that nobody works on: their event was lost, or every attempt died before its claim. The group shows
 * that an instance waits, and the action is completed by the instance instead of by its token.
 */
import { isOurHook } from './decide.ts';
import type { Notice } from './event.ts';
import type { Context } from './ports.ts';
import type { Claim } from './records.ts';

type Lifecycle = Notice & { readonly kind: 'lifecycle' };

/** As notices, for whoever responds to them. */
export async function findForgottenActions(
  context: Context,
  claims: readonly Claim[],
  trigger: string,
): Promise<readonly Lifecycle[]> {
  const { clock, groups, lifecycle, recorder, settings } = context;
  const waiting = await groups.waitingToTerminate();
  const hooksOf = new Map<string, readonly string[]>();
  await recorder.guardEach(
    [...new Set(waiting.values())],
    (name) => `hooks of ${name}`,
    async (name) => {
      const group = await groups.named(name);
      if (!group?.clusters.includes(settings.cluster) || group.nodegroup) return;
      const hooks = await lifecycle.terminateHooks(name);
      hooksOf.set(
        name,
        hooks.filter((hook) => isOurHook(settings, hook)),
      );
    },
  );
  const isKnown = (instanceId: string, group: string, name: string) =>
    claims.some(
      (claim) =>
        claim.instanceId === instanceId &&
        claim.hooks.some((hook) => hook.group === group && hook.name === name),
    );
  return [...waiting].flatMap(([instanceId, group]) =>
    (hooksOf.get(group) ?? [])
      .filter((name) => !isKnown(instanceId, group, name))
      .map((name) => ({
        kind: 'lifecycle' as const,
        instanceId,
        at: clock.now(),
        trigger,
        hook: { group, name },
      })),
  );
}
